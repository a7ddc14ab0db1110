/**
 * ICMPv6. Errors and echo messages have eight bytes of header, as ICMP has; of the others (neighbour discovery, which
 * `ndp.ts` reads, multicast listener discovery, …) only the four bytes that all share are header, and the rest is payload.
 *
 * @see RFC 4443 §2.1
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU32, u16, u32 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header; identifier and sequence number are those of echo messages. */
export const Icmpv6At = { TYPE: 0, CODE: 1, CHECKSUM: 2, REST: 4, IDENTIFIER: 4, SEQUENCE: 6 } as const

/** Types the library names; others are carried as numbers. */
export const Icmpv6Type = {
  Unreachable: 1, PacketTooBig: 2, TimeExceeded: 3, ParameterProblem: 4, EchoRequest: 128, EchoReply: 129,
  RouterSolicitation: 133, RouterAdvertisement: 134, NeighborSolicitation: 135, NeighborAdvertisement: 136, Redirect: 137,
} as const
/** Types the library names. */
export type Icmpv6Type = (typeof Icmpv6Type)[keyof typeof Icmpv6Type]

/** An ICMPv6 header. */
export interface Icmpv6 {
  readonly kind: 'icmpv6'
  readonly type: number
  readonly code: number
  /** The second word of errors and echo messages; absent for other types, where it belongs to the payload. */
  readonly rest?: number
  /** The checksum, where it is not the computed one: of a fragment, or wrong. */
  readonly checksum?: number
}

/** Whether messages of this type quote the packet that caused them. @see RFC 4443 §2.1 */
export const icmpv6IsError = (type: number): boolean => type >= Icmpv6Type.Unreachable && type <= Icmpv6Type.ParameterProblem

/** Whether messages of this type carry an identifier that pairs request and reply. */
export const icmpv6HasIdentifier = (type: number): boolean => type === Icmpv6Type.EchoRequest || type === Icmpv6Type.EchoReply

/**
 * Bytes of the original datagram that the error at `at` quotes, by its length attribute; 0 where it has none. What follows them
 * is an extension. The attribute counts words of eight, and less than 128 bytes is no value of it.
 *
 * @see RFC 4884 §4.4–4.5
 */
export const icmpv6OriginalLength = (bytes: Uint8Array, at: number): number => {
  const type = bytes[at + Icmpv6At.TYPE]!
  const length = type === Icmpv6Type.Unreachable || type === Icmpv6Type.TimeExceeded ? bytes[at + Icmpv6At.REST]! << 3 : 0
  return length < 128 ? 0 : length
}

/** Bytes of the header of a message of this type: 8 or 4. */
export const icmpv6HeaderLength = (type: number): number => (icmpv6IsError(type) || icmpv6HasIdentifier(type) ? 8 : 4)

/** `Ok` guarantees that the header at `at`, of four or eight bytes by its type, lies before `end`. */
export const checkIcmpv6 = (bytes: Uint8Array, at: number, end: number): Reason =>
  end - at < 4 || end - at < icmpv6HeaderLength(bytes[at]!) ? Reason.Truncated : Reason.Ok

/** Reads the header at `at`. The checksum, not verified, is in the representation. */
export const parseIcmpv6 = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Icmpv6>> => {
  const reason = checkIcmpv6(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('icmpv6', reason, at)
  const type = bytes[at + Icmpv6At.TYPE]!
  const length = icmpv6HeaderLength(type)
  const repr: Icmpv6 = {
    kind: 'icmpv6',
    type,
    code: bytes[at + Icmpv6At.CODE]!,
    ...(length === 8 ? { rest: u32(bytes, at + Icmpv6At.REST) } : {}),
    checksum: u16(bytes, at + Icmpv6At.CHECKSUM),
  }
  return right({ repr, next: at + length, end })
}

/** Writes the header at `at`, with the checksum of the representation, or 0 for the caller to complete. */
export const emitIcmpv6 = (repr: Icmpv6, bytes: Uint8Array, at: number): void => {
  bytes[at + Icmpv6At.TYPE] = repr.type
  bytes[at + Icmpv6At.CODE] = repr.code
  putU16(bytes, at + Icmpv6At.CHECKSUM, repr.checksum ?? 0)
  if (icmpv6HeaderLength(repr.type) === 8) putU32(bytes, at + Icmpv6At.REST, repr.rest ?? 0)
}

/** `ICMPv6 echo request, id 1, seq 2`, `ICMPv6 neighbor solicitation`. */
export const formatIcmpv6 = (repr: Icmpv6): string => {
  const name = NAMES[repr.type]
  if (name === undefined) return `ICMPv6 type ${repr.type}, code ${repr.code}`
  if (!icmpv6HasIdentifier(repr.type)) return `ICMPv6 ${name}`
  const rest = repr.rest ?? 0
  return `ICMPv6 ${name}, id ${rest >>> 16}, seq ${rest & 0xffff}`
}

const NAMES: Readonly<Record<number, string>> = {
  1: 'destination unreachable', 2: 'packet too big', 3: 'time exceeded', 4: 'parameter problem', 128: 'echo request',
  129: 'echo reply', 133: 'router solicitation', 134: 'router advertisement', 135: 'neighbor solicitation', 136: 'neighbor advertisement',
  137: 'redirect',
}
