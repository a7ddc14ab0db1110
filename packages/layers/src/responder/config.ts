/** The responder layer's language: gateways that are not there, and neighbours that are elsewhere. */
import { type CustomerAddress, Ip, type IpAddress, type Mac, MacText, type Mapping, type Resource, sameIp, strictly, strictlyPartial, Vni } from '@vfp-ts/core'
import * as t from 'io-ts'
import { type Objection, oneOrMore, refined, word } from '../codecs.js'
import { resourceOrName } from '../resource.js'

/** Where neighbours live: core's `directory()`, or any resource of the same shape. */
export type NeighbourDirectory = Resource<CustomerAddress, Mapping>

/** A station as written: an address, or several, and their MAC. */
export interface StationJson {
  readonly ip: string | readonly string[]
  readonly mac: string
}

/** A station as read. */
export interface Station {
  /** At least one. */
  readonly ip: readonly IpAddress[]
  readonly mac: Mac
}

/** Neighbours in a directory. */
export interface DirectoryNeighbours<D = NeighbourDirectory | string> {
  /** The object, or the name of a resource the switch was opened with. */
  readonly directory: D
  /** The virtual network whose mappings are asked. */
  readonly vni: number
  /** Which MAC is told: that of the mapping (of its first place), or that of the first gateway; `mapping` unless said. */
  readonly mac?: 'mapping' | 'gateway'
}

/** For whom else the layer answers: everybody, with the MAC of the first gateway; these; or whoever is in a directory. */
export type NeighboursJson = 'any' | readonly StationJson[] | DirectoryNeighbours
/** For whom else the layer answers. */
export type Neighbours = 'any' | readonly Station[] | DirectoryNeighbours

/** The responder's configuration as written. */
export interface ResponderJson {
  /** Stations that nobody is: the layer answers for them. */
  readonly gateways: readonly StationJson[]
  /** Stations that are elsewhere; none unless said. */
  readonly neighbours?: NeighboursJson
  /** Whether echo requests to gateways are answered; `true` unless said. */
  readonly echo?: boolean
  /** What becomes of other questions: `pass` to the next layer, or `drop` as `NoSuchNeighbour`. Unless said, `drop` where `neighbours` are given. */
  readonly otherwise?: 'pass' | 'drop'
  /** Whose questions are answered: those of the port's `vm`, of the `network`, or of `both`; `vm` unless said. */
  readonly asked?: 'vm' | 'network' | 'both'
}

/** The responder's configuration as read. */
export interface ResponderConfig {
  readonly gateways: readonly Station[]
  readonly neighbours?: Neighbours
  readonly echo?: boolean
  readonly otherwise?: 'pass' | 'drop'
  readonly asked?: 'vm' | 'network' | 'both'
}

/** A station. */
export const StationCodec: t.Type<Station, StationJson> = strictly({ ip: oneOrMore(Ip), mac: MacText }, 'a station')

const Stations = t.readonlyArray(StationCodec, 'a list of stations')
const InDirectory: t.Type<DirectoryNeighbours> = strictlyPartial(
  { directory: resourceOrName<NeighbourDirectory>('a directory'), vni: Vni }, { mac: word('mapping', 'gateway') }, 'neighbours in a directory',
)

const NeighboursCodec: t.Type<Neighbours, NeighboursJson> = new t.Type<Neighbours, NeighboursJson>(
  'neighbours',
  (u): u is Neighbours => u === 'any' || Stations.is(u) || InDirectory.is(u),
  (u, context) => {
    if (u === 'any') return t.success(u)
    if (Array.isArray(u)) return Stations.validate(u, context)
    return typeof u === 'object' && u !== null ? InDirectory.validate(u, context) : t.failure(u, context, 'expected "any", a list of stations, or an object with a directory')
  },
  (a) => (a === 'any' ? a : isStations(a) ? Stations.encode(a) : InDirectory.encode(a)),
)

/** Whether neighbours are listed. */
export const isStations = (a: Neighbours): a is readonly Station[] => Array.isArray(a)

const objection = ({ gateways, neighbours }: ResponderConfig): Objection | undefined => {
  const all = [...gateways, ...(neighbours !== undefined && neighbours !== 'any' && isStations(neighbours) ? neighbours : [])].flatMap(({ ip }) => ip)
  if (all.some((a, i) => all.slice(0, i).some((b) => sameIp(a, b)))) return { at: 'gateways', reason: 'an address of one of them is another\'s or a neighbour\'s, too' }
  const ofGateway = neighbours === 'any' || (neighbours !== undefined && !isStations(neighbours) && neighbours.mac === 'gateway')
  return ofGateway && gateways.length === 0 ? { at: 'gateways', reason: 'the neighbours are to have the MAC of the first gateway, and there is none' } : undefined
}

/** The codec of the whole policy. */
export const codec: t.Type<ResponderConfig, ResponderJson> = refined<ResponderConfig, object, ResponderJson>(
  strictlyPartial(
    { gateways: Stations },
    { neighbours: NeighboursCodec, echo: t.boolean, otherwise: word('pass', 'drop'), asked: word('vm', 'network', 'both') },
    'a responder policy',
  ),
  objection,
)
