/**
 * The guard layer: anti-spoofing at the port.
 *
 * A tenant chooses the headers of a VM's frames. On a shared network a false source address is an attack: a forged MAC draws the
 * neighbour's traffic here, a forged IP address makes the neighbour answer for packets that it did not send, and a forged ARP packet makes
 * other hosts send here. No router behind the port can tell any more, so the port does.
 *
 * All rules of a direction stand in one group, and the first that matches decides. Rules that pass a packet have a condition on the MAC as
 * well, so that a false MAC is counted as such whatever the frame carries.
 *
 * @see RFC 2827 on filtering at the edge; RFC 5227 §1.1, §3 for ARP probes and announcements; RFC 1122 §3.3.6 on frames for all stations;
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
 * Anti-spoofing, nearest the VM: a port sends only as itself, and gets only what is meant for it. Its order is below those of all layers that believe a frame's addresses, such as 5.
 *
 * Outbound, the source MAC must be the port's, and then
 *
 * - an IP packet's source must be an address of the port; a host without an address may send from the unspecified one the messages of
 *   {@link fromUnspecified};
 * - the sender of an ARP packet must be an address of the port, or 0.0.0.0 in a probe for one;
 * - the target of a neighbour advertisement, and of a solicitation from `::`, must be an address of the port;
 * - the packet that an ICMP error quotes must have been for the port, or from an address that it routes for;
 * - a frame that is neither IP nor ARP does not pass unless `otherTypes` says so: an unknown EtherType may carry any packet.
 *
 * Inbound, the destination MAC must be the port's, broadcast, or IP multicast, and then
 *
 * - an IP packet must be for an address of the port, for all stations of its link or subnet, or for a multicast group; a DHCPv4 answer may be
 *   for the address that it offers;
 * - an ARP packet must be about an address of the port, or announce its sender's; a solicitation must be for an address of the port;
 * - the packet that an ICMP error quotes must have come from the port.
 *
 * Flow ids do not hold the MACs inside ARP and neighbour discovery, the contents of DHCP, or the types of IGMP: these are not looked at. Whether
 * a VM may act as a router or a DHCP server is for an {@link acl}. Packets are cached, except those of neighbour discovery whose target is
 * looked at and those from the unspecified address.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { guard } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * orThrow(orThrow(vm.addLayer(guard.layer, { order: 5 })).update(guard.policy({ ips: ['10.0.5.0/24'] })))
 *
 * const from = (srcIp: string) => orThrow(buildFrame({ proto: 'udp', srcIp, dstIp: '10.0.1.1', srcMac: '00:15:5d:00:00:01' }))
 * console.log(vm.explain('outbound', from('10.0.5.9')).verdict)
 * console.log(vm.explain('outbound', from('10.0.1.5')).verdict)
 * ```
 *
 * ```text output
 * continue
 * drop SpoofedIp
 * ```
 *
 * Drops outbound: `SpoofedMac`, `SpoofedIp`, `SpoofedArp`, `SpoofedNdp`, and `UnknownType` for frames that are neither IP nor ARP. Inbound:
 * `NotForPort`.
 *
 * Refused: malformed addresses, subnets without a broadcast address, a policy under which a port without addresses could send nothing.
 *
 * @see RFC 2827
 */
export const guard: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'guard', GuardConfig, GuardJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: GuardJson) => Policy<'guard'>
} = { layer, policy: layer.policy }
