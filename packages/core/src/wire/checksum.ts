/**
 * The Internet checksum: the one's complement of the one's complement sum of 16-bit words.
 *
 * It is computed in one of two ways. **In full** (RFC 1071): {@link sumWords} adds up stretches of bytes into a plain
 * number, {@link fold} brings the carries back in; partial sums of even-length stretches add up in any order, which
 * is how the pseudo headers of the transport protocols join. **Incrementally** (RFC 1624): `correct-checksum.ts` corrects
 * a stored checksum for changed words without touching the rest of the data.
 *
 * Everything here rests on two facts:
 * - In one's complement, 0x0000 and 0xffff are both zero. A sum over data that are not all zero folds to 0xffff, never
 *   to 0; so the stored checksum of such data is never 0xffff, and equation 3 of RFC 1624 keeps it so (equation 2,
 *   of RFC 1141, did not). UDP is the exception by rule: 0 means "none", so a computed 0 is sent as 0xffff.
 * - A sum stays exact as long as it is below 2^32: 65,537 words, more than any IP datagram with its pseudo header.
 *
 * Nothing here allocates or checks bounds.
 *
 * @see RFC 1071 §1–2
 * @see RFC 1624 §3
 */
import { u16 } from './bytes.js'

/** Returns `seed` plus the unfolded sum of the 16-bit words in `from .. to`; an odd last byte is padded with 0. */
export const sumWords = (bytes: Uint8Array, from: number, to: number, seed = 0): number => {
  let sum = seed
  const even = to - 1
  let at = from
  for (; at < even; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!
  return at < to ? sum + (bytes[at]! << 8) : sum
}

/** Returns an unfolded sum with its carries added back: 0–65535. */
export const fold = (sum: number): number => {
  const once = (sum & 0xffff) + (sum >>> 16)
  return (once & 0xffff) + (once >>> 16)
}

/** Returns the checksum to store for `from .. to`, whose checksum field must hold 0; `seed` is the sum of a pseudo header. */
export const checksum = (bytes: Uint8Array, from: number, to: number, seed = 0): number =>
  ~fold(sumWords(bytes, from, to, seed)) & 0xffff

/** Returns whether the checksum of `from .. to`, its field included, is right; `seed` is the sum of a pseudo header. */
export const checksumHolds = (bytes: Uint8Array, from: number, to: number, seed = 0): boolean =>
  fold(sumWords(bytes, from, to, seed)) === 0xffff

/**
 * Returns the unfolded sum of the IPv4 pseudo header: addresses of the header at `ipAt`, `protocol`, and `length`, that of the
 * transport header and its data in bytes.
 *
 * @see RFC 9293 §3.1
 */
export const pseudoSum4 = (bytes: Uint8Array, ipAt: number, protocol: number, length: number): number =>
  u16(bytes, ipAt + 12) + u16(bytes, ipAt + 14) + u16(bytes, ipAt + 16) + u16(bytes, ipAt + 18) + protocol + length

/**
 * Returns the unfolded sum of the IPv6 pseudo header: addresses of the header at `ipAt`, `protocol`, that behind the extension
 * headers, and `length`, that of the transport header and its data in bytes. It is right only if the destination in the header is
 * the final one and the source is no care-of address; for other packets use `pseudoHeaderSum`.
 *
 * @see RFC 8200 §8.1
 */
export const pseudoSum6 = (bytes: Uint8Array, ipAt: number, protocol: number, length: number): number =>
  sumWords(bytes, ipAt + 8, ipAt + 40, protocol + (length & 0xffff) + (length >>> 16))
