/**
 * The fixed header of IPv6; extension headers are in `ipv6-extension.ts`, their contents in `ipv6-options.ts` and
 * `ipv6-routing.ts`. Jumbograms are not supported.
 *
 * @see RFC 8200 §3
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { formatIp, type IpAddress } from './address.js'
import { putU16, putU32, readIpv6, u16, u32, writeIp } from './bytes.js'
import { formatProtocol, IpProtocol } from './ip-protocol.js'
import { formatExtension, protocolOfExtension, type Ipv6Extension } from './ipv6-extension.js'
import { hasJumboOption } from './ipv6-options.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const Ipv6At = {
  /** Version, 4 bits, DSCP, 6 bits, ECN, 2 bits, and flow label, 20 bits. */
  VERSION_CLASS_FLOW: 0,
  /** Bytes behind the fixed header, 16 bits. */
  LENGTH: 4,
  /** Number of the next header, 8 bits. */
  NEXT_HEADER: 6,
  /** Hop limit, 8 bits. */
  HOP_LIMIT: 7,
  /** Source address, 16 bytes. */
  SOURCE: 8,
  /** Destination address, 16 bytes. */
  DESTINATION: 24
} as const

/** Bytes of the fixed header. */
export const IPV6_LENGTH = 40

/** An IPv6 header with its extension headers. Its length field is computed from what is inside. */
export interface Ipv6 {
  /** Tells IPv6 from the other network headers of a frame. */
  readonly kind: 'ipv6'
  /** Source address, of version 6. */
  readonly source: IpAddress
  /** Destination address, of version 6. With a routing header that has segments left: the next stop. */
  readonly destination: IpAddress
  /** Protocol behind the extension headers, 0–255; see `IpProtocol`. Next-header fields before it are computed. */
  readonly protocol: number
  /** Hop limit, 0–255. */
  readonly hopLimit: number
  /** Differentiated services code point, 0–63. */
  readonly dscp: number
  /** Explicit congestion notification, 0–3. */
  readonly ecn: number
  /** Flow label, 20 bits. */
  readonly flowLabel: number
  /** Extension headers in the order of the wire; at most eight. */
  readonly extensions: readonly Ipv6Extension[]
}

/** Returns DSCP and ECN of the header at `at` as one byte. */
export const ipv6TrafficClass = (bytes: Uint8Array, at: number): number => (u16(bytes, at) >>> 4) & 0xff

/** Returns the payload length of the header at `at`: the bytes behind it. */
export const ipv6PayloadLength = (bytes: Uint8Array, at: number): number => u16(bytes, at + Ipv6At.LENGTH)

/**
 * Checks the header at `at`. `Ok` guarantees: version 6; the fixed header, and the whole datagram by its payload length, lie before `end`.
 * `UnsupportedProtocol` is a jumbogram.
 */
export const checkIpv6 = (bytes: Uint8Array, at: number, end: number): Reason => {
  if (end - at < IPV6_LENGTH) return Reason.Truncated
  if (bytes[at]! >>> 4 !== 6) return Reason.BadVersion
  const length = ipv6PayloadLength(bytes, at)
  if (length === 0 && bytes[at + Ipv6At.NEXT_HEADER] === IpProtocol.HopByHop && hasJumboOption(bytes, at + IPV6_LENGTH, end))
    return Reason.UnsupportedProtocol
  return IPV6_LENGTH + length > end - at ? Reason.Truncated : Reason.Ok
}

/**
 * Reads the fixed header at `at`: `extensions` is empty, `protocol` is the next header and may announce extension
 * headers at `next`.
 */
export const parseIpv6 = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Ipv6>> => {
  const reason = checkIpv6(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('ipv6', reason, at)
  const trafficClass = ipv6TrafficClass(bytes, at)
  const repr: Ipv6 = {
    kind: 'ipv6',
    source: readIpv6(bytes, at + Ipv6At.SOURCE),
    destination: readIpv6(bytes, at + Ipv6At.DESTINATION),
    protocol: bytes[at + Ipv6At.NEXT_HEADER]!,
    hopLimit: bytes[at + Ipv6At.HOP_LIMIT]!,
    dscp: trafficClass >>> 2,
    ecn: trafficClass & 3,
    flowLabel: u32(bytes, at) & 0xfffff,
    extensions: [],
  }
  return right({ repr, next: at + IPV6_LENGTH, end: at + IPV6_LENGTH + ipv6PayloadLength(bytes, at) })
}

/** Writes the fixed header at `at`; `payloadLength` is the bytes of extension headers and data. */
export const emitIpv6 = (repr: Ipv6, payloadLength: number, bytes: Uint8Array, at: number): void => {
  const [first] = repr.extensions
  putU32(bytes, at, (6 << 28) | (repr.dscp << 22) | ((repr.ecn & 3) << 20) | (repr.flowLabel & 0xfffff))
  putU16(bytes, at + Ipv6At.LENGTH, payloadLength)
  bytes[at + Ipv6At.NEXT_HEADER] = first === undefined ? repr.protocol : protocolOfExtension(first)
  bytes[at + Ipv6At.HOP_LIMIT] = repr.hopLimit
  writeIp(bytes, at + Ipv6At.SOURCE, repr.source)
  writeIp(bytes, at + Ipv6At.DESTINATION, repr.destination)
}

/** Formats a header in one line: `IPv6 fd00::4 > fd00::5, fragment at 0, more follow, id 7, UDP, hop limit 64`. */
export const formatIpv6 = (repr: Ipv6): string =>
  [
    `IPv6 ${formatIp(repr.source)} > ${formatIp(repr.destination)}`,
    ...repr.extensions.map(formatExtension),
    formatProtocol(repr.protocol),
    `hop limit ${repr.hopLimit}`,
    ...(repr.dscp === 0 ? [] : [`dscp ${repr.dscp}`]),
    ...(repr.ecn === 0 ? [] : [`ecn ${repr.ecn}`]),
    ...(repr.flowLabel === 0 ? [] : [`flow label 0x${repr.flowLabel.toString(16)}`]),
  ].join(', ')
