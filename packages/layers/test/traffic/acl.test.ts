import { orThrow } from '@vfp-ts/core'
import { acl } from '@vfp-ts/layers'
import test from 'ava'
import { arp, behind, frame } from '../frames.js'
import { host, outcome } from '../host.js'

const request = frame({ from: '10.0.1.4:5000', to: '10.0.1.5:443' })
const reply = frame({ from: '10.0.1.5:443', to: '10.0.1.4:5000' })
const asText = '10.0.1.4:5000 > 10.0.1.5:443 tcp'
const asReply = '10.0.1.5:443 > 10.0.1.4:5000 tcp'

test('acl: lets replies of a stateful entry in, and nothing unasked for', (t) => {
  const { port } = host()
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  orThrow(security.update(acl.policy({ outbound: [{ allow: { proto: 'tcp', dstPort: 443 }, stateful: true }], otherwise: 'deny' })))
  t.is(outcome(port, 'inbound', reply), 'drop Denied')
  t.is(outcome(port, 'outbound', request), asText)
  t.is(outcome(port, 'inbound', reply), asReply)
  t.is(outcome(port, 'inbound', frame({ from: '10.0.1.5:444', to: '10.0.1.4:5000' })), 'drop Denied')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' })), 'drop Denied')
  t.is(outcome(port, 'outbound', frame({ from: '[fd00::4]:5000', to: '[fd00::5]:80' })), 'drop Denied')
  t.deepEqual(port.counters().drops, { Denied: 4 })
})

test('acl: lets replies through without regard to state where both directions allow', (t) => {
  const { port } = host()
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  orThrow(security.update(acl.policy({ outbound: [{ allow: { dstPort: 443 } }], inbound: [{ allow: { srcPort: 443 } }] })))
  t.is(outcome(port, 'inbound', reply), asReply)
  t.is(outcome(port, 'outbound', request), asText)
  t.deepEqual(port.counters().connections, { acl: 0 })
})

test('acl: takes the first entry that matches, and priorities before positions', (t) => {
  const { port } = host()
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  const deny = { deny: { dstIp: '10.0.1.0/24' } }
  const allow = { allow: { dstPort: 443 } }
  orThrow(security.update(acl.policy({ outbound: [deny, allow] })))
  t.is(outcome(port, 'outbound', request), 'drop Denied')
  orThrow(security.update(acl.policy({ outbound: [allow, deny] })))
  t.is(outcome(port, 'outbound', request), asText)
  orThrow(security.update(acl.policy({ outbound: [allow, { ...deny, priority: 5 }] })))
  t.is(outcome(port, 'outbound', request), 'drop Denied')
})

test('acl: lets ARP through where it denies the rest, unless an entry denies that', (t) => {
  const { port } = host()
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  orThrow(security.update(acl.policy({})))
  t.is(outcome(port, 'outbound', arp()), 'arp')
  t.is(outcome(port, 'inbound', arp()), 'arp')
  t.is(outcome(port, 'outbound', request), 'drop Denied')
  orThrow(security.update(acl.policy({ outbound: [{ deny: { etherType: 'arp' } }] })))
  t.is(outcome(port, 'outbound', arp()), 'drop Denied')
  orThrow(security.update(acl.policy({ outbound: [{ deny: {} }] })))
  t.is(outcome(port, 'outbound', arp()), 'drop Denied')
})

test('acl: denies what is neither IP nor ARP where it denies the rest', (t) => {
  // What it taught: a rest that names IP lets an MPLS label or an unknown tag carry out what the policy denies.
  const { port } = host()
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  const others = [0x8847, 0x9100, 0x88b5, 0x05dc].map((etherType) => behind(request, etherType))
  orThrow(security.update(acl.policy({ outbound: [{ allow: { proto: 'tcp' }, stateful: true }], otherwise: 'deny' })))
  for (const direction of ['outbound', 'inbound'] as const) {
    for (const bytes of others) t.is(outcome(port, direction, bytes), 'drop Denied')
  }
  orThrow(security.update(acl.policy({ outbound: [{ allow: { etherType: 0x8847 } }], otherwise: 'deny' })))
  t.is(outcome(port, 'outbound', behind(request, 0x8847)), 'ethernet')
  t.is(outcome(port, 'outbound', behind(request, 0x9100)), 'drop Denied')
  orThrow(security.update(acl.policy({ otherwise: 'allow', stateful: true })))
  for (const bytes of others) t.is(port.process('outbound', bytes).outcome._tag, 'Passed')
  t.deepEqual(port.counters().connections, { acl: 0 }, 'and remembers no connection of it')
})

