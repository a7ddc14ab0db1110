import test from 'ava'
import type { GroupJson, RuleJson } from '../../src/index.js'
import { orThrow } from '../../src/errors.js'
import { frame, builtIn, groupOf, onePort, type Said } from '../switch/support.js'

/** The rule that decides about a frame, as its group and id, or `none`. */
const decides = (groups: readonly GroupJson[], said: Said = {}): string => {
  const port = onePort()
  orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson({ outbound: groups }))
  const explained = /^rule (\S+)/.exec(port.explain('outbound', frame(said)).layers[0]!.decidedBy)?.[1] ?? 'none'
  port.process('outbound', frame(said))
  const counted = port.rules().find((r) => r.packets > 0)
  return counted === undefined ? 'none' : `${counted.group}/${counted.rule}` === explained ? explained : `${explained}, but counted at ${counted.group}/${counted.rule}`
}

const ruleOf = (id: string, rest: Partial<RuleJson> = {}): RuleJson => ({ id, do: 'allow', ...rest })

test('groups: no match leaves the packet as it is', (t) => {
  const port = onePort()
  orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [ruleOf('r', { do: 'block', when: { dstPort: 443 } })])] }))
  t.deepEqual(port.process('outbound', frame()).outputs.map((o) => o.frame), [frame()])
})

test('groups: the last group with a match decides', (t) => {
  t.is(decides([groupOf('a', [ruleOf('x')]), groupOf('b', [ruleOf('y')]), groupOf('c', [ruleOf('z', { when: { dstPort: 443 } })])]), 'b/y')
})

test('groups: a terminating match decides at once', (t) => {
  t.is(decides([groupOf('a', [ruleOf('x', { terminating: true })]), groupOf('b', [ruleOf('y')])]), 'a/x')
  t.is(decides([groupOf('a', [ruleOf('x', { terminating: true, when: { dstPort: 443 } })]), groupOf('b', [ruleOf('y')])]), 'b/y')
})

test('groups: a terminating block at the end of each means that both must allow', (t) => {
  const both = (first: number, second: number): readonly GroupJson[] => [
    groupOf('infrastructure', [ruleOf('allow', { when: { dstPort: first } }), ruleOf('deny', { do: 'block', terminating: true, priority: 200 })]),
    groupOf('customer', [ruleOf('allow', { when: { dstPort: second } }), ruleOf('deny', { do: 'block', terminating: true, priority: 200 })]),
  ]
  t.is(decides(both(80, 80)), 'customer/allow')
  t.is(decides(both(80, 443)), 'customer/deny')
  t.is(decides(both(443, 80)), 'infrastructure/deny')
  t.is(decides(both(443, 443)), 'infrastructure/deny')
})

test('groups: one whose conditions fail is skipped', (t) => {
  const groups = (when: GroupJson['when']): readonly GroupJson[] => [groupOf('a', [ruleOf('x')]), groupOf('b', [ruleOf('y', { terminating: true })], { when })]
  t.is(decides(groups({ dstPort: 443 })), 'a/x')
  t.is(decides(groups({ dstPort: 80 })), 'b/y')
  t.is(decides(groups([{ dstPort: 80 }, { srcIp: '10.9.0.0/16' }])), 'a/x')
  t.is(decides(groups({ icmpType: [0, 8] })), 'a/x')
})

test('groups: the order number decides which is walked first', (t) => {
  t.is(decides([groupOf('last', [ruleOf('x')], { order: 9 }), groupOf('first', [ruleOf('y')], { order: -9 })]), 'last/x')
})

test('priorities: a smaller number is better, equal ones go by insertion', (t) => {
  t.is(decides([groupOf('g', [ruleOf('a', { priority: 2 }), ruleOf('b', { priority: 1 }), ruleOf('c', { priority: 1 })])]), 'g/b')
  t.is(decides([groupOf('g', [ruleOf('default'), ruleOf('worse', { priority: 101 }), ruleOf('better', { priority: 99 })])]), 'g/better')
})

