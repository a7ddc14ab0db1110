/**
 * ICMP for IPv4. Every message has eight bytes of header: type, code, checksum and a word whose meaning the type
 * decides; what follows, such as the packet an error quotes, is payload.
 *
 * @see RFC 792
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU32, u16, u32 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header; identifier and sequence number are those of echo messages. */
export const IcmpAt = { TYPE: 0, CODE: 1, CHECKSUM: 2, REST: 4, IDENTIFIER: 4, SEQUENCE: 6 } as const

/** Bytes of the header. */
export const ICMP_LENGTH = 8

/** Types the library names; others are carried as numbers. */
export const IcmpType = {
  EchoReply: 0, Unreachable: 3, SourceQuench: 4, Redirect: 5, Echo: 8, TimeExceeded: 11, ParameterProblem: 12, Timestamp: 13, TimestampReply: 14,
} as const
/** Types the library names. */
export type IcmpType = (typeof IcmpType)[keyof typeof IcmpType]

/** An ICMP header. */
export interface Icmp {
  readonly kind: 'icmp'
  readonly type: number
  readonly code: number
  /** The second word; for echo messages identifier and sequence number. */
  readonly rest: number
  /** The checksum, where it is not the computed one: of a fragment, or wrong. */
  readonly checksum?: number
}

/** Whether messages of this type carry an identifier that pairs request and reply. */
export const icmpHasIdentifier = (type: number): boolean =>
  type === IcmpType.Echo || type === IcmpType.EchoReply || type === IcmpType.Timestamp || type === IcmpType.TimestampReply

/** Whether messages of this type quote the packet that caused them. */
export const icmpIsError = (type: number): boolean =>
  type === IcmpType.Unreachable || type === IcmpType.SourceQuench || type === IcmpType.Redirect ||
  type === IcmpType.TimeExceeded || type === IcmpType.ParameterProblem

/**
 * Bytes of the original datagram that the error at `at` quotes, by its length attribute; 0 where it has none. What follows them
 * is an extension. The attribute counts words of four, and less than 128 bytes is no value of it.
 *
 * @see RFC 4884 §4.1–4.3
 */
export const icmpOriginalLength = (bytes: Uint8Array, at: number): number => {
  const type = bytes[at + IcmpAt.TYPE]!
  const extensible = type === IcmpType.Unreachable || type === IcmpType.TimeExceeded || type === IcmpType.ParameterProblem
  const length = extensible ? bytes[at + IcmpAt.REST + 1]! << 2 : 0
  return length < 128 ? 0 : length
}

/** `Ok` guarantees that the eight bytes at `at` lie before `end`. */
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

/** `ICMP echo request, id 1, seq 2`, `ICMP type 3, code 4`. */
export const formatIcmp = (repr: Icmp): string => {
  if (repr.type !== IcmpType.Echo && repr.type !== IcmpType.EchoReply) return `ICMP type ${repr.type}, code ${repr.code}`
  return `ICMP echo ${repr.type === IcmpType.Echo ? 'request' : 'reply'}, id ${repr.rest >>> 16}, seq ${repr.rest & 0xffff}`
}
