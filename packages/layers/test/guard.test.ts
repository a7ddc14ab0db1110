import type { LayerEnvironment } from '@vfp-ts/core'
import { guard, type GuardJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, ip, lines, objections, rewritten } from './support.js'

const OWN = 'srcMac = 00:15:5d:00:00:01'

const v4Only = { ...environment(), port: { ...environment().port, ips: [ip('10.0.1.4')] } }

test('guard: passes the port’s own addresses outbound, and names what is wrong with the rest', (t) => {
  t.deepEqual(lines(groupsOf(guard.layer, {}), 'outbound'), [
    `90 own-neighbour: ${OWN} and proto = icmpv6 and srcIp in fd00::4, fe80::/10 and icmpType = 136 -> neighbour-target {"own":["fd00::4/128","fe80::/10"]} terminating`,
    `100 own-ip: ${OWN} and srcIp in 10.0.1.4, fd00::4 -> allow {}`,
    `100 own-arp: ${OWN} and arpSender in 10.0.1.4, fd00::4 -> allow {}`,
    `100 arp-probe: ${OWN} and arpOperation = request and arpSender = 0.0.0.0 and arpTarget in 10.0.1.4, fd00::4 -> allow {}`,
    `100 dhcp: ${OWN} and srcIp = 0.0.0.0 and dstIp = 255.255.255.255 and proto = udp and srcPort = 68 and dstPort = 67 -> allow {}`,
    `100 link-local: ${OWN} and srcIp in fe80::/10 -> allow {}`,
    `90 duplicate-detection: ${OWN} and proto = icmpv6 and srcIp = :: and icmpType = 135 -> neighbour-target {"own":["fd00::4/128","fe80::/10"]} terminating`,
    `100 unspecified: ${OWN} and srcIp = :: and proto = icmpv6 and icmpType in 133, 143 -> allow {}`,
    `200 spoofed-arp: ${OWN} and etherType = arp -> block {"reason":"SpoofedArp"} terminating`,
    `200 spoofed-ip: ${OWN} and etherType in ipv4, ipv6 -> block {"reason":"SpoofedIp"} terminating`,
    `300 other-type: ${OWN} -> block {"reason":"UnknownType"} terminating`,
    '400 spoofed-mac: any -> block {"reason":"SpoofedMac"} terminating',
  ])
})

test('guard: passes inbound what is for the port, for all, or multicast', (t) => {
  t.deepEqual(lines(groupsOf(guard.layer, {}), 'inbound'), [
    '100 own-mac: dstMac = 00:15:5d:00:00:01 -> allow {}',
    '100 broadcast: dstMac = ff:ff:ff:ff:ff:ff -> allow {}',
    '100 multicast: dstMac in 01:00:5e:00:00:00/25, 33:33:00:00:00:00/16 -> allow {}',
    '400 not-for-port: any -> block {"reason":"NotForPort"} terminating',
  ])
  t.deepEqual(lines(groupsOf(guard.layer, { broadcast: false, multicast: false, macs: ['00:15:5d:00:00:99'] }), 'inbound'), [
    '100 own-mac: dstMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 -> allow {}',
    '400 not-for-port: any -> block {"reason":"NotForPort"} terminating',
  ])
})

test('guard: takes further MACs, addresses and prefixes for the port’s own', (t) => {
  const own = lines(groupsOf(guard.layer, { macs: ['00:15:5d:00:00:99'], ips: ['10.0.5.0/24', 'fd00::9'] }), 'outbound').find((l) => l.startsWith('100 own-ip'))
  t.is(own, '100 own-ip: srcMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 and srcIp in 10.0.1.4, fd00::4, 10.0.5.0/24, fd00::9 -> allow {}')
})

for (const { name, json, at, gone } of [
  { name: 'no DHCP', json: { dhcp: false }, at: environment(), gone: ['dhcp'] },
  { name: 'no link-local addresses', json: { linkLocal: false }, at: environment(), gone: ['link-local', 'duplicate-detection', 'unspecified'] },
  { name: 'a port of IPv4 alone', json: {}, at: v4Only, gone: ['own-neighbour', 'link-local', 'duplicate-detection', 'unspecified'] },
] satisfies readonly { name: string; json: GuardJson; at: LayerEnvironment; gone: readonly string[] }[]) {
  test(`guard: leaves rules out for ${name}`, (t) => {
    const ids = (j: GuardJson, e = environment()): readonly string[] => groupsOf(guard.layer, j, e).flatMap((g) => g.rules.map((r) => r.id ?? ''))
    t.deepEqual(ids(json, at), ids({}).filter((id) => !gone.includes(id)))
  })
}

test('guard: knows IPv6 by a listed address too, and does as told without any', (t) => {
  const has = (json: GuardJson): boolean => lines(groupsOf(guard.layer, json, v4Only), 'outbound').some((l) => l.startsWith('100 link-local'))
  t.deepEqual([has({ ips: ['fd00::/64'] }), has({ ips: ['10.0.5.0/24'] }), has({ linkLocal: true })], [true, false, true])
})

test('guard: lets other EtherTypes out where it is told', (t) => {
  t.true(lines(groupsOf(guard.layer, { otherTypes: 'allow' }), 'outbound').includes(`300 other-type: ${OWN} -> allow {}`))
})

test('guard: names its groups after the group that is updated', (t) => {
  t.deepEqual(groupsOf(guard.layer, {}, environment([], 'edge')).map((g) => g.name), ['edge', 'edge'])
})

test('guard: writes a policy as it was read', (t) => {
  const policy: GuardJson = { macs: ['00:15:5d:00:00:99'], ips: ['10.0.5.0/24'], dhcp: false, linkLocal: true, otherTypes: 'allow', broadcast: false, multicast: true }
  t.deepEqual(rewritten(guard.layer, policy), policy)
  t.deepEqual(rewritten(guard.layer, {}), {})
})

const homeless = { ...environment(), port: { ...environment().port, ips: [] } }

for (const { json, says, at = environment() } of [
  { json: { macs: ['00:15:5d'] }, says: ['/macs/0: a MAC address is six two-digit hexadecimal octets, as 00:15:5d:00:00:01'] },
  { json: { ips: ['10.0.5.1/24'] }, says: ['/ips/0: bits are set behind the prefix length: did you mean 10.0.5.0/24?'] },
  { json: { otherTypes: 'drop' }, says: ['/otherTypes: expected "allow" or "deny"'] },
  { json: { dhcpv4: true }, says: ['/dhcpv4: unknown property; known are macs, ips, dhcp, linkLocal, otherTypes, broadcast, multicast'] },
  { json: { dhcp: false }, at: homeless, says: ['/ips: is missing, and the port vm-1 has no address: it could not send a single packet'] },
]) {
  test(`guard: refuses ${JSON.stringify(json)} on a port with ${at.port.ips.length} addresses`, (t) => {
    t.deepEqual(objections(guard.layer, json, at), says)
  })
}

test('guard: takes a port without addresses that may ask for one', (t) => {
  t.deepEqual(objections(guard.layer, {}, homeless), [])
  t.deepEqual(objections(guard.layer, { dhcp: false, linkLocal: true }, homeless), [])
})
