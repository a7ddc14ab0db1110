import test from 'ava'
import * as t from 'io-ts'
import { isLeft } from 'fp-ts/lib/Either.js'
import { orThrow } from '../../src/errors.js'
import { is } from '../../src/policy/condition.js'
import { proceed } from '../../src/policy/decision.js'
import { defineRuleType, rule } from '../../src/policy/rule.js'
import { count, nat } from '../../src/policy/rule-types.js'
import { rulesLayer, ruleToJson } from '../../src/policy/rules-layer.js'
import { ipv4 } from '../../src/wire/address.js'
import { builtIn, frame, observed, onePort, tell } from '../switch/support.js'

const NO_TYPE = 'no such rule type; known are allow, block, nat, encap, decap, hairpin, mirror, count'
const RULE_KEYS = 'unknown property; known are do, id, priority, when, terminating, stateful, with, handsTo, takes'

/** Damaged documents, with where they are damaged and what is said about it. */
const DAMAGED: readonly (readonly [unknown, readonly string[]])[] = [
  [null, [': expected an object; of its properties, known are types, outbound, inbound']],
  [{ outbond: [] }, ['/outbond: unknown property; known are types, outbound, inbound; did you mean "outbound"?']],
  [{ outbound: {} }, ['/outbound: expected a list of groups']],
  [{ outbound: [{ rules: [] }] }, ['/outbound/0/name: is missing: expected a text']],
  [{ outbound: [{ name: 'g' }] }, ['/outbound/0/rules: is missing: expected a list of rules']],
  [{ outbound: [{ name: 'g', rules: [], order: 1.5 }] }, ['/outbound/0/order: expected an order: a whole number from -2147483648 to 2147483647']],
  [{ outbound: [{ name: 'g', rules: [], longestPrefix: 'dstIpp' }] }, ['/outbound/0/longestPrefix: no such field; did you mean "dstIp"?']],
  [{ outbound: [{ name: 'g', rules: [], rule: [] }] }, ['/outbound/0/rule: unknown property; known are name, rules, order, when, longestPrefix; did you mean "rules"?']],
  [{ inbound: [{ name: 'g', rules: [], when: { dstPort: 70_000 } }] }, ['/inbound/0/when/dstPort: dstPort is a whole number from 0 to 65535, not 70000']],
  [{ inbound: [{ name: 'g', rules: [{}] }] }, ['/inbound/0/rules/0/do: is missing: expected a text']],
  [{ inbound: [{ name: 'g', rules: [{ do: 'alow' }] }] }, [`/inbound/0/rules/0/do: ${NO_TYPE}; did you mean "allow"?`]],
  [{ inbound: [{ name: 'g', rules: [{ do: 'allow', terminate: true }] }] }, [`/inbound/0/rules/0/terminate: ${RULE_KEYS}; did you mean "terminating"?`]],
  [{ inbound: [{ name: 'g', rules: [{ do: 'allow', with: { x: 1 } }] }] }, ['/inbound/0/rules/0/with/x: unknown property; there are none here']],
  [{ inbound: [{ name: 'g', rules: [{ do: 'encap', with: { srcIp: '10.0.0.1', dstIp: '10.0.0.2' } }] }] }, ['/inbound/0/rules/0/with/vni: expected a VNI: a whole number from 0 to 16777215']],
  [{ inbound: [{ name: 'g', rules: [{ do: 'nat', with: { dstIp: '10.0.0.256', srcPort: -1 } }] }] }, [
    '/inbound/0/rules/0/with/dstIp: not an IPv4 or IPv6 address', '/inbound/0/rules/0/with/srcPort: expected a port: a whole number from 0 to 65535',
  ]],
  [{ inbound: [{ name: 'g', rules: [{ do: 'hairpin' }] }] }, ['/inbound/0/rules/0/with/port: is missing: expected a text']],
  [{ inbound: [{ name: 'g', rules: [{ do: 'allow', priority: '1' }] }] }, ['/inbound/0/rules/0/priority: expected a priority: a whole number from 0 to 4294967295']],
  [{ inbound: [{ name: 'g', rules: [{ do: 'allow', when: { dstPort: [80, '90-85'] } }] }] }, [
    '/inbound/0/rules/0/when/dstPort/1: the range is inverted: its first value is above its last: did you mean 85-90?',
  ]],
  [{ inbound: [{ name: 'g', rules: [{ do: 'allow', when: { dstIp: '10.0.0.1/8' } }] }] }, [
    '/inbound/0/rules/0/when/dstIp: bits are set behind the prefix length: did you mean 10.0.0.0/8?',
  ]],
  [{ outbound: [{ name: 'g', rules: [{ do: 'x' }] }], inbound: [{ name: 'g', rules: [{ do: 'y' }] }] }, [
    `/outbound/0/rules/0/do: ${NO_TYPE}`, `/inbound/0/rules/0/do: ${NO_TYPE}`,
  ]],
]

