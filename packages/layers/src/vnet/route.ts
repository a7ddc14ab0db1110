/**
 * The rule behind a route into a virtual network: customer address to physical address, then a tunnel there.
 *
 * It is core's `encap` with parameters that come from a resource instead of from the rule. So a network of a
 * million addresses is a handful of rules, and a mapping that changes touches only the flows that used it.
 *
 * @see VFP §5.3.3, §5.5
 */
import {
  type Decision, defineRuleType, encapTransposition, type FlowContext, Ip, type IpAddress, MacText, type Mapping, type NetworkTunnel, proceed, refuse, type RuleType,
  strictlyPartial, Vni,
} from '@vfp-ts/core'
import { Addresses, answersAt, Encap, OUTER_HEADER, type OuterHeader, sourceTowards, tunnelTo } from '../underlay.js'
import { DirectoryObject, type VnetDirectory } from './config.js'
import { chooseEndpoint } from './ecmp.js'

/** Parameters of a {@link vnetRoute} rule. */
export interface VnetRouteConfig extends OuterHeader {
  /** The sender's network, 24 bits; it is the tunnel's identifier unless the mapping has another. */
  readonly vni: number
  /** The host's own physical addresses, at least one; the first of the other end's IP version is the tunnel's source. */
  readonly underlay: readonly IpAddress[]
  /** Where addresses are looked up, as an object; its written form is its name. */
  readonly directory: VnetDirectory
  /** The network whose mappings are looked up, 24 bits; `vni` unless said. */
  readonly lookupVni?: number
  /** The address to look up; the packet's destination unless said, for ARP its target. */
  readonly via?: IpAddress
  /** Encapsulation where the mapping has none; `vxlan` unless said. */
  readonly encap?: NetworkTunnel
}

const decide = (config: VnetRouteConfig, flow: FlowContext): Decision => {
  const ip = config.via ?? flow.ip('dstIp') ?? flow.ip('arpTarget')
  if (ip === undefined) return refuse('NotIp')
  const lookupVni = config.lookupVni ?? config.vni
  const found = flow.lookup(config.directory, { vni: lookupVni, ip })
  if (found._tag === 'None' || !isMapping(found.value)) return refuse('NoMapping')
  const mapping = found.value
  const endpoint = chooseEndpoint(mapping.endpoints.filter(({ pa }) => sourceTowards(config.underlay, pa) !== undefined), flow.flowHash)
  const srcIp = endpoint && sourceTowards(config.underlay, endpoint.pa)
  if (endpoint === undefined || srcIp === undefined) return refuse('NoUnderlay')
  const tunnel = { encap: mapping.tunnel ?? config.encap ?? 'vxlan', srcIp, dstIp: endpoint.pa, vni: vniOnWire(mapping, config.vni, lookupVni) }
  return proceed(encapTransposition(tunnelTo(tunnel, config, flow.flowHash), { dstMac: endpoint.mac }))
}

/** Returns whether a value is a mapping: a resource that is known by its name only may hold anything. */
const isMapping = (u: unknown): u is Mapping =>
  typeof u === 'object' && u !== null && 'endpoints' in u && Array.isArray(u.endpoints) && u.endpoints.length > 0 && u.endpoints.every(isEndpoint) &&
  (!('vni' in u) || u.vni === undefined || Vni.is(u.vni)) &&
  (!('useDstVni' in u) || u.useDstVni === undefined || typeof u.useDstVni === 'boolean') &&
  (!('tunnel' in u) || u.tunnel === undefined || Encap.is(u.tunnel))

const isEndpoint = (u: unknown): boolean => typeof u === 'object' && u !== null && 'pa' in u && Ip.is(u.pa) && 'mac' in u && MacText.is(u.mac)

/** Returns the tunnel's network identifier: the destination's if the mapping says so, else the sender's. */
const vniOnWire = ({ vni, useDstVni }: Mapping, own: number, asked: number): number => (useDstVni ?? vni !== undefined ? vni ?? asked : own)

/**
 * Rule type that tunnels a packet to the physical address that the directory has for its destination: it puts VXLAN, NVGRE or Geneve around the
 * frame, replaces the inner destination MAC by the endpoint's, and makes the entropy of the outer header from the flow's hash. Of several
 * endpoints each flow has always the same one.
 *
 * Drops: `NoMapping` if the directory has no entry, `NoUnderlay` if the host has no address of any endpoint's IP version, `NotIp` if there is no
 * address to look up. While the directory's answer is unknown, the packet waits. The written form of a directory is its name, which
 * cannot be read back without the switch: a rule of this type is read from an object that holds the directory itself.
 */
export const vnetRoute: RuleType<'vnet-route', VnetRouteConfig, object, undefined> = defineRuleType({
  name: 'vnet-route',
  config: strictlyPartial(
    { vni: Vni, underlay: Addresses, directory: DirectoryObject },
    { lookupVni: Vni, via: Ip, encap: Encap, ...OUTER_HEADER },
    'a VNET route',
  ),
  tunnels: (config) => answersAt(['vxlan', 'nvgre', 'geneve'], config),
  decide,
})
