/**
 * What a transposition requires of a header group, as sets of bits.
 *
 * A {@link Need} is a conjunction of atoms, one bit each, and of two least numbers: of VLAN tags, and of hops left. A group
 * **offers** the atoms that hold for it. The need is met when it is a subset of the offer, two needs join by union (and by the
 * greater number), and a union that no group can offer is a contradiction. So the control path (`compose`), metadata
 * (`transposeFlow`) and bytes (`apply`) share one definition, and the per-packet check is two loads and an AND.
 *
 * Union is associative and commutative and a contradiction stays one when atoms are added: this is what makes
 * `compose` associative although it refuses.
 */
import { isEcho } from '../flow/field.js'
import { Shape, Word, WORDS } from '../flow/layout.js'
import { UdpPort } from '../wire/udp.js'
import { Frag, L3, L4, Tunnel } from '../wire/frame-view.js'
import type { Changes, Need } from './header-transposition.js'

/** The atoms of a need. */
export const NeedBit = {
  Ipv4: 1,
  Ipv6: 2,
  Ip: 4,
  Ports: 8,
  Echo: 16,
  Tunnel: 32,
  /** If there is a UDP header, VXLAN follows it. */
  UdpVxlan: 64,
  /** If there is a UDP header, Geneve follows it. */
  UdpGeneve: 128,
  /** If there is a UDP header, no tunnel follows it. */
  UdpPlain: 256,
  Tcp: 512,
  /** A tunnel with a network identifier. */
  Vni: 1024,
  Arp: 2048,
  /** No tunnel. */
  Leaf: 4096,
} as const

/** The atoms that a need names. */
export const needBits = (need: Need): number =>
  (need.l3 === undefined ? 0 : L3_BITS[need.l3]) | (need.l4 === undefined ? 0 : L4_BITS[need.l4]) |
  (need.tunnel === undefined ? 0 : need.tunnel === 'vni' ? NeedBit.Tunnel | NeedBit.Vni : NeedBit.Tunnel) |
  (need.leaf === true ? NeedBit.Leaf : 0) | (need.udp === undefined ? 0 : UDP_BITS[need.udp])

const UDP_NONE = NeedBit.UdpVxlan | NeedBit.UdpGeneve | NeedBit.UdpPlain
const L3_BITS = { ipv4: NeedBit.Ipv4, ipv6: NeedBit.Ipv6, ip: NeedBit.Ip, arp: NeedBit.Arp } as const
const L4_BITS = { ports: NeedBit.Ports, tcp: NeedBit.Ports | NeedBit.Tcp, echo: NeedBit.Echo } as const
const UDP_BITS = { vxlan: NeedBit.UdpVxlan, geneve: NeedBit.UdpGeneve, plain: NeedBit.UdpPlain, none: UDP_NONE } as const

/** The atoms that setting fields requires; contradictory for fields that no one group has. */
export const changesBits = (set: Changes): number => {
  let bits = 0
  if (set.srcIp !== undefined) bits |= set.srcIp.version === 4 ? NeedBit.Ipv4 : NeedBit.Ipv6
  if (set.dstIp !== undefined) bits |= set.dstIp.version === 4 ? NeedBit.Ipv4 : NeedBit.Ipv6
  return bits | otherBits(set)
}

/** As {@link changesBits}, but without the addresses: what setting fields of a translated group requires of it before. */
export const otherBits = (set: Changes): number => {
  let bits = 0
  // Not ECN: whether it needs the field depends on what it is set to (see `construct.ts`).
  if (set.dscp !== undefined || set.ttl !== undefined) bits |= NeedBit.Ip
  if (set.srcPort !== undefined) bits |= NeedBit.Ports
  if (set.dstPort !== undefined) bits |= NeedBit.Ports | portBit(set.dstPort)
  if (set.tcpFlags !== undefined) bits |= NeedBit.Ports | NeedBit.Tcp
  if (set.icmpId !== undefined || set.echo !== undefined) bits |= NeedBit.Echo
  if (set.vni !== undefined) bits |= NeedBit.Tunnel | NeedBit.Vni
  for (const name of ARP) if (set[name] !== undefined) bits |= NeedBit.Arp
  return bits
}

const ARP = ['arpOperation', 'arpSenderMac', 'arpSender', 'arpTargetMac', 'arpTarget'] as const

const portBit = (port: number): number =>
  port === UdpPort.Vxlan ? NeedBit.UdpVxlan : port === UdpPort.Geneve ? NeedBit.UdpGeneve : NeedBit.UdpPlain

/** The need with these atoms, without those that others imply, and these least numbers: the normal form. */
export const needOf = (bits: number, tags = 0, hops = -1): Need => {
  const has = (bit: number): boolean => (bits & bit) !== 0
  const tunnel = has(NeedBit.Vni) ? 'vni' as const : has(NeedBit.Tunnel) ? true : undefined
  const l4 = has(NeedBit.Tcp) ? 'tcp' : has(NeedBit.Echo) ? 'echo' : has(NeedBit.Ports) ? 'ports' : undefined
  const version = has(NeedBit.Arp) ? 'arp' : has(NeedBit.Ipv4) ? 'ipv4' : has(NeedBit.Ipv6) ? 'ipv6' : undefined
  const ip = has(NeedBit.Ip) || hops >= 0
  const l3 = version ?? (ip && l4 === undefined && tunnel === undefined ? 'ip' : undefined)
  // TCP has no UDP header to speak of.
  const udp = has(NeedBit.Tcp) ? undefined : udpOf(bits & UDP_NONE)
  return {
    ...(l3 !== undefined && { l3 }),
    ...(l4 !== undefined && { l4 }),
    ...(tunnel !== undefined && { tunnel }),
    ...(has(NeedBit.Leaf) && { leaf: true as const }),
    ...(udp !== undefined && { udp }),
    ...(tags > 0 && { tags: tags > 1 ? 2 as const : 1 as const }),
    ...(hops >= 0 && { hops }),
  }
}

