/** Where the next hop to a destination is, and which address of the host speaks to it. */
import { type IpAddress, prefixContains, sameIp } from '@vfp-ts/core'
import { isLinkLocal, isUnicast, type OwnAddress, type UnderlayConfig } from './underlay-options.js'

/** What a destination means to a host. */
export type NextHop =
  /** Ask for the MAC of `ip`, which is the destination's own or a gateway's. */
  | { readonly _tag: 'Hop'; readonly ip: IpAddress }
  /** Everyone on the link. */
  | { readonly _tag: 'Broadcast' }
  /** The host itself. */
  | { readonly _tag: 'Own' }
  | { readonly _tag: 'NoRoute' }

/** The ways of a host: its own networks and the configured ones, the longest prefix first. */
export class Routes {
  readonly #addresses: readonly OwnAddress[]
  readonly #ways: UnderlayConfig['routes']

  constructor({ addresses, routes }: Pick<UnderlayConfig, 'addresses' | 'routes'>) {
    this.#addresses = addresses
    // A stable sort: of two of one length the host's own network counts.
    this.#ways = [...addresses.map(({ network }) => ({ prefix: network, via: undefined })), ...routes].sort((a, b) => b.prefix.length - a.prefix.length)
  }

  /** Whether the address is one of the host's. */
  isOwn(ip: IpAddress): boolean {
    return this.#addresses.some((own) => sameIp(own.ip, ip))
  }

  /** The next hop to a destination that is no multicast address. */
  nextHop(ip: IpAddress): NextHop {
    if (this.isOwn(ip)) return { _tag: 'Own' }
    if (this.isBroadcast(ip)) return { _tag: 'Broadcast' }
    if (!isUnicast(ip)) return { _tag: 'NoRoute' }
    if (isLinkLocal(ip)) return this.sourceFor(ip) === undefined ? { _tag: 'NoRoute' } : { _tag: 'Hop', ip }
    const way = this.#ways.find(({ prefix }) => prefixContains(prefix, ip))
    return way === undefined ? { _tag: 'NoRoute' } : { _tag: 'Hop', ip: way.via ?? ip }
  }

  /** Which of the host's addresses asks for a neighbour: one of the same network, else the first of its version. */
  sourceFor(ip: IpAddress): IpAddress | undefined {
    const same = this.#addresses.find(({ network }) => prefixContains(network, ip))
    return (same ?? this.#addresses.find((own) => own.ip.version === ip.version))?.ip
  }

  /**
   * Whether the address is that of all hosts, of this link or of one of the host's own networks of IPv4. Networks of 31 and
   * 32 bits have none.
   *
   * @see RFC 919 §7; RFC 3021 §3.1
   */
  isBroadcast(ip: IpAddress): boolean {
    if (ip.version !== 4) return false
    const bits = ip.words[3]
    if (bits === 0xffffffff) return true
    return this.#addresses.some(({ network }) => {
      const hosts = network.length >= 31 ? 0 : 0xffffffff >>> network.length
      return network.address.version === 4 && hosts !== 0 && bits === (network.address.words[3] | hosts) >>> 0
    })
  }
}
