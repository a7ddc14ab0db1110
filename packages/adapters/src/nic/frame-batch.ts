/**
 * Frames as a NIC delivers them: many in one buffer, each with room in front, rewritten in place by the engine.
 *
 * All slots have one size, so frames lie in ascending order whatever their lengths.
 */
import { type Batch, OFFLOAD_PARTIAL, OFFLOAD_PLACE, OFFLOAD_SEGMENT } from '@vfp-ts/core'

/** Bytes of free room in front of each frame of a batch, for what encapsulation adds: two IPv6 encapsulations with options, and some to spare. */
export const FRAME_HEADROOM = 256

/**
 * The frames of one delivery, each with what its sender left undone.
 *
 * A batch belongs to the NIC that fills it. It is filled again and again, so nothing is allocated per frame; a receiver may rewrite it during
 * the call and must not keep it. Each frame has at least {@link FRAME_HEADROOM} free bytes in front of it.
 */
export interface FrameBatch extends Batch {
  /** Per frame, the word that says what its sender left undone, as {@link offloadOf} and {@link placedOffload} make it; 0 for a finished frame. */
  readonly offload: Float64Array
  /** Frames in the batch: the first `count` entries of the arrays mean something. Set by the NIC that fills the batch. */
  count: number
}

/**
 * Returns the word that says what is left to do to a frame.
 *
 * @param partial - whether the checksum of its innermost transport header is not computed; a frame to be segmented is partial as well
 * @param segment - bytes of payload that each segment of the innermost TCP stream or UDP datagram carries, 1–65,535; 0 if the frame is not to be segmented
 */
export const offloadOf = (partial: boolean, segment: number): number => (partial || segment > 0 ? OFFLOAD_PARTIAL : 0) | (segment & OFFLOAD_SEGMENT)

/**
 * Returns the word of an unfinished frame that names its transport header by place. So it may lie inside a tunnel that the parser does not know.
 *
 * @param place - bytes from the transport header's first byte to the frame's end, at least 1
 * @param segment - as for {@link offloadOf}
 * @param flags - `OFFLOAD_UDP` where the header is UDP, else it is TCP; `OFFLOAD_ACCURATE_ECN` where every segment repeats the ECN flags; 0 for neither
 */
export const placedOffload = (place: number, segment: number, flags: number): number =>
  place * OFFLOAD_PLACE + (OFFLOAD_PARTIAL | flags | (segment & OFFLOAD_SEGMENT))

/** Returns whether the word says that the transport checksum is not computed. */
export const isPartial = (offload: number): boolean => (offload & OFFLOAD_PARTIAL) !== 0

/** Returns the bytes of payload that the word wants in each segment, 1–65,535; 0 if the frame is not to be segmented. */
export const segmentOf = (offload: number): number => offload & OFFLOAD_SEGMENT

/**
 * Makes an empty batch with room for `slots` frames of up to `frameBytes` bytes each, and {@link FRAME_HEADROOM} in front of each.
 *
 * @param bytes - the buffer, for memory that a system call fills; it must hold {@link batchBytes}. A new one unless given
 *
 * @example
 * ```ts
 * import { makeFrameBatch, offloadOf, slotStart } from '@vfp-ts/adapters/nic'
 *
 * const batch = makeFrameBatch(64, 1_522)
 * const at = slotStart(0, 1_522)
 * batch.bytes.set(new Uint8Array(60), at)
 * batch.start[0] = at
 * batch.length[0] = 60
 * batch.offload[0] = offloadOf(false, 0)
 * batch.count = 1
 * console.log(at, batch.bytes.length)
 * ```
 *
 * ```text output
 * 256 118784
 * ```
 */
export const makeFrameBatch = (slots: number, frameBytes: number, bytes: Uint8Array = new Uint8Array(batchBytes(slots, frameBytes))): FrameBatch => ({
  bytes,
  start: new Uint32Array(slots),
  length: new Uint32Array(slots),
  verdict: new Uint8Array(slots),
  reason: new Uint16Array(slots),
  offload: new Float64Array(slots),
  count: 0,
})

/** Returns the bytes that a batch of `slots` frames of up to `frameBytes` bytes needs, headroom included. */
export const batchBytes = (slots: number, frameBytes: number): number => slots * slotStride(frameBytes)

/** Returns the bytes from one slot to the next: an odd number of cache lines, so that the starts of frames do not share one set of a cache. */
export const slotStride = (frameBytes: number): number => (Math.ceil((FRAME_HEADROOM + frameBytes) / 64) | 1) * 64

/** Returns the offset in the batch's bytes at which the frame of slot `i` (from 0) starts. */
export const slotStart = (i: number, frameBytes: number): number => i * slotStride(frameBytes) + FRAME_HEADROOM
