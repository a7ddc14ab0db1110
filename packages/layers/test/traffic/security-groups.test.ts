import { orThrow } from '@vfp-ts/core'
import { securityGroups } from '@vfp-ts/layers'
import test from 'ava'
import { arp, behind, frame } from '../frames.js'
import { host, outcome } from '../host.js'

const request = frame({ from: '10.0.1.4:5000', to: '10.0.1.5:443' })
const reply = frame({ from: '10.0.1.5:443', to: '10.0.1.4:5000' })
const asText = '10.0.1.4:5000 > 10.0.1.5:443 tcp'
const asReply = '10.0.1.5:443 > 10.0.1.4:5000 tcp'

test('securityGroups: lets each controller change its own stage alone, and takes the change at the next packet', (t) => {
  const { port } = host()
  const layer = orThrow(port.addLayer(securityGroups.layer, { order: 20 }))
  orThrow(layer.update(securityGroups.policy({
    stages: [{ name: 'platform', otherwise: 'allow' }, { name: 'tenant', outbound: [{ allow: { dstPort: 443 } }] }],
  })))
  const platform = layer.group('platform')
  const tenant = layer.group('tenant')
  t.is(outcome(port, 'outbound', request), asText)
  t.is(outcome(port, 'inbound', reply), asReply)
  orThrow(platform.update(securityGroups.policy({ outbound: [{ deny: { dstIp: '10.0.1.5' } }], otherwise: 'allow' })))
  t.is(outcome(port, 'inbound', reply), 'drop Denied', 'the connection has to be allowed anew')
  t.is(outcome(port, 'outbound', request), 'drop Denied')
  orThrow(platform.update(securityGroups.policy({ outbound: [{ deny: { dstIp: '10.0.1.5' }, terminating: false }], otherwise: 'allow' })))
  t.is(outcome(port, 'outbound', request), asText, 'the stage kept its place before the tenant’s')
  orThrow(tenant.update(securityGroups.policy({ outbound: [{ allow: { dstPort: 80 } }] })))
  t.is(outcome(port, 'outbound', request), 'drop Denied')
  orThrow(layer.group('exempt', { order: -1 }).update(securityGroups.policy({ outbound: [{ allow: { dstPort: 443 }, terminating: true }], otherwise: 'abstain' })))
  t.is(outcome(port, 'outbound', request), asText)
  t.is(outcome(port, 'inbound', reply), asReply)
})

test('securityGroups: refuses a policy of other stages on a stage’s handle', (t) => {
  const { port } = host()
  const layer = orThrow(port.addLayer(securityGroups.layer, { order: 20 }))
  t.deepEqual(layer.group('tenant').update(securityGroups.policy({ stages: [{ name: 'platform' }] })), {
    _tag: 'Left',
    left: { _tag: 'BadGroup', layer: 'security-groups', group: 'platform', reason: 'the policy is for the group tenant and may hold no other' },
  })
})

test('securityGroups: lets a stage abstain on its handle, as others may decide', (t) => {
  const { port } = host()
  const layer = orThrow(port.addLayer(securityGroups.layer, { order: 20 }))
  orThrow(layer.group('late', { order: 1 }).update(securityGroups.policy({ outbound: [{ deny: { dstPort: 443 } }], otherwise: 'abstain' })))
  orThrow(layer.group('early', { order: 0 }).update(securityGroups.policy({ otherwise: 'allow' })))
  t.is(outcome(port, 'outbound', request), 'drop Denied')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' })), '10.0.1.4:5000 > 10.0.1.5:80 tcp')
})

test('securityGroups: denies what is neither IP nor ARP with the rest, and allows it with the rest', (t) => {
  const { port } = host()
  const layer = orThrow(port.addLayer(securityGroups.layer, { order: 20 }))
  const label = behind(request, 0x8847)
  orThrow(layer.update(securityGroups.policy({ stages: [{ name: 'a', outbound: [{ allow: {}, terminating: false }], otherwise: 'abstain' }, { name: 'b' }] })))
  t.is(outcome(port, 'outbound', label), 'drop Denied')
  t.is(outcome(port, 'outbound', arp()), 'arp')
  orThrow(layer.update(securityGroups.policy({ stages: [{ name: 'a', outbound: [{ deny: {}, terminating: false }] }, { name: 'b', otherwise: 'allow' }] })))
  t.is(outcome(port, 'outbound', label), 'ethernet')
  t.is(outcome(port, 'outbound', arp()), 'arp')
  t.deepEqual(port.counters().connections, { 'security-groups': 0 })
})

test('securityGroups: forgets a connection that has been idle for its stage’s time', (t) => {
  const { port, clock } = host()
  const layer = orThrow(port.addLayer(securityGroups.layer, { order: 20 }))
  orThrow(layer.update(securityGroups.policy({ stages: [{ name: 'a', outbound: [{ allow: {} }], idleMs: 5000 }] })))
  t.is(outcome(port, 'outbound', request), asText)
  clock.advanceUs(4_999_999)
  t.is(outcome(port, 'inbound', reply), asReply)
  clock.advanceUs(5_000_000)
  t.is(outcome(port, 'inbound', reply), 'drop Denied')
})
