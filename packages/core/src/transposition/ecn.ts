/**
 * Explicit congestion notification through tunnels.
 *
 * An encapsulator copies the ECN field outwards (normal mode, RFC 6040); a decapsulator combines the outer and the inner
 * one (§4.2, figure 4). In a chain of layers operands are themselves results, so an {@link EcnValue} is a small expression over
 * the ECN fields of the original frame's groups. A frame has at most three of these, of four codepoints each: per packet every
 * expression is a table of 64 entries. Two expressions are compared by what they come to for every assignment of codepoints to
 * the groups they name, whatever their form; a chain that is not yet complete may name groups that no frame has.
 *
 * | inner \ outer | Not-ECT | ECT(0) | ECT(1) | CE   |
 * |---------------|---------|--------|--------|------|
 * | Not-ECT       | Not-ECT | Not-ECT| Not-ECT| drop |
 * | ECT(0)        | ECT(0)  | ECT(0) | ECT(1) | CE   |
 * | ECT(1)        | ECT(1)  | ECT(1) | ECT(1) | CE   |
 * | CE            | CE      | CE     | CE     | CE   |
 *
 * @see RFC 6040 §4
 */
import { MAX_GROUPS } from '../wire/frame-view.js'
import type { EcnCombination, EcnValue } from './header-transposition.js'

/** Codepoints of the field. @see RFC 3168 §5 */
export const Ecn = { NotEct: 0, Ect1: 1, Ect0: 2, Ce: 3 } as const

/** What a decapsulator makes of an outer and an inner codepoint; -1 where it must drop the packet. */
export const combineEcn = (outer: number, inner: number): number => {
  if (outer === Ecn.Ce) return inner === Ecn.NotEct ? -1 : Ecn.Ce
  return outer === Ecn.Ect1 && inner === Ecn.Ect0 ? Ecn.Ect1 : inner
}

/** Entry of a table that stands for a dropped packet. */
export const ECN_DROP = 255

/** Entries of a table: one for each assignment of codepoints to groups. */
export const ECN_ENTRIES = 1 << (2 * MAX_GROUPS)

/**
 * The value for every assignment: at index `ecn of group 0 | group 1 << 2 | group 2 << 4` of the original frame, groups that
 * are not there counted as 0. {@link ECN_DROP} where a combination within has no result.
 */
export const ecnTable = (value: EcnValue): Uint8Array => {
  const table = new Uint8Array(ECN_ENTRIES)
  const marks = [0, 0, 0]
  for (let at = 0; at < ECN_ENTRIES; at++) {
    const result = evaluate(value, assign(marks, at))
    table[at] = result < 0 ? ECN_DROP : result
  }
  return table
}

/** The assignments at which one of the combinations has no result, as bits 0–31 and 32–63. */
export const ecnDrops = (guard: readonly EcnCombination[]): { readonly lo: number; readonly hi: number } => {
  let lo = 0
  let hi = 0
  const marks = [0, 0, 0]
  for (const combination of guard) {
    for (let at = 0; at < ECN_ENTRIES; at++) {
      if (evaluate(combination, assign(marks, at)) >= 0) continue
      if (at < 32) lo |= 1 << at
      else hi |= 1 << (at - 32)
    }
  }
  return { lo, hi }
}

/** Whether a combination has a result at every assignment at which those of the guard have one. */
export const isGuarded = (guard: readonly EcnCombination[], combination: EcnCombination): boolean =>
  always([combination, ...guard], (marks) => evaluate(combination, marks) >= 0 || guard.some((c) => evaluate(c, marks) < 0))

/** Whether two guards drop the same. */
export const sameGuard = (a: readonly EcnCombination[], b: readonly EcnCombination[]): boolean =>
  a.every((c) => isGuarded(b, c)) && b.every((c) => isGuarded(a, c))

/** Whether every assignment is dropped: no frame passes. */
export const dropsAll = (guard: readonly EcnCombination[]): boolean =>
  guard.length > 0 && always(guard, (marks) => guard.some((c) => evaluate(c, marks) < 0))

/** Whether two values are the same for every frame. */
export const sameEcn = (a: EcnValue, b: EcnValue): boolean => {
  if (a === b) return true
  if (typeof a === 'number' && typeof b === 'number') return false
  return always([a, b], (marks) => evaluate(a, marks) === evaluate(b, marks))
}

/** Whether two values are the same for every frame that neither of them, and so the guard, drops. */
export const equalEcn = (a: EcnValue, b: EcnValue): boolean =>
  a === b || always([a, b], (marks) => {
    const [x, y] = [evaluate(a, marks), evaluate(b, marks)]
    return x < 0 || y < 0 || x === y
  })

/** Whether a value is Not-ECT wherever the field of `group` is, as it is in a group without an IP header. */
export const keepsNotEct = (value: EcnValue, group: number): boolean =>
  always([value, { original: group }], (marks) => marks[group] !== Ecn.NotEct || evaluate(value, marks) <= 0)

/** The combination in its simplest form: one of its operands, or a constant, where it is always equal to that. */
export const combined = (outer: EcnValue, inner: EcnValue): EcnValue => {
  const combination: EcnCombination = { outer, inner }
  const constant = evaluate(combination, NO_MARKS)
  if (constant >= 0 && sameEcn(constant, combination)) return constant
  return sameEcn(inner, combination) ? inner : sameEcn(outer, combination) ? outer : combination
}

/** Codepoints by group; of a group that is not there 0. */
type Marks = readonly (number | undefined)[]

const NO_MARKS: Marks = []

/** The value for these codepoints, or -1. */
const evaluate = (value: EcnValue, marks: Marks): number => {
  if (typeof value === 'number') return value
  if ('original' in value) return marks[value.original] ?? 0
  const outer = evaluate(value.outer, marks)
  const inner = evaluate(value.inner, marks)
  return outer < 0 || inner < 0 ? -1 : combineEcn(outer, inner)
}

/** Writes the codepoints that an index of a table stands for. */
const assign = (marks: number[], index: number): Marks => {
  for (let group = 0; group < MAX_GROUPS; group++) marks[group] = (index >>> (2 * group)) & 3
  return marks
}

/** Whether something holds for every assignment of codepoints to the groups that these values name. */
const always = (values: readonly EcnValue[], holds: (marks: Marks) => boolean): boolean => {
  const groups: number[] = []
  for (const value of values) noteGroups(value, groups)
  // No frame has as many groups: nothing rests on the answer, and looking for it would take for ever.
  if (groups.length > MOST_GROUPS) return false
  const marks: (number | undefined)[] = []
  for (let index = 0; index < 4 ** groups.length; index++) {
    for (let i = 0; i < groups.length; i++) marks[groups[i]!] = Math.floor(index / 4 ** i) & 3
    if (!holds(marks)) return false
  }
  return true
}

/** Groups that a comparison tries all codepoints of: a thousand assignments. */
const MOST_GROUPS = 5

const noteGroups = (value: EcnValue, groups: number[]): void => {
  if (typeof value === 'number') return
  if ('original' in value) {
    if (!groups.includes(value.original)) groups.push(value.original)
    return
  }
  noteGroups(value.outer, groups)
  noteGroups(value.inner, groups)
}
