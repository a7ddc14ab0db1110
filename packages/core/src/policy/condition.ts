/**
 * Conditions: what a rule or a group asks of a packet.
 *
 * A condition names one field of one header group and a list of values, each a single value, an inclusive range or
 * a prefix. The values of one condition are ORed, the conditions of one rule are ANDed. Three consequences that are
 * easy to get wrong are fixed here for every classifier:
 *
 * - a condition on a field that the packet does not have is false, whatever its values;
 * - an empty list of values matches nothing, and no policy may hold one: a rule that was to deny would deny nothing;
 *   an empty list of conditions matches everything;
 * - an IPv4 value never matches an IPv6 packet, nor the other way round, not even `0.0.0.0/0`.
 *
 * Conditions are data, so the functions here refuse nothing: a policy that holds a condition which could match no packet, because it
 * has no values, or a value that its field cannot have, is refused as a whole.
 *
 * @see VFP §5.3.1
 */
import { isList } from '../check/codecs.js'
import { type Field, type FieldRef, resolveField } from '../flow/field.js'
import type { IpAddress } from '../wire/address.js'
import { isIp } from './value-type.js'

/** One value of a field: a number for numeric and MAC fields, an address for IP fields. */
export type Scalar = number | IpAddress

/** One value of a condition: a single value, an inclusive range, or all values that share their leading bits. */
export type Match =
  | {
      readonly _tag: 'Value'
      /** The only value that matches. */
      readonly value: Scalar
    }
  | {
      readonly _tag: 'Range'
      /** Smallest value that matches. */
      readonly from: Scalar
      /** Largest value that matches; not below `from`, and of the same IP version. */
      readonly to: Scalar
    }
  | {
      readonly _tag: 'Prefix'
      /** The value whose leading bits count; bits behind `length` are zero. */
      readonly value: Scalar
      /** Leading bits that count, from 0 to the field's width (32 for IPv4, 128 for IPv6). */
      readonly length: number
    }

/** One condition: the field's value is one of `values`. */
export interface Condition {
  /** Name of the field: `dstIp`, or of an inner header group `inner.dstIp`, `inner2.dstIp`; of a quoted packet `quoted.dstIp`. */
  readonly field: FieldRef
  /** Values of which the field has to have one; at least one in a policy. */
  readonly values: readonly Match[]
}

type IpFieldName = 'srcIp' | 'dstIp' | 'arpSender' | 'arpTarget' | 'ndpTarget'

/** The type of a field's values: {@link IpAddress} for IP fields, a number for all others. */
export type ScalarOf<F extends FieldRef> = F extends IpFieldName | `inner.${IpFieldName}` | `inner2.${IpFieldName}` | `quoted.${IpFieldName}` ? IpAddress : number

/** Returns a condition: the field has exactly this value. */
export const is = <F extends FieldRef>(field: F, value: ScalarOf<F>): Condition => anyOf(field, [{ _tag: 'Value', value }])

/** Returns a condition: the field has one of these values. */
export const oneOf = <F extends FieldRef>(field: F, values: readonly ScalarOf<F>[]): Condition =>
  anyOf(field, isList(values) ? values.map((value): Match => ({ _tag: 'Value', value })) : values)

/** Returns a condition: the field's value lies between `from` and `to`, both included. */
export const between = <F extends FieldRef>(field: F, from: ScalarOf<F>, to: ScalarOf<F>): Condition =>
  anyOf(field, [{ _tag: 'Range', from, to }])

/** Returns a condition: the field's first `length` bits are those of `value`. Bits of `value` behind them are ignored. */
export const inPrefix = <F extends FieldRef>(field: F, value: ScalarOf<F>, length: number): Condition =>
  anyOf(field, [{ _tag: 'Prefix', value, length }])

/** Returns a condition on any mixture of values, ranges and prefixes, each brought into its canonical form. */
export const anyOf = (field: FieldRef, values: readonly Match[]): Condition => ({
  field,
  // What is no list stays as it is, and is refused with the policy.
  values: isList(values) ? values.map((match) => canonicalMatch(field, match)) : values,
})

/**
 * The one form of a match among those that mean the same: a range of one value and a prefix of full length become
 * that value, and bits behind a prefix's length are cleared. A malformed match is returned as it is.
 */
export const canonicalMatch = (ref: FieldRef, match: Match): Match => {
  // Callers may not have a compiler: what is no name of a field is refused with the policy.
  const field = typeof ref === 'string' ? resolveField(ref)?.field : undefined
  const span = field === undefined ? undefined : matchSpan(field, match)
  if (span === undefined || match._tag === 'Value') return match
  if (compareWords(span.from, span.to) === 0) return { _tag: 'Value', value: spanScalar(span, span.from) }
  return match._tag === 'Prefix' ? { ...match, value: spanScalar(span, span.from) } : match
}

/**
 * A match as an inclusive range of big-endian words, the one shape that everything can be computed on: numbers and
 * MACs (up to 48 bits) use the last two words, IPv4 the last one.
 */
export interface Span {
  /** 4 or 6 for addresses, 0 for numbers. */
  readonly version: 0 | 4 | 6
  readonly from: Words
  readonly to: Words
  /** How many leading bits all values share if the match is a value or a prefix; `undefined` for a range. */
  readonly prefixLength: number | undefined
}

