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
 * - an IP packet's source must be one of the port's addresses, of which IPv6 has link-local ones; what a host has to say from
 *   the unspecified address, because it has no other yet, it may, in the form that its RFC gives it (`unspecified.ts`);
 * - the sender of an ARP packet must be one of the port's addresses, or 0.0.0.0 in a probe for one of them; so must be
 *   what a neighbour advertisement speaks for, and what a solicitation from `::` asks after;
 * - what is neither does not pass unless told: behind an EtherType that the engine does not read may be any packet.
 *
 * - the packet that an ICMP error quotes must have been for the port, or through it.
 *
 * Inbound, the destination MAC must be the port's, broadcast, or IP multicast, and then
 *
 * - an IP packet must be for one of the port's addresses, for all of its link or subnet, or for a multicast group; a DHCP client gets
 *   answers under the address that it is offered;
 * - an ARP packet must ask or tell the port, or announce its sender's address; a solicitation must ask for an address of the port;
 * - the packet that an ICMP error quotes must have come from the port.
 *
 * A bridge that floods must not show one tenant the frames of another, and a false frame with the right MAC is not the port's either.
 *
 * All rules stand in one group and the first that matches decides. Those that pass name the MAC as well, so a false MAC
 * is counted as such whatever it carries.
 *
 * Packets are cached as ever, but for those of neighbour discovery whose target is looked at, and those from the unspecified
 * address: these few walk each time.
 *
 * Not looked at, as flow ids do not hold it: MACs inside ARP and neighbour discovery, the client's hardware address and all else inside
 * DHCP, the types of IGMP. Nor whether a VM may speak as a router or a DHCP server, which is an {@link acl}'s business.
 *
 * @see RFC 2827 on filtering at the edge; RFC 5227 §1.1, §3 for ARP probes and announcements; RFC 1122 §3.3.6 on what a frame for all may hold;
 *   RFC 2131 §4.1 for the answers to DHCP clients
 */
import { defineLayer, type Group, type LayerEnvironment, type LayerType, type Policy, type Problem } from '@vfp-ts/core'
import { groupName } from '../names.js'
import { codec, type GuardConfig, type GuardJson, ownOf } from './config.js'
import { inbound, outbound } from './rules.js'

const groups = (config: GuardConfig, environment: LayerEnvironment): readonly Group[] => {
  const name = groupName(environment)
  const own = ownOf(config, environment)
  return [
    { name, direction: 'outbound', rules: outbound(config, own) },
    { name, direction: 'inbound', rules: inbound(config, own) },
  ]
}

const check = (config: GuardConfig, environment: LayerEnvironment): readonly Problem[] =>
  ownOf(config, environment).ips.length === 0 && config.dhcp === false && config.linkLocal !== true
    ? [{ path: '/ips', reason: `is missing, and the port ${environment.port.name} has no address: it could not send a single packet` }]
    : []

const layer = defineLayer({ name: 'guard', codec, groups, check })

/**
 * Anti-spoofing, nearest the VM: an order below all others'. Drops outbound: `SpoofedMac`, `SpoofedIp`, `SpoofedArp`,
 * `SpoofedNdp`, and `UnknownType` for what is neither IP nor ARP; inbound: `NotForPort`.
 *
 * Refused: malformed addresses, subnets without a broadcast address, a policy under which a port without addresses could send nothing.
 *
 * @see RFC 2827
 */
export const guard: {
  /** To be added to a port. */
  readonly layer: LayerType<'guard', GuardConfig, GuardJson>
  /** A configuration, to update the layer with. */
  readonly policy: (config: GuardJson) => Policy<'guard'>
} = { layer, policy: layer.policy }
