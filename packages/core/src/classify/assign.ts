/**
 * Assignment: a bucket's rules distributed over the tables that suit them, and when that is worth it.
 *
 * A bucket is one rule, a list of few rules, or an {@link Assignment}: tables by name and a list of the rules that
 * suit none. The buckets of its tables are such buckets again, distributed by the conditions that are still open; the
 * number of conditions bounds the nesting. A list becomes an assignment when it would exceed {@link FEW} rules.
 */
import type { FieldRef } from '../flow/field.js'
import type { ClassifierRule } from './classifier.js'
import { type Bucket, type Buckets, type Edit, Entry, type Part, type Table } from './part.js'
import { compareRanks, precedes, type Rank } from './rank.js'
import { isRoutable, type Route, routesOf } from './route.js'
import { RuleList } from './rule-list.js'

/** Up to this many rules, trying each is faster than anything else. */
const FEW = 8

/** How buckets grow and shrink in a group of one order. */
export const makeBuckets = <R extends ClassifierRule>(longestPrefix: FieldRef | undefined): Buckets<R> => {
  const routes = (entry: Entry<R>): readonly Route<R>[] => routesOf(entry, longestPrefix)
  const buckets: Buckets<R> = {
    insert: (bucket, entry, edit) => {
      if (bucket === undefined) return entry.seal()
      if (isEntry(bucket)) {
        entry.seal()
        return new RuleList(precedes(entry, bucket) ? [entry, bucket] : [bucket, entry], edit)
      }
      if (isAssignment(bucket)) return bucket.insert(entry, routes(entry), buckets, edit)
      if (!isList(bucket)) throw new Error('a bucket of unknown kind')
      const all = bucket.entries
      if (all.length < FEW || !(isRoutable(entry, longestPrefix) || (all.length === FEW && all.some((e) => isRoutable(e, longestPrefix))))) {
        return bucket.insert(entry.seal(), edit)
      }
      let assignment = new Assignment<R>(new Map(), undefined, edit)
      for (const e of [...all, entry]) assignment = assignment.insert(e, routes(e), buckets, edit)
      return assignment
    },
    remove: (bucket, like, edit) => {
      if (isEntry(bucket)) return bucket.rule.id === like.rule.id ? undefined : bucket
      if (isList(bucket)) return bucket.remove(like.rule.id, edit)
      if (isAssignment(bucket)) return bucket.remove(like, routes(like), edit)
      throw new Error('a bucket of unknown kind')
    },
  }
  return buckets
}

// Guards, because `instanceof` alone forgets which rules a bucket holds.
const isEntry = <R extends ClassifierRule>(bucket: Bucket<R>): bucket is Entry<R> => bucket instanceof Entry
const isList = <R extends ClassifierRule>(bucket: Bucket<R>): bucket is RuleList<R> => bucket instanceof RuleList
const isAssignment = <R extends ClassifierRule>(bucket: Bucket<R>): bucket is Assignment<R> => bucket instanceof Assignment

/** Rules in tables, and the rest in a list. */
class Assignment<R extends ClassifierRule> implements Part<R> {
  private readonly owner: Edit
  private readonly tables: Map<string, Table<R>>
  private rest: RuleList<R> | undefined
  /** Tables and list, best first: what lookups walk. */
  private order: readonly Part<R>[] = []

  constructor(tables: Map<string, Table<R>>, rest: RuleList<R> | undefined, owner: Edit) {
    this.tables = tables
    this.rest = rest
    this.owner = owner
    this.arrange()
  }

  get best(): Rank {
    return this.order[0]!.best
  }

  lookup(words: Uint32Array, depth: number, found: Entry<R> | undefined): Entry<R> | undefined {
    const { order } = this
    let best = found
    for (let i = 0; i < order.length; i++) {
      const part = order[i]!
      if (best !== undefined && !precedes(part.best, best)) return best
      best = part.lookup(words, depth, best)
    }
    return best
  }

  insert(entry: Entry<R>, routes: readonly Route<R>[], buckets: Buckets<R>, edit: Edit): Assignment<R> {
    const own = this.own(edit)
    let arranged = true
    for (const { table: name, key, entry: narrowed, make } of routes) {
      const before = own.tables.get(name)
      const bestBefore = before?.best
      const after = before === undefined ? make(buckets, edit) : before.insert(key, narrowed, edit)
      own.tables.set(name, after)
      arranged &&= after === before && after.best === bestBefore
    }
    if (routes.length === 0) {
      own.rest = own.rest === undefined ? new RuleList([entry.seal()], edit) : own.rest.insert(entry.seal(), edit)
      arranged = false
    }
    if (!arranged) own.arrange()
    return own
  }

  remove(like: Entry<R>, routes: readonly Route<R>[], edit: Edit): Assignment<R> | undefined {
    const own = this.own(edit)
    for (const { table: name, key, entry } of routes) {
      const table = own.tables.get(name)?.remove(key, entry, edit)
      if (table === undefined) own.tables.delete(name)
      else own.tables.set(name, table)
    }
    if (routes.length === 0) own.rest = own.rest?.remove(like.rule.id, edit)
    own.arrange()
    return own.order.length === 0 ? undefined : own
  }

  private own(edit: Edit): Assignment<R> {
    return this.owner === edit ? this : new Assignment(new Map(this.tables), this.rest, edit)
  }

  private arrange(): void {
    const parts: Part<R>[] = [...this.tables.values()]
    if (this.rest !== undefined) parts.push(this.rest)
    this.order = parts.sort((a, b) => compareRanks(a.best, b.best))
  }
}
