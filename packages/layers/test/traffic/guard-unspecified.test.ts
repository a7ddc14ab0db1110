/** What a host may say before it has an address, message by message: in its RFC's form, and in no other. */
import { formatIp, formatMac, wire } from '@vfp-ts/core'
import type { GuardJson } from '@vfp-ts/layers'
import test from 'ava'
import { arp, frame, type Said } from '../frames.js'
import { ip } from '../support.js'
import { guarded, OTHER, verdict, VM } from './guarded.js'

const ALL = 'ff:ff:ff:ff:ff:ff'
const dhcp: Said = { from: '0.0.0.0:68', to: '255.255.255.255:67', proto: 'udp', fromMac: VM, toMac: ALL }
const igmp = (to: string, change: Partial<Said> = {}): Uint8Array =>
  frame({ from: '0.0.0.0', to, proto: 'igmp', ttl: 1, alert: true, fromMac: VM, toMac: '01:00:5e:00:00:16', bytes: 16, ...change })

const SOURCE = [1, 1, 0, 0x15, 0x5d, 0, 0, 4]
const NONCE = [14, 1, 1, 2, 3, 4, 5, 6]
const message = (icmpType: number, to: string, payload: readonly number[], change: Partial<Said>): Uint8Array =>
  frame({ from: '::', to, proto: 'icmp', icmpType, payload: Uint8Array.from(payload), fromMac: VM, toMac: formatMac(wire.ndpRules.multicastMac(ip(to))), ...change })

const bytesOf = (address: string): readonly number[] => ip(address).words.flatMap((w) => [w >>> 24, (w >>> 16) & 0xff, (w >>> 8) & 0xff, w & 0xff])
const dad = (target: string, options: readonly number[] = [], change: Partial<Said> = {}): Uint8Array =>
  message(135, formatIp(wire.ndpRules.solicitedNode(ip(target))), [0, 0, 0, 0, ...bytesOf(target), ...options], { ttl: 255, ...change })
const solicitation = (options: readonly number[] = [], change: Partial<Said> = {}): Uint8Array =>
  message(133, 'ff02::2', [0, 0, 0, 0, ...options], { ttl: 255, ...change })
const mld = (icmpType: number, to: string, change: Partial<Said> = {}): Uint8Array =>
  message(icmpType, to, icmpType === 143 ? [0, 0, 0, 1, 4, 0, 0, 0, ...bytesOf('ff02::1:ff00:4')] : [0, 0, 0, 0, ...bytesOf('ff02::1:ff00:4')], { ttl: 1, alert: true, ...change })

