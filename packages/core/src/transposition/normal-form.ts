/** The normal form of transpositions: its two special elements, how parts are brought into it, and equality on it. */
import { type IpAddress, sameIp } from '../wire/address.js'
import { dropsAll, equalEcn, isGuarded, sameEcn, sameGuard } from './ecn.js'
import type {
  Changes, Edit, EcnCombination, EcnValue, HeaderTransposition, Invalid, Need, Push, QuoteEdit, Transposition, Translation, TtlValue, Value, VlanEdit,
} from './header-transposition.js'
import { changesBits, impossible, joinNeeds, NeedBit, needOf, otherBits } from './need.js'
import { sameTags, sameVlans, tagsNeeded } from './vlan-edit.js'

/** The transposition that leaves every frame as it is. */
export const identity: Transposition = { _tag: 'Transposition', pop: [], edit: [], push: [], guard: [] }

/** Returns the transposition that lets no frame pass, with the reason. */
export const invalid = (reason: string): Invalid => ({ _tag: 'Invalid', reason })

/** What an edit does, without what it needs. */
export interface Doing {
  readonly vlans?: VlanEdit | undefined
  readonly translate?: Translation | undefined
  readonly set: Changes
}

/** Returns the edit that does this and needs `need` besides; as text, why no group can meet that. */
export const makeEdit = (need: Need, { vlans, translate, set }: Doing): Edit | string => {
  const bits = impliedBits({ translate, set })
  const implied = impossible(bits, -1) ?? joinNeeds(need, needOf(bits, tagsNeeded(vlans)))
  if (typeof implied === 'string') return implied
  return { need: implied, ...(vlans !== undefined && { vlans }), ...(translate !== undefined && { translate }), set }
}

/** The atoms that doing this to a group implies. */
const impliedBits = ({ translate, set }: Doing): number =>
  translate === undefined ? changesBits(set) : otherBits(set) | NeedBit.Leaf | (translate.from === 4 ? NeedBit.Ipv4 : NeedBit.Ipv6)

/** Returns all that an edit needs. An edit that contradicts itself needs what no group has; none in normal form does. */
export const editNeed = (edit: Edit): Need => {
  const made = makeEdit(edit.need, edit)
  return typeof made === 'string' ? NEVER : made.need
}

const NEVER: Need = { l3: 'arp', tunnel: true }

/** The edit that does nothing. */
export const KEEP: Edit = { need: {}, set: {} }

/** Whether an edit neither does nor needs anything. */
export const isKeep = (edit: Edit): boolean =>
  edit.vlans === undefined && edit.translate === undefined && Object.keys(edit.set).length === 0 && Object.keys(edit.need).length === 0

/** Returns the edits without the trailing ones that do nothing. */
export const trimEdits = (edits: readonly Edit[]): readonly Edit[] => {
  let length = edits.length
  while (length > 0 && isKeep(edits[length - 1] ?? KEEP)) length--
  return length === edits.length ? edits : edits.slice(0, length)
}

/** Returns the guard with a combination added, if that refuses any further frame. */
export const guarded = (guard: readonly EcnCombination[], combination: EcnCombination): readonly EcnCombination[] =>
  isGuarded(guard, combination) ? guard : [...guard, combination]

/**
 * The transposition of these parts in normal form: trimmed, `Invalid` if its guard lets nothing pass, and with quotes refused where
 * a group is translated and nothing is said of what it quotes.
 */
export const transposition = (parts: Omit<Transposition, '_tag'>): HeaderTransposition => {
  if (dropsAll(parts.guard)) return invalid('the outer header always says congestion and the inner one never understands')
  const { pop, push, guard } = parts
  const edit = trimEdits(parts.edit)
  if (edit.slice(0, -1).some((e) => e.need.leaf === true)) return invalid('nothing is inside a group that encapsulates nothing')
  const quote = parts.quote ?? (edit.some((e) => e.translate !== undefined) ? 'refused' as const : undefined)
  return { _tag: 'Transposition', pop, edit, push, guard, ...(quote !== undefined && { quote }) }
}

/** Returns whether a transposition leaves every frame as it is. */
export const isIdentity = (t: HeaderTransposition): boolean =>
  t._tag === 'Transposition' && t.pop.length === 0 && t.push.length === 0 && t.guard.length === 0 && t.quote === undefined && t.edit.every(isKeep)

/**
 * Returns whether two transpositions in normal form do the same. Two invalid ones are always equal, whatever their reasons: which of
 * several contradictions is found first depends on how a chain was grouped. ECN combinations are compared by their results, guards by the
 * frames they refuse.
 */
export const equals = (a: HeaderTransposition, b: HeaderTransposition): boolean =>
  a._tag === 'Invalid' || b._tag === 'Invalid'
    ? a._tag === b._tag
    : sameList(a.pop, b.pop, sameNeed) && sameList(a.edit, b.edit, sameEdit) && sameList(a.push, b.push, samePush) &&
      sameQuote(a.quote, b.quote) && sameGuard(a.guard, b.guard)

