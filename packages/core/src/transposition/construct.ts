/**
 * The constructors of the language: what rules, layers and tests build transpositions from. Every constructor is total: a value
 * out of range gives `Invalid` with a sentence that names it, so that a mistake shows in explanations and never throws.
 *
 * A group is counted from the outside, 0 being the outermost one of the frame as the constructed transposition finds it. So are the
 * groups that values are read from.
 *
 * @see VFP §6.1.2, tables 2 and 3
 */
import type { IpAddress, Mac } from '../wire/address.js'
import { UdpPort } from '../wire/udp.js'
import type { VlanTag } from '../wire/vlan.js'
import { compose } from './compose.js'
import { combined, keepsNotEct } from './ecn.js'
import type {
  Changes, EcnCombination, EcnValue, Edit, HeaderTransposition, Need, Push, QuoteChanges, Translation, Transposition, TtlValue, TunnelKind, Value, VlanEdit,
} from './header-transposition.js'
import { wrongChanges, wrongPop, wrongPush, wrongTags } from './limits.js'
import { joinNeeds } from './need.js'
import { combinationsOf, type Doing, guarded, identity, invalid, KEEP, makeEdit, makeQuote, transposition, withoutOwn } from './normal-form.js'

export { identity, invalid } from './normal-form.js'

/** TTL or hop limit of pushed headers unless given: 64, the default of common hosts. */
export const DEFAULT_TTL = 64

/** A group to push: the headers of a tunnel around a frame. */
export interface PushSpec {
  /** Destination MAC of the outer frame. */
  readonly dstMac: Mac
  /** Source MAC of the outer frame. */
  readonly srcMac: Mac
  /** VLAN tags of the outer frame, outermost first, at most two; none unless given. */
  readonly vlans?: readonly VlanTag[]
  /** Outer source address, of the same IP version as `dstIp`. */
  readonly srcIp: IpAddress
  /** Outer destination address: where the tunnel ends. */
  readonly dstIp: IpAddress
  /** Outer DSCP, 0–63; copied from the group inside unless given (the uniform model of RFC 2983). */
  readonly dscp?: Value
  /** Outer ECN field, 0–3; copied from the group inside unless given (the normal mode of RFC 6040). */
  readonly ecn?: EcnValue
  /** Outer TTL or hop limit, 0–255; {@link DEFAULT_TTL} unless given. */
  readonly ttl?: TtlValue
  /**
   * Entropy of the flow inside: the UDP source port, of which RFC 7348 §5 asks for a hash from 49152–65535; its low eight bits
   * are the flow id of NVGRE (RFC 7637 §3.2). Plain GRE does not use it.
   */
  readonly srcPort: number
  /** UDP destination port of VXLAN (4789 unless given) or Geneve (6081 unless given), 1–65535; the other kinds have none. */
  readonly dstPort?: number
  /** Which tunnel header is used; `'vxlan'` unless given. */
  readonly tunnel?: TunnelKind
  /** Network identifier of the tunnel, 0–16777215; 0 for plain GRE. */
  readonly vni: number
  /** Geneve options as on the wire (RFC 8926 §3.5), a multiple of 4 up to 252 bytes; none unless given. */
  readonly options?: Uint8Array
}

/** The fields that address translation rewrites. */
export type NatChanges = Pick<Changes, 'srcIp' | 'dstIp' | 'srcPort' | 'dstPort' | 'icmpId'>

/** Sets fields of one group. Without any field the result is `identity`; addresses of two IP versions give `Invalid`. */
export const modify = (changes: Changes, group = 0): HeaderTransposition => {
  const why = wrongChanges(changes) ?? differentVersions(changes)
  return why === undefined ? edit(group, { set: changes }) : invalid(why)
}

/** Pops and pushes VLAN tags of one group. `Invalid` for more than two tags, or a tag with values out of range. */
export const vlans = (change: VlanEdit, group = 0): HeaderTransposition => {
  const why = wrongTags(change.push) ?? wrongPop(change.pop)
  if (why !== undefined) return invalid(why)
  return edit(group, { vlans: change.pop === 0 && change.push.length === 0 ? undefined : change, set: {} })
}

/**
 * Replaces the IP header of one group, which must encapsulate nothing, by one of the other version with these addresses; further
 * fields may be set beside them. Packets quoted by ICMP errors are translated with it where `quote` gives their addresses, otherwise
 * such errors are refused.
 *
 * @see RFC 7915
 */
export const translate = (
  how: Translation, changes: Changes & Required<Pick<Changes, 'srcIp' | 'dstIp'>>, group = 0, quote?: QuoteChanges & Required<Pick<Changes, 'srcIp' | 'dstIp'>>,
): HeaderTransposition => {
  const versions = [changes.srcIp, changes.dstIp, ...(quote === undefined ? [] : [quote.srcIp, quote.dstIp])]
  const why = wrongChanges(changes) ?? (quote && wrongChanges(quote)) ??
    (versions.every((ip) => ip.version === how.to) ? undefined : `addresses of a header translated to IPv${how.to} are IPv${how.to} addresses`)
  if (why !== undefined) return invalid(why)
  const made = edit(group, { translate: how, set: changes })
  return made._tag === 'Invalid' || quote === undefined ? made : { ...made, quote: { version: how.from, set: quote } }
}

/** Sets fields of the packet that an ICMP error quotes. Frames that quote nothing are left alone. */
export const quoted = (changes: QuoteChanges): HeaderTransposition => {
  const why = wrongChanges(changes) ?? differentVersions(changes)
  if (why !== undefined) return invalid(why)
  const quote = makeQuote((changes.srcIp ?? changes.dstIp)?.version, changes)
  return quote === undefined ? identity : { ...identity, quote }
}

