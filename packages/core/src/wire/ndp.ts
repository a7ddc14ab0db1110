/**
 * Neighbour discovery: how hosts of IPv6 find routers, prefixes and each other's link-layer addresses. It does for IPv6 what ARP
 * does for IPv4, inside ICMPv6.
 *
 * In a frame an ICMPv6 header of these types has four bytes, and all that follows is its payload. The functions here read and write
 * that payload; the type says how. What a receiver must check of the packet around it is in `ndp-rules.ts`.
 *
 * Reserved bits are ignored when read and written as 0, but for those in a router advertisement's flags, some of which later
 * documents gave a meaning.
 *
 * @see RFC 4861 §4
 */
import { left, right, type Either } from 'fp-ts/lib/Either.js'
import { formatIp, type IpAddress } from './address.js'
import { putU16, putU32, readIpv6, u16, u32, writeIp } from './bytes.js'
import { Icmpv6Type } from './icmpv6.js'
import { checkNdpOption, emitNdpOption, formatNdpOption, ndpOptionSize, parseNdpOptions, type NdpOption } from './ndp-options.js'
import { Reason } from './reason.js'
import { unreadable, unwritable, type Parsed, type WireError } from './wire-error.js'

/** Offsets from the start of the ICMPv6 header. */
export const NdpAt = {
  /** Flags of a neighbour advertisement, 8 bits. */
  FLAGS: 4,
  /** Target address of a solicitation, advertisement or redirect, 16 bytes. */
  TARGET: 8,
  /** Destination that a redirect is about, 16 bytes. */
  DESTINATION: 24
} as const

/** A host asks for routers. @see RFC 4861 §4.1 */
export interface RouterSolicitation {
  /** Tells the message from the others. */
  readonly kind: 'router-solicitation'
  /** Options, in the order of the wire. The sender names its link-layer address here, if it has an IPv6 address. */
  readonly options: readonly NdpOption[]
}

/** A router announces itself. @see RFC 4861 §4.2 */
export interface RouterAdvertisement {
  /** Tells the message from the others. */
  readonly kind: 'router-advertisement'
  /** Hop limit that hosts should use, 0–255; 0 leaves it to them. */
  readonly hopLimit: number
  /** Whether DHCPv6 gives addresses (M flag). */
  readonly managed: boolean
  /** Whether DHCPv6 gives other configuration (O flag). */
  readonly other: boolean
  /** The other six bits of the flags, as a number. */
  readonly otherFlags: number
  /** Seconds for which it is a default router, 0–65535; 0: it is none. */
  readonly lifetimeS: number
  /** Milliseconds for which a neighbour counts as reachable, 32 bits; 0 leaves it to the host. */
  readonly reachableMs: number
  /** Milliseconds between two solicitations, 32 bits; 0 leaves it to the host. */
  readonly retransmitMs: number
  /** Options, in the order of the wire. Prefixes and the MTU of the link are here. */
  readonly options: readonly NdpOption[]
}

/** A node asks for the link-layer address of an address. @see RFC 4861 §4.3 */
export interface NeighborSolicitation {
  /** Tells the message from the others. */
  readonly kind: 'neighbor-solicitation'
  /** Address whose owner is asked for; never multicast. */
  readonly target: IpAddress
  /** Options, in the order of the wire. The sender names its link-layer address here. */
  readonly options: readonly NdpOption[]
}

/** A node tells its link-layer address. @see RFC 4861 §4.4 */
export interface NeighborAdvertisement {
  /** Tells the message from the others. */
  readonly kind: 'neighbor-advertisement'
  /** Whether the sender is a router. */
  readonly router: boolean
  /** Whether it replies to a solicitation, and so confirms that the path works in both directions. */
  readonly solicited: boolean
  /** Whether it replaces what the receiver knew. */
  readonly override: boolean
  /** Address that the message is about: that of the solicitation, or one whose link-layer address changed. */
  readonly target: IpAddress
  /** Options, in the order of the wire. The link-layer address of `target` is here. */
  readonly options: readonly NdpOption[]
}

