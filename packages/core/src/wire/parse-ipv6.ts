/** IPv6 and its chain of extension headers, for `parseFrame`: the same rules, no allocation. */
import { Frag, Slot, type FrameView } from './frame-view.js'
import { IpProtocol } from './ip-protocol.js'
import {
  checkExtension, extensionLength, FRAGMENT_LENGTH, ipv6FragmentOffset, ipv6MoreFragments, isExtension, MAX_EXTENSIONS,
} from './ipv6-extension.js'
import { checkIpv6, IPV6_LENGTH, Ipv6At, ipv6PayloadLength } from './ipv6.js'
import { Reason } from './reason.js'

/**
 * Parses the IPv6 header at `at` and what extends it, and sets `PROTO`, `FRAG`, `FRAG_HEADER`, `L4`, `PAYLOAD` and `END`.
 *
 * A fragment header with offset 0 and nothing to come leaves the datagram `Whole` (an atomic fragment, RFC 6946). In a
 * later fragment the walk ends at the fragment header: what follows is the middle of a datagram.
 */
export const parseIpv6Headers = (view: FrameView, base: number, at: number, limit: number): Reason => {
  const reason = checkIpv6(view.bytes, at, limit)
  if (reason !== Reason.Ok) return fail(view, reason, at)
  return parseExtensions(view, base, at, at + IPV6_LENGTH + ipv6PayloadLength(view.bytes, at))
}

/**
 * Parses the chain behind the fixed header at `at`, whose datagram ends, or is cut off, at `end`. Also called for quoted packets,
 * whose payload length may name more than what is there.
 */
export const parseExtensions = (view: FrameView, base: number, at: number, end: number): Reason => {
  const bytes = view.bytes
  const slots = view.slots
  let protocol = bytes[at + Ipv6At.NEXT_HEADER]!
  let next = at + IPV6_LENGTH
  slots[base + Slot.END] = slots[base + Slot.DATA_END] = end
  for (let count = 0; isExtension(protocol) && slots[base + Slot.FRAG] !== Frag.Later; count++) {
    // kept up to date, so that a failure shows how far the walk came
    slots[base + Slot.PROTO] = protocol
    slots[base + Slot.L4] = slots[base + Slot.PAYLOAD] = next
    if (count === MAX_EXTENSIONS) return fail(view, Reason.UnsupportedProtocol, next)
    if (protocol === IpProtocol.HopByHop && count > 0) return fail(view, Reason.BadHeader, next)
    const checked = checkExtension(bytes, next, end, protocol)
    if (checked !== Reason.Ok) {
      const cut = checked === Reason.Truncated && slots[base + Slot.FRAG] === Frag.First
      return fail(view, cut ? Reason.BadHeader : checked, next)
    }
    if (protocol === IpProtocol.Fragment) {
      const fragment = parseFragment(view, base, at, next, end)
      if (fragment !== Reason.Ok) return fail(view, fragment, next)
    }
    const length = extensionLength(bytes, next, protocol)
    protocol = bytes[next]!
    next += length
  }
  slots[base + Slot.PROTO] = protocol
  slots[base + Slot.L4] = slots[base + Slot.PAYLOAD] = next
  return Reason.Ok
}

/** The fragment header at `next` of the datagram at `at`; two of them, a fragment of a fragment, are not supported. */
const parseFragment = (view: FrameView, base: number, at: number, next: number, end: number): Reason => {
  const slots = view.slots
  if (slots[base + Slot.FRAG_HEADER] !== 0) return Reason.UnsupportedProtocol
  const offset = ipv6FragmentOffset(view.bytes, next)
  // RFC 8200 §4.5: the payload length of the reassembled datagram, without this header, has 16 bits
  const before = next - (at + IPV6_LENGTH)
  if (before + offset + (end - next - FRAGMENT_LENGTH) > 0xffff) return Reason.BadLength
  // RFC 8200 §4.5: all fragments but the last are whole words of eight bytes. By the length field: a quote may be cut anywhere.
  const carried = at + IPV6_LENGTH + ipv6PayloadLength(view.bytes, at) - (next + FRAGMENT_LENGTH)
  if (ipv6MoreFragments(view.bytes, next) && carried % 8 !== 0) return Reason.BadLength
  slots[base + Slot.FRAG_HEADER] = next
  slots[base + Slot.FRAG] = offset !== 0 ? Frag.Later : ipv6MoreFragments(view.bytes, next) ? Frag.First : Frag.Whole
  return Reason.Ok
}

const fail = (view: FrameView, reason: Reason, at: number): Reason => {
  view.reasonAt = at
  return reason
}
