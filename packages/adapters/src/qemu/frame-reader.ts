/**
 * From a stream of bytes to batches of frames.
 *
 * A read gives what has arrived, so a length or a frame may lie across any number of reads. Frames are collected in the slots of one
 * batch: the whole ones are delivered when the read is used up or the slots are, and what there is of the next one is moved
 * to the first slot and goes on there.
 *
 * Each read is copied into room behind the slots first, and frame by frame from there: within one array that needs no view, so nothing is
 * allocated per frame. Two copies of a frame in the cache cost less than one object.
 */
import { type FrameBatch, batchBytes, makeFrameBatch, slotStart } from '../nic/frame-batch.js'
import { LENGTH_BYTES } from './qemu-options.js'

/** Bytes of a read looked at in one go: what Node reads from a socket at most. */
const STAGE = 65_536

/** Longest frame that QEMU 7.2 itself would put on a stream, and then some. Beyond it the stream is taken to be out of step. */
export const MAX_STREAM_FRAME = 131_072

/** Bytes of an Ethernet header. */
const LEAST = 14

/** Frames of a batch. */
const slotsFor = (frameBytes: number): number => (frameBytes > 16_384 ? 16 : 64)

/** Who is told what came. */
export interface FrameReaderHooks {
  /** Whole frames; the answer is whether more are wanted. */
  readonly deliver: (batch: FrameBatch) => boolean
  /** A frame that is none of ours: skipped, and the stream goes on behind it. */
  readonly drop: (reason: 'TooLong' | 'TooShort') => void
}

/** Takes a stream apart. One reader serves one connection after the other. */
export class FrameReader {
  readonly #frameBytes: number
  readonly #hooks: FrameReaderHooks
  readonly #batch: FrameBatch
  readonly #slots: number
  readonly #stage: number
  /** Bytes of the length field read so far. */
  #lengthRead = 0
  /** Length of the frame, as far as read. */
  #length = 0
  /** Bytes of the frame that are in its slot, or skipped. */
  #have = 0

  /** @param frameBytes - the longest frame that is delivered */
  constructor(frameBytes: number, hooks: FrameReaderHooks) {
    const slots = slotsFor(frameBytes)
    this.#frameBytes = frameBytes
    this.#hooks = hooks
    this.#slots = slots
    this.#stage = batchBytes(slots, frameBytes)
    this.#batch = makeFrameBatch(slots, frameBytes, new Uint8Array(this.#stage + STAGE))
  }

  /**
   * Takes the next bytes of the stream; the frames that end in them are delivered before it returns.
   *
   * @returns why the stream cannot be understood any more, or `undefined`
   */
  push(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length; at += STAGE) {
      const piece = chunk.length <= STAGE ? chunk : chunk.subarray(at, at + STAGE)
      this.#batch.bytes.set(piece, this.#stage)
      const bad = this.#take(this.#stage, this.#stage + piece.length)
      if (bad !== undefined) return bad
    }
    return undefined
  }

  /** Forgets what there is of a frame: the next bytes are of another connection. */
  reset(): void {
    this.#lengthRead = 0
    this.#length = 0
    this.#have = 0
    this.#batch.count = 0
  }

  #take(from: number, to: number): string | undefined {
    const batch = this.#batch
    const bytes = batch.bytes
    for (let at = from; at < to; ) {
      if (this.#lengthRead < LENGTH_BYTES) {
        this.#length = this.#length * 256 + (bytes[at] ?? 0)
        this.#lengthRead++
        at++
        if (this.#lengthRead < LENGTH_BYTES) continue
        if (this.#length === 0 || this.#length > MAX_STREAM_FRAME) {
          const bad = `a frame of ${this.#length} bytes`
          this.#deliver()
          return bad
        }
        continue
      }
      const part = Math.min(this.#length - this.#have, to - at)
      const wanted = this.#length <= this.#frameBytes && this.#length >= LEAST
      if (wanted) bytes.copyWithin(slotStart(batch.count, this.#frameBytes) + this.#have, at, at + part)
      at += part
      this.#have += part
      if (this.#have === this.#length && !this.#finish(wanted)) return undefined
    }
    if (this.#deliver()) this.#carry()
    return undefined
  }

  /** The frame is whole; whether to go on. */
  #finish(wanted: boolean): boolean {
    const batch = this.#batch
    if (wanted) {
      batch.start[batch.count] = slotStart(batch.count, this.#frameBytes)
      batch.length[batch.count] = this.#length
      batch.verdict[batch.count] = 0
      batch.reason[batch.count] = 0
      batch.offload[batch.count] = 0
      batch.count++
    } else this.#hooks.drop(this.#length < LEAST ? 'TooShort' : 'TooLong')
    this.#lengthRead = 0
    this.#length = 0
    this.#have = 0
    if (batch.count < this.#slots) return true
    const more = this.#deliver()
    batch.count = 0
    return more
  }

  #deliver(): boolean {
    return this.#batch.count === 0 || this.#hooks.deliver(this.#batch)
  }

  /** Moves what there is of the next frame to the first slot, as those before it were delivered. */
  #carry(): void {
    const { bytes, count } = this.#batch
    if (count > 0 && this.#have > 0 && this.#length <= this.#frameBytes) {
      const at = slotStart(count, this.#frameBytes)
      bytes.copyWithin(slotStart(0, this.#frameBytes), at, at + this.#have)
    }
    this.#batch.count = 0
  }
}
