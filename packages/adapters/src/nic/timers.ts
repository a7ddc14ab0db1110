/** Time as a parameter of adapters that wait: a clock, and calls for later. */

/** A clock, and calls for later. Give {@link manualTimers} in tests. */
export interface Timers {
  /** Returns the milliseconds since an arbitrary start, with fractions. The clock never goes back. */
  readonly nowMs: () => number
  /**
   * Calls `call` once, in a later turn of the event loop, at the earliest `ms` milliseconds from now; `Infinity` means never. Returns a
   * function that cancels the call.
   */
  readonly after: (ms: number, call: () => void) => () => void
}

/** Most milliseconds of a timer of Node's, almost 25 days: these take 31 bits, and turn more into a single one. */
const MOST_MS = 0x7fff_ffff

/** The system's time. `alive` says whether a call that is due later keeps the process alive. */
const timersOfSystem = (alive: boolean): Timers => ({
  nowMs: () => performance.now(),
  after: (ms, call) => {
    let timer: ReturnType<typeof setTimeout>
    const wait = (left: number): void => {
      timer = left > MOST_MS ? setTimeout(() => wait(left - MOST_MS), MOST_MS) : setTimeout(call, left)
      // A browser's timers are numbers, and keep nothing alive.
      if (!alive && typeof timer === 'object') timer.unref()
    }
    wait(Math.ceil(ms))
    return () => clearTimeout(timer)
  },
})

/** The system's time. A call that is due later keeps the process alive, as a frame on its way does. */
export const systemTimers: Timers = timersOfSystem(true)

/** The system's time, for work beside the frames: a call that is due later does not keep the process alive. Open NICs do. */
export const backgroundTimers: Timers = timersOfSystem(false)

/** Time that stands still until it is moved, for tests. */
export interface ManualTimers extends Timers {
  /** Moves the clock by `ms` milliseconds, and makes the calls that fall due on the way, each at its own time, in order. */
  readonly advance: (ms: number) => void
  /** Returns the number of calls that are still to come. */
  readonly pending: () => number
}

/** Makes a clock that stands at 0 until a test moves it. */
export const manualTimers = (): ManualTimers => {
  let now = 0
  let waiting: readonly { readonly due: number; readonly call: () => void }[] = []
  return {
    nowMs: () => now,
    after: (ms, call) => {
      const entry = { due: now + Math.max(0, ms), call }
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
        next.call()
      }
      now = end
    },
    pending: () => waiting.length,
  }
}
