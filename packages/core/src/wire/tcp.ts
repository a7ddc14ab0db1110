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
  SOURCE: 0, DESTINATION: 2, SEQUENCE: 4, ACKNOWLEDGMENT: 8, DATA_OFFSET: 12, FLAGS: 13, WINDOW: 14, CHECKSUM: 16, URGENT: 18, OPTIONS: 20,
} as const

/** Bytes of the header without options. */
export const TCP_LENGTH = 20

/** Bits of the flags byte. */
export const TcpFlag = { Fin: 0x01, Syn: 0x02, Rst: 0x04, Psh: 0x08, Ack: 0x10, Urg: 0x20, Ece: 0x40, Cwr: 0x80 } as const
/** Bits of the flags byte. */
export type TcpFlag = (typeof TcpFlag)[keyof typeof TcpFlag]

/** A TCP header. */
export interface Tcp {
  readonly kind: 'tcp'
  readonly sourcePort: number
  readonly destinationPort: number
  /** 32 bits. */
  readonly sequence: number
  /** 32 bits. */
  readonly acknowledgment: number
  /** {@link TcpFlag}s, ORed. */
  readonly flags: number
  /** The four bits between data offset and flags. */
  readonly reserved: number
  /** As on the wire, unscaled. */
  readonly window: number
  readonly urgent: number
  /** Raw options with their padding: a multiple of 4 up to 40 bytes, but where they are cut off. */
  readonly options: Uint8Array
  /** Bytes of the header by its data offset, only where it is cut off: in a first fragment that ends inside the options. */
  readonly headerLength?: number
  /** The checksum, where it is not the computed one: of a fragment, or wrong. */
  readonly checksum?: number
}

/** Length of the header at `at` with its options, in bytes. */
export const tcpHeaderLength = (bytes: Uint8Array, at: number): number => (bytes[at + TcpAt.DATA_OFFSET]! >>> 4) << 2

/**
 * `Ok` guarantees that the fixed header at `at` lies before `end`, and if `whole` its options, too. A first fragment may end inside
 * them: what is judged lies in the fixed header.
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

/** `SYN,ACK`, `none`. */
export const formatTcpFlags = (flags: number): string =>
  Object.entries(TcpFlag)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.toUpperCase())
    .join(',') || 'none'

/** `TCP 49152 > 443, SYN, seq 1, ack 0, win 65535, options 4 bytes`. */
export const formatTcp = (repr: Tcp): string =>
  `TCP ${repr.sourcePort} > ${repr.destinationPort}, ${formatTcpFlags(repr.flags)}, seq ${repr.sequence}, ` +
  `ack ${repr.acknowledgment}, win ${repr.window}${repr.options.length === 0 ? '' : `, options ${repr.options.length} bytes`}${repr.headerLength === undefined ? '' : ', cut off'}`
