/**
 * Frames that leave later than they came: delayed for a time, or held back until others have passed.
 *
 * Delayed frames are a heap by the time they are due, and by their order where that is the same: a constant delay keeps the order. Those
 * held back are few, a list in order of arrival. One timer serves all, and there is none while the pen is empty. A frame kept here is
 * copied; this is the one place where the wrapper allocates per frame.
 */
import type { Timers } from '../nic/timers.js'

/** A frame that waits. */
export interface Held {
  readonly bytes: Uint8Array
  readonly offload: number
  /** Time at which it leaves at the latest, milliseconds of the timers. */
  readonly due: number
  readonly order: number
  /** Later frames that are to pass before. */
  overtakers: number
}

/** Frames that wait. */
export interface HoldingPen {
  readonly size: () => number
  /** Keeps a copy of the frame for `ms` milliseconds. */
  readonly delay: (bytes: Uint8Array, start: number, end: number, offload: number, ms: number) => void
  /** Keeps a copy until {@link HoldingPen.overtake} was called `overtakers` times, or for `ms` milliseconds. */
  readonly holdBack: (bytes: Uint8Array, start: number, end: number, offload: number, overtakers: number, ms: number) => void
  /** Counts a later frame that passed, and releases the frames that waited for it. */
  readonly overtake: () => void
  /** Releases all frames, in the order in which they are due. */
  readonly empty: () => void
  /** Drops all frames; returns their number. */
  readonly clear: () => number
}

/** Makes a pen that releases frames to `emit`, and calls `emitted` when the timer has released some. */
export const makeHoldingPen = (timers: Timers, emit: (frame: Held) => void, emitted: () => void): HoldingPen => {
  let heap: Held[] = []
  let back: Held[] = []
  let order = 0
  let armedFor = Infinity
  let cancel: (() => void) | undefined

  const held = (bytes: Uint8Array, start: number, end: number, offload: number, ms: number, overtakers: number): Held => ({
    bytes: bytes.slice(start, end), offload, due: timers.nowMs() + ms, order: order++, overtakers,
  })

  const arm = (): void => {
    const due = Math.min(heap[0]?.due ?? Infinity, back[0]?.due ?? Infinity)
    if (due === armedFor) return
    cancel?.()
    armedFor = due
    cancel = due === Infinity ? undefined : timers.after(Math.max(0, due - timers.nowMs()), ring)
  }

  const ring = (): void => {
    armedFor = Infinity
    cancel = undefined
    const now = timers.nowMs()
    release(now)
    arm()
    emitted()
  }

  const release = (until: number): void => {
    for (;;) {
      const delayed = heap[0]
      const first = back[0]
      if (delayed !== undefined && delayed.due <= until && (first === undefined || isBefore(delayed, first))) emit(pop(heap, delayed))
      else if (first !== undefined && first.due <= until) {
        back.shift()
        emit(first)
      } else return
    }
  }

  return {
    size: () => heap.length + back.length,
    delay: (bytes, start, end, offload, ms) => {
      push(heap, held(bytes, start, end, offload, ms, 0))
      arm()
    },
    holdBack: (bytes, start, end, offload, overtakers, ms) => {
      back.push(held(bytes, start, end, offload, ms, overtakers))
      arm()
    },
    overtake: () => {
      if (back.length === 0) return
      for (const each of back) each.overtakers--
      const free = back.filter(({ overtakers }) => overtakers <= 0)
      if (free.length === 0) return
      back = back.filter(({ overtakers }) => overtakers > 0)
      arm()
      for (const each of free) emit(each)
    },
    empty: () => {
      release(Infinity)
      arm()
    },
    clear: () => {
      const forgotten = heap.length + back.length
      heap = []
      back = []
      arm()
      return forgotten
    },
  }
}

const isBefore = (a: Held, b: Held): boolean => a.due < b.due || (a.due === b.due && a.order < b.order)

const push = (heap: Held[], entry: Held): void => {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up]
    if (parent === undefined || !isBefore(entry, parent)) break
    heap[at] = parent
    at = up
  }
  heap[at] = entry
}

/** Takes out the first frame, which is the root. */
const pop = (heap: Held[], root: Held): Held => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return root
  let at = 0
  for (;;) {
    const left = heap[2 * at + 1]
    const right = heap[2 * at + 2]
    const least = right !== undefined && left !== undefined && isBefore(right, left) ? right : left
    if (least === undefined || !isBefore(least, last)) break
    heap[at] = least
    at = least === left ? 2 * at + 1 : 2 * at + 2
  }
  heap[at] = last
  return root
}
