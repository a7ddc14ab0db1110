/**
 * Tunnels over the physical network, alike in every layer that makes some: the host's own addresses, the encapsulation, and the fields
 * of the outer header.
 */
import {
  type Condition, entropyPort, integer, Ip, type IpAddress, is, type Mac, MacText, type NetworkTunnel, oneOf, type PushSpec, strictlyPartial, Tunnel, type TunnelUse,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { word } from './codecs.js'

/** Fields of the outer headers of a layer's tunnels, as written. */
export interface OuterHeaderJson {
  /** Source MAC of tunnels; zero unless said. An adapter that resolves neighbours, such as `openUnderlay`, replaces it. */
  readonly underlayMac?: string
  /** Destination MAC of tunnels; zero unless said. An adapter that resolves neighbours, such as `openUnderlay`, replaces it. */
  readonly nextHopMac?: string
  /** TTL or hop limit of tunnels, 1–255, or `copy` for that of the packet inside; 64 unless said. */
  readonly ttl?: number | 'copy'
  /** DSCP of tunnels, 0–63, or `copy` for that of the packet inside; `copy` unless said. ECN is copied always. @see RFC 2983, RFC 6040 */
  readonly dscp?: number | 'copy'
  /** UDP ports of tunnels, of those that leave and those that are taken, where they are not the standard ones: 4789 and 6081. */
  readonly ports?: TunnelPorts
}

/** UDP destination ports of tunnels, each 1–65535. */
export interface TunnelPorts {
  /** Of VXLAN; 4789 unless said. Linux's default is 8472. */
  readonly vxlan?: number
  /** Of Geneve; 6081 unless said. */
  readonly geneve?: number
}

/** Fields of the outer headers of a layer's tunnels, as read. */
export interface OuterHeader {
  /** Source MAC of tunnels; zero unless said. */
  readonly underlayMac?: Mac
  /** Destination MAC of tunnels; zero unless said. */
  readonly nextHopMac?: Mac
  /** TTL or hop limit of tunnels, 1–255, or `copy`; 64 unless said. */
  readonly ttl?: number | 'copy'
  /** DSCP of tunnels, 0–63, or `copy`; `copy` unless said. */
  readonly dscp?: number | 'copy'
  /** UDP ports of tunnels; the standard ones unless said. */
  readonly ports?: TunnelPorts
}

/** A number, or the word `copy`. */
const numberOrCopy = (number: t.Type<number>): t.Type<number | 'copy'> =>
  new t.Type<number | 'copy'>(
    `${number.name}, or "copy"`,
    (u): u is number | 'copy' => u === 'copy' || number.is(u),
    (u, context) => (u === 'copy' ? t.success(u) : typeof u === 'string' ? t.failure(u, context, `expected ${number.name}, or "copy"`) : number.validate(u, context)),
    (a) => a,
  )

const UdpPort = integer(1, 0xffff, 'a UDP port')

/** The properties of {@link OuterHeader}, all of them optional. */
export const OUTER_HEADER = {
  underlayMac: MacText, nextHopMac: MacText, ttl: numberOrCopy(integer(1, 255, 'a TTL')), dscp: numberOrCopy(integer(0, 63, 'a DSCP')),
  ports: strictlyPartial({}, { vxlan: UdpPort, geneve: UdpPort }, 'UDP ports of tunnels'),
}

/** Returns only those properties of a configuration that are about outer headers. */
export const outerHeaderOf = ({ underlayMac, nextHopMac, ttl, dscp, ports }: OuterHeader): OuterHeader => ({
  ...(underlayMac === undefined ? {} : { underlayMac }), ...(nextHopMac === undefined ? {} : { nextHopMac }),
  ...(ttl === undefined ? {} : { ttl }), ...(dscp === undefined ? {} : { dscp }), ...(ports === undefined ? {} : { ports }),
})

/** The codec of encapsulations that carry a network identifier. */
export const Encap: t.Type<NetworkTunnel> = word('vxlan', 'nvgre', 'geneve')

const Several = t.readonlyArray(Ip)

/** The codec of one address, written without brackets, or of several, at least one. */
export const Addresses: t.Type<readonly IpAddress[], string | readonly string[]> = new t.Type<readonly IpAddress[], string | readonly string[]>(
  'addresses',
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

/** Returns the host's own address that a tunnel to `pa` comes from: the first of its IP version, or `undefined`. */
export const sourceTowards = (underlay: readonly IpAddress[], pa: IpAddress): IpAddress | undefined =>
  underlay.find((own) => own.version === pa.version)

/**
 * Returns the header group to push for a tunnel. Unless said otherwise, DSCP and ECN are copied from the packet inside and the TTL is 64. The
 * entropy by which the underlay spreads load is made of the flow's hash.
 *
 * @see RFC 2983; RFC 6040; RFC 7348 §5; RFC 7637 §3.2
 */
export const tunnelTo = (
  { encap, srcIp, dstIp, vni }: { readonly encap: NetworkTunnel; readonly srcIp: IpAddress; readonly dstIp: IpAddress; readonly vni: number },
  { underlayMac, nextHopMac, ttl, dscp, ports }: OuterHeader,
  flowHash: number,
): PushSpec => ({
  tunnel: encap,
  srcMac: underlayMac ?? 0,
  dstMac: nextHopMac ?? 0,
  srcIp,
  dstIp,
  vni,
  srcPort: entropyPort(flowHash),
  ...portOf(encap, ports, 'dstPort'),
  ...(ttl === undefined ? {} : { ttl: ttl === 'copy' ? { original: 0, minus: 0 } : ttl }),
  ...(dscp === undefined ? {} : { dscp: dscp === 'copy' ? { original: 0 } : dscp }),
})

/** Returns the use of tunnels of a rule that puts some around packets: answers come back in one of these kinds, to one of the host's addresses. */
export const answersAt = (encaps: readonly NetworkTunnel[], { underlay, ports }: { readonly underlay: readonly IpAddress[] } & OuterHeader): TunnelUse =>
  ({ answers: encaps.flatMap((kind) => underlay.map((ip) => ({ kind, ip, ...portOf(kind, ports, 'udpPort') }))) })

/** Returns conditions on a frame in a tunnel of this kind and network that ends at one of these addresses. */
export const inTunnel = (encap: NetworkTunnel, vni: number, { underlay, ports }: { readonly underlay: readonly IpAddress[] } & OuterHeader): readonly Condition[] => {
  const { dstPort } = portOf(encap, ports, 'dstPort')
  return [is('tunnel', KINDS[encap]), is('vni', vni), oneOf('dstIp', underlay), ...(dstPort === undefined ? [] : [is('dstPort', dstPort)])]
}

/** The UDP port of a kind, under a name, where it is said. */
const portOf = <N extends string>(encap: NetworkTunnel, ports: TunnelPorts | undefined, name: N): { readonly [K in N]?: number } => {
  const port = encap === 'nvgre' ? undefined : ports?.[encap]
  // One property whose name is the parameter.
  return port === undefined ? {} : { [name]: port } as { readonly [K in N]?: number }
}

const KINDS: Readonly<Record<NetworkTunnel, number>> = { vxlan: Tunnel.Vxlan, nvgre: Tunnel.Nvgre, geneve: Tunnel.Geneve }
