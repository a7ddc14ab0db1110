/**
 * The responder layer: neighbours and gateways that a virtual network speaks of and nobody is.
 *
 * A VM believes in a link: it asks by broadcast who has an address, and pings its gateway. In a virtual network there is no link,
 * the others are behind tunnels, and the gateway is a row in a table. To flood the questions through the tunnels would cost every
 * host a copy; here they are answered at the port of who asks, and never leave the host.
 *
 * Outbound questions are the VM's. A gateway without a VM, a port that bridges networks by rules alone, hears those that come out
 * of its tunnels instead: `asked: 'network'`.
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
 * Answers for gateways and neighbours, order 7: behind a `guard`, so that who asks is who he says, and before all that knows no
 * ARP.
 *
 * Drops: `NoSuchNeighbour` for whom nobody answers, and `NoReply` for questions that no receiver may act on.
 *
 * Refused: a directory by a name the switch does not know, an address twice, a gateway with the VM's own address, neighbours with
 * the MAC of a gateway where there is none.
 */
export const responder: {
  /** To be added to a port. */
  readonly layer: LayerType<'responder', ResponderConfig, ResponderJson>
  /** A configuration, to update the layer with. */
  readonly policy: (config: ResponderJson) => Policy<'responder'>
} = { layer, policy: layer.policy }
