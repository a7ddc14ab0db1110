/**
 * UDP. A stored checksum of 0 means that the sender computed none; over IPv6 only tunnels may do that (RFC 6935).
 *
 * The length field may name less than the IP datagram carries. The bytes behind it are the **surplus area**: they belong to the
 * IP datagram, travel with it, and are neither payload nor covered by the checksum.
 *
 * @see RFC 768
 * @see RFC 9868 §5 for the surplus area
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, u16 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const UdpAt = {
  /** Source port, 16 bits. */
  SOURCE: 0,
  /** Destination port, 16 bits. */
  DESTINATION: 2,
  /** Bytes of header and data, 16 bits. */
  LENGTH: 4,
  /** Checksum, 16 bits; 0 means none. */
  CHECKSUM: 6
} as const

/** Bytes of the header. */
export const UDP_LENGTH = 8

/** Standard destination ports of tunnels. */
export const UdpPort = {
  /** VXLAN (RFC 7348). */
  Vxlan: 4789,
  /** Geneve (RFC 8926). */
  Geneve: 6081
} as const
/** One of the {@link UdpPort} numbers. */
export type UdpPort = (typeof UdpPort)[keyof typeof UdpPort]

/** A UDP header. */
export interface Udp {
  /** Tells UDP from the other transport headers of a frame. */
  readonly kind: 'udp'
  /** Source port, 0–65535. */
  readonly sourcePort: number
  /** Destination port, 0–65535. */
  readonly destinationPort: number
  /** The length field in bytes, only in a first fragment: that of the whole datagram, 8–65535. */
  readonly length?: number
  /** The checksum, only if it is not the computed one: 0 for none, that of a fragment, or a wrong one. */
  readonly checksum?: number
}

/** Returns the bytes of the datagram with the header at `at`, by its own length field. */
export const udpLength = (bytes: Uint8Array, at: number): number => u16(bytes, at + UdpAt.LENGTH)

/**
 * Checks the header at `at`. `Ok` guarantees that it lies before `end`, that its length field is at least 8 and, if `whole`, that
 * the datagram ends at or before `end`. The datagram of a first fragment ends in a later one.
 */
export const checkUdp = (bytes: Uint8Array, at: number, end: number, whole: boolean): Reason => {
  const here = end - at
  if (here < UDP_LENGTH) return Reason.Truncated
  const length = udpLength(bytes, at)
  return length < UDP_LENGTH || (whole && length > here) ? Reason.BadLength : Reason.Ok
}

/**
 * Reads the header at `at` in an IP datagram that ends at `end` or, unless `whole`, in a first fragment that does. The
 * checksum, not verified, is in the representation. The `end` of the result is where a whole UDP datagram ends.
 */
export const parseUdp = (bytes: Uint8Array, at: number, end: number, whole = true): Either<WireError, Parsed<Udp>> => {
  const reason = checkUdp(bytes, at, end, whole)
  if (reason !== Reason.Ok) return unreadable('udp', reason, at)
  const repr: Udp = {
    kind: 'udp',
    sourcePort: u16(bytes, at + UdpAt.SOURCE),
    destinationPort: u16(bytes, at + UdpAt.DESTINATION),
    ...(whole ? {} : { length: u16(bytes, at + UdpAt.LENGTH) }),
    checksum: u16(bytes, at + UdpAt.CHECKSUM),
  }
  return right({ repr, next: at + UDP_LENGTH, end: whole ? at + udpLength(bytes, at) : end })
}

/**
 * Writes the header at `at`, with the checksum of the representation, or 0 for the caller to complete; `length` goes
 * into the length field.
 */
export const emitUdp = (repr: Udp, length: number, bytes: Uint8Array, at: number): void => {
  putU16(bytes, at + UdpAt.SOURCE, repr.sourcePort)
  putU16(bytes, at + UdpAt.DESTINATION, repr.destinationPort)
  putU16(bytes, at + UdpAt.LENGTH, length)
  putU16(bytes, at + UdpAt.CHECKSUM, repr.checksum ?? 0)
}

/** Formats a header in one line: `UDP 49152 > 53`. */
export const formatUdp = (repr: Udp): string =>
  `UDP ${repr.sourcePort} > ${repr.destinationPort}${repr.checksum === 0 ? ', no checksum' : ''}`
