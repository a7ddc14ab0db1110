/**
 * Service chaining: chosen traffic makes a detour through an appliance, such as a firewall, before it goes on its way.
 *
 * Frames are two tunnels deep on the detour. The appliance removes the outer one and lets the frame go on to its destination, or tunnels it
 * back here, where the outer tunnel is removed and `vnet` sees the frame as if it had made no detour. Whatever is inside the second tunnel
 * is believed, so rules say who may send one.
 *
 * @see RFC 7665 for the terms; VFP §5.2, §6.1.2 table 2; RFC 6040 on congestion through two tunnels
 */
import {
  block, type Condition, Conditions, type ConditionsJson, type Decision, decapTransposition, defineLayer, defineRuleType, type FlowContext, type Group, inPrefix, integer,
  type IpAddress, type IpPrefix, type LayerEnvironment, type LayerType, type NetworkTunnel, type Policy, Prefix, type Problem, proceed, push, refuse, type Rule, rule,
  type RuleType, strictlyPartial, Vni, wire,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, refined } from './codecs.js'
import { groupName, repeatedNames } from './names.js'
import { Addresses, answersAt, Encap, inTunnel, OUTER_HEADER, type OuterHeader, outerHeaderOf, type OuterHeaderJson, sourceTowards, tunnelTo } from './underlay.js'
import { chooseEndpoint } from './vnet/ecmp.js'

/** One detour as written. */
export interface ChainJson {
  /** Conditions on the frame as the layers before left it; fields with `inner.` are those of the packet that the VM sent, if `vnet` tunnelled it. */
  readonly when: ConditionsJson
  /** Physical address of the appliance, or of several of which each flow has one. */
  readonly through: string | readonly string[]
  /** Network identifier of the second tunnel, 24 bits. */
  readonly vni: number
  /** Encapsulation of the second tunnel; `vxlan` unless said. */
  readonly encap?: NetworkTunnel
  /** Whether only answers may come back; `false` unless said. */
  readonly stateful?: boolean
  /** Milliseconds without a packet after which a connection is forgotten, from 1; core's default (240,000) unless said. Only with `stateful`. */
  readonly idleMs?: number
  /** Prefixes of physical addresses from which frames may come back; those of `through` unless said. Not with `stateful`. */
  readonly from?: readonly string[]
  /** Conditions on frames that come back, in the second tunnel (so that `inner2.` is the tenant's packet); none unless said. Not with `stateful`. */
  readonly back?: ConditionsJson
  /** Name of the chain's rules, once a policy; `chain-1`, by position, unless said. */
  readonly name?: string
}

/** The service chain's configuration as written. */
export interface ServiceChainJson extends OuterHeaderJson {
  /** The host's physical addresses; the first of the other end's IP version is the source of tunnels. */
  readonly underlay: string | readonly string[]
  /** Detours; the first one whose conditions hold is taken. */
  readonly chains: readonly ChainJson[]
}

/** One detour as read. */
export interface Chain {
  /** Conditions on the frame as the layers before left it. */
  readonly when: readonly Condition[]
  /** Physical addresses of the appliances, at least one. */
  readonly through: readonly IpAddress[]
  /** Network identifier of the second tunnel, 24 bits. */
  readonly vni: number
  /** Encapsulation of the second tunnel; `vxlan` unless said. */
  readonly encap?: NetworkTunnel
  /** Whether only answers may come back; `false` unless said. */
  readonly stateful?: boolean
  /** Milliseconds without a packet after which a connection is forgotten, from 1; core's default (240,000) unless said. Only with `stateful`. */
  readonly idleMs?: number
  /** Prefixes of physical addresses from which frames may come back; those of `through` unless said. Not with `stateful`. */
  readonly from?: readonly IpPrefix[]
  /** Conditions on frames that come back, in the second tunnel; none unless said. Not with `stateful`. */
  readonly back?: readonly Condition[]
  /** Name of the rules; `chain-1`, by position, unless said. */
  readonly name?: string
}

/** The service chain's configuration as read. */
export interface ServiceChainConfig extends OuterHeader {
  /** The host's physical addresses, at least one. */
  readonly underlay: readonly IpAddress[]
  /** Detours; the first one whose conditions hold is taken. */
  readonly chains: readonly Chain[]
}

/** Parameters of a {@link detour} rule. */
export interface DetourConfig extends OuterHeader {
  /** The host's own physical addresses, at least one. */
  readonly underlay: readonly IpAddress[]
  /** Physical addresses of the appliances, at least one. */
  readonly through: readonly IpAddress[]
  /** Network identifier of the tunnel, 24 bits. */
  readonly vni: number
  /** Encapsulation of the tunnel; `vxlan` unless said. */
  readonly encap?: NetworkTunnel
}

