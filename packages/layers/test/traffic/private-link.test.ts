import { directory, emitFrame, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { privateLink, type PrivateLinkJson, vnet } from '@vfp-ts/layers'
import test from 'ava'
import { frame, macs, read, type Said, show } from '../frames.js'
import { outcome, passed } from '../host.js'
import { groupsOf, lines, objections, rewritten } from '../support.js'

const SERVICE = {
  ca: '10.2.0.100', pa: '198.51.100.3', source: '2001:db8:20:abc:abc::/96', destination: '2001:db8:100::203', key: 100,
} as const
const policy: PrivateLinkJson = { underlay: ['192.0.2.1', '2001:db8::1'], services: [SERVICE] }

/** A port with a private link behind a VNET that lets its services through. */
const linked = (change: Partial<PrivateLinkJson> = {}): Port => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04' }))
  const network = orThrow(port.addLayer(vnet.layer, { order: 40 }))
  orThrow(network.update(vnet.policy({
    vni: 5001, underlay: ['192.0.2.1', '2001:db8::1'], routes: ['10.0.0.0/16', { prefix: '10.2.0.0/16', to: 'service' }], directory: directory(),
  })))
  orThrow(orThrow(port.addLayer(privateLink.layer, { order: 45 })).update(privateLink.policy({ ...policy, ...change })))
  return port
}

const request: Said = { from: '10.0.1.4:5000', to: '10.2.0.100:80' }
const answer: Said = {
  from: '[2001:db8:100::203]:80', to: '[2001:db8:20:abc:abc:0:a00:104]:5000', tunnel: { kind: 'nvgre', from: '198.51.100.3', to: '192.0.2.1', vni: 100 },
}
const OUT = '192.0.2.1 > 198.51.100.3 nvgre 100 | [2001:db8:20:abc:abc:0:a00:104]:5000 > [2001:db8:100::203]:80'

for (const proto of ['tcp', 'udp'] as const) {
  test(`private-link: takes ${proto} to the service in IPv6, and brings answers back in IPv4`, (t) => {
    const port = linked()
    for (let i = 0; i < 2; i++) {
      const out = passed(port.process('outbound', frame({ ...request, proto, dscp: 46, ecn: 1 })))
      t.is(show(out), `${OUT} ${proto}`)
      t.like(read(out).groups[0].net, { dscp: 46, ecn: 1, ttl: 64 })
      t.like(read(out).groups[1]?.net, { dscp: 46, ecn: 1, hopLimit: 64 })
      t.is(outcome(port, 'inbound', frame({ ...answer, proto })), `10.2.0.100:80 > 10.0.1.4:5000 ${proto}`)
    }
    t.like(port.counters(), { slow: 2, fast: 2, connections: { 'private-link': 1 } })
  })
}

test('private-link: translates an echo and its answer', (t) => {
  const port = linked()
  const out = passed(port.process('outbound', frame({ ...request, proto: 'icmp' })))
  t.is(show(out), '192.0.2.1 > 198.51.100.3 nvgre 100 | 2001:db8:20:abc:abc:0:a00:104 > 2001:db8:100::203 icmpv6')
  t.like(read(out).groups[1]?.transport, { type: 128 })
  const back = passed(port.process('inbound', frame({ ...answer, from: '[2001:db8:100::203]:5000', proto: 'icmp', reply: true })))
  t.is(show(back), '10.2.0.100 > 10.0.1.4 icmp')
  t.like(read(back).groups[0].transport, { type: 0, rest: 5000 * 0x1_0000 + 1 })
})

