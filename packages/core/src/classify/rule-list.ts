/** A part of few rules, or of rules that nothing else suits: tried in order of rank. */
import type { ClassifierRule } from './classifier.js'
import type { Edit, Entry, Part } from './part.js'
import { precedes, type Rank } from './rank.js'

/** Entries, best first. */
export class RuleList<R extends ClassifierRule> implements Part<R> {
  readonly entries: readonly Entry<R>[]
  private readonly owner: Edit
  /** The same array as `entries`, for the owner. */
  private readonly own: Entry<R>[]

  /** Takes the array over. It must be sorted and not empty, its entries sealed. */
  constructor(entries: Entry<R>[], owner: Edit) {
    this.entries = entries
    this.own = entries
    this.owner = owner
  }

  get best(): Rank {
    return this.entries[0]!
  }

  lookup(words: Uint32Array, depth: number, found: Entry<R> | undefined): Entry<R> | undefined {
    const { entries } = this
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      if (found !== undefined && !precedes(entry, found)) return found
      if (entry.matches(words, depth)) return entry
    }
    return found
  }

  /** The list with a sealed entry at its place. Appending to an owned list, as building in order of rank does, is cheap. */
  insert(entry: Entry<R>, edit: Edit): RuleList<R> {
    const entries = this.owner === edit ? this.own : [...this.entries]
    entries.splice(this.position(entry), 0, entry)
    return this.owner === edit ? this : new RuleList(entries, edit)
  }

  /** The list without the entries of a rule, or `undefined` if none is left. */
  remove(id: string, edit: Edit): RuleList<R> | undefined {
    const rest = this.entries.filter((entry) => entry.rule.id !== id)
    if (rest.length === this.entries.length) return this
    return rest.length === 0 ? undefined : new RuleList(rest, edit)
  }

  private position(entry: Rank): number {
    let first = 0
    let behind = this.entries.length
    while (first < behind) {
      const middle = (first + behind) >>> 1
      if (precedes(entry, this.entries[middle]!)) behind = middle
      else first = middle + 1
    }
    return first
  }
}
