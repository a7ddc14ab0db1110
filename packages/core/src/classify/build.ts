/** The classifier of groups: rules assigned to the structures that suit them. Its contract and its design are in classifier.ts. */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { Map as ImmutableMap } from 'immutable'
import type { FieldRef } from '../flow/field.js'
import { makeBuckets } from './assign.js'
import type { Classifier, ClassifierError, ClassifierRule } from './classifier.js'
import { type Bucket, type Buckets, type Edit, Entry } from './part.js'
import { compareRanks, rankRule, rankRules } from './rank.js'

/**
 * Builds a classifier.
 *
 * @param rules - in any order; their sequence numbers tell the order of insertion
 * @param longestPrefix - the field whose longest matching prefix decides before priority; without it, priority alone does
 * @returns the classifier, or why a rule cannot be in it: an id twice, or in a longest-prefix group a range of, or two
 *   conditions on, the field that decides
 */
export const buildClassifier = <R extends ClassifierRule>(rules: readonly R[], longestPrefix?: FieldRef): Either<ClassifierError, Classifier<R>> =>
  new Assigned<R>(longestPrefix, makeBuckets(longestPrefix), ImmutableMap<string, R>(), undefined).amend([], rules)

class Assigned<R extends ClassifierRule> implements Classifier<R> {
  readonly kind = 'assigned'
  private readonly longestPrefix: FieldRef | undefined
  private readonly buckets: Buckets<R>
  private readonly rules: ImmutableMap<string, R>
  private readonly root: Bucket<R> | undefined

  constructor(longestPrefix: FieldRef | undefined, buckets: Buckets<R>, rules: ImmutableMap<string, R>, root: Bucket<R> | undefined) {
    this.longestPrefix = longestPrefix
    this.buckets = buckets
    this.rules = rules
    this.root = root
  }

  get size(): number {
    return this.rules.size
  }

  lookup(words: Uint32Array, depth: number): R | undefined {
    return this.root === undefined ? undefined : this.root.lookup(words, depth, undefined)?.rule
  }

  amend(removedIds: Iterable<string>, added: readonly R[]): Either<ClassifierError, Classifier<R>> {
    const ranked = rankRules(added, this.longestPrefix)
    if (ranked._tag === 'Left') return left(ranked.left)
    const edit: Edit = { _tag: 'Edit' }
    let { root } = this
    const rules = this.rules.withMutations((map) => {
      const remove = (id: string): void => {
        const rule = map.get(id)
        if (rule === undefined) return
        map.delete(id)
        for (const entry of this.entriesOf(rule)) root = root === undefined ? undefined : this.buckets.remove(root, entry, edit)
      }
      for (const id of removedIds) remove(id)
      for (const rule of added) {
        remove(rule.id)
        map.set(rule.id, rule)
      }
    })
    // Best first, so that lists grow at their end and no part's best rule changes after its first.
    for (const { rule, length, conditions } of [...ranked.right].sort(compareRanks)) {
      root = this.buckets.insert(root, new Entry(rule, length, conditions, conditions), edit)
    }
    return right(new Assigned(this.longestPrefix, this.buckets, rules, root))
  }

  private entriesOf(rule: R): readonly Entry<R>[] {
    const ranked = rankRule(rule, this.longestPrefix)
    // A rule that is here was ranked when it came.
    return ranked._tag === 'Left' ? [] : ranked.right.map(({ length, conditions }) => new Entry(rule, length, conditions, conditions))
  }
}
