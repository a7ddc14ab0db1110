/**
 * The rule behind a route into a virtual network: customer address to physical address, then a tunnel there.
 *
 * It is core's `encap` with parameters that come from a resource instead of from the rule. So a network of a
 * million addresses is a handful of rules, and a mapping that changes touches only the flows that used it.
 *
 * @see VFP §5.3.3, §5.5
 */
import {
  type Decision, defineRuleType, encap, type FlowContext, integer, Ip, type IpAddress, type Mac, MacText, refuse, type RuleType, strictlyPartial, Vni,
} from '@vfp-ts/core'
import { DirectoryObject, Underlay, type VnetDirectory } from './config.js'
import { chooseEndpoint } from './ecmp.js'

/** What a route into a virtual network is made of. */
export interface VnetRouteConfig {
  /** The network the sender is in; goes on the wire unless the mapping has another. */
  readonly vni: number
  /** The host's own physical addresses, at least one; the first of the other end's IP version is the tunnel's source. */
  readonly underlay: readonly IpAddress[]
  readonly directory: VnetDirectory
  /** The network whose mappings are asked; `vni` unless said. */
  readonly lookupVni?: number
  /** The address to look up; the packet's destination unless said. */
  readonly via?: IpAddress
  readonly underlayMac?: Mac
  readonly nextHopMac?: Mac
  /** 1–255. */
  readonly ttl?: number
}

const decide = (config: VnetRouteConfig, flow: FlowContext): Decision => {
  const ip = config.via ?? flow.ip('dstIp')
  if (ip === undefined) return refuse('NotIp')
  const found = flow.lookup(config.directory, { vni: config.lookupVni ?? config.vni, ip })
  if (found._tag === 'None') return refuse('NoMapping')
  const mapping = found.value
  const source = (pa: IpAddress): IpAddress | undefined => config.underlay.find((own) => own.version === pa.version)
  const endpoint = chooseEndpoint(mapping.endpoints.filter(({ pa }) => source(pa) !== undefined), flow.flowHash)
  const srcIp = endpoint && source(endpoint.pa)
  if (endpoint === undefined || srcIp === undefined) return refuse('NoUnderlay')
  const tunnel = {
    srcIp,
    dstIp: endpoint.pa,
    vni: mapping.vni ?? config.vni,
    srcMac: config.underlayMac ?? 0,
    dstMac: config.nextHopMac ?? 0,
    innerDstMac: endpoint.mac,
    ttl: config.ttl ?? 64,
  }
  return encap.decide(tunnel, flow, undefined)
}

/**
 * Tunnels a packet to where its destination lives: VXLAN around the frame, the inner destination MAC replaced by
 * the endpoint's, DSCP and ECN copied outwards, the UDP source port made from the flow's hash (RFC 7348 §5). Of
 * several endpoints the flow's hash chooses one, always the same.
 *
 * Drops: `NoMapping` if the directory has no entry, `NoUnderlay` if the host has no address of any endpoint's IP
 * version, `NotIp` if there is nothing to look up. As JSON a directory is its name, which cannot be read back
 * without the switch: a rule of this type is read from an object that holds the directory itself.
 */
export const vnetRoute: RuleType<'vnet-route', VnetRouteConfig, object, undefined> = defineRuleType({
  name: 'vnet-route',
  config: strictlyPartial(
    { vni: Vni, underlay: Underlay, directory: DirectoryObject },
    { lookupVni: Vni, via: Ip, underlayMac: MacText, nextHopMac: MacText, ttl: integer(1, 255, 'a TTL') },
    'a VNET route',
  ),
  decide,
})
