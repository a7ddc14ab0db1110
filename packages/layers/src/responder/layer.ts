/**
 * The responder layer: answers questions about neighbours and gateways in the place of a link.
 *
 * A VM expects a link: it asks by broadcast for the MAC of an address, and pings its gateway. In a virtual network there is no link, the
 * neighbours are behind tunnels, and the gateway is an entry of a table. Flooding the questions through the tunnels would cost every host a copy,
 * so they are answered at the port of the VM that asks.
 *
 * @see VFP §7.2 for gateways without VMs; RFC 826, RFC 4861; RFC 1027 for answering in another's place
 */
import {
  defineLayer, type Direction, type Group, is, type LayerEnvironment, type LayerType, oneOf, type Policy, type Problem, rule, type Rule, sameIp,
} from '@vfp-ts/core'
import { DIRECTIONS, groupName } from '../names.js'
import { codec, isStations, type NeighbourDirectory, type ResponderConfig, type ResponderJson } from './config.js'
import { answerEcho, answerNeighbour, type AnswerNeighbourConfig } from './rules.js'

const groups = (config: ResponderConfig, environment: LayerEnvironment): readonly Group[] =>
  DIRECTIONS.filter((direction) => hears(config, direction)).map((direction) => ({ name: groupName(environment), direction, rules: rules(config, environment) }))

const hears = ({ asked = 'vm' }: ResponderConfig, direction: Direction): boolean => asked === 'both' || (asked === 'vm') === (direction === 'outbound')

const rules = (config: ResponderConfig, environment: LayerEnvironment): readonly Rule[] => {
  const answers = answersOf(config, environment)
  const { gateways } = config
  const of = (version: 4 | 6) => gateways.flatMap(({ ip }) => ip.filter((one) => one.version === version))
  const echo = (id: string, version: 4 | 6, proto: number, icmpType: number): readonly Rule[] =>
    config.echo === false || of(version).length === 0 ? [] : [rule(answerEcho, { gateways }, { id, when: [oneOf('dstIp', of(version)), is('proto', proto), is('icmpType', icmpType)] })]
  return [
    rule(answerNeighbour, answers, { id: 'arp', when: [is('arpOperation', 1)] }),
    rule(answerNeighbour, answers, { id: 'ndp', when: [is('proto', 58), is('icmpType', 135)] }),
    ...echo('echo', 4, 1, 8),
    ...echo('echo-v6', 6, 58, 128),
  ]
}

const answersOf = ({ gateways, neighbours, otherwise }: ResponderConfig, environment: LayerEnvironment): AnswerNeighbourConfig => {
  const rest = { gateways, own: environment.port.ips, otherwise: otherwise ?? (neighbours === undefined ? 'pass' : 'drop') } as const
  if (neighbours === undefined) return rest
  if (neighbours === 'any') return gateways[0] === undefined ? rest : { ...rest, any: gateways[0].mac }
  if (isStations(neighbours)) return { ...rest, neighbours }
  const { directory: named, ...how } = neighbours
  // Whoever named it here vouches that it takes customer addresses; what it answers is looked at by the rule.
  const directory = typeof named === 'string' ? environment.resource(named) as NeighbourDirectory | undefined : named
  return directory === undefined ? rest : { ...rest, neighbours: { ...how, directory } }
}

const check = ({ gateways, neighbours, asked = 'vm' }: ResponderConfig, { port, resource }: LayerEnvironment): readonly Problem[] => [
  ...(neighbours !== undefined && neighbours !== 'any' && !isStations(neighbours) && typeof neighbours.directory === 'string' && resource(neighbours.directory) === undefined
    ? [{ path: '/neighbours/directory', reason: `the switch was not opened with a resource named "${neighbours.directory}"` }]
    : []),
  ...(asked === 'network' ? [] : gateways.flatMap(({ ip }, i) =>
    ip.some((one) => port.ips.some((own) => sameIp(own, one))) ? [{ path: `/gateways/${i}/ip`, reason: `is an address of the port ${port.name} itself` }] : [])),
]

const layer = defineLayer({ name: 'responder', codec, groups, check })

/**
 * Answers ARP requests, neighbour solicitations and pings for gateways and neighbours of a virtual network. It stands behind a {@link guard}, so that
 * the sender of a question is not forged, and before layers that do not know ARP, such as at order 7.
 *
 * Questions outbound are the VM's. A port without a VM that bridges networks hears those that come out of its tunnels instead:
 * `asked: 'network'`. See {@link answerNeighbour} and {@link answerEcho} for which packets are answered.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { responder } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * orThrow(orThrow(vm.addLayer(responder.layer, { order: 7 })).update(responder.policy({
 *   gateways: [{ ip: '10.0.1.1', mac: '12:34:56:78:9a:bc' }], neighbours: [{ ip: '10.0.1.5', mac: '00:15:5d:00:00:05' }],
 * })))
 * console.log(vm.explain('outbound', orThrow(buildFrame({ proto: 'icmp', srcIp: '10.0.1.4', dstIp: '10.0.1.1' }))).verdict)
 * ```
 *
 * ```text output
 * reply by ICMP echo
 * ```
 *
 * Drops: `NoSuchNeighbour` for questions that have no answer, if so configured, and `NoReply` for those that no receiver may act on.
 *
 * Refused: a directory that the switch does not know, an address twice, a gateway with an address of the port, neighbours with the MAC of a gateway
 * where there is none.
 */
export const responder: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'responder', ResponderConfig, ResponderJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: ResponderJson) => Policy<'responder'>
} = { layer, policy: layer.policy }
