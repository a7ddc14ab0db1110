/** Flow ids in words, and as plain data for JSON. */
import { formatIp, formatMac, type IpAddress, ipv4 } from '../wire/address.js'
import { Frag, L3, L4, Tunnel } from '../wire/frame-view.js'
import { Shape, Word, WORDS } from './layout.js'

/** One header group of a flow id as data; fields the group does not have are absent. */
export interface FlowGroup {
  readonly srcMac: string
  readonly dstMac: string
  readonly etherType: number
  readonly vlans?: readonly number[]
  readonly srcIp?: string
  readonly dstIp?: string
  readonly proto?: number
  readonly srcPort?: number
  readonly dstPort?: number
  readonly icmp?: { readonly type: number; readonly code: number; readonly id?: number }
  readonly fragment?: 'first' | 'later'
  readonly tunnel?: { readonly kind: 'vxlan'; readonly vni: number }
}

/** The address in four words of a group, `at` being the first. */
export const ipAt = (words: Uint32Array, at: number, l3: number): IpAddress =>
  l3 === L3.Ipv6
    ? { version: 6, words: [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!] }
    : ipv4(words[at + 3]!)

/** A flow id as data, outermost group first. */
export const flowToJson = (words: Uint32Array, depth: number): readonly FlowGroup[] =>
  Array.from({ length: depth }, (_, g) => groupToJson(words, g * WORDS))

const groupToJson = (words: Uint32Array, w: number): FlowGroup => {
  const shape = words[w]!
  const l3 = shape & 0xf
  const l4 = (shape >>> Shape.L4_SHIFT) & 0xf
  const frag = (shape >>> Shape.FRAG_SHIFT) & 0xf
  const vlans = (shape >>> Shape.VLANS_SHIFT) & 0xf
  const ports = words[w + Word.PORTS]!
  const icmp = words[w + Word.ICMP]!
  const tags = words[w + Word.VLAN]!
  const m1 = words[w + Word.MAC_1]!
  return {
    srcMac: formatMac((m1 & 0xffff) * 0x1_0000_0000 + words[w + Word.MAC_2]!),
    dstMac: formatMac(words[w + Word.MAC_0]! * 0x1_0000 + (m1 >>> 16)),
    etherType: words[w + Word.PROTO]! >>> 16,
    ...(vlans === 0 ? {} : { vlans: vlans === 1 ? [(tags >>> 16) & 0xfff] : [(tags >>> 16) & 0xfff, tags & 0xfff] }),
    ...(l3 === L3.None ? {} : { srcIp: formatIp(ipAt(words, w + Word.SRC_IP, l3)), dstIp: formatIp(ipAt(words, w + Word.DST_IP, l3)) }),
    ...(l3 === L3.Ipv4 || l3 === L3.Ipv6 ? { proto: words[w + Word.PROTO]! & 0xff } : {}),
    ...(l4 === L4.Tcp || l4 === L4.Udp ? { srcPort: ports >>> 16, dstPort: ports & 0xffff } : {}),
    ...(l4 === L4.Icmp || l4 === L4.Icmpv6
      ? { icmp: { type: icmp >>> 8, code: icmp & 0xff, ...(ports === 0 ? {} : { id: ports & 0xffff }) } }
      : {}),
    ...(frag === Frag.Whole ? {} : { fragment: frag === Frag.First ? 'first' as const : 'later' as const }),
    ...(((shape >>> Shape.TUNNEL_SHIFT) & 0xf) === Tunnel.Vxlan ? { tunnel: { kind: 'vxlan' as const, vni: words[w + Word.VNI]! } } : {}),
  }
}

/**
 * One line for a flow id, innermost group first:
 * `tcp 10.0.0.4:49200 > 10.0.1.4:80 in vxlan 5001 192.0.2.1 > 192.0.2.2`.
 */
export const formatFlow = (words: Uint32Array, depth: number): string =>
  flowToJson(words, depth).map(formatGroup).reverse().join(' in ')

const formatGroup = (g: FlowGroup): string => {
  const tags = g.vlans === undefined ? '' : ` vlan ${g.vlans.join('.')}`
  const fragment = g.fragment === undefined ? '' : ` (${g.fragment} fragment)`
  if (g.srcIp === undefined || g.dstIp === undefined) {
    return `ethertype 0x${g.etherType.toString(16).padStart(4, '0')} ${g.srcMac} > ${g.dstMac}${tags}`
  }
  if (g.tunnel !== undefined) return `${g.tunnel.kind} ${g.tunnel.vni} ${g.srcIp} > ${g.dstIp}${tags}`
  if (g.proto === undefined) return `arp ${g.srcIp} > ${g.dstIp}${tags}`
  if (g.icmp !== undefined) {
    const id = g.icmp.id === undefined ? '' : ` id ${g.icmp.id}`
    return `${g.proto === 1 ? 'icmp' : 'icmpv6'} ${g.srcIp} > ${g.dstIp} type ${g.icmp.type}${id}${tags}${fragment}`
  }
  const v6 = g.srcIp.includes(':')
  const host = (ip: string, port: number | undefined): string => (port === undefined ? ip : v6 ? `[${ip}]:${port}` : `${ip}:${port}`)
  return `${PROTOCOLS[g.proto] ?? `ip proto ${g.proto}`} ${host(g.srcIp, g.srcPort)} > ${host(g.dstIp, g.dstPort)}${tags}${fragment}`
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' }
