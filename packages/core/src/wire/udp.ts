/**
 * UDP. A stored checksum of 0 means that the sender computed none; over IPv6 only tunnels may do that (RFC 6935).
 *
 * The length field may name less than the IP datagram carries. What lies behind is the **surplus area**: it belongs to the IP
 * datagram, travels with it, and is neither payload nor covered by the checksum.
 *
 * @see RFC 768
 * @see RFC 9868 §5 for the surplus area
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, u16 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const UdpAt = { SOURCE: 0, DESTINATION: 2, LENGTH: 4, CHECKSUM: 6 } as const

/** Bytes of the header. */
export const UDP_LENGTH = 8

/** Well-known destination ports of encapsulations. */
export const UdpPort = { Vxlan: 4789, Geneve: 6081 } as const
/** Well-known destination ports of encapsulations. */
export type UdpPort = (typeof UdpPort)[keyof typeof UdpPort]

/** A UDP header. */
export interface Udp {
  readonly kind: 'udp'
  readonly sourcePort: number
  readonly destinationPort: number
  /** The length field in bytes, only in a first fragment: that of the whole datagram, which is not there. */
  readonly length?: number
  /** The checksum, where it is not the computed one: 0 for none, of a fragment, or wrong. */
  readonly checksum?: number
}

/** Bytes of the datagram with the header at `at`, by its own length field. */
export const udpLength = (bytes: Uint8Array, at: number): number => u16(bytes, at + UdpAt.LENGTH)

/**
 * `Ok` guarantees that the header at `at` lies before `end`, that its length is at least that of the header and, if `whole`, that
 * the datagram ends at or before `end`. In a first fragment it may end in the others.
 */
export const checkUdp = (bytes: Uint8Array, at: number, end: number, whole: boolean): Reason => {
  const here = end - at
  if (here < UDP_LENGTH) return Reason.Truncated
  const length = udpLength(bytes, at)
  return length < UDP_LENGTH || (whole && length > here) ? Reason.BadLength : Reason.Ok
}

/**
 * Reads the header at `at` in an IP datagram that ends at `end` or, unless `whole`, in a first fragment that does. The
 * checksum, not verified, is in the representation; the answer's `end` is where the UDP datagram ends, if it is whole.
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

/** `UDP 49152 > 53`. */
export const formatUdp = (repr: Udp): string =>
  `UDP ${repr.sourcePort} > ${repr.destinationPort}${repr.checksum === 0 ? ', no checksum' : ''}`
