import { loadBalancer, type LoadBalancerJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, ip, lines, objections, rewritten } from './support.js'

const policy: LoadBalancerJson = {
  vips: [
    { vip: '10.0.9.80' },
    { vip: '10.0.9.80', proto: 'tcp', port: 80, dip: '10.0.1.5', dipPort: 8080, idleMs: 60_000 },
    { vip: '10.0.9.80', proto: 'icmp' },
    { vip: 'fd00::80', proto: 'udp', port: 53, name: 'dns' },
    { vip: 'fd00::80', proto: 'icmp' },
    { vip: 'fd00::80', proto: 'tcp' },
    { vip: 'fd00::80', proto: 'tcp', port: 443 },
  ],
}

test('load-balancer: is stateful NAT inbound, the most specific entry first, to the port’s own address by default', (t) => {
  const groups = groupsOf(loadBalancer.layer, policy)
  t.deepEqual(groups.map(({ name, direction }) => ({ name, direction })), [{ name: 'default', direction: 'inbound' }])
  t.deepEqual(lines(groups, 'inbound'), [
    '300 10.0.9.80: dstIp = 10.0.9.80 -> nat {"dstIp":"10.0.1.4"} stateful 240000 ms',
    '100 10.0.9.80:80/tcp: dstIp = 10.0.9.80 and proto = tcp and dstPort = 80 -> nat {"dstIp":"10.0.1.5","dstPort":8080} stateful 60000 ms',
    '200 10.0.9.80/icmp: dstIp = 10.0.9.80 and proto = icmp and icmpType = 8 -> nat {"dstIp":"10.0.1.4"} stateful 240000 ms',
    '100 dns: dstIp = fd00::80 and proto = udp and dstPort = 53 -> nat {"dstIp":"fd00::4"} stateful 240000 ms',
    '200 fd00::80/icmp: dstIp = fd00::80 and proto = icmpv6 and icmpType = 128 -> nat {"dstIp":"fd00::4"} stateful 240000 ms',
    '200 fd00::80/tcp: dstIp = fd00::80 and proto = tcp -> nat {"dstIp":"fd00::4"} stateful 240000 ms',
    '100 [fd00::80]:443/tcp: dstIp = fd00::80 and proto = tcp and dstPort = 443 -> nat {"dstIp":"fd00::4"} stateful 240000 ms',
  ])
})

test('load-balancer: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(loadBalancer.layer, policy), policy)
})

test('load-balancer: refuses a VIP that the port has no address for', (t) => {
  const here = environment()
  const v4only = { ...here, port: { ...here.port, ips: [ip('10.0.1.4')] } }
  t.deepEqual(objections(loadBalancer.layer, { vips: [{ vip: '10.0.9.80' }, { vip: 'fd00::80' }] }, v4only), [
    '/vips/1/dip: is missing, and the port vm-1 has no IPv6 address to take instead',
  ])
})

for (const { vips, says } of [
  { vips: [{ vip: '10.0.9.80', dip: 'fd00::4' }], says: '/vips/0/dip: a VIP of IPv4 needs a DIP of IPv4: headers are rewritten, not translated' },
  { vips: [{ vip: '10.0.9.80', port: 80 }], says: '/vips/0/port: ports belong to a protocol: say "proto": "tcp" or "udp"' },
  { vips: [{ vip: '10.0.9.80', proto: 'icmp', port: 80 }], says: '/vips/0/port: ports belong to a protocol: say "proto": "tcp" or "udp"' },
  { vips: [{ vip: '10.0.9.80', proto: 'tcp', dipPort: 80 }], says: '/vips/0/dipPort: only one port can be changed into one: say which by "port"' },
  { vips: [{ vip: '10.0.9.80', proto: 'sctp' }], says: '/vips/0/proto: expected "tcp" or "udp" or "icmp"' },
  { vips: [{ vip: '10.0.9.80', proto: 'tcp', port: 65_536 }], says: '/vips/0/port: expected a port: a whole number from 0 to 65535' },
  { vips: [{ vip: '10.0.9' }], says: '/vips/0/vip: not an IPv4 or IPv6 address' },
  { vips: [{ vip: '10.0.9.80', ttl: 1 }], says: '/vips/0/ttl: unknown property; known are vip, proto, port, dip, dipPort, name, idleMs' },
  { vips: [{ vip: '10.0.9.80' }, { vip: '10.0.9.80', dip: '10.0.1.5' }], says: '/vips/1: "10.0.9.80" is already taken: /vips/0' },
  { vips: [{ vip: '10.0.9.80' }, { vip: '10.0.9.81', name: '10.0.9.80' }], says: '/vips/1/name: "10.0.9.80" is already taken: /vips/0' },
]) {
  test(`load-balancer: refuses ${JSON.stringify(vips)}`, (t) => {
    t.deepEqual(objections(loadBalancer.layer, { vips }), [says])
  })
}