/**
 * Returns the size of a transposition: the number of fields set, tags and headers changed, groups popped and groups pushed. The size of a
 * composition is at most that of the last change to each field, plus the pops and pushes that are left.
 */
export const size = (t: HeaderTransposition): number =>
  t._tag === 'Invalid' ? 0 : t.pop.length + t.push.length + t.edit.reduce((n, e) => n + sizeOf(e), 0) + (typeof t.quote === 'object' ? sizeOf(t.quote) : 0)

const sizeOf = ({ vlans, translate, set }: Doing): number =>
  Object.keys(set).length + (translate === undefined ? 0 : 1) + (vlans === undefined ? 0 : vlans.push.length + (vlans.pop === 'all' ? 1 : vlans.pop))

const sameList = <A>(a: readonly A[], b: readonly A[], same: (x: A, y: A) => boolean): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!same(a[i]!, b[i]!)) return false
  return true
}

const sameNeed = (a: Need, b: Need): boolean =>
  a.l3 === b.l3 && a.l4 === b.l4 && a.tunnel === b.tunnel && a.leaf === b.leaf && a.udp === b.udp && a.tags === b.tags && a.hops === b.hops

const sameEdit = (a: Edit, b: Edit): boolean =>
  sameNeed(a.need, b.need) && sameChanges(a.set, b.set) && sameVlans(a.vlans, b.vlans) &&
  a.translate?.from === b.translate?.from && a.translate?.to === b.translate?.to

const sameChanges = (a: Changes, b: Changes): boolean =>
  a.dstMac === b.dstMac && a.srcMac === b.srcMac && sameAddress(a.srcIp, b.srcIp) && sameAddress(a.dstIp, b.dstIp) &&
  same(a.dscp, b.dscp, sameValue) && same(a.ecn, b.ecn, equalEcn) && same(a.ttl, b.ttl, sameTtl) &&
  a.srcPort === b.srcPort && a.dstPort === b.dstPort && a.tcpFlags === b.tcpFlags && a.icmpId === b.icmpId && a.echo === b.echo && a.vni === b.vni &&
  a.arpOperation === b.arpOperation && a.arpSenderMac === b.arpSenderMac && a.arpTargetMac === b.arpTargetMac &&
  sameAddress(a.arpSender, b.arpSender) && sameAddress(a.arpTarget, b.arpTarget)

const same = <A>(a: A | undefined, b: A | undefined, equal: (x: A, y: A) => boolean): boolean =>
  a === undefined || b === undefined ? a === b : equal(a, b)

const sameAddress = (a: IpAddress | undefined, b: IpAddress | undefined): boolean => same(a, b, sameIp)

const samePush = (a: Push, b: Push): boolean =>
  a.dstMac === b.dstMac && a.srcMac === b.srcMac && sameIp(a.srcIp, b.srcIp) && sameIp(a.dstIp, b.dstIp) && sameTags(a.vlans, b.vlans) &&
  sameValue(a.dscp, b.dscp) && equalEcn(a.ecn, b.ecn) && sameTtl(a.ttl, b.ttl) && a.srcPort === b.srcPort && a.dstPort === b.dstPort && a.tunnel === b.tunnel && a.vni === b.vni &&
  a.options.length === b.options.length && a.options.every((byte, i) => byte === b.options[i])

const sameValue = (a: Value, b: Value): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.original === b.original

const sameTtl = (a: TtlValue, b: TtlValue): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.original === b.original && a.minus === b.minus

const sameQuote = (a: Transposition['quote'], b: Transposition['quote']): boolean =>
  a === undefined || b === undefined || a === 'refused' || b === 'refused' ? a === b : a.version === b.version && sameChanges(a.set, b.set)

/** Returns the ECN combinations within a value, for the guard. */
export const combinationsOf = (value: EcnValue | undefined): readonly EcnCombination[] =>
  typeof value !== 'object' || 'original' in value ? [] : [...combinationsOf(value.outer), ...combinationsOf(value.inner), value]

/** Returns a quote edit in normal form, or `undefined` where it does nothing. */
export const makeQuote = (version: 4 | 6 | undefined, set: QuoteEdit['set']): QuoteEdit | undefined =>
  version === undefined && Object.keys(set).length === 0 ? undefined : { ...(version !== undefined && { version }), set }

/** Returns the changes without values copied from the very group that is edited (`own` in the original frame): these change nothing. */
export const withoutOwn = (set: Changes, own: number): Changes => {
  const { dscp, ecn, ttl, ...rest } = set
  return {
    ...rest,
    ...(dscp !== undefined && !sameValue(dscp, { original: own }) && { dscp }),
    ...(ecn !== undefined && !sameEcn(ecn, { original: own }) && { ecn }),
    ...(ttl !== undefined && !sameTtl(ttl, { original: own, minus: 0 }) && { ttl }),
  }
}
