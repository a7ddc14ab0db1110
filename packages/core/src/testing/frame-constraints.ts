/** What the frames of `frameArbitrary` may be, and the small pools their values come from. */
import { ipv4, ipv6, type IpAddress, type Mac } from '../wire/address.js'
import type { TunnelHeader } from '../wire/tunnel.js'
import { UdpPort } from '../wire/udp.js'

/** Networks a generated innermost group may have; `opaque` is an EtherType the library does not know. */
export type NetworkChoice = 'arp' | 'ipv4' | 'ipv6' | 'opaque'

/** Transports a generated innermost group may have; `icmp` is ICMPv6 over IPv6, `opaque` a protocol the library does not know. */
export type TransportChoice = 'tcp' | 'udp' | 'icmp' | 'opaque'

/** Tunnels generated groups may encapsulate by. */
export type TunnelChoice = TunnelHeader['kind']

/** What generated frames may be. A constraint that is left out allows everything. */
export interface FrameConstraints {
  /** Most header groups, 1–3; 3 unless given. */
  readonly maxGroups?: 1 | 2 | 3
  /** Fewest header groups, 1–3; 1 unless given. */
  readonly minGroups?: 1 | 2 | 3
  /** Networks of the innermost group; all unless given. */
  readonly network?: readonly NetworkChoice[]
  /** Networks of the groups that encapsulate; both unless given. */
  readonly underlay?: readonly ('ipv4' | 'ipv6')[]
  /** Tunnels that groups may encapsulate by; all unless given. */
  readonly tunnels?: readonly TunnelChoice[]
  /** Transports of the innermost group; all unless given. */
  readonly transport?: readonly TransportChoice[]
  /** Whether the innermost group may be a fragment, atomic ones included; true unless given. */
  readonly fragments?: boolean
  /** Whether ICMP errors may quote a packet, whole or cut short; true unless given. */
  readonly quotes?: boolean
  /** Whether bytes may lie behind a UDP datagram inside its IP datagram; true unless given. */
  readonly surplus?: boolean
  /** Whether IPv4, TCP and Geneve options and IPv6 extension headers may be there; true unless given. */
  readonly options?: boolean
  /** Most VLAN tags of a group, 0–2; 2 unless given. */
  readonly maxVlans?: 0 | 1 | 2
  /** Whether short frames may be padded to 60 bytes, inner ones too; true unless given. */
  readonly padding?: boolean
  /** Most payload bytes, and up to eight more in fragments; 200 unless given. */
  readonly maxPayload?: number
  /** MACs of all groups; a small pool of unicast, multicast and broadcast ones unless given. */
  readonly macs?: readonly Mac[]
  /** IPv4 addresses of the innermost group; a small pool unless given. */
  readonly ipv4s?: readonly IpAddress[]
  /** IPv6 addresses of the innermost group; a small pool unless given. */
  readonly ipv6s?: readonly IpAddress[]
  /** Ports of the innermost group; the port of a tunnel is never used there, since the payload is no frame. */
  readonly ports?: readonly number[]
  /** Addresses of the groups that encapsulate; their versions also confine `underlay`. */
  readonly underlays?: readonly IpAddress[]
  /** Network identifiers of tunnels, 24 bits; a small pool unless given. */
  readonly vnis?: readonly number[]
  /** TTL or hop limit of all groups; 1–255 unless given. */
  readonly ttl?: {
    /** Smallest value, 0–255. */
    readonly min: number
    /** Largest value, 0–255. */
    readonly max: number
  }
}

/** Unicast, a multicast group's and the broadcast address. */
export const MAC_POOL: readonly Mac[] = [0x00155d000001, 0x00155d000002, 0x00155d000003, 0x01005e000001, 0xffffffffffff]
/** Addresses that share prefixes of several lengths. */
export const IPV4_POOL: readonly IpAddress[] = [0x0a000004, 0x0a000005, 0x0a000104, 0x0a010004, 0xc0000201, 0xc6336407].map(ipv4)
/** Addresses that share prefixes of several lengths. */
export const IPV6_POOL: readonly IpAddress[] = [
  ipv6(0xfd000000, 0, 0, 4), ipv6(0xfd000000, 0, 0, 5), ipv6(0xfd000000, 1, 0, 4), ipv6(0x20010db8, 0, 0, 1), ipv6(0xfe800000, 0, 0x02155dff, 0xfe000001),
]
/** Addresses of hosts, both versions. */
export const UNDERLAY_POOL: readonly IpAddress[] = [
  ipv4(0xc0a80001), ipv4(0xc0a80002), ipv4(0xac100001), ipv6(0x20010db8, 0xffff, 0, 1), ipv6(0x20010db8, 0xffff, 0, 2),
]
/** Well-known and ephemeral ports. */
export const PORT_POOL: readonly number[] = [53, 80, 443, 8080, 49152, 49153, 65535]
/** Network identifiers, the smallest and largest among them. */
export const VNI_POOL: readonly number[] = [0, 5001, 5002, 0xffffff]

/** Constraints with nothing left out. */
export type CompleteConstraints = Required<FrameConstraints>

/** The constraints with everything that was left out filled in. */
export const completeConstraints = (c: FrameConstraints): CompleteConstraints => {
  const underlays = c.underlays ?? UNDERLAY_POOL
  const versions = (c.underlay ?? ['ipv4', 'ipv6'] as const).filter((kind) => underlays.some((ip) => networkOfAddress(ip) === kind))
  const minGroups = c.minGroups ?? 1
  return {
    // what is named more often comes more often
    network: ['arp', 'ipv4', 'ipv4', 'ipv4', 'ipv6', 'ipv6', 'ipv6', 'opaque'], transport: ['tcp', 'tcp', 'udp', 'udp', 'icmp', 'opaque'],
    tunnels: ['vxlan', 'geneve', 'nvgre', 'gre'], quotes: true, fragments: true, surplus: true, options: true, maxVlans: 2, padding: true, maxPayload: 200, macs: MAC_POOL, ipv4s: IPV4_POOL, ipv6s: IPV6_POOL, vnis: VNI_POOL, ttl: { min: 1, max: 255 },
    ...c,
    minGroups,
    maxGroups: c.maxGroups ?? 3,
    underlays,
    underlay: versions,
    ports: (c.ports ?? PORT_POOL).filter((port) => port !== UdpPort.Vxlan && port !== UdpPort.Geneve),
  }
}

/** The network header an address belongs to. */
export const networkOfAddress = (ip: IpAddress): 'ipv4' | 'ipv6' => (ip.version === 4 ? 'ipv4' : 'ipv6')