const decide = (config: DetourConfig, flow: FlowContext): Decision => {
  const places = config.through.filter((pa) => sourceTowards(config.underlay, pa) !== undefined).map((pa) => ({ pa, mac: 0 }))
  const place = chooseEndpoint(places, flow.flowHash)
  const srcIp = place && sourceTowards(config.underlay, place.pa)
  if (place === undefined || srcIp === undefined) return refuse('NoUnderlay')
  const tunnel = { encap: config.encap ?? 'vxlan', srcIp, dstIp: place.pa, vni: config.vni }
  return proceed(push(tunnelTo(tunnel, config, flow.flowHash)))
}

/**
 * Rule type that tunnels a frame, unchanged, to an appliance; of several, each flow has always the same one. Drops: `NoUnderlay` if the host has no
 * address of any appliance's IP version.
 */
export const detour: RuleType<'detour', DetourConfig, object, undefined> = defineRuleType({
  name: 'detour',
  config: strictlyPartial({ underlay: Addresses, through: Addresses, vni: Vni }, { encap: Encap, ...OUTER_HEADER }, 'a detour'),
  tunnels: (config) => answersAt([config.encap ?? 'vxlan'], config),
  decide,
})

/** Returns whether the second header group looks like a tunnel that was not parsed. */
const hidesTunnel = (flow: FlowContext): boolean =>
  flow.depth === 2 && (flow.number('inner.proto') === GRE || TUNNEL_PORTS.includes(flow.number('inner.dstPort') ?? 0))

const TUNNEL_PORTS: readonly number[] = [wire.udp.UdpPort.Vxlan, wire.udp.UdpPort.Geneve]
/** IP protocol of GRE, and so of NVGRE. @see RFC 2784 */
const GRE = 47

/**
 * Rule type that takes a frame out of the tunnel in which it came back. Drops: `InnerTunnelNotParsed` if the frame inside looks like a tunnel that
 * was not parsed, because the layers behind would treat it as a plain packet.
 */
export const detourEnd: RuleType<'detour-end', object, object, undefined> = defineRuleType({
  name: 'detour-end',
  config: strictlyPartial({}, {}),
  tunnels: () => ({ removes: [{}] }),
  decide: (_config, flow) => (hidesTunnel(flow) ? refuse('InnerTunnelNotParsed') : proceed(decapTransposition())),
})

const objection = ({ stateful, idleMs, from, back }: Chain): Objection | undefined => {
  if (stateful !== true) return idleMs === undefined ? undefined : { at: 'idleMs', reason: 'only a stateful chain has an idle time' }
  if (from !== undefined) return { at: 'from', reason: 'answers of a stateful chain come from where it was sent' }
  if (back !== undefined) return { at: 'back', reason: 'what comes back of a stateful chain are answers' }
  return undefined
}

const ChainCodec = refined<Chain, object, ChainJson>(
  strictlyPartial(
    { when: Conditions, through: Addresses, vni: Vni },
    {
      encap: Encap, stateful: t.boolean, idleMs: integer(1, 0xffff_ffff, 'milliseconds'), from: t.readonlyArray(Prefix), back: Conditions, name: Name,
    },
    'a chain',
  ),
  objection,
)

const codec: t.Type<ServiceChainConfig, ServiceChainJson> = strictlyPartial(
  { underlay: Addresses, chains: t.readonlyArray(ChainCodec) }, { ...OUTER_HEADER }, 'a service chain policy',
)

const groups = (config: ServiceChainConfig, environment: LayerEnvironment): readonly Group[] => {
  const name = groupName(environment)
  return [
    { name, direction: 'outbound', rules: config.chains.map((chain, i) => outbound(config, chain, i)) },
    { name, direction: 'inbound', rules: [...config.chains.flatMap((chain, i) => inbound(config, chain, i)), ...strangers(config)] },
  ]
}

const outbound = (config: ServiceChainConfig, chain: Chain, index: number): Rule =>
  rule(detour, {
    underlay: config.underlay, through: chain.through, vni: chain.vni, ...(chain.encap === undefined ? {} : { encap: chain.encap }), ...outerHeaderOf(config),
  }, {
    id: idOf(chain, index),
    when: chain.when,
    stateful: chain.stateful === true && chain.idleMs !== undefined ? { idleUs: chain.idleMs * 1000 } : chain.stateful ?? false,
  })

