import { formatIp, wire } from '@vfp-ts/core'
import type { GuardJson } from '@vfp-ts/layers'
import test from 'ava'
import { arp, behind, frame, type Said } from '../frames.js'
import { outcome } from '../host.js'
import { ip } from '../support.js'
import { guarded, OTHER, verdict, VM } from './guarded.js'

const dhcp: Said = { from: '0.0.0.0:68', to: '255.255.255.255:67', proto: 'udp', fromMac: VM, toMac: 'ff:ff:ff:ff:ff:ff' }
const icmp6 = (from: string, icmpType: number, fromMac = VM): Uint8Array => frame({ from, to: 'ff02::1', proto: 'icmp', icmpType, fromMac, toMac: '33:33:00:00:00:01' })

/** A solicitation or advertisement about `target`: four bytes of flags, then the target (RFC 4861 §4.3, §4.4). */
const neighbour = (from: string, target: string, icmpType: 135 | 136): Uint8Array => {
  const payload = new Uint8Array(20)
  ip(target).words.forEach((word, i) => { new DataView(payload.buffer).setUint32(4 + 4 * i, word) })
  // Duplicate address detection asks the solicited node of its target (RFC 4861 §7.1.1).
  const to = from === '::' ? formatIp(wire.ndpRules.solicitedNode(ip(target))) : 'ff02::1'
  return frame({ from, to, proto: 'icmp', icmpType, payload, fromMac: VM, toMac: '33:33:00:00:00:01', ttl: 255 })
}

