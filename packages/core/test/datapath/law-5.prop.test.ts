/**
 * Law 5: the fast path is the slow path. Any interleaving of packets, policy edits, resource changes and time leaves a port
 * and its slow twin with the same outcomes, the same bytes and the same counts.
 */
import test from 'ava'
import fc from 'fast-check'
import { runs } from './support.js'
import { firstDifference, type Scenario, scenarioArbitrary, type Seen } from './twin.js'

/** A scenario has much to be shrunk by: after this time the smallest counterexample so far has to do. */
const patience = { interruptAfterTimeLimit: runs(45_000) }

test('law 5: a port does to every frame what its slow twin does', (t) => {
  fc.assert(fc.property(scenarioArbitrary(80), (scenario) => { agrees(scenario) }), { numRuns: runs(1200), ...patience })
  t.pass()
})

test('law 5: a port does what its slow twin does through long lives, too', (t) => {
  fc.assert(fc.property(scenarioArbitrary(400), (scenario) => { agrees(scenario) }), { numRuns: runs(60), ...patience })
  t.pass()
})

test('law 5: the runs see all that could go wrong', (t) => {
  const seen: Seen = {}
  fc.assert(fc.property(scenarioArbitrary(120), (scenario) => { agrees(scenario, seen) }), { numRuns: 550, seed: 5 })
  // Half of what there was when the numbers were written: a generator that loses its grip should be noticed.
  for (const [what, least] of Object.entries(SEEN_AT_LEAST)) t.true((seen[what] ?? 0) >= least, `${what}: ${seen[what] ?? 0}, not ${least}`)
})

const SEEN_AT_LEAST: Seen = {
  fast: 3500, slow: 8000, reconciled: 700, forward: 1500, reverse: 1000, begun: 1500, expired: 150, reconciledKept: 40, reconciledEnded: 100,
  reset: 100, laterFragments: 50, hairpins: 250, answered: 150, 'drop NoReply': 20, mirrored: 250, swept: 400, 'drop ReverseFlowTaken': 40, 'drop ShapeMismatch': 400,
  'drop Closed': 250, 'drop NoRoute': 400, 'drop QuotaSpent': 300, 'drop FragmentWithoutFirst': 500, 'drop NotTaken': 100, 'drop NotHanded': 30,
}

const agrees = (scenario: Scenario, seen?: Seen): void => {
  const difference = firstDifference(scenario, seen)
  if (difference !== undefined) throw new Error(difference)
}