for (const [document, problems] of DAMAGED) {
  test(`rulesLayer: refuses ${JSON.stringify(document)}`, (c) => {
    const port = onePort()
    const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
    orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'block' }] }] }))
    port.process('outbound', frame())
    const before = observed(port)
    const answer = layer.updateJson(document)
    if (answer._tag === 'Right' || answer.left._tag !== 'BadPolicy') return c.fail(JSON.stringify(answer))
    c.is(answer.left.layer, 'built-in')
    c.deepEqual(answer.left.problems.map((p) => `${p.path}: ${p.reason}`), problems)
    c.deepEqual(observed(port), before)
  })
}

test('rulesLayer: says of a wrong stateful that it is a boolean or an idle time', (c) => {
  const layer = orThrow(onePort().addLayer(builtIn, { order: 1 }))
  const answer = layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'allow', stateful: { idleMs: 0 } }] }] })
  c.true(isLeft(answer) && answer.left._tag === 'BadPolicy')
  if (answer._tag === 'Left' && answer.left._tag === 'BadPolicy') {
    c.true(answer.left.problems.some((p) => p.path === '/outbound/0/rules/0/stateful/idleMs' && p.reason.includes('milliseconds')))
  }
})

test('rulesLayer: an empty document is a layer without groups', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'block' }] }] }))
  orThrow(layer.updateJson({}))
  c.deepEqual(layer.rules(), [])
  c.is(tell(port.process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80')
})

test('rulesLayer: takes rule types of one\'s own, and only those it was given', (c) => {
  const paint = defineRuleType({ name: 'paint', config: t.type({ colour: t.string }), decide: () => proceed() })
  const only = rulesLayer('only', [paint])
  const layer = orThrow(onePort().addLayer(only, { order: 1 }))
  orThrow(layer.update(only.policy({ outbound: [{ name: 'g', rules: [{ do: 'paint', with: { colour: 'red' } }] }] })))
  c.is(layer.rules()[0]?.type, 'paint')
  const answer = layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'allow' }] }] })
  c.deepEqual(answer, { _tag: 'Left', left: { _tag: 'BadPolicy', layer: 'only', problems: [{ path: '/outbound/0/rules/0/do', reason: 'no such rule type; known are paint', value: '"allow"' }] } })
})

test('ruleToJson: writes every part of a rule', (c) => {
  const written = ruleToJson(rule(nat, { srcIp: ipv4(0x0a000001), dstPort: 80 }, {
    id: 'r', priority: 7, when: [is('proto', 6)], terminating: true, stateful: { idleUs: 5_000_000 },
  }))
  c.deepEqual(written, {
    id: 'r', priority: 7, when: { proto: 'tcp' }, do: 'nat', with: { srcIp: '10.0.0.1', dstPort: 80 }, terminating: true, stateful: { idleMs: 5000 },
  })
})

test('ruleToJson: an idle time of fewer microseconds than a millisecond can be read back', (c) => {
  for (const idleUs of [1, 999, 1001, 1500, 123_456_789]) {
    const written = ruleToJson(rule(count, {}, { id: 'r', stateful: { idleUs } }))
    const read = orThrow(orThrow(onePort().addLayer(builtIn, { order: 1 })).updateJson({ outbound: [{ name: 'g', rules: [written] }] }))
    c.is(read, 2)
    const decoded = builtIn.codec.decode({ outbound: [{ name: 'g', rules: [written] }] })
    c.is(decoded._tag === 'Right' ? decoded.right.outbound?.[0]?.rules[0]?.stateful?.idleUs : undefined, idleUs)
  }
})
