/**
 * The PA-validation layer: takes tunnels from known hosts alone.
 *
 * The identifier in a tunnel's header says which tenant a frame belongs to, and any sender of UDP can write one. Where the underlay filters at its
 * edge, a sender cannot choose the outer source. So this layer compares the outer source of each inbound tunnel with those known for its network.
 *
 * @see VFP §5.5 for resources; RFC 7348 §7 on injected tunnels; RFC 2827 on filtering at the edge
 */
import {
  allow, anyOf, type AnyResource, block, type Condition, defineLayer, defineRuleType, type FlowContext, type Group, is, type LayerEnvironment,
  type LayerType, type Match, oneOf, type Policy, type Problem, proceed, refuse, rule, type Rule, type RuleType, strictly, Tunnel, type TunnelEnd,
} from '@vfp-ts/core'
import { isSome } from 'fp-ts/lib/Option.js'
import { groupName, repeatedNames } from '../names.js'
import { codec, type PaNetwork, type PaValidationConfig, type PaValidationJson, SourcesObject } from './config.js'
import type { PaSourceSet } from './sources.js'

/** Parameters of a {@link paSource} rule. */
export interface PaSourceConfig {
  /** Sources of tunnels, by network and physical address. */
  readonly sources: PaSourceSet
}

/**
 * Rule type that passes a tunnel whose outer source is in the set for its network. Drops, as `UnknownSource`, other tunnels and packets
 * without a network identifier.
 */
export const paSource: RuleType<'pa-source', PaSourceConfig, object, undefined> = defineRuleType({
  name: 'pa-source',
  config: strictly({ sources: SourcesObject }, 'a set of sources'),
  decide: ({ sources }, flow: FlowContext) => {
    const vni = flow.number('vni')
    const ip = flow.ip('srcIp')
    return vni !== undefined && ip !== undefined && isSome(flow.lookup(sources, { vni, ip })) ? proceed() : refuse('UnknownSource')
  },
})

const SOURCES = 'sources'
const UNKNOWN = 'unknown-source'
const PLAIN = 'plain'

/** Tunnels of any kind, those without a network identifier among them. */
const anyTunnel: Condition = oneOf('tunnel', [Tunnel.Vxlan, Tunnel.Nvgre, Tunnel.Geneve, Tunnel.Gre])

const groups = (config: PaValidationConfig, environment: LayerEnvironment): readonly Group[] => {
  const sources = sourcesOf(config, environment)
  return [{
    name: groupName(environment),
    direction: 'inbound',
    tunnelEnds: ends(config),
    rules: [
      ...(config.networks ?? []).map(ruleOf),
      ...(sources === undefined ? [] : [rule(paSource, { sources }, { id: SOURCES, priority: 200, when: [anyTunnel] })]),
      rule(block, { reason: 'UnknownSource' }, { id: UNKNOWN, priority: 300, when: [anyTunnel], terminating: true }),
      config.plain === 'allow'
        ? rule(allow, {}, { id: PLAIN, priority: 400 })
        : rule(block, { reason: 'NotTunnelled' }, { id: PLAIN, priority: 400, terminating: true }),
    ],
  }]
}

/** Where nothing plain is taken, whatever may be a tunnel is judged as one; where it is, what is not addressed to the host is the VM's own. */
const ends = ({ underlay, plain }: PaValidationConfig): readonly TunnelEnd[] =>
  underlay === undefined ? (plain === 'allow' ? [] : [{}]) : underlay.map((ip) => ({ ip }))

const ruleOf = (network: PaNetwork): Rule =>
  rule(allow, {}, {
    id: idOf(network),
    priority: 100,
    when: [
      network.vni === undefined ? anyTunnel : is('vni', network.vni),
      anyOf('srcIp', network.from.map(({ address, length }): Match => ({ _tag: 'Prefix', value: address, length }))),
    ],
  })

