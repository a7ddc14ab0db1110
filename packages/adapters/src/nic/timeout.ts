/** Waiting for longer than the system's timers can: these take 31 bits of milliseconds, and turn more into a single one. */

/** Most milliseconds of a timer of Node's, almost 25 days. */
const MOST_MS = 0x7fff_ffff

/**
 * Calls once, `ms` milliseconds from now, however many; `Infinity` is never. `alive` says whether it keeps the process alive. The answer
 * calls it off.
 */
export const callAfter = (ms: number, call: () => void, alive: boolean): (() => void) => {
  let timer: NodeJS.Timeout
  const wait = (left: number): void => {
    timer = left > MOST_MS ? setTimeout(() => wait(left - MOST_MS), MOST_MS) : setTimeout(call, left)
    if (!alive) timer.unref()
  }
  wait(ms)
  return () => clearTimeout(timer)
}
