/** Time as the library sees it: always a parameter, never ambient. */

/** A monotonic clock. */
export interface Clock {
  /** Microseconds since an arbitrary start; never goes back. */
  readonly nowUs: () => number
}

/** A clock that a program moves on itself: for tests, replays and simulations. */
export interface ManualClock extends Clock {
  /** Moves the clock on by `us` microseconds (at least 0). */
  readonly advanceUs: (us: number) => void
  /** Moves the clock to `us`, if that is later than now. */
  readonly moveToUs: (us: number) => void
}

/** Returns a {@link ManualClock} that starts at `startUs` microseconds. */
export const manualClock = (startUs = 0): ManualClock => {
  let now = startUs
  return {
    nowUs: () => now,
    advanceUs: (us) => { now += Math.max(0, us) },
    moveToUs: (us) => { now = Math.max(now, us) },
  }
}

/** Returns a clock over any monotonic source of fractional milliseconds, such as `performance.now`. */
export const clockFromMs = (nowMs: () => number): Clock => ({ nowUs: () => nowMs() * 1000 })