const check = (config: PaValidationConfig, environment: LayerEnvironment): readonly Problem[] => {
  const { networks = [], sources } = config
  const twice = repeatedNames(networks.map(({ vni }, i) => ({ name: ofNetwork(vni), path: `/networks/${i}${vni === undefined ? '' : '/vni'}` })))
  const names = repeatedNames(
    networks.map((n, i) => ({ name: idOf(n), path: `/networks/${i}${n.name === undefined ? '' : '/name'}` })), [SOURCES, UNKNOWN, PLAIN],
  )
  const missing = typeof sources === 'string' && environment.resource(sources) === undefined
    ? [{ path: '/sources', reason: `the switch was not opened with a resource named "${sources}"` }]
    : []
  return [...missing, ...(twice.length > 0 ? twice : names)]
}

const ofNetwork = (vni: number | undefined): string => (vni === undefined ? 'every-network' : `vni-${vni}`)

const idOf = (network: PaNetwork): string => network.name ?? ofNetwork(network.vni)

const sourcesOf = ({ sources }: PaValidationConfig, environment: LayerEnvironment): PaSourceSet | undefined => {
  if (typeof sources !== 'string') return sources
  const resource: AnyResource | undefined = environment.resource(sources)
  // A resource known by name only may hold anything. Whoever named it here vouches that it takes sources of tunnels.
  return resource as PaSourceSet | undefined
}

const layer = defineLayer({ name: 'pa-validation', codec, groups, check })

/**
 * Takes inbound tunnels only from physical addresses that are known for their network. It stands nearest the wire, before a layer that believes the
 * identifier of a tunnel: an order above that of {@link vnet}, such as 50.
 *
 * Sources are prefixes, which do where a network's hosts have ranges, or single addresses in a resource, which changes without touching the
 * policy. Plain GRE has no identifier: its sources are those of the network without `vni`, and no resource is asked.
 *
 * Tunnels end at the addresses that rules of the port which remove tunnels name, such as those of {@link vnet}, and at `underlay`. Where neither
 * names one, each frame that may be a tunnel is judged as one, unless plain frames are let in: then it is as plain as any other. Fragments of a
 * tunnel's datagram are plain frames, too, because the parser does not look into them.
 *
 * Outbound it does nothing. Only the outermost tunnel is looked at.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow, parseIp } from '@vfp-ts/core'
 * import { paSources, paValidation } from '@vfp-ts/layers'
 *
 * const sources = paSources()
 * const vm = orThrow(openSwitch({ resources: { sources } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * orThrow(orThrow(vm.addLayer(paValidation.layer, { order: 50 })).updateJson({ networks: [{ vni: 5001, from: '192.0.2.0/24' }], sources: 'sources' }))
 *
 * // VXLAN: flags, then the VNI (5001) in the second word.
 * const payload = Uint8Array.from([8, 0, 0, 0, 0x00, 0x13, 0x89, 0, ...orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.5', dstIp: '10.0.1.4' }))])
 * const tunnelFrom = (srcIp: string) => orThrow(buildFrame({ proto: 'udp', srcIp, dstIp: '192.0.2.1', dstPort: 4789, payload }))
 * console.log(vm.explain('inbound', tunnelFrom('192.0.2.7')).verdict)
 * console.log(vm.explain('inbound', tunnelFrom('203.0.113.9')).verdict)
 * sources.add({ vni: 5001, ip: orThrow(parseIp('203.0.113.9')) })
 * console.log(vm.explain('inbound', tunnelFrom('203.0.113.9')).verdict)
 * ```
 *
 * ```text output
 * continue
 * drop UnknownSource
 * continue
 * ```
 *
 * Drops: `UnknownSource` for a tunnel from elsewhere, `NotTunnelled` for a plain frame unless `plain` is `allow`.
 *
 * Refused: neither `networks` nor `sources`, a network or a name twice, a resource that the switch does not know.
 */
export const paValidation: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'pa-validation', PaValidationConfig, PaValidationJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: PaValidationJson) => Policy<'pa-validation'>
} = { layer, policy: layer.policy }
