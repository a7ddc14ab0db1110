/**
 * Conditions in the form that packets meet: plain comparisons of numbers on the words of a flow id.
 *
 * Every match is a range of its field's values, so a compiled condition is a sorted list of disjoint ranges, whatever
 * mixture of values, ranges and prefixes it was written as. One range, the usual case, is held in the object itself;
 * more are searched by halving. IPv6 ranges are compared word by word and held apart, because 128 bits fit no number.
 *
 * Cost: a few comparisons, no allocation; the logarithm of the number of ranges where there are many.
 */
import { type Field, isPresent, readMac, readNumber, resolveField } from '../flow/field.js'
import { WORDS } from '../flow/layout.js'
import { compareWords, type Condition, matchSpan, type Span, type Words } from '../policy/condition.js'
import { L3 } from '../wire/frame-view.js'

/** A condition ready to be asked of packets. */
export interface CompiledCondition {
  /**
   * Whether a packet satisfies the condition.
   *
   * @param words - its UFID words
   * @param depth - its number of header groups
   */
  readonly matches: (words: Uint32Array, depth: number) => boolean
}

/** Compiles a condition. Total: malformed values and unknown fields match nothing. */
export const compileCondition = (condition: Condition): CompiledCondition => new RangeCondition(condition)

/** Whether all of the conditions hold; true if there are none. */
export const matchesAll = (conditions: readonly CompiledCondition[], words: Uint32Array, depth: number): boolean => {
  for (let i = 0; i < conditions.length; i++) if (!conditions[i]!.matches(words, depth)) return false
  return true
}

/** One class for all kinds of fields, so that the call in a rule's loop stays monomorphic. */
class RangeCondition implements CompiledCondition {
  /** `undefined` for a name that is no field: it matches nothing. */
  private readonly field: Field | undefined
  private readonly group: number
  /** The only range of numbers, MACs or IPv4 addresses; inverted, so matching nothing, where there is none. */
  private readonly low: number
  private readonly high: number
  /** `[low, high]*`, sorted and disjoint, where there is more than one such range. */
  private readonly narrow: Float64Array | undefined
  /** IPv6 ranges, eight words each, sorted and disjoint. */
  private readonly wide: Uint32Array | undefined

  constructor(condition: Condition) {
    const resolved = resolveField(condition.field)
    this.field = resolved?.field
    this.group = resolved?.group ?? 0
    const spans = condition.values.flatMap((match) => (resolved === undefined ? [] : (matchSpan(resolved.field, match) ?? [])))
    const narrow = disjoint(spans.filter((span) => span.version !== 6))
    const wide = disjoint(spans.filter((span) => span.version === 6))
    const only = narrow.length === 1 ? narrow[0] : undefined
    this.low = only === undefined ? 1 : toNumber(only.from)
    this.high = only === undefined ? 0 : toNumber(only.to)
    this.narrow = narrow.length > 1 ? Float64Array.from(narrow.flatMap((r) => [toNumber(r.from), toNumber(r.to)])) : undefined
    this.wide = wide.length > 0 ? Uint32Array.from(wide.flatMap((r) => [...r.from, ...r.to])) : undefined
  }

  matches(words: Uint32Array, depth: number): boolean {
    const { field, group } = this
    if (field === undefined || !isPresent(field.presence, words, group, depth)) return false
    if (field.kind === 'number') return this.holds(readNumber(field, words, group))
    if (field.kind === 'mac') return this.holds(readMac(field, words, group))
    const base = group * WORDS
    return (words[base]! & 0xf) === L3.Ipv6
      ? this.wide !== undefined && inWide(this.wide, words, base + field.word)
      : this.holds(words[base + field.word + 3]!)
  }

  private holds(value: number): boolean {
    if (this.narrow === undefined) return value >= this.low && value <= this.high
    return inNarrow(this.narrow, value)
  }
}

/** A range of the words of one field. */
type WordRange = Pick<Span, 'from' | 'to'>

/** The same values as sorted ranges that do not overlap. */
const disjoint = (spans: readonly Span[]): readonly WordRange[] => {
  const ranges: WordRange[] = []
  for (const span of [...spans].sort((a, b) => compareWords(a.from, b.from))) {
    const last = ranges.at(-1)
    if (last === undefined || compareWords(span.from, last.to) > 0) ranges.push(span)
    else if (compareWords(span.to, last.to) > 0) ranges[ranges.length - 1] = { from: last.from, to: span.to }
  }
  return ranges
}

const toNumber = (words: Words): number => words[2] * 0x1_0000_0000 + words[3]

const inNarrow = (ranges: Float64Array, value: number): boolean => {
  // The last range that starts at or below the value is the only one that can hold it.
  let first = 0
  let behind = ranges.length >>> 1
  while (first < behind) {
    const middle = (first + behind) >>> 1
    if (ranges[2 * middle]! <= value) first = middle + 1
    else behind = middle
  }
  return first > 0 && value <= ranges[2 * first - 1]!
}

const inWide = (ranges: Uint32Array, words: Uint32Array, at: number): boolean => {
  let first = 0
  let behind = ranges.length >>> 3
  while (first < behind) {
    const middle = (first + behind) >>> 1
    if (compareWide(ranges, 8 * middle, words, at) <= 0) first = middle + 1
    else behind = middle
  }
  return first > 0 && compareWide(ranges, 8 * first - 4, words, at) >= 0
}

/** Order of four words of `a` at `i` and of `b` at `j`, as unsigned 128-bit numbers. */
const compareWide = (a: Uint32Array, i: number, b: Uint32Array, j: number): number => {
  for (let k = 0; k < 4; k++) {
    const difference = a[i + k]! - b[j + k]!
    if (difference !== 0) return difference
  }
  return 0
}