/** Four big-endian words of 32 bits. */
export type Words = readonly [number, number, number, number]

/** A match as a {@link Span}, or `undefined` if it is malformed (see {@link matchProblem}) and so matches nothing. */
export const matchSpan = (field: Field, match: Match): Span | undefined => {
  const first = match._tag === 'Range' ? match.from : match.value
  const last = match._tag === 'Range' ? match.to : match.value
  if (!isScalar(field, first) || !isScalar(field, last)) return undefined
  const version = scalarVersion(first)
  if (scalarVersion(last) !== version) return undefined
  const width = spanWidth(field, version)
  const from = scalarWords(first)
  if (match._tag === 'Range') {
    const to = scalarWords(last)
    return compareWords(from, to) > 0 ? undefined : { version, from, to, prefixLength: undefined }
  }
  const length = match._tag === 'Value' ? width : match.length
  if (!Number.isInteger(length) || length < 0 || length > width) return undefined
  return { version, from: fillBehind(from, width - length, 0), to: fillBehind(from, width - length, 0xffffffff), prefixLength: length }
}

/** Bits of a field's values: the field's width, but 32 for IPv4. */
export const spanWidth = (field: Field, version: 0 | 4 | 6): number => (version === 4 ? 32 : field.bits)

/**
 * What is wrong with a match as a value of this field, in words, or `undefined`. Codecs refuse such a match; a
 * classifier given one nevertheless treats it as matching nothing.
 */
export const matchProblem = (field: Field, match: Match): string | undefined => {
  if (!isMatch(match)) return `expected a value, a range or a prefix of ${field.name}`
  const scalars = match._tag === 'Range' ? [match.from, match.to] : [match.value]
  for (const scalar of scalars) {
    if (!isScalar(field, scalar)) return field.kind === 'ip' ? `${field.name} takes IP addresses` : outOfRange(field, scalar)
  }
  if (match._tag === 'Range' && scalarVersion(match.from) !== scalarVersion(match.to)) return 'a range has both ends in one IP version'
  if (match._tag === 'Range') return matchSpan(field, match) === undefined ? 'the range is inverted: its first value is above its last' : undefined
  if (match._tag === 'Value') return undefined
  const width = spanWidth(field, scalarVersion(match.value))
  const span = matchSpan(field, match)
  if (span === undefined) return `a prefix length of ${field.name} is 0 to ${width}`
  return compareWords(span.from, scalarWords(match.value)) === 0 ? undefined : 'bits are set behind the prefix length'
}

/** What is wrong with a condition, in words, or `undefined`. */
export const conditionProblem = (condition: Condition): string | undefined => {
  const field = resolveField(condition.field)?.field
  if (field === undefined) return `there is no field ${condition.field}`
  if (condition.values.length === 0) return EMPTY
  for (const match of condition.values) {
    const problem = matchProblem(field, match)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Why a condition without values is refused. */
export const EMPTY = 'expected at least one value: a condition without any matches no packet'

/** Order of two word quadruples as unsigned 128-bit numbers: negative, 0 or positive. */
export const compareWords = (a: Words, b: Words): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3]

/** Largest value of a numeric or MAC field. */
export const maxOf = (field: Field): number => 2 ** field.bits - 1

/** The words of a scalar, as {@link Span} holds them. */
export const scalarWords = (scalar: Scalar): Words =>
  typeof scalar === 'number' ? [0, 0, Math.floor(scalar / 0x1_0000_0000), scalar >>> 0] : scalar.words

const scalarVersion = (scalar: Scalar): 0 | 4 | 6 => (typeof scalar === 'number' ? 0 : scalar.version)

const spanScalar = (span: Span, words: Words): Scalar =>
  span.version === 0 ? words[2] * 0x1_0000_0000 + words[3] : { version: span.version, words }

/** Made by code that no compiler has seen, it may be anything. */
const isMatch = (u: unknown): u is Match => typeof u === 'object' && u !== null && '_tag' in u && (u._tag === 'Value' || u._tag === 'Range' || u._tag === 'Prefix')

const isScalar = (field: Field, scalar: Scalar): boolean =>
  field.kind === 'ip'
    ? isIp(scalar)
    : typeof scalar === 'number' && Number.isInteger(scalar) && scalar >= 0 && scalar <= maxOf(field)

const outOfRange = (field: Field, scalar: Scalar): string =>
  typeof scalar === 'number' ? `${field.name} is a whole number from 0 to ${maxOf(field)}, not ${scalar}` : `${field.name} takes numbers`

/** The words with their last `count` bits replaced by those of `filler`. */
const fillBehind = ([a, b, c, d]: Words, count: number, filler: number): Words => {
  const fill = (word: number, behind: number): number => {
    const bits = Math.max(0, Math.min(32, count - behind))
    const mask = bits === 32 ? 0xffffffff : (1 << bits) - 1
    return ((word & ~mask) | (filler & mask)) >>> 0
  }
  return [fill(a, 96), fill(b, 64), fill(c, 32), fill(d, 0)]
}
