/**
 * Routing headers of IPv6 by their types, and where the final destination of a packet lies.
 *
 * A routing header with segments left means that the address in the IPv6 header is a stop on the way. The transport checksum does
 * not cover stops: its pseudo header holds the address where the packet ends up, which is then in the routing header. So
 * code that verifies, computes or corrects such a checksum calls {@link finalDestinationAt} first, through `pseudo-header.ts`.
 *
 * Three types list whole addresses: 0, the loose source route that no node may process any more, 2, the home address of a mobile
 * node, and 4, segment routing. Of the others, and of those whose lengths contradict each other, nothing is known but
 * the number of segments left; compressed addresses (type 3, RFC 6554) are among them.
 *
 * Not supported: TLVs of segment routing are raw bytes, and its HMAC is not verified.
 *
 * @see RFC 8200 §4.4
 */
import { left, right, type Either } from 'fp-ts/lib/Either.js'
import { formatIp, type IpAddress } from './address.js'
import { putU16, readIpv6, u16, writeIp } from './bytes.js'
import { IpProtocol } from './ip-protocol.js'
import { checkExtensionSize, extensionLength, type Ipv6Routing } from './ipv6-extension.js'
import { IPV6_LENGTH, Ipv6At } from './ipv6.js'
import { unwritable, type WireError } from './wire-error.js'

/** Routing types whose contents the library reads. */
export const RoutingType = {
  /** Loose source route; deprecated by RFC 5095. */
  SourceRoute: 0,
  /** Home address of a mobile node (RFC 6275 §6.4). */
  Home: 2,
  /** Segment routing (RFC 8754). */
  Segment: 4
} as const
/** One of the {@link RoutingType} numbers. */
export type RoutingType = (typeof RoutingType)[keyof typeof RoutingType]

/** Offsets inside the header. */
export const RoutingAt = {
  /** Number of the next header, 8 bits. */
  NEXT_HEADER: 0,
  /** Length in words of eight bytes, the first not counted, 8 bits. */
  LENGTH: 1,
  /** Routing type, 8 bits. */
  TYPE: 2,
  /** Segments left, 8 bits. */
  SEGMENTS_LEFT: 3,
  /** Index of the last segment in the list, 8 bits; only in segment routing. */
  LAST_ENTRY: 4,
  /** Flags, 8 bits; only in segment routing. */
  FLAGS: 5,
  /** Tag, 16 bits; only in segment routing. */
  TAG: 6,
  /** First address, in all types that list addresses. */
  ADDRESSES: 8
} as const

/** A routing header; `kind` tells its type. Reserved bits are not kept: they are written as 0. */
export type RoutingHeader =
  | {
      /** Loose source route. */
      readonly kind: 'source-route'
      /** Stops not reached yet, at most the number of addresses. */
      readonly segmentsLeft: number
      /** The stops in the order of travel, the final destination last. @see RFC 5095 §3 (deprecated) */
      readonly addresses: readonly IpAddress[]
    }
  | {
      /** Home address of a mobile node. */
      readonly kind: 'home'
      /** 1 on the way to the care-of address, 0 behind it. */
      readonly segmentsLeft: number
      /** The home address. @see RFC 6275 §6.4 */
      readonly home: IpAddress
    }
  | {
      /** Segment routing. */
      readonly kind: 'segment'
      /** Index of the next segment; in a reduced header that is still at its start, one more than the last index. */
      readonly segmentsLeft: number
      /** The segments in the order of the wire, which is the reverse of travel: the final destination first. @see RFC 8754 §2 */
      readonly segments: readonly IpAddress[]
      /** Flags, 8 bits. */
      readonly flags: number
      /** Tag, 16 bits. */
      readonly tag: number
      /** Raw TLVs with their padding, a multiple of 8 bytes. */
      readonly tlvs: Uint8Array
    }
  | {
      /** Any other type. */
      readonly kind: 'other'
      /** Routing type, 0–255. */
      readonly type: number
      /** Stops not reached yet, 0–255. */
      readonly segmentsLeft: number
      /** Bytes behind segments left: 8n + 4 of them. */
      readonly data: Uint8Array
    }

/**
 * Returns the offset of the 16 bytes of the final destination of the IPv6 packet at `ip`, whose extension headers end at `l4`: in
 * the IPv6 header, or in the last routing header with segments left. Returns −1 if that header is of an unknown type or contradicts
 * itself.
 *
 * @see RFC 8200 §8.1
 */
export const finalDestinationAt = (bytes: Uint8Array, ip: number, l4: number): number => {
  let final = ip + Ipv6At.DESTINATION
  let protocol = bytes[ip + Ipv6At.NEXT_HEADER]!
  for (let at = ip + IPV6_LENGTH; at < l4; ) {
    if (protocol === IpProtocol.Routing && bytes[at + RoutingAt.SEGMENTS_LEFT] !== 0) final = lastStopAt(bytes, at)
    const length = extensionLength(bytes, at, protocol)
    protocol = bytes[at]!
    at += length
  }
  return final
}

