/**
 * TCP. Options are carried raw; `tcp-options.ts` reads the known ones.
 *
 * @see RFC 9293 §3.1
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU32, u16, u32 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const TcpAt = {
  /** Source port, 16 bits. */
  SOURCE: 0,
  /** Destination port, 16 bits. */
  DESTINATION: 2,
  /** Sequence number, 32 bits. */
  SEQUENCE: 4,
  /** Acknowledgement number, 32 bits. */
  ACKNOWLEDGMENT: 8,
  /** Header length in words of four bytes, 4 bits, and four bits that were reserved; the last is AE. */
  DATA_OFFSET: 12,
  /** The {@link TcpFlag} bits. */
  FLAGS: 13,
  /** Window, 16 bits. */
  WINDOW: 14,
  /** Checksum, 16 bits. */
  CHECKSUM: 16,
  /** Urgent pointer, 16 bits. */
  URGENT: 18,
  /** First byte of the options, if there are any. */
  OPTIONS: 20,
} as const

/** Bytes of the header without options. */
export const TCP_LENGTH = 20

/** Bits of the flags byte. */
export const TcpFlag = {
  /** The sender sends no more data. */
  Fin: 0x01,
  /** Opens a connection. */
  Syn: 0x02,
  /** Aborts a connection. */
  Rst: 0x04,
  /** Data should be delivered at once. */
  Psh: 0x08,
  /** The acknowledgement number is valid. */
  Ack: 0x10,
  /** The urgent pointer is valid. */
  Urg: 0x20,
  /** Echo of a congestion mark (RFC 3168). */
  Ece: 0x40,
  /** The congestion window was reduced (RFC 3168). */
  Cwr: 0x80
} as const
/** One of the {@link TcpFlag} bits. */
export type TcpFlag = (typeof TcpFlag)[keyof typeof TcpFlag]

/** A TCP header. */
export interface Tcp {
  /** Tells TCP from the other transport headers of a frame. */
  readonly kind: 'tcp'
  /** Source port, 0–65535. */
  readonly sourcePort: number
  /** Destination port, 0–65535. */
  readonly destinationPort: number
  /** Sequence number of the first byte of data, or of the SYN; 32 bits. */
  readonly sequence: number
  /** Sequence number expected next, 32 bits; without meaning unless `Ack` is set. */
  readonly acknowledgment: number
  /** The {@link TcpFlag} bits that are set. */
  readonly flags: number
  /** The four bits between data offset and flags, 0–15; the lowest is AE of Accurate ECN. */
  readonly reserved: number
  /** Window as on the wire, not scaled, 0–65535. */
  readonly window: number
  /** Offset behind the last byte of urgent data, from `sequence`, 0–65535; without meaning unless `Urg` is set. */
  readonly urgent: number
  /** Raw options with their padding: a multiple of 4 up to 40 bytes, unless they are cut off. */
  readonly options: Uint8Array
  /** Bytes of the header by its data offset, only if it is cut off: in a first fragment that ends inside the options. */
  readonly headerLength?: number
  /** The checksum, only if it is not the computed one: that of a fragment, or a wrong one. */
  readonly checksum?: number
}

/** Returns the bytes of the header at `at` with its options. */
export const tcpHeaderLength = (bytes: Uint8Array, at: number): number => (bytes[at + TcpAt.DATA_OFFSET]! >>> 4) << 2

/**
 * Checks the header at `at`. `Ok` guarantees that the fixed header lies before `end`, and if `whole` its options as well. A first
 * fragment may end inside the options: all that rules look at lies in the fixed header.
 *
 * @see RFC 1858 §3
 */
export const checkTcp = (bytes: Uint8Array, at: number, end: number, whole = true): Reason => {
  if (end - at < TCP_LENGTH) return Reason.Truncated
  const header = tcpHeaderLength(bytes, at)
  if (header < TCP_LENGTH) return Reason.BadLength
  return whole && header > end - at ? Reason.Truncated : Reason.Ok
}

/** Reads the header at `at`; unless `whole`, of a first fragment that ends at `end`. The checksum, not verified, is in the representation. */
export const parseTcp = (bytes: Uint8Array, at: number, end: number, whole = true): Either<WireError, Parsed<Tcp>> => {
  const reason = checkTcp(bytes, at, end, whole)
  if (reason !== Reason.Ok) return unreadable('tcp', reason, at)
  const headerLength = tcpHeaderLength(bytes, at)
  const next = Math.min(at + headerLength, end)
  const repr: Tcp = {
    kind: 'tcp',
    sourcePort: u16(bytes, at + TcpAt.SOURCE),
    destinationPort: u16(bytes, at + TcpAt.DESTINATION),
    sequence: u32(bytes, at + TcpAt.SEQUENCE),
    acknowledgment: u32(bytes, at + TcpAt.ACKNOWLEDGMENT),
    flags: bytes[at + TcpAt.FLAGS]!,
    reserved: bytes[at + TcpAt.DATA_OFFSET]! & 0x0f,
    window: u16(bytes, at + TcpAt.WINDOW),
    urgent: u16(bytes, at + TcpAt.URGENT),
    options: bytes.subarray(at + TCP_LENGTH, next),
    ...(next < at + headerLength ? { headerLength } : {}),
    checksum: u16(bytes, at + TcpAt.CHECKSUM),
  }
  return right({ repr, next, end })
}

/** Writes header and options at `at`, with the checksum of the representation, or 0 for the caller to complete. */
export const emitTcp = (repr: Tcp, bytes: Uint8Array, at: number): void => {
  putU16(bytes, at + TcpAt.SOURCE, repr.sourcePort)
  putU16(bytes, at + TcpAt.DESTINATION, repr.destinationPort)
  putU32(bytes, at + TcpAt.SEQUENCE, repr.sequence)
  putU32(bytes, at + TcpAt.ACKNOWLEDGMENT, repr.acknowledgment)
  bytes[at + TcpAt.DATA_OFFSET] = (((repr.headerLength ?? TCP_LENGTH + repr.options.length) >>> 2) << 4) | (repr.reserved & 0x0f)
  bytes[at + TcpAt.FLAGS] = repr.flags
  putU16(bytes, at + TcpAt.WINDOW, repr.window)
  putU16(bytes, at + TcpAt.CHECKSUM, repr.checksum ?? 0)
  putU16(bytes, at + TcpAt.URGENT, repr.urgent)
  bytes.set(repr.options, at + TcpAt.OPTIONS)
}

/** Formats the bits that are set: `SYN,ACK`, `none`. */
export const formatTcpFlags = (flags: number): string =>
  Object.entries(TcpFlag)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.toUpperCase())
    .join(',') || 'none'

/** Formats a header in one line: `TCP 49152 > 443, SYN, seq 1, ack 0, win 65535, options 4 bytes`. */
export const formatTcp = (repr: Tcp): string =>
  `TCP ${repr.sourcePort} > ${repr.destinationPort}, ${formatTcpFlags(repr.flags)}, seq ${repr.sequence}, ` +
  `ack ${repr.acknowledgment}, win ${repr.window}${repr.options.length === 0 ? '' : `, options ${repr.options.length} bytes`}${repr.headerLength === undefined ? '' : ', cut off'}`
