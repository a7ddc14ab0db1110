/**
 * What the parts of an assigned classifier have in common.
 *
 * A part never stands empty: removing its last rule gives `undefined`. Every part knows a bound on its best rule, so
 * that a search which has found something better passes the part over; the bound is never worse than the part's
 * best, and after removals may be better, which costs a look and no correctness.
 */
import type { Condition } from '../policy/condition.js'
import type { ClassifierRule } from './classifier.js'
import { type CompiledCondition, compileCondition, matchesAll } from './compiled-condition.js'
import { precedes, type Rank } from './rank.js'

/**
 * The right to change nodes in place. Each amendment makes one and marks with it the nodes it creates; nodes with
 * another mark belong to classifiers already handed out and are copied. Dropped with the amendment, so that it
 * cannot be presented again.
 */
export interface Edit {
  readonly _tag: 'Edit'
}

/** A set of rules that finds its best match. */
export interface Part<R extends ClassifierRule> {
  /** No rule of the part is better than this. */
  readonly best: Rank
  /** The better one of `found` and the best rule here that matches the packet. */
  readonly lookup: (words: Uint32Array, depth: number, found: Entry<R> | undefined) => Entry<R> | undefined
}

/** Rules that a structure finds by some of their conditions: a part again, which grows and shrinks as {@link Buckets} says. */
export type Bucket<R extends ClassifierRule> = Part<R>

/** The leading bits by which a {@link Table} holds an entry. */
export interface Key {
  /** Left-aligned, of each field of the table in turn. */
  readonly words: Int32Array
  /** Bits that count. */
  readonly length: number
}

/** A part that finds buckets by a key. */
export interface Table<R extends ClassifierRule> extends Part<R> {
  /** The table with an entry under a key; the same object if the edit owns it. */
  readonly insert: (key: Key, entry: Entry<R>, edit: Edit) => Table<R>
  /** The table without a rule's entries under a key, or `undefined` if nothing is left. */
  readonly remove: (key: Key, like: Entry<R>, edit: Edit) => Table<R> | undefined
}

/** How buckets grow and shrink: given to the structures from outside, because a bucket may hold such structures again. */
export interface Buckets<R extends ClassifierRule> {
  readonly insert: (bucket: Bucket<R> | undefined, entry: Entry<R>, edit: Edit) => Bucket<R>
  /** Removes all entries of a rule; `like` is one of them, with the conditions by which it was put here. */
  readonly remove: (bucket: Bucket<R>, like: Entry<R>, edit: Edit) => Bucket<R> | undefined
}

/** A rule on its way through the parts to its place: what is still to be verified, and what may still be used to find it. */
export class Entry<R extends ClassifierRule> implements Part<R>, Rank {
  readonly rule: R
  readonly length: number
  readonly priority: number
  readonly sequence: number
  /** Conditions that no structure above has established. */
  readonly verify: readonly Condition[]
  /** Conditions that no structure above was chosen by. */
  readonly open: readonly Condition[]
  /** `verify`, compiled when the entry comes to its place. */
  private checks: readonly CompiledCondition[] = NO_CHECKS

  constructor(rule: R, length: number, verify: readonly Condition[], open: readonly Condition[]) {
    this.rule = rule
    this.length = length
    this.priority = rule.priority
    this.sequence = rule.sequence
    this.verify = verify
    this.open = open
  }

  get best(): Rank {
    return this
  }

  /** Prepares the entry to be matched. To be called before it becomes visible to lookups; returns the entry. */
  seal(): this {
    if (this.verify.length > 0 && this.checks.length === 0) this.checks = this.verify.map(compileCondition)
    return this
  }

  matches(words: Uint32Array, depth: number): boolean {
    return matchesAll(this.checks, words, depth)
  }

  lookup(words: Uint32Array, depth: number, found: Entry<R> | undefined): Entry<R> | undefined {
    if (found !== undefined && !precedes(this, found)) return found
    return this.matches(words, depth) ? this : found
  }
}

const NO_CHECKS: readonly CompiledCondition[] = []

/** The better of two bounds. */
export const better = (a: Rank, b: Rank): Rank => (precedes(b, a) ? b : a)
