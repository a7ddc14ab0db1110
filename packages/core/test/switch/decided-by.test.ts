/** Which rule decided, in outcomes, flow reports and explanations. */
import test from 'ava'
import * as t from 'io-ts'
import { defineRuleType, type FrameOutcome, modify, openSwitch, orThrow, type Port, type RulesJson, rulesLayer, transpose } from '../../src/index.js'
import { BUILT_IN, ELSEWHERE, frame, macOf } from './support.js'

const LAYER = rulesLayer('acl', [...BUILT_IN, transpose, defineRuleType({ name: 'grow', config: t.unknown, decide: () => ({ verdict: { _tag: 'Continue' }, transposition: modify({ vni: 1 }), contexts: [], mirrors: [] }) })])

const portWith = (policy: RulesJson, host = openSwitch(), n = 1): Port => {
  const port = orThrow(host.addPort({ name: `vm-${n}`, mac: macOf(n) }))
  orThrow(orThrow(port.addLayer(LAYER, { order: 10 })).updateJson(policy))
  return port
}
const SSH: RulesJson = { outbound: [{ name: 'open', rules: [{ id: 'all', do: 'allow' }] }, { name: 'ssh', rules: [{ id: 'no-ssh', do: 'block', when: { dstPort: 22 } }] }] }
const ssh = (): Uint8Array => frame({ dstPort: 22 })
const byOf = (outcome: FrameOutcome): unknown => (outcome._tag === 'Dropped' ? outcome.by : outcome._tag)

test('outcome: names the rule that dropped the frame, walked and cached', (c) => {
  const port = portWith(SSH)
  const outcome = { _tag: 'Dropped', reason: 'Denied', by: { port: 'vm-1', layer: 'acl', group: 'ssh', rule: 'no-ssh' } }
  for (let i = 0; i < 3; i++) c.deepEqual(port.process('outbound', ssh()).outcome, outcome)
  c.is(port.counters().fast, 2)
  c.deepEqual(port.process('outbound', frame()).outcome, { _tag: 'Passed' })
})

test('outcome: names the rule after an update that renames it and decides the same', (c) => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: macOf(1) }))
  const layer = orThrow(port.addLayer(LAYER, { order: 10 }))
  for (const id of ['one', 'two']) {
    orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ id, do: 'block' }] }] }))
    c.deepEqual(byOf(port.process('outbound', ssh()).outcome), { port: 'vm-1', layer: 'acl', group: 'g', rule: id })
  }
  c.is(port.counters().reconciled, 1)
})

test('outcome: names the rule whose transposition the frame cannot undergo, and none where no rule decided', (c) => {
  const port = portWith({ outbound: [{ name: 'g', rules: [{ id: 'tenant', do: 'grow', when: { dstPort: 22 } }, { do: 'transpose', with: '0: ttl=ttl(0)-200', when: { dstPort: 23 } }] }] })
  c.deepEqual(port.process('outbound', ssh()).outcome, { _tag: 'Dropped', reason: 'ShapeMismatch', by: { port: 'vm-1', layer: 'acl', group: 'g', rule: 'tenant' } })
  c.deepEqual(port.process('outbound', frame({ dstPort: 23 })).outcome, { _tag: 'Dropped', reason: 'TtlExceeded' })
})

test('outcome: a drop without a rule does not name the rule of the drop before', (c) => {
  const port = portWith(SSH)
  port.process('outbound', ssh())
  c.deepEqual(port.process('outbound', new Uint8Array(9)).outcome, { _tag: 'Dropped', reason: 'Truncated' })
  port.process('outbound', ssh())
  orThrow(port.disconnect())
  c.deepEqual(port.process('outbound', ssh()).outcome, { _tag: 'Dropped', reason: 'PortDisconnected' })
})

test('outcome: after a hairpin names the port whose rule it was', (c) => {
  const host = openSwitch()
  const port = portWith({ outbound: [{ name: 'g', rules: [{ do: 'hairpin', with: { port: 'vm-2' } }] }] }, host)
  portWith(SSH, host, 2)
  c.deepEqual(byOf(port.process('outbound', ssh()).outcome), { port: 'vm-2', layer: 'acl', group: 'ssh', rule: 'no-ssh' })
})

test('outcome: fromVm and fromNetwork name the rule too', (c) => {
  const host = openSwitch()
  portWith({ ...SSH, inbound: [{ name: 'closed', rules: [{ id: 'shut', do: 'block' }] }] }, host)
  c.deepEqual(byOf(host.fromVm('vm-1', ssh())), { port: 'vm-1', layer: 'acl', group: 'ssh', rule: 'no-ssh' })
  c.deepEqual(byOf(host.fromNetwork(frame({ fromMac: ELSEWHERE, toMac: macOf(1) }))), { port: 'vm-1', layer: 'acl', group: 'closed', rule: 'shut' })
  c.deepEqual(host.fromNetwork(frame({ toMac: ELSEWHERE })), { _tag: 'Dropped', reason: 'NoPortForMac' })
})

test('flows, explain: name the rule of a verdict that ends the way here, and none where it goes on', (c) => {
  const port = portWith(SSH)
  port.process('outbound', ssh())
  port.process('outbound', frame())
  c.deepEqual(port.flows().map(({ verdict, by }) => [verdict, by]), [['drop Denied', { layer: 'acl', group: 'ssh', rule: 'no-ssh' }], ['continue', undefined]])
  c.deepEqual([port.explain('outbound', ssh()).by, port.explain('outbound', frame()).by], [{ layer: 'acl', group: 'ssh', rule: 'no-ssh' }, undefined])
})