/** Returns the offset of the last stop in the routing header at `at`, which has segments left. */
const lastStopAt = (bytes: Uint8Array, at: number): number => {
  const words = bytes[at + RoutingAt.LENGTH]!
  const segmentsLeft = bytes[at + RoutingAt.SEGMENTS_LEFT]!
  switch (bytes[at + RoutingAt.TYPE]) {
    case RoutingType.SourceRoute:
      return words > 0 && words % 2 === 0 && segmentsLeft <= words >>> 1 ? at + (words - 1) * 8 : -1
    case RoutingType.Home:
      return words === 2 && segmentsLeft === 1 ? at + RoutingAt.ADDRESSES : -1
    case RoutingType.Segment: {
      // RFC 8754 §4.3.1.1 refuses the same
      const count = bytes[at + RoutingAt.LAST_ENTRY]! + 1
      return count * 2 <= words && segmentsLeft <= count ? at + RoutingAt.ADDRESSES : -1
    }
    default:
      return -1
  }
}

/**
 * Reads a routing header by its type. Fails with `BadLength` if its lengths contradict each other, and with `BadHeader` if more
 * segments are left than it lists. The offset of an error counts from the start of the header.
 */
export const readRouting = (header: Ipv6Routing): Either<WireError, RoutingHeader> => {
  const { type, segmentsLeft, data } = header
  // behind the word that all types have in common there are another four bytes, then addresses
  const space = data.length - 4
  const addresses = (count: number): readonly IpAddress[] => Array.from({ length: count }, (_, i) => readIpv6(data, 4 + 16 * i))
  switch (type) {
    case RoutingType.SourceRoute: {
      if (space < 16 || space % 16 !== 0) return unreadable('BadLength', RoutingAt.LENGTH, 'no whole number of addresses')
      return segmentsLeft > space / 16
        ? tooManyLeft(segmentsLeft, space / 16)
        : right({ kind: 'source-route', segmentsLeft, addresses: addresses(space / 16) })
    }
    case RoutingType.Home:
      if (space !== 16) return unreadable('BadLength', RoutingAt.LENGTH, 'not one address')
      return segmentsLeft > 1 ? tooManyLeft(segmentsLeft, 1) : right({ kind: 'home', segmentsLeft, home: readIpv6(data, 4) })
    case RoutingType.Segment: {
      const count = (data[0] ?? 0) + 1
      if (space < 16 * count) return unreadable('BadLength', RoutingAt.LAST_ENTRY, `${count} segments do not fit into ${space} bytes`)
      if (segmentsLeft > count) return tooManyLeft(segmentsLeft, count)
      const tlvs = data.subarray(4 + 16 * count)
      return right({ kind: 'segment', segmentsLeft, segments: addresses(count), flags: data[1]!, tag: u16(data, 2), tlvs })
    }
    default:
      return right({ kind: 'other', type, segmentsLeft, data })
  }
}

/** Returns the extension header that `header` describes. Fails as `readRouting` does, with `BadHeader` for an IPv4 address, and with `BadLength` for more than 2048 bytes. */
export const writeRouting = (header: RoutingHeader): Either<WireError, Ipv6Routing> => {
  if (addressesOf(header).some((address) => address.version !== 6)) return unwritable('ipv6-extension', 'BadHeader', 'an address of IPv4')
  const written = assemble(header)
  const size = checkExtensionSize(written)
  if (size._tag === 'Left') return size
  const again = readRouting(written)
  return again._tag === 'Left' ? unwritable('ipv6-extension', again.left.reason, again.left.detail) : right(written)
}

/** Formats a header in one line: `segment routing, 1 left, fd00::2 < fd00::1`, `routing type 3, 0 left`. */
export const formatRouting = (header: RoutingHeader): string => {
  const left = `${header.segmentsLeft} left`
  switch (header.kind) {
    case 'source-route':
      return `source route, ${left}, ${header.addresses.map(formatIp).join(' > ')}`
    case 'home':
      return `home address ${formatIp(header.home)}, ${left}`
    case 'segment':
      return `segment routing, ${left}, ${header.segments.map(formatIp).join(' < ')}`
    case 'other':
      return `routing type ${header.type}, ${left}`
  }
}

const addressesOf = (header: RoutingHeader): readonly IpAddress[] =>
  header.kind === 'source-route' ? header.addresses : header.kind === 'segment' ? header.segments : header.kind === 'home' ? [header.home] : []

const assemble = (header: RoutingHeader): Ipv6Routing => {
  const { segmentsLeft } = header
  if (header.kind === 'other') return { kind: 'routing', type: header.type, segmentsLeft, data: header.data }
  const addresses = addressesOf(header)
  const tlvs = header.kind === 'segment' ? header.tlvs : new Uint8Array(0)
  const data = new Uint8Array(4 + 16 * addresses.length + tlvs.length)
  addresses.forEach((address, i) => writeIp(data, 4 + 16 * i, address))
  data.set(tlvs, 4 + 16 * addresses.length)
  if (header.kind === 'segment') {
    data[0] = addresses.length - 1
    data[1] = header.flags
    putU16(data, 2, header.tag)
  }
  return { kind: 'routing', type: TYPES[header.kind], segmentsLeft, data }
}

const TYPES = { 'source-route': RoutingType.SourceRoute, home: RoutingType.Home, segment: RoutingType.Segment } as const

const tooManyLeft = (segmentsLeft: number, count: number): Either<WireError, never> =>
  unreadable('BadHeader', RoutingAt.SEGMENTS_LEFT, `${segmentsLeft} segments left of ${count}`)

const unreadable = (reason: WireError['reason'], offset: number, detail: string): Either<WireError, never> =>
  left({ _tag: 'WireError', reason, offset, protocol: 'ipv6-extension', detail })
