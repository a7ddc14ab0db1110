/** Flow ids as text for people, and as plain data for JSON. */
import { formatIp, formatMac, type IpAddress, ipv4 } from '../wire/address.js'
import { Frag, L3, L4, QUOTE, Tunnel } from '../wire/frame-view.js'
import { isPresent } from './field.js'
import { Shape, Word, WORDS } from './layout.js'

/** One header group of a flow id as plain data. Fields that the group does not have are absent. */
export interface FlowGroup {
  /** Source MAC address, as `00:15:5d:00:00:01`. */
  readonly srcMac: string
  /** Destination MAC address, as `00:15:5d:00:00:01`. */
  readonly dstMac: string
  /** EtherType behind the tags, 0–65535. */
  readonly etherType: number
  /** VLAN identifiers of the tags, 0–4095, outermost first; absent if there are none. */
  readonly vlans?: readonly number[]
  /** Whether each of the tags is a service tag, in the order of `vlans`; absent if none is. */
  readonly serviceTags?: readonly boolean[]
  /** Source address of IPv4 or IPv6; of ARP, the address of the sender. */
  readonly srcIp?: string
  /** Destination address of IPv4 or IPv6; of ARP, the address of the target. */
  readonly dstIp?: string
  /** IP protocol behind options and extension headers, 0–255; absent for ARP. */
  readonly proto?: number
  /** Source port of TCP or UDP, 0–65535. */
  readonly srcPort?: number
  /** Destination port of TCP or UDP, 0–65535. */
  readonly dstPort?: number
  /** Of ICMP and ICMPv6. */
  readonly icmp?: {
    /** Type of the message, 0–255. */
    readonly type: number
    /** Code of the message, 0–255. */
    readonly code: number
    /** Identifier of an echo request or reply, 1–65535; absent if it is 0 or the message has none. */
    readonly id?: number
  }
  /** Target of a neighbour solicitation, neighbour advertisement or redirect. */
  readonly ndpTarget?: string
  /** Which fragment the group holds; absent for a whole datagram. */
  readonly fragment?: 'first' | 'later'
  /** The tunnel header that encapsulates the next group. */
  readonly tunnel?: {
    /** Encapsulation. */
    readonly kind: 'vxlan' | 'nvgre' | 'geneve' | 'gre'
    /** Network identifier, 0–16777215; absent for plain GRE, which has none. */
    readonly vni?: number
  }
  /** The packet that an ICMP error quotes; only in the innermost group. */
  readonly quoted?: QuotedPacket
}

/** The packet that an ICMP error quotes, as plain data: a header group without Ethernet, tunnel or another quote. */
export type QuotedPacket = Omit<FlowGroup, 'srcMac' | 'dstMac' | 'vlans' | 'serviceTags' | 'tunnel' | 'quoted'>

/** Returns the address in the four words from `at` on, of a group whose `L3` kind is `l3`. */
export const ipAt = (words: Uint32Array, at: number, l3: number): IpAddress =>
  l3 === L3.Ipv6
    ? { version: 6, words: [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!] }
    : ipv4(words[at + 3]!)

/** Returns a flow id as plain data, one element for each of its `depth` groups, outermost first. */
export const flowToJson = (words: Uint32Array, depth: number): readonly FlowGroup[] =>
  Array.from({ length: depth }, (_, g) => {
    const group = groupToJson(words, g, depth)
    // ids that are kept have no room for a quote
    return g === depth - 1 && (words[QUOTE * WORDS] ?? 0) !== 0 ? { ...group, quoted: packetToJson(words, QUOTE, depth) } : group
  })

const groupToJson = (words: Uint32Array, g: number, depth: number): FlowGroup => {
  const w = g * WORDS
  const shape = words[w]!
  const vlans = (shape >>> Shape.VLANS_SHIFT) & 0xf
  const service = (shape >>> Shape.STAGS_SHIFT) & 0xf
  const tags = words[w + Word.VLAN]!
  const m1 = words[w + Word.MAC_1]!
  const kind = TUNNELS[(shape >>> Shape.TUNNEL_SHIFT) & 0xf]
  return {
    srcMac: formatMac((m1 & 0xffff) * 0x1_0000_0000 + words[w + Word.MAC_2]!),
    dstMac: formatMac(words[w + Word.MAC_0]! * 0x1_0000 + (m1 >>> 16)),
    ...packetToJson(words, g, depth),
    ...(vlans === 0 ? {} : { vlans: [(tags >>> 16) & 0xfff, tags & 0xfff].slice(0, vlans) }),
    ...(service === 0 ? {} : { serviceTags: [(service & 1) !== 0, (service & 2) !== 0].slice(0, vlans) }),
    ...(kind === undefined ? {} : { tunnel: { kind, ...(isPresent('vni', words, g, depth) ? { vni: words[w + Word.VNI]! } : {}) } }),
  }
}

