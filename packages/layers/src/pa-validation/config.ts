/** The PA-validation layer's language: physical addresses per virtual network, or a resource that holds them. */
import { type IpAddress, type IpPrefix, Prefix, strictlyPartial, Vni } from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, oneOrMore, refined, word } from '../codecs.js'
import { Addresses } from '../underlay.js'
import { resourceObject, resourceOrName } from '../resource.js'
import type { PaSourceSet } from './sources.js'

/** The hosts that may send tunnels of a network, as written. */
export interface PaNetworkJson {
  /** The virtual network, 24 bits; every network, and plain GRE, unless said. */
  readonly vni?: number
  /** Prefix, or prefixes, of physical addresses, of either IP version. */
  readonly from: string | readonly string[]
  /** Name of the rule, once a policy; `vni-5001` or `every-network` unless said. `sources`, `unknown-source` and `plain` are taken. */
  readonly name?: string
}

/** The configuration as written; it has `networks`, `sources` or both. */
export interface PaValidationJson {
  /** Sources per network, each network once; none unless said. With an empty list no source is known. */
  readonly networks?: readonly PaNetworkJson[]
  /** Where sources are looked up that `networks` does not hold: the object, or the name of a resource that the switch was opened with. */
  readonly sources?: PaSourceSet | string
  /** What happens to frames without a tunnel, ARP among them; `deny` unless said. */
  readonly plain?: 'allow' | 'deny'
  /** The host's physical addresses, where other layers of the port do not name them: tunnels to them are judged, and what goes elsewhere is plain. */
  readonly underlay?: string | readonly string[]
}

/** The hosts that may send tunnels of a network, as read. */
export interface PaNetwork {
  /** The virtual network, 24 bits; every network unless said. */
  readonly vni?: number
  /** Prefixes of physical addresses, at least one. */
  readonly from: readonly IpPrefix[]
  /** Name of the rule; `vni-5001` or `every-network` unless said. */
  readonly name?: string
}

/** The configuration as read. */
export interface PaValidationConfig {
  /** Sources per network, each network once; none unless said. */
  readonly networks?: readonly PaNetwork[]
  /** Where sources are looked up that `networks` does not hold: the object, or the name of a resource of the switch. */
  readonly sources?: PaSourceSet | string
  /** What happens to frames without a tunnel; `deny` unless said. */
  readonly plain?: 'allow' | 'deny'
  /** Addresses that tunnels end at here; none are known unless given. */
  readonly underlay?: readonly IpAddress[]
}

/** A set of sources as an object; its written form is its name, which only a switch can turn back into the object. */
export const SourcesObject: t.Type<PaSourceSet, string> = resourceObject<PaSourceSet>('a set of sources')

const objection = (config: PaValidationConfig): Objection | undefined =>
  config.networks === undefined && config.sources === undefined ? { reason: 'has neither "networks" nor "sources": it would know nobody' } : undefined

const Network: t.Type<PaNetwork, PaNetworkJson> = strictlyPartial({ from: oneOrMore(Prefix) }, { vni: Vni, name: Name }, 'a network')

/** The codec of the whole policy. */
export const codec: t.Type<PaValidationConfig, PaValidationJson> = refined<PaValidationConfig, object, PaValidationJson>(
  strictlyPartial(
    {},
    { networks: t.readonlyArray(Network), sources: resourceOrName<PaSourceSet>('a set of sources'), plain: word('allow', 'deny'), underlay: Addresses },
    'a PA-validation policy',
  ),
  objection,
)
