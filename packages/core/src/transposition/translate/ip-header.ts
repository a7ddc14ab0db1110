/**
 * One IP header becomes that of the other version: what may be translated, what is read from the old header, and what is
 * written. The same for the header of a packet and for the one that an ICMP error quotes: all functions take the first slot `s`
 * of a group, which may be that of the quote.
 *
 * | IPv4 | IPv6 |
 * |---|---|
 * | type of service | traffic class, all eight bits |
 * | time to live | hop limit, as it is: to take one from it is an edit of its own |
 * | protocol 1 | next header 58; all others are the same number |
 * | total length | payload length: what the headers carry is the same |
 * | fragment offset, more fragments, 16-bit identification | the same in a fragment header, whose identification has 32 bits |
 * | options | none; dropped, as are IPv6's options and its routing header with nothing left |
 * | don't fragment | none, see {@link writeIpv4Header} |
 * | none | flow label, 0 |
 *
 * A datagram that IPv4 could still fragment (DF clear) becomes an ordinary IPv6 packet without a fragment header, as RFC 7915
 * §4.1 demands; to fragment what is then longer than 1280 bytes, which it only recommends, takes a second frame and is not
 * done here.
 *
 * @see RFC 7915 §4.1, §5.1, §5.1.1
 */
import { putU16, putU32, u16, u32 } from '../../wire/bytes.js'
import { checksum } from '../../wire/checksum.js'
import { Frag, Slot } from '../../wire/frame-view.js'
import { IpProtocol } from '../../wire/ip-protocol.js'
import { Ipv4At, ipv4MoreFragments, Ipv4Option, IPV4_LENGTH } from '../../wire/ipv4.js'
import { extensionLength, FRAGMENT_LENGTH, isExtension } from '../../wire/ipv6-extension.js'
import { Ipv6At, IPV6_LENGTH, ipv6PayloadLength, ipv6TrafficClass } from '../../wire/ipv6.js'
import { isOfOneVersion } from '../../wire/opaque-checksum.js'
import { ApplyCode } from '../apply-code.js'

/** Whether the header can be said in the other version; `TooLong` where its length or fragment offset cannot. Reads only. */
export const checkHeader = (bytes: Uint8Array, slots: Int32Array, s: number, from: 4 | 6): ApplyCode => {
  const ip = slots[s + Slot.L3]!
  const l4 = slots[s + Slot.L4]!
  const protocol = slots[s + Slot.PROTO]!
  if (isRefused(protocol, from)) return ApplyCode.Untranslatable
  // RFC 7915 §1.2: the checksum of ICMPv6 covers the length of the whole message, which one fragment does not tell.
  if (slots[s + Slot.FRAG] !== Frag.Whole && protocol === (from === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6)) return ApplyCode.Untranslatable
  if (from === 4) {
    // Fragments but the last are whole words of eight bytes in IPv6; IPv4's receivers may put up with others (RFC 8200 §4.5).
    if (ipv4MoreFragments(bytes, ip) && carriedBytes(bytes, slots, s, 4) % 8 !== 0) return ApplyCode.Untranslatable
    return l4 - ip > IPV4_LENGTH && isSourceRouted(bytes, ip + IPV4_LENGTH, l4) ? ApplyCode.Untranslatable : ApplyCode.Ok
  }
  if (l4 - ip > IPV6_LENGTH && !areSkippable(bytes, ip, l4)) return ApplyCode.Untranslatable
  const offset = fragmentField(bytes, slots, s, from)
  return IPV4_LENGTH + carriedBytes(bytes, slots, s, from) + (offset < 0 ? 0 : offset & 0xfff8) > 0xffff ? ApplyCode.TooLong : ApplyCode.Ok
}

