/**
 * The messages that a host may send from the unspecified address, because it has no other yet, each in the form that its RFC gives it.
 *
 * It is a rule type and not conditions because most of what is looked at (hop limits, options, targets) differs from packet to
 * packet: as conditions they would be consulted for every packet of the group, and none of them could be cached. What a rule reads when it decides
 * concerns only the packets it decides about.
 *
 * | Message | To | Beside that |
 * |---|---|---|
 * | DHCPv4 and BOOTP requests | 255.255.255.255, broadcast MAC | UDP from port 68 to 67 |
 * | IGMP reports and leaves | a group, not 224.0.0.1, where queries go | TTL 1; router alert to 224.0.0.2 and 224.0.0.22 |
 * | duplicate address detection | the solicited node of the target | hop limit 255, the target the host's, no source link-layer address |
 * | router solicitations | ff02::2 | hop limit 255, no source link-layer address |
 * | MLDv1 reports, MLDv2 reports, dones | a group, ff02::16, ff02::2 | hop limit 1, router alert |
 *
 * None of them comes in fragments, and each has code 0.
 *
 * @see RFC 2131 §4.1, RFC 1542 §4.1.1; RFC 3376 §4, §4.2.13; RFC 4861 §4.1, §4.3, §7.1.1, RFC 4862 §5.4.2, RFC 6980 §5; RFC 2710 §3, RFC 3590 §4, RFC 3810 §5, §5.2.13
 */
import {
  type Decision, defineRuleType, type FlowContext, type IpAddress, type IpPrefix, Prefix, prefixContains, proceed, refuse, type RuleType, sameIp, strictly, wire,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { BROADCAST_MAC } from '../group-macs.js'

const { Icmpv6Type } = wire.icmpv6
const { NDP_HOP_LIMIT, solicitedNode, ALL_NODES } = wire.ndpRules

/** The messages that are allowed from the unspecified address. */
export interface UnspecifiedConfig {
  /** Whether requests of DHCPv4 and BOOTP are. */
  readonly dhcp: boolean
  /** Whether reports of multicast groups are; those of IPv6 need `discovery` as well. */
  readonly reports: boolean
  /** Whether neighbour discovery is, and IPv6 at all. */
  readonly discovery: boolean
  /** IPv6 addresses for which duplicate address detection may ask. */
  readonly own: readonly IpPrefix[]
}

const decide = (config: UnspecifiedConfig, flow: FlowContext): Decision => {
  const dstIp = flow.ip('dstIp')
  if (dstIp === undefined || flow.number('fragment') !== WHOLE) return SPOOFED
  if (dstIp.version === 4) return isAllowed4(config, flow, dstIp) ? proceed() : SPOOFED
  if (!config.discovery) return SPOOFED
  switch (flow.number('icmpCode') === 0 ? flow.number('icmpType') : undefined) {
    case Icmpv6Type.NeighborSolicitation: return isDetection(config, flow, dstIp) ? proceed() : refuse('SpoofedNdp')
    case Icmpv6Type.RouterSolicitation: return isFromLink(flow) && sameIp(dstIp, ALL_ROUTERS) ? proceed() : refuse('SpoofedNdp')
    case MLD_REPORT: return config.reports && isReport(flow) && isGroup6(dstIp) ? proceed() : SPOOFED
    case MLD_DONE: return config.reports && isReport(flow) && sameIp(dstIp, ALL_ROUTERS) ? proceed() : SPOOFED
    case MLD2_REPORT: return config.reports && isReport(flow) && sameIp(dstIp, ALL_MLD2_ROUTERS) ? proceed() : SPOOFED
    default: return SPOOFED
  }
}

const isAllowed4 = ({ dhcp, reports }: UnspecifiedConfig, flow: FlowContext, dstIp: IpAddress): boolean => {
  switch (flow.number('proto')) {
    case UDP:
      return dhcp && sameIp(dstIp, LIMITED_BROADCAST) && flow.mac('dstMac') === BROADCAST_MAC && flow.number('srcPort') === 68 && flow.number('dstPort') === 67
    case IGMP: return reports && isGroup4(dstIp, flow) && flow.number('ttl') === 1
    default: return false
  }
}

const isFromLink = (flow: FlowContext): boolean => flow.number('ttl') === NDP_HOP_LIMIT && flow.number('ndpSourceLink') === 0

const isDetection = ({ own }: UnspecifiedConfig, flow: FlowContext, dstIp: IpAddress): boolean => {
  const target = flow.ip('ndpTarget')
  return target !== undefined && isFromLink(flow) && own.some((prefix) => prefixContains(prefix, target)) && sameIp(dstIp, solicitedNode(target))
}

const isReport = (flow: FlowContext): boolean => flow.number('ttl') === 1 && flow.number('routerAlert') === 1

/** Whether a report goes where it may: to its group (IGMPv1 has no router alert), or to the routers with a router alert (IGMPv3, and leaves of IGMPv2). */
const isGroup4 = (ip: IpAddress, flow: FlowContext): boolean =>
  ip.words[3] >>> 28 === 0xe && !sameIp(ip, ALL_SYSTEMS) &&
  ((!sameIp(ip, ALL_ROUTERS_4) && !sameIp(ip, ALL_IGMP3_ROUTERS)) || flow.number('routerAlert') === 1)

/** Whether a group is one that hosts report: all listen to ff02::1, and none reports it. @see RFC 2710 §5 */
const isGroup6 = (ip: IpAddress): boolean => ip.words[0] >>> 24 === 0xff && !sameIp(ip, ALL_NODES)

const SPOOFED = refuse('SpoofedIp')
const WHOLE = 0
const [IGMP, UDP] = [2, 17]
const [MLD_REPORT, MLD_DONE, MLD2_REPORT] = [131, 132, 143]
const LIMITED_BROADCAST: IpAddress = { version: 4, words: [0, 0, 0, 0xffff_ffff] }
const ALL_SYSTEMS: IpAddress = { version: 4, words: [0, 0, 0, 0xe000_0001] }
const ALL_ROUTERS_4: IpAddress = { version: 4, words: [0, 0, 0, 0xe000_0002] }
const ALL_IGMP3_ROUTERS: IpAddress = { version: 4, words: [0, 0, 0, 0xe000_0016] }
const ALL_ROUTERS: IpAddress = { version: 6, words: [0xff02_0000, 0, 0, 2] }
const ALL_MLD2_ROUTERS: IpAddress = { version: 6, words: [0xff02_0000, 0, 0, 0x16] }

/**
 * Rule type for packets from 0.0.0.0 or `::`: passes the messages that a host without an address has to send, each only in the form of its RFC
 * (DHCPv4 and BOOTP requests, IGMP and MLD reports, duplicate address detection, router solicitations). Drops other messages of neighbour
 * discovery as `SpoofedNdp`, and everything else as `SpoofedIp`.
 *
 * @see RFC 2131 §4.1, RFC 3376 §4, RFC 4861 §4.1, §4.3, RFC 4862 §5.4.2, RFC 2710 §3, RFC 3810 §5
 */
export const fromUnspecified: RuleType<'from-unspecified', UnspecifiedConfig, object, undefined> = defineRuleType({
  name: 'from-unspecified',
  config: strictly({ dhcp: t.boolean, reports: t.boolean, discovery: t.boolean, own: t.readonlyArray(Prefix) }, 'what is allowed from the unspecified address'),
  decide,
})
