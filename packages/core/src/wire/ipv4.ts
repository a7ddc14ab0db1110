/**
 * IPv4. Options are carried as raw bytes and never lost. Only source routes among them are interpreted: by `pseudo-header.ts`.
 *
 * @see RFC 791 §3.1
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { formatIp, type IpAddress } from './address.js'
import { putU16, readIpv4, u16, writeIp } from './bytes.js'
import { checksum, fold, sumWords } from './checksum.js'
import { formatProtocol } from './ip-protocol.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const Ipv4At = {
  /** Version, 4 bits, and header length in words of four bytes, 4 bits. */
  VERSION_IHL: 0,
  /** DSCP, 6 bits, and ECN, 2 bits. */
  TOS: 1,
  /** Bytes of header and data, 16 bits. */
  LENGTH: 2,
  /** Identification, 16 bits. */
  ID: 4,
  /** Three flags, and the fragment offset in units of eight bytes, 13 bits. */
  FRAGMENT: 6,
  /** Time to live, 8 bits. */
  TTL: 8,
  /** Protocol, 8 bits. */
  PROTOCOL: 9,
  /** Header checksum, 16 bits. */
  CHECKSUM: 10,
  /** Source address. */
  SOURCE: 12,
  /** Destination address. */
  DESTINATION: 16,
  /** First byte of the options, if there are any. */
  OPTIONS: 20,
} as const

/** Numbers of options. Bit 7 is set in those that every fragment gets a copy of. @see RFC 791 §3.1 */
export const Ipv4Option = {
  /** End of the options. */
  End: 0,
  /** One byte of padding. */
  NoOperation: 1,
  /** Loose source and record route. */
  LooseRoute: 131,
  /** Strict source and record route. */
  StrictRoute: 137
} as const

/** Bytes of the header without options. */
export const IPV4_LENGTH = 20

/** An IPv4 header. Its length fields are computed from the options and from what is inside. */
export interface Ipv4 {
  /** Tells IPv4 from the other network headers of a frame. */
  readonly kind: 'ipv4'
  /** Source address, of version 4. */
  readonly source: IpAddress
  /** Destination address, of version 4. With a source route that has hops left: the next hop. */
  readonly destination: IpAddress
  /** Protocol behind the header, 0–255; see `IpProtocol`. */
  readonly protocol: number
  /** Time to live, 0–255. */
  readonly ttl: number
  /** Differentiated services code point, 0–63. */
  readonly dscp: number
  /** Explicit congestion notification, 0–3. */
  readonly ecn: number
  /** Number that the fragments of a datagram share, 0–65535. */
  readonly identification: number
  /** Whether routers must not cut the datagram. */
  readonly dontFragment: boolean
  /** Whether fragments follow behind this one. */
  readonly moreFragments: boolean
  /** The flag that RFC 791 reserves; should be false. */
  readonly reservedFlag: boolean
  /** Offset of this fragment in its datagram, in bytes: a multiple of 8 up to 65528. */
  readonly fragmentOffset: number
  /** Raw options with their padding: a multiple of 4 up to 40 bytes. */
  readonly options: Uint8Array
  /** The header checksum, only if it is not the one that {@link emitIpv4} computes. */
  readonly checksum?: number
}

/** Returns the bytes of the header at `at` with its options. */
export const ipv4HeaderLength = (bytes: Uint8Array, at: number): number => (bytes[at]! & 0x0f) << 2

/** Returns the offset in its datagram, in bytes, of the fragment whose header is at `at`. */
export const ipv4FragmentOffset = (bytes: Uint8Array, at: number): number => (u16(bytes, at + Ipv4At.FRAGMENT) & 0x1fff) << 3

/** Returns whether fragments follow behind the one whose header is at `at`. */
export const ipv4MoreFragments = (bytes: Uint8Array, at: number): boolean => (bytes[at + Ipv4At.FRAGMENT]! & 0x20) !== 0

/** Returns whether the checksum over the header at `at` and its options is right. */
export const ipv4ChecksumHolds = (bytes: Uint8Array, at: number): boolean => {
  // the 20 bytes every header has, without a loop: this runs for each packet
  const sum =
    u16(bytes, at) + u16(bytes, at + 2) + u16(bytes, at + 4) + u16(bytes, at + 6) + u16(bytes, at + 8) +
    u16(bytes, at + 10) + u16(bytes, at + 12) + u16(bytes, at + 14) + u16(bytes, at + 16) + u16(bytes, at + 18)
  const length = ipv4HeaderLength(bytes, at)
  return fold(length === IPV4_LENGTH ? sum : sumWords(bytes, at + IPV4_LENGTH, at + length, sum)) === 0xffff
}

/**
 * Checks the header at `at`. `Ok` guarantees: version 4; header and options, and the whole datagram by its total length, lie before `end`; total
 * length is not below header length; the datagram this fragment belongs to is not longer than 65535 bytes; and if
 * `verify` is set, the header checksum is right.
 *
 * @see RFC 1122 §3.2.1
 */
