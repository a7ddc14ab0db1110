/**
 * The PA-validation layer: a tunnel is taken only from hosts that may send one.
 *
 * The identifier in a tunnel's header says which tenant a frame belongs to, and anyone who can send UDP to a host can
 * write one. What he cannot write at will, where the underlay filters at its edge, is the outer source. So this layer
 * stands nearest the wire, before a VNET layer that believes the identifier, and asks of every inbound tunnel whether
 * its source is one of those known for its network: by prefixes, which is enough where a network's hosts have ranges,
 * or one by one in a resource, which changes without touching the policy.
 *
 * ```ts no-run
 * edge.update(paValidation.policy({ networks: [{ vni: 5001, from: ['192.0.2.0/24', '2001:db8::/64'] }], sources: 'pa-sources' }))
 * ```
 *
 * What is a tunnel is said by the rules of the port that remove some, as `vnet`'s, or by `underlay`, the addresses of the host. Where
 * neither names an address, each of which may be one is taken for a tunnel, unless plain frames are let in: then it is as plain as
 * any other.
 *
 * A frame without a tunnel is not believed either unless the policy says so. Among them are the fragments of a tunnel's
 * datagram, which the parser does not look into: to let plain frames in is to let those in too, as plain frames.
 *
 * Plain GRE has no identifier: its sources are those of the list for every network, and no resource is asked.
 *
 * Outbound nothing happens. Only the outermost tunnel is looked at: what it carries is the next layers' business.
 *
 * @see VFP §5.5 for resources; RFC 7348 §7 on who may inject tunnels; RFC 2827 for what it rests on
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
 * Physical addresses of inbound tunnels, nearest the wire: an order above `vnet`'s. Drops: `UnknownSource` for a tunnel from
 * elsewhere, `NotTunnelled` for a plain frame.
 *
 * Refused: neither networks nor sources, a network or name twice, sources by a name the switch does not know.
 */
export const paValidation: {
  /** To be added to a port. */
  readonly layer: LayerType<'pa-validation', PaValidationConfig, PaValidationJson>
  /** A configuration, to update the layer with. */
  readonly policy: (config: PaValidationJson) => Policy<'pa-validation'>
} = { layer, policy: layer.policy }
