/**
 * Translation of an ICMP error: its IP header, its own eight bytes, and the packet it quotes.
 *
 * **Layout.** The datagram keeps its end and is laid out from there towards the front: extension, padding, what the quote holds behind
 * its headers, the new quoted header, the eight bytes of ICMP, the new IP header. As long as there is neither extension nor anything
 * to cut, the quoted payload stays where it is.
 *
 * **The quote** is translated like any packet (RFC 7915 §4.3, §5.3), its lengths being those of the packet that was sent and not of what is left
 * of it; once only: an error that quotes an error, which must not exist (RFC 1122 §3.2.2), is refused, and so is one whose quote cannot be
 * read. Its identification, which nobody compares, is 0 unless it was a fragment.
 *
 * **Length.** An ICMPv6 error has at most 1280 bytes (RFC 4443 §2.4 (c)). What is quoted beyond that is cut off. The same limit holds in the other
 * direction, where it changes nothing but what was too long already: so there, back and there is the same as there.
 *
 * **Extensions** (RFC 4884 §3, §4). The length attribute says where the quote ends and the extension structure starts, in
 * words of four bytes in ICMP and of eight in ICMPv6; a quote in front of an extension has at least 128 bytes. The
 * structure is opaque and stays byte for byte; the quote in front of it is padded anew and the attribute follows.
 * The structure is dropped as a whole, as half of it has no use, where the new message cannot have one (only destination
 * unreachable and time exceeded can in ICMPv6), where the attribute, a byte, cannot say the length, or where the message would
 * become longer than 1280 bytes.
 *
 * **Checksum.** Computed in full, since everything changes; a message that came with a wrong one leaves with one that is wrong by the same
 * difference.
 *
 * Cost: no allocation; the message is read twice, and up to 1.2 kB of it is moved.
 *
 * @see RFC 7915 §4.2, §4.3, §5.2, §5.3
 */
import { putU16, putU32, u16, u32 } from '../../wire/bytes.js'
import { fold, sumWords } from '../../wire/checksum.js'
import { type FrameView, L3, L4, QUOTE, Slot, SLOTS } from '../../wire/frame-view.js'
import { ICMP_LENGTH, icmpOriginalLength } from '../../wire/icmp.js'
import { icmpv6OriginalLength } from '../../wire/icmpv6.js'
import { IpProtocol } from '../../wire/ip-protocol.js'
import { Ipv4At, IPV4_LENGTH } from '../../wire/ipv4.js'
import { IPV6_LENGTH } from '../../wire/ipv6.js'
import { transportSum } from '../../wire/transport-checksum.js'
import { ApplyCode } from '../apply-code.js'
import { moveFront, writeEtherType } from './front.js'
import { identifyError } from './identification.js'
import { IPV6_MINIMUM_MTU, isEcho, mtu4, mtu6, translatedIcmp, translatedPointer } from './icmp.js'
import {
  carriedBytes, checkHeader, fragmentField, fragmentId, hopLimit, newHeaderLength, trafficClass, translatedProtocol, writeIpv4Header,
  writeIpv6Header,
} from './ip-header.js'
import { translateTransport } from './transport.js'

/** First slot of the quote. */
const Q = QUOTE * SLOTS

/** Whether the ICMP error of group `g`, of version `from` and whole, can be translated. Reads only. */
export const checkError = (view: FrameView, g: number, from: 4 | 6): ApplyCode => {
  const { bytes, slots } = view
  const s = g * SLOTS
  if (!view.quoted || slots[Q + Slot.L3_KIND] !== (from === 4 ? L3.Ipv4 : L3.Ipv6)) return ApplyCode.Untranslatable
  const icmp = slots[s + Slot.L4]!
  if (isPointing(from, u16(bytes, icmp)) && translatedPointer(from, pointerOf(bytes, icmp, from)) < 0) return ApplyCode.Untranslatable
  const outer = checkHeader(bytes, slots, s, from)
  if (outer !== ApplyCode.Ok) return outer
  if (slots[Q + Slot.PROTO] === (from === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6)) {
    // Too short to show its type, or anything but an echo.
    if (slots[Q + Slot.L4_KIND] === L4.None || !isEcho(from, u16(bytes, slots[Q + Slot.L4]!))) return ApplyCode.Untranslatable
  }
  return checkHeader(bytes, slots, Q, from)
}

