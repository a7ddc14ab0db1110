/** What `recvmmsg` and `sendmmsg` take: an array of `struct mmsghdr`, each with one `struct iovec`, prepared once. */
import type { Linux } from './linux.js'

/** Bytes of `struct mmsghdr`. */
export const MESSAGE_BYTES = 64
const IOVEC_BYTES = 16
/** Offsets inside the header, in words of 4 bytes. */
const IOV = 4
const IOV_COUNT = 6
const LENGTH = 14

/** The array. Its memory is referred to for as long as this object is. */
export class MessageVector {
  /** Address of the first header; the next one is {@link MESSAGE_BYTES} further. */
  readonly address: number
  readonly #words: Uint32Array
  readonly #vectors: number

  constructor(linux: Linux, slots: number) {
    const memory = new ArrayBuffer(slots * (MESSAGE_BYTES + IOVEC_BYTES))
    this.address = linux.addressOf(memory)
    this.#words = new Uint32Array(memory)
    this.#vectors = (slots * MESSAGE_BYTES) / 4
    for (let i = 0; i < slots; i++) {
      this.#putAddress((i * MESSAGE_BYTES) / 4 + IOV, this.address + slots * MESSAGE_BYTES + i * IOVEC_BYTES)
      this.#words[(i * MESSAGE_BYTES) / 4 + IOV_COUNT] = 1
    }
  }

  /** Where message `i` is, or goes. */
  set(i: number, address: number, length: number): void {
    const at = this.#vectors + (i * IOVEC_BYTES) / 4
    this.#putAddress(at, address)
    this.#words[at + 2] = length
  }

  /** Bytes that came as message `i`. */
  received(i: number): number {
    return this.#words[(i * MESSAGE_BYTES) / 4 + LENGTH] ?? 0
  }

  #putAddress(at: number, address: number): void {
    this.#words[at] = address % 0x1_0000_0000
    this.#words[at + 1] = address / 0x1_0000_0000
  }
}
