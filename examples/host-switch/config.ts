/**
 * One host as a JSON file says it: its place on the physical network, its ports and what stands behind them, the layers of each, and
 * where the addresses of the virtual networks live.
 *
 * Layers stand in the order of the list, from the VM's side to the network's. Their policies are the layers' own to read:
 * here they are any JSON, and `rehearse` asks the layers.
 */
import { integer, Ip, MacText, PortNumber, Prefix, Vni } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { type ConfigProblem, problemsOfCodec } from './config-problem.js'
import { LAYER_NAMES } from './layer-types.js'
import { strictObject } from './strict-object.js'

/** A host. Addresses are text, each in the one way of writing it. */
export interface Config {
  /** What the host is called in reports. */
  readonly name: string
  /** Path of the unix socket that answers with the status; none unless said. */
  readonly status?: string
  /** The physical network; without it the ports have but each other. */
  readonly underlay?: UnderlayConfig
  /** What becomes of packets too long for the physical network; without `underlay` there are none, and no `mtu`. */
  readonly mtu?: MtuConfig
  /** Where customer addresses live: the resource `mappings` of every `vnet` layer. */
  readonly mappings?: readonly MappingConfig[]
  /** By name. */
  readonly ports: Readonly<Record<string, PortConfig>>
}

/** The host's place on the physical network. One of `interface` and `udp`. */
export interface UnderlayConfig {
  /** An interface that the switch takes for itself; the kernel should have no address on it. */
  readonly interface?: string
  /** Tunnels through sockets of the kernel's, without privileges: those it listens for. */
  readonly udp?: readonly ('vxlan' | 'geneve')[]
  /** The host's addresses as `192.0.2.1/24`, at least one; of `udp`, those that the kernel has. */
  readonly addresses: readonly string[]
  /** Ways beyond the networks of `addresses`, without `via` on the link itself; only with `interface`. */
  readonly routes?: readonly { readonly prefix: string; readonly via?: string }[]
  /** Largest packet on the physical network in bytes; that of the interface unless said. Only with `udp`. */
  readonly mtu?: number
}

/** What becomes of packets that are too long once they have their tunnel, as core's `MtuOptions`. */
export interface MtuConfig {
  /** Longest packet of the physical network; that of the underlay at the start unless said. */
  readonly network?: number
  readonly oversize?: 'tooBig' | 'fragment' | 'drop'
  readonly clampMss?: boolean
}

/** Where a customer address lives. */
export interface MappingConfig {
  readonly vni: number
  readonly ip: string
  /** Places that serve it, at least one: the host's physical address, the VM's MAC. */
  readonly at: readonly { readonly pa: string; readonly mac: string }[]
  /** The tunnel that its places take, if it differs from what the sender's policy says. */
  readonly tunnel?: 'vxlan' | 'geneve' | 'nvgre'
}

/** A port and what stands behind it. */
export interface PortConfig {
  /** The VM's MAC. */
  readonly mac: string
  /** The VM's addresses. */
  readonly ip?: readonly string[]
  /** The virtual network. */
  readonly vni?: number
  readonly nic: NicConfig
  /** From the VM's side to the network's. */
  readonly layers?: readonly LayerConfig[]
}

/** What connects a port to its VM: exactly one of these. */
export interface NicConfig {
  /** An existing interface, as the host's end of a veth pair. */
  readonly afPacket?: { readonly interface: string }
  /** A TAP device, made by the switch and gone with it. Its `mac` is the port's unless said. */
  readonly tap?: { readonly interface: string; readonly mac?: string; readonly mtu?: number }
  /** The socket that a QEMU guest's `-netdev stream` connects to: a path, or a host and port. */
  readonly qemu?: { readonly path?: string; readonly host?: string; readonly port?: number; readonly mtu?: number }
}

/** A layer and its policy. */
export interface LayerConfig {
  /** The layer type's name, as `acl`. */
  readonly layer: string
  /** What it is called on the port; its type's name unless said. */
  readonly name?: string
  /** The layer's own language; see `docs/layers`. */
  readonly policy?: unknown
}

/** Kinds of {@link NicConfig}. */
export const NIC_KINDS = ['afPacket', 'tap', 'qemu'] as const

const text = (name: string, pattern: RegExp): t.Type<string> => {
  const is = (u: unknown): u is string => typeof u === 'string' && pattern.test(u)
  return new t.Type(name, is, (u, context) => (is(u) ? t.success(u) : t.failure(u, context, `expected ${name}`)), (a) => a)
}
const oneOf = <W extends string>(words: readonly W[], name = 'one of'): t.Type<W> => {
  const is = (u: unknown): u is W => words.some((word) => word === u)
  return new t.Type(name, is, (u, context) => (is(u) ? t.success(u) : t.failure(u, context, `expected ${name} ${words.join(', ')}`)), (a) => a)
}
const atLeastOne = <A, O>(one: t.Type<A, O>, name: string): t.Type<readonly A[], readonly O[]> => {
  const several = t.readonlyArray(one, name)
  return new t.Type<readonly A[], readonly O[]>(
    name,
    several.is,
    (u, context) => (Array.isArray(u) && u.length === 0 ? t.failure(u, context, `expected ${name}, at least one`) : several.validate(u, context)),
    several.encode,
  )
}

