/**
 * Tunnel ends: to which addresses, and in which kind of tunnel, a frame must come to be looked into.
 *
 * The port number or protocol number alone does not make a tunnel of a datagram: a VM may send VXLAN itself, and its tunnel is not that
 * of the switch. So the parser looks into a tunnel only if its outer header is addressed to a known end. A list of
 * {@link TunnelEnd}s is made into {@link TunnelEnds}, a table of plain numbers, once; the parser reads it for each datagram that may
 * be a tunnel, and for no other.
 *
 * Cost: for UDP one comparison for each end, for GRE the same after its header was read. A host has few ends, and equal ones count
 * once. Nothing is allocated.
 */
import type { IpAddress, IpPrefix } from './address.js'
import { Tunnel } from './tunnel-kind.js'
import { UdpPort } from './udp.js'

/** A place where tunnels end, by the outer header of their frames. What is left out matches everything. */
export interface TunnelEnd {
  /** Encapsulation. Unless given: each of the four; with a `udpPort`, Geneve if that is 6081, else VXLAN. */
  readonly kind?: 'vxlan' | 'nvgre' | 'geneve' | 'gre'
  /** UDP destination port of VXLAN (4789 unless given) or Geneve (6081 unless given), 0–65535; the other kinds have none. */
  readonly udpPort?: number
  /** Destination address of the outer IP header, or a prefix of it; every address of both versions unless given. */
  readonly ip?: IpAddress | IpPrefix
}

/** Tunnel ends as the parser reads them: element `i` of each array is of end `i`. Made by {@link compileTunnelEnds}. */
export class TunnelEnds {
  /** Number of ends. */
  readonly count: number
  /** `Tunnel` kinds. */
  readonly kinds: Uint8Array
  /** UDP destination ports, −1 for kinds without one. */
  readonly ports: Int32Array
  /** IP versions of the addresses: 4, 6, or 0 for every address of both. */
  readonly versions: Uint8Array
  /** Addresses, four words each. */
  readonly words: Uint32Array
  /** Bits of `words` that count. */
  readonly masks: Uint32Array
  /**
   * These kinds and ports and the standard ones, at every address: for reading a frame of known depth again after its addresses have
   * changed.
   */
  readonly anywhere: TunnelEnds

  constructor(entries: readonly Entry[], anywhere?: TunnelEnds) {
    this.count = entries.length
    this.kinds = Uint8Array.from(entries, (e) => e.kind)
    this.ports = Int32Array.from(entries, (e) => e.port)
    this.versions = Uint8Array.from(entries, (e) => e.version)
    this.words = Uint32Array.from(entries.flatMap((e) => e.words))
    this.masks = Uint32Array.from(entries.flatMap((e) => e.masks))
    this.anywhere = anywhere ?? this
  }
}

/** Makes the table of a list of ends. A UDP port has one kind: if two kinds are named on it, the first counts. */
export const compileTunnelEnds = (ends: readonly TunnelEnd[]): TunnelEnds => {
  const entries = new Map<string, Entry>()
  const anywhere = new Map<string, Entry>()
  const take = (entry: Entry): boolean => {
    const { kind, port } = entry
    const place = port < 0 ? `kind ${kind}` : `port ${port}`
    if (!anywhere.has(place)) anywhere.set(place, { kind, port, version: 0, words: NONE, masks: NONE })
    return anywhere.get(place)?.kind === kind
  }
  for (const entry of ends.flatMap(entriesOf)) if (take(entry)) entries.set(keyOf(entry), entry)
  for (const entry of entriesOf({})) take(entry)
  return new TunnelEnds([...entries.values()], new TunnelEnds([...anywhere.values()]))
}

/** Returns a text that is the same for two ends that mean the same. */
export const tunnelEndKey = (end: TunnelEnd): string => entriesOf(end).map(keyOf).join('; ')

/** One end of one kind. */
interface Entry {
  readonly kind: number
  readonly port: number
  readonly version: 0 | 4 | 6
  readonly words: readonly number[]
  readonly masks: readonly number[]
}

const NONE = [0, 0, 0, 0] as const
const ALL = ['vxlan', 'nvgre', 'geneve', 'gre'] as const
const KINDS = { vxlan: Tunnel.Vxlan, nvgre: Tunnel.Nvgre, geneve: Tunnel.Geneve, gre: Tunnel.Gre } as const
const PORTS = { vxlan: UdpPort.Vxlan, nvgre: -1, geneve: UdpPort.Geneve, gre: -1 } as const

const entriesOf = ({ kind, udpPort, ip }: TunnelEnd): readonly Entry[] => {
  const kinds = kind !== undefined ? [kind] : udpPort === undefined ? ALL : [udpPort === UdpPort.Geneve ? 'geneve' as const : 'vxlan' as const]
  return kinds.map((k) => ({ kind: KINDS[k], port: PORTS[k] < 0 ? -1 : udpPort ?? PORTS[k], ...addressOf(ip) }))
}

const addressOf = (ip: TunnelEnd['ip']): Pick<Entry, 'version' | 'words' | 'masks'> => {
  if (ip === undefined) return { version: 0, words: NONE, masks: NONE }
  const { address, length } = 'words' in ip ? { address: ip, length: ip.version === 4 ? 32 : 128 } : ip
  const bits = address.version === 4 ? length + 96 : length
  const masks = NONE.map((_, n) => maskOf(bits - 32 * n))
  return { version: address.version, words: address.words.map((word, n) => (word & masks[n]!) >>> 0), masks }
}

/** Returns a word whose first `bits` bits are ones. */
const maskOf = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - bits)) >>> 0)

const keyOf = ({ kind, port, version, words, masks }: Entry): string => `${kind} ${port} ${version} ${words.join()} ${masks.join()}`

/** All four kinds on their standard ports, at every address: the default of views and readers. */
export const EVERY_TUNNEL: TunnelEnds = compileTunnelEnds([{}])

/** No end: no tunnel is looked into. */
export const NO_TUNNEL: TunnelEnds = compileTunnelEnds([])
