/** Frames in tunnels of any kind, with tunnel headers written by hand: what a switch may take for its own and what it may not. */
import { emitFrame, type HeaderGroup, orThrow, parseIp, parseMac } from '../../src/index.js'
import { ELSEWHERE } from './support.js'

export type Kind = 'vxlan' | 'nvgre' | 'geneve' | 'gre'
export const KINDS: readonly Kind[] = ['vxlan', 'nvgre', 'geneve', 'gre']

/** An outer header and the tunnel header behind it. */
export interface Outer {
  readonly toMac: string
  /** IPv4 or IPv6. */
  readonly to: string
  readonly kind: Kind
  /** 7 unless given. */
  readonly vni?: number
  /** UDP destination port, the kind's own unless given. */
  readonly port?: number
  readonly srcPort?: number
  readonly from?: string
  readonly fromMac?: string
  /** VLAN tags on the outer frame. */
  readonly tags?: number
  /** A Geneve option of this type; 0x80 and above are critical. */
  readonly option?: number
  /** The datagram is the first of several fragments; over IPv4 only. */
  readonly fragment?: boolean
}

const NONE = new Uint8Array(0)

const outerGroup = ({ toMac, to, kind, port, srcPort = 50_000, from, fromMac = ELSEWHERE, tags = 0, fragment = false }: Outer): HeaderGroup => {
  const destination = orThrow(parseIp(to))
  const udp = kind === 'vxlan' || kind === 'geneve'
  const source = orThrow(parseIp(from ?? (destination.version === 4 ? '198.51.100.9' : '2001:db8::99')))
  const shared = { source, destination, protocol: udp ? 17 : 47, dscp: 0, ecn: 0 }
  return {
    eth: { destination: orThrow(parseMac(toMac)), source: orThrow(parseMac(fromMac)), etherType: destination.version === 4 ? 0x0800 : 0x86dd },
    vlans: Array.from({ length: tags }, (_, i) => ({ tpid: 0x8100 as const, pcp: 0, dei: false, vid: 100 + i })),
    net: destination.version === 4
      ? { kind: 'ipv4', ...shared, ttl: 64, identification: 7, dontFragment: false, moreFragments: fragment, reservedFlag: false, fragmentOffset: 0, options: NONE }
      : { kind: 'ipv6', ...shared, hopLimit: 64, flowLabel: 0, extensions: [] },
    ...(udp ? { transport: { kind: 'udp' as const, sourcePort: srcPort, destinationPort: port ?? (kind === 'vxlan' ? 4789 : 6081) } } : {}),
  }
}

const headerOf = ({ kind, vni = 7, option }: Outer): readonly number[] => {
  const id = [vni >>> 16, (vni >>> 8) & 0xff, vni & 0xff]
  switch (kind) {
    case 'vxlan': return [0x08, 0, 0, 0, ...id, 0]
    case 'nvgre': return [0x20, 0, 0x65, 0x58, ...id, 1]
    case 'gre': return [0, 0, 0x65, 0x58]
    case 'geneve': return option === undefined ? [0, 0, 0x65, 0x58, ...id, 0] : [1, option >= 0x80 ? 0x40 : 0, 0x65, 0x58, ...id, 0, 0x01, 0x02, option, 0]
  }
}

/** The bytes of a frame in these tunnels, outermost first. */
export const tunnelled = (outers: readonly Outer[], inner: Uint8Array): Uint8Array =>
  outers.reduceRight<Uint8Array>((bytes, outer) =>
    orThrow(emitFrame({ groups: [outerGroup(outer)], payload: Uint8Array.from([...headerOf(outer), ...bytes]) })), inner)
