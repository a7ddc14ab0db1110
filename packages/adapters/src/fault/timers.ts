/** Time as a parameter of adapters that wait: a clock, and tasks for later. */

import { callAfter } from '../nic/timeout.js'

/** What tells the time and runs tasks later. */
export interface Timers {
  /** Milliseconds of a clock that only goes forward; fractions count. */
  readonly now: () => number
  /** Runs the task once in a later turn of the event loop, `ms` milliseconds or a little more from now; the answer calls it off. */
  readonly after: (ms: number, task: () => void) => () => void
}

/** The machine's own time. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, task) => callAfter(Math.ceil(ms), task, true),
}

/** Time that stands still until it is moved, for tests. */
export interface ManualTimers extends Timers {
  /** Moves the clock by so many milliseconds, and runs what falls due on the way at its own time, in order. */
  readonly advance: (ms: number) => void
  /** Tasks that wait. */
  readonly pending: () => number
}

/** Time from 0 that a test moves. */
export const manualTimers = (): ManualTimers => {
  let now = 0
  let waiting: readonly { readonly due: number; readonly task: () => void }[] = []
  return {
    now: () => now,
    after: (ms, task) => {
      const entry = { due: now + Math.max(0, ms), task }
      waiting = [...waiting, entry].sort((a, b) => a.due - b.due)
      return () => {
        waiting = waiting.filter((each) => each !== entry)
      }
    },
    advance: (ms) => {
      const end = now + ms
      for (let next = waiting[0]; next !== undefined && next.due <= end; next = waiting[0]) {
        waiting = waiting.slice(1)
        now = Math.max(now, next.due)
        next.task()
      }
      now = end
    },
    pending: () => waiting.length,
  }
}