/** Bytes by which the frame grows. */
export const errorGrowth = (view: FrameView, g: number, from: 4 | 6): number => {
  layOut(view, g, from)
  return view.slots[g * SLOTS + Slot.L3]! - plan[Plan.IP]!
}

/** Translates the error in place. */
export const translateError = (view: FrameView, g: number, from: 4 | 6): void => {
  const { bytes, slots } = view
  const s = g * SLOTS
  const to = from === 4 ? 6 : 4
  layOut(view, g, from)
  const at = plan[Plan.IP]!
  const restTo = plan[Plan.REST_TO]!
  const rest = plan[Plan.REST]!

  // Read before anything moves.
  const ip = slots[s + Slot.L3]!
  const icmp = slots[s + Slot.L4]!
  const end = slots[s + Slot.END]!
  const wrong = ~fold(transportSum(view, s)) & 0xffff
  const typeCode = translatedIcmp(from, u16(bytes, icmp))
  const word = translatedWord(view, icmp, from, typeCode, plan[Plan.ATTRIBUTE]!)
  const carried = end - at - ipLength(to)
  const traffic = trafficClass(bytes, ip, from)
  const hops = hopLimit(bytes, ip, from)
  const fragment = fragmentField(bytes, slots, s, from)
  const id = fragment >= 0 ? fragmentId(bytes, slots, s, from) : identifyError(bytes, slots, Q, carried)

  const quotedIp = slots[Q + Slot.L3]!
  const quotedCarried = carriedBytes(bytes, slots, Q, from)
  const quotedTraffic = trafficClass(bytes, quotedIp, from)
  const quotedHops = hopLimit(bytes, quotedIp, from)
  const quotedProtocol = translatedProtocol(slots[Q + Slot.PROTO]!, from)
  const quotedFragment = fragmentField(bytes, slots, Q, from)
  const quotedId = quotedFragment >= 0 ? fragmentId(bytes, slots, Q, from) : 0
  translateTransport(bytes, slots, Q, from, quotedCarried, true)

  // In this order: what is quoted never moves to before the place of the old quoted header, and what stands in front ends before its new one.
  const restFrom = slots[Q + Slot.L4]!
  bytes.copyWithin(restTo, restFrom, restFrom + rest)
  moveFront(view, ip, at)
  bytes.fill(0, restTo + rest, restTo + rest + plan[Plan.PADDING]!)

  const newIcmp = at + ipLength(to)
  const quoteAt = newIcmp + ICMP_LENGTH
  if (to === 4) {
    writeIpv4Header(bytes, at, traffic, hops, IpProtocol.Icmp, carried, fragment, id)
    writeIpv4Header(bytes, quoteAt, quotedTraffic, quotedHops, quotedProtocol, quotedCarried, quotedFragment, quotedId)
  } else {
    writeIpv6Header(bytes, at, traffic, hops, IpProtocol.Icmpv6, carried, -1, 0)
    writeIpv6Header(bytes, quoteAt, quotedTraffic, quotedHops, quotedProtocol, quotedCarried, quotedFragment, quotedId)
  }
  writeEtherType(bytes, at, to)
  putU16(bytes, newIcmp, typeCode)
  putU16(bytes, newIcmp + 2, 0)
  putU32(bytes, newIcmp + 4, word)
  putU16(bytes, newIcmp + 2, ~fold(sumWords(bytes, newIcmp, end, wrong + (to === 4 ? 0 : IpProtocol.Icmpv6 + carried))) & 0xffff)
}

/** Where everything comes to lie; written by {@link layOut}, because the per-packet path allocates no result. */
const Plan = { IP: 0, REST_TO: 1, REST: 2, PADDING: 3, ATTRIBUTE: 4 } as const
const plan = new Int32Array(5)

