/**
 * Which table a rule goes to, and under which keys.
 *
 * The choice depends on nothing but the rule's open conditions, never on what the tables hold: removing a rule finds
 * it where inserting it put it. The choice, first that applies:
 *
 * 1. in a longest-prefix group, the trie of the field that decides;
 * 2. if an IP condition has a real prefix, the trie of the IP condition that is most specific, measured by its
 *    shortest prefix (addresses of full length compete, too);
 * 3. a hash table over all conditions that are lists of single values, as long as their combinations are few;
 * 4. a trie over any other field given by values and prefixes: OUIs, long lists of ports;
 * 5. no table: the rule list.
 *
 * A condition with several values puts the rule under several keys. The condition that chose a trie is established by
 * it and need not be verified; those that chose a hash table are, as tables keep no keys. Neither chooses again.
 */
import { type FieldRef, type ResolvedField, resolveField } from '../flow/field.js'
import { type Condition, matchSpan, type Span, spanWidth } from '../policy/condition.js'
import type { ClassifierRule } from './classifier.js'
import { makeHash } from './hash.js'
import { keyField, type KeyField, spanKey } from './key.js'
import { type Buckets, type Edit, Entry, type Key, type Table } from './part.js'
import { makeTrie } from './prefix-trie.js'

/** Most keys that a rule occupies in one hash table. */
const MAX_COMBINATIONS = 64

/** One place of a rule. */
export interface Route<R extends ClassifierRule> {
  /** Tells the tables of one assignment apart. */
  readonly table: string
  readonly key: Key
  /** The rule, less the conditions that this place takes care of. */
  readonly entry: Entry<R>
  readonly make: (buckets: Buckets<R>, edit: Edit) => Table<R>
}

/** Whether {@link routesOf} would find a table. */
export const isRoutable = <R extends ClassifierRule>(entry: Entry<R>, longestPrefix: FieldRef | undefined): boolean =>
  choose(entry.open, longestPrefix) !== undefined

/** All places of a rule; none if no table suits it. */
export const routesOf = <R extends ClassifierRule>(entry: Entry<R>, longestPrefix: FieldRef | undefined): readonly Route<R>[] => {
  const choice = choose(entry.open, longestPrefix)
  if (choice === undefined) return []
  return choice._tag === 'Trie' ? trieRoutes(entry, choice.by) : hashRoutes(entry, choice.by)
}

/** A condition as the choice sees it. */
interface Usable {
  readonly condition: Condition
  readonly at: ResolvedField
  readonly spans: readonly Span[]
  /** Shortest prefix among the values, as a share of the field's width. */
  readonly shortest: number
}

type Choice = { readonly _tag: 'Trie'; readonly by: Usable } | { readonly _tag: 'Hash'; readonly by: readonly Usable[] }

const choose = (open: readonly Condition[], longestPrefix: FieldRef | undefined): Choice | undefined => {
  const usable = open.flatMap((condition) => usableOf(condition) ?? [])
  const deciding = usable.find(({ condition }) => condition.field === longestPrefix)
  if (deciding !== undefined) return { _tag: 'Trie', by: deciding }
  const addresses = usable.filter(({ at, shortest }) => at.field.kind === 'ip' && shortest > 0)
  if (addresses.some(({ shortest }) => shortest < 1)) return { _tag: 'Trie', by: mostSpecific(addresses) }
  const exact = fewCombinations(usable.filter(({ shortest }) => shortest === 1))
  if (exact.length > 0) return { _tag: 'Hash', by: exact }
  const others = usable.filter(({ shortest }) => shortest > 0)
  return others.length > 0 ? { _tag: 'Trie', by: mostSpecific(others) } : undefined
}

/** A condition made of values and prefixes only, or `undefined`. */
const usableOf = (condition: Condition): Usable | undefined => {
  const at = resolveField(condition.field)
  if (at === undefined) return undefined
  const spans = condition.values.flatMap((match) => matchSpan(at.field, match) ?? [])
  let shortest = 1
  for (const { version, prefixLength } of spans) {
    if (prefixLength === undefined) return undefined
    shortest = Math.min(shortest, prefixLength / spanWidth(at.field, version))
  }
  // Malformed values were left out, and so do not match; without any value there is no key.
  return spans.length === 0 ? undefined : { condition, at, spans, shortest }
}

const mostSpecific = (usable: readonly Usable[]): Usable =>
  usable.reduce((best, next) => (next.shortest > best.shortest ? next : best))

/** As many conditions as stay within {@link MAX_COMBINATIONS}, those of fewest values first; in an order of their own. */
const fewCombinations = (exact: readonly Usable[]): readonly Usable[] => {
  let combinations = 1
  const chosen = [...exact]
    .sort((a, b) => a.spans.length - b.spans.length)
    .filter(({ spans }) => {
      if (combinations * spans.length > MAX_COMBINATIONS) return false
      combinations *= spans.length
      return true
    })
  return chosen.sort((a, b) => (a.condition.field < b.condition.field ? -1 : 1))
}

const trieRoutes = <R extends ClassifierRule>(entry: Entry<R>, by: Usable): readonly Route<R>[] => {
  const narrowed = new Entry(entry.rule, entry.length, without(entry.verify, [by]), without(entry.open, [by]))
  return by.spans.map((span) => {
    const { field, name } = spanField(by, span)
    const key: Key = { words: spanKey(by.at.field, span.version, span.from), length: span.prefixLength ?? 0 }
    return { table: `trie ${name}`, key, entry: narrowed, make: (buckets, edit) => makeTrie(field, buckets, key, narrowed, edit) }
  })
}

const hashRoutes = <R extends ClassifierRule>(entry: Entry<R>, by: readonly Usable[]): readonly Route<R>[] => {
  const narrowed = new Entry(entry.rule, entry.length, entry.verify, without(entry.open, by))
  return product(by.map(({ spans }) => spans)).map((spans) => {
    const parts = spans.map((span, i) => ({ ...spanField(by[i]!, span), words: spanKey(by[i]!.at.field, span.version, span.from) }))
    const words = Int32Array.from(parts.flatMap((part) => [...part.words]))
    const key: Key = { words, length: 32 * words.length }
    const fields = parts.map(({ field }) => field)
    return {
      table: `hash ${parts.map(({ name }) => name).join(' ')}`,
      key,
      entry: narrowed,
      make: (buckets, edit) => makeHash(fields, buckets, key, narrowed, edit),
    }
  })
}

const spanField = ({ at, condition }: Usable, span: Span): { readonly field: KeyField; readonly name: string } => ({
  field: keyField(at, span.version),
  name: span.version === 0 ? condition.field : `${condition.field}/v${span.version}`,
})

const without = (conditions: readonly Condition[], taken: readonly Usable[]): readonly Condition[] =>
  conditions.length === taken.length ? NONE : conditions.filter((condition) => !taken.some((t) => t.condition === condition))

/** Shared, because most rules of large groups end with no condition left. */
const NONE: readonly Condition[] = []

const product = <A>(lists: readonly (readonly A[])[]): readonly (readonly A[])[] =>
  lists.reduce<readonly (readonly A[])[]>((all, list) => all.flatMap((head) => list.map((last) => [...head, last])), [[]])
