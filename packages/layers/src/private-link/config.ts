/** The private link's language: services under IPv4 addresses, and the bits of the source address that say which VM asks. */
import {
  integer, Ip, type IpAddress, type IpPrefix, type Mac, MacText, type NetworkTunnel, Prefix, strictly, strictlyPartial, Vni,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, refined } from '../codecs.js'
import { Addresses, Encap, OUTER_HEADER, type OuterHeader, type OuterHeaderJson } from '../underlay.js'

/** Bits that are put over every source address, as written: those of `value` where `mask` has ones. */
export interface EncodingJson {
  /** The bits, as an IPv6 address; none set where `mask` has none. */
  readonly value: string
  /** Ones where the bits go; none in the last 32 bits, which are the address of the VM. */
  readonly mask: string
}

/** One service as written. */
export interface ServiceJson {
  /** The IPv4 address by which VMs know the service. */
  readonly ca: string
  /** Physical address at which the tunnel ends, or several of which each connection has one. */
  readonly pa: string | readonly string[]
  /** IPv6 prefix of 96 bits that, with the VM's IPv4 address behind it, is the source address that the service sees. */
  readonly source: string
  /** The service's IPv6 address. */
  readonly destination: string
  /** Network identifier of the tunnel, 24 bits: the link's own. */
  readonly key: number
  /** Encapsulation of the tunnel; `nvgre` unless said. */
  readonly encap?: NetworkTunnel
  /** Destination MAC of the inner frame; the one that the VM sent to unless said. */
  readonly mac?: string
  /** Name of the service's rule, once a policy; the `ca` unless said. */
  readonly name?: string
}

/** The private link's configuration as written. */
export interface PrivateLinkJson extends OuterHeaderJson {
  /** The host's physical addresses; the first of the other end's IP version is the source of tunnels. */
  readonly underlay: string | readonly string[]
  /** Services, each `ca` once. */
  readonly services: readonly ServiceJson[]
  /** Bits of the source address that say which VM or subscription asks; none unless said. */
  readonly encoding?: EncodingJson
  /** Milliseconds without a packet after which a connection is forgotten, from 1; core's default (240,000) unless said. */
  readonly idleMs?: number
}

/** Bits that are put over every source address, as read. */
export interface Encoding {
  /** The bits, as an IPv6 address; none set where `mask` has none. */
  readonly value: IpAddress
  /** Ones where the bits go; none in the last 32 bits. */
  readonly mask: IpAddress
}

/** One service as read. */
export interface Service {
  /** The IPv4 address by which VMs know the service. */
  readonly ca: IpAddress
  /** Physical addresses at which the tunnel ends, at least one. */
  readonly pa: readonly IpAddress[]
  /** IPv6 prefix of 96 bits of the source address that the service sees. */
  readonly source: IpPrefix
  /** The service's IPv6 address. */
  readonly destination: IpAddress
  /** Network identifier of the tunnel, 24 bits. */
  readonly key: number
  /** Encapsulation of the tunnel; `nvgre` unless said. */
  readonly encap?: NetworkTunnel
  /** Destination MAC of the inner frame; the one that the VM sent to unless said. */
  readonly mac?: Mac
  /** Name of the rule; the `ca` unless said. */
  readonly name?: string
}

/** The private link's configuration as read. */
export interface PrivateLinkConfig extends OuterHeader {
  /** The host's physical addresses, at least one. */
  readonly underlay: readonly IpAddress[]
  /** Services, each `ca` once. */
  readonly services: readonly Service[]
  /** Bits of the source address that say which VM or subscription asks; none unless said. */
  readonly encoding?: Encoding
  /** Milliseconds without a packet after which a connection is forgotten, from 1; core's default (240,000) unless said. */
  readonly idleMs?: number
}

/** Length of the prefixes of source addresses: an IPv4 address fits behind them. */
export const SOURCE_BITS = 96

/** Returns why the addresses of a link do not go together; `undefined` if they do. */
export const versionObjection = ({ source, destination }: Pick<Service, 'source' | 'destination'>): Objection | undefined => {
  if (destination.version !== 6) return { at: 'destination', reason: 'a service has an IPv6 address' }
  return source.address.version === 6 && source.length === SOURCE_BITS ? undefined : { at: 'source', reason: `expected an IPv6 prefix of ${SOURCE_BITS} bits` }
}

/** A codec of {@link Encoding}. */
export const EncodingCodec: t.Type<Encoding, EncodingJson> = refined(
  strictly({ value: Ip, mask: Ip }, 'an encoding'),
  ({ value, mask }: Encoding): Objection | undefined => {
    const wrong = value.version !== 6 ? 'value' : mask.version !== 6 ? 'mask' : undefined
    if (wrong !== undefined) return { at: wrong, reason: 'expected an IPv6 address' }
    if (mask.words[3] !== 0) return { at: 'mask', reason: 'the last 32 bits are the address of the VM' }
    return value.words.every((word, i) => (word & ~(mask.words[i] ?? 0)) === 0) ? undefined : { at: 'value', reason: 'bits are set where the mask has none' }
  },
)

const ServiceCodec: t.Type<Service, ServiceJson> = refined(
  strictlyPartial({ ca: Ip, pa: Addresses, source: Prefix, destination: Ip, key: Vni }, { encap: Encap, mac: MacText, name: Name }, 'a service'),
  (service: Service): Objection | undefined =>
    service.ca.version === 4 ? versionObjection(service) : { at: 'ca', reason: 'VMs know a service by an IPv4 address: IPv6 needs no translation, only a route' },
)

/** The codec of the whole policy. */
export const codec: t.Type<PrivateLinkConfig, PrivateLinkJson> = strictlyPartial(
  { underlay: Addresses, services: t.readonlyArray(ServiceCodec) },
  { encoding: EncodingCodec, idleMs: integer(1, 0xffff_ffff, 'milliseconds'), ...OUTER_HEADER },
  'a private link policy',
)
