/**
 * The rule types of the responder: for questions about an address, and for echo requests.
 *
 * A rule keeps the responders that it has named as its state: if it named a new one for the same flow each time, each change of policy
 * would have the flow made anew.
 */
import {
  answerBy, type Decision, defineRuleType, type FlowContext, Ip, type IpAddress, type Mac, MacText, proceed, refuse, type Responder, type RuleType, sameIp, strictlyPartial, Vni,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { word } from '../codecs.js'
import { resourceObject } from '../resource.js'
import { arpAnswer } from './arp-answer.js'
import { type DirectoryNeighbours, isStations, type NeighbourDirectory, type Station, StationCodec } from './config.js'
import { echoAnswer } from './echo-answer.js'
import { ndpAnswer } from './ndp-answer.js'

/** The addresses for which a rule answers, and the MACs that it tells. */
export interface AnswerNeighbourConfig {
  /** Stations whose answers are a router's, and override others. */
  readonly gateways: readonly Station[]
  /** Addresses of the port's VM: questions about them go on to the next layer. */
  readonly own: readonly IpAddress[]
  /** Stations whose answers do not override: a list, or those in a directory; none unless said. */
  readonly neighbours?: readonly Station[] | DirectoryNeighbours<NeighbourDirectory>
  /** The MAC that is told for any other address; without it there is no answer. */
  readonly any?: Mac
  /** What happens to questions that have no answer: `pass` to the next layer, or `drop` as `NoSuchNeighbour`. */
  readonly otherwise: 'pass' | 'drop'
}

type Known = Map<string, Responder>

/** The number of responders that a rule keeps: a directory may name any number. */
const MOST_KNOWN = 1024

const decide = (config: AnswerNeighbourConfig, flow: FlowContext, known: Known): Decision => {
  const arp = flow.number('arpOperation') !== undefined
  const target = flow.ip(arp ? 'arpTarget' : 'ndpTarget')
  const sender = flow.ip(arp ? 'arpSender' : 'srcIp')
  if (target === undefined || sender === undefined) return other(config)
  // An announcement asks no station.
  if (sameIp(sender, target)) return proceed()
  const gateway = macOf(config.gateways, target)
  if (gateway !== undefined) return answerBy(responder(known, arp, gateway, true))
  // A probe whether an address is taken is for its owner to answer. For gateways, the layer is the owner.
  if (config.own.some((ip) => sameIp(ip, target)) || sender.words.every((w) => w === 0)) return proceed()
  const mac = neighbour(config, target, flow)
  return mac === undefined ? other(config) : answerBy(responder(known, arp, mac, false))
}

const other = ({ otherwise }: AnswerNeighbourConfig): Decision => (otherwise === 'drop' ? refuse('NoSuchNeighbour') : proceed())

const macOf = (stations: readonly Station[], target: IpAddress): Mac | undefined => stations.find(({ ip }) => ip.some((one) => sameIp(one, target)))?.mac

const neighbour = ({ gateways, neighbours, any }: AnswerNeighbourConfig, target: IpAddress, flow: FlowContext): Mac | undefined => {
  if (neighbours === undefined) return any
  if (isStations(neighbours)) return macOf(neighbours, target)
  const found = flow.lookup(neighbours.directory, { vni: neighbours.vni, ip: target })
  // What a directory holds that is known by its name only is not to be trusted to be a mapping.
  const place: unknown = found._tag === 'Some' && Array.isArray(found.value.endpoints) ? found.value.endpoints[0] : undefined
  if (typeof place !== 'object' || place === null || !('mac' in place) || !MacText.is(place.mac)) return undefined
  return neighbours.mac === 'gateway' ? gateways[0]?.mac : place.mac
}

const responder = (known: Known, arp: boolean, mac: Mac, router: boolean): Responder =>
  kept(known, `${arp ? 'arp' : router ? 'router' : 'ndp'} ${mac}`, () => (arp ? arpAnswer(mac) : ndpAnswer(mac, router)))

const kept = (known: Known, key: string, make: () => Responder): Responder => {
  const one = known.get(key) ?? make()
  if (known.size >= MOST_KNOWN) known.clear()
  known.set(key, one)
  return one
}

const InDirectory: t.Type<DirectoryNeighbours<NeighbourDirectory>, object> = strictlyPartial(
  { directory: resourceObject<NeighbourDirectory>('a directory'), vni: Vni }, { mac: word('mapping', 'gateway') }, 'neighbours in a directory',
)

/**
 * Rule type that answers ARP requests and neighbour solicitations: for gateways, for neighbours that are listed or in a directory, or for
 * any address. Announcements, questions about the port's own addresses, and probes whether an address is taken that is no gateway's go on to
 * the next layer. While the directory's answer is unknown, the question waits.
 *
 * Drops: `NoSuchNeighbour` for questions without an answer, if so configured; `NoReply` for those that no receiver may act on.
 *
 * A rule of this type needs conditions that hold only for packets with `arpOperation` 1, or only for neighbour solicitations.
 *
 * @see RFC 826, RFC 4861 §7.2; RFC 5227 §1.1 on probes and announcements of ARP, RFC 4862 §5.4 on those of IPv6
 */
export const answerNeighbour: RuleType<'answer-neighbour', AnswerNeighbourConfig, object, Map<string, Responder>> = defineRuleType({
  name: 'answer-neighbour',
  config: strictlyPartial(
    { gateways: t.readonlyArray(StationCodec), own: t.readonlyArray(Ip), otherwise: word('pass', 'drop') },
    { neighbours: t.union([t.readonlyArray(StationCodec), InDirectory]), any: MacText },
    'for whom is answered',
  ),
  init: (): Known => new Map(),
  decide,
})

/**
 * Rule type that answers packets to these stations by {@link echoAnswer}; packets to other addresses go on. Drops, as `NoReply`, those that
 * have no answer there.
 */
export const answerEcho: RuleType<'answer-echo', {
  /** Stations whose addresses are pinged. */
  readonly gateways: readonly Station[]
}, object, Map<string, Responder>> = defineRuleType({
  name: 'answer-echo',
  config: strictlyPartial({ gateways: t.readonlyArray(StationCodec) }, {}, 'who answers'),
  init: (): Known => new Map(),
  decide: ({ gateways }, flow, known: Known) => {
    const to = flow.ip('dstIp')
    const mac = to === undefined ? undefined : macOf(gateways, to)
    return mac === undefined ? proceed() : answerBy(kept(known, String(mac), () => echoAnswer(mac)))
  },
})
