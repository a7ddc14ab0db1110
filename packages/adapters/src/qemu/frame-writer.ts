/**
 * From frames to a stream of bytes, in two buffers that take turns: one is filled while the other is with the system.
 *
 * All frames that were given in the meantime leave in one write, so a slow reader gets few long writes, and a queue has a fixed bound.
 */
import { LENGTH_BYTES } from './qemu-options.js'

/** A bounded queue of frames on their way to a stream. */
export class FrameWriter {
  readonly #capacity: number
  #filling: Uint8Array
  #idle: Uint8Array
  #end = 0
  #frames = 0
  #outBytes = 0
  #outFrames = 0
  #writing = false

  /** @param capacity - bytes that may wait, length fields included */
  constructor(capacity: number) {
    this.#capacity = capacity
    this.#filling = new Uint8Array(capacity)
    this.#idle = new Uint8Array(capacity)
  }

  /** Copies a frame to the end of the queue; `false` if it does not fit. */
  push(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    const at = this.#end + LENGTH_BYTES
    if (at + length > this.#capacity) return false
    const to = this.#filling
    to[at - 4] = length >>> 24
    to[at - 3] = length >>> 16
    to[at - 2] = length >>> 8
    to[at - 1] = length
    to.set(bytes.subarray(start, end), at)
    this.#end = at + length
    this.#frames++
    return true
  }

  /**
   * What waits, to be written at once; nothing if there is nothing, or if what was taken before is still with the system. The bytes are the
   * writer's until {@link FrameWriter.written} is called.
   */
  take(): Uint8Array | undefined {
    if (this.#writing || this.#end === 0) return undefined
    const full = this.#filling
    this.#writing = true
    this.#outFrames = this.#frames
    this.#outBytes = this.#end - this.#frames * LENGTH_BYTES
    this.#filling = this.#idle
    this.#idle = full
    const taken = full.subarray(0, this.#end)
    this.#end = 0
    this.#frames = 0
    return taken
  }

  /**
   * What waits, though what was taken before may still be with the system: nothing may be pushed any more. One call of
   * {@link FrameWriter.written} stands for both.
   */
  rest(): Uint8Array {
    const rest = this.#filling.subarray(0, this.#end)
    this.#outBytes += this.#end - this.#frames * LENGTH_BYTES
    this.#outFrames += this.#frames
    this.#end = 0
    this.#frames = 0
    return rest
  }

  /** What was taken has been written; how much that was, which is nothing after {@link FrameWriter.lose}. */
  written(): { readonly frames: number; readonly bytes: number } {
    const done = { frames: this.#outFrames, bytes: this.#outBytes }
    this.#writing = false
    this.#outFrames = 0
    this.#outBytes = 0
    return done
  }

  /** Gives up all that waits or is with the system; how many frames that was. */
  lose(): number {
    const lost = this.#frames + this.#outFrames
    this.#end = 0
    this.#frames = 0
    this.#outFrames = 0
    this.#outBytes = 0
    return lost
  }
}