const TUNNELS: Readonly<Record<number, NonNullable<FlowGroup['tunnel']>['kind']>> = {
  [Tunnel.Vxlan]: 'vxlan', [Tunnel.Nvgre]: 'nvgre', [Tunnel.Geneve]: 'geneve', [Tunnel.Gre]: 'gre',
}

const packetToJson = (words: Uint32Array, g: number, depth: number): QuotedPacket => {
  const w = g * WORDS
  const shape = words[w]!
  const l3 = shape & 0xf
  const l4 = (shape >>> Shape.L4_SHIFT) & 0xf
  const frag = (shape >>> Shape.FRAG_SHIFT) & 0xf
  const ports = words[w + Word.PORTS]!
  const icmp = words[w + Word.ICMP]!
  return {
    etherType: words[w + Word.PROTO]! >>> 16,
    ...(l3 === L3.None ? {} : { srcIp: formatIp(ipAt(words, w + Word.SRC_IP, l3)), dstIp: formatIp(ipAt(words, w + Word.DST_IP, l3)) }),
    ...(l3 === L3.Ipv4 || l3 === L3.Ipv6 ? { proto: words[w + Word.PROTO]! & 0xff } : {}),
    ...(l4 === L4.Tcp || l4 === L4.Udp ? { srcPort: ports >>> 16, dstPort: ports & 0xffff } : {}),
    ...(l4 === L4.Icmp || l4 === L4.Icmpv6
      ? { icmp: { type: icmp >>> 8, code: icmp & 0xff, ...(ports === 0 ? {} : { id: ports & 0xffff }) } }
      : {}),
    ...(isPresent('ndp', words, g, depth) ? { ndpTarget: formatIp(ipAt(words, w + Word.SEQ, l3)) } : {}),
    ...(frag === Frag.Whole ? {} : { fragment: frag === Frag.First ? 'first' as const : 'later' as const }),
  }
}

/**
 * Formats a flow id in one line, innermost group first:
 * `tcp 10.0.0.4:49200 > 10.0.1.4:80 in vxlan 5001 192.0.2.1 > 192.0.2.2`. A quoted packet follows its error:
 * `icmp 10.0.1.1 > 10.0.0.4 type 11 quoting tcp 10.0.0.4:49200 > 10.0.1.4:80`. Service tags have an `s`: `vlan s100.7`.
 */
export const formatFlow = (words: Uint32Array, depth: number): string =>
  flowToJson(words, depth).map(formatGroup).reverse().join(' in ')

const formatGroup = (g: FlowGroup): string => {
  const tags = g.vlans === undefined ? '' : ` vlan ${g.vlans.map((id, i) => `${g.serviceTags?.[i] === true ? 's' : ''}${id}`).join('.')}`
  if (g.srcIp === undefined || g.dstIp === undefined) {
    return `ethertype 0x${g.etherType.toString(16).padStart(4, '0')} ${g.srcMac} > ${g.dstMac}${tags}`
  }
  if (g.tunnel !== undefined) return `${g.tunnel.kind}${g.tunnel.vni === undefined ? '' : ` ${g.tunnel.vni}`} ${g.srcIp} > ${g.dstIp}${tags}`
  return formatPacket(g, tags) + (g.quoted === undefined ? '' : ` quoting ${formatPacket(g.quoted, '')}`)
}

const formatPacket = (g: QuotedPacket, tags: string): string => {
  const { srcIp = '?', dstIp = '?' } = g
  const fragment = g.fragment === undefined ? '' : ` (${g.fragment} fragment)`
  if (g.proto === undefined) return `arp ${srcIp} > ${dstIp}${tags}`
  if (g.icmp !== undefined) {
    const id = g.icmp.id === undefined ? '' : ` id ${g.icmp.id}`
    const target = g.ndpTarget === undefined ? '' : ` target ${g.ndpTarget}`
    return `${g.proto === 1 ? 'icmp' : 'icmpv6'} ${srcIp} > ${dstIp} type ${g.icmp.type}${id}${target}${tags}${fragment}`
  }
  const v6 = srcIp.includes(':')
  const host = (ip: string, port: number | undefined): string => (port === undefined ? ip : v6 ? `[${ip}]:${port}` : `${ip}:${port}`)
  return `${PROTOCOLS[g.proto] ?? `ip proto ${g.proto}`} ${host(srcIp, g.srcPort)} > ${host(dstIp, g.dstPort)}${tags}${fragment}`
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' }
