import test from 'ava'
import * as t from 'io-ts'
import { is } from '../../src/policy/condition.js'
import { proceed } from '../../src/policy/decision.js'
import { DEFAULT_IDLE_US, defineRuleType, rule } from '../../src/policy/rule.js'

const config = t.type({ n: t.number })
const stateful = defineRuleType({
  name: 'stateful', config, init: (c) => ({ made: c.n }), report: (s) => s.made, decide: () => proceed(),
})

test('rule: is an unconditional, stateless rule of priority 100 that does not terminate, unless told otherwise', (c) => {
  const r = rule(stateful, { n: 1 })
  c.deepEqual([r.id, r.priority, r.conditions, r.terminating, r.stateful, r.type], [undefined, 100, [], false, undefined, 'stateful'])
})

test('rule: takes over its options', (c) => {
  const when = [is('dstPort', 80)]
  const r = rule(stateful, { n: 1 }, { id: 'x', priority: 3, when, terminating: true, stateful: { idleUs: 9 } })
  c.deepEqual([r.id, r.priority, r.conditions, r.terminating, r.stateful], ['x', 3, when, true, { idleUs: 9 }])
  c.deepEqual(rule(stateful, { n: 1 }, { stateful: true }).stateful, { idleUs: DEFAULT_IDLE_US })
  c.is(rule(stateful, { n: 1 }, { stateful: false }).stateful, undefined)
})

test('rule: writes its configuration as its codec does', (c) => {
  const doubled = new t.Type<number, string>('d', t.number.is, t.number.validate, (n) => `n${n}`)
  c.is(rule(defineRuleType({ name: 'd', config: doubled, decide: () => proceed() }), 5).configJson(), 'n5')
})

test('rule: starts with a state of its own, and with that of the rule it replaces if the type is the same', (c) => {
  const first = rule(stateful, { n: 1 }).start(undefined)
  const second = rule(stateful, { n: 2 }).start(first)
  c.is(second.state, first.state)
  c.is(second.report(), 1)
  c.not(rule(stateful, { n: 1 }).start(undefined).state, first.state)
})

test('rule: a state made by another type of the same name is not taken over', (c) => {
  const impostor = defineRuleType({ name: 'stateful', config: t.unknown, init: () => 'other', report: (s) => s, decide: () => proceed() })
  const running = rule(impostor, undefined).start(rule(stateful, { n: 1 }).start(undefined))
  c.is(running.report(), 'other')
})

test('defineRuleType: a type without state has nothing to report and nothing to dispose of', (c) => {
  const running = rule(defineRuleType({ name: 'plain', config: t.unknown, decide: () => proceed() }), undefined).start(undefined)
  c.is(running.state, undefined)
  c.is(running.report(), undefined)
  c.notThrows(() => { running.dispose() })
})