export const checkIpv4 = (bytes: Uint8Array, at: number, end: number, verify: boolean): Reason => {
  if (end - at < IPV4_LENGTH) return Reason.Truncated
  const first = bytes[at]!
  if (first >>> 4 !== 4) return Reason.BadVersion
  const header = (first & 0x0f) << 2
  const total = u16(bytes, at + Ipv4At.LENGTH)
  if (header < IPV4_LENGTH) return Reason.BadLength
  if (header > end - at) return Reason.Truncated
  if (verify && !ipv4ChecksumHolds(bytes, at)) return Reason.BadChecksum
  if (total < header) return Reason.BadLength
  if (total > end - at) return Reason.Truncated
  return ipv4FragmentOffset(bytes, at) + total > 0xffff ? Reason.BadLength : Reason.Ok
}

/** Reads the header at `at`, whose checksum must be right. */
export const parseIpv4 = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Ipv4>> => {
  const reason = checkIpv4(bytes, at, end, true)
  if (reason !== Reason.Ok) return unreadable('ipv4', reason, at)
  const next = at + ipv4HeaderLength(bytes, at)
  const stored = u16(bytes, at + Ipv4At.CHECKSUM)
  const computed = ~fold(sumWords(bytes, at, next) - stored) & 0xffff
  const tos = bytes[at + Ipv4At.TOS]!
  const flags = bytes[at + Ipv4At.FRAGMENT]!
  const repr: Ipv4 = {
    kind: 'ipv4',
    source: readIpv4(bytes, at + Ipv4At.SOURCE),
    destination: readIpv4(bytes, at + Ipv4At.DESTINATION),
    protocol: bytes[at + Ipv4At.PROTOCOL]!,
    ttl: bytes[at + Ipv4At.TTL]!,
    dscp: tos >>> 2,
    ecn: tos & 3,
    identification: u16(bytes, at + Ipv4At.ID),
    dontFragment: (flags & 0x40) !== 0,
    moreFragments: (flags & 0x20) !== 0,
    reservedFlag: (flags & 0x80) !== 0,
    fragmentOffset: ipv4FragmentOffset(bytes, at),
    options: bytes.subarray(at + IPV4_LENGTH, next),
    // 0xffff for 0 is the same sum, written by implementations of RFC 1141
    ...(stored === computed ? {} : { checksum: stored }),
  }
  return right({ repr, next, end: at + u16(bytes, at + Ipv4At.LENGTH) })
}

/** Writes header, options and checksum at `at`; `totalLength` is the bytes of header and data. */
export const emitIpv4 = (repr: Ipv4, totalLength: number, bytes: Uint8Array, at: number): void => {
  const header = IPV4_LENGTH + repr.options.length
  const flags = (repr.reservedFlag ? 0x8000 : 0) | (repr.dontFragment ? 0x4000 : 0) | (repr.moreFragments ? 0x2000 : 0)
  bytes[at] = 0x40 | (header >>> 2)
  bytes[at + Ipv4At.TOS] = (repr.dscp << 2) | (repr.ecn & 3)
  putU16(bytes, at + Ipv4At.LENGTH, totalLength)
  putU16(bytes, at + Ipv4At.ID, repr.identification)
  putU16(bytes, at + Ipv4At.FRAGMENT, flags | ((repr.fragmentOffset >>> 3) & 0x1fff))
  bytes[at + Ipv4At.TTL] = repr.ttl
  bytes[at + Ipv4At.PROTOCOL] = repr.protocol
  putU16(bytes, at + Ipv4At.CHECKSUM, 0)
  writeIp(bytes, at + Ipv4At.SOURCE, repr.source)
  writeIp(bytes, at + Ipv4At.DESTINATION, repr.destination)
  bytes.set(repr.options, at + Ipv4At.OPTIONS)
  putU16(bytes, at + Ipv4At.CHECKSUM, repr.checksum ?? checksum(bytes, at, at + header))
}

/** Formats a header in one line: `IPv4 10.0.0.4 > 10.0.0.5, TCP, ttl 64, id 4711, DF`. */
export const formatIpv4 = (repr: Ipv4): string =>
  [
    `IPv4 ${formatIp(repr.source)} > ${formatIp(repr.destination)}`,
    formatProtocol(repr.protocol),
    `ttl ${repr.ttl}`,
    `id ${repr.identification}`,
    ...(repr.dscp === 0 ? [] : [`dscp ${repr.dscp}`]),
    ...(repr.ecn === 0 ? [] : [`ecn ${repr.ecn}`]),
    ...(repr.dontFragment ? ['DF'] : []),
    ...(repr.moreFragments || repr.fragmentOffset > 0
      ? [`fragment at ${repr.fragmentOffset}${repr.moreFragments ? ', more follow' : ', last'}`]
      : []),
    ...(repr.options.length === 0 ? [] : [`options ${repr.options.length} bytes`]),
  ].join(', ')
