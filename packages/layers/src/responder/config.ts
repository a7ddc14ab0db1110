/** The responder layer's language: gateways without a VM, and neighbours that are elsewhere. */
import { type CustomerAddress, Ip, type IpAddress, type Mac, MacText, type Mapping, type Resource, sameIp, strictly, strictlyPartial, Vni } from '@vfp-ts/core'
import * as t from 'io-ts'
import { type Objection, oneOrMore, refined, word } from '../codecs.js'
import { resourceOrName } from '../resource.js'

/** A resource from customer addresses to mappings: core's `directory()`, or any other of the same shape. */
export type NeighbourDirectory = Resource<CustomerAddress, Mapping>

/** A station as written: addresses and their MAC. */
export interface StationJson {
  /** Its address, or several, of either IP version. No address is in two stations. */
  readonly ip: string | readonly string[]
  /** The MAC that answers for its addresses tell. */
  readonly mac: string
}

/** A station as read. */
export interface Station {
  /** Addresses, at least one. */
  readonly ip: readonly IpAddress[]
  /** The MAC that answers for its addresses tell. */
  readonly mac: Mac
}

/** Neighbours that a directory holds. */
export interface DirectoryNeighbours<D = NeighbourDirectory | string> {
  /** The object, or the name of a resource the switch was opened with. */
  readonly directory: D
  /** The virtual network whose mappings are looked up, 24 bits. */
  readonly vni: number
  /** The MAC that answers tell: that of the mapping's first endpoint, or that of the first gateway; `mapping` unless said. */
  readonly mac?: 'mapping' | 'gateway'
}

/**
 * Addresses beside the gateways' for which the layer answers, as written: `any` address, with the MAC of the first gateway; a list; or
 * those in a directory.
 */
export type NeighboursJson = 'any' | readonly StationJson[] | DirectoryNeighbours
/** Addresses beside the gateways' for which the layer answers, as read. */
export type Neighbours = 'any' | readonly Station[] | DirectoryNeighbours

/** The responder's configuration as written. */
export interface ResponderJson {
  /** Stations without a VM for which the layer answers; none of them has an address of the port. */
  readonly gateways: readonly StationJson[]
  /** Stations elsewhere for which the layer answers; none unless said. */
  readonly neighbours?: NeighboursJson
  /** Whether echo requests to gateways are answered; `true` unless said. */
  readonly echo?: boolean
  /**
   * What happens to other questions: `pass` to the next layer, or `drop` as `NoSuchNeighbour`. Unless said, `drop` where `neighbours` are
   * given, else `pass`.
   */
  readonly otherwise?: 'pass' | 'drop'
  /** Whose questions are answered: those of the port's `vm`, of the `network`, or of `both`; `vm` unless said. */
  readonly asked?: 'vm' | 'network' | 'both'
}

/** The responder's configuration as read. */
export interface ResponderConfig {
  /** Stations without a VM for which the layer answers. */
  readonly gateways: readonly Station[]
  /** Stations elsewhere for which the layer answers; none unless said. */
  readonly neighbours?: Neighbours
  /** Whether echo requests to gateways are answered; `true` unless said. */
  readonly echo?: boolean
  /** What happens to other questions; unless said, `drop` where `neighbours` are given, else `pass`. */
  readonly otherwise?: 'pass' | 'drop'
  /** Whose questions are answered; `vm` unless said. */
  readonly asked?: 'vm' | 'network' | 'both'
}

/** The codec of a station. */
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

/** Returns whether neighbours are a list. */
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
