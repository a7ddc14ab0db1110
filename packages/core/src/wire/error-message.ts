/**
 * The ICMP error that a hop of the network sends back about a packet: built of the packet's own frame, for its sender.
 *
 * The message quotes as much of the packet as it may, and comes **from the address the packet was for**: the engine has no
 * address of its own on the sender's network, and the sender's stack and the filters in front of it know this one. On the link it
 * goes back: MACs are exchanged and VLAN tags kept.
 *
 * Not supported: the extensions of RFC 4884, errors about packets inside of tunnels (the outermost packet is quoted).
 *
 * @see RFC 792
 * @see RFC 4443
 */
import { putU16, putU32, u16, u32 } from './bytes.js'
import { checksum, pseudoSum6 } from './checksum.js'
import { type FrameView, L3, L4, Slot } from './frame-view.js'
import { ICMP_LENGTH, IcmpAt, IcmpType, icmpIsError } from './icmp.js'
import { Icmpv6Type, icmpv6IsError } from './icmpv6.js'
import { IpProtocol } from './ip-protocol.js'
import { IPV4_LENGTH, Ipv4At, ipv4FragmentOffset } from './ipv4.js'
import { IPV6_LENGTH, Ipv6At } from './ipv6.js'

/** Type, code and second word of an ICMP or ICMPv6 error. */
export interface ErrorMessage {
  /** Type of the message, 0–255: an `IcmpType` or `Icmpv6Type`, by the IP version of the packet. */
  readonly type: number
  /** Code of the message, 0–255. */
  readonly code: number
  /** The second word of the message, 32 bits; its type and code say what is in it. */
  readonly rest: number
}

/** Most bytes of an IPv4 packet with an error in it. @see RFC 1812 §4.3.2.3 */
export const ERROR_LENGTH4 = 576

/** Most bytes of an IPv6 packet with an error in it: the least that every link carries. @see RFC 4443 §2.4 */
export const ERROR_LENGTH6 = 1280

/** Most bytes of a frame with an error: Ethernet header, two VLAN tags and the longest packet. */
export const MAX_ERROR_FRAME = 22 + ERROR_LENGTH6

/**
 * Returns the error that says that the outermost packet of the frame is longer than the `mtu` of the next hop, in bytes.
 *
 * @see RFC 1191 §4
 * @see RFC 4443 §3.2
 */
export const packetTooBig = (view: FrameView, mtu: number): ErrorMessage =>
  view.slots[Slot.L3_KIND] === L3.Ipv6
    ? { type: Icmpv6Type.PacketTooBig, code: 0, rest: mtu }
    : { type: IcmpType.Unreachable, code: FRAGMENTATION_NEEDED, rest: mtu & 0xffff }

/**
 * Returns whether an error about the outermost packet of the frame may be sent at all. None is sent about ICMP errors and redirects,
 * later fragments, packets to a multicast or broadcast address of either layer, and packets whose source is no single host.
 *
 * RFC 4443 has "packet too big" sent about multicast packets as well. It is not sent here, as the message cannot come from a
 * multicast address.
 *
 * @see RFC 1122 §3.2.2
 * @see RFC 4443 §2.4
 */
export const mayComplain = ({ bytes, slots, start }: FrameView): boolean => {
  const l3 = slots[Slot.L3_KIND]
  const ip = slots[Slot.L3]!
  const l4 = slots[Slot.L4]!
  if (((bytes[start]! | bytes[start + 6]!) & 1) !== 0) return false
  if (l3 === L3.Ipv4) {
    if (ipv4FragmentOffset(bytes, ip) > 0) return false
    if (slots[Slot.L4_KIND] === L4.Icmp && icmpIsError(bytes[l4]!)) return false
    return isHost4(bytes, ip + Ipv4At.SOURCE) && isHost4(bytes, ip + Ipv4At.DESTINATION)
  }
  if (l3 !== L3.Ipv6) return false
  const fragment = slots[Slot.FRAG_HEADER]!
  if (fragment !== 0 && u16(bytes, fragment + 2) > 7) return false
  if (slots[Slot.L4_KIND] === L4.Icmpv6 && (icmpv6IsError(bytes[l4]!) || bytes[l4] === Icmpv6Type.Redirect)) return false
  return isHost6(bytes, ip + Ipv6At.SOURCE) && isHost6(bytes, ip + Ipv6At.DESTINATION)
}

