/** The order of rules in a group: which of two matching rules is the better one. */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { type FieldRef, resolveField } from '../flow/field.js'
import { type Condition, matchSpan } from '../policy/condition.js'
import type { ClassifierError, ClassifierRule } from './classifier.js'

/** What decides between two rules that match. */
export interface Rank {
  /** Bits of the matching prefix in a longest-prefix group, longer first; otherwise 0. */
  readonly length: number
  readonly priority: number
  readonly sequence: number
}

/** Whether `a` is strictly better than `b`. */
export const precedes = (a: Rank, b: Rank): boolean => {
  if (a.length !== b.length) return a.length > b.length
  if (a.priority !== b.priority) return a.priority < b.priority
  return a.sequence < b.sequence
}

/** Best first, for sorting. */
export const compareRanks = (a: Rank, b: Rank): number => b.length - a.length || a.priority - b.priority || a.sequence - b.sequence

/** A rule with one length: in a longest-prefix group a rule has one of these for each value of the named condition. */
export interface RankedRule<R> extends Rank {
  readonly rule: R
  readonly conditions: readonly Condition[]
}

/**
 * Splits a rule by the lengths it may match with.
 *
 * @param longestPrefix - the field whose prefixes come first, or `undefined` where only priority counts
 */
export const rankRule = <R extends ClassifierRule>(rule: R, longestPrefix: FieldRef | undefined): Either<ClassifierError, readonly RankedRule<R>[]> => {
  const { priority, sequence, conditions } = rule
  const named = conditions.filter((condition) => condition.field === longestPrefix)
  const condition = named[0]
  if (longestPrefix === undefined || condition === undefined) return right([{ rule, length: 0, priority, sequence, conditions }])
  if (named.length > 1) {
    return refuse('RepeatedLongestPrefix', rule, `it has two conditions on ${longestPrefix}, whose longest prefix is to decide`)
  }
  if (condition.values.some((match) => match._tag === 'Range')) {
    return refuse('RangeInLongestPrefix', rule, `it names a range of ${longestPrefix}, whose longest prefix is to decide`)
  }
  const field = resolveField(longestPrefix)?.field
  return right(
    condition.values.flatMap((match) => {
      const length = field === undefined ? undefined : matchSpan(field, match)?.prefixLength
      if (length === undefined) return []
      return { rule, length, priority, sequence, conditions: conditions.map((c) => (c === condition ? { field: c.field, values: [match] } : c)) }
    }),
  )
}

/** Ranks rules, in the order given; refuses an id that occurs twice. */
export const rankRules = <R extends ClassifierRule>(
  rules: readonly R[], longestPrefix: FieldRef | undefined,
): Either<ClassifierError, readonly RankedRule<R>[]> => {
  const seen = new Set<string>()
  const ranked: RankedRule<R>[] = []
  for (const rule of rules) {
    if (seen.has(rule.id)) return refuse('DuplicateRule', rule, 'its id occurs twice')
    seen.add(rule.id)
    const parts = rankRule(rule, longestPrefix)
    if (parts._tag === 'Left') return parts
    for (const part of parts.right) ranked.push(part)
  }
  return right(ranked)
}

const refuse = (_tag: ClassifierError['_tag'], rule: ClassifierRule, why: string): Either<ClassifierError, never> =>
  left({ _tag, rule: rule.id, reason: `rule ${rule.id} cannot be classified: ${why}` })
