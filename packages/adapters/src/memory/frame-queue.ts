/**
 * A bounded queue of frames, kept as the batches they will be delivered in.
 *
 * It is a ring of batches, allocated once. A frame is copied once, into the batch that is filled at present, and is delivered from
 * there: so its receiver gets many frames a call, with headroom, in order, and may rewrite them. What is delivered is never what is
 * filled, also if the receiver sends into the same queue from within its call. Memory that no frame has used yet costs only
 * addresses.
 */
import { FRAME_HEADROOM, type FrameBatch, makeFrameBatch, slotStride } from '../nic/frame-batch.js'

/** Frames waiting to be delivered. */
export interface FrameQueue {
  /** Frames it holds at most. */
  readonly capacity: number
  /** Frames in it. */
  readonly size: () => number
  /** Copies the frame into the queue; returns whether there was room. The frame must not be longer than the queue was made for. */
  readonly push: (bytes: Uint8Array, start: number, end: number, offload: number) => boolean
  /**
   * Takes out the oldest frames, at most one batch of them; returns `undefined` if there are none. The batch is the caller's until
   * {@link FrameQueue.release}.
   */
  readonly take: () => FrameBatch | undefined
  /** Gives back the batch taken last. */
  readonly release: () => void
  /** Empties the queue, but for a batch that is taken; returns the number of frames that it held. */
  readonly clear: () => number
}

/** Makes a queue for `frames` frames of up to `frameBytes`, delivered in batches of up to `batchFrames`. All are positive whole numbers. */
export const makeFrameQueue = (frames: number, frameBytes: number, batchFrames: number): FrameQueue => {
  // One batch more than its frames fill: while one is taken, the others hold all that the queue is for.
  const ring = Array.from({ length: Math.ceil(frames / batchFrames) + 2 }, () => makeFrameBatch(batchFrames, frameBytes))
  const stride = slotStride(frameBytes)
  let size = 0
  let oldest = 0
  let filling = 0
  let taken = false
  let batch = ring[0]

  const next = (index: number): number => (index + 1 === ring.length ? 0 : index + 1)
  const advance = (): boolean => {
    const after = next(filling)
    if (after === oldest) return false
    filling = after
    batch = ring[filling]
    return true
  }

  return {
    capacity: frames,
    size: () => size,
    push: (bytes, start, end, offload) => {
      if (size >= frames || batch === undefined) return false
      if (batch.count === batchFrames && !advance()) return false
      const i = batch.count
      const at = i * stride + FRAME_HEADROOM
      copyFrame(bytes, start, end, batch.bytes, at)
      batch.start[i] = at
      batch.length[i] = end - start
      batch.offload[i] = offload
      batch.count = i + 1
      size++
      return true
    },
    take: () => {
      if (size === 0 || taken) return undefined
      if (oldest === filling && !advance()) return undefined
      taken = true
      const full = ring[oldest]
      size -= full?.count ?? 0
      return full
    },
    release: () => {
      const empty = ring[oldest]
      if (!taken || empty === undefined) return
      empty.count = 0
      taken = false
      oldest = next(oldest)
    },
    clear: () => {
      const held = size
      for (let i = taken ? next(oldest) : oldest; ; i = next(i)) {
        const each = ring[i]
        if (each !== undefined) each.count = 0
        if (i === filling) break
      }
      filling = taken ? next(oldest) : oldest
      batch = ring[filling]
      size = 0
      return held
    },
  }
}

/**
 * Copies bytes from one buffer to another. `set` needs a view of the source, an object a frame, which costs more than a short
 * frame's bytes do.
 */
export const copyFrame = (from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void => {
  if (end - start > LOOP_BYTES) to.set(start === 0 && end === from.length ? from : from.subarray(start, end), at)
  else for (let i = start, j = at; i < end; i++, j++) to[j] = from[i] ?? 0
}

const LOOP_BYTES = 128
