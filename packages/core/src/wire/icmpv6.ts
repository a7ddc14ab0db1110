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
export const Icmpv6At = {
  /** Type, 8 bits. */
  TYPE: 0,
  /** Code, 8 bits. */
  CODE: 1,
  /** Checksum, 16 bits. */
  CHECKSUM: 2,
  /** Second word of errors and echo messages, 32 bits; the type says what is in it. */
  REST: 4,
  /** Identifier of an echo message, 16 bits. */
  IDENTIFIER: 4,
  /** Sequence number of an echo message, 16 bits. */
  SEQUENCE: 6
} as const

/** Types that have a name here; others are carried as numbers. */
export const Icmpv6Type = {
  /** Error: the destination cannot be reached. */
  Unreachable: 1,
  /** Error: the packet is longer than the MTU of a link; the second word is that MTU. */
  PacketTooBig: 2,
  /** Error: the hop limit ran out, or fragments were missing. */
  TimeExceeded: 3,
  /** Error: a header cannot be processed. */
  ParameterProblem: 4,
  /** Echo request. */
  EchoRequest: 128,
  /** Reply to an echo request. */
  EchoReply: 129,
  /** A host asks for routers. */
  RouterSolicitation: 133,
  /** A router announces itself. */
  RouterAdvertisement: 134,
  /** A node asks for a link-layer address. */
  NeighborSolicitation: 135,
  /** A node tells its link-layer address. */
  NeighborAdvertisement: 136,
  /** A router names a better first hop. */
  Redirect: 137,
} as const
/** One of the {@link Icmpv6Type} numbers. */
export type Icmpv6Type = (typeof Icmpv6Type)[keyof typeof Icmpv6Type]

/** An ICMPv6 header. */
export interface Icmpv6 {
  /** Tells ICMPv6 from the other transport headers of a frame. */
  readonly kind: 'icmpv6'
  /** An {@link Icmpv6Type}, or another number 0–255. */
  readonly type: number
  /** Code within the type, 0–255. */
  readonly code: number
  /** The second word of errors and echo messages, 32 bits. Absent for other types, where it belongs to the payload. */
  readonly rest?: number
  /** The checksum, only if it is not the computed one: that of a fragment, or a wrong one. */
  readonly checksum?: number
}

/** Returns whether messages of this type quote the packet that caused them. @see RFC 4443 §2.1 */
export const icmpv6IsError = (type: number): boolean => type >= Icmpv6Type.Unreachable && type <= Icmpv6Type.ParameterProblem

/** Returns whether messages of this type carry an identifier that pairs request and reply. */
export const icmpv6HasIdentifier = (type: number): boolean => type === Icmpv6Type.EchoRequest || type === Icmpv6Type.EchoReply

/**
 * Returns the bytes of the original datagram that the error at `at` quotes, by its length attribute, or 0 if it has none. What
 * follows them is an extension. The attribute counts words of eight bytes; less than 128 bytes counts as no attribute.
 *
 * @see RFC 4884 §4.4–4.5
 */
export const icmpv6OriginalLength = (bytes: Uint8Array, at: number): number => {
  const type = bytes[at + Icmpv6At.TYPE]!
  const length = type === Icmpv6Type.Unreachable || type === Icmpv6Type.TimeExceeded ? bytes[at + Icmpv6At.REST]! << 3 : 0
  return length < 128 ? 0 : length
}

/** Returns the bytes of the header of a message of this type: 8 or 4. */
export const icmpv6HeaderLength = (type: number): number => (icmpv6IsError(type) || icmpv6HasIdentifier(type) ? 8 : 4)

/** Checks the header at `at`. `Ok` guarantees that the header at `at`, of four or eight bytes by its type, lies before `end`. */
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

/** Formats a header in one line: `ICMPv6 echo request, id 1, seq 2`, `ICMPv6 neighbor solicitation`. */
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
