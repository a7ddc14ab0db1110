/** Time for what has to happen by itself: a parameter, as everywhere, that defaults to the system's. */

import { callAfter } from '../nic/timeout.js'

/** A clock that can call. */
export interface Timers {
  /** Milliseconds since an arbitrary start; never goes back. */
  readonly nowMs: () => number
  /** Calls once, from the event loop, at the earliest `ms` milliseconds from now. What comes back takes the call back. */
  readonly after: (ms: number, call: () => void) => () => void
}

/** The system's. A call that is due later does not keep the process alive: the NICs do, as long as they are open. */
export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after: (ms, call) => callAfter(ms, call, false),
}
