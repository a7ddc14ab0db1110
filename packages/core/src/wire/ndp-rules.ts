/**
 * What a receiver of neighbour discovery must check of the packet around a message, and what a responder needs to answer one.
 *
 * The rule that carries the others is the hop limit of 255: no router lets such a packet through with that number, so whoever
 * sent it is on the link. Whether the checksum is right `parseFrame` says.
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

/** Whether the IPv6 packet at `ip` comes from the link itself: its hop limit was never reduced. */
export const isFromLink = (bytes: Uint8Array, ip: number): boolean => bytes[ip + Ipv6At.HOP_LIMIT] === NDP_HOP_LIMIT

/**
 * The message, if a receiver may act on it; otherwise `BadHeader` with the rule that it breaks. Not checked is that a redirect comes
 * from the router in use, which no packet tells.
 */
export const acceptNdp = (net: Ipv6, header: Icmpv6, message: NdpMessage): Either<WireError, NdpMessage> => {
  const broken = generalRule(net, header, message) ?? ownRule(net, message)
  return broken === undefined ? right(message) : unwritable('ndp', 'BadHeader', broken)
}

/** What the owner of an address, or who answers for it, says of it. */
export interface AdvertisementFlags {
  readonly router: boolean
  /** False where the solicitation came from the unspecified address, to which no answer can be sent. */
  readonly solicited: boolean
  /** False for anycast and proxied addresses, so that the owner's own answer wins. */
  readonly override: boolean
}

/** The answer to a solicitation. It goes to who asked, or to {@link ALL_NODES} where that one is unspecified. @see RFC 4861 §7.2.4 */
export const neighborAdvertisementFor = (solicitation: NeighborSolicitation, mac: Mac, flags: AdvertisementFlags): NeighborAdvertisement => ({
  kind: 'neighbor-advertisement', ...flags, target: solicitation.target, options: [{ kind: 'target-link-address', mac }],
})

/** The unspecified address, from which a node asks that has no address yet. @see RFC 4291 §2.5.2 */
export const UNSPECIFIED = ipv6(0, 0, 0, 0)

/** All nodes of the link. @see RFC 4291 §2.7.1 */
export const ALL_NODES = ipv6(0xff020000, 0, 0, 1)

/** The multicast address to which a node that has the address listens for solicitations. @see RFC 4291 §2.7.1 */
export const solicitedNode = (address: IpAddress): IpAddress => ipv6(0xff020000, 0, 1, 0xff000000 | (address.words[3] & 0xffffff))

/** The Ethernet address of a multicast address of IPv6: 33:33 and its last 32 bits. @see RFC 2464 §7 */
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
