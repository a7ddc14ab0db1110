/** What reaches a VM: by MAC, and by the address that is meant. */
import { formatMac, wire } from '@vfp-ts/core'
import type { GuardJson } from '@vfp-ts/layers'
import test from 'ava'
import { arp, behind, frame, type Said } from '../frames.js'
import { ip } from '../support.js'
import { guarded, OTHER, verdict, VM } from './guarded.js'

const ALL = 'ff:ff:ff:ff:ff:ff'
const to = (address: string, change: Partial<Said> = {}): Uint8Array => {
  const six = address.includes(':')
  return frame({ from: six ? '[fd00::5]:80' : '10.0.1.5:80', to: six ? `[${address}]:5000` : `${address}:5000`, proto: 'udp', toMac: VM, fromMac: OTHER, ...change })
}
const group = (address: string, change: Partial<Said> = {}): Uint8Array => {
  const { words, version } = ip(address)
  return to(address, { toMac: formatMac(version === 6 ? wire.ndpRules.multicastMac(ip(address)) : 0x0100_5e00_0000 + (words[3] & 0x7f_ffff)), ...change })
}
const dhcp = (address: string, change: Partial<Said> = {}): Uint8Array =>
  frame({ from: '10.0.1.1:67', to: `${address}:68`, proto: 'udp', toMac: VM, fromMac: OTHER, ...change })
const arpTo = (target: string, change: Parameters<typeof arp>[0] = {}): Uint8Array => arp({ sender: '10.0.1.5', fromMac: OTHER, target, ...change })
const unicast = (bytes: Uint8Array, toMac = VM): Uint8Array => {
  bytes.set(toMac.split(':').map((octet) => Number.parseInt(octet, 16)), 0)
  return bytes
}

/** A solicitation of a neighbour, to the solicited node of its target. */
const asks = (target: string, change: Partial<Said> = {}): Uint8Array => {
  const node = wire.ndpRules.solicitedNode(ip(target))
  const payload = Uint8Array.from([0, 0, 0, 0, ...ip(target).words.flatMap((w) => [w >>> 24, (w >>> 16) & 0xff, (w >>> 8) & 0xff, w & 0xff])])
  return frame({
    from: 'fe80::5', to: `ff02::1:ff${(node.words[3] & 0xff_ffff).toString(16).padStart(6, '0').replace(/^(..)/, '$1:')}`, proto: 'icmp', icmpType: 135, payload, ttl: 255, fromMac: OTHER,
    toMac: formatMac(wire.ndpRules.multicastMac(node)), ...change,
  })
}

/** An ICMP error to an address that quotes a packet between two others. */
const error = (type: number, address: string, quotedFrom: string, quotedTo: string): Uint8Array => {
  const six = address.includes(':')
  const end = (one: string, port: number): string => (six ? `[${one}]:${port}` : `${one}:${port}`)
  const quoted = frame({ from: end(quotedFrom, 5000), to: end(quotedTo, 80), proto: 'udp' }).subarray(14)
  return to(address, { proto: 'icmp', icmpType: type, payload: quoted })
}

