import test from 'ava'
import fc from 'fast-check'
import { type Either, isRight } from 'fp-ts/lib/Either.js'
import { buildClassifier } from '../../src/classify/build.js'
import type { Classifier, ClassifierRule } from '../../src/classify/classifier.js'
import { linearClassifier } from '../../src/classify/linear.js'
import type { FieldRef } from '../../src/flow/field.js'
import type { Condition } from '../../src/policy/condition.js'
import { ALL_FIELDS, COMMON_FIELDS, conditionsArbitrary, flowNear, matchArbitrary, rulesArbitrary } from '../../src/testing/condition-arbitraries.js'
import { type Flow, flowArbitrary } from '../../src/testing/flow-arbitraries.js'
import { accessList, flowsFor } from '../../src/testing/rule-sets.js'

const ok = <A>(either: Either<unknown, A>): A => {
  if (isRight(either)) return either.right
  throw new Error(`refused: ${JSON.stringify(either.left)}`)
}

/** What a sequence does, in numbers that the run makes sense of: an edit of ids and rules, and flows to ask about. */
interface Step {
  /** Ids to remove, also such that are not there. */
  readonly removed: readonly string[]
  /** Ids under which new rules come: new ones insert, old ones replace. */
  readonly added: readonly { readonly id: string; readonly priority: number; readonly conditions: readonly Condition[] }[]
  readonly flows: readonly Flow[]
}

const ids = fc.nat(40).map((n) => `r${n}`)

const scenario = (conditions: fc.Arbitrary<readonly Condition[]>) =>
  fc
    .record({
      initial: rulesArbitrary(conditions, 40),
      edits: fc.array(
        fc.record({
          removed: fc.array(ids, { maxLength: 12 }),
          added: fc.uniqueArray(fc.record({ id: ids, priority: fc.nat(5), conditions }), { maxLength: 12, selector: (rule) => rule.id }),
        }),
        { maxLength: 5 },
      ),
    })
    .chain(({ initial, edits }) => {
      const lists = [...initial, ...edits.flatMap(({ added }) => added)].map((rule) => rule.conditions)
      const flows = fc.array(fc.oneof({ weight: 9, arbitrary: flowNear(lists) }, { weight: 1, arbitrary: flowArbitrary() }), { minLength: 8, maxLength: 8 })
      return fc.tuple(fc.constant(initial), fc.constant(edits), fc.array(flows, { minLength: edits.length + 1, maxLength: edits.length + 1 }))
    })
    .map(([initial, edits, flows]): { readonly initial: readonly ClassifierRule[]; readonly first: readonly Flow[]; readonly steps: readonly Step[] } => ({
      initial, first: flows[0]!, steps: edits.map((edit, i) => ({ ...edit, flows: flows[i + 1]! })),
    }))

type Build = (rules: readonly ClassifierRule[], longestPrefix?: FieldRef) => Either<unknown, Classifier<ClassifierRule>>

const equivalent = (conditions: fc.Arbitrary<readonly Condition[]>, longestPrefix: FieldRef | undefined, build: Build, numRuns: number): void => {
  fc.assert(
    fc.property(scenario(conditions), ({ initial, first, steps }) => {
      // Descending sequence numbers on purpose: the order of insertion is what the caller says it is.
      let sequence = 1_000_000
      let model = ok(linearClassifier(initial, longestPrefix))
      let tested = ok(build(initial, longestPrefix))
      const rules = new Map(initial.map((rule) => [rule.id, rule]))
      const frozen: { readonly flow: Flow; readonly version: Classifier<ClassifierRule>; readonly answer: ClassifierRule | undefined }[] = []
      const agree = (flows: readonly Flow[]): boolean =>
        flows.every((flow) => {
          const answer = model.lookup(flow.words, flow.depth)
          frozen.push({ flow, version: tested, answer })
          return tested.lookup(flow.words, flow.depth) === answer
        })
      if (!agree(first)) return false
      for (const { removed, added, flows } of steps) {
        const incoming = added.map((rule): ClassifierRule => ({ ...rule, sequence: sequence-- }))
        for (const id of removed) rules.delete(id)
        for (const rule of incoming) rules.set(rule.id, rule)
        model = ok(linearClassifier([...rules.values()], longestPrefix))
        tested = ok(tested.amend(removed, incoming))
        if (tested.size !== rules.size || !agree(flows)) return false
      }
      return frozen.every(({ flow, version, answer }) => version.lookup(flow.words, flow.depth) === answer)
    }),
    { numRuns },
  )
}

test('law 4: the assigned classifier is the linear one under inserts, removes and replacements, over every field', (t) => {
  equivalent(conditionsArbitrary(ALL_FIELDS), undefined, buildClassifier, 150)
  t.pass()
})

test('law 4: the assigned classifier is the linear one where rules overlap and share tables', (t) => {
  equivalent(conditionsArbitrary(COMMON_FIELDS), undefined, buildClassifier, 250)
  t.pass()
})

test('law 4: the assigned classifier is the linear one for rules of single values', (t) => {
  const exact = conditionsArbitrary(['proto', 'dstPort', 'dstIp', 'inner.dstMac'], { ranges: false })
  equivalent(exact.map((all) => all.map((c) => ({ ...c, values: c.values.filter((m) => m._tag === 'Value') }))), undefined, buildClassifier, 150)
  t.pass()
})

test('law 4: the assigned classifier is the linear one in longest-prefix groups on an address', (t) => {
  equivalent(conditionsArbitrary(['dstIp', 'srcIp', 'dstPort'], { ranges: false }), 'dstIp', buildClassifier, 250)
  t.pass()
})

test('law 4: the assigned classifier is the linear one in longest-prefix groups on a number and a MAC', (t) => {
  for (const field of ['vni', 'dstMac', 'inner.dstPort'] as const) {
    const named = fc.option(fc.array(matchArbitrary(field, { ranges: false }), { minLength: 1, maxLength: 3 }), { nil: undefined })
    const conditions = fc.tuple(named, conditionsArbitrary(['srcIp', 'proto'])).map(([values, others]) => (values === undefined ? others : [{ field, values }, ...others]))
    equivalent(conditions, field, buildClassifier, 60)
  }
  t.pass()
})

test('law 4: the linear classifier amended is the linear classifier built anew', (t) => {
  equivalent(conditionsArbitrary(COMMON_FIELDS), undefined, linearClassifier, 60)
  equivalent(conditionsArbitrary(['dstIp', 'proto'], { ranges: false }), 'dstIp', linearClassifier, 60)
  t.pass()
})

test('law 4: an access list of thousands of rules answers as the linear one, built, halved and filled again', (t) => {
  for (const seed of [1, 2]) {
    const rules = accessList(seed, 2500)
    const half = rules.filter((_, i) => i % 2 === 0)
    const whole = ok(buildClassifier(rules))
    const halved = ok(whole.amend(half.map((rule) => rule.id), []))
    const filled = ok(halved.amend([], half))
    const model = ok(linearClassifier(rules))
    const halfModel = ok(linearClassifier(rules.filter((_, i) => i % 2 === 1)))
    for (const { words, depth } of flowsFor(seed, rules, 1500)) {
      const answer = model.lookup(words, depth)
      t.is(whole.lookup(words, depth), answer)
      t.is(filled.lookup(words, depth), answer)
      t.is(halved.lookup(words, depth), halfModel.lookup(words, depth))
    }
    t.is(ok(filled.amend(rules.map((rule) => rule.id), [])).size, 0)
  }
})
