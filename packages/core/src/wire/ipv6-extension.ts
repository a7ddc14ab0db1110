/**
 * The extension headers of IPv6 that the library walks over: hop-by-hop options, routing, fragment, authentication and
 * destination options. Each starts with the number of the header behind it. Any other number ends the walk: it is the
 * protocol inside, known or not (ESP among them, behind which nothing can be read).
 *
 * @see RFC 8200 §4
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU32, u16, u32 } from './bytes.js'
import { IpProtocol } from './ip-protocol.js'
import { Reason } from './reason.js'
import { unreadable, unwritable, type Parsed, type WireError } from './wire-error.js'

/** Most extension headers of one datagram; a frame with more is refused as `UnsupportedProtocol`. */
export const MAX_EXTENSIONS = 8

/** Bytes of a fragment header. */
export const FRAGMENT_LENGTH = 8

/** One extension header. Its next-header and length fields are computed from the list that it is in. */
export type Ipv6Extension =
  | Ipv6Options
  | Ipv6Routing
  | Ipv6Fragment
  | {
      /** Tells an authentication header from the other extension headers. */
      readonly kind: 'authentication'
      /** 16 bits that should be 0. */
      readonly reserved: number
      /** Security parameters index, 32 bits. */
      readonly spi: number
      /** Sequence number, 32 bits. */
      readonly sequence: number
      /** Integrity check value: a multiple of 4 bytes. @see RFC 4302 §2.6 */
      readonly icv: Uint8Array
    }

/** Options for every hop or for the destination. */
export interface Ipv6Options {
  /** `hop-by-hop`: every node on the way may read the options; `destination`: the destination alone, or each stop if a routing header follows. */
  readonly kind: 'hop-by-hop' | 'destination'
  /** Raw options with their padding: 8n + 6 bytes. `readIpv6Options` lists them. */
  readonly options: Uint8Array
}

/** A routing header of any type. */
export interface Ipv6Routing {
  /** Tells a routing header from the other extension headers. */
  readonly kind: 'routing'
  /** Routing type, 0–255; see `RoutingType`. */
  readonly type: number
  /** Stops that the packet has not reached yet, 0–255. Unless it is 0, the final destination lies in `data`, not in the IPv6 header. */
  readonly segmentsLeft: number
  /** Data by the type: 8n + 4 bytes. `readRouting` reads those of known types. */
  readonly data: Uint8Array
}

/** A fragment header. */
export interface Ipv6Fragment {
  /** Tells a fragment header from the other extension headers. */
  readonly kind: 'fragment'
  /** Offset of this fragment in its datagram's fragmentable part, in bytes: a multiple of 8 up to 65528. */
  readonly offset: number
  /** Whether fragments follow behind this one. */
  readonly more: boolean
  /** Number that the fragments of a datagram share, 32 bits. */
  readonly identification: number
  /** The ten reserved bits: the byte behind next header, then the two bits between offset and `more`. */
  readonly reserved: number
}

/** Returns whether a next-header number announces an extension header that is walked over. */
export const isExtension = (protocol: number): boolean =>
  protocol === IpProtocol.HopByHop || protocol === IpProtocol.Routing || protocol === IpProtocol.Fragment ||
  protocol === IpProtocol.Destination || protocol === IpProtocol.Authentication

/** Returns the bytes of the extension header at `at`, which `protocol` announced. Authentication counts words of four bytes, the others of eight. */
export const extensionLength = (bytes: Uint8Array, at: number, protocol: number): number =>
  protocol === IpProtocol.Fragment
    ? FRAGMENT_LENGTH
    : protocol === IpProtocol.Authentication
      ? (bytes[at + 1]! + 2) << 2
      : (bytes[at + 1]! + 1) << 3

/** Returns the offset in its datagram, in bytes, of the fragment whose header is at `at`. */
export const ipv6FragmentOffset = (bytes: Uint8Array, at: number): number => u16(bytes, at + 2) & 0xfff8

/** Returns whether fragments follow behind the one whose header is at `at`. */
export const ipv6MoreFragments = (bytes: Uint8Array, at: number): boolean => (bytes[at + 3]! & 1) !== 0

/** Checks the extension header at `at`, which `protocol` announced. `Ok` guarantees that all of it lies before `end`. */
export const checkExtension = (bytes: Uint8Array, at: number, end: number, protocol: number): Reason => {
  if (end - at < 8) return Reason.Truncated
  const length = extensionLength(bytes, at, protocol)
  if (protocol === IpProtocol.Authentication && length < 12) return Reason.BadLength
  return length > end - at ? Reason.Truncated : Reason.Ok
}

