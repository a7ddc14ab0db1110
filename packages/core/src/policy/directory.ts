/**
 * The in-memory directory: customer address to physical address, per virtual network.
 *
 * Cost: a lookup is one `Map` access on a short string; an entry is a few hundred bytes. Keys that are absent share
 * one cell, which every insertion bumps: a scan over unmapped addresses cannot fill memory, and the flows that
 * found nothing look again after any insertion. What is no customer address at all, as a key made by data may be, is absent too.
 *
 * @see VFP §5.5, VL2's directory system
 */
import * as E from 'fp-ts/lib/Either.js'
import { marked } from '../copies.js'
import type { TunnelKind } from '../transposition/header-transposition.js'
import { type BadAddress, formatIp, formatMac, type IpAddress, type Mac, parseIp, parseMac } from '../wire/address.js'
import type { Lookup, Resource } from './resource.js'
import { isIp } from './value-type.js'

/** The address of a VM inside its virtual network. */
export interface CustomerAddress {
  /** Virtual network, 24 bits. */
  readonly vni: number
  /** Address of the VM in that network. */
  readonly ip: IpAddress
}

/** One place that serves a customer address. */
export interface Endpoint {
  /** Physical address of the host: where the tunnel ends. */
  readonly pa: IpAddress
  /** MAC that the inner frame is sent to. */
  readonly mac: Mac
}

/** Where a customer address lives. */
export interface Mapping {
  /** Places that serve it, all equal; a flow's hash chooses one (ECMP). At least one. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
  /** Virtual network of the destination, if it differs from the sender's. */
  readonly vni?: number
  /**
   * Whether the destination's virtual network goes on the wire instead of the sender's: `vni`, or where that is not given the one the
   * mapping was found in. `true` where `vni` is given, `false` where it is not, unless said.
   */
  readonly useDstVni?: boolean
  /** The tunnel that its places take, if it differs from what the policy of the sender says. */
  readonly tunnel?: NetworkTunnel
}

/** A tunnel that carries a network identifier. */
export type NetworkTunnel = Exclude<TunnelKind, 'gre'>

/** A mapping with its key, as text: how people and JSON write it. */
export interface MappingText {
  /** Virtual network, 24 bits. */
  readonly vni: number
  /** The customer address. */
  readonly ip: string
  /** Where it is served; at least one place. */
  readonly at: readonly {
    /** Physical address of the host, where the tunnel ends. */
    readonly pa: string
    /** MAC that the inner frame is sent to. */
    readonly mac: string
  }[]
  /** Virtual network of the destination, if it differs. */
  readonly destinationVni?: number
  /** As {@link Mapping.useDstVni}. */
  readonly useDstVni?: boolean
  /** As {@link Mapping.tunnel}. */
  readonly tunnel?: NetworkTunnel
}

/** A directory that a controller fills and rules read. */
export interface Directory extends Resource<CustomerAddress, Mapping> {
  /** Adds or replaces the mapping of an address. */
  readonly set: (key: CustomerAddress, mapping: Mapping) => void
  /** Adds or replaces the mapping of an address, as `set`, from text. An address that cannot be read is a `BadAddress`; then nothing is set. */
  readonly add: (mapping: MappingText) => E.Either<BadAddress, void>
  /** Removes a mapping; returns `false` if there was none. */
  readonly remove: (key: CustomerAddress) => boolean
  /** Returns the number of mappings. */
  readonly size: () => number
}

/**
 * Returns an empty in-memory directory. `name` is its name in explanations. A lookup costs one access to a `Map`, an entry a few hundred
 * bytes; a change reaches the flows that used the entry, with their next packet.
 *
 * ```ts
 * import { directory, formatMapping, orThrow, parseIp } from '@vfp-ts/core'
 *
 * const homes = directory('homes')
 * orThrow(homes.add({ vni: 5001, ip: '10.0.0.5', at: [{ pa: '192.0.2.2', mac: '00:15:5d:00:00:05' }] }))
 * const found = homes.lookup({ vni: 5001, ip: orThrow(parseIp('10.0.0.5')) })
 * console.log(found._tag === 'Found' ? formatMapping(found.value) : found._tag)
 * ```
 *
 * ```text output
 * 192.0.2.2 00:15:5d:00:00:05
 * ```
 *
 * @see VFP §5.5
 */
