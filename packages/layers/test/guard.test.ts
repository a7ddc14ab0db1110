import type { LayerEnvironment } from '@vfp-ts/core'
import { guard, type GuardJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, ip, lines, objections, rewritten } from './support.js'

const OWN = 'srcMac = 00:15:5d:00:00:01'
/** The port's addresses, and link-local ones. */
const ALL = '10.0.1.4, fd00::4, fe80::/10'
const UNSPECIFIED = '{"dhcp":true,"reports":true,"discovery":true,"own":["fd00::4/128","fe80::/10"]}'

const homeless = { ...environment(), port: { ...environment().port, ips: [] } }
const v4Only = { ...environment(), port: { ...environment().port, ips: [ip('10.0.1.4')] } }

test('guard: passes the port’s own addresses outbound, and names what is wrong with the rest', (t) => {
  t.deepEqual(lines(groupsOf(guard.layer, {}), 'outbound'), [
    `90 own-error: ${OWN} and srcIp in ${ALL} and quoted.dstIp in ${ALL}, ff00::/8 -> allow {}`,
    `90 routed-error: ${OWN} and srcIp in ${ALL} and quoted.srcIp in ${ALL} -> allow {}`,
    `95 spoofed-error: ${OWN} and quoted.srcIp in 0.0.0.0/0, ::/0 -> block {"reason":"SpoofedIp"} terminating`,
    `90 own-neighbour: ${OWN} and proto = icmpv6 and srcIp in fd00::4, fe80::/10 and icmpType = 136 -> neighbour-target {"own":["fd00::4/128","fe80::/10"]} terminating`,
    `100 own-ip: ${OWN} and srcIp in ${ALL} -> allow {}`,
    `100 own-arp: ${OWN} and arpSender in 10.0.1.4, fd00::4 -> allow {}`,
    `100 arp-probe: ${OWN} and arpOperation = request and arpSender = 0.0.0.0 and arpTarget in 10.0.1.4, fd00::4 -> allow {}`,
    `150 unspecified: ${OWN} and srcIp in 0.0.0.0, :: -> from-unspecified ${UNSPECIFIED} terminating`,
    `200 spoofed-arp: ${OWN} and etherType = arp -> block {"reason":"SpoofedArp"} terminating`,
    `200 spoofed-ip: ${OWN} and etherType in ipv4, ipv6 -> block {"reason":"SpoofedIp"} terminating`,
    `300 other-type: ${OWN} -> block {"reason":"UnknownType"} terminating`,
    '400 spoofed-mac: any -> block {"reason":"SpoofedMac"} terminating',
  ])
})

const REASON = '{"reason":"NotForPort"}'

test('guard: passes inbound what is for the port, for all, or multicast', (t) => {
  const to = 'dstMac in 00:15:5d:00:00:01, ff:ff:ff:ff:ff:ff, 01:00:5e:00:00:00/25, 33:33:00:00:00:00/16'
  t.deepEqual(lines(groupsOf(guard.layer, { subnets: ['10.0.1.0/24'] }), 'inbound'), [
    `90 own-error: ${to} and dstIp in ${ALL} and quoted.srcIp in ${ALL} -> allow {}`,
    `95 error-for-other: quoted.srcIp in 0.0.0.0/0, ::/0 -> block ${REASON} terminating`,
    `90 asked-neighbour: ${to} and proto = icmpv6 and icmpType = 135 -> neighbour-target {"own":["fd00::4/128","fe80::/10"],"reason":"NotForPort"} terminating`,
    `100 own-ip: ${to} and dstIp in ${ALL} -> allow {}`,
    `100 own-arp: ${to} and arpTarget in 10.0.1.4, fd00::4 -> allow {}`,
    `100 broadcast: ${to} and dstIp in 255.255.255.255, 10.0.1.255 -> allow {}`,
    `100 multicast: ${to} and dstIp in 224.0.0.0/4, ff00::/8 -> allow {}`,
    '100 dhcp: dstMac = 00:15:5d:00:00:01 and etherType = ipv4 and proto = udp and srcPort = 67 and dstPort = 68 -> allow {}',
    `200 announcement: ${to} and etherType = arp -> arp-announcement ${REASON} terminating`,
    `200 ip-for-other: etherType in ipv4, ipv6 -> block ${REASON} terminating`,
    `300 other-type: ${to} -> allow {}`,
    `400 not-for-port: any -> block ${REASON} terminating`,
  ])
  const few = lines(groupsOf(guard.layer, { broadcast: false, multicast: false, dhcp: false, macs: ['00:15:5d:00:00:99'] }, v4Only), 'inbound')
  t.deepEqual(few, [
    '90 own-error: dstMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 and dstIp = 10.0.1.4 and quoted.srcIp = 10.0.1.4 -> allow {}',
    `95 error-for-other: quoted.srcIp in 0.0.0.0/0, ::/0 -> block ${REASON} terminating`,
    `90 asked-neighbour: dstMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 and proto = icmpv6 and icmpType = 135 -> neighbour-target {"own":[],"reason":"NotForPort"} terminating`,
    '100 own-ip: dstMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 and dstIp = 10.0.1.4 -> allow {}',
    '100 own-arp: dstMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 and arpTarget = 10.0.1.4 -> allow {}',
    `200 announcement: dstMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 and etherType = arp -> arp-announcement ${REASON} terminating`,
    `200 ip-for-other: etherType in ipv4, ipv6 -> block ${REASON} terminating`,
    '300 other-type: dstMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 -> allow {}',
    `400 not-for-port: any -> block ${REASON} terminating`,
  ])
})

