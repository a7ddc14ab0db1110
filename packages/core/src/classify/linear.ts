/**
 * The oracle: rules in the order of their rank, tried from the front.
 *
 * It is here to be obviously right, so it shares no structure with the classifiers that are checked against it.
 * Lookup and amendment are linear in the number of rules.
 */
import { type Either, map, right } from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { FieldRef } from '../flow/field.js'
import type { Classifier, ClassifierError, ClassifierRule } from './classifier.js'
import { type CompiledCondition, compileCondition, matchesAll } from './compiled-condition.js'
import { compareRanks, rankRules } from './rank.js'

/** A classifier that tries every rule; takes and refuses what `buildClassifier` does. */
export const linearClassifier = <R extends ClassifierRule>(rules: readonly R[], longestPrefix?: FieldRef): Either<ClassifierError, Classifier<R>> =>
  pipe(
    rankRules(rules, longestPrefix),
    map((ranked) => {
      const lines = [...ranked]
        .sort(compareRanks)
        .map(({ rule, conditions }) => ({ rule, conditions: conditions.map(compileCondition) }))
      return new Linear(rules, longestPrefix, lines)
    }),
  )

interface Line<R> {
  readonly rule: R
  readonly conditions: readonly CompiledCondition[]
}

class Linear<R extends ClassifierRule> implements Classifier<R> {
  readonly kind = 'linear'
  private readonly rules: readonly R[]
  private readonly longestPrefix: FieldRef | undefined
  /** Best rank first. */
  private readonly lines: readonly Line<R>[]

  constructor(rules: readonly R[], longestPrefix: FieldRef | undefined, lines: readonly Line<R>[]) {
    this.rules = rules
    this.longestPrefix = longestPrefix
    this.lines = lines
  }

  get size(): number {
    return this.rules.length
  }

  lookup(words: Uint32Array, depth: number): R | undefined {
    const { lines } = this
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!
      if (matchesAll(line.conditions, words, depth)) return line.rule
    }
    return undefined
  }

  amend(removedIds: Iterable<string>, added: readonly R[]): Either<ClassifierError, Classifier<R>> {
    const gone = new Set(removedIds)
    for (const rule of added) gone.add(rule.id)
    if (gone.size === 0) return right(this)
    return linearClassifier([...this.rules.filter((rule) => !gone.has(rule.id)), ...added], this.longestPrefix)
  }
}
