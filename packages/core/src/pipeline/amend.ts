/**
 * The classifier of a group after a change: amended where most of the rules stayed, built anew otherwise.
 *
 * An update brings all rules of a group, and usually all but a few are as they were. A rule stays when its id,
 * priority and conditions do and when it still comes in the same order; it then keeps its sequence number. New rules get
 * numbers in the gaps between, so one rule inserted in the middle does not renumber those behind it.
 *
 * Cost: linear in the number of rules to compare them, and an amendment for each one that differs; building costs
 * several times the comparison.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import { buildClassifier } from '../classify/build.js'
import type { Classifier, ClassifierError, ClassifierRule } from '../classify/classifier.js'
import type { FieldRef } from '../flow/field.js'
import type { Condition, Match, Scalar } from '../policy/condition.js'

/** What a classifier is made of, before numbers are given. */
type Unnumbered = Omit<ClassifierRule, 'sequence'>

/** The group as it was. */
export interface Before {
  readonly classifier: Numbered
  readonly longestPrefix: FieldRef | undefined
}

/** A classifier with the numbers its rules were given. */
export interface Numbered {
  readonly classifier: Classifier<ClassifierRule>
  readonly entries: ReadonlyMap<string, ClassifierRule>
}

const GAP = 4096

/** The classifier for these rules, in this order. */
export const classifierFor = (
  rules: readonly Unnumbered[], longestPrefix: FieldRef | undefined, before: Before | undefined,
): Either<ClassifierError, Numbered> => {
  const olds = before === undefined || before.longestPrefix !== longestPrefix ? new Map<string, ClassifierRule>() : before.classifier.entries
  const entries = number(rules, olds)
  const kept = entries.filter((e) => olds.get(e.id) === e).length
  const byId = new Map(entries.map((e) => [e.id, e]))
  const classifier = before !== undefined && kept > 0 && 4 * (entries.length - kept + olds.size - kept) < entries.length
    ? before.classifier.classifier.amend(
      [...olds.keys()].filter((id) => byId.get(id) !== olds.get(id)),
      entries.filter((e) => olds.get(e.id) !== e),
    )
    : buildClassifier(entries, longestPrefix)
  return classifier._tag === 'Left' ? classifier : { _tag: 'Right', right: { classifier: classifier.right, entries: byId } }
}

/** Gives each rule a number above the one before it; the old entry itself where nothing about it changed. */
const number = (rules: readonly Unnumbered[], olds: ReadonlyMap<string, ClassifierRule>): readonly ClassifierRule[] => {
  let last = -1
  return rules.map((r, i) => {
    const old = olds.get(r.id)
    const stays = old !== undefined && old.sequence > last && old.priority === r.priority && sameConditions(old.conditions, r.conditions)
    const entry = stays ? old : { id: r.id, priority: r.priority, conditions: r.conditions, sequence: olds.size === 0 ? i * GAP : last + 1 }
    last = entry.sequence
    return entry
  })
}

const sameConditions = (a: readonly Condition[], b: readonly Condition[]): boolean =>
  a === b || (a.length === b.length && a.every((c, i) => sameCondition(c, b[i]!)))

const sameCondition = (a: Condition, b: Condition): boolean =>
  a === b || (a.field === b.field && a.values.length === b.values.length && a.values.every((m, i) => sameMatch(m, b.values[i]!)))

const sameMatch = (a: Match, b: Match): boolean => {
  if (a._tag === 'Value') return b._tag === 'Value' && sameScalar(a.value, b.value)
  if (a._tag === 'Prefix') return b._tag === 'Prefix' && a.length === b.length && sameScalar(a.value, b.value)
  return b._tag === 'Range' && sameScalar(a.from, b.from) && sameScalar(a.to, b.to)
}

const sameScalar = (a: Scalar, b: Scalar): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.version === b.version && a.words.every((w, i) => w === b.words[i])