/** Bytes that the new header takes: IPv6 has a fragment header where the datagram is a fragment. */
export const newHeaderLength = (slots: Int32Array, s: number, to: 4 | 6): number =>
  to === 4 ? IPV4_LENGTH : slots[s + Slot.FRAG] === Frag.Whole ? IPV6_LENGTH : IPV6_LENGTH + FRAGMENT_LENGTH

/** Bytes behind the header and what extends it, by its own length field: of a quoted packet more than are there. */
export const carriedBytes = (bytes: Uint8Array, slots: Int32Array, s: number, from: 4 | 6): number => {
  const ip = slots[s + Slot.L3]!
  const headers = slots[s + Slot.L4]! - ip
  return (from === 4 ? u16(bytes, ip + Ipv4At.LENGTH) : IPV6_LENGTH + ipv6PayloadLength(bytes, ip)) - headers
}

/** The number that the protocol inside has in the other version. */
export const translatedProtocol = (protocol: number, from: 4 | 6): number =>
  from === 4 ? (protocol === IpProtocol.Icmp ? IpProtocol.Icmpv6 : protocol) : protocol === IpProtocol.Icmpv6 ? IpProtocol.Icmp : protocol

/** Type of service or traffic class, eight bits. */
export const trafficClass = (bytes: Uint8Array, ip: number, from: 4 | 6): number =>
  from === 4 ? bytes[ip + Ipv4At.TOS]! : ipv6TrafficClass(bytes, ip)

/** Time to live or hop limit. */
export const hopLimit = (bytes: Uint8Array, ip: number, from: 4 | 6): number => bytes[ip + (from === 4 ? Ipv4At.TTL : Ipv6At.HOP_LIMIT)]!

/**
 * Offset and more-fragments flag as the fragment header of IPv6 has them, in one field of 16 bits; −1 where the datagram is not
 * fragmented. IPv6 can say of a whole datagram that it is a fragment (RFC 6946): the field is 0.
 */
export const fragmentField = (bytes: Uint8Array, slots: Int32Array, s: number, from: 4 | 6): number => {
  if (from === 4) {
    const word = u16(bytes, slots[s + Slot.L3]! + Ipv4At.FRAGMENT)
    return slots[s + Slot.FRAG] === Frag.Whole ? -1 : ((word & 0x1fff) << 3) | ((word >>> 13) & 1)
  }
  const header = slots[s + Slot.FRAG_HEADER]!
  return header === 0 ? -1 : u16(bytes, header + 2) & 0xfff9
}

/** Identification of a fragment: 16 bits, or the 32 of a fragment header. Without meaning where the field above is −1. */
export const fragmentId = (bytes: Uint8Array, slots: Int32Array, s: number, from: 4 | 6): number =>
  from === 4 ? u16(bytes, slots[s + Slot.L3]! + Ipv4At.ID) : u32(bytes, slots[s + Slot.FRAG_HEADER]! + 4)

/** Writes an IPv6 header with addresses 0 at `at`, and a fragment header behind it unless `fragment` is −1. */
export const writeIpv6Header = (
  bytes: Uint8Array, at: number, traffic: number, hops: number, protocol: number, carried: number, fragment: number, id: number,
): void => {
  const extended = fragment >= 0
  putU32(bytes, at, 0x6000_0000 | (traffic << 20))
  putU16(bytes, at + Ipv6At.LENGTH, carried + (extended ? FRAGMENT_LENGTH : 0))
  bytes[at + Ipv6At.NEXT_HEADER] = extended ? IpProtocol.Fragment : protocol
  bytes[at + Ipv6At.HOP_LIMIT] = hops
  bytes.fill(0, at + Ipv6At.SOURCE, at + IPV6_LENGTH)
  if (!extended) return
  bytes[at + IPV6_LENGTH] = protocol
  bytes[at + IPV6_LENGTH + 1] = 0
  putU16(bytes, at + IPV6_LENGTH + 2, fragment)
  putU32(bytes, at + IPV6_LENGTH + 4, id)
}