test('acl: passes only what every group allows, each with its own controller', (t) => {
  const { port } = host()
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  const infrastructure = security.group('infrastructure', { order: 0 })
  const customer = security.group('customer', { order: 1 })
  const to = (text: string): string => outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: text }))
  orThrow(customer.update(acl.policy({ outbound: [{ allow: { dstPort: [80, 443] }, stateful: true }] })))
  orThrow(infrastructure.update(acl.policy({ outbound: [{ deny: { dstIp: '10.9.0.0/16' } }], otherwise: 'allow' })))
  t.regex(to('10.0.1.5:80'), /^10/)
  t.is(to('10.9.0.1:80'), 'drop Denied')
  t.is(to('10.0.1.5:22'), 'drop Denied')
  t.is(outcome(port, 'inbound', frame({ from: '10.0.1.5:80', to: '10.0.1.4:5000' })), '10.0.1.5:80 > 10.0.1.4:5000 tcp')
  orThrow(infrastructure.update(acl.policy({ outbound: [{ deny: {} }], otherwise: 'allow' })))
  t.is(to('10.0.1.5:80'), 'drop Denied')
  orThrow(infrastructure.update(acl.policy({ otherwise: 'deny' })))
  t.is(to('10.0.1.5:80'), 'drop Denied')
  orThrow(infrastructure.remove())
  t.regex(to('10.9.0.1:80'), /^10/)
  t.is(to('10.0.1.5:22'), 'drop Denied')
})

test('acl: forgets a connection that has been idle for its time', (t) => {
  const { port, clock } = host()
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  orThrow(security.update(acl.policy({ outbound: [{ allow: {}, idleMs: 5000 }], stateful: true })))
  t.is(outcome(port, 'outbound', request), asText)
  clock.advanceUs(4_999_999)
  t.is(outcome(port, 'inbound', reply), asReply)
  clock.advanceUs(4_999_999)
  t.is(outcome(port, 'inbound', reply), asReply)
  clock.advanceUs(5_000_000)
  t.is(outcome(port, 'inbound', reply), 'drop Denied')
})

test('acl: ends connections that today’s policy would not have let begin, whichever side speaks first', (t) => {
  for (const first of ['outbound', 'inbound'] as const) {
    const { port } = host()
    const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
    orThrow(security.update(acl.policy({ outbound: [{ allow: { dstPort: 443 } }], stateful: true })))
    t.is(outcome(port, 'outbound', request), asText)
    t.is(outcome(port, 'inbound', reply), asReply)
    orThrow(security.update(acl.policy({ outbound: [{ allow: { dstPort: [80, 443] }, name: 'web' }], stateful: true })))
    t.is(outcome(port, 'inbound', reply), asReply)
    orThrow(security.update(acl.policy({ outbound: [{ allow: { dstPort: 80 } }], stateful: true })))
    t.is(outcome(port, first, first === 'outbound' ? request : reply), 'drop Denied')
    t.is(outcome(port, first === 'outbound' ? 'inbound' : 'outbound', first === 'outbound' ? reply : request), 'drop Denied')
  }
})

test('acl: changes nothing when an update is refused', (t) => {
  const { port } = host()
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  orThrow(security.update(acl.policy({ outbound: [{ allow: { dstPort: 443 } }] })))
  const before = port.generation()
  t.deepEqual(security.updateJson({ outbound: [{ allow: { dstPort: 70_000 } }] }), {
    _tag: 'Left',
    left: { _tag: 'BadPolicy', layer: 'acl', problems: [{ path: '/outbound/0/allow/dstPort', reason: 'dstPort is a whole number from 0 to 65535, not 70000', value: '70000' }] },
  })
  t.is(port.generation(), before)
  t.is(outcome(port, 'outbound', request), asText)
})
