/** The guard's language: MACs and addresses that are the port's beside its own, and the messages that it may send before it has an address. */
import { type IpPrefix, type LayerEnvironment, type Mac, MacText, Prefix, strictlyPartial } from '@vfp-ts/core'
import * as t from 'io-ts'
import { type Objection, refined, word } from '../codecs.js'

/** The guard's configuration as written. An empty object guards the port's own MAC and addresses. */
export interface GuardJson {
  /** MACs that are the port's beside its own; none unless said. */
  readonly macs?: readonly string[]
  /** Addresses and prefixes that are the port's beside its own, such as those of containers or of a network that it routes for; none unless said. */
  readonly ips?: readonly string[]
  /** IPv4 prefixes, of at most 30 bits, whose broadcast address the port listens to: the subnets it is in; none unless said. */
  readonly subnets?: readonly string[]
  /** Whether DHCPv4 and BOOTP clients may ask from 0.0.0.0, and get answers under the address that they are offered; `true` unless said. */
  readonly dhcp?: boolean
  /**
   * Whether IPv6's link-local addresses are the port's, and `::` is a valid source of the messages that have to use it; unless said, whether
   * the port, with `ips`, has an IPv6 address.
   */
  readonly linkLocal?: boolean
  /** What happens to outbound frames that are neither IP nor ARP; `deny` unless said. */
  readonly otherTypes?: 'allow' | 'deny'
  /** Whether broadcast frames pass to the port; `true` unless said. */
  readonly broadcast?: boolean
  /** Whether IP multicast passes to the port, and reports of groups from 0.0.0.0 or `::` pass from it; `true` unless said. */
  readonly multicast?: boolean
}

/** The guard's configuration as read. */
export interface GuardConfig {
  /** MACs that are the port's beside its own; none unless said. */
  readonly macs?: readonly Mac[]
  /** Addresses, as prefixes, that are the port's beside its own; none unless said. */
  readonly ips?: readonly IpPrefix[]
  /** IPv4 prefixes of at most 30 bits whose broadcast address the port listens to; none unless said. */
  readonly subnets?: readonly IpPrefix[]
  /** Whether DHCPv4 and BOOTP clients may ask from 0.0.0.0, and get answers under the address that they are offered; `true` unless said. */
  readonly dhcp?: boolean
  /**
   * Whether IPv6's link-local addresses are the port's, and `::` is a valid source of the messages that have to use it; unless said, whether
   * the port, with `ips`, has an IPv6 address.
   */
  readonly linkLocal?: boolean
  /** What happens to outbound frames that are neither IP nor ARP; `deny` unless said. */
  readonly otherTypes?: 'allow' | 'deny'
  /** Whether broadcast frames pass to the port; `true` unless said. */
  readonly broadcast?: boolean
  /** Whether IP multicast passes to the port, and reports of groups from 0.0.0.0 or `::` pass from it; `true` unless said. */
  readonly multicast?: boolean
}

/** The MACs and addresses that are the port's. */
export interface Own {
  /** The MAC of the port first. */
  readonly macs: readonly Mac[]
  /** Those of the port, then those of the policy. */
  readonly ips: readonly IpPrefix[]
  /** Whether link-local addresses of IPv6 are the port's. */
  readonly linkLocal: boolean
  /** `ips`, and link-local addresses if they are the port's. */
  readonly all: readonly IpPrefix[]
  /** Those of IPv6 among them. */
  readonly ips6: readonly IpPrefix[]
}

/** The link-local prefix of IPv6. @see RFC 4291 §2.5.6 */
export const LINK_LOCAL: IpPrefix = { address: { version: 6, words: [0xfe80_0000, 0, 0, 0] }, length: 10 }

/** Returns the MACs and addresses that are the port's under a configuration. */
export const ownOf = (config: GuardConfig, { port }: LayerEnvironment): Own => {
  const ips = [...port.ips.map((address): IpPrefix => ({ address, length: address.version === 4 ? 32 : 128 })), ...(config.ips ?? [])]
  const linkLocal = config.linkLocal ?? ips.some(isSix)
  const all = linkLocal ? [...ips, LINK_LOCAL] : ips
  return { macs: [port.mac, ...(config.macs ?? [])], ips, linkLocal, all, ips6: all.filter(isSix) }
}

const isSix = ({ address }: IpPrefix): boolean => address.version === 6

/** Longest prefix that has a broadcast address of its own. @see RFC 3021 §2.1 */
const LONGEST_SUBNET = 30

const objection = ({ subnets = [] }: GuardConfig): Objection | undefined =>
  subnets.every(({ address, length }) => address.version === 4 && length <= LONGEST_SUBNET)
    ? undefined
    : { at: 'subnets', reason: `expected IPv4 prefixes of at most ${LONGEST_SUBNET} bits: others have no broadcast address` }

/** The codec of the whole policy. */
export const codec: t.Type<GuardConfig, GuardJson> = refined<GuardConfig, object, GuardJson>(strictlyPartial({}, {
  macs: t.readonlyArray(MacText), ips: t.readonlyArray(Prefix), subnets: t.readonlyArray(Prefix), dhcp: t.boolean, linkLocal: t.boolean,
  otherTypes: word('allow', 'deny'), broadcast: t.boolean, multicast: t.boolean,
}, 'a guard policy'), objection)