const cases: readonly (readonly [string, Uint8Array, string, GuardJson?])[] = [
  ['its address', to('10.0.1.4'), 'passes'],
  ['its IPv6 address', to('fd00::4'), 'passes'],
  ['a link-local address', to('fe80::4'), 'passes'],
  ['a link-local address where there is none', to('fe80::4'), 'NotForPort', { linkLocal: false }],
  ['another’s address', to('10.0.1.6'), 'NotForPort'],
  ['another’s IPv6 address', to('fd00::6'), 'NotForPort'],
  ['no address', to('0.0.0.0'), 'NotForPort'],
  ['no IPv6 address', to('::'), 'NotForPort'],
  ['an address of a listed prefix', to('10.0.5.6'), 'passes', { ips: ['10.0.5.0/24', 'fd05::/64'] }],
  ['an IPv6 address of a listed prefix', to('fd05::6'), 'passes', { ips: ['10.0.5.0/24', 'fd05::/64'] }],
  ['an address next to a listed prefix', to('10.0.6.0'), 'NotForPort', { ips: ['10.0.5.0/24'] }],
  ['its address in a tunnel', to('10.0.1.4', { tunnel: { from: '192.0.2.5', to: '192.0.2.1', vni: 7 } }), 'NotForPort'],
  ['another’s address in a tunnel to it', frame({ from: '10.9.0.1:1', to: '10.9.0.2:2', toMac: OTHER, tunnel: { from: '10.0.1.5', to: '10.0.1.4', vni: 7 } }), 'NotForPort'],
  // RFC 919, RFC 1122 §3.3.6
  ['the limited broadcast address', to('255.255.255.255', { toMac: ALL }), 'passes'],
  ['the limited broadcast address, where broadcast is not', to('255.255.255.255'), 'NotForPort', { broadcast: false }],
  ['another’s address in a frame for all', to('10.0.1.6', { toMac: ALL }), 'NotForPort'],
  ['a subnet’s broadcast address', to('10.0.1.255', { toMac: ALL }), 'NotForPort'],
  ['its subnet’s broadcast address', to('10.0.1.255', { toMac: ALL }), 'passes', { subnets: ['10.0.1.0/24'] }],
  ['another address of its subnet', to('10.0.1.254', { toMac: ALL }), 'NotForPort', { subnets: ['10.0.1.0/24'] }],
  ['another subnet’s broadcast address', to('10.0.2.255', { toMac: ALL }), 'NotForPort', { subnets: ['10.0.1.0/24'] }],
  ['its subnet’s broadcast address, where broadcast is not', to('10.0.1.255'), 'NotForPort', { subnets: ['10.0.1.0/24'], broadcast: false }],
  // RFC 1112, RFC 4291 §2.7.1
  ['an IPv4 group', group('224.0.0.251'), 'passes'],
  ['an IPv4 group, where multicast is not', group('224.0.0.251'), 'NotForPort', { multicast: false }],
  ['an IPv4 group in a frame for it alone, where multicast is not', to('224.0.0.251'), 'NotForPort', { multicast: false }],
  ['all nodes', group('ff02::1'), 'passes'],
  ['all nodes, where multicast is not', group('ff02::1'), 'NotForPort', { multicast: false }],
  ['another’s address in a group’s frame', to('fd00::6', { toMac: '33:33:00:00:00:01' }), 'NotForPort'],
  ['an IGMP query', group('224.0.0.1', { from: '10.0.1.1', proto: 'igmp', ttl: 1, alert: true }), 'passes'],
  ['an MLD query', group('ff02::1', { from: 'fe80::1', proto: 'icmp', icmpType: 130, ttl: 1, alert: true }), 'passes'],
  ['a router advertisement', group('ff02::1', { from: 'fe80::1', proto: 'icmp', icmpType: 134, ttl: 255 }), 'passes'],
  ['a class E address', to('240.0.0.1'), 'NotForPort'],
  // RFC 4861 §7.2
  ['a solicitation for its address', asks('fd00::4'), 'passes'],
  ['a solicitation for its address, to it alone', asks('fd00::4', { to: 'fd00::4', toMac: VM }), 'passes'],
  ['a solicitation for a link-local address', asks('fe80::4'), 'passes'],
  ['a solicitation for a link-local address where there is none', asks('fe80::4'), 'NotForPort', { linkLocal: false }],
  ['a solicitation for another’s address', asks('fd00::6'), 'NotForPort'],
  ['a solicitation for another’s address with the same last bits', asks('fd00:1::4'), 'NotForPort'],
  ['a solicitation for another’s address, to it alone', asks('fd00::6', { to: 'fd00::4', toMac: VM }), 'NotForPort'],
  ['duplicate address detection of its address by another', asks('fd00::4', { from: '::' }), 'passes'],
  // RFC 826, RFC 5227 §2.1.1, §3, RFC 3927 §2.5
  ['an ARP question for its address', arpTo('10.0.1.4'), 'passes'],
  ['an ARP question for its address, to it alone', unicast(arpTo('10.0.1.4')), 'passes'],
  ['an ARP question for another’s address', arpTo('10.0.1.6'), 'NotForPort'],
  ['an ARP question for another’s address, to it alone', unicast(arpTo('10.0.1.6')), 'NotForPort'],
  ['an ARP answer for all', arpTo('10.0.1.4', { reply: true }), 'passes'],
  ['an ARP answer to another', arpTo('10.0.1.6', { reply: true }), 'NotForPort'],
  ['an ARP probe for its address by another', arpTo('10.0.1.4', { sender: '0.0.0.0' }), 'passes'],
  ['an ARP probe for another’s address', arpTo('10.0.1.6', { sender: '0.0.0.0' }), 'NotForPort'],
  ['an ARP announcement', arpTo('10.0.1.5'), 'passes'],
  ['an ARP announcement to another', unicast(arpTo('10.0.1.5'), OTHER), 'NotForPort'],
  ['an ARP question for its address, where broadcast is not', arpTo('10.0.1.4'), 'NotForPort', { broadcast: false }],
  // RFC 2131 §4.1
  ['a DHCP answer for all', dhcp('255.255.255.255', { toMac: ALL }), 'passes'],
  ['a DHCP answer under the offered address', dhcp('10.0.1.77'), 'passes'],
  ['a DHCP answer for all to it alone, where broadcast is not', dhcp('255.255.255.255'), 'passes', { broadcast: false }],
  ['a DHCP answer under the offered address, where there is no DHCP', dhcp('10.0.1.77'), 'NotForPort', { dhcp: false }],
  ['a DHCP answer to another', dhcp('10.0.1.77', { toMac: OTHER }), 'NotForPort'],
  ['a DHCP answer to another’s address, for all', dhcp('10.0.1.77', { toMac: ALL }), 'NotForPort'],
  ['another answer under the offered address', dhcp('10.0.1.77', { from: '10.0.1.1:69' }), 'NotForPort'],
  ['a DHCPv6 answer', to('fe80::4', { from: '[fe80::1]:547' }), 'passes'],
  // RFC 5927 §4
  ['an error about its packet', error(3, '10.0.1.4', '10.0.1.4', '10.9.0.1'), 'passes'],
  ['an IPv6 error about its packet', error(2, 'fd00::4', 'fd00::4', 'fd09::1'), 'passes'],
  ['an error about another’s packet', error(3, '10.0.1.4', '10.0.1.6', '10.9.0.1'), 'NotForPort'],
  ['a redirect about another’s packet', error(5, '10.0.1.4', '10.0.1.6', '10.9.0.1'), 'NotForPort'],
  ['an IPv6 error about another’s packet', error(1, 'fd00::4', 'fd00::6', 'fd09::1'), 'NotForPort'],
  ['an error to another about its packet', error(3, '10.0.1.6', '10.0.1.4', '10.9.0.1'), 'NotForPort'],
  ['an error about a packet of a listed prefix', error(11, '10.0.5.6', '10.0.5.6', '10.9.0.1'), 'passes', { ips: ['10.0.5.0/24'] }],
  ['its packet behind a label', behind(to('10.0.1.4'), 0x8847), 'passes'],
]

