/**
 * ICMP for IPv4. Every message has eight bytes of header: type, code, checksum and a word whose meaning the type
 * decides; what follows, such as the packet that an error quotes, is payload.
 *
 * @see RFC 792
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU32, u16, u32 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header; identifier and sequence number are those of echo messages. */
export const IcmpAt = {
  /** Type, 8 bits. */
  TYPE: 0,
  /** Code, 8 bits. */
  CODE: 1,
  /** Checksum, 16 bits. */
  CHECKSUM: 2,
  /** Second word, 32 bits; the type says what is in it. */
  REST: 4,
  /** Identifier of an echo message, 16 bits. */
  IDENTIFIER: 4,
  /** Sequence number of an echo message, 16 bits. */
  SEQUENCE: 6
} as const

/** Bytes of the header. */
export const ICMP_LENGTH = 8

/** Types that have a name here; others are carried as numbers. */
export const IcmpType = {
  /** Reply to an echo request. */
  EchoReply: 0,
  /** Error: the destination cannot be reached, or the packet is too big (code 4). */
  Unreachable: 3,
  /** Error: slow down. Deprecated (RFC 6633). */
  SourceQuench: 4,
  /** Error: another gateway is better. */
  Redirect: 5,
  /** Echo request. */
  Echo: 8,
  /** Error: the TTL ran out, or fragments were missing. */
  TimeExceeded: 11,
  /** Error: a field of the header is wrong. */
  ParameterProblem: 12,
  /** Timestamp request. */
  Timestamp: 13,
  /** Reply to a timestamp request. */
  TimestampReply: 14,
} as const
/** One of the {@link IcmpType} numbers. */
export type IcmpType = (typeof IcmpType)[keyof typeof IcmpType]

/** An ICMP header. */
export interface Icmp {
  /** Tells ICMP from the other transport headers of a frame. */
  readonly kind: 'icmp'
  /** An {@link IcmpType}, or another number 0–255. */
  readonly type: number
  /** Code within the type, 0–255. */
  readonly code: number
  /** The second word, 32 bits; for echo messages identifier and sequence number. */
  readonly rest: number
  /** The checksum, only if it is not the computed one: that of a fragment, or a wrong one. */
  readonly checksum?: number
}

/** Returns whether messages of this type carry an identifier that pairs request and reply. */
export const icmpHasIdentifier = (type: number): boolean =>
  type === IcmpType.Echo || type === IcmpType.EchoReply || type === IcmpType.Timestamp || type === IcmpType.TimestampReply

/** Returns whether messages of this type quote the packet that caused them. */
export const icmpIsError = (type: number): boolean =>
  type === IcmpType.Unreachable || type === IcmpType.SourceQuench || type === IcmpType.Redirect ||
  type === IcmpType.TimeExceeded || type === IcmpType.ParameterProblem

/**
 * Returns the bytes of the original datagram that the error at `at` quotes, by its length attribute, or 0 if it has none. What
 * follows them is an extension. The attribute counts words of four bytes; less than 128 bytes counts as no attribute.
 *
 * @see RFC 4884 §4.1–4.3
 */
export const icmpOriginalLength = (bytes: Uint8Array, at: number): number => {
  const type = bytes[at + IcmpAt.TYPE]!
  const extensible = type === IcmpType.Unreachable || type === IcmpType.TimeExceeded || type === IcmpType.ParameterProblem
  const length = extensible ? bytes[at + IcmpAt.REST + 1]! << 2 : 0
  return length < 128 ? 0 : length
}

/** Checks the header at `at`. `Ok` guarantees that the eight bytes at `at` lie before `end`. */
export const checkIcmp = (_bytes: Uint8Array, at: number, end: number): Reason => (end - at < ICMP_LENGTH ? Reason.Truncated : Reason.Ok)

/** Reads the header at `at`. The checksum, not verified, is in the representation. */
export const parseIcmp = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Icmp>> => {
  const reason = checkIcmp(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('icmp', reason, at)
  const repr: Icmp = {
    kind: 'icmp',
    type: bytes[at + IcmpAt.TYPE]!,
    code: bytes[at + IcmpAt.CODE]!,
    rest: u32(bytes, at + IcmpAt.REST),
    checksum: u16(bytes, at + IcmpAt.CHECKSUM),
  }
  return right({ repr, next: at + ICMP_LENGTH, end })
}

/** Writes the header at `at`, with the checksum of the representation, or 0 for the caller to complete. */
export const emitIcmp = (repr: Icmp, bytes: Uint8Array, at: number): void => {
  bytes[at + IcmpAt.TYPE] = repr.type
  bytes[at + IcmpAt.CODE] = repr.code
  putU16(bytes, at + IcmpAt.CHECKSUM, repr.checksum ?? 0)
  putU32(bytes, at + IcmpAt.REST, repr.rest)
}

/** Formats a header in one line: `ICMP echo request, id 1, seq 2`, `ICMP type 3, code 4`. */
export const formatIcmp = (repr: Icmp): string => {
  if (repr.type !== IcmpType.Echo && repr.type !== IcmpType.EchoReply) return `ICMP type ${repr.type}, code ${repr.code}`
  return `ICMP echo ${repr.type === IcmpType.Echo ? 'request' : 'reply'}, id ${repr.rest >>> 16}, seq ${repr.rest & 0xffff}`
}
