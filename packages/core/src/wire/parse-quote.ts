/**
 * The packet that an ICMP error quotes, for `parseFrame`: which slots of the quote's stretch it fills, and by what rules.
 *
 * An error carries the packet it is about, from its IP header on, cut off somewhere: old routers send eight bytes behind the IP
 * header (RFC 792), others as much as fits into 576 bytes (RFC 1812 §4.3.2.3) or into 1280 (RFC 4443 §2.4). So a quote is
 * read by other rules than a frame:
 * - its length fields may name more than there is, and only bound it from above;
 * - its IPv4 header checksum is not verified: routers change the TTL before they quote;
 * - IP header, options and extension headers must be complete; otherwise the packet cannot be identified and nothing counts as quoted;
 * - of the transport header eight bytes suffice: they hold the ports, or type and identifier. **So `PAYLOAD` may lie inside
 *   what would be the whole TCP header.** Code that reads a field behind the first eight bytes compares with `END` first.
 *
 * A quote that cannot be read is not an error of the frame: its bytes count as payload. Only one level is read: if an error quotes
 * an error, the inner quote is payload.
 *
 * An extension behind the original datagram (RFC 4884) begins where the length attribute of the error says, and is no part of the quote.
 *
 * Cost: as a network header; no allocation.
 */
import { u16 } from './bytes.js'
import { clearGroup } from './clear-group.js'
import { EtherType } from './ethernet.js'
import { Frag, L3, L4, QUOTE, Slot, SLOTS, type FrameView } from './frame-view.js'
import { ICMP_LENGTH, icmpOriginalLength } from './icmp.js'
import { icmpv6HeaderLength, icmpv6OriginalLength } from './icmpv6.js'
import { IpProtocol } from './ip-protocol.js'
import { IPV4_LENGTH, Ipv4At, ipv4FragmentOffset, ipv4HeaderLength, ipv4MoreFragments } from './ipv4.js'
import { IPV6_LENGTH, ipv6PayloadLength } from './ipv6.js'
import { parseExtensions } from './parse-ipv6.js'
import { Reason } from './reason.js'
import { TCP_LENGTH, TcpAt, tcpHeaderLength } from './tcp.js'
import { transportChecksumAt } from './transport-checksum.js'
import { UDP_LENGTH } from './udp.js'

/** First slot of the quote. */
const Q = QUOTE * SLOTS

/** Bytes of a quoted transport header without which it is not read. */
const LEAST = 8

/**
 * Reads the packet that the innermost group quotes, a whole ICMP or ICMPv6 error with its first slot at `base`. Sets `view.quoted`
 * and, if that is true, the slots of `QUOTE`.
 */
export const parseQuote = (view: FrameView, base: number): void => {
  const { bytes, slots } = view
  const v4 = slots[base + Slot.L3_KIND] === L3.Ipv4
  const icmp = slots[base + Slot.L4]!
  const at = icmp + ICMP_LENGTH
  const end = slots[base + Slot.END]!
  const original = v4 ? icmpOriginalLength(bytes, icmp) : icmpv6OriginalLength(bytes, icmp)
  const limit = original !== 0 && original < end - at ? at + original : end
  const reasonAt = view.reasonAt
  clearGroup(slots, Q, at, at)
  slots[Q + Slot.ETHERTYPE] = v4 ? EtherType.Ipv4 : EtherType.Ipv6
  slots[Q + Slot.L3_KIND] = v4 ? L3.Ipv4 : L3.Ipv6
  view.quoted = v4 ? quoteIpv4(view, at, limit) : quoteIpv6(view, at, limit)
  if (view.quoted) quoteTransport(view, v4)
  // the walk over extension headers leaves its mark, but the frame is without fault
  view.reasonAt = reasonAt
}

/**
 * Returns the offset of the checksum of the transport header that `view` quotes. Returns −1 if nothing is quoted, the header has no
 * checksum, or the quote ends before it, as one of eight bytes of TCP does. A UDP checksum of 0 means that there is none.
 *
 * @see RFC 5508 §4.2
 */
export const quotedChecksumAt = (view: FrameView): number => {
  if (!view.quoted) return -1
  const field = transportChecksumAt(view.slots[Q + Slot.L4_KIND]!)
  const at = view.slots[Q + Slot.L4]! + field
  return field >= 0 && at + 2 <= view.slots[Q + Slot.END]! ? at : -1
}

const quoteIpv4 = (view: FrameView, at: number, limit: number): boolean => {
  const { bytes, slots } = view
  if (limit - at < IPV4_LENGTH || bytes[at]! >>> 4 !== 4) return false
  const header = ipv4HeaderLength(bytes, at)
  const total = u16(bytes, at + Ipv4At.LENGTH)
  const offset = ipv4FragmentOffset(bytes, at)
  if (header < IPV4_LENGTH || header > limit - at || total < header || offset + total > 0xffff) return false
  slots[Q + Slot.PROTO] = bytes[at + Ipv4At.PROTOCOL]!
  slots[Q + Slot.FRAG] = offset !== 0 ? Frag.Later : ipv4MoreFragments(bytes, at) ? Frag.First : Frag.Whole
  slots[Q + Slot.L4] = slots[Q + Slot.PAYLOAD] = at + header
  slots[Q + Slot.END] = slots[Q + Slot.DATA_END] = total < limit - at ? at + total : limit
  return true
}

const quoteIpv6 = (view: FrameView, at: number, limit: number): boolean => {
  const { bytes } = view
  if (limit - at < IPV6_LENGTH || bytes[at]! >>> 4 !== 6) return false
  const end = at + IPV6_LENGTH + ipv6PayloadLength(bytes, at)
  return parseExtensions(view, Q, at, end < limit ? end : limit) === Reason.Ok
}

/** What the quoted IP carries: `PROTO`, `FRAG`, `L4` and `END` are set. */
const quoteTransport = (view: FrameView, v4: boolean): void => {
  const { bytes, slots } = view
  const at = slots[Q + Slot.L4]!
  const end = slots[Q + Slot.END]!
  const protocol = slots[Q + Slot.PROTO]!
  if (slots[Q + Slot.FRAG] === Frag.Later || end - at < LEAST) return
  if (protocol === IpProtocol.Tcp) {
    slots[Q + Slot.L4_KIND] = L4.Tcp
    const length = end - at > TcpAt.DATA_OFFSET ? tcpHeaderLength(bytes, at) : TCP_LENGTH
    // a data offset below 5 is a fault of the quoted packet, whose ports tell all the same what the error is about
    const behind = at + (length < TCP_LENGTH ? TCP_LENGTH : length)
    slots[Q + Slot.PAYLOAD] = behind < end ? behind : end
  } else if (protocol === IpProtocol.Udp) {
    slots[Q + Slot.L4_KIND] = L4.Udp
    slots[Q + Slot.PAYLOAD] = at + UDP_LENGTH
  } else if (protocol === IpProtocol.Icmp && v4) {
    slots[Q + Slot.L4_KIND] = L4.Icmp
    slots[Q + Slot.PAYLOAD] = at + ICMP_LENGTH
  } else if (protocol === IpProtocol.Icmpv6 && !v4) {
    slots[Q + Slot.L4_KIND] = L4.Icmpv6
    slots[Q + Slot.PAYLOAD] = at + icmpv6HeaderLength(bytes[at]!)
  }
}
