/**
 * What a receiver of neighbour discovery must check of the packet around a message, and what a responder needs to answer one.
 *
 * The rule that carries the others is the hop limit of 255: every router lowers it, so a packet that still has it was sent on the
 * link. The checksum is verified by `parseFrame`.
 *
 * @see RFC 4861 §6.1, §7.1, §8.1
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { ipv6, sameIp, type IpAddress, type Mac } from './address.js'
import type { Icmpv6 } from './icmpv6.js'
import { Ipv6At, type Ipv6 } from './ipv6.js'
import { NdpOptionType } from './ndp-options.js'
import { ndpType, type NdpMessage, type NeighborAdvertisement, type NeighborSolicitation } from './ndp.js'
import { unwritable, type WireError } from './wire-error.js'

/** The hop limit of every message of neighbour discovery. */
export const NDP_HOP_LIMIT = 255

/** Returns whether the IPv6 packet at `ip` was sent on the link itself: its hop limit is still 255. */
export const isFromLink = (bytes: Uint8Array, ip: number): boolean => bytes[ip + Ipv6At.HOP_LIMIT] === NDP_HOP_LIMIT

/**
 * Returns the message if a receiver may act on it, else `BadHeader` with the rule that it breaks. One rule is not checked, as no packet
 * shows it: that a redirect comes from the router in use.
 */
export const acceptNdp = (net: Ipv6, header: Icmpv6, message: NdpMessage): Either<WireError, NdpMessage> => {
  const broken = generalRule(net, header, message) ?? ownRule(net, message)
  return broken === undefined ? right(message) : unwritable('ndp', 'BadHeader', broken)
}

/** Flags of an advertisement, set by the owner of an address or by its proxy. */
export interface AdvertisementFlags {
  /** Whether the owner of the address is a router. */
  readonly router: boolean
  /** Whether it replies to one node. False if the solicitation came from the unspecified address: the reply goes to all nodes. */
  readonly solicited: boolean
  /** Whether it replaces what the receiver knew. False for anycast and proxied addresses, so that the reply of the owner wins. */
  readonly override: boolean
}

/** Makes the reply to a solicitation. Send it to the source of that, or to {@link ALL_NODES} if the source is unspecified. @see RFC 4861 §7.2.4 */
export const neighborAdvertisementFor = (solicitation: NeighborSolicitation, mac: Mac, flags: AdvertisementFlags): NeighborAdvertisement => ({
  kind: 'neighbor-advertisement', ...flags, target: solicitation.target, options: [{ kind: 'target-link-address', mac }],
})

/** The unspecified address, the source of a node that has no address yet. @see RFC 4291 §2.5.2 */
export const UNSPECIFIED = ipv6(0, 0, 0, 0)

/** The multicast address of all nodes on the link. @see RFC 4291 §2.7.1 */
export const ALL_NODES = ipv6(0xff020000, 0, 0, 1)

/** Returns the multicast address on which the owner of `address` receives solicitations. @see RFC 4291 §2.7.1 */
export const solicitedNode = (address: IpAddress): IpAddress => ipv6(0xff020000, 0, 1, 0xff000000 | (address.words[3] & 0xffffff))

/** Returns the MAC address of an IPv6 multicast address: 33:33 and its last 32 bits. @see RFC 2464 §7 */
export const multicastMac = (address: IpAddress): Mac => 0x3333_0000_0000 + address.words[3]

const isMulticast = (address: IpAddress): boolean => address.words[0] >>> 24 === 0xff

const isLinkLocal = (address: IpAddress): boolean => address.words[0] >>> 22 === 0xfe80 >>> 6

const hasSourceLink = (message: NdpMessage): boolean => 
  message.options.some((option) => option.kind === 'source-link-address' || (option.kind === 'unknown' && option.number === NdpOptionType.SourceLinkAddress))

const generalRule = (net: Ipv6, header: Icmpv6, message: NdpMessage): string | undefined => {
  if (header.type !== ndpType(message)) return `ICMPv6 type ${header.type} is not that of the message`
  if (net.hopLimit !== NDP_HOP_LIMIT) return `the hop limit is ${net.hopLimit}, not ${NDP_HOP_LIMIT}`
  return header.code === 0 ? undefined : `the code is ${header.code}, not 0`
}

const FROM_NOBODY = 'a source link-layer address from the unspecified address'

const ownRule = (net: Ipv6, message: NdpMessage): string | undefined => {
  switch (message.kind) {
    case 'router-solicitation':
      return sameIp(net.source, UNSPECIFIED) && hasSourceLink(message) ? FROM_NOBODY : undefined
    case 'router-advertisement':
      return isLinkLocal(net.source) ? undefined : 'the source is not link-local'
    case 'neighbor-solicitation':
      if (isMulticast(message.target)) return 'the target is a multicast address'
      if (!sameIp(net.source, UNSPECIFIED)) return undefined
      if (!sameIp(net.destination, solicitedNode(message.target))) return 'from the unspecified address, but not to the solicited node'
      return hasSourceLink(message) ? FROM_NOBODY : undefined
    case 'neighbor-advertisement':
      if (isMulticast(message.target)) return 'the target is a multicast address'
      return isMulticast(net.destination) && message.solicited ? 'solicited, but to a multicast address' : undefined
    case 'redirect':
      if (!isLinkLocal(net.source)) return 'the source is not link-local'
      if (isMulticast(message.destination)) return 'the destination that is redirected is a multicast address'
      return isLinkLocal(message.target) || sameIp(message.target, message.destination)
        ? undefined
        : 'the target is neither link-local nor the destination'
  }
}
