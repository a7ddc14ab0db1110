import test from 'ava'
import fc from 'fast-check'
import { linearClassifier } from '../../src/classify/linear.js'
import { resolveField } from '../../src/flow/field.js'
import { conditionProblem, is } from '../../src/policy/condition.js'
import { ALL_FIELDS, COMMON_FIELDS, conditionArbitrary, conditionsArbitrary, flowNear, rulesArbitrary } from '../../src/testing/condition-arbitraries.js'
import { accessList, flowsFor } from '../../src/testing/rule-sets.js'
import { ipv6 } from '../../src/wire/address.js'
import { L3 } from '../../src/wire/frame-view.js'

test('condition arbitraries: conditions are well-formed, on fields that exist', (t) => {
  fc.assert(fc.property(conditionArbitrary(), (condition) => { t.is(conditionProblem(condition), undefined) }), { numRuns: 300 })
  for (const ref of ALL_FIELDS) t.truthy(resolveField(ref))
})

test('condition arbitraries: of the flows drawn near rules, at least 30 % match one, and some match none', (t) => {
  for (const fields of [ALL_FIELDS, COMMON_FIELDS]) {
    const nonEmpty = conditionsArbitrary(fields).filter((conditions) => conditions.length > 0)
    const cases = rulesArbitrary(nonEmpty, 8).filter((rules) => rules.length > 0)
      .chain((rules) => fc.tuple(fc.constant(rules), fc.array(flowNear(rules.map((rule) => rule.conditions)), { minLength: 10, maxLength: 10 })))
    let asked = 0
    let hits = 0
    for (const [rules, flows] of fc.sample(cases, { numRuns: 300, seed: 7 })) {
      const built = linearClassifier(rules)
      for (const { words, depth } of flows) {
        asked++
        if (built._tag === 'Right' && built.right.lookup(words, depth) !== undefined) hits++
      }
    }
    t.true(hits >= 0.3 * asked, `${hits} of ${asked}`)
    t.true(hits <= 0.95 * asked, `${hits} of ${asked}`)
  }
})

test('condition arbitraries: flows drawn near an IPv6 value have wide addresses in IPv6 groups only', (t) => {
  const { field } = resolveField('srcIp')!
  const near = flowNear([[is('srcIp', ipv6(0x2001_0db8, 1, 2, 3))]])
  fc.assert(fc.property(near, ({ words }) => {
    if ((words[0]! & 0xf) !== L3.Ipv6) t.deepEqual([...words.subarray(field.word, field.word + 3)], [0, 0, 0])
  }), { numRuns: 500 })
})

test('rule sets: equal seeds give equal access lists and flows, of which most match', (t) => {
  const rules = accessList(3, 400)
  t.deepEqual(accessList(3, 400), rules)
  t.notDeepEqual(accessList(4, 400), rules)
  const flows = flowsFor(5, rules, 500)
  t.deepEqual(flowsFor(5, rules, 500), flows)
  const built = linearClassifier(rules)
  const hits = flows.filter(({ words, depth }) => built._tag === 'Right' && built.right.lookup(words, depth) !== undefined).length
  t.true(hits > 250, String(hits))
  for (const rule of rules) for (const condition of rule.conditions) t.is(conditionProblem(condition), undefined)
})
