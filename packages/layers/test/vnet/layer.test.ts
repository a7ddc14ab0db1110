import { directory } from '@vfp-ts/core'
import { vnet } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, lines, objections, rewritten } from '../support.js'

const ca = directory('ca-to-pa')
const policy = {
  vni: 5001,
  underlay: '192.0.2.1',
  routes: ['10.0.0.0/16', { prefix: '10.0.5.0/24', to: 'drop' }, { prefix: '0.0.0.0/0', to: 'internet', name: 'out' }],
  directory: ca,
}

test('vnet: routes outbound by longest prefix and drops what has no route', (t) => {
  const groups = groupsOf(vnet.layer, policy)
  t.deepEqual(groups.map(({ name, direction, match }) => ({ name, direction, match })), [
    { name: 'default', direction: 'inbound', match: undefined },
    { name: 'default', direction: 'outbound', match: { longestPrefix: 'dstIp' } },
  ])
  t.deepEqual(lines(groups, 'outbound'), [
    '100 10.0.0.0/16: dstIp in 10.0.0.0/16 -> vnet-route {"vni":5001,"underlay":"192.0.2.1","directory":"ca-to-pa"}',
    '100 10.0.5.0/24: dstIp in 10.0.5.0/24 -> block {"reason":"RouteDrop"}',
    '100 out: dstIp in 0.0.0.0/0 -> allow {}',
    '100 link 0.0.0.0/8: dstIp in 0.0.0.0/8 -> block {"reason":"NoRoute"}',
    '100 link 127.0.0.0/8: dstIp in 127.0.0.0/8 -> block {"reason":"NoRoute"}',
    '100 link 169.254.0.0/16: dstIp in 169.254.0.0/16 -> block {"reason":"NoRoute"}',
    '100 link 224.0.0.0/24: dstIp in 224.0.0.0/24 -> block {"reason":"NoRoute"}',
    '100 link 255.255.255.255/32: dstIp = 255.255.255.255 -> block {"reason":"NoRoute"}',
    '65534 no-route: etherType in ipv4, ipv6 -> block {"reason":"NoRoute"}',
    '65535 not-ip: any -> block {"reason":"NotIp"}',
  ])
})

test('vnet: accepts inbound its own tunnels, and plain frames from where the internet is', (t) => {
  t.deepEqual(lines(groupsOf(vnet.layer, policy), 'inbound'), [
    '100 decap: vni = 5001 and dstIp = 192.0.2.1 -> decap {}',
    '200 wrong-tenant: vni in 0-16777215 -> block {"reason":"WrongTenant"}',
    '984 from 10.0.0.0/16: srcIp in 10.0.0.0/16 -> block {"reason":"NotTunnelled"}',
    '976 from 10.0.5.0/24: srcIp in 10.0.5.0/24 -> block {"reason":"NotTunnelled"}',
    '1000 from out: srcIp in 0.0.0.0/0 -> allow {}',
    '300 to link: dstIp in 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/24, 255.255.255.255 -> block {"reason":"NotTunnelled"}',
    '992 from link 0.0.0.0/8: srcIp in 0.0.0.0/8 -> block {"reason":"NotTunnelled"}',
    '992 from link 127.0.0.0/8: srcIp in 127.0.0.0/8 -> block {"reason":"NotTunnelled"}',
    '984 from link 169.254.0.0/16: srcIp in 169.254.0.0/16 -> block {"reason":"NotTunnelled"}',
    '976 from link 224.0.0.0/24: srcIp in 224.0.0.0/24 -> block {"reason":"NotTunnelled"}',
    '968 from link 255.255.255.255/32: srcIp = 255.255.255.255 -> block {"reason":"NotTunnelled"}',
    '65535 not-tunnelled: any -> block {"reason":"NotTunnelled"}',
  ])
})

test('vnet: accepts no plain frame where no route leads to the internet', (t) => {
  t.deepEqual(lines(groupsOf(vnet.layer, { ...policy, routes: ['10.0.0.0/16'], underlay: ['192.0.2.1', '2001:db8::1'] }), 'inbound'), [
    '100 decap: vni = 5001 and dstIp in 192.0.2.1, 2001:db8::1 -> decap {}',
    '200 wrong-tenant: vni in 0-16777215 -> block {"reason":"WrongTenant"}',
    '65535 not-tunnelled: any -> block {"reason":"NotTunnelled"}',
  ])
})

test('vnet: lets out and in as it is what a layer nearer the wire takes to a service', (t) => {
  const groups = groupsOf(vnet.layer, { ...policy, routes: ['10.0.0.0/16', { prefix: '10.2.0.0/16', to: 'service' }] })
  t.is(lines(groups, 'outbound')[1], '100 10.2.0.0/16: dstIp in 10.2.0.0/16 -> allow {}')
  t.is(lines(groups, 'inbound')[3], '984 from 10.2.0.0/16: srcIp in 10.2.0.0/16 -> handed-back {"to":"service"}')
})

test('vnet: says how its tunnels look to each route', (t) => {
  const groups = groupsOf(vnet.layer, { ...policy, encap: 'nvgre', ttl: 'copy', dscp: 46, underlayMac: '02:00:00:00:00:01' })
  t.is(lines(groups, 'outbound')[0],
    '100 10.0.0.0/16: dstIp in 10.0.0.0/16 -> vnet-route {"vni":5001,"underlay":"192.0.2.1","directory":"ca-to-pa","encap":"nvgre",' +
    '"underlayMac":"02:00:00:00:00:01","ttl":"copy","dscp":46}')
})

