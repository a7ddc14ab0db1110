/**
 * Datagrams that wait to be sent, in two buffers that take turns: one is filled while the datagrams of the other are with the system.
 *
 * Node sends a datagram within the call if the system takes it at once, and otherwise keeps the bytes by reference until it
 * does; either way it tells later. So a buffer is filled again only after each of its datagrams was told of.
 */

/** Datagrams in one buffer. */
class Half {
  readonly bytes: Uint8Array
  readonly start: Uint32Array
  readonly length: Uint16Array
  readonly port: Uint16Array
  readonly hash: Uint16Array
  readonly address: string[]
  count = 0
  end = 0

  constructor(frames: number, bytes: number) {
    this.bytes = new Uint8Array(bytes)
    this.start = new Uint32Array(frames)
    this.length = new Uint16Array(frames)
    this.port = new Uint16Array(frames)
    this.hash = new Uint16Array(frames)
    this.address = new Array<string>(frames).fill('')
  }
}

/** Gives one datagram to the system. */
export type SendDatagram = (bytes: Uint8Array, start: number, length: number, port: number, address: string, hash: number) => void

/** A bounded queue of datagrams. */
export class DatagramQueue {
  #filling: Half
  #sending: Half
  /** Of `#sending`, those not told of. */
  #open = 0

  /** @param longest - bytes of the longest datagram's payload */
  constructor(frames: number, longest: number) {
    // Room for all of common length, or for a few of the longest.
    const bytes = Math.max(frames * Math.min(longest, 2048), 4 * longest)
    this.#filling = new Half(frames, bytes)
    this.#sending = new Half(frames, bytes)
  }

  /** Datagrams that wait or are with the system. */
  get pending(): number {
    return this.#filling.count + this.#open
  }

  /** Copies a payload to the end of the queue; `false` if there is no room. */
  push(bytes: Uint8Array, start: number, end: number, port: number, address: string, hash: number): boolean {
    const half = this.#filling
    const i = half.count
    const length = end - start
    if (i === half.start.length || half.end + length > half.bytes.length) return false
    const to = half.bytes
    const at = half.end
    to.set(bytes.subarray(start, end), at)
    half.start[i] = at
    half.length[i] = length
    half.port[i] = port
    half.hash[i] = hash
    half.address[i] = address
    half.end = at + length
    half.count++
    return true
  }

  /** Sends what waits, unless something is still with the system. */
  flush(send: SendDatagram): void {
    if (this.#open > 0 || this.#filling.count === 0) return
    const half = this.#filling
    this.#filling = this.#sending
    this.#sending = half
    this.#open = half.count
    for (let i = 0; i < half.count; i++) {
      send(half.bytes, half.start[i] ?? 0, half.length[i] ?? 0, half.port[i] ?? 0, half.address[i] ?? '', half.hash[i] ?? 0)
    }
    half.count = 0
    half.end = 0
  }

  /** One datagram was told of; whether that was the last of those with the system. */
  done(): boolean {
    this.#open--
    return this.#open === 0
  }
}
