/**
 * Frames too long for a tunnel, on their way from a VM's NIC into the switch.
 *
 * A stack that leaves segmentation to its NIC gives packets of up to 65,535 bytes, around which no tunnel fits any more. A batch
 * without such frames goes on as it is. Of one with some, each frame goes on as a batch of its own, in order; the long ones as
 * several, still unfinished. That costs, but only one frame in 64 KB.
 */
import { type FrameBatch, makeFrameBatch, segmentOf } from '../nic/frame-batch.js'
import { ENCAPSULABLE_BYTES, Splitter } from '../offload/index.js'

/** Cuts what is too long. */
export class Chopper {
  readonly #splitter = new Splitter()
  readonly #arrays = makeFrameBatch(1, 0)
  #pieces = 0

  /**
   * Gives the batch to `take`, in one or in parts. A frame that cannot be split goes on as it is: if it is not encapsulated it may
   * pass, and if it is, its port says why not.
   */
  chop(batch: FrameBatch, take: (batch: FrameBatch) => void): void {
    if (!hasLong(batch)) {
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
      this.#splitter.split(bytes, at, end, word, ENCAPSULABLE_BYTES, one)
      if (this.#pieces === 0) one(bytes, at, end, word)
    }
  }
}

const hasLong = ({ length, offload, count }: FrameBatch): boolean => {
  for (let i = 0; i < count; i++) if ((length[i] ?? 0) > ENCAPSULABLE_BYTES && segmentOf(offload[i] ?? 0) > 0) return true
  return false
}
