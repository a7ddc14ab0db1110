/**
 * Splitting a long unfinished frame into shorter ones that are still unfinished.
 *
 * A frame of almost 64 KB cannot be encapsulated: the length fields of the new headers have 16 bits, and the engine refuses it
 * as `TooLong`. Its sender cannot be told, as it was promised that length. So whoever takes frames to be segmented from a stack, and may
 * encapsulate them, splits them first.
 */
import { OFFLOAD_PLACE, OFFLOAD_SEGMENT, offloadPlace } from '@vfp-ts/core'
import { FRAME_HEADROOM, segmentOf } from '../nic/frame-batch.js'
import { FinishCode } from './finish-code.js'
import { writePartialSum } from './layer-checksums.js'
import { SuperFrame } from './super-frame.js'

/** Longest frame that still fits its length fields whatever the engine pushes into the headroom of a batch. */
export const ENCAPSULABLE_BYTES = 0xffff - FRAME_HEADROOM

/** Takes an unfinished frame, to be rewritten in place with `FRAME_HEADROOM` in front of it; returns whether it wants the next one. */
export type SplitSink = (bytes: Uint8Array, start: number, end: number, offload: number) => boolean

/** Splits frames, one at a time, in memory of its own: it must not be called from its own sink. */
export class Splitter {
  private readonly frame = new SuperFrame()

  /**
   * Gives the frame at `start`–`end` to `sink`, as it is if it has at most `maxBytes`, else as several that have: each of whole
   * segments, with the headers of the first of them, and the partial checksum of its own length. A frame that is split is not
   * changed; one that needs no splitting is the sink's to change.
   *
   * A frame that is not to be segmented is not split either, and passed on whatever its length.
   */
  split(bytes: Uint8Array, start: number, end: number, offload: number, maxBytes: number, sink: SplitSink): FinishCode {
    const size = segmentOf(offload)
    if (size === 0 || end - start <= maxBytes) return sink(bytes, start, end, offload) ? FinishCode.Ok : FinishCode.Stopped
    const { frame } = this
    const code = frame.load(bytes, start, end, offload)
    if (code !== FinishCode.Ok) return code
    const segments = Math.floor((maxBytes - frame.headers) / size)
    if (segments < 1) return FinishCode.TooLong
    frame.copy()
    const step = segments * size
    const flags = offload & ~OFFLOAD_SEGMENT
    const pieces = Math.ceil(frame.payload / step)
    for (let i = 0; i < pieces; i++) {
      frame.cut(i, step, segments)
      writePartialSum(frame.bytes, frame.layers, frame.delta, frame.end)
      const left = frame.end - frame.start - frame.headers
      const place = offloadPlace(offload) === 0 ? 0 : frame.end - frame.layers.transport - frame.delta
      const word = place * OFFLOAD_PLACE + (left > size ? flags | size : flags)
      if (!sink(frame.bytes, frame.start, frame.end, word)) {
        return i === pieces - 1 ? FinishCode.Ok : FinishCode.Stopped
      }
    }
    return FinishCode.Ok
  }
}
