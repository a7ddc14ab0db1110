/** The VNET layer's language: a tenant's network, the host's underlay addresses, and routes. */
import {
  type CustomerAddress, Ip, type IpAddress, type IpPrefix, type Mapping, type NetworkTunnel, Prefix, type Resource, strictlyPartial, Vni,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, orText, refined, word } from '../codecs.js'
import { resourceObject, resourceOrName } from '../resource.js'
import { Addresses, Encap, OUTER_HEADER, type OuterHeader, type OuterHeaderJson } from '../underlay.js'

/** Where customer addresses live: core's `directory()`, or any resource of the same shape. */
export type VnetDirectory = Resource<CustomerAddress, Mapping>

/** A route as written; a prefix alone leads into the virtual network. */
export type VnetRouteJson = string | {
  readonly prefix: string
  /**
   * `vnet`: through a tunnel to wherever the directory says. `internet`: out as it is. `service`: as it is to a layer nearer
   * the wire that takes it, as `privateLink`, and nowhere if none does. `drop`: nowhere, counted as `RouteDrop`. `vnet` unless said.
   */
  readonly to?: VnetRouteTo
  /** The virtual network whose mappings are asked, for a peered network; the layer's own unless said. Only with `vnet`. */
  readonly vni?: number
  /** The address to look up instead of the packet's destination, as that of a router inside the network. Only with `vnet`. */
  readonly via?: string
  /** Name of the rule; by default the prefix. */
  readonly name?: string
}

/** Where a route leads. */
export type VnetRouteTo = 'vnet' | 'internet' | 'service' | 'drop'

/** The VNET layer's configuration as written. */
export interface VnetJson extends OuterHeaderJson {
  /** The tenant's virtual network, 24 bits. */
  readonly vni: number
  /** The host's physical addresses. Tunnels to any of them are taken; the first of the other end's IP version is the source. */
  readonly underlay: string | readonly string[]
  /** The longest prefix that holds the destination decides. */
  readonly routes: readonly VnetRouteJson[]
  /** Where customer addresses live: the object, or the name of a resource the switch was opened with. */
  readonly directory: VnetDirectory | string
  /** The encapsulation of tunnels to places whose mapping names none; `vxlan` unless said. Tunnels of any of the three are taken. */
  readonly encap?: NetworkTunnel
  /**
   * Whether answers of VMs to ARP questions take the tunnel to whoever asked: for other hosts that let their VMs ask over the network. `false` unless
   * said, where a responder on each host answers instead and no ARP crosses the network.
   */
  readonly arp?: boolean
}

/** A route as read. */
export interface VnetRoute {
  readonly prefix: IpPrefix
  readonly to?: VnetRouteTo
  readonly vni?: number
  readonly via?: IpAddress
  readonly name?: string
}

/** The VNET layer's configuration as read. */
export interface VnetConfig extends OuterHeader {
  readonly vni: number
  /** At least one. */
  readonly underlay: readonly IpAddress[]
  readonly routes: readonly VnetRoute[]
  readonly directory: VnetDirectory | string
  readonly encap?: NetworkTunnel
  readonly arp?: boolean
}

const objection = (route: VnetRoute): Objection | undefined => {
  if (route.to === undefined || route.to === 'vnet') return undefined
  if (route.vni !== undefined) return { at: 'vni', reason: `nothing is looked up on a route to ${route.to}` }
  return route.via === undefined ? undefined : { at: 'via', reason: `nothing is looked up on a route to ${route.to}` }
}

const Route: t.Type<VnetRoute, VnetRouteJson> = orText(
  refined<VnetRoute, object, Exclude<VnetRouteJson, string>>(
    strictlyPartial({ prefix: Prefix }, { to: word('vnet', 'internet', 'service', 'drop'), vni: Vni, via: Ip, name: Name }, 'a route'),
    objection,
  ),
  Prefix,
  (prefix): VnetRoute => ({ prefix }),
  (route) => (Object.keys(route).length === 1 ? route.prefix : undefined),
)

/** A resource as an object; its written form is its name, which only a switch can turn back into the object. */
export const DirectoryObject: t.Type<VnetDirectory, string> = resourceObject<VnetDirectory>('a directory')

/** The codec of the whole policy. */
export const codec: t.Type<VnetConfig, VnetJson> = strictlyPartial(
  { vni: Vni, underlay: Addresses, routes: t.readonlyArray(Route), directory: resourceOrName<VnetDirectory>('a directory') },
  { encap: Encap, arp: t.boolean, ...OUTER_HEADER },
  'a VNET policy',
)