const outbound: readonly (readonly [string, Uint8Array, string, GuardJson?])[] = [
  ['its own addresses', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80', fromMac: VM }), 'passes'],
  ['its own IPv6 address', frame({ from: '[fd00::4]:5000', to: '[fd00::5]:80', fromMac: VM }), 'passes'],
  ['a false MAC', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80', fromMac: OTHER }), 'SpoofedMac'],
  ['a false MAC and a false IP', frame({ from: '10.0.1.6:5000', to: '10.0.1.5:80', fromMac: OTHER }), 'SpoofedMac'],
  ['a false IP', frame({ from: '10.0.1.6:5000', to: '10.0.1.5:80', fromMac: VM }), 'SpoofedIp'],
  ['a false IPv6 address', frame({ from: '[fd00::6]:5000', to: '[fd00::5]:80', fromMac: VM }), 'SpoofedIp'],
  ['a listed MAC', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80', fromMac: OTHER }), 'passes', { macs: [OTHER] }],
  ['an address of a listed prefix', frame({ from: '10.0.5.6:5000', to: '10.0.1.5:80', fromMac: VM }), 'passes', { ips: ['10.0.5.0/24'] }],
  ['an address next to a listed prefix', frame({ from: '10.0.6.0:5000', to: '10.0.1.5:80', fromMac: VM }), 'SpoofedIp', { ips: ['10.0.5.0/24'] }],
  ['ARP of its own', arp(), 'passes'],
  ['an ARP reply of its own', arp({ reply: true }), 'passes'],
  ['ARP of another', arp({ sender: '10.0.1.1', reply: true }), 'SpoofedArp'],
  ['ARP of its own from a false MAC', arp({ fromMac: OTHER }), 'SpoofedMac'],
  ['ARP of an address of a listed prefix', arp({ sender: '10.0.5.6' }), 'passes', { ips: ['10.0.5.0/24'] }],
  ['a probe for its own address', arp({ sender: '0.0.0.0', target: '10.0.1.4' }), 'passes'],
  ['a probe for another’s address', arp({ sender: '0.0.0.0', target: '10.0.1.5' }), 'SpoofedArp'],
  ['a reply from no address', arp({ sender: '0.0.0.0', target: '10.0.1.4', reply: true }), 'SpoofedArp'],
  ['a DHCP discovery', frame(dhcp), 'passes'],
  ['a DHCP discovery where there is none', frame(dhcp), 'SpoofedIp', { dhcp: false }],
  ['a DHCP discovery from a false MAC', frame({ ...dhcp, fromMac: OTHER }), 'SpoofedMac'],
  ['no address to a single host', frame({ ...dhcp, to: '10.0.1.5:67' }), 'SpoofedIp'],
  ['no address from another port', frame({ ...dhcp, from: '0.0.0.0:69' }), 'SpoofedIp'],
  ['no address to another port', frame({ ...dhcp, to: '255.255.255.255:68' }), 'SpoofedIp'],
  ['an advertisement of its own', neighbour('fd00::4', 'fd00::4', 136), 'passes'],
  ['an advertisement of its own, from a link-local address', neighbour('fe80::4', 'fd00::4', 136), 'passes'],
  ['an advertisement of a link-local address', neighbour('fe80::4', 'fe80::4', 136), 'passes'],
  ['an advertisement of another', neighbour('fd00::4', 'fd00::1', 136), 'SpoofedNdp'],
  ['an advertisement of another, from a link-local address', neighbour('fe80::4', 'fd00::1', 136), 'SpoofedNdp'],
  ['an advertisement of a link-local address where there is none', neighbour('fd00::4', 'fe80::4', 136), 'SpoofedNdp', { linkLocal: false }],
  ['an advertisement from another', neighbour('fd00::6', 'fd00::4', 136), 'SpoofedIp'],
  ['an advertisement of nobody', neighbour('fd00::4', '::', 136), 'SpoofedNdp'],
  ['an advertisement of an address of a listed prefix', neighbour('fd00::4', 'fd05::9', 136), 'passes', { ips: ['fd05::/64'] }],
  ['a solicitation of another', neighbour('fd00::4', 'fd00::1', 135), 'passes'],
  ['a link-local address', icmp6('fe80::4', 135), 'passes'],
  ['a link-local address where there is none', icmp6('fe80::4', 135), 'SpoofedIp', { linkLocal: false }],
  ['an address next to the link-local ones', icmp6('fec0::4', 135), 'SpoofedIp'],
  ['duplicate address detection', neighbour('::', 'fd00::4', 135), 'passes'],
  ['duplicate address detection of a link-local address', neighbour('::', 'fe80::4', 135), 'passes'],
  ['duplicate address detection of another’s address', neighbour('::', 'fd00::5', 135), 'SpoofedNdp'],
  ['an advertisement without address', icmp6('::', 136), 'SpoofedIp'],
  ['an echo without address', icmp6('::', 128), 'SpoofedIp'],
  ['duplicate address detection from a false MAC', icmp6('::', 135, OTHER), 'SpoofedMac'],
  ['its packet behind a label', behind(frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80', fromMac: VM }), 0x8847), 'UnknownType'],
  ['a label where labels may pass', behind(frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80', fromMac: VM }), 0x8847), 'passes', { otherTypes: 'allow' }],
  ['a label from a false MAC where labels may pass', behind(frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' }), 0x8847), 'SpoofedMac', { otherTypes: 'allow' }],
  ['a tunnel whose inside is another’s', frame({ from: '10.0.1.6:1', to: '10.0.1.5:2', fromMac: VM, tunnel: { from: '10.0.1.4', to: '10.0.1.5', vni: 1 } }), 'SpoofedMac'],
]

for (const [name, bytes, expected, json] of outbound) {
  test(`guard: outbound, ${name}${json === undefined ? '' : ` (${JSON.stringify(json)})`}: ${expected}`, (t) => {
    t.is(verdict(guarded(json), 'outbound', bytes), expected)
  })
}

const to = (toMac: string): Uint8Array => frame({ from: '10.0.1.5:80', to: '10.0.1.4:5000', toMac })

for (const [name, bytes, expected, json] of [
  ['a frame for it', to(VM), 'passes'],
  ['a frame for another', to(OTHER), 'NotForPort'],
  ['a frame for a listed MAC', to(OTHER), 'passes', { macs: [OTHER] }],
  ['broadcast', to('ff:ff:ff:ff:ff:ff'), 'passes'],
  ['broadcast where there is none', to('ff:ff:ff:ff:ff:ff'), 'NotForPort', { broadcast: false }],
  ['IPv4 multicast', to('01:00:5e:00:00:fb'), 'passes'],
  ['IPv6 multicast', to('33:33:00:00:00:01'), 'passes'],
  ['IPv6 multicast where there is none', to('33:33:00:00:00:01'), 'NotForPort', { multicast: false }],
  ['a bridge protocol’s multicast', to('01:80:c2:00:00:00'), 'NotForPort'],
  ['ARP for all', arp({ sender: '10.0.1.1', fromMac: OTHER }), 'passes'],
] satisfies readonly (readonly [string, Uint8Array, string, GuardJson?])[]) {
  test(`guard: inbound, ${name}${json === undefined ? '' : ` (${JSON.stringify(json)})`}: ${expected}`, (t) => {
    t.is(verdict(guarded(json), 'inbound', bytes), expected)
  })
}

test('guard: counts each kind of falsehood by its name', (t) => {
  const port = guarded()
  for (const name of ['a false MAC', 'a false IP', 'ARP of another', 'its packet behind a label']) {
    outcome(port, 'outbound', outbound.find(([n]) => n === name)?.[1] ?? new Uint8Array(0))
  }
  outcome(port, 'inbound', to(OTHER))
  t.deepEqual(port.counters().drops, { SpoofedMac: 1, SpoofedIp: 1, SpoofedArp: 1, UnknownType: 1, NotForPort: 1 })
})

test('guard: keeps what it decides about other packets than those of neighbour discovery in the cache', (t) => {
  const port = guarded()
  for (const bytes of [outbound[0]?.[1], outbound[1]?.[1], icmp6('fe80::4', 128)]) {
    if (bytes !== undefined) for (let i = 0; i < 3; i++) outcome(port, 'outbound', bytes)
  }
  t.like(port.counters(), { slow: 3, fast: 6 })
  for (let i = 0; i < 3; i++) outcome(port, 'outbound', neighbour('fd00::4', 'fd00::4', 136))
  t.like(port.counters(), { slow: 6, fast: 6 })
})
