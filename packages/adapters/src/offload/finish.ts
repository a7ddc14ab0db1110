/**
 * The last step in front of a NIC: whatever a frame's sender left undone is done here, or left to the NIC where that can do it.
 *
 * What a NIC is trusted with is less than it may claim: the header in which a kernel is told of unfinished frames names one checksum, and
 * no tunnel. So frames inside tunnels are always finished here; and so are UDP datagrams to be cut, which kernels take
 * since Linux 6.2 only, and not more than 64 at a time. Segments of a connection with Accurate ECN are made here where a mark is to be repeated
 * on all of them: few kernels can be told.
 *
 * A segment that is longer than the NIC's MTU is not sent, and no other of its frame is: segments cannot be cut again
 * without telling the sender, which is the engine's task (see `PortSpec.mtu`).
 */
import { Frag, type FrameView, L4, makeFrameView, OFFLOAD_ACCURATE_ECN, offloadPlace, parseFrame, Reason, Slot, Verify, wire } from '@vfp-ts/core'
import { isPartial, segmentOf } from '../nic/frame-batch.js'
import { type Nic, SendCode } from '../nic/nic.js'
import { completeParsed } from './complete-checksum.js'
import { FinishCode, finishCodeName } from './finish-code.js'
import { Segmenter, type SegmentSink } from './segment.js'
import { hidesTransport, innermost } from './transport.js'

/** What a {@link Finisher} counts. */
export interface FinisherCounters {
  /** Frames whose checksums were computed here. */
  readonly completed: number
  /** Frames that were cut here. */
  readonly cut: number
  /** Segments made of them, given to a NIC, whatever it said. */
  readonly segments: number
  /** Unfinished frames left to a NIC. */
  readonly passed: number
  /** Frames not sent, by reason: the names of `FinishCode`. What a NIC refuses, it counts itself. */
  readonly refused: Readonly<Record<string, number>>
}

/** Finishes frames on their way to NICs. One serves any number of NICs. */
export class Finisher {
  private readonly view: FrameView = makeFrameView()
  private readonly segmenter = new Segmenter()
  private readonly refused = new Uint32Array(Object.keys(FinishCode).length)
  private completed = 0
  private cut = 0
  private segments = 0
  private passed = 0
  private wordsFor: Uint8Array | undefined
  private words: Int32Array | undefined
  /** Where the segments at hand go, and what became of the last one. */
  private nic: Nic | undefined
  private answer: SendCode = SendCode.Ok
  private readonly sink: SegmentSink = (bytes, start, end) => {
    if (this.nic === undefined) return false
    this.segments++
    this.answer = this.nic.send(bytes, start, end)
    return this.answer === SendCode.Ok
  }

  /**
   * Sends the frame at `start`–`end` by `nic`, finished as far as the NIC needs it. Checksum fields may be rewritten in place, nothing
   * else. Of a frame that is cut, the answer is that to the first segment which the NIC refuses; the ones behind it are not sent then.
   * `Unfinished` is what cannot be finished, and `TooLong` what makes segments beyond the NIC's MTU; of both nothing is sent.
   */
  send(nic: Nic, bytes: Uint8Array, start: number, end: number, offload: number): SendCode {
    if (!isPartial(offload)) return nic.send(bytes, start, end)
    const { view } = this
    const { slots } = view
    const readable = parseFrame(view, bytes, start, end, undefined, Verify.None) === Reason.Ok
    const s = innermost(view)
    const place = offloadPlace(offload)
    // What is named must be what the parser finds; it is not in a tunnel that the parser does not know, as one of a VM's own.
    const known = readable && (place === 0 || (slots[s + Slot.L4] === end - place && !hidesTransport(view)))
    if (!known) return place === 0 ? this.refuse(FinishCode.Unreadable) : this.cutFor(nic, bytes, start, end, offload)
    const kind = slots[s + Slot.L4_KIND]!
    const size = segmentOf(offload)
    const plain = view.depth === 1 && slots[s + Slot.FRAG] === Frag.Whole && (kind === L4.Tcp || kind === L4.Udp)
    if (size === 0 || slots[s + Slot.END]! - slots[s + Slot.PAYLOAD]! <= size) {
      if (plain && nic.offloads.checksum) {
        this.passed++
        return nic.send(bytes, start, end, offload - size)
      }
      const code = completeParsed(view, this.wordsOf(bytes))
      if (code !== FinishCode.Ok) return this.refuse(code)
      this.completed++
      return nic.send(bytes, start, end)
    }
    if (plain && kind === L4.Tcp && nic.offloads.segmentation && !countsMarks(view, offload)) {
      if (slots[Slot.PAYLOAD]! + size - slots[Slot.L3]! > nic.mtu()) return this.refuse(FinishCode.TooLong)
      this.passed++
      return nic.send(bytes, start, end, offload)
    }
    return this.cutFor(nic, bytes, start, end, offload)
  }

  /** Sends the segments of the frame, which may be one. */
  private cutFor(nic: Nic, bytes: Uint8Array, start: number, end: number, offload: number): SendCode {
    this.nic = nic
    this.answer = SendCode.Ok
    const code = this.segmenter.segment(bytes, start, end, offload, this.sink, nic.mtu())
    this.nic = undefined
    if (code !== FinishCode.Ok && code !== FinishCode.Stopped) return this.refuse(code)
    if (segmentOf(offload) === 0) this.completed++
    else this.cut++
    return this.answer
  }

  /** What was counted so far. */
  counters(): FinisherCounters {
    const refused: Record<string, number> = {}
    for (const code of Object.values(FinishCode)) if (this.refused[code]! > 0) refused[finishCodeName(code)] = this.refused[code]!
    return { completed: this.completed, cut: this.cut, segments: this.segments, passed: this.passed, refused }
  }

  /** The memory of `bytes` by words, where that can be; kept, since frames come from the same few buffers again and again. */
  private wordsOf(bytes: Uint8Array): Int32Array | undefined {
    if (bytes !== this.wordsFor) {
      this.wordsFor = bytes
      this.words = bytes.byteOffset % 4 === 0 ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2) : undefined
    }
    return this.words
  }

  private refuse(code: FinishCode): SendCode {
    this.refused[code]!++
    return code === FinishCode.TooLong ? SendCode.TooLong : SendCode.Unfinished
  }
}

/** Whether every segment is to have the flag CWR, which a NIC would leave to the first. */
const countsMarks = ({ bytes, slots }: FrameView, offload: number): boolean =>
  (offload & OFFLOAD_ACCURATE_ECN) !== 0 && (bytes[slots[Slot.L4]! + wire.tcp.TcpAt.FLAGS]! & wire.tcp.TcpFlag.Cwr) !== 0