const udpOf = (bits: number): Need['udp'] => {
  switch (bits) {
    case 0: return undefined
    case NeedBit.UdpVxlan: return 'vxlan'
    case NeedBit.UdpGeneve: return 'geneve'
    case NeedBit.UdpPlain: return 'plain'
    default: return 'none'
  }
}

/** Both needs at once, in normal form, or why no group can meet them. */
export const joinNeeds = (a: Need, b: Need): Need | string => {
  const bits = needBits(a) | needBits(b)
  const hops = Math.max(a.hops ?? -1, b.hops ?? -1)
  return impossible(bits, hops) ?? needOf(bits, Math.max(a.tags ?? 0, b.tags ?? 0), hops)
}

/**
 * Why no group can offer all of these atoms, or `undefined` if one can.
 *
 * Ports and an echo identifier count as a contradiction although a later fragment, which has neither and whose L4 part
 * is left alone, would pass: its first fragment never would.
 */
export const contradiction = (bits: number): string | undefined => {
  const both = (one: number, other: number): boolean => (bits & one) !== 0 && (bits & other) !== 0
  if (both(NeedBit.Ipv4, NeedBit.Ipv6)) return 'one header group cannot be both IPv4 and IPv6'
  if (both(NeedBit.Arp, ~(NeedBit.Arp | NeedBit.Leaf))) return 'one header group cannot be both ARP and IP'
  if (both(NeedBit.Ports | NeedBit.Tcp, NeedBit.Echo)) return 'one header group cannot have both ports and an ICMP echo identifier'
  if (both(NeedBit.Tunnel | NeedBit.Vni, NeedBit.Echo)) return 'one header group cannot be both a tunnel and an ICMP echo'
  if (both(NeedBit.Tunnel | NeedBit.Vni, NeedBit.Tcp)) return 'one header group cannot be both a tunnel and TCP'
  if (both(NeedBit.Tunnel | NeedBit.Vni, NeedBit.Leaf)) return 'the IP header of a tunnel is exchanged by pop and push, not translated'
  if (both(NeedBit.Tunnel | NeedBit.Vni, NeedBit.UdpPlain)) return 'the destination port of a tunnel cannot become one of another protocol'
  if (both(NeedBit.Tunnel | NeedBit.Vni, NeedBit.UdpVxlan) && both(NeedBit.UdpVxlan, NeedBit.UdpGeneve)) return 'one tunnel cannot be both VXLAN and Geneve'
  return undefined
}

/** Why no group can offer these atoms and have more hops than this left (-1: does not matter), or `undefined` if one can. */
export const impossible = (bits: number, hops: number): string | undefined =>
  hops >= 255 ? 'no TTL is greater than 255' : contradiction(hops < 0 ? bits : bits | NeedBit.Ip)

/** The atoms that hold for a group, from the parts of its shape; `icmpType` counts only where `l4` is ICMP or ICMPv6. */
export const offer = (l3: number, l4: number, frag: number, tunnel: number, icmpType: number): number => {
  if (l3 === L3.Arp) return NeedBit.Arp | NeedBit.Leaf
  if (l3 === L3.None) return NeedBit.Leaf
  const ip = l3 === L3.Ipv4 ? NeedBit.Ip | NeedBit.Ipv4 : NeedBit.Ip | NeedBit.Ipv6
  if (frag === Frag.Later) return ip | NeedBit.Ports | NeedBit.Tcp | NeedBit.Echo | NeedBit.Leaf | UDP_NONE
  if (l4 === L4.Tcp) return ip | NeedBit.Ports | NeedBit.Tcp | NeedBit.Leaf | UDP_NONE
  if (tunnel !== Tunnel.None) return ip | TUNNEL_OFFER[tunnel]!
  if (l4 === L4.Udp) return ip | NeedBit.Ports | NeedBit.UdpPlain | NeedBit.Leaf
  return isEcho(l4, icmpType) ? ip | NeedBit.Echo | NeedBit.Leaf : ip | NeedBit.Leaf
}

/** What a group offers by the {@link Tunnel} it ends in. */
const TUNNEL_OFFER: readonly number[] = [
  0,
  NeedBit.Ports | NeedBit.Tunnel | NeedBit.Vni | NeedBit.UdpVxlan,
  NeedBit.Tunnel | NeedBit.Vni,
  NeedBit.Ports | NeedBit.Tunnel | NeedBit.Vni | NeedBit.UdpGeneve,
  NeedBit.Tunnel,
]

/**
 * The atoms that hold for a group of a UFID. What fits is a matter of the transport that the flow id tells of: a later
 * fragment, which is lent its first one's, takes what the first one takes and no more.
 */
export const offerOfWords = (words: Uint32Array, group: number): number => {
  const shape = words[group * WORDS + Word.SHAPE]!
  return offer(
    shape & Shape.PART_MASK,
    (shape >>> Shape.L4_SHIFT) & Shape.PART_MASK,
    Frag.Whole,
    (shape >>> Shape.TUNNEL_SHIFT) & Shape.PART_MASK,
    words[group * WORDS + Word.ICMP]! >>> 8,
  )
}