test('longest prefix: comes before priority, which comes before insertion', (t) => {
  const routes = (...rules: readonly RuleJson[]): readonly GroupJson[] => [groupOf('routes', rules, { longestPrefix: 'dstIp' })]
  const to = (id: string, dstIp: string, rest: Partial<RuleJson> = {}): RuleJson => ruleOf(id, { when: { dstIp }, ...rest })
  t.is(decides(routes(to('wide', '10.0.0.0/8', { priority: 1 }), to('narrow', '10.0.0.0/24', { priority: 9 }))), 'routes/narrow')
  t.is(decides(routes(to('host', '10.0.0.2', { priority: 9 }), to('narrow', '10.0.0.0/24', { priority: 1 }))), 'routes/host')
  t.is(decides(routes(to('a', '10.0.0.0/24'), to('b', '10.0.0.0/24', { priority: 1 }), to('c', '10.0.0.0/24', { priority: 1 }))), 'routes/b')
  t.is(decides(routes(to('other', '10.0.1.0/24'), to('default', '0.0.0.0/0'), ruleOf('any'))), 'routes/default')
  t.is(decides(routes(to('v4', '0.0.0.0/0'), ruleOf('any')), { from: 'fd00::1', to: 'fd00::2' }), 'routes/any')
})

test('longest prefix: the other conditions of a rule must hold too', (t) => {
  const rules = [ruleOf('tls', { when: { dstIp: '10.0.0.0/24', dstPort: 443 } }), ruleOf('net', { when: { dstIp: '10.0.0.0/8' } })]
  t.is(decides([groupOf('routes', rules, { longestPrefix: 'dstIp' })]), 'routes/net')
  t.is(decides([groupOf('routes', rules, { longestPrefix: 'dstIp' })], { dstPort: 443 }), 'routes/tls')
})

test('conditions: values are ORed, conditions ANDed, absent fields are false', (t) => {
  const one = (when: RuleJson['when'], said: Said = {}): string => decides([groupOf('g', [ruleOf('r', { when })])], said)
  t.is(one({ dstPort: [443, '79-81'] }), 'g/r')
  t.is(one({ dstPort: [443, '79-81'], srcIp: '10.0.0.0/24' }), 'g/r')
  t.is(one({ dstPort: [443, '79-81'], srcIp: '10.0.1.0/24' }), 'none')
  t.is(one({ dstPort: '0-65535' }, { proto: 'icmp' }), 'none')
  t.is(one({ vni: '0-16777215' }), 'none')
})

test('layers: each sees the packet as those before left it', (t) => {
  const port = onePort()
  const rewrite = orThrow(port.addLayer(builtIn, { order: 1, name: 'rewrite' }))
  const filter = orThrow(port.addLayer(builtIn, { order: 2, name: 'filter' }))
  orThrow(rewrite.updateJson({ outbound: [groupOf('g', [{ do: 'nat', with: { dstPort: 8080 } }])], inbound: [groupOf('g', [{ do: 'nat', with: { dstPort: 9090 } }])] }))
  orThrow(filter.updateJson({
    outbound: [groupOf('g', [{ do: 'block', with: { reason: 'SawRewritten' }, when: { dstPort: 8080 } }])],
    inbound: [groupOf('g', [{ do: 'block', with: { reason: 'SawOriginal' }, when: { dstPort: 80 } }])],
  }))
  t.deepEqual(port.process('outbound', frame()).outcome, { _tag: 'Dropped', reason: 'SawRewritten', by: { port: 'vm-1', layer: 'filter', group: 'g', rule: 'block-1' } })
  t.deepEqual(port.process('inbound', frame()).outcome, { _tag: 'Dropped', reason: 'SawOriginal', by: { port: 'vm-1', layer: 'filter', group: 'g', rule: 'block-1' } })
})