export const directory = (name = 'directory'): Directory => {
  const entries = new Map<string, { readonly mapping: Mapping; readonly cell: Counter }>()
  const absent: Counter = { version: 0 }
  const set = (key: CustomerAddress, mapping: Mapping): void => {
    const k = keyOf(key)
    const old = entries.get(k)
    if (old === undefined) absent.version++
    else old.cell.version++
    entries.set(k, { mapping, cell: old?.cell ?? { version: 0 } })
  }
  return marked({
    name,
    formatKey: formatCustomerAddress,
    checkKey: badCustomerAddress,
    lookup: (key): Lookup<Mapping> => {
      const entry = badCustomerAddress(key) === undefined ? entries.get(keyOf(key)) : undefined
      return entry === undefined ? { _tag: 'Absent', cell: absent } : { _tag: 'Found', value: entry.mapping, cell: entry.cell }
    },
    set,
    add: (text) => {
      const read = readMapping(text)
      if (E.isLeft(read)) return read
      set(read.right.key, read.right.mapping)
      return E.right(undefined)
    },
    remove: (key) => {
      const k = keyOf(key)
      const old = entries.get(k)
      if (old === undefined) return false
      old.cell.version++
      return entries.delete(k)
    },
    size: () => entries.size,
  })
}

/** Returns a customer address in words: `vni 5001 10.0.0.4`; anything else as its JSON. */
export const formatCustomerAddress = (key: CustomerAddress): string =>
  badCustomerAddress(key) === undefined ? `vni ${key.vni} ${formatIp(key.ip)}` : JSON.stringify(key)

/** Returns why something is no customer address, or `undefined` if it is one; for the `checkKey` of a resource with such keys. */
export const badCustomerAddress = (key: unknown): string | undefined => {
  if (typeof key !== 'object' || key === null || !('vni' in key) || !('ip' in key)) return 'expected an object with vni and ip'
  if (typeof key.vni !== 'number' || !isVni(key.vni)) return 'vni: expected a number from 0 to 16777215'
  if (isIp(key.ip)) return undefined
  return typeof key.ip === 'string' ? 'ip: expected an IP address, which a key has as {"constant": "10.0.0.1", "as": "ip"}' : 'ip: expected an IP address'
}

/** Returns one readable line for a mapping. */
export const formatMapping = (m: Mapping): string =>
  `${m.endpoints.map((e) => `${formatIp(e.pa)} ${formatMac(e.mac)}`).join(' | ')}${m.vni === undefined ? '' : ` vni ${m.vni}`}${
    m.useDstVni === undefined ? '' : m.useDstVni ? ' with its vni' : ' with the vni of the sender'}${m.tunnel === undefined ? '' : ` by ${m.tunnel}`}`

/** A cell as its owner sees it. */
interface Counter {
  version: number
}

const readMapping = (text: MappingText): E.Either<BadAddress, { readonly key: CustomerAddress; readonly mapping: Mapping }> => {
  const ip = parseIp(text.ip)
  if (E.isLeft(ip)) return ip
  const endpoints: Endpoint[] = []
  for (const at of text.at) {
    const pa = parseIp(at.pa)
    if (E.isLeft(pa)) return pa
    const mac = parseMac(at.mac)
    if (E.isLeft(mac)) return mac
    endpoints.push({ pa: pa.right, mac: mac.right })
  }
  const [first, ...rest] = endpoints
  if (first === undefined) return E.left({ _tag: 'BadAddress', input: text.ip, reason: 'a mapping needs at least one place' })
  const vni = text.destinationVni
  if (![text.vni, vni ?? 0].every(isVni)) return E.left({ _tag: 'BadAddress', input: `${text.vni}`, reason: 'a VNI is a whole number of 24 bits' })
  const { useDstVni, tunnel } = text
  // The text may come from JSON that nobody has typed.
  if (tunnel !== undefined && !NETWORK_TUNNELS.includes(tunnel)) return E.left({ _tag: 'BadAddress', input: tunnel, reason: `a tunnel is one of ${NETWORK_TUNNELS.join(', ')}` })
  const mapping: Mapping = {
    endpoints: [first, ...rest],
    ...(vni === undefined ? {} : { vni }), ...(useDstVni === undefined ? {} : { useDstVni }), ...(tunnel === undefined ? {} : { tunnel }),
  }
  return E.right({ key: { vni: text.vni, ip: ip.right }, mapping })
}

const NETWORK_TUNNELS: readonly NetworkTunnel[] = ['vxlan', 'nvgre', 'geneve']

const isVni = (n: number): boolean => Number.isInteger(n) && n >= 0 && n <= 0xff_ffff

const keyOf = ({ vni, ip }: CustomerAddress): string =>
  ip.version === 4 ? `${vni}/${ip.words[3]}` : `${vni}/${ip.words.join(',')}`