const InterfaceName = text('the name of an interface, 1–15 characters without space or slash', /^[^\s/]{1,15}$/)
const Path = text('a path', /./)
const UdpTunnel: t.Type<'vxlan' | 'geneve'> = oneOf(['vxlan', 'geneve'])
const MappedTunnel: t.Type<'vxlan' | 'geneve' | 'nvgre'> = oneOf(['vxlan', 'geneve', 'nvgre'])
const Mtu = integer(576, 65_535, 'an MTU')

/** An address and the length of its network's prefix; the host's own bits stay. */
const OwnAddress: t.Type<string> = (() => {
  const name = 'an address and prefix length as 192.0.2.1/24'
  const read = (u: unknown): string | undefined => {
    if (typeof u !== 'string') return undefined
    const [address, length, more] = u.split('/')
    const ip = Ip.decode(address)
    const bits = Number(length)
    if (E.isLeft(ip) || more !== undefined || !/^\d{1,3}$/.test(length ?? '') || bits > (ip.right.version === 4 ? 32 : 128)) return undefined
    return `${Ip.encode(ip.right)}/${bits}`
  }
  return new t.Type<string>(name, (u): u is string => read(u) !== undefined, (u, context) => {
    const own = read(u)
    return own === undefined ? t.failure(u, context, `expected ${name}`) : t.success(own)
  }, (a) => a)
})()

const Underlay = strictObject({ addresses: atLeastOne(OwnAddress, 'addresses') }, {
  interface: InterfaceName, udp: atLeastOne(UdpTunnel, 'tunnels'), mtu: Mtu,
  routes: t.readonlyArray(strictObject({ prefix: Prefix }, { via: Ip }, 'a route'), 'routes'),
}, 'an underlay')

const Oversize: t.Type<'tooBig' | 'fragment' | 'drop'> = oneOf(['tooBig', 'fragment', 'drop'])

const MtuCodec = strictObject({}, { network: Mtu, oversize: Oversize, clampMss: t.boolean }, 'MTU options')

const MappingCodec = strictObject(
  { vni: Vni, ip: Ip, at: atLeastOne(strictObject({ pa: Ip, mac: MacText }, {}, 'a place'), 'places') }, { tunnel: MappedTunnel }, 'a mapping',
)

const NicCodec = strictObject({}, {
  afPacket: strictObject({ interface: InterfaceName }, {}, 'an AF_PACKET NIC'),
  tap: strictObject({ interface: InterfaceName }, { mac: MacText, mtu: Mtu }, 'a TAP device'),
  qemu: strictObject({}, { path: Path, host: t.string, port: PortNumber, mtu: Mtu }, 'a QEMU socket'),
}, 'a NIC')

const LayerCodec = strictObject({ layer: oneOf(LAYER_NAMES, 'a layer:') }, { name: text('a name', /./), policy: t.unknown }, 'a layer')

const PortCodec = strictObject(
  { mac: MacText, nic: NicCodec }, { ip: t.readonlyArray(Ip, 'addresses'), vni: Vni, layers: t.readonlyArray(LayerCodec, 'layers') }, 'a port',
)

const ConfigCodec = strictObject(
  { name: text('a name', /./), ports: t.record(t.string, PortCodec, 'ports by name') },
  { status: Path, underlay: Underlay, mtu: MtuCodec, mappings: t.readonlyArray(MappingCodec, 'mappings') }, 'a host',
)

/** Reads a configuration; all that is wrong in its form at once. What its parts say to each other, `crossCheck` looks at. */
export const decodeConfig = (json: unknown): E.Either<readonly ConfigProblem[], Config> => {
  const read = ConfigCodec.decode(json)
  return E.isLeft(read) ? E.left(problemsOfCodec(read.left)) : E.right(withTapMacs(ConfigCodec.encode(read.right)))
}

/** A TAP device is the VM's own interface: with another MAC it could neither speak nor hear. */
const withTapMacs = (config: Config): Config => ({
  ...config,
  ports: Object.fromEntries(Object.entries(config.ports).map(([name, port]) =>
    [name, port.nic.tap === undefined ? port : { ...port, nic: { ...port.nic, tap: { mac: port.mac, ...port.nic.tap } } }])),
})
