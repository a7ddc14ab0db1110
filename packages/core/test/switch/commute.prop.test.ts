import test from 'ava'
import fc from 'fast-check'
import { type LayerHandle, orThrow, type Port, type RulesJson } from '../../src/index.js'
import { frameBytesArbitrary } from '../../src/testing/frame-arbitraries.js'
import { builtIn, policyArbitrary } from './policies.js'
import { hostOf } from './support.js'

/** One thing a controller does to its layer. Some are refused: a group that is not there, a type that nobody knows. */
type Transaction =
  | { readonly _tag: 'Update'; readonly policy: RulesJson }
  | { readonly _tag: 'Group'; readonly name: string; readonly policy: RulesJson }
  | { readonly _tag: 'Groups'; readonly changes: Readonly<Record<string, RulesJson | null>> }
  | { readonly _tag: 'RemoveGroup'; readonly name: string }
  | { readonly _tag: 'Nonsense' }
  | { readonly _tag: 'RemoveLayer' }

const NAMES = ['g0', 'g1']
const policy = policyArbitrary(['vm-2'])
/** A policy for one group alone. */
const onlyOf = (name: string): fc.Arbitrary<RulesJson> =>
  policy.map(({ outbound = [], inbound = [] }) => ({ outbound: outbound.slice(0, 1).map((g) => ({ ...g, name })), inbound: inbound.slice(0, 1).map((g) => ({ ...g, name })) }))

const named = fc.constantFrom(...NAMES)
const transaction: fc.Arbitrary<Transaction> = fc.oneof(
  { weight: 3, arbitrary: policy.map((p): Transaction => ({ _tag: 'Update', policy: p })) },
  { weight: 3, arbitrary: named.chain((name) => onlyOf(name).map((p): Transaction => ({ _tag: 'Group', name, policy: p }))) },
  {
    weight: 2,
    arbitrary: fc.record({ g0: fc.option(onlyOf('g0')), g1: fc.option(onlyOf('g1')) }, { requiredKeys: [] })
      .map((changes): Transaction => ({ _tag: 'Groups', changes })),
  },
  { weight: 1, arbitrary: named.map((name): Transaction => ({ _tag: 'RemoveGroup', name })) },
  { weight: 1, arbitrary: fc.constant<Transaction>({ _tag: 'Nonsense' }) },
  { weight: 1, arbitrary: fc.constant<Transaction>({ _tag: 'RemoveLayer' }) },
)

/** Carries a transaction out; what its controller learns, but the generation, which counts everybody's changes. */
const carryOut = (layer: LayerHandle<'built-in'>, what: Transaction): unknown => {
  const answer = (() => {
    switch (what._tag) {
      case 'Update': return layer.updateJson(what.policy)
      case 'Group': return layer.group(what.name).updateJson(what.policy)
      case 'Groups': return layer.updateGroups(Object.fromEntries(Object.entries(what.changes).map(([k, v]) => [k, v === null ? null : builtIn.policy(v)])))
      case 'RemoveGroup': return layer.group(what.name).remove()
      case 'Nonsense': return layer.updateJson({ outbound: [{ name: 'g0', rules: [{ do: 'nonsense' }] }] })
      case 'RemoveLayer': return layer.remove()
    }
  })()
  return answer._tag === 'Left' ? answer.left : 'done'
}

/** Runs both controllers' transactions, `turns` telling whose is next; what they learnt, and the port. */
const run = (mine: readonly Transaction[], theirs: readonly Transaction[], turns: readonly boolean[]) => {
  const port: Port = hostOf(2).ports[0]!
  const layers = ['mine', 'theirs'].map((name, order) => orThrow(port.addLayer(builtIn, { order, name })))
  const learnt: [unknown[], unknown[]] = [[], []]
  const todo: readonly [Transaction[], Transaction[]] = [[...mine], [...theirs]]
  for (let turn = 0; todo[0].length + todo[1].length > 0; turn++) {
    const wanted = turns[turn % turns.length] === true ? 0 : 1
    const who = todo[wanted].length > 0 ? wanted : wanted === 0 ? 1 : 0
    learnt[who].push(carryOut(layers[who]!, todo[who].shift()!))
  }
  return { port, learnt }
}

test('law 6: transactions of two controllers on different layers commute', (t) => {
  fc.assert(
    fc.property(
      fc.array(transaction, { maxLength: 4 }), fc.array(transaction, { maxLength: 4 }), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
      fc.array(fc.tuple(fc.constantFrom('outbound' as const, 'inbound' as const), frameBytesArbitrary({ maxPayload: 20 })), { maxLength: 6 }),
      (mine, theirs, turns, packets) => {
        const one = run(mine, theirs, [true])
        const other = run(mine, theirs, turns)
        t.deepEqual(other.learnt, one.learnt)
        t.is(other.port.generation(), one.port.generation())
        t.deepEqual(other.port.layers(), one.port.layers())
        t.deepEqual(other.port.rules(), one.port.rules())
        for (const [direction, bytes] of packets) {
          t.is(String(other.port.explain(direction, bytes)), String(one.port.explain(direction, bytes)))
          t.deepEqual(other.port.process(direction, bytes), one.port.process(direction, bytes))
        }
        t.deepEqual(other.port.counters(), one.port.counters())
      },
    ),
    { numRuns: 150 },
  )
})
