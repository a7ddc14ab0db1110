/**
 * Overwriting words under a checksum.
 *
 * Checksums are corrected, never recomputed: each overwritten 16-bit word adds m' + ~m to a sum, and the sum is added to the
 * stored checksum (RFC 1624, equation 3). So a checksum that was right stays right, one that was wrong stays wrong by the
 * same difference, and the payload is never read. A first fragment's transport checksum, which covers data that are
 * elsewhere, needs nothing special.
 *
 * **One zero of two.** In one's complement 0x0000 and 0xffff are equal, and a chain of edits and its composite may meet
 * them differently. All corrections are therefore brought to the value a full computation gives: never 0xffff, except for UDP,
 * where 0 means that there is no checksum, and for an ICMP message whose other bytes are all 0.
 *
 * **Nothing else in the library updates a stored checksum.** A bare word update gets the second zero wrong in some protocol.
 *
 * @see RFC 1624 §3
 */
import { putU16, u16 } from './bytes.js'
import { fold } from './checksum.js'
import { L4 } from './frame-view.js'
import { transportChecksumAt } from './transport-checksum.js'

/** Writes a 16-bit word; returns what that adds to a sum: the new word plus the complement of the old one. */
export const replaceWord = (bytes: Uint8Array, at: number, word: number): number => {
  const old = (bytes[at]! << 8) | bytes[at + 1]!
  bytes[at] = word >>> 8
  bytes[at + 1] = word
  return word + (old ^ 0xffff)
}

/** Writes `count` words of `values`, the first of them `values[from]`, at `at`; returns what that adds to a sum. */
export const replaceWords = (bytes: Uint8Array, at: number, values: Uint16Array, from: number, count: number): number => {
  let sum = 0
  for (let i = 0; i < count; i++) sum += replaceWord(bytes, at + 2 * i, values[from + i]!)
  return sum
}

/** Corrects the checksum of the IPv4 header at `ip` by `changed`, the sum of the changes in it. The whole header then adds nothing to a sum. */
export const correctIpv4 = (bytes: Uint8Array, ip: number, changed: number): void => {
  putU16(bytes, ip + 10, ~nonZero((~u16(bytes, ip + 10) & 0xffff) + changed) & 0xffff)
}

/**
 * Corrects the checksum of TCP, UDP (unless it has none) or ICMPv6. `transport` is the sum of the changes from the transport header
 * at `at` on, `pseudo` that of the changes in its pseudo header. Returns the sum of all changes from the transport header on, that of
 * the checksum itself included.
 */
export const correctTransport = (bytes: Uint8Array, at: number, l4: number, transport: number, pseudo: number): number => {
  const field = at + transportChecksumAt(l4)
  const stored = u16(bytes, field)
  if (l4 === L4.Udp && stored === 0) return transport
  const updated = ~nonZero((~stored & 0xffff) + transport + pseudo) & 0xffff
  putU16(bytes, field, updated === 0 && l4 === L4.Udp ? 0xffff : updated)
  return pseudo === 0 ? 0 : ~fold(pseudo) & 0xffff
}

/**
 * Corrects the checksum of the ICMP message in `at .. end` by `changed`, the sum of the changes in it and, of ICMPv6, in its pseudo
 * header. The message then adds nothing to a sum.
 */
export const correctIcmp = (bytes: Uint8Array, at: number, end: number, changed: number): void => {
  const sum = nonZero((~u16(bytes, at + 2) & 0xffff) + changed)
  putU16(bytes, at + 2, sum === 0xffff && allZeroBut(bytes, at, at + 2, end) ? 0xffff : ~sum & 0xffff)
}

/**
 * Corrects the checksum at `field`, which covers a pseudo header whose addresses changed by `pseudo`; returns what that adds to a sum.
 * With `noZero` a checksum of 0 is written as 0xffff.
 */
export const correctOpaque = (bytes: Uint8Array, field: number, pseudo: number, noZero: boolean): number => {
  const updated = ~nonZero((~u16(bytes, field) & 0xffff) + pseudo) & 0xffff
  return replaceWord(bytes, field, updated === 0 && noZero ? 0xffff : updated)
}

/** Returns a sum with its carries added back, zero as 0xffff: the only zero that a sum over data that are not all zero can have. */
const nonZero = (sum: number): number => {
  const folded = fold(sum)
  return folded === 0 ? 0xffff : folded
}

/** Returns whether all bytes of `from .. to` but the two of the checksum are 0. Only called if the sum of the data is zero. */
const allZeroBut = (bytes: Uint8Array, from: number, checksumAt: number, to: number): boolean => {
  for (let at = from; at < to; at++) if (bytes[at] !== 0 && at !== checksumAt && at !== checksumAt + 1) return false
  return true
}
