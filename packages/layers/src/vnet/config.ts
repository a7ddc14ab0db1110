/** The VNET layer's language: a tenant's network, the host's underlay addresses, and routes. */
import {
  type CustomerAddress, Ip, type IpAddress, type IpPrefix, type Mapping, type NetworkTunnel, Prefix, type Resource, strictlyPartial, Vni,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, orText, refined, word } from '../codecs.js'
import { resourceObject, resourceOrName } from '../resource.js'
import { Addresses, Encap, OUTER_HEADER, type OuterHeader, type OuterHeaderJson } from '../underlay.js'

/** A resource from customer addresses to mappings: core's `directory()`, or any other of the same shape. */
export type VnetDirectory = Resource<CustomerAddress, Mapping>

/** A route as written: an object, or a prefix alone, which leads into the virtual network. */
export type VnetRouteJson = string | {
  /** Destinations of the route, IPv4 or IPv6, once a policy. */
  readonly prefix: string
  /** Where the route leads; `vnet` unless said. */
  readonly to?: VnetRouteTo
  /** The virtual network whose mappings are looked up, 24 bits, for a peered network; the layer's own unless said. Only with `vnet`. */
  readonly vni?: number
  /** The address to look up, such as that of a router inside the network; the packet's destination unless said. Only with `vnet`. */
  readonly via?: string
  /** Name of the route's rule, once a policy; the prefix unless said. */
  readonly name?: string
}

/**
 * Where a route leads. `vnet`: through a tunnel to where the directory says. `internet`: out, unchanged. `service`: unchanged to a layer nearer
 * the wire that takes it, such as `privateLink`; dropped as `NotTaken` if none does. `drop`: dropped as `RouteDrop`.
 */
export type VnetRouteTo = 'vnet' | 'internet' | 'service' | 'drop'

/** The VNET layer's configuration as written. */
export interface VnetJson extends OuterHeaderJson {
  /** The tenant's virtual network, 24 bits. */
  readonly vni: number
  /** The host's physical addresses. Tunnels to any of them are removed; the first of the other end's IP version is the source of tunnels. */
  readonly underlay: string | readonly string[]
  /** Routes, each prefix once; the longest that holds the destination decides. */
  readonly routes: readonly VnetRouteJson[]
  /** Where customer addresses are looked up: the object, or the name of a resource that the switch was opened with. */
  readonly directory: VnetDirectory | string
  /** Encapsulation of tunnels where the mapping has none; `vxlan` unless said. Inbound, tunnels of all three are removed. */
  readonly encap?: NetworkTunnel
  /**
   * Whether answers of VMs to ARP requests are tunnelled to the sender of the request, for hosts that let their VMs ask over the network. `false`
   * unless said: then a responder on each host answers, and no ARP crosses the network.
   */
  readonly arp?: boolean
}

/** A route as read. */
export interface VnetRoute {
  /** Destinations of the route. */
  readonly prefix: IpPrefix
  /** Where it leads; `vnet` unless said. */
  readonly to?: VnetRouteTo
  /** The virtual network whose mappings are looked up; the layer's own unless said. Only with `vnet`. */
  readonly vni?: number
  /** The address to look up; the packet's destination unless said. Only with `vnet`. */
  readonly via?: IpAddress
  /** Name of the rule; the prefix unless said. */
  readonly name?: string
}

/** The VNET layer's configuration as read. */
export interface VnetConfig extends OuterHeader {
  /** The tenant's virtual network, 24 bits. */
  readonly vni: number
  /** The host's physical addresses, at least one. */
  readonly underlay: readonly IpAddress[]
  /** Routes, each prefix once; the longest that holds the destination decides. */
  readonly routes: readonly VnetRoute[]
  /** Where customer addresses are looked up: the object, or the name of a resource of the switch. */
  readonly directory: VnetDirectory | string
  /** Encapsulation where the mapping has none; `vxlan` unless said. */
  readonly encap?: NetworkTunnel
  /** Whether answers of VMs to ARP requests are tunnelled to the sender; `false` unless said. */
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