/**
 * Writes an IPv4 header with addresses 0 and the checksum that fits them at `at`.
 *
 * A packet of at most 1260 bytes, which was or could have been one of 1280 bytes over IPv6, may be fragmented: its sender has no way
 * to make it smaller. It takes an identification for that, `id`. A longer one has DF set and needs none. A fragment keeps the low
 * 16 bits of its identification, and may be fragmented further.
 */
export const writeIpv4Header = (
  bytes: Uint8Array, at: number, traffic: number, hops: number, protocol: number, carried: number, fragment: number, id: number,
): void => {
  const total = IPV4_LENGTH + carried
  const mayFragment = fragment >= 0 || total <= LONGEST_FRAGMENTABLE
  putU16(bytes, at, 0x4500 | traffic)
  putU16(bytes, at + Ipv4At.LENGTH, total)
  putU16(bytes, at + Ipv4At.ID, mayFragment ? id : 0)
  putU16(bytes, at + Ipv4At.FRAGMENT, fragment >= 0 ? (fragment >>> 3) | ((fragment & 1) << 13) : mayFragment ? 0 : 0x4000)
  bytes[at + Ipv4At.TTL] = hops
  bytes[at + Ipv4At.PROTOCOL] = protocol
  bytes.fill(0, at + Ipv4At.CHECKSUM, at + IPV4_LENGTH)
  putU16(bytes, at + Ipv4At.CHECKSUM, checksum(bytes, at, at + Ipv4At.CHECKSUM))
}

const LONGEST_FRAGMENTABLE = 1260

/** IGMP is of one link, as are its successors in ICMPv6 (RFC 7915 §4.2). */
const IGMP = 2

/**
 * Protocols that must not come to stand behind a header of the other version. An extension header of IPv6 inside IPv4 is
 * data, which a translation would bring to life; behind a fragment header it is beyond what the RFC skips (§5.1.1). The
 * authentication header is among them: its integrity check covers both addresses (RFC 4302 §3.3.3), so nobody could verify it any more.
 * OSPF, PIM, VRRP and mobility messages are of one version each.
 * The ICMP of the wrong version would turn into one of the right version with a checksum that never fitted.
 */
const isRefused = (protocol: number, from: 4 | 6): boolean =>
  isExtension(protocol) || isOfOneVersion(protocol) || (from === 4 ? protocol === IpProtocol.Icmpv6 || protocol === IGMP : protocol === IpProtocol.Icmp)

/**
 * Whether IPv4 options hold a source route that has hops left, or cannot be read and could hide one: the packet is not at its final
 * destination, and nothing in IPv6 would take it there.
 *
 * @see RFC 791 §3.1
 */
const isSourceRouted = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let at = from; at < to; ) {
    const type = bytes[at]!
    if (type === Ipv4Option.End) return false
    if (type === Ipv4Option.NoOperation) {
      at++
      continue
    }
    const length = at + 1 < to ? bytes[at + 1]! : 0
    if (length < 2 || at + length > to) return true
    // Used up is a route whose pointer lies behind the option.
    if ((type === Ipv4Option.LooseRoute || type === Ipv4Option.StrictRoute) && (length < 3 || bytes[at + 2]! <= length)) return true
    at += length
  }
  return false
}

/** Whether all that extends the IPv6 header at `ip` up to `l4` may be left out: no segments left, and nothing behind a fragment header. */
const areSkippable = (bytes: Uint8Array, ip: number, l4: number): boolean => {
  let protocol = bytes[ip + Ipv6At.NEXT_HEADER]!
  for (let at = ip + IPV6_LENGTH; at < l4; ) {
    if (protocol === IpProtocol.Authentication || (protocol === IpProtocol.Routing && bytes[at + 3] !== 0)) return false
    const length = extensionLength(bytes, at, protocol)
    if (protocol === IpProtocol.Fragment && at + length !== l4) return false
    protocol = bytes[at]!
    at += length
  }
  return true
}
