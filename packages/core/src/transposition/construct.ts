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
  const { dstMac, srcMac, srcIp, dstIp, dscp = ENCAPSULATED, ecn = ENCAPSULATED, ttl = DEFAULT_TTL, srcPort, vni } = spec
  const group: Push = { dstMac, srcMac, srcIp, dstIp, dscp, ecn, ttl, srcPort, tunnel: 'vxlan', vni }
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

const wrongPush = (p: Push): string | undefined => {
  if (!within(p.dstMac, LIMITS.dstMac)) return outOfRange('dstMac', p.dstMac)
  if (!within(p.srcMac, LIMITS.srcMac)) return outOfRange('srcMac', p.srcMac)
  if (!within(p.ttl, LIMITS.ttl)) return outOfRange('ttl', p.ttl)
  if (!within(p.srcPort, LIMITS.srcPort)) return outOfRange('srcPort', p.srcPort)
  if (!within(p.vni, LIMITS.vni)) return outOfRange('vni', p.vni)
  return wrongClass('dscp', p.dscp) ?? wrongClass('ecn', p.ecn) ?? wrongAddresses(p)
}

const wrongClass = (name: 'dscp' | 'ecn', value: Value): string | undefined => {
  if (typeof value === 'number') return within(value, LIMITS[name]) ? undefined : outOfRange(name, value)
  return within(value.original, 255) ? undefined : `${name} cannot be copied from group ${value.original}`
}

const wrongAddresses = ({ srcIp, dstIp }: Pick<Changes, 'srcIp' | 'dstIp'>): string | undefined => {
  const why = (srcIp && wrongAddress(srcIp)) ?? (dstIp && wrongAddress(dstIp))
  if (why !== undefined) return why
  return srcIp !== undefined && dstIp !== undefined && srcIp.version !== dstIp.version
    ? 'source and destination addresses are of different IP versions'
    : undefined
}

const wrongAddress = ({ version, words: [a, b, c, d] }: IpAddress): string | undefined => {
  if (!(within(a, WORD) && within(b, WORD) && within(c, WORD) && within(d, WORD))) return 'an IP address is four words of 32 bits'
  return version === 4 && (a | b | c) !== 0 ? 'an IPv4 address is in the last of its words' : undefined
}

const WORD = 0xffffffff

const within = (value: number, limit: number): boolean => Number.isInteger(value) && value >= 0 && value <= limit

const outOfRange = (name: keyof typeof LIMITS, value: number): string => `${name} is a number from 0 to ${LIMITS[name]}, not ${value}`