/** Reads the extension header at `at`, which `protocol`, the next-header number before it, announced. */
export const parseExtension = (
  bytes: Uint8Array,
  at: number,
  end: number,
  protocol: number,
): Either<WireError, Parsed<Ipv6Extension>> => {
  if (!isExtension(protocol)) return unreadable('ipv6-extension', Reason.UnsupportedProtocol, at)
  const reason = checkExtension(bytes, at, end, protocol)
  if (reason !== Reason.Ok) return unreadable('ipv6-extension', reason, at)
  const next = at + extensionLength(bytes, at, protocol)
  return right({ repr: readExtension(bytes, at, next, protocol), next, end })
}

/** Returns the next-header number that announces an extension header. */
export const protocolOfExtension = (extension: Ipv6Extension): number => PROTOCOLS[extension.kind]

/** Returns the bytes of an extension header. */
export const extensionSize = (extension: Ipv6Extension): number => {
  switch (extension.kind) {
    case 'hop-by-hop':
    case 'destination':
      return 2 + extension.options.length
    case 'routing':
      return 4 + extension.data.length
    case 'fragment':
      return FRAGMENT_LENGTH
    case 'authentication':
      return 12 + extension.icv.length
  }
}

/** Returns the bytes of an extension header, or `BadLength` if its length field cannot say them. */
export const checkExtensionSize = (extension: Ipv6Extension): Either<WireError, number> => {
  const size = extensionSize(extension)
  const ah = extension.kind === 'authentication'
  if (size % (ah ? 4 : 8) !== 0 || size > (ah ? 257 * 4 : 256 * 8) || (!ah && size < 8))
    return unwritable('ipv6-extension', 'BadLength', `the ${extension.kind} header would be ${size} bytes long`)
  return right(size)
}

/** Writes an extension header at `at`; `next` is the number of what follows it. */
export const emitExtension = (repr: Ipv6Extension, next: number, bytes: Uint8Array, at: number): void => {
  bytes[at] = next
  bytes[at + 1] = (extensionSize(repr) >>> 3) - 1
  switch (repr.kind) {
    case 'hop-by-hop':
    case 'destination':
      bytes.set(repr.options, at + 2)
      return
    case 'routing':
      bytes[at + 2] = repr.type
      bytes[at + 3] = repr.segmentsLeft
      bytes.set(repr.data, at + 4)
      return
    case 'fragment':
      bytes[at + 1] = repr.reserved >>> 2
      putU16(bytes, at + 2, (repr.offset & 0xfff8) | ((repr.reserved & 3) << 1) | (repr.more ? 1 : 0))
      putU32(bytes, at + 4, repr.identification)
      return
    case 'authentication':
      bytes[at + 1] = (extensionSize(repr) >>> 2) - 2
      putU16(bytes, at + 2, repr.reserved)
      putU32(bytes, at + 4, repr.spi)
      putU32(bytes, at + 8, repr.sequence)
      bytes.set(repr.icv, at + 12)
  }
}

/** Formats an extension header in a few words: `fragment at 1448, last, id 7`, `hop-by-hop options 6 bytes`. */
export const formatExtension = (repr: Ipv6Extension): string => {
  switch (repr.kind) {
    case 'hop-by-hop':
    case 'destination':
      return `${repr.kind} options ${repr.options.length} bytes`
    case 'routing':
      return `routing type ${repr.type}, ${repr.segmentsLeft} left`
    case 'fragment':
      return `fragment at ${repr.offset}${repr.more ? ', more follow' : ', last'}, id ${repr.identification}`
    case 'authentication':
      return `AH spi ${repr.spi}, seq ${repr.sequence}`
  }
}

const PROTOCOLS: Readonly<Record<Ipv6Extension['kind'], number>> = {
  'hop-by-hop': IpProtocol.HopByHop,
  destination: IpProtocol.Destination,
  routing: IpProtocol.Routing,
  fragment: IpProtocol.Fragment,
  authentication: IpProtocol.Authentication,
}

const readExtension = (bytes: Uint8Array, at: number, next: number, protocol: number): Ipv6Extension => {
  switch (protocol) {
    case IpProtocol.Routing:
      return { kind: 'routing', type: bytes[at + 2]!, segmentsLeft: bytes[at + 3]!, data: bytes.subarray(at + 4, next) }
    case IpProtocol.Fragment:
      return {
        kind: 'fragment',
        offset: ipv6FragmentOffset(bytes, at),
        more: ipv6MoreFragments(bytes, at),
        identification: u32(bytes, at + 4),
        reserved: (bytes[at + 1]! << 2) | ((bytes[at + 3]! >>> 1) & 3),
      }
    case IpProtocol.Authentication:
      return {
        kind: 'authentication',
        reserved: u16(bytes, at + 2),
        spi: u32(bytes, at + 4),
        sequence: u32(bytes, at + 8),
        icv: bytes.subarray(at + 12, next),
      }
    default:
      return { kind: protocol === IpProtocol.HopByHop ? 'hop-by-hop' : 'destination', options: bytes.subarray(at + 2, next) }
  }
}
