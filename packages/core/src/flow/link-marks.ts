/**
 * Two facts about a packet that only its options tell, as bits of its flow id: whether it has a router alert, as membership reports
 * do, and whether a solicitation names the link-layer address of its sender, which a host without an address must not do.
 *
 * They differ from packet to packet, so they lie among the volatile words. Cost for packets without options: two compares.
 *
 * @see RFC 2113, RFC 2711; RFC 4861 §4.1, §4.3
 */
import { type FrameView, L3, L4, Slot } from '../wire/frame-view.js'
import { ipv4HeaderLength, IPV4_LENGTH } from '../wire/ipv4.js'
import { Icmpv6Type } from '../wire/icmpv6.js'
import { IPV6_LENGTH, Ipv6At } from '../wire/ipv6.js'
import { Ipv6OptionType } from '../wire/ipv6-options.js'
import { NdpOptionType } from '../wire/ndp-options.js'

/** Bits in the word of TTL and ECN: the packet has a router alert; the solicitation names the link-layer address of its sender. */
export const LinkMark = { ROUTER_ALERT: 1 << 2, SOURCE_LINK: 1 << 3 } as const

/** Returns the {@link LinkMark} bits of the group, or quote, with its first slot at `s`. */
export const linkMarksOf = ({ bytes, slots, end }: FrameView, s: number): number => {
  const l3 = slots[s + Slot.L3_KIND]!
  const ip = slots[s + Slot.L3]!
  let marks = 0
  if (l3 === L3.Ipv4) {
    const length = ipv4HeaderLength(bytes, ip)
    if (length > IPV4_LENGTH && hasIpv4Option(bytes, ip + IPV4_LENGTH, Math.min(end, ip + length), IPV4_ROUTER_ALERT)) marks |= LinkMark.ROUTER_ALERT
  } else if (l3 === L3.Ipv6) {
    const first = ip + IPV6_LENGTH
    if (bytes[ip + Ipv6At.NEXT_HEADER] === HOP_BY_HOP && first + 2 <= end) {
      const behind = Math.min(end, first + (bytes[first + 1]! + 1) * 8)
      if (hasIpv6Option(bytes, first + 2, behind, Ipv6OptionType.RouterAlert)) marks |= LinkMark.ROUTER_ALERT
    }
    if (slots[s + Slot.L4_KIND] === L4.Icmpv6 && namesSource(bytes, slots[s + Slot.L4]!, Math.min(end, slots[s + Slot.END]!))) marks |= LinkMark.SOURCE_LINK
  }
  return marks
}

/** Option 20, copied into fragments. @see RFC 2113 §2.1 */
const IPV4_ROUTER_ALERT = 0x94
const HOP_BY_HOP = 0

const hasIpv4Option = (bytes: Uint8Array, from: number, to: number, option: number): boolean => {
  for (let at = from; at < to;) {
    const kind = bytes[at]!
    if (kind === option) return true
    if (kind === 0) return false
    const length = kind === 1 ? 1 : at + 1 < to ? bytes[at + 1]! : 0
    if (length === 0) return false
    at += length
  }
  return false
}

const hasIpv6Option = (bytes: Uint8Array, from: number, to: number, option: number): boolean => {
  for (let at = from; at < to;) {
    const kind = bytes[at]!
    if (kind === option) return true
    if (kind === Ipv6OptionType.Pad1) at++
    else if (at + 1 < to) at += 2 + bytes[at + 1]!
    else return false
  }
  return false
}

/** Returns whether the message at `at` is a router or neighbour solicitation with the option that names its sender's link-layer address. */
const namesSource = (bytes: Uint8Array, at: number, end: number): boolean => {
  if (at + 4 > end) return false
  const type = bytes[at]!
  if (type !== Icmpv6Type.RouterSolicitation && type !== Icmpv6Type.NeighborSolicitation) return false
  for (let option = at + (type === Icmpv6Type.RouterSolicitation ? 8 : 24); option + 2 <= end;) {
    if (bytes[option] === NdpOptionType.SourceLinkAddress) return true
    const length = bytes[option + 1]! * 8
    if (length === 0) return false
    option += length
  }
  return false
}
