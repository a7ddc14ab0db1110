/** What an underlay is opened with: text and defaults, read once. */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { formatIp, type IpAddress, type IpPrefix, type Mac, parseIp, parseMac, parsePrefix, prefixContains, sameIp } from '@vfp-ts/core'
import type { Nic } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import { backgroundTimers, type Timers } from '../nic/timers.js'

/** A route beyond the host's own networks. */
export interface UnderlayRoute {
  /** The destinations, as `0.0.0.0/0` or `2001:db8:5::/48`; the longest prefix that holds a destination counts. */
  readonly prefix: string
  /** The gateway's address, on one of the networks of `addresses` or link-local; without it the prefix is on the link itself. */
  readonly via?: string
}

/** A neighbour whose MAC is known beforehand. */
export interface StaticNeighbour {
  /** The neighbour's IP address, not one of the host's own. */
  readonly ip: string
  /** Its MAC, as `02:00:00:00:00:01`, no group address. */
  readonly mac: string
}

/** Options of {@link openUnderlay}. Times are in milliseconds, whole numbers. */
export interface UnderlayOptions {
  /** The host's own addresses with the length of their network: `192.0.2.1/24`, `2001:db8::1/64`. At least one. */
  readonly addresses: readonly string[]
  /** The host's MAC; the NIC's unless given. */
  readonly mac?: string
  /** Ways beyond the networks of `addresses`. */
  readonly routes?: readonly UnderlayRoute[]
  /** Neighbours whose MAC is fixed: never asked about, and no host on the link can change it. */
  readonly neighbours?: readonly StaticNeighbour[]
  /** Whether the own addresses are announced at the start and whenever the link comes up; true unless given. */
  readonly announce?: boolean
  /** How long an answer is believed while nothing new is heard, 30,000 unless given (RFC 4861 §10, `REACHABLE_TIME`). */
  readonly reachableMs?: number
  /** Between two questions, and between two looks at the neighbours; at least, and unless given, 1,000 (`RETRANS_TIMER`). */
  readonly retransmitMs?: number
  /** Questions before a neighbour is given up, 3 unless given (`MAX_MULTICAST_SOLICIT`, `MAX_UNICAST_SOLICIT`). */
  readonly tries?: number
  /** How long a neighbour that was given up is not asked for again, 5,000 unless given. */
  readonly failedMs?: number
  /** How long a neighbour is kept to which nothing is sent, 600,000 unless given. */
  readonly idleMs?: number
  /** Most neighbours kept, 1,024 unless given. */
  readonly maxNeighbours?: number
  /** Most frames that wait for one neighbour, 16 unless given; 4 MiB of them for all neighbours together. */
  readonly maxWaiting?: number
  /** Time for questions and ages; `backgroundTimers` unless given. */
  readonly timers?: Timers
}

/** An address of the host and its network. */
export interface OwnAddress {
  readonly ip: IpAddress
  readonly network: IpPrefix
}

/** A way, read. */
export interface Route {
  readonly prefix: IpPrefix
  readonly via: IpAddress | undefined
}

/** Options, read and completed. */
export interface UnderlayConfig extends Required<Omit<UnderlayOptions, 'addresses' | 'routes' | 'neighbours' | 'mac'>> {
  readonly addresses: readonly OwnAddress[]
  readonly routes: readonly Route[]
  readonly neighbours: readonly { readonly ip: IpAddress; readonly mac: Mac }[]
  readonly mac: Mac
}

