/** The guard's rules: in each direction one group of which the first that matches decides. */
import {
  allow, anyOf, block, type BuiltInDropReason, type Condition, type FieldRef, type IpAddress, type IpPrefix, ipv4, is, type Match, oneOf, rule, type Rule, wire,
} from '@vfp-ts/core'
import { BROADCAST_MAC, toMulticast } from '../group-macs.js'
import type { GuardConfig, Own } from './config.js'
import { arpAnnouncement, neighbourTarget } from './neighbour-target.js'
import { fromUnspecified } from './unspecified.js'

const { Icmpv6Type } = wire.icmpv6

/** What a port may send. Rules that pass name the MAC as well, so a false MAC is counted as such whatever it carries. */
export const outbound = (config: GuardConfig, { macs, ips, all, ips6, linkLocal }: Own): readonly Rule[] => {
  const ownMac = oneOf('srcMac', macs)
  const pass = (id: string, ...when: readonly Condition[]): Rule => rule(allow, {}, { id, priority: 100, when: [ownMac, ...when] })
  const unspecified = { dhcp: config.dhcp ?? true, reports: config.multicast ?? true, discovery: linkLocal, own: ips6 }
  return [
    // What an error quotes came to the port, or through it.
    ...(all.length === 0 ? [] : [
      pass90('own-error', ownMac, within('srcIp', all), within('quoted.dstIp', [...all, MULTICAST_6])),
      pass90('routed-error', ownMac, within('srcIp', all), within('quoted.srcIp', all)),
    ]),
    drop('spoofed-error', 'SpoofedIp', 95, ownMac, within('quoted.srcIp', EVERYTHING)),
    ...(ips6.length > 0
      ? [rule(neighbourTarget, { own: ips6 }, {
          id: 'own-neighbour', priority: 90, when: [ownMac, is('proto', ICMPV6), within('srcIp', ips6), is('icmpType', Icmpv6Type.NeighborAdvertisement)], terminating: true,
        })]
      : []),
    ...(all.length === 0 ? [] : [pass('own-ip', within('srcIp', all))]),
    ...(ips.length === 0 ? [] : [
      pass('own-arp', within('arpSender', ips)),
      pass('arp-probe', is('arpOperation', 1), is('arpSender', ANY_V4), within('arpTarget', ips)),
    ]),
    rule(fromUnspecified, unspecified, { id: 'unspecified', priority: 150, when: [ownMac, oneOf('srcIp', [ANY_V4, ANY_V6])], terminating: true }),
    drop('spoofed-arp', 'SpoofedArp', 200, ownMac, is('etherType', ARP)),
    drop('spoofed-ip', 'SpoofedIp', 200, ownMac, oneOf('etherType', IP)),
    config.otherTypes === 'allow'
      ? rule(allow, {}, { id: 'other-type', priority: 300, when: [ownMac] })
      : drop('other-type', 'UnknownType', 300, ownMac),
    drop('spoofed-mac', 'SpoofedMac', 400),
  ]
}

/** What a port gets: by its MAC, and by the address that an IP or ARP packet is for. */
export const inbound = (config: GuardConfig, { macs, ips, all, ips6 }: Own): readonly Rule[] => {
  const { broadcast = true, multicast = true, dhcp = true, subnets = [] } = config
  const toPort = anyOf('dstMac', [...macs, ...(broadcast ? [BROADCAST_MAC] : [])].map((value): Match => ({ _tag: 'Value', value })).concat(multicast ? toMulticast.values : []))
  const pass = (id: string, ...when: readonly Condition[]): Rule => rule(allow, {}, { id, priority: 100, when: [toPort, ...when] })
  const forOthers = { reason: 'NotForPort' }
  return [
    // An error is for whoever sent what it quotes.
    ...(all.length === 0 ? [] : [pass90('own-error', toPort, within('dstIp', all), within('quoted.srcIp', all))]),
    drop('error-for-other', 'NotForPort', 95, within('quoted.srcIp', EVERYTHING)),
    rule(neighbourTarget, { own: ips6, ...forOthers }, {
      id: 'asked-neighbour', priority: 90, when: [toPort, is('proto', ICMPV6), is('icmpType', Icmpv6Type.NeighborSolicitation)], terminating: true,
    }),
    ...(all.length === 0 ? [] : [pass('own-ip', within('dstIp', all))]),
    ...(ips.length === 0 ? [] : [pass('own-arp', within('arpTarget', ips))]),
    ...(broadcast ? [pass('broadcast', oneOf('dstIp', [BROADCAST_V4, ...subnets.map(broadcastOf)]))] : []),
    ...(multicast ? [pass('multicast', within('dstIp', [MULTICAST_4, MULTICAST_6]))] : []),
    // Under the address that the port is offered, or to all of its link, in a frame for it alone.
    ...(dhcp ? [rule(allow, {}, { id: 'dhcp', priority: 100, when: [oneOf('dstMac', macs), is('etherType', IP[0]), is('proto', UDP), is('srcPort', 67), is('dstPort', 68)] })] : []),
    rule(arpAnnouncement, forOthers, { id: 'announcement', priority: 200, when: [toPort, is('etherType', ARP)], terminating: true }),
    drop('ip-for-other', 'NotForPort', 200, oneOf('etherType', IP)),
    rule(allow, {}, { id: 'other-type', priority: 300, when: [toPort] }),
    drop('not-for-port', 'NotForPort', 400),
  ]
}

const pass90 = (id: string, ...when: readonly Condition[]): Rule => rule(allow, {}, { id, priority: 90, when })

/** Terminating, so that a group of another controller cannot overrule it. */
const drop = (id: string, reason: BuiltInDropReason, priority: number, ...when: readonly Condition[]): Rule =>
  rule(block, { reason }, { id, priority, when, terminating: true })

const within = (field: FieldRef, prefixes: readonly IpPrefix[]): Condition =>
  anyOf(field, prefixes.map(({ address, length }): Match => ({ _tag: 'Prefix', value: address, length })))

/** The last address of a subnet, which stands for all of them. @see RFC 919 §7 */
const broadcastOf = ({ address, length }: IpPrefix): IpAddress => ipv4((address.words[3] | (length === 0 ? 0xffff_ffff : 0xffff_ffff >>> length)) >>> 0)

const ARP = 0x0806
const IP = [0x0800, 0x86dd] as const
const [UDP, ICMPV6] = [17, 58]
const ANY_V4 = ipv4(0)
const ANY_V6: IpAddress = { version: 6, words: [0, 0, 0, 0] }
const BROADCAST_V4 = ipv4(0xffff_ffff)
const MULTICAST_4: IpPrefix = { address: ipv4(0xe000_0000), length: 4 }
const MULTICAST_6: IpPrefix = { address: { version: 6, words: [0xff00_0000, 0, 0, 0] }, length: 8 }
const EVERYTHING: readonly IpPrefix[] = [{ address: ANY_V4, length: 0 }, { address: ANY_V6, length: 0 }]
