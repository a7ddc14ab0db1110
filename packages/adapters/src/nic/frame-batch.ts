/**
 * Frames as a NIC delivers them: many in one buffer, each with room in front, rewritten in place by the engine.
 *
 * A batch belongs to the NIC that fills it and is filled again and again: nothing is allocated per frame. Slots are of one
 * size, so that frames lie in ascending order whatever their lengths, and each has the room in front of it that encapsulation needs.
 */
import { type Batch, OFFLOAD_PARTIAL, OFFLOAD_PLACE, OFFLOAD_SEGMENT } from '@vfp-ts/core'

/** Room in front of each frame, bytes: two IPv6 encapsulations with options, and a little. */
export const FRAME_HEADROOM = 256

/** A batch with what hardware would have been told of each frame. */
export interface FrameBatch extends Batch {
  /** Per frame, what its sender left undone: {@link offloadOf}. 0 for a finished frame. */
  readonly offload: Float64Array
  /** Set by whoever fills the batch. */
  count: number
}

/**
 * The word that tells what is left to do to a frame. `partial`: the checksum of its innermost transport header is not
 * computed. `segment`: bytes of payload a segment of the innermost TCP stream or UDP datagram is to carry, 1–65,535; 0 where it is not to be segmented.
 * A frame to be segmented is partial as well.
 */
export const offloadOf = (partial: boolean, segment: number): number => (partial || segment > 0 ? OFFLOAD_PARTIAL : 0) | (segment & OFFLOAD_SEGMENT)

/** The word of an unfinished frame whose transport header lies `place` bytes before its end; `flags` are `OFFLOAD_UDP` and `OFFLOAD_ACCURATE_ECN`. */
export const placedOffload = (place: number, segment: number, flags: number): number =>
  place * OFFLOAD_PLACE + (OFFLOAD_PARTIAL | flags | (segment & OFFLOAD_SEGMENT))

/** Whether the word says that the checksum is not computed. */
export const isPartial = (offload: number): boolean => (offload & OFFLOAD_PARTIAL) !== 0

/** Payload bytes a segment, 0 where the frame is not to be segmented. */
export const segmentOf = (offload: number): number => offload & OFFLOAD_SEGMENT

/**
 * An empty batch: `slots` frames of up to `frameBytes` each, with {@link FRAME_HEADROOM} in front. `bytes` may be given, for
 * memory that a system call fills; it has to hold {@link batchBytes}.
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

/** Bytes a batch of so many slots needs. */
export const batchBytes = (slots: number, frameBytes: number): number => slots * slotStride(frameBytes)

/** Distance from one slot to the next. An odd number of cache lines, so that the starts of frames do not share one set of a cache. */
export const slotStride = (frameBytes: number): number => (Math.ceil((FRAME_HEADROOM + frameBytes) / 64) | 1) * 64

/** Where slot `i`'s frame starts. */
export const slotStart = (i: number, frameBytes: number): number => i * slotStride(frameBytes) + FRAME_HEADROOM