/** A router names a better first hop. @see RFC 4861 §4.5 */
export interface Redirect {
  /** Tells the message from the others. */
  readonly kind: 'redirect'
  /** The better first hop; the same as `destination` if that is a neighbour. */
  readonly target: IpAddress
  /** Address whose packets should take the better first hop. */
  readonly destination: IpAddress
  /** Options, in the order of the wire. */
  readonly options: readonly NdpOption[]
}

/** A message of neighbour discovery; `kind` tells which. */
export type NdpMessage = RouterSolicitation | RouterAdvertisement | NeighborSolicitation | NeighborAdvertisement | Redirect

/** Returns whether an ICMPv6 type is one of the five of neighbour discovery. */
export const isNdp = (type: number): boolean => type >= Icmpv6Type.RouterSolicitation && type <= Icmpv6Type.Redirect

/** Returns the ICMPv6 type of a message. */
export const ndpType = (message: NdpMessage): number => TYPES[message.kind]

/**
 * Returns the offset of the 16 bytes of the target in the message whose ICMPv6 header is at `at`, or −1 if it is no neighbour
 * solicitation, neighbour advertisement or redirect, or ends before the target does.
 */
export const ndpTargetAt = (bytes: Uint8Array, at: number, end: number): number =>
  end - at >= NdpAt.TARGET + 16 && bytes[at]! >= Icmpv6Type.NeighborSolicitation && bytes[at]! <= Icmpv6Type.Redirect ? at + NdpAt.TARGET : -1

/** Checks a message of this type behind its ICMPv6 header. `Ok` guarantees that all in front of its options lies in `at .. end`. */
export const checkNdp = (type: number, at: number, end: number): Reason =>
  !isNdp(type) ? Reason.UnsupportedProtocol : end - at < FIXED[type - Icmpv6Type.RouterSolicitation]! ? Reason.Truncated : Reason.Ok

/**
 * Reads the message of this type whose four bytes of ICMPv6 header end at `at`; in a dissected frame it is the payload. Its options
 * reach to `end`.
 */
