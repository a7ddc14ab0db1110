/**
 * What a transposition requires of a header group, as sets of bits.
 *
 * A {@link Need} is a conjunction of atoms, one bit each; a group **offers** the atoms that hold for it. The need is met
 * when it is a subset of the offer, two needs join by union, and a union that no group can offer is a contradiction.
 * So the control path (`compose`), metadata (`transposeFlow`) and bytes (`apply`) share one definition, and the
 * per-packet check is two loads and an AND.
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
  /** If there is a UDP header, a tunnel follows it. */
  UdpTunnel: 64,
  /** If there is a UDP header, no tunnel follows it. */
  UdpPlain: 128,
} as const

/** The atoms that a need names. */
export const needBits = (need: Need): number =>
  (need.l3 === 'ipv4' ? NeedBit.Ipv4 : need.l3 === 'ipv6' ? NeedBit.Ipv6 : need.l3 === 'ip' ? NeedBit.Ip : 0) |
  (need.l4 === 'ports' ? NeedBit.Ports : need.l4 === 'echo' ? NeedBit.Echo : 0) |
  (need.tunnel === true ? NeedBit.Tunnel : 0) |
  (need.udp === 'tunnel' ? NeedBit.UdpTunnel : need.udp === 'plain' ? NeedBit.UdpPlain : need.udp === 'none' ? UDP_NONE : 0)

/** The atoms that setting fields requires; contradictory for fields that no one group has. */
export const changesBits = (set: Changes): number => {
  let bits = 0
  if (set.srcIp !== undefined) bits |= set.srcIp.version === 4 ? NeedBit.Ipv4 : NeedBit.Ipv6
  if (set.dstIp !== undefined) bits |= set.dstIp.version === 4 ? NeedBit.Ipv4 : NeedBit.Ipv6
  if (set.dscp !== undefined || set.ecn !== undefined || set.ttl !== undefined) bits |= NeedBit.Ip
  if (set.srcPort !== undefined) bits |= NeedBit.Ports
  if (set.dstPort !== undefined) bits |= NeedBit.Ports | (set.dstPort === UdpPort.Vxlan ? NeedBit.UdpTunnel : NeedBit.UdpPlain)
  if (set.icmpId !== undefined) bits |= NeedBit.Echo
  if (set.vni !== undefined) bits |= NeedBit.Tunnel
  return bits
}

/** The need with these atoms, without those that others imply: the normal form. */
export const needOf = (bits: number): Need => {
  const tunnel = (bits & NeedBit.Tunnel) !== 0
  const l4 = (bits & NeedBit.Echo) !== 0 ? 'echo' : (bits & NeedBit.Ports) !== 0 && !tunnel ? 'ports' : undefined
  const version = (bits & NeedBit.Ipv4) !== 0 ? 'ipv4' : (bits & NeedBit.Ipv6) !== 0 ? 'ipv6' : undefined
  const l3 = version ?? ((bits & NeedBit.Ip) !== 0 && l4 === undefined && !tunnel ? 'ip' : undefined)
  const udp = tunnel ? undefined : UDP_NAMES[bits >>> 6]
  return {
    ...(l3 !== undefined && { l3 }),
    ...(l4 !== undefined && { l4 }),
    ...(tunnel && { tunnel }),
    ...(udp !== undefined && { udp }),
  }
}

/**
 * Why no group can offer all of these atoms, or `undefined` if one can.
 *
 * Ports and an echo identifier count as a contradiction although a later fragment, which has neither and whose L4 part
 * is left alone, would pass: its first fragment never would.
 */
export const contradiction = (bits: number): string | undefined => {
  const both = (mask: number): boolean => (bits & mask) === mask
  if (both(NeedBit.Ipv4 | NeedBit.Ipv6)) return 'one header group cannot be both IPv4 and IPv6'
  if (both(NeedBit.Ports | NeedBit.Echo)) return 'one header group cannot have both ports and an ICMP echo identifier'
  if (both(NeedBit.Tunnel | NeedBit.Echo)) return 'one header group cannot be both a tunnel and an ICMP echo'
  if (both(NeedBit.Tunnel | NeedBit.UdpPlain)) return 'the destination port of a tunnel cannot become one of another protocol'
  return undefined
}

/** The atoms that hold for a group, from the parts of its shape; `icmpType` counts only where `l4` is ICMP or ICMPv6. */
export const offer = (l3: number, l4: number, frag: number, tunnel: number, icmpType: number): number => {
  if (l3 !== L3.Ipv4 && l3 !== L3.Ipv6) return 0
  const ip = l3 === L3.Ipv4 ? NeedBit.Ip | NeedBit.Ipv4 : NeedBit.Ip | NeedBit.Ipv6
  if (frag === Frag.Later) return ip | NeedBit.Ports | NeedBit.Echo | UDP_NONE
  if (l4 === L4.Tcp) return ip | NeedBit.Ports | UDP_NONE
  if (l4 === L4.Udp) return ip | NeedBit.Ports | (tunnel === Tunnel.None ? NeedBit.UdpPlain : NeedBit.Tunnel | NeedBit.UdpTunnel)
  return isEcho(l4, icmpType) ? ip | NeedBit.Echo : ip
}

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

const UDP_NONE = NeedBit.UdpTunnel | NeedBit.UdpPlain
const UDP_NAMES = [undefined, 'tunnel', 'plain', 'none'] as const