test('vnet: takes a directory by the name the switch knows it by', (t) => {
  const named = { ...policy, directory: 'ca-to-pa' }
  t.deepEqual(lines(groupsOf(vnet.layer, named, environment([ca])), 'outbound'), lines(groupsOf(vnet.layer, policy), 'outbound'))
  t.deepEqual(objections(vnet.layer, named), ['/directory: the switch was not opened with a resource named "ca-to-pa"'])
})

test('vnet: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(vnet.layer, policy), policy)
  const long = {
    vni: 1, underlay: ['192.0.2.1', '2001:db8::1'], directory: 'ca-to-pa', underlayMac: '02:00:00:00:00:01', nextHopMac: '02:00:00:00:00:02', ttl: 9,
    encap: 'geneve', dscp: 'copy',
    routes: [{ prefix: '10.1.0.0/16', to: 'vnet', vni: 2, via: '10.0.0.1', name: 'peer' }],
  }
  t.deepEqual(rewritten(vnet.layer, long), long)
  t.deepEqual(rewritten(vnet.layer, { ...long, underlay: ['192.0.2.1'], routes: [{ prefix: '::/0' }] }), { ...long, underlay: '192.0.2.1', routes: ['::/0'] })
})

for (const { change, says } of [
  { change: { vni: 2 ** 24 }, says: '/vni: expected a VNI: a whole number from 0 to 16777215' },
  { change: { underlay: [] }, says: '/underlay: expected at least one address' },
  { change: { underlay: ['192.0.2.1', 'x'] }, says: '/underlay/1: not an IPv4 or IPv6 address' },
  { change: { underlay: 7 }, says: '/underlay: expected an IP address as text' },
  { change: { routes: ['10.0.0.1/8'] }, says: '/routes/0: bits are set behind the prefix length: did you mean 10.0.0.0/8?' },
  { change: { routes: [{ prefix: '::/0', to: 'moon' }] }, says: '/routes/0/to: expected "vnet" or "internet" or "service" or "drop"' },
  { change: { routes: [{ prefix: '::/0', to: 'internet', vni: 5 }] }, says: '/routes/0/vni: nothing is looked up on a route to internet' },
  { change: { routes: [{ prefix: '::/0', to: 'drop', via: '::1' }] }, says: '/routes/0/via: nothing is looked up on a route to drop' },
  { change: { routes: [{ prefix: '::/0', metric: 5 }] }, says: '/routes/0/metric: unknown property; known are prefix, to, vni, via, name' },
  { change: { routes: ['::/0', '10.0.0.0/8', '::/0'] }, says: '/routes/2: "::/0" is already taken: /routes/0' },
  { change: { routes: [{ prefix: '::/0', name: 'no-route' }] }, says: '/routes/0/name: "no-route" is already taken: the name of a rule that the layer adds' },
  { change: { directory: 5 }, says: '/directory: expected a directory: the name of a resource of the switch, or an object with a name and a lookup function' },
  { change: { directory: { name: 'x' } }, says: '/directory: expected a directory: the name of a resource of the switch, or an object with a name and a lookup function' },
  { change: { underlayMac: '1:2' }, says: '/underlayMac: a MAC address is six two-digit hexadecimal octets, as 00:15:5d:00:00:01' },
  { change: { ttl: 0 }, says: '/ttl: expected a TTL: a whole number from 1 to 255' },
  { change: { ttl: 'same' }, says: '/ttl: expected a TTL from 1 to 255, or "copy"' },
  { change: { dscp: 64 }, says: '/dscp: expected a DSCP: a whole number from 0 to 63' },
  { change: { encap: 'gre' }, says: '/encap: expected "vxlan" or "nvgre" or "geneve"' },
  { change: { routes: [{ prefix: '::/0', to: 'service', vni: 5 }] }, says: '/routes/0/vni: nothing is looked up on a route to service' },
  { change: { mtu: 1500 }, says: '/mtu: unknown property; known are vni, underlay, routes, directory, encap, arp, underlayMac, nextHopMac, ttl, dscp, ports' },
]) {
  test(`vnet: refuses ${JSON.stringify(change)}`, (t) => {
    t.deepEqual(objections(vnet.layer, { ...policy, ...change }), [says])
  })
}

test('vnet: lets answers to ARP into the network where it is told to, along routes that could be asked along', (t) => {
  const routes = ['10.0.0.0/16', 'fd00::/64', { prefix: '10.9.0.0/16', via: '10.0.0.1' }, { prefix: '0.0.0.0/0', to: 'internet', name: 'out' }] as const
  t.deepEqual(lines(groupsOf(vnet.layer, { ...policy, routes, arp: true }), 'outbound').filter((line) => line.includes('arp')), [
    '984 arp to 10.0.0.0/16: arpOperation = reply and arpTarget in 10.0.0.0/16 -> vnet-route {"vni":5001,"underlay":"192.0.2.1","directory":"ca-to-pa"}',
  ])
  t.deepEqual(lines(groupsOf(vnet.layer, { ...policy, routes }), 'outbound').filter((line) => line.includes('arp')), [])
})