test('private-link: translates an error of the VM with the packet that it quotes', (t) => {
  const port = linked()
  const quoted = frame({ from: '10.2.0.100:80', to: '10.0.1.4:5000', proto: 'udp' }).subarray(14)
  const [{ eth, vlans, net }] = read(frame({ ...request, proto: 'icmp' })).groups
  if (net === undefined) return t.fail()
  const transport = { kind: 'icmp', type: 3, code: 3, rest: 0 } as const
  const out = passed(port.process('outbound', orThrow(emitFrame({ groups: [{ eth, vlans, net, transport }], payload: quoted }))))
  t.is(show(out), '192.0.2.1 > 198.51.100.3 nvgre 100 | 2001:db8:20:abc:abc:0:a00:104 > 2001:db8:100::203 icmpv6')
  // RFC 7915 §4.2: port unreachable.
  t.like(read(out).groups[1]?.transport, { type: 1, code: 4 })
  const inside = Uint8Array.from([...new Uint8Array(12), 0x86, 0xdd, ...read(out).payload])
  t.is(show(inside), '[2001:db8:100::203]:80 > [2001:db8:20:abc:abc:0:a00:104]:5000 udp')
  // Errors begin no connection.
  t.like(port.counters(), { connections: { 'private-link': 0 } })
})

test('private-link: lets in nothing that answers no connection, nor anybody who claims to be a service', (t) => {
  const port = linked()
  t.is(outcome(port, 'inbound', frame(answer)), 'drop NoConnection')
  passed(port.process('outbound', frame(request)))
  t.is(outcome(port, 'inbound', frame({ ...answer, from: '[2001:db8:100::203]:81' })), 'drop NoConnection')
  t.is(outcome(port, 'inbound', frame({ ...answer, tunnel: { kind: 'nvgre', from: '198.51.100.4', to: '192.0.2.1', vni: 100 } })), 'drop NoConnection')
  // Another tunnel is not the link's, and none of the tenant's.
  t.is(outcome(port, 'inbound', frame({ ...answer, tunnel: { kind: 'vxlan', from: '198.51.100.3', to: '192.0.2.1', vni: 100 } })), 'drop WrongTenant')
  t.is(outcome(port, 'inbound', frame({ from: '10.2.0.100:80', to: '10.0.1.4:5000' })), 'drop NotTunnelled')
  t.is(outcome(port, 'inbound', frame(answer)), '10.2.0.100:80 > 10.0.1.4:5000 tcp')
})

test('private-link: puts the bits of the encoding over the source address, and nothing over the VM’s own', (t) => {
  const port = linked({ encoding: { value: '::d107:64:ff71:0:0', mask: '::ffff:ffff:ffff:0:0' } })
  t.is(outcome(port, 'outbound', frame(request)), '192.0.2.1 > 198.51.100.3 nvgre 100 | [2001:db8:20:d107:64:ff71:a00:104]:5000 > [2001:db8:100::203]:80 tcp')
})

test('private-link: tunnels as the service says, over either version, and readdresses the frame inside', (t) => {
  const port = linked({
    ttl: 9, dscp: 8, underlayMac: '02:00:00:00:0a:01', nextHopMac: '02:00:00:00:0a:02',
    services: [{ ...SERVICE, encap: 'vxlan', mac: '02:00:00:00:00:99' }, { ...SERVICE, ca: '10.2.0.101', pa: '2001:db8::3', encap: 'geneve', key: 101 }],
  })
  const out = passed(port.process('outbound', frame({ ...request, dscp: 46 })))
  t.is(show(out).split(' | ')[0], '192.0.2.1 > 198.51.100.3 vni 100')
  t.like(read(out).groups[0].net, { ttl: 9, dscp: 8 })
  t.is(macs(out), '02:00:00:00:0a:01 > 02:00:00:00:0a:02')
  t.is(macs(out, 1), '02:00:00:00:00:01 > 02:00:00:00:00:99')
  t.is(outcome(port, 'outbound', frame({ ...request, to: '10.2.0.101:80' })).split(' | ')[0], '2001:db8::1 > 2001:db8::3 geneve 101')
})

test('private-link: spreads connections over places, keeps each on one, and names having no way to any', (t) => {
  const port = linked({ services: [{ ...SERVICE, pa: ['198.51.100.3', '198.51.100.4'] }, { ...SERVICE, ca: '10.2.0.101', key: 101 }] })
  const place = (n: number): string => outcome(port, 'outbound', frame({ ...request, from: `10.0.1.4:${5000 + n}` })).split(' ')[2] ?? ''
  const places = Array.from({ length: 100 }, (_, n) => place(n))
  t.true(places.filter((p) => p === '198.51.100.3').length > 20)
  t.true(places.filter((p) => p === '198.51.100.4').length > 20)
  t.deepEqual(Array.from({ length: 100 }, (_, n) => place(n)), places)
  const homeless = linked({ underlay: '2001:db8::1' })
  t.is(outcome(homeless, 'outbound', frame(request)), 'drop NoUnderlay')
})

