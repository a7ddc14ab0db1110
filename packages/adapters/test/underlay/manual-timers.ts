/** Time that passes when a test says so. */
import type { Timers } from '../../src/underlay/timers.js'

/** {@link Timers} that a test drives. */
export interface ManualTimers extends Timers {
  /** Moves time on, calling what falls due, in order. */
  readonly pass: (ms: number) => void
  /** Calls that are still to come. */
  readonly pending: () => number
}

/** Stands at 0 until it is told otherwise. */
export const manualTimers = (): ManualTimers => {
  let now = 0
  let calls: { readonly at: number; readonly call: () => void }[] = []
  return {
    nowMs: () => now,
    after: (ms, call) => {
      const entry = { at: now + ms, call }
      calls.push(entry)
      return () => {
        calls = calls.filter((each) => each !== entry)
      }
    },
    pass: (ms) => {
      const end = now + ms
      for (;;) {
        const [next] = calls.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        calls = calls.filter((each) => each !== next)
        now = next.at
        next.call()
      }
      now = end
    },
    pending: () => calls.length,
  }
}
