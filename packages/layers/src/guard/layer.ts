/**
 * The guard layer: a port sends only as itself, and gets only what is meant for it.
 *
 * A tenant chooses what a VM puts into its headers. On a shared network a false source address is an attack on
 * somebody else: a forged MAC draws the neighbour's traffic here, a forged IP makes him answer for what he did not
 * say, a forged ARP tells all others to send here. No router behind can tell any more, so it is told at the port, the
 * only place that knows for certain who speaks.
 *
 * Outbound, the source MAC must be the port's, and then
 *
 * - an IP packet's source must be one of the port's addresses; but a DHCP client that has none yet may ask from
 *   0.0.0.0, and IPv6 has its link-local addresses and, before it has any address, three ICMPv6 messages from `::`;
 * - the sender of an ARP packet must be one of the port's addresses, or 0.0.0.0 in a probe for one of them; so must be
 *   what a neighbour advertisement speaks for, and what a solicitation from `::` asks after;
 * - what is neither does not pass unless told: behind an EtherType that the engine does not read may be any packet.
 *
 * Inbound, the destination MAC must be the port's, broadcast, or IP multicast. A bridge that floods must not show one
 * tenant the frames of another.
 *
 * All rules stand in one group and the first that matches decides. Those that pass name the MAC as well, so a false MAC
 * is counted as such whatever it carries.
 *
 * Packets are cached as ever, but for the few of neighbour discovery whose target is looked at: those walk each time.
 *
 * Not looked at: MACs inside ARP and neighbour discovery, which flow ids do not hold; and whether a VM may speak as a router
 * or a DHCP server, which is an {@link acl}'s business.
 *
 * @see RFC 2827 on filtering at the edge; RFC 5227 §1.1 for ARP probes; RFC 2131 §4.1 for the source of DHCP clients;
 *   RFC 4862 §5.4.2, RFC 4861 §4.1 and RFC 3810 §5.2.13 for what IPv6 sends from `::`
 */