/** Reads the options; refused as `BadOptions`, with where and why. */
export const readOptions = (nic: Pick<Nic, 'name' | 'mac'>, options: UnderlayOptions): Either<NicError, UnderlayConfig> => {
  const bad = (path: string, reason: string): Either<NicError, never> =>
    left({ _tag: 'NicError', nic: nic.name, operation: 'open', code: 'BadOptions', reason: `${path}: ${reason}`, retryable: false })
  const macText = options.mac ?? nic.mac
  if (macText === undefined) return bad('/mac', 'the NIC has no MAC of its own, so one has to be given')
  const mac = parseMac(macText)
  if (isLeft(mac)) return bad('/mac', mac.left.reason)
  if (isGroupMac(mac.right)) return bad('/mac', 'the MAC of a host is no group address')
  if (options.addresses.length === 0) return bad('/addresses', 'expected at least one')
  const addresses: OwnAddress[] = []
  for (const [i, text] of options.addresses.entries()) {
    const own = readOwn(text)
    if (typeof own === 'string') return bad(`/addresses/${i}`, own)
    if (addresses.some(({ ip }) => sameIp(ip, own.ip))) return bad(`/addresses/${i}`, `${formatIp(own.ip)} is there twice`)
    addresses.push(own)
  }
  const routes: Route[] = []
  for (const [i, { prefix, via }] of (options.routes ?? []).entries()) {
    const read = parsePrefix(prefix)
    if (isLeft(read)) return bad(`/routes/${i}/prefix`, read.left.reason)
    if (!addresses.some(({ ip }) => ip.version === read.right.address.version)) return bad(`/routes/${i}/prefix`, 'the host has no address of this version')
    const gateway = via === undefined ? undefined : parseIp(via)
    if (gateway !== undefined && isLeft(gateway)) return bad(`/routes/${i}/via`, gateway.left.reason)
    const problem = gateway === undefined ? undefined : gatewayProblem(gateway.right, read.right, addresses)
    if (problem !== undefined) return bad(`/routes/${i}/via`, problem)
    routes.push({ prefix: read.right, via: gateway?.right })
  }
  const neighbours: { readonly ip: IpAddress; readonly mac: Mac }[] = []
  for (const [i, text] of (options.neighbours ?? []).entries()) {
    const ip = parseIp(text.ip)
    if (isLeft(ip)) return bad(`/neighbours/${i}/ip`, ip.left.reason)
    if (!isUnicast(ip.right) || addresses.some((own) => sameIp(own.ip, ip.right))) return bad(`/neighbours/${i}/ip`, `${text.ip} is not the address of another host`)
    const neighbourMac = parseMac(text.mac)
    if (isLeft(neighbourMac)) return bad(`/neighbours/${i}/mac`, neighbourMac.left.reason)
    if (isGroupMac(neighbourMac.right)) return bad(`/neighbours/${i}/mac`, 'the MAC of a host is no group address')
    neighbours.push({ ip: ip.right, mac: neighbourMac.right })
  }
  const numbers = {
    reachableMs: options.reachableMs ?? 30_000,
    retransmitMs: options.retransmitMs ?? 1_000,
    tries: options.tries ?? 3,
    failedMs: options.failedMs ?? 5_000,
    idleMs: options.idleMs ?? 600_000,
    maxNeighbours: options.maxNeighbours ?? 1_024,
    maxWaiting: options.maxWaiting ?? 16,
  }
  for (const [name, value] of Object.entries(numbers)) {
    const least = LEAST[name] ?? 1
    if (!(Number.isInteger(value) && value >= least)) return bad(`/${name}`, `a whole number of at least ${least}, not ${value}`)
  }
  return right({ ...numbers, mac: mac.right, addresses, routes, neighbours, announce: options.announce ?? true, timers: options.timers ?? backgroundTimers })
}

/** A shorter tick would wake an idle host more than once a second. */
const LEAST: Readonly<Record<string, number>> = { retransmitMs: 1_000 }

/** Whether a MAC is one of many: broadcast or multicast. */
export const isGroupMac = (mac: Mac): boolean => Math.floor(mac / 0x100_0000_0000) % 2 === 1

/** Whether the address is of one host: not a group, not the unspecified, not of this host only. */
export const isUnicast = ({ version, words: [a, b, c, d] }: IpAddress): boolean =>
  version === 4 ? d >>> 24 !== 0 && d >>> 24 !== 127 && d >>> 28 < 14 : a >>> 24 !== 0xff && !(a === 0 && b === 0 && c === 0 && d <= 1)

/** Whether the address is of IPv6 and counts on its own link only. @see RFC 4291 §2.5.6 */
export const isLinkLocal = ({ version, words: [a] }: IpAddress): boolean => version === 6 && a >>> 22 === 0xfe80 >>> 6

const readOwn = (text: string): OwnAddress | string => {
  const slash = text.indexOf('/')
  if (slash < 0) return 'the length of the network is missing, as in 192.0.2.1/24'
  const ip = parseIp(text.slice(0, slash))
  if (isLeft(ip)) return ip.left.reason
  if (!isUnicast(ip.right)) return `${formatIp(ip.right)} is not the address of a host`
  const width = ip.right.version === 4 ? 32 : 128
  const length = /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : Number.NaN
  if (!(length <= width)) return `a prefix length is a number from 0 to ${width}`
  return { ip: ip.right, network: { address: networkOf(ip.right, length), length } }
}

const networkOf = ({ version, words }: IpAddress, length: number): IpAddress => {
  const offset = version === 4 ? 96 : 0
  const word = (i: 0 | 1 | 2 | 3): number => {
    const bits = Math.max(0, Math.min(32, length + offset - 32 * i))
    return bits === 0 ? 0 : (words[i] & (0xffffffff << (32 - bits))) >>> 0
  }
  return { version, words: [word(0), word(1), word(2), word(3)] }
}

const gatewayProblem = (via: IpAddress, prefix: IpPrefix, addresses: readonly OwnAddress[]): string | undefined => {
  if (via.version !== prefix.address.version) return 'the gateway is of another IP version than the prefix'
  if (!isUnicast(via)) return `${formatIp(via)} is not the address of a host`
  if (addresses.some(({ ip }) => sameIp(ip, via))) return `${formatIp(via)} is this host`
  return isLinkLocal(via) || addresses.some(({ network }) => prefixContains(network, via)) ? undefined : `${formatIp(via)} is on none of the host’s networks`
}
