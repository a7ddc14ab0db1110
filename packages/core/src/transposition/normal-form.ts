/** The normal form of transpositions: its two special elements, how a list of edits is brought into it, and equality on it. */
import { sameIp } from '../wire/address.js'
import type { Changes, Edit, HeaderTransposition, Invalid, Need, Push, Transposition, Value } from './header-transposition.js'
import { changesBits, needBits, needOf } from './need.js'

/** Leaves every frame as it is. */
export const identity: Transposition = { _tag: 'Transposition', pop: [], edit: [], push: [] }

/** The absorbing element, with the reason for which no frame passes. */
export const invalid = (reason: string): Invalid => ({ _tag: 'Invalid', reason })

/** Every atom an edit needs: those it names and those its set fields imply. */
export const editBits = (edit: Edit): number => needBits(edit.need) | changesBits(edit.set)

/** The edit that sets these fields and needs these atoms. */
export const makeEdit = (bits: number, set: Changes): Edit => ({ need: needOf(bits), set })

/** The edit that does nothing. */
export const KEEP: Edit = { need: {}, set: {} }

/** Whether an edit neither sets nor needs anything. */
export const isKeep = (edit: Edit): boolean => Object.keys(edit.set).length === 0 && Object.keys(edit.need).length === 0

/** Without the trailing edits that do nothing. */
export const trimEdits = (edits: readonly Edit[]): readonly Edit[] => {
  let length = edits.length
  while (length > 0 && isKeep(edits[length - 1] ?? KEEP)) length--
  return length === edits.length ? edits : edits.slice(0, length)
}

/** Whether a transposition leaves every frame as it is. */
export const isIdentity = (t: HeaderTransposition): boolean =>
  t._tag === 'Transposition' && t.pop.length === 0 && t.push.length === 0 && t.edit.every(isKeep)

/**
 * Whether two transpositions in normal form are the same. All invalid ones are: the reason is a note to the reader, and
 * which of several contradictions is found first depends on how a chain was grouped.
 */
export const equals = (a: HeaderTransposition, b: HeaderTransposition): boolean =>
  a._tag === 'Invalid' || b._tag === 'Invalid'
    ? a._tag === b._tag
    : sameList(a.pop, b.pop, sameNeed) &&
      sameList(a.edit, b.edit, (x, y) => sameNeed(x.need, y.need) && sameChanges(x.set, y.set)) &&
      sameList(a.push, b.push, samePush)

/**
 * How much a transposition does: fields set, groups popped, groups pushed. Composition never makes it greater than what
 * the chain's last word on each field, pop and push comes to.
 */
export const size = (t: HeaderTransposition): number =>
  t._tag === 'Invalid' ? 0 : t.pop.length + t.push.length + t.edit.reduce((n, e) => n + Object.keys(e.set).length, 0)

const sameList = <A>(a: readonly A[], b: readonly A[], same: (x: A, y: A) => boolean): boolean =>
  a.length === b.length && a.every((x, i) => same(x, b[i]!))

const sameNeed = (a: Need, b: Need): boolean => a.l3 === b.l3 && a.l4 === b.l4 && a.tunnel === b.tunnel && a.udp === b.udp

const sameChanges = (a: Changes, b: Changes): boolean =>
  a.dstMac === b.dstMac && a.srcMac === b.srcMac && sameAddress(a.srcIp, b.srcIp) && sameAddress(a.dstIp, b.dstIp) &&
  a.dscp === b.dscp && a.ecn === b.ecn && a.ttl === b.ttl && a.srcPort === b.srcPort && a.dstPort === b.dstPort &&
  a.icmpId === b.icmpId && a.vni === b.vni

const sameAddress = (a: Changes['srcIp'], b: Changes['srcIp']): boolean =>
  a === undefined || b === undefined ? a === b : sameIp(a, b)

const samePush = (a: Push, b: Push): boolean =>
  a.dstMac === b.dstMac && a.srcMac === b.srcMac && sameIp(a.srcIp, b.srcIp) && sameIp(a.dstIp, b.dstIp) &&
  sameValue(a.dscp, b.dscp) && sameValue(a.ecn, b.ecn) && a.ttl === b.ttl && a.srcPort === b.srcPort && a.vni === b.vni

const sameValue = (a: Value, b: Value): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.original === b.original
