/**
 * IPv4 addresses inside IPv6 addresses, and addresses put together from parts.
 *
 * A prefix of 32, 40, 48, 56, 64 or 96 bits is followed by the IPv4 address; bits 64 to 71 are jumped over, except by a prefix of
 * 96 bits, which contains them. What is behind the IPv4 address is 0.
 *
 * @see RFC 6052 §2.2
 */
import { type IpAddress, ipv4, ipv6 } from '../wire/address.js'

/** Lengths of prefixes behind which an IPv4 address can stand. */
export const EMBEDDING_LENGTHS = [32, 40, 48, 56, 64, 96] as const
/** Length of a prefix behind which an IPv4 address can stand. */
export type EmbeddingLength = (typeof EMBEDDING_LENGTHS)[number]

/** Whether an IPv4 address can stand behind a prefix of so many bits. */
export const isEmbeddingLength = (length: unknown): length is EmbeddingLength => EMBEDDING_LENGTHS.some((known) => known === length)

/** The first `length` bits of an IPv6 address, and the IPv4 address behind them. */
export const embedIpv4 = (prefix: IpAddress, length: EmbeddingLength, inside: IpAddress): IpAddress => {
  const bytes = bytesOf(prefix).fill(0, length / 8)
  const from = bytesOf(inside).subarray(12)
  for (const [i, at] of placesOf(length).entries()) bytes[at] = from[i] ?? 0
  return addressOf(bytes)
}

/** The IPv4 address that stands behind the first `length` bits of an IPv6 address. */
export const embeddedIpv4 = (address: IpAddress, length: EmbeddingLength): IpAddress => {
  const bytes = bytesOf(address)
  return ipv4(placesOf(length).reduce((bits, at) => (bits << 8) | (bytes[at] ?? 0), 0))
}

/** The bits of `bits` where `mask` has ones, those of `base` elsewhere; all are of one version. */
export const maskedAddress = (base: IpAddress, mask: IpAddress, bits: IpAddress): IpAddress => {
  const word = (i: 0 | 1 | 2 | 3): number => ((base.words[i] & ~mask.words[i]) | (bits.words[i] & mask.words[i])) >>> 0
  return { version: base.version, words: [word(0), word(1), word(2), word(3)] }
}

/** The four bytes in which the address stands. */
const placesOf = (length: EmbeddingLength): readonly number[] => {
  const places: number[] = []
  for (let at = length / 8; places.length < 4; at++) if (at !== RESERVED || length === 96) places.push(at)
  return places
}

/** The byte of bits 64 to 71. */
const RESERVED = 8

const bytesOf = ({ words }: IpAddress): Uint8Array => {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  words.forEach((word, i) => { view.setUint32(4 * i, word) })
  return bytes
}

const addressOf = (bytes: Uint8Array): IpAddress => {
  const view = new DataView(bytes.buffer)
  return ipv6(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12))
}
