/**
 * The words of the language: what rules, layers and tests build transpositions from. Every constructor is total; values out
 * of range give `Invalid` with a sentence that says which, so that a mistake shows in explanations and never throws.
 *
 * @see VFP §6.1.2, tables 2 and 3
 */
import type { IpAddress, Mac } from '../wire/address.js'
import { compose } from './compose.js'
import type { Changes, HeaderTransposition, Push, Value } from './header-transposition.js'
import { changesBits, contradiction, NeedBit, needOf } from './need.js'
import { identity, invalid, isKeep, KEEP, makeEdit } from './normal-form.js'

export { identity, invalid } from './normal-form.js'

/** Hop limit of pushed headers unless said otherwise: the default of common hosts. */
export const DEFAULT_TTL = 64

/**
 * A group to push. `dscp` and `ecn` are copied from the group it encapsulates unless given (the uniform model of
 * RFC 2983, the normal mode of RFC 6040 §4.1), `ttl` is {@link DEFAULT_TTL}.
 */
export interface PushSpec {
  readonly dstMac: Mac
  readonly srcMac: Mac
  readonly srcIp: IpAddress
  readonly dstIp: IpAddress
  readonly dscp?: Value
  readonly ecn?: Value
  /** 1–255. */
  readonly ttl?: number
  /** UDP source port; RFC 7348 §5 asks for a hash of the inner flow from 49152–65535. */
  readonly srcPort: number
  /** 0–16777215. */
  readonly vni: number
}

/** The fields that address translation rewrites. */
export type NatChanges = Pick<Changes, 'srcIp' | 'dstIp' | 'srcPort' | 'dstPort' | 'icmpId'>

/** Sets fields of one group, counted from the outside; no field at all gives `identity`. */
export const modify = (changes: Changes, group = 0): HeaderTransposition => {
  if (!Number.isInteger(group) || group < 0) return invalid(`a group is counted from 0, not ${group}`)
  const bits = changesBits(changes)
  const why = wrongChanges(changes) ?? contradiction(bits)
  if (why !== undefined) return invalid(why)
  const edit = makeEdit(bits, changes)
  return isKeep(edit) ? identity : { ...identity, edit: [...Array.from({ length: group }, () => KEEP), edit] }
}

/** Removes the `n` outermost groups, each of which must encapsulate another one. */
export const pop = (n = 1): HeaderTransposition =>
  !Number.isInteger(n) || n < 0 || n > 255
    ? invalid(`cannot pop ${n} groups`)
    : { ...identity, pop: Array.from({ length: n }, () => needOf(NeedBit.Tunnel)) }

/** Puts a group around the frame: Ethernet, IP (of the addresses' version), UDP and VXLAN. */
export const push = (spec: PushSpec): HeaderTransposition => {
  const { dscp = ENCAPSULATED, ecn = ENCAPSULATED, ttl = DEFAULT_TTL, ...rest } = spec
  const group: Push = { ...rest, dscp, ecn, ttl, tunnel: 'vxlan' }
  const why = wrongPush(group)
  return why === undefined ? { ...identity, push: [group] } : invalid(why)
}

/** Rewrites addresses, ports or the echo identifier of the outermost group. */
export const nat = (changes: NatChanges): HeaderTransposition => modify(changes)

/** Puts a tunnel around the frame, whose outermost group is edited first; `dscp` and `ecn` are copied as edited. */
export const encap = (spec: PushSpec, inner: Changes = {}): HeaderTransposition => compose(modify(inner), push(spec))

/** Removes the outermost tunnel and edits the frame that was inside. */
export const decap = (inner: Changes = {}): HeaderTransposition => compose(pop(), modify(inner))

/** Address translation, then encapsulation of the result. */
export const encapNat = (spec: PushSpec, changes: NatChanges): HeaderTransposition => compose(nat(changes), push(spec))

/** Decapsulation, then address translation of what was inside. */
export const decapNat = (changes: NatChanges): HeaderTransposition => compose(pop(), nat(changes))

const ENCAPSULATED: Value = { original: 0 }

/** Greatest value of each numeric field. */
const LIMITS = {
  dstMac: 2 ** 48 - 1, srcMac: 2 ** 48 - 1, dscp: 63, ecn: 3, ttl: 255, srcPort: 0xffff, dstPort: 0xffff, icmpId: 0xffff, vni: 0xffffff,
} as const
const LIMITED = Object.keys(LIMITS) as readonly (keyof typeof LIMITS)[]

const wrongChanges = (changes: Changes): string | undefined => {
  for (const name of LIMITED) {
    const value = changes[name]
    if (value !== undefined && !within(value, LIMITS[name])) return outOfRange(name, value)
  }
  return wrongAddresses(changes)
}

const wrongPush = (group: Push): string | undefined => {
  for (const name of LIMITED) {
    if (name === 'dstPort' || name === 'icmpId') continue
    const value = group[name]
    const copied = typeof value === 'object'
    if (!(copied ? within(value.original, 255) : within(value, LIMITS[name]))) {
      return copied ? `${name} cannot be copied from group ${value.original}` : outOfRange(name, value)
    }
  }
  return wrongAddresses(group)
}

const wrongAddresses = ({ srcIp, dstIp }: Pick<Changes, 'srcIp' | 'dstIp'>): string | undefined => {
  for (const ip of [srcIp, dstIp]) {
    if (ip?.words.every((w) => within(w, 0xffffffff)) === false) return 'an IP address is four words of 32 bits'
    if (ip?.version === 4 && ip.words.slice(0, 3).some((w) => w !== 0)) return 'an IPv4 address is in the last of its words'
  }
  return srcIp !== undefined && dstIp !== undefined && srcIp.version !== dstIp.version
    ? 'source and destination addresses are of different IP versions'
    : undefined
}

const within = (value: number, limit: number): boolean => Number.isInteger(value) && value >= 0 && value <= limit

const outOfRange = (name: keyof typeof LIMITS, value: number): string => `${name} is a number from 0 to ${LIMITS[name]}, not ${value}`