/** Requires something of one group and changes nothing: frames that lack it are dropped as `Shape`. */
export const requiring = (need: Need, group = 0): HeaderTransposition => edit(group, { set: {} }, need)

/** Removes the `n` outermost groups, 0–255, each of which must encapsulate another one. */
export const pop = (n = 1): HeaderTransposition =>
  !Number.isInteger(n) || n < 0 || n > 255
    ? invalid(`cannot pop ${n} groups`)
    : { ...identity, pop: Array.from({ length: n }, () => POPPED) }

const POPPED: Need = { tunnel: true }

/** Puts a group around the frame: Ethernet, IP (of the addresses' version), UDP where the tunnel is in UDP, and the tunnel header. */
export const push = (spec: PushSpec): HeaderTransposition => {
  const { dstMac, srcMac, srcIp, dstIp, dscp = COPIED, ecn = COPIED, ttl = DEFAULT_TTL, srcPort, vni, tunnel = 'vxlan' } = spec
  const dstPort = spec.dstPort ?? standardPort(tunnel)
  const group: Push = {
    dstMac, srcMac, vlans: spec.vlans ?? [], srcIp, dstIp, dscp, ecn: simplified(ecn), ttl, srcPort, dstPort, tunnel, vni, options: spec.options ?? NO_OPTIONS,
  }
  const why = wrongPush(group)
  if (why !== undefined) return invalid(why)
  // What a header does not carry must not tell two of them apart.
  const entropy = tunnel === 'nvgre' ? srcPort & 0xff : tunnel === 'gre' ? 0 : srcPort
  return withReads({ ...identity, push: [{ ...group, srcPort: entropy }] }, ttl, ecn)
}

/** UDP destination port of a tunnel that says nothing else, 0 where the kind has none. */
export const standardPort = (tunnel: TunnelKind): number => (tunnel === 'vxlan' ? UdpPort.Vxlan : tunnel === 'geneve' ? UdpPort.Geneve : 0)

/** Sets addresses, ports or the echo identifier of the outermost group. */
export const nat = (changes: NatChanges): HeaderTransposition => modify(changes)

/** Sets the fields of `inner` in the outermost group, then puts a tunnel around the frame. A copied `dscp` or `ecn` is the value after that. */
export const encap = (spec: PushSpec, inner: Changes = {}): HeaderTransposition => compose(modify(inner), push(spec))

/**
 * Removes the outermost tunnel, then sets the fields of `inner` in the frame that was inside. The inner ECN field becomes what RFC 6040
 * §4.2 makes of both, unless `inner` sets it.
 */
export const decap = (inner: Changes = {}): HeaderTransposition => compose(compose(DECAPSULATED, pop()), modify(inner))

/** Translates addresses and ports, then puts a tunnel around the result. */
export const encapNat = (spec: PushSpec, changes: NatChanges): HeaderTransposition => compose(nat(changes), push(spec))

/** Removes the outermost tunnel, then translates addresses and ports of the frame that was inside. */
export const decapNat = (changes: NatChanges): HeaderTransposition => decap(changes)

const COPIED = { original: 0 } as const
const NO_OPTIONS = new Uint8Array(0)

/** An edit of one group, with the needs of what its values are read from. */
const edit = (group: number, doing: Doing, more: Need = {}): HeaderTransposition => {
  if (!Number.isInteger(group) || group < 0 || group > 255) return invalid(`a group is counted from 0 to 255, not ${group}`)
  const { set } = doing
  // What decapsulation makes of the field of an ARP packet is nothing, so it may be left alone; any other value needs a field.
  const field = set.ecn === undefined || keepsNotEct(set.ecn, group) ? more : joinNeeds(more, { l3: 'ip' })
  const asked = typeof field === 'string' ? field : makeEdit(field, doing)
  if (typeof asked === 'string') return invalid(asked)
  // A value that is the group's own is not set, but what setting it takes of the group is still asked.
  const made: Edit = { ...asked, set: withoutOwn(set.ecn === undefined ? set : { ...set, ecn: simplified(set.ecn) }, group) }
  return withReads({ ...identity, edit: [...Array.from({ length: group }, () => KEEP), made] }, set.ttl, set.ecn)
}

/** With the hops needed of the group a TTL is read from, and the combinations of ECN fields guarded; nothing is popped yet. */
const withReads = (t: Transposition, ttl: TtlValue | undefined, ecn: EcnValue | undefined): HeaderTransposition => {
  let guard: readonly EcnCombination[] = []
  for (const combination of combinationsOf(ecn)) guard = guarded(guard, combination)
  const edits = [...t.edit]
  if (typeof ttl === 'object') {
    while (edits.length <= ttl.original) edits.push(KEEP)
    const read = edits[ttl.original] ?? KEEP
    const need = joinNeeds(read.need, { hops: ttl.minus })
    if (typeof need === 'string') return invalid(need)
    edits[ttl.original] = { ...read, need }
  }
  return transposition({ ...t, edit: edits, guard })
}

const simplified = (value: EcnValue): EcnValue =>
  typeof value === 'number' || 'original' in value ? value : combined(simplified(value.outer), simplified(value.inner))

const differentVersions = ({ srcIp, dstIp }: Pick<Changes, 'srcIp' | 'dstIp'>): string | undefined =>
  srcIp !== undefined && dstIp !== undefined && srcIp.version !== dstIp.version ? 'source and destination addresses are of different IP versions' : undefined

/** Before the pop: the inner field as the combination with the outer one. */
const DECAPSULATED = modify({ ecn: { outer: { original: 0 }, inner: { original: 1 } } }, 1)