/** Fills {@link plan} for a message that was checked. */
const layOut = (view: FrameView, g: number, from: 4 | 6): void => {
  const { slots } = view
  const s = g * SLOTS
  const to = from === 4 ? 6 : 4
  const end = slots[s + Slot.END]!
  const header = newHeaderLength(slots, Q, to)
  // How long the headers of the quote are in ICMPv6, which sets the limit in both directions.
  const header6 = newHeaderLength(slots, Q, 6)
  const content = contentEnd(view, g, from) - slots[Q + Slot.L4]!
  let extension = end - originalEnd(view, g, from)
  if (extension > 0) {
    const unit = to === 4 ? 4 : 8
    const original = padded(header + content, unit)
    const inIcmpv6 = padded(header6 + content, 8)
    const fits = original / unit <= 0xff && IPV6_LENGTH + ICMP_LENGTH + inIcmpv6 + extension <= IPV6_MINIMUM_MTU
    if (fits && mayExtend(to, translatedIcmp(from, u16(view.bytes, slots[s + Slot.L4]!)))) {
      plan[Plan.REST] = content
      plan[Plan.PADDING] = original - header - content
      plan[Plan.ATTRIBUTE] = original / unit
    } else {
      extension = 0
    }
  }
  if (extension <= 0) {
    extension = 0
    plan[Plan.REST] = Math.min(content, IPV6_MINIMUM_MTU - IPV6_LENGTH - ICMP_LENGTH - header6)
    plan[Plan.PADDING] = 0
    plan[Plan.ATTRIBUTE] = 0
  }
  const restTo = end - extension - plan[Plan.PADDING]! - plan[Plan.REST]!
  plan[Plan.REST_TO] = restTo
  plan[Plan.IP] = restTo - header - ICMP_LENGTH - ipLength(to)
}

/** Of an error the outer header is never that of a fragment. */
const ipLength = (to: 4 | 6): number => (to === 4 ? IPV4_LENGTH : IPV6_LENGTH)

/** The length of a quote in front of an extension: at least 128 bytes, in whole words. @see RFC 4884 §4 */
const padded = (length: number, unit: number): number => Math.max(128, Math.ceil(length / unit) * unit)

/** Whether the new message can have an extension: of those that an extended one becomes, all of ICMP can. @see RFC 4884 §4 */
const mayExtend = (to: 4 | 6, typeCode: number): boolean => to === 4 || typeCode >>> 8 === 1 || typeCode >>> 8 === 3

/** Where the quote with its padding ends: the extension starts, or the message ends. */
const originalEnd = (view: FrameView, g: number, from: 4 | 6): number => {
  const { bytes, slots } = view
  const icmp = slots[g * SLOTS + Slot.L4]!
  const end = slots[g * SLOTS + Slot.END]!
  const length = from === 4 ? icmpOriginalLength(bytes, icmp) : icmpv6OriginalLength(bytes, icmp)
  return length === 0 || icmp + ICMP_LENGTH + length > end ? end : icmp + ICMP_LENGTH + length
}

/** Where what is quoted ends: in front of an extension without the padding, which is not part of the packet. */
const contentEnd = (view: FrameView, g: number, from: 4 | 6): number => {
  const original = originalEnd(view, g, from)
  return original < view.slots[g * SLOTS + Slot.END]! ? Math.min(original, view.slots[Q + Slot.END]!) : original
}

/** Whether a message has a pointer to be translated: the parameter problems with code 0, of ICMP with 2 also. */
const isPointing = (version: 4 | 6, typeCode: number): boolean =>
  version === 4 ? typeCode === 0x0c00 || typeCode === 0x0c02 : typeCode === 0x0400

const pointerOf = (bytes: Uint8Array, icmp: number, version: 4 | 6): number => (version === 4 ? bytes[icmp + 4]! : u32(bytes, icmp + 4))

/** The second word of the new ICMP header: MTU, pointer, or the length attribute at its place. */
const translatedWord = (view: FrameView, icmp: number, from: 4 | 6, typeCode: number, attribute: number): number => {
  const { bytes, slots } = view
  if (from === 4) {
    if (typeCode === 0x0200) return mtu6(u16(bytes, icmp + 6), u16(bytes, slots[Q + Slot.L3]! + Ipv4At.LENGTH))
    if (typeCode === 0x0401) return NEXT_HEADER
    if (typeCode === 0x0400) return translatedPointer(4, pointerOf(bytes, icmp, 4))
    return attribute << 24
  }
  if (typeCode === 0x0304) return mtu4(u32(bytes, icmp + 4))
  if (typeCode === 0x0c00) return translatedPointer(6, pointerOf(bytes, icmp, 6)) << 24
  return attribute << 16
}

/** Where IPv6 has what IPv4 calls protocol: what a protocol unreachable points at. */
const NEXT_HEADER = 6