import {
  allow, anyOf, block, type BuiltInDropReason, type Condition, defineLayer, type Group, type IpAddress, type IpPrefix, ipv4, is, type LayerEnvironment, type LayerType,
  type Mac, MacText, type Match, oneOf, type Policy, Prefix, type Problem, rule, type Rule, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { word } from './codecs.js'
import { BROADCAST_MAC, toMulticast } from './group-macs.js'
import { groupName } from './names.js'
import { neighbourTarget } from './neighbour-target.js'

/** The guard's configuration as written. An empty object guards the port's own MAC and addresses. */
export interface GuardJson {
  /** MACs that are the port's beside its own; none unless said. */
  readonly macs?: readonly string[]
  /** Addresses and prefixes that are the port's beside its own, as those of containers or of a network it routes for; none unless said. */
  readonly ips?: readonly string[]
  /** Whether DHCPv4 clients may ask from 0.0.0.0; `true` unless said. */
  readonly dhcp?: boolean
  /** Whether IPv6's link-local addresses, and `::` in the messages that have to use it, are good sources; unless said, whether the port has an IPv6 address. */
  readonly linkLocal?: boolean
  /** What happens to outbound frames that are neither IP nor ARP; `deny` unless said. */
  readonly otherTypes?: 'allow' | 'deny'
  /** Whether the port gets broadcast frames; `true` unless said. */
  readonly broadcast?: boolean
  /** Whether the port gets IP multicast frames; `true` unless said. */
  readonly multicast?: boolean
}

/** The guard's configuration as read. */
export interface GuardConfig {
  readonly macs?: readonly Mac[]
  readonly ips?: readonly IpPrefix[]
  readonly dhcp?: boolean
  readonly linkLocal?: boolean
  readonly otherTypes?: 'allow' | 'deny'
  readonly broadcast?: boolean
  readonly multicast?: boolean
}

const codec: t.Type<GuardConfig, GuardJson> = strictlyPartial({}, {
  macs: t.readonlyArray(MacText), ips: t.readonlyArray(Prefix), dhcp: t.boolean, linkLocal: t.boolean, otherTypes: word('allow', 'deny'), broadcast: t.boolean,
  multicast: t.boolean,
}, 'a guard policy')

const groups = (config: GuardConfig, environment: LayerEnvironment): readonly Group[] => {
  const macs = [environment.port.mac, ...(config.macs ?? [])]
  return [
    { name: groupName(environment), direction: 'outbound', rules: outbound(config, macs, addressesOf(config, environment)) },
    { name: groupName(environment), direction: 'inbound', rules: inbound(config, macs) },
  ]
}

/** Addresses that are the port's. */
const addressesOf = (config: GuardConfig, { port }: LayerEnvironment): readonly IpPrefix[] =>
  [...port.ips.map((address) => ({ address, length: address.version === 4 ? 32 : 128 })), ...(config.ips ?? [])]

const outbound = (config: GuardConfig, macs: readonly Mac[], own: readonly IpPrefix[]): readonly Rule[] => {
  const ownMac = oneOf('srcMac', macs)
  const linkLocal = config.linkLocal ?? own.some(({ address }) => address.version === 6)
  const own6 = [...own.filter(({ address }) => address.version === 6), ...(linkLocal ? [LINK_LOCAL] : [])]
  const pass = (id: string, ...when: readonly Condition[]): Rule => rule(allow, {}, { id, priority: 100, when: [ownMac, ...when] })
  // Terminating, so that a group of another controller cannot overrule a denial.
  const ofTarget = (id: string, ...when: readonly Condition[]): Rule =>
    rule(neighbourTarget, { own: own6 }, { id, priority: 90, when: [ownMac, is('proto', 58), ...when], terminating: true })
  return [
    ...(own6.length > 0 ? [ofTarget('own-neighbour', within('srcIp', own6), is('icmpType', ADVERTISEMENT))] : []),
    // Without an address of its own a port has none of these: a condition without values is refused.
    ...(own.length === 0
      ? []
      : [
          pass('own-ip', within('srcIp', own)),
          pass('own-arp', within('arpSender', own)),
          pass('arp-probe', is('arpOperation', 1), is('arpSender', ANY_V4), within('arpTarget', own)),
        ]),
    ...(config.dhcp ?? true ? [pass('dhcp', is('srcIp', ANY_V4), is('dstIp', BROADCAST_V4), is('proto', 17), is('srcPort', 68), is('dstPort', 67))] : []),
    ...(linkLocal
      ? [
          pass('link-local', within('srcIp', [LINK_LOCAL])),
          ofTarget('duplicate-detection', is('srcIp', ANY_V6), is('icmpType', SOLICITATION)),
          pass('unspecified', is('srcIp', ANY_V6), is('proto', 58), oneOf('icmpType', FROM_UNSPECIFIED)),
        ]
      : []),
    drop('spoofed-arp', 'SpoofedArp', 200, ownMac, is('etherType', 0x0806)),
    drop('spoofed-ip', 'SpoofedIp', 200, ownMac, oneOf('etherType', [0x0800, 0x86dd])),
    config.otherTypes === 'allow'
      ? rule(allow, {}, { id: 'other-type', priority: 300, when: [ownMac] })
      : drop('other-type', 'UnknownType', 300, ownMac),
    drop('spoofed-mac', 'SpoofedMac', 400),
  ]
}

const within = (field: 'srcIp' | 'arpSender' | 'arpTarget', prefixes: readonly IpPrefix[]): Condition =>
  anyOf(field, prefixes.map(({ address, length }): Match => ({ _tag: 'Prefix', value: address, length })))

const inbound = (config: GuardConfig, macs: readonly Mac[]): readonly Rule[] => [
  rule(allow, {}, { id: 'own-mac', priority: 100, when: [oneOf('dstMac', macs)] }),
  ...(config.broadcast ?? true ? [rule(allow, {}, { id: 'broadcast', priority: 100, when: [is('dstMac', BROADCAST_MAC)] })] : []),
  ...(config.multicast ?? true ? [rule(allow, {}, { id: 'multicast', priority: 100, when: [toMulticast] })] : []),
  drop('not-for-port', 'NotForPort', 400),
]

const drop = (id: string, reason: BuiltInDropReason, priority: number, ...when: readonly Condition[]): Rule =>
  rule(block, { reason }, { id, priority, when, terminating: true })

const ANY_V4 = ipv4(0)
const BROADCAST_V4 = ipv4(0xffff_ffff)
const ANY_V6: IpAddress = { version: 6, words: [0, 0, 0, 0] }
const LINK_LOCAL: IpPrefix = { address: { version: 6, words: [0xfe80_0000, 0, 0, 0] }, length: 10 }
/** ICMPv6 types of neighbour discovery. @see RFC 4861 §4.3, §4.4 */
const SOLICITATION = 135
const ADVERTISEMENT = 136
/** What else a host without an address sends: router solicitations and MLDv2 reports. */
const FROM_UNSPECIFIED = [133, 143]

const check = (config: GuardConfig, environment: LayerEnvironment): readonly Problem[] =>
  addressesOf(config, environment).length === 0 && config.dhcp === false && config.linkLocal !== true
    ? [{ path: '/ips', reason: `is missing, and the port ${environment.port.name} has no address: it could not send a single packet` }]
    : []

const layer = defineLayer({ name: 'guard', codec, groups, check })

/**
 * Anti-spoofing, nearest the VM: an order below all others'. Drops outbound: `SpoofedMac`, `SpoofedIp`, `SpoofedArp`,
 * `SpoofedNdp`, and `UnknownType` for what is neither IP nor ARP; inbound: `NotForPort`.
 *
 * Refused: malformed addresses, a policy under which a port without addresses could send nothing.
 *
 * @see RFC 2827
 */
export const guard: {
  /** To be added to a port. */
  readonly layer: LayerType<'guard', GuardConfig, GuardJson>
  /** A configuration, to update the layer with. */
  readonly policy: (config: GuardJson) => Policy<'guard'>
} = { layer, policy: layer.policy }
