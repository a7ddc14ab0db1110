/** Tests that are skipped, or fail, where a need is not met. */
import test, { type ExecutionContext, type Implementation } from 'ava'
import { isOn } from './flag.js'
import { missing, type Need } from './need.js'

/** ava's `test`, as far as such tests use it. */
export interface NeedyTest {
  (title: string, run: Implementation<[]>): void
  /** Run one after another, before the others of the file. */
  readonly serial: (title: string, run: Implementation<[]>) => void
  /** Run before the first test; not at all if the tests are skipped. */
  readonly before: (run: (t: ExecutionContext) => Promise<void> | void) => void
}

/**
 * Declares what tests need beside Node. Tests of the result are ava's where all of it is there. Otherwise they are skipped, their titles
 * ending with what is missing in brackets; where the environment's `CI` is on they fail instead, so that no absence passes for success.
 * `VFP_WITHOUT` names needs, with commas between, that no package can meet and that a CI knowingly goes without.
 */
export const testNeeding = (...needs: readonly [Need, ...(readonly Need[])]): NeedyTest => {
  const lacks = missing(needs)
  if (lacks.length === 0) return Object.assign((title: string, run: Implementation<[]>) => { test(title, run) }, {
    serial: (title: string, run: Implementation<[]>) => { test.serial(title, run) },
    before: (run: (t: ExecutionContext) => Promise<void> | void) => { test.before(run) },
  })
  const why = lacks.map(({ phrase }) => phrase).join('; ')
  const forbidden = isOn(process.env['CI']) && lacks.some(({ need }) => !excused().includes(need))
  const without = (title: string, run: Implementation<[]>): void => {
    if (forbidden) test(title, (t) => { t.fail(why) })
    else test.skip(`${title} [${why}]`, run)
  }
  return Object.assign(without, { serial: without, before: () => undefined })
}

const excused = (): readonly string[] => (process.env['VFP_WITHOUT'] ?? '').split(',').map((name) => name.trim())