export const parseNdp = (type: number, bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<NdpMessage>> => {
  const reason = checkNdp(type, at, end)
  if (reason !== Reason.Ok) return unreadable('ndp', reason, at)
  const parsed = parseNdpOptions(bytes, at + FIXED[type - Icmpv6Type.RouterSolicitation]!, end)
  return parsed._tag === 'Left' ? left(parsed.left) : right({ repr: readMessage(type, bytes, at, parsed.right), next: end, end })
}

/** Returns the bytes of a message behind its ICMPv6 header. */
export const ndpSize = (message: NdpMessage): number =>
  message.options.reduce<number>((sum, option) => sum + ndpOptionSize(option), FIXED[ndpType(message) - Icmpv6Type.RouterSolicitation]!)

/** Writes a message at `at`, behind four bytes of ICMPv6 header; its options must pass `checkNdpOption`. */
export const emitNdp = (message: NdpMessage, bytes: Uint8Array, at: number): void => {
  let next = at + FIXED[ndpType(message) - Icmpv6Type.RouterSolicitation]!
  bytes.fill(0, at, next)
  switch (message.kind) {
    case 'router-solicitation':
      break
    case 'router-advertisement':
      bytes[at] = message.hopLimit
      bytes[at + 1] = (message.managed ? 0x80 : 0) | (message.other ? 0x40 : 0) | (message.otherFlags & 0x3f)
      putU16(bytes, at + 2, message.lifetimeS)
      putU32(bytes, at + 4, message.reachableMs)
      putU32(bytes, at + 8, message.retransmitMs)
      break
    case 'neighbor-solicitation':
      writeIp(bytes, at + 4, message.target)
      break
    case 'neighbor-advertisement':
      bytes[at] = (message.router ? 0x80 : 0) | (message.solicited ? 0x40 : 0) | (message.override ? 0x20 : 0)
      writeIp(bytes, at + 4, message.target)
      break
    case 'redirect':
      writeIp(bytes, at + 4, message.target)
      writeIp(bytes, at + 20, message.destination)
  }
  for (const option of message.options) {
    emitNdpOption(option, bytes, next)
    next += ndpOptionSize(option)
  }
}

/** Writes a message as the payload of a frame, behind an ICMPv6 header of type `ndpType(message)`. Fails as `checkNdpOption` does, and with `BadHeader` for an IPv4 address. */
export const ndpPayload = (message: NdpMessage): Either<WireError, Uint8Array> => {
  for (const option of message.options) {
    const size = checkNdpOption(option)
    if (size._tag === 'Left') return size
  }
  if (addressesOf(message).some((address) => address.version !== 6)) return unwritable('ndp', 'BadHeader', 'an address of IPv4')
  const bytes = new Uint8Array(ndpSize(message))
  emitNdp(message, bytes, 0)
  return right(bytes)
}

/** Formats a message in one line: `neighbor solicitation, who has fd00::5, source 00:15:5d:00:00:01`. */
export const formatNdp = (message: NdpMessage): string => [describe(message), ...message.options.map(formatNdpOption)].join(', ')

const addressesOf = (message: NdpMessage): readonly IpAddress[] => [
  ...('target' in message ? [message.target] : []),
  ...('destination' in message ? [message.destination] : []),
  ...message.options.flatMap((option) => (option.kind === 'prefix' ? [option.prefix] : [])),
]

const describe = (message: NdpMessage): string => {
  switch (message.kind) {
    case 'router-solicitation':
      return 'router solicitation'
    case 'router-advertisement':
      return `router advertisement, lifetime ${message.lifetimeS} s${message.managed ? ', managed' : ''}${message.other ? ', other' : ''}`
    case 'neighbor-solicitation':
      return `neighbor solicitation, who has ${formatIp(message.target)}`
    case 'neighbor-advertisement': {
      const flags = `${message.router ? ', router' : ''}${message.solicited ? ', solicited' : ''}${message.override ? ', override' : ''}`
      return `neighbor advertisement, ${formatIp(message.target)}${flags}`
    }
    case 'redirect':
      return `redirect, ${formatIp(message.destination)} by ${formatIp(message.target)}`
  }
}

const TYPES: Readonly<Record<NdpMessage['kind'], number>> = {
  'router-solicitation': Icmpv6Type.RouterSolicitation,
  'router-advertisement': Icmpv6Type.RouterAdvertisement,
  'neighbor-solicitation': Icmpv6Type.NeighborSolicitation,
  'neighbor-advertisement': Icmpv6Type.NeighborAdvertisement,
  redirect: Icmpv6Type.Redirect,
}

/** Bytes between the ICMPv6 header's four and the options, in the order of the types. */
const FIXED = [4, 12, 20, 20, 36] as const

const readMessage = (type: number, bytes: Uint8Array, at: number, options: readonly NdpOption[]): NdpMessage => {
  const flags = bytes[at]!
  switch (type) {
    case Icmpv6Type.RouterSolicitation:
      return { kind: 'router-solicitation', options }
    case Icmpv6Type.RouterAdvertisement:
      return {
        kind: 'router-advertisement',
        hopLimit: bytes[at]!,
        managed: (bytes[at + 1]! & 0x80) !== 0,
        other: (bytes[at + 1]! & 0x40) !== 0,
        otherFlags: bytes[at + 1]! & 0x3f,
        lifetimeS: u16(bytes, at + 2),
        reachableMs: u32(bytes, at + 4),
        retransmitMs: u32(bytes, at + 8),
        options,
      }
    case Icmpv6Type.NeighborSolicitation:
      return { kind: 'neighbor-solicitation', target: readIpv6(bytes, at + 4), options }
    case Icmpv6Type.NeighborAdvertisement:
      return {
        kind: 'neighbor-advertisement',
        router: (flags & 0x80) !== 0,
        solicited: (flags & 0x40) !== 0,
        override: (flags & 0x20) !== 0,
        target: readIpv6(bytes, at + 4),
        options,
      }
    default:
      return { kind: 'redirect', target: readIpv6(bytes, at + 4), destination: readIpv6(bytes, at + 20), options }
  }
}