const cases: readonly (readonly [string, Uint8Array, string, GuardJson?])[] = [
  // RFC 5227 §1.1, §2.3; RFC 3927 §2.2.1
  ['an ARP probe for its address', arp({ sender: '0.0.0.0', target: '10.0.1.4' }), 'passes'],
  ['an ARP probe for another’s address', arp({ sender: '0.0.0.0', target: '10.0.1.5' }), 'SpoofedArp'],
  ['an ARP probe for no address', arp({ sender: '0.0.0.0', target: '0.0.0.0' }), 'SpoofedArp'],
  ['an ARP announcement', arp({ target: '10.0.1.4' }), 'passes'],
  ['an ARP announcement as a reply', arp({ target: '10.0.1.4', reply: true }), 'passes'],
  ['an announcement of another’s address', arp({ sender: '10.0.1.5', target: '10.0.1.5' }), 'SpoofedArp'],
  ['a probe for an IPv4 link-local address', arp({ sender: '0.0.0.0', target: '169.254.7.9' }), 'SpoofedArp'],
  ['a probe for an IPv4 link-local address, where they are its own', arp({ sender: '0.0.0.0', target: '169.254.7.9' }), 'passes', { ips: ['169.254.0.0/16'] }],
  // RFC 2131 §4.1, RFC 1542 §4.1.1
  ['a DHCP request', frame(dhcp), 'passes'],
  ['a DHCP request where multicast is not', frame(dhcp), 'passes', { multicast: false }],
  ['a DHCP renewal with its address', frame({ ...dhcp, from: '10.0.1.4:68', to: '10.0.1.1:67', toMac: OTHER }), 'passes', { dhcp: false }],
  ['a DHCP renewal with another’s address', frame({ ...dhcp, from: '10.0.1.5:68', to: '10.0.1.1:67', toMac: OTHER }), 'SpoofedIp'],
  ['a DHCP request where there is none', frame(dhcp), 'SpoofedIp', { dhcp: false }],
  ['a DHCP request to one MAC', frame({ ...dhcp, toMac: OTHER }), 'SpoofedIp'],
  ['a DHCP request to one address', frame({ ...dhcp, to: '10.0.1.1:67' }), 'SpoofedIp'],
  ['a DHCP request by TCP', frame({ ...dhcp, proto: 'tcp' }), 'SpoofedIp'],
  ['a DHCP answer', frame({ ...dhcp, from: '0.0.0.0:67', to: '255.255.255.255:68' }), 'SpoofedIp'],
  ['a DHCP request from another port', frame({ ...dhcp, from: '0.0.0.0:67' }), 'SpoofedIp'],
  ['a piece of a DHCP request', frame({ ...dhcp, more: true, bytes: 24 }), 'SpoofedIp'],
  // RFC 3376 §4, §4.2.13; RFC 2236 §2
  ['an IGMPv3 report', igmp('224.0.0.22'), 'passes'],
  ['an IGMPv2 report', igmp('239.1.2.3'), 'passes'],
  ['an IGMPv1 report', igmp('239.1.2.3', { alert: false }), 'passes'],
  ['an IGMPv2 leave', igmp('224.0.0.2'), 'passes'],
  ['an IGMP query', igmp('224.0.0.1'), 'SpoofedIp'],
  ['an IGMPv3 report that goes further', igmp('224.0.0.22', { ttl: 2 }), 'SpoofedIp'],
  ['an IGMPv2 report that goes further', igmp('239.1.2.3', { ttl: 64 }), 'SpoofedIp'],
  ['an IGMPv3 report without router alert', igmp('224.0.0.22', { alert: false }), 'SpoofedIp'],
  ['an IGMPv2 leave without router alert', igmp('224.0.0.2', { alert: false }), 'SpoofedIp'],
  ['an IGMP report to one host', igmp('10.0.1.5'), 'SpoofedIp'],
  ['an IGMP report to all', igmp('255.255.255.255'), 'SpoofedIp'],
  ['an IGMP report where multicast is not', igmp('224.0.0.22'), 'SpoofedIp', { multicast: false }],
  ['a piece of an IGMP report', igmp('224.0.0.22', { more: true }), 'SpoofedIp'],
  ['UDP to a group', frame({ ...dhcp, to: '224.0.0.22:67', toMac: '01:00:5e:00:00:16', ttl: 1 }), 'SpoofedIp'],
  ['an echo', frame({ ...dhcp, proto: 'icmp' }), 'SpoofedIp'],
  // RFC 4862 §5.4.2, RFC 4861 §7.1.1, RFC 7527 §4.1, RFC 4429 §3.2
  ['duplicate address detection', dad('fd00::4'), 'passes'],
  ['duplicate address detection of a link-local address', dad('fe80::4'), 'passes'],
  ['duplicate address detection with a nonce', dad('fd00::4', NONCE), 'passes'],
  ['duplicate address detection of another’s address', dad('fd00::5'), 'SpoofedNdp'],
  ['duplicate address detection of a group', dad('ff02::1'), 'SpoofedNdp'],
  ['duplicate address detection with a source link-layer address', dad('fd00::4', SOURCE), 'SpoofedNdp'],
  ['duplicate address detection with a nonce and a source link-layer address', dad('fd00::4', [...NONCE, ...SOURCE]), 'SpoofedNdp'],
  ['duplicate address detection from further away', dad('fd00::4', [], { ttl: 254 }), 'SpoofedNdp'],
  ['duplicate address detection to all nodes', dad('fd00::4', [], { to: 'ff02::1' }), 'SpoofedNdp'],
  ['duplicate address detection to the node itself', dad('fd00::4', [], { to: 'fd00::4' }), 'SpoofedNdp'],
  ['duplicate address detection to another solicited node', dad('fd00::4', [], { to: 'ff02::1:ff00:5' }), 'SpoofedNdp'],
  ['duplicate address detection with a code', dad('fd00::4', [], { icmpCode: 1 }), 'SpoofedIp'],
  ['duplicate address detection where there is no IPv6', dad('fe80::4'), 'SpoofedIp', { linkLocal: false }],
  ['an optimistic solicitation with its address', dad('fd00::5', [], { from: 'fd00::4' }), 'passes'],
  // RFC 4861 §4.1, §6.1.1
  ['a router solicitation', solicitation(), 'passes'],
  ['a router solicitation with a source link-layer address', solicitation(SOURCE), 'SpoofedNdp'],
  ['a router solicitation to all nodes', solicitation([], { to: 'ff02::1' }), 'SpoofedNdp'],
  ['a router solicitation from further away', solicitation([], { ttl: 64 }), 'SpoofedNdp'],
  ['a router solicitation where there is no IPv6', solicitation(), 'SpoofedIp', { linkLocal: false }],
  ['a router solicitation of its link-local address, with a source link-layer address', solicitation(SOURCE, { from: 'fe80::4' }), 'passes'],
  ['a router advertisement', message(134, 'ff02::1', new Array<number>(12).fill(0), { ttl: 255 }), 'SpoofedIp'],
  ['a neighbour advertisement', message(136, 'ff02::1', [0, 0, 0, 0, ...bytesOf('fd00::4')], { ttl: 255 }), 'SpoofedIp'],
  ['a redirect', message(137, 'ff02::1', new Array<number>(36).fill(1), { ttl: 255 }), 'SpoofedIp'],
  // RFC 2710 §3, RFC 3590 §4, RFC 3810 §5.2.13, §5.2.14
  ['an MLDv1 report', mld(131, 'ff02::1:ff00:4'), 'passes'],
  ['an MLDv1 done', mld(132, 'ff02::2'), 'passes'],
  ['an MLDv2 report', mld(143, 'ff02::16'), 'passes'],
  ['an MLD query', mld(130, 'ff02::1'), 'SpoofedIp'],
  ['an MLDv1 report about all nodes', mld(131, 'ff02::1'), 'SpoofedIp'],
  ['an MLDv1 report to one host', mld(131, 'fd00::5'), 'SpoofedIp'],
  ['an MLDv1 done to its group', mld(132, 'ff02::1:ff00:4'), 'SpoofedIp'],
  ['an MLDv2 report to its group', mld(143, 'ff02::1:ff00:4'), 'SpoofedIp'],
  ['an MLDv1 report that goes further', mld(131, 'ff02::1:ff00:4', { ttl: 2 }), 'SpoofedIp'],
  ['an MLDv2 report that goes further', mld(143, 'ff02::16', { ttl: 255 }), 'SpoofedIp'],
  ['an MLDv1 report without router alert', mld(131, 'ff02::1:ff00:4', { alert: false }), 'SpoofedIp'],
  ['an MLDv1 done without router alert', mld(132, 'ff02::2', { alert: false }), 'SpoofedIp'],
  ['an MLDv2 report without router alert', mld(143, 'ff02::16', { alert: false }), 'SpoofedIp'],
  ['an MLDv2 report with a code', mld(143, 'ff02::16', { icmpCode: 1 }), 'SpoofedIp'],
  ['an MLDv2 report where multicast is not', mld(143, 'ff02::16'), 'SpoofedIp', { multicast: false }],
  ['an MLDv2 report where there is no IPv6', mld(143, 'ff02::16'), 'SpoofedIp', { linkLocal: false }],
  ['an MLDv2 report of its link-local address', mld(143, 'ff02::16', { from: 'fe80::4' }), 'passes'],
  // RFC 8415 §5.2: clients have a link-local address by then.
  ['a DHCPv6 request of its link-local address', frame({ from: '[fe80::4]:546', to: '[ff02::1:2]:547', proto: 'udp', fromMac: VM, toMac: '33:33:00:01:00:02' }), 'passes'],
  ['a DHCPv6 request', frame({ from: '[::]:546', to: '[ff02::1:2]:547', proto: 'udp', fromMac: VM, toMac: '33:33:00:01:00:02' }), 'SpoofedIp'],
  ['an echo of IPv6', message(128, 'ff02::1', [0, 0, 0, 0], {}), 'SpoofedIp'],
  ['a report from a false MAC', mld(143, 'ff02::16', { fromMac: OTHER }), 'SpoofedMac'],
  ['a DHCP request from a false MAC', frame({ ...dhcp, fromMac: OTHER }), 'SpoofedMac'],
]

for (const [name, bytes, expected, json] of cases) {
  test(`guard: before there is an address, ${name}${json === undefined ? '' : ` (${JSON.stringify(json)})`}: ${expected}`, (t) => {
    t.is(verdict(guarded(json), 'outbound', bytes), expected)
  })
}