for (const [name, bytes, expected, json] of cases) {
  test(`guard: towards the VM, ${name}${json === undefined ? '' : ` (${JSON.stringify(json)})`}: ${expected}`, (t) => {
    t.is(verdict(guarded(json), 'inbound', bytes), expected)
  })
}

const said = (type: number, from: string, quotedFrom: string, quotedTo: string): Uint8Array => {
  const six = from.includes(':')
  const end = (one: string, port: number): string => (six ? `[${one}]:${port}` : `${one}:${port}`)
  const quoted = frame({ from: end(quotedFrom, 5000), to: end(quotedTo, 80), proto: 'udp' }).subarray(14)
  return frame({ from, to: quotedFrom, proto: 'icmp', icmpType: type, payload: quoted, fromMac: VM })
}

for (const [name, bytes, expected, json] of [
  ['a packet that was for it', said(3, '10.0.1.4', '10.9.0.1', '10.0.1.4'), 'passes'],
  ['an IPv6 packet that was for it', said(1, 'fd00::4', 'fd09::1', 'fd00::4'), 'passes'],
  ['an IPv6 packet for a group', said(4, 'fd00::4', 'fd09::1', 'ff02::1'), 'passes'],
  ['a packet that was for another', said(3, '10.0.1.4', '10.9.0.1', '10.0.1.6'), 'SpoofedIp'],
  ['an IPv6 packet that was for another', said(2, 'fd00::4', 'fd09::1', 'fd00::6'), 'SpoofedIp'],
  ['a packet of the network that it routes for', said(11, '10.0.1.4', '10.0.5.6', '10.9.0.1'), 'passes', { ips: ['10.0.5.0/24'] }],
  ['a packet that was for it, from another', said(3, '10.0.1.6', '10.9.0.1', '10.0.1.4'), 'SpoofedIp'],
] satisfies readonly (readonly [string, Uint8Array, string, GuardJson?])[]) {
  test(`guard: from the VM, an error about ${name}${json === undefined ? '' : ` (${JSON.stringify(json)})`}: ${expected}`, (t) => {
    t.is(verdict(guarded(json), 'outbound', bytes), expected)
  })
}

test('guard: keeps what it decides about a VM’s ordinary packets in the cache, in both directions', (t) => {
  const port = guarded()
  for (const bytes of [to('10.0.1.4'), to('fd00::4'), group('ff02::fb'), to('10.0.1.6')]) for (let i = 0; i < 3; i++) verdict(port, 'inbound', bytes)
  t.like(port.counters(), { slow: 4 })
})