/**
 * Writes the frame with an error about the outermost packet of the frame in `view` to `out`, from `at` on; returns the offset behind
 * it. {@link MAX_ERROR_FRAME} bytes of room suffice. The packet must be IPv4 or IPv6.
 */
export const writeErrorMessage = (view: FrameView, { type, code, rest }: ErrorMessage, out: Uint8Array, at: number): number => {
  const { bytes, slots, start } = view
  const from = slots[Slot.L3]!
  const link = from - start
  out.set(bytes.subarray(start, from), at)
  out.copyWithin(at, at + 6, at + 12)
  out.set(bytes.subarray(start, start + 6), at + 6)
  const ip = at + link
  const is6 = slots[Slot.L3_KIND] === L3.Ipv6
  const header = is6 ? IPV6_LENGTH : IPV4_LENGTH
  const quoted = Math.min(slots[Slot.END]! - from, (is6 ? ERROR_LENGTH6 : ERROR_LENGTH4) - header - ICMP_LENGTH)
  const icmp = ip + header
  const end = icmp + ICMP_LENGTH + quoted
  out[icmp + IcmpAt.TYPE] = type
  out[icmp + IcmpAt.CODE] = code
  putU16(out, icmp + IcmpAt.CHECKSUM, 0)
  putU32(out, icmp + IcmpAt.REST, rest)
  out.set(bytes.subarray(from, from + quoted), icmp + ICMP_LENGTH)
  if (is6) writeHeader6(bytes, from, out, ip, end - icmp)
  else writeHeader4(bytes, from, out, ip, end - ip)
  putU16(out, icmp + IcmpAt.CHECKSUM, checksum(out, icmp, end, is6 ? pseudoSum6(out, ip, IpProtocol.Icmpv6, end - icmp) : 0))
  return end
}

const FRAGMENTATION_NEEDED = 4
const TTL = 64

/** Errors are network control: precedence 6 (RFC 1812 §4.3.2.5). */
const NETWORK_CONTROL = 0xc0

const DONT_FRAGMENT = 0x4000

const writeHeader4 = (bytes: Uint8Array, from: number, out: Uint8Array, ip: number, total: number): void => {
  out.fill(0, ip, ip + IPV4_LENGTH)
  out[ip] = 0x45
  out[ip + Ipv4At.TOS] = NETWORK_CONTROL
  putU16(out, ip + Ipv4At.LENGTH, total)
  putU16(out, ip + Ipv4At.FRAGMENT, DONT_FRAGMENT)
  out[ip + Ipv4At.TTL] = TTL
  out[ip + Ipv4At.PROTOCOL] = IpProtocol.Icmp
  out.set(bytes.subarray(from + Ipv4At.DESTINATION, from + Ipv4At.DESTINATION + 4), ip + Ipv4At.SOURCE)
  out.set(bytes.subarray(from + Ipv4At.SOURCE, from + Ipv4At.SOURCE + 4), ip + Ipv4At.DESTINATION)
  putU16(out, ip + Ipv4At.CHECKSUM, checksum(out, ip, ip + IPV4_LENGTH))
}

const writeHeader6 = (bytes: Uint8Array, from: number, out: Uint8Array, ip: number, length: number): void => {
  putU32(out, ip, 0x6000_0000)
  putU16(out, ip + Ipv6At.LENGTH, length)
  out[ip + Ipv6At.NEXT_HEADER] = IpProtocol.Icmpv6
  out[ip + Ipv6At.HOP_LIMIT] = TTL
  out.set(bytes.subarray(from + Ipv6At.DESTINATION, from + Ipv6At.DESTINATION + 16), ip + Ipv6At.SOURCE)
  out.set(bytes.subarray(from + Ipv6At.SOURCE, from + Ipv6At.SOURCE + 16), ip + Ipv6At.DESTINATION)
}

/** Returns whether the address at `at` is that of one host: not of this network, loopback, a group, reserved, or broadcast (RFC 1122 §3.2.1.3). */
const isHost4 = (bytes: Uint8Array, at: number): boolean => {
  const first = bytes[at]!
  return first !== 0 && first !== 127 && first < 224
}

/** Returns whether the address at `at` is that of one host: neither unspecified, loopback nor a group (RFC 4291 §2.4). */
const isHost6 = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] !== 0xff && !(u32(bytes, at) === 0 && u32(bytes, at + 4) === 0 && u32(bytes, at + 8) === 0 && u32(bytes, at + 12) <= 1)