test('guard: takes further MACs, addresses and prefixes for the port’s own', (t) => {
  const own = lines(groupsOf(guard.layer, { macs: ['00:15:5d:00:00:99'], ips: ['10.0.5.0/24', 'fd00::9'] }), 'outbound').find((l) => l.startsWith('100 own-ip'))
  t.is(own, '100 own-ip: srcMac in 00:15:5d:00:00:01, 00:15:5d:00:00:99 and srcIp in 10.0.1.4, fd00::4, 10.0.5.0/24, fd00::9, fe80::/10 -> allow {}')
})

test('guard: lets a port without addresses ask for one, and hear the answer', (t) => {
  const ids = (json: GuardJson): readonly string[] => groupsOf(guard.layer, json, homeless).flatMap((g) => g.rules.map((r) => r.id ?? ''))
  t.deepEqual(ids({}), [
    'spoofed-error', 'unspecified', 'spoofed-arp', 'spoofed-ip', 'other-type', 'spoofed-mac',
    'error-for-other', 'asked-neighbour', 'broadcast', 'multicast', 'dhcp', 'announcement', 'ip-for-other', 'other-type', 'not-for-port',
  ])
})

for (const { name, json, at, says } of [
  { name: 'no DHCP', json: { dhcp: false }, at: environment(), says: '"dhcp":false,"reports":true,"discovery":true' },
  { name: 'no multicast', json: { multicast: false }, at: environment(), says: '"dhcp":true,"reports":false,"discovery":true' },
  { name: 'no link-local addresses', json: { linkLocal: false }, at: environment(), says: '"dhcp":true,"reports":true,"discovery":false' },
  { name: 'a port of IPv4 alone', json: {}, at: v4Only, says: '"dhcp":true,"reports":true,"discovery":false' },
] satisfies readonly { name: string; json: GuardJson; at: LayerEnvironment; says: string }[]) {
  test(`guard: what may come from the unspecified address, for ${name}`, (t) => {
    const unspecified = lines(groupsOf(guard.layer, json, at), 'outbound').find((l) => l.startsWith('150 unspecified'))
    t.true(unspecified?.includes(says), unspecified)
  })
}

test('guard: knows IPv6 by a listed address too, and does as told without any', (t) => {
  const has = (json: GuardJson): boolean => lines(groupsOf(guard.layer, json, v4Only), 'outbound').some((l) => l.startsWith('100 own-ip') && l.includes('fe80::/10'))
  t.deepEqual([has({ ips: ['fd00::/64'] }), has({ ips: ['10.0.5.0/24'] }), has({ linkLocal: true })], [true, false, true])
})

test('guard: lets other EtherTypes out where it is told', (t) => {
  t.true(lines(groupsOf(guard.layer, { otherTypes: 'allow' }), 'outbound').includes(`300 other-type: ${OWN} -> allow {}`))
})

test('guard: names its groups after the group that is updated', (t) => {
  t.deepEqual(groupsOf(guard.layer, {}, environment([], 'edge')).map((g) => g.name), ['edge', 'edge'])
})

test('guard: writes a policy as it was read', (t) => {
  const policy: GuardJson = { macs: ['00:15:5d:00:00:99'], ips: ['10.0.5.0/24'], subnets: ['10.0.5.0/24'], dhcp: false, linkLocal: true, otherTypes: 'allow', broadcast: false, multicast: true }
  t.deepEqual(rewritten(guard.layer, policy), policy)
  t.deepEqual(rewritten(guard.layer, {}), {})
})

for (const { json, says, at = environment() } of [
  { json: { macs: ['00:15:5d'] }, says: ['/macs/0: a MAC address is six two-digit hexadecimal octets, as 00:15:5d:00:00:01'] },
  { json: { ips: ['10.0.5.1/24'] }, says: ['/ips/0: bits are set behind the prefix length: did you mean 10.0.5.0/24?'] },
  { json: { subnets: ['10.0.5.0/31'] }, says: ['/subnets: expected IPv4 prefixes of at most 30 bits: others have no broadcast address'] },
  { json: { subnets: ['fd00::/64'] }, says: ['/subnets: expected IPv4 prefixes of at most 30 bits: others have no broadcast address'] },
  { json: { otherTypes: 'drop' }, says: ['/otherTypes: expected "allow" or "deny"'] },
  { json: { dhcpv4: true }, says: ['/dhcpv4: unknown property; known are macs, ips, subnets, dhcp, linkLocal, otherTypes, broadcast, multicast'] },
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
