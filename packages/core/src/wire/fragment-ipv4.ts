/**
 * Cutting an IPv4 packet into fragments.
 *
 * The packet stays where it is and becomes its own first fragment ({@link shortenToFirst}); what lies behind the first is copied
 * into frames of its own before ({@link laterFragments}). All have the link's header with its tags, the identification and all fields of
 * the packet. The first has all its options, the others only those marked to be copied. A packet that is a fragment itself is cut
 * into smaller ones of the same datagram. Trailers behind the packet are left out.
 *
 * @see RFC 791 §3.2
 */
import { putU16, u16 } from './bytes.js'
import { checksum } from './checksum.js'
import { IPV4_LENGTH, Ipv4At, ipv4HeaderLength } from './ipv4.js'

/** How a packet is cut. */
export interface Cutting {
  /** Offset of the first byte of the frame. */
  readonly start: number
  /** Offset of the IPv4 header. */
  readonly ip: number
  /** Bytes of payload of every fragment but the last: a multiple of 8, less than the packet has. */
  readonly payload: number
  /** Identification of all fragments, 16 bits. */
  readonly identification: number
}

/** Returns the frames of the fragments behind the first, in order, each behind `headroom` bytes. */
export const laterFragments = (bytes: Uint8Array, cutting: Cutting, headroom: number): readonly Uint8Array[] => {
  const { start, ip, payload, identification } = cutting
  const header = laterHeader(bytes, ip)
  const from = ip + ipv4HeaderLength(bytes, ip)
  const end = ip + u16(bytes, ip + Ipv4At.LENGTH)
  const field = u16(bytes, ip + Ipv4At.FRAGMENT)
  const fragments: Uint8Array[] = []
  for (let at = from + payload; at < end; at += payload) {
    const to = Math.min(at + payload, end)
    const head = headroom + ip - start
    const fragment = new Uint8Array(head + header.length + to - at)
    fragment.set(bytes.subarray(start, ip), headroom)
    fragment.set(header, head)
    fragment.set(bytes.subarray(at, to), head + header.length)
    const more = to < end ? MORE_FRAGMENTS : field & MORE_FRAGMENTS
    finish(fragment, head, fragment.length - head, (field & RESERVED) | more | ((field & OFFSET) + ((at - from) >>> 3)), identification)
    fragments.push(fragment)
  }
  return fragments
}

/** Makes the packet its own first fragment; returns the offset behind its frame. */
export const shortenToFirst = (bytes: Uint8Array, { ip, payload, identification }: Cutting): number => {
  const total = ipv4HeaderLength(bytes, ip) + payload
  const field = u16(bytes, ip + Ipv4At.FRAGMENT)
  finish(bytes, ip, total, (field & (RESERVED | OFFSET)) | MORE_FRAGMENTS, identification)
  return ip + total
}

const RESERVED = 0x8000
const MORE_FRAGMENTS = 0x2000
const OFFSET = 0x1fff
const COPIED = 0x80
const END_OF_OPTIONS = 0
const NO_OPERATION = 1

const finish = (bytes: Uint8Array, ip: number, total: number, field: number, identification: number): void => {
  putU16(bytes, ip + Ipv4At.LENGTH, total)
  putU16(bytes, ip + Ipv4At.ID, identification)
  putU16(bytes, ip + Ipv4At.FRAGMENT, field)
  putU16(bytes, ip + Ipv4At.CHECKSUM, 0)
  putU16(bytes, ip + Ipv4At.CHECKSUM, checksum(bytes, ip, ip + ipv4HeaderLength(bytes, ip)))
}

/** Returns the header of the fragments behind the first, with the options to be copied, padded. An option that cannot be read ends the copying. */
const laterHeader = (bytes: Uint8Array, ip: number): Uint8Array => {
  const end = ip + ipv4HeaderLength(bytes, ip)
  const header = new Uint8Array(end - ip)
  header.set(bytes.subarray(ip, ip + IPV4_LENGTH))
  let to = IPV4_LENGTH
  for (let at = ip + IPV4_LENGTH; at < end && bytes[at] !== END_OF_OPTIONS; ) {
    const length = bytes[at] === NO_OPERATION ? 1 : at + 1 < end ? bytes[at + 1]! : 0
    if (length === 0 || (length === 1 && bytes[at] !== NO_OPERATION) || at + length > end) break
    if ((bytes[at]! & COPIED) !== 0) {
      header.set(bytes.subarray(at, at + length), to)
      to += length
    }
    at += length
  }
  const padded = (to + 3) & ~3
  header[0] = 0x40 | (padded >>> 2)
  return header.subarray(0, padded)
}
