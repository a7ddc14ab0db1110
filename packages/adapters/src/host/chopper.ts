/**
 * Frames that cannot enter the switch whole, on their way from a NIC:
 *
 * - **Too long for a tunnel.** A stack that leaves segmentation to its NIC gives packets of up to 65,535 bytes, around which no tunnel fits
 *   any more. They go on as several, still unfinished.
 * - **Several packets of a tunnel in one.** UDP datagrams to be cut may each hold a frame of its own (VXLAN sent by a program, or
 *   joined by the physical NIC). The switch would look into the first and take the others for what is behind it. So such a frame is cut into its datagrams.
 *   From the network every such frame is, since any port may be a tunnel's; from a VM those that the parser looks into, as the switch does not look
 *   into others.
 *
 * A batch without such frames goes on as it is. Of one with some, each frame goes on as a batch of its own, in order. That costs, but
 * only one frame in 64 KB.
 */
import { type FrameView, makeFrameView, OFFLOAD_UDP, offloadPlace, parseFrame, Reason, Slot, SLOTS, Verify, wire } from '@vfp-ts/core'
import { type FrameBatch, makeFrameBatch, segmentOf } from '../nic/frame-batch.js'
import { ENCAPSULABLE_BYTES, Splitter } from '../offload/index.js'

const { UDP_LENGTH } = wire.udp

/** Cuts what cannot enter. */
export class Chopper {
  readonly #anyPort: boolean
  readonly #splitter = new Splitter()
  readonly #arrays = makeFrameBatch(1, 0)
  readonly #view: FrameView = makeFrameView()
  #pieces = 0

  /** @param side - where its frames come from */
  constructor(side: 'vm' | 'network') {
    this.#anyPort = side === 'network'
  }

  /**
   * Gives the batch to `take`, whole or in parts. A frame that cannot be split goes on as it is: if it is not encapsulated it may
   * pass, and if it is, its port counts why it was dropped.
   */
  chop(batch: FrameBatch, take: (batch: FrameBatch) => void): void {
    if (!this.#hasAny(batch)) {
      take(batch)
      return
    }
    const { bytes, start, length, offload, count } = batch
    const one = (from: Uint8Array, at: number, end: number, word: number): boolean => {
      const single = { ...this.#arrays, bytes: from, count: 1 }
      single.start[0] = at
      single.length[0] = end - at
      single.offload[0] = word
      this.#pieces++
      take(single)
      return true
    }
    for (let i = 0; i < count; i++) {
      const at = start[i] ?? 0
      const end = at + (length[i] ?? 0)
      const word = offload[i] ?? 0
      this.#pieces = 0
      this.#splitter.split(bytes, at, end, word, this.#most(bytes, at, end, word), one)
      if (this.#pieces === 0) one(bytes, at, end, word)
    }
  }

  #hasAny({ bytes, start, length, offload, count }: FrameBatch): boolean {
    for (let i = 0; i < count; i++) {
      const size = length[i] ?? 0
      const at = start[i] ?? 0
      if (segmentOf(offload[i] ?? 0) > 0 && size > this.#most(bytes, at, at + size, offload[i] ?? 0)) return true
    }
    return false
  }

  /** Most bytes of each part of a frame to be segmented. */
  #most(bytes: Uint8Array, start: number, end: number, offload: number): number {
    const place = offloadPlace(offload)
    const datagrams = place > 0 && (offload & OFFLOAD_UDP) !== 0
    if (!datagrams || !(this.#anyPort || this.#holdsFrames(bytes, start, end, place))) return ENCAPSULABLE_BYTES
    return end - start - place + UDP_LENGTH + segmentOf(offload)
  }

  /** Whether the parser looks into what the UDP header at the place carries. */
  #holdsFrames(bytes: Uint8Array, start: number, end: number, place: number): boolean {
    const view = this.#view
    if (parseFrame(view, bytes, start, end, undefined, Verify.None) !== Reason.Ok) return true
    return (view.slots[(view.depth - 1) * SLOTS + Slot.L4] ?? 0) > end - place
  }
}
