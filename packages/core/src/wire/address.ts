/** MAC and IP addresses as the control path holds them: numbers, parsed from text once. */
import ipaddr from 'ipaddr.js'
import { type Either, left, right } from 'fp-ts/lib/Either.js'

/** A MAC address as one integer, 0 to 2^48 − 1: exact in a double. */
export type Mac = number

/** An IP address of either version, as numbers. */
export interface IpAddress {
  /** IP version. */
  readonly version: 4 | 6
  /** The address in four big-endian 32-bit words. An IPv4 address is in the last; the others are 0. */
  readonly words: readonly [number, number, number, number]
}

/** A prefix of IP addresses. */
export interface IpPrefix {
  /** First address of the prefix: its bits behind `length` are 0. */
  readonly address: IpAddress
  /** Leading bits that count: 0–32 for IPv4, 0–128 for IPv6. */
  readonly length: number
}

/** Why text is not the address it should be. */
export interface BadAddress {
  readonly _tag: 'BadAddress'
  /** The text that was given. */
  readonly input: string
  /** What is wrong with it, or what was expected, in words. */
  readonly reason: string
}

const bad = (input: string, reason: string): Either<BadAddress, never> => left({ _tag: 'BadAddress', input, reason })

/** Parses a MAC address: six two-digit hexadecimal octets with `:` or `-` between them. */
export const parseMac = (input: string): Either<BadAddress, Mac> =>
  /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(input)
    ? right(Number.parseInt(input.replaceAll(/[:-]/g, ''), 16))
    : bad(input, 'a MAC address is six two-digit hexadecimal octets, as 00:15:5d:00:00:01')

/** Formats a MAC address in lower case, with colons: `00:15:5d:00:00:01`. */
export const formatMac = (mac: Mac): string => mac.toString(16).padStart(12, '0').replaceAll(/(..)(?!$)/g, '$1:')

/** Parses a dotted-quad IPv4 or a textual IPv6 address (RFC 4291 §2.2), without zone or prefix length. */
export const parseIp = (input: string): Either<BadAddress, IpAddress> => {
  if (ipaddr.IPv4.isValidFourPartDecimal(input)) return right(ipv4FromOctets(ipaddr.IPv4.parse(input).octets))
  if (!input.includes('%') && ipaddr.IPv6.isValid(input)) return right(ipv6FromParts(ipaddr.IPv6.parse(input).parts))
  return bad(input, 'not an IPv4 or IPv6 address')
}

/** Parses `address/length`. An address alone is a prefix of its full length. Fails if bits behind the length are set. */
export const parsePrefix = (input: string): Either<BadAddress, IpPrefix> => {
  const slash = input.indexOf('/')
  const address = parseIp(slash < 0 ? input : input.slice(0, slash))
  if (address._tag === 'Left') return bad(input, address.left.reason)
  const width = address.right.version === 4 ? 32 : 128
  const text = slash < 0 ? String(width) : input.slice(slash + 1)
  const length = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  if (!(length <= width)) return bad(input, `a prefix length is a number from 0 to ${width}`)
  const masked = maskWords(address.right, length)
  return masked.every((w, i) => w === address.right.words[i])
    ? right({ address: address.right, length })
    : bad(input, `bits are set behind the prefix length: did you mean ${formatIp({ ...address.right, words: masked })}/${length}?`)
}

/** Formats an address in its canonical form: dotted quad, or as RFC 5952 has it for IPv6. */
export const formatIp = (ip: IpAddress): string => {
  const [a, b, c, d] = ip.words
  if (ip.version === 4) return [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255].join('.')
  return new ipaddr.IPv6([a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff, d >>> 16, d & 0xffff]).toRFC5952String()
}

/** Formats a prefix as `address/length`. */
export const formatPrefix = (prefix: IpPrefix): string => `${formatIp(prefix.address)}/${prefix.length}`

/** Returns whether two addresses are the same address of the same version. */
export const sameIp = (a: IpAddress, b: IpAddress): boolean => a.version === b.version && a.words.every((w, i) => w === b.words[i])

/** Returns whether an address lies in a prefix of its own version. */
export const prefixContains = (prefix: IpPrefix, ip: IpAddress): boolean =>
  prefix.address.version === ip.version && maskWords(ip, prefix.length).every((w, i) => w === prefix.address.words[i])

/** Makes an IPv4 address of its 32 bits. */
export const ipv4 = (bits: number): IpAddress => ({ version: 4, words: [0, 0, 0, bits >>> 0] })

/** Makes an IPv6 address of its four 32-bit words, the first on the wire first. */
export const ipv6 = (a: number, b: number, c: number, d: number): IpAddress => ({ version: 6, words: [a >>> 0, b >>> 0, c >>> 0, d >>> 0] })

const maskWords = (ip: IpAddress, length: number): [number, number, number, number] => {
  const offset = ip.version === 4 ? 96 : 0
  const at = (i: number): number => {
    const bits = Math.max(0, Math.min(32, length + offset - 32 * i))
    return (bits === 0 ? 0 : ip.words[i]! & (0xffffffff << (32 - bits))) >>> 0
  }
  return [at(0), at(1), at(2), at(3)]
}

const ipv4FromOctets = (o: readonly number[]): IpAddress => ipv4((o[0]! << 24) | (o[1]! << 16) | (o[2]! << 8) | o[3]!)

const ipv6FromParts = (p: readonly number[]): IpAddress =>
  ipv6((p[0]! << 16) | p[1]!, (p[2]! << 16) | p[3]!, (p[4]! << 16) | p[5]!, (p[6]! << 16) | p[7]!)
