/** The VNET layer's language: a tenant's network, the host's underlay addresses, and routes. */
import {
  type CustomerAddress, integer, Ip, type IpAddress, type IpPrefix, type Mac, MacText, type Mapping, Prefix, type Resource, strictlyPartial, Vni,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, orText, refined, word } from '../codecs.js'

/** Where customer addresses live: core's `directory()`, or any resource of the same shape. */
export type VnetDirectory = Resource<CustomerAddress, Mapping>

/** A route as written; a prefix alone leads into the virtual network. */
export type VnetRouteJson = string | {
  readonly prefix: string
  /**
   * `vnet`: through a tunnel to wherever the directory says. `internet`: out as it is. `drop`: nowhere, counted as
   * `RouteDrop`. `vnet` unless said.
   */
  readonly to?: 'vnet' | 'internet' | 'drop'
  /** The virtual network whose mappings are asked, for a peered network; the layer's own unless said. Only with `vnet`. */
  readonly vni?: number
  /** The address to look up instead of the packet's destination, as that of a router inside the network. Only with `vnet`. */
  readonly via?: string
  /** Name of the rule; by default the prefix. */
  readonly name?: string
}

/** The VNET layer's configuration as written. */
export interface VnetJson {
  /** The tenant's virtual network, 24 bits. */
  readonly vni: number
  /** The host's physical addresses. Tunnels to any of them are taken; the first of the other end's IP version is the source. */
  readonly underlay: string | readonly string[]
  /** The longest prefix that holds the destination decides. */
  readonly routes: readonly VnetRouteJson[]
  /** Where customer addresses live: the object, or the name of a resource the switch was opened with. */
  readonly directory: VnetDirectory | string
  /** Source MAC of tunnels; zero unless said, for whoever puts frames on the wire to fill in. */
  readonly underlayMac?: string
  /** Destination MAC of tunnels; zero unless said. */
  readonly nextHopMac?: string
  /** TTL or hop limit of tunnels, 1–255; 64 unless said. */
  readonly ttl?: number
}

/** A route as read. */
export interface VnetRoute {
  readonly prefix: IpPrefix
  readonly to?: 'vnet' | 'internet' | 'drop'
  readonly vni?: number
  readonly via?: IpAddress
  readonly name?: string
}

/** The VNET layer's configuration as read. */
export interface VnetConfig {
  readonly vni: number
  /** At least one. */
  readonly underlay: readonly IpAddress[]
  readonly routes: readonly VnetRoute[]
  readonly directory: VnetDirectory | string
  readonly underlayMac?: Mac
  readonly nextHopMac?: Mac
  readonly ttl?: number
}

const objection = (route: VnetRoute): Objection | undefined => {
  if (route.to === undefined || route.to === 'vnet') return undefined
  if (route.vni !== undefined) return { at: 'vni', reason: `nothing is looked up on a route to ${route.to}` }
  return route.via === undefined ? undefined : { at: 'via', reason: `nothing is looked up on a route to ${route.to}` }
}

const Route: t.Type<VnetRoute, VnetRouteJson> = orText(
  refined<VnetRoute, object, Exclude<VnetRouteJson, string>>(
    strictlyPartial({ prefix: Prefix }, { to: word('vnet', 'internet', 'drop'), vni: Vni, via: Ip, name: Name }, 'a route'),
    objection,
  ),
  Prefix,
  (prefix): VnetRoute => ({ prefix }),
  (route) => (Object.keys(route).length === 1 ? route.prefix : undefined),
)

const Several = t.readonlyArray(Ip)

/** One address or several, at least one; one is written without brackets. */
export const Underlay: t.Type<readonly IpAddress[], string | readonly string[]> = new t.Type<readonly IpAddress[], string | readonly string[]>(
  'underlay addresses',
  (u): u is readonly IpAddress[] => Several.is(u) && u.length > 0,
  (u, context) => {
    if (Array.isArray(u)) return u.length > 0 ? Several.validate(u, context) : t.failure(u, context, 'expected at least one address')
    const one = Ip.validate(u, context)
    return one._tag === 'Left' ? one : t.success([one.right])
  },
  (addresses) => {
    const texts = Several.encode(addresses)
    return texts.length === 1 && texts[0] !== undefined ? texts[0] : texts
  },
)

const isResource = (u: unknown): u is VnetDirectory =>
  typeof u === 'object' && u !== null && 'name' in u && typeof u.name === 'string' && 'lookup' in u && typeof u.lookup === 'function'

/** A resource as an object; its written form is its name, which only a switch can turn back into the object. */
export const DirectoryObject: t.Type<VnetDirectory, string> = new t.Type<VnetDirectory, string>(
  'a directory',
  isResource,
  (u, context) => (isResource(u) ? t.success(u) : t.failure(u, context, 'expected a directory: an object with a name and a lookup function')),
  (resource) => resource.name,
)

const Directory = new t.Type<VnetDirectory | string, VnetDirectory | string>(
  'a directory or its name',
  (u): u is VnetDirectory | string => Name.is(u) || isResource(u),
  (u, context) =>
    Name.is(u) || isResource(u)
      ? t.success(u)
      : t.failure(u, context, 'expected a directory: the name of a resource of the switch, or an object with a name and a lookup function'),
  (a) => a,
)

/** The codec of the whole policy. */
export const codec: t.Type<VnetConfig, VnetJson> = strictlyPartial(
  { vni: Vni, underlay: Underlay, routes: t.readonlyArray(Route), directory: Directory },
  { underlayMac: MacText, nextHopMac: MacText, ttl: integer(1, 255, 'a TTL') },
  'a VNET policy',
)
