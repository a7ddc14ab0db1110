import test from 'ava'
import { backgroundTimers, systemTimers } from '../../src/nic/index.js'

for (const [of, timers] of [['the system', systemTimers], ['the background', backgroundTimers]] as const) {
  test(`timers of ${of}: what is due in a month or never is not called at once`, async (t) => {
    const called: string[] = []
    let alive: NodeJS.Timeout | undefined
    const off = [timers.after(2 ** 31, () => called.push('month')), timers.after(Infinity, () => called.push('never'))]
    // One that is turned into a millisecond is due before this.
    await new Promise<void>((resolve) => {
      timers.after(5, resolve)
      alive = setTimeout(() => undefined, 10_000)
    })
    clearTimeout(alive)
    for (const each of off) each()
    t.deepEqual(called, [])
  })
}
