/** Cutting an unfinished frame into finished ones: TCP segments or UDP datagrams, inside any tunnels. */
import { segmentOf } from '../nic/frame-batch.js'
import { FinishCode } from './finish-code.js'
import { writeChecksums } from './layer-checksums.js'
import { sumPayload } from './sum-payload.js'
import { SuperFrame } from './super-frame.js'

/** Takes the finished frame at `start`–`end`, which it may change until it returns; returns whether it wants the next one. */
export type SegmentSink = (bytes: Uint8Array, start: number, end: number) => boolean

/**
 * Cuts frames, one at a time: it has the memory for that, 64 KB, and so must not be called from its own sink.
 *
 * Cost: per frame a copy; per segment its headers, and one pass over its payload for the checksum.
 */
export class Segmenter {
  private readonly frame = new SuperFrame()

  /**
   * Cuts the frame at `start`–`end` as its `offload` word says, and gives the segments to `sink` in order. All is checked before
   * the first one leaves; only the sink can stop it afterwards (`Stopped`). The frame itself is not changed.
   *
   * A frame that is not to be segmented, or is short enough, comes out as one, with its checksums. `mtu` are the most bytes of a
   * segment's network packet: a frame whose segments would be longer is refused as `TooLong`.
   */
  segment(bytes: Uint8Array, start: number, end: number, offload: number, sink: SegmentSink, mtu = Infinity): FinishCode {
    const { frame } = this
    const size = segmentOf(offload) || 0xffff
    const code = frame.load(bytes, start, end, offload)
    if (code !== FinishCode.Ok) return code
    if (frame.payload > size && start + frame.headers + size - frame.layers.network > mtu) return FinishCode.TooLong
    frame.copy()
    const { layers, words } = frame
    const room = frame.bytes
    const pieces = frame.payload === 0 ? 1 : Math.ceil(frame.payload / size)
    for (let i = 0; i < pieces; i++) {
      frame.cut(i, size, 1)
      writeChecksums(room, layers, frame.delta, frame.end, sumPayload(room, words, frame.start + frame.headers, frame.end))
      if (!sink(room, frame.start, frame.end)) return i === pieces - 1 ? FinishCode.Ok : FinishCode.Stopped
    }
    return FinishCode.Ok
  }
}

