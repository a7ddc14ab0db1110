import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { fittingTransposition, pushSpec, step, wildTransposition } from '../../src/testing/transposition-arbitraries.js'
import { compose, composeAll } from '../../src/transposition/compose.js'
import { invalid, pop, push } from '../../src/transposition/construct.js'
import { transposeFlow } from '../../src/transposition/flow.js'
import { editNeed, equals, identity, isIdentity, makeEdit, size, transposition } from '../../src/transposition/normal-form.js'
import { ApplyCode } from '../../src/transposition/apply-code.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { syntheticFlow } from './synthetic-flow.js'
import { UFID_WORDS } from '../../src/flow/layout.js'

testProp('law 2: compose is associative', [wildTransposition(), wildTransposition(), wildTransposition()], (t, a, b, c) => {
  const [left, right] = [compose(compose(a, b), c), compose(a, compose(b, c))]
  // A chain that needs three tags on the way has no frame, and one of the two forms may know it already.
  t.true(equals(left, right) || [left, right].some((x) => x._tag === 'Invalid' && x.reason === 'there cannot be as many VLAN tags'))
}, { numRuns: 2000 })

testProp('law 2: identity changes nothing on either side of compose', [wildTransposition()], (t, a) => {
  t.true(equals(compose(identity, a), a))
  t.true(equals(compose(a, identity), a))
}, { numRuns: 500 })

testProp('law 2: invalid absorbs on either side of compose', [wildTransposition()], (t, a) => {
  t.is(compose(invalid('no'), a)._tag, 'Invalid')
  t.is(compose(a, invalid('no'))._tag, 'Invalid')
})

testProp(
  'law 2: a composed transposition does to a flow id what its parts do in turn, and refuses for shape where they do',
  [syntheticFlow().chain((flow) => fc.tuple(fc.constant(flow), reasonableChain(flow.words, flow.depth)))],
  (t, [flow, [a, b]]) => {
    const stepwise = flow.words.slice()
    const first = transposeFlow(a, stepwise, flow.depth)
    const second = first < 0 ? first : transposeFlow(b, stepwise, first)
    const composed = flow.words.slice()
    const both = transposeFlow(compose(a, b), composed, flow.depth)
    // Hops left and lost marks of congestion are no matter of a flow id, unless they are the same for every frame.
    if (second >= 0 && both === -ApplyCode.Invalid && (isParticular(a) || isParticular(b))) return void t.pass()
    if (second >= 0) {
      t.is(both, second)
      t.deepEqual(composed, stepwise)
    } else if (second !== -ApplyCode.TooDeep) {
      // A chain that went too deep on the way says nothing: the composite may end in a depth that is allowed.
      // What `Invalid` says of every frame, `Shape` says of this one.
      t.true(both === -ApplyCode.Shape || both === -ApplyCode.Invalid || both === -ApplyCode.Untranslatable)
    }
    t.true(both >= 0 || second < 0)
  },
  { numRuns: 3000 },
)

testProp('compose: a chain of transpositions of one shape is no larger than its longest link', [
  syntheticFlow().chain(({ words, depth }) => {
    const links = fittingTransposition(words, depth).map((t) => ({ ...t, pop: [], push: [], guard: [], edit: t.edit.map(({ need, set: { dscp: _d, ecn: _e, ttl: _t, ...set } }) => ({ need, set })) }))
    return fc.array(links, { minLength: 1, maxLength: 20 })
  }),
], (t, links) => {
  // The fields the links name between them bound the size, however many links there are.
  const named = new Set(links.flatMap((l) => l.edit.flatMap((e, i) => Object.keys(e.set).map((name) => `${i}.${name}`))))
  t.true(size(composeAll(links)) <= named.size)
})

testProp('compose: pushing and popping the same group leaves the identity', [pushSpec({ ttl: fc.constant(64), ecn: fc.nat(3) })], (t, spec) => {
  const s = push(spec)
  t.true(isIdentity(compose(s, pop())))
})

testProp('transposeFlow: a refused flow id is left as it was', [syntheticFlow(), wildTransposition()], (t, flow, a) => {
  const words = flow.words.slice()
  const depth = transposeFlow(a, words, flow.depth)
  if (depth < 0) t.deepEqual(words, flow.words)
  else t.true(depth >= 1 && words.length === UFID_WORDS)
})

testProp('compose: an edit overwritten by an equal one changes nothing', [wildTransposition()], (t, w) => {
  // Only constants: what is read the second time is what the first time left.
  const { quote: _quote, ...rest } = w._tag === 'Invalid' ? { ...identity } : w
  const edits: HeaderTransposition = w._tag === 'Invalid' ? w : transposition({ ...rest, pop: [], push: [], guard: [], edit: w.edit.map(({ translate, set: { dscp: _d, ecn: _e, ttl: _t, ...set } }) => orThrowText(makeEdit({}, { set: translate === undefined ? set : {} }))) })
  t.true(equals(compose(edits, edits), edits))
})

/** Two transpositions of which the first mostly fits, and the second mostly fits what the first leaves. */
function reasonableChain(words: Uint32Array, depth: number) {
  const fitting = fittingTransposition(words, depth)
  return fc.oneof({ weight: 3, arbitrary: fitting }, { weight: 1, arbitrary: wildTransposition() }, { weight: 1, arbitrary: step() }).chain((a) => {
    const after = words.slice()
    const left = transposeFlow(a, after, depth)
    const wild = wildTransposition()
    // A pop takes away the group that the first refused: the refusal must stay.
    const second = left < 0
      ? fc.oneof(wild, fc.constantFrom(pop(1), pop(2)))
      : fc.oneof({ weight: 3, arbitrary: fittingTransposition(after, left) }, { weight: 2, arbitrary: wild })
    return fc.tuple(fc.constant(a), second)
  })
}

function orThrowText<A extends object>(made: A | string): A {
  if (typeof made === 'string') throw new Error(made)
  return made
}

/** Whether it refuses some packets of a flow that it fits. */
function isParticular(t: HeaderTransposition): boolean {
  return t._tag === 'Transposition' && (t.guard.length > 0 || [...t.pop, ...t.edit.map(editNeed)].some((need) => need.hops !== undefined))
}