/** One rule for each place that frames may come back from. Of a stateful chain answers belong to connections and never get here. */
const inbound = (config: ServiceChainConfig, chain: Chain, index: number): readonly Rule[] => {
  const tunnel = inTunnel(chain.encap ?? 'vxlan', chain.vni, config)
  const from = chain.from ?? chain.through.map((address) => ({ address, length: address.version === 4 ? 32 : 128 }))
  return from.map(({ address, length }, i) => {
    const options = { id: `from ${idOf(chain, index)}${i === 0 ? '' : ` ${i + 1}`}`, when: [...tunnel, inPrefix('srcIp', address, length), ...(chain.back ?? [])] }
    // Another chain of the same tunnel may take what this one does not.
    return chain.stateful === true ? rule(block, { reason: 'NoConnection' }, { ...options, priority: 200 }) : rule(detourEnd, {}, options)
  })
}

/** Whatever else comes in a chain's tunnel. */
const strangers = (config: ServiceChainConfig): readonly Rule[] => {
  const tunnels = new Map<string, readonly Condition[]>()
  for (const { encap = 'vxlan', vni } of config.chains) tunnels.set(`${encap} ${vni}`, inTunnel(encap, vni, config))
  return [...tunnels].map(([name, when]) => rule(block, { reason: 'NotFromAppliance' }, { id: `stranger ${name}`, priority: 300, when }))
}

const check = ({ chains }: ServiceChainConfig): readonly Problem[] =>
  repeatedNames(chains.map((chain, i) => ({ name: idOf(chain, i), path: `/chains/${i}${chain.name === undefined ? '' : '/name'}` })))

const idOf = (chain: Chain, index: number): string => chain.name ?? `chain-${index + 1}`

const layer = defineLayer({ name: 'service-chain', codec, groups, check })

/**
 * Detours through appliances, nearer the wire than all layers that make tunnels, such as at order 48. What {@link vnet} has tunnelled to its destination
 * is tunnelled once more, to the appliance.
 *
 * A **stateless** chain takes frames back from its appliances, or from the prefixes in `from`, if the conditions in `back` hold. A **stateful** chain takes
 * back only answers: frames of a connection reversed, from the appliance that the connection was sent through.
 *
 * Frames from the network have three header groups then: open the switch with `parseDepth: { outbound: 1, inbound: 3 }`. With fewer the innermost
 * tunnel is not seen, and such frames are dropped as `InnerTunnelNotParsed`.
 *
 * ```ts
 * import { buildFrame, directory, openSwitch, orThrow } from '@vfp-ts/core'
 * import { serviceChain, vnet } from '@vfp-ts/layers'
 *
 * const ca = directory()
 * orThrow(ca.add({ vni: 5001, ip: '10.0.1.5', at: [{ pa: '192.0.2.5', mac: '00:15:5d:00:00:05' }] }))
 * const vm = orThrow(openSwitch({ parseDepth: { outbound: 1, inbound: 3 } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4'] }))
 * orThrow(orThrow(vm.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({
 *   vni: 5001, underlay: '192.0.2.1', routes: ['10.0.0.0/16'], directory: ca,
 * })))
 * orThrow(orThrow(vm.addLayer(serviceChain.layer, { order: 48 })).update(serviceChain.policy({
 *   underlay: '192.0.2.1', chains: [{ when: { 'inner.proto': 'tcp', 'inner.dstPort': 443 }, through: '192.0.2.50', vni: 9000 }],
 * })))
 * console.log(vm.explain('outbound', orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.4', dstIp: '10.0.1.5', dstPort: 443 }))).after)
 * ```
 *
 * ```text output
 * tcp 10.0.1.4:49152 > 10.0.1.5:443 in vxlan 5001 192.0.2.1 > 192.0.2.5 in vxlan 9000 192.0.2.1 > 192.0.2.50
 * ```
 *
 * Drops outbound: those of {@link detour}. Inbound, in a tunnel of a chain: those of {@link detourEnd}, `NoConnection` for a frame that answers no
 * connection of a stateful chain, `NotFromAppliance` for a frame from elsewhere or one that may not come back. All other packets pass unchanged.
 *
 * Refused: `from` or `back` of a stateful chain, `idleMs` of a stateless one, a name twice.
 */
export const serviceChain: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'service-chain', ServiceChainConfig, ServiceChainJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: ServiceChainJson) => Policy<'service-chain'>
} = { layer, policy: layer.policy }