test('private-link: leaves alone what is for nobody of its services', (t) => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04' }))
  orThrow(orThrow(port.addLayer(privateLink.layer, { order: 45 })).update(privateLink.policy(policy)))
  for (const direction of ['outbound', 'inbound'] as const) {
    const sent = frame({ from: '10.0.1.4:5000', to: '10.2.0.101:80' })
    t.deepEqual(passed(port.process(direction, sent)), sent)
  }
})

test('private-link: is one stateful rule a service, and inbound only refusals', (t) => {
  const groups = groupsOf(privateLink.layer, { ...policy, idleMs: 5000, services: [SERVICE, { ...SERVICE, ca: '10.2.0.101', name: 'store' }] })
  const config = '{"pa":"198.51.100.3","source":"2001:db8:20:abc:abc::/96","destination":"2001:db8:100::203","key":100,"underlay":["192.0.2.1","2001:db8::1"]}'
  t.deepEqual(lines(groups, 'outbound'), [
    `100 10.2.0.100: dstIp = 10.2.0.100 -> private-link ${config} stateful 5000 ms`,
    `100 store: dstIp = 10.2.0.101 -> private-link ${config} stateful 5000 ms`,
  ])
  t.deepEqual(lines(groups, 'inbound'), [
    '100 no-connection nvgre 100: tunnel = nvgre and vni = 100 and dstIp in 192.0.2.1, 2001:db8::1 -> block {"reason":"NoConnection"}',
    '200 not-tunnelled: srcIp in 10.2.0.100, 10.2.0.101 -> block {"reason":"NotTunnelled"}',
  ])
})

test('private-link: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(privateLink.layer, policy), policy)
  const long: PrivateLinkJson = {
    underlay: '192.0.2.1', idleMs: 1, ttl: 'copy', dscp: 3, encoding: { value: '::1:0:0', mask: '::f:0:0' },
    services: [{ ...SERVICE, pa: ['198.51.100.3', '198.51.100.4'], encap: 'geneve', mac: '02:00:00:00:00:99', name: 'store' }],
  }
  t.deepEqual(rewritten(privateLink.layer, long), long)
})

for (const { change, says } of [
  { change: { services: [{ ...SERVICE, ca: '2001:db8::9' }] }, says: '/services/0/ca: VMs know a service by an IPv4 address: IPv6 needs no translation, only a route' },
  { change: { services: [{ ...SERVICE, destination: '10.0.0.1' }] }, says: '/services/0/destination: a service has an IPv6 address' },
  { change: { services: [{ ...SERVICE, source: '2001:db8::/64' }] }, says: '/services/0/source: expected an IPv6 prefix of 96 bits' },
  { change: { services: [{ ...SERVICE, key: 2 ** 24 }] }, says: '/services/0/key: expected a VNI: a whole number from 0 to 16777215' },
  { change: { services: [{ ...SERVICE, pa: [] }] }, says: '/services/0/pa: expected at least one address' },
  { change: { services: [SERVICE, SERVICE] }, says: '/services/1/ca: "10.2.0.100" is already taken: /services/0/ca' },
  { change: { services: [{ ...SERVICE, name: 'a' }, { ...SERVICE, ca: '10.2.0.101', name: 'a' }] }, says: '/services/1/name: "a" is already taken: /services/0/name' },
  { change: { encoding: { value: '::1:0:0', mask: '::2:0:0' } }, says: '/encoding/value: bits are set where the mask has none' },
  { change: { encoding: { value: '::', mask: '::1' } }, says: '/encoding/mask: the last 32 bits are the address of the VM' },
  { change: { encoding: { value: '0.0.0.0', mask: '::' } }, says: '/encoding/value: expected an IPv6 address' },
]) {
  test(`private-link: refuses ${JSON.stringify(change)}`, (t) => {
    t.deepEqual(objections(privateLink.layer, { ...policy, ...change }), [says])
  })
}
