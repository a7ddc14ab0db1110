/**
 * A hash table over single values of a set of fields: one table of a tuple space.
 *
 * The key of a packet is the values of all the table's fields, mixed to 32 bits. What the table holds under those 32
 * bits is a bucket; keys that collide share it, because entries verify their conditions anyway. So the table stores no
 * keys, and a collision costs a comparison, never a wrong answer.
 *
 * Slots lie in pages, and an amendment copies the list of pages and the pages it touches: the square root of the
 * table rather than all of it. The table doubles when it holds as many buckets as slots, and never shrinks while a
 * rule is in it.
 */
import type { ClassifierRule } from './classifier.js'
import { type KeyField, loadKey } from './key.js'
import { better, type Bucket, type Buckets, type Edit, type Entry, type Key, type Table } from './part.js'
import type { Rank } from './rank.js'

const PAGE_BITS = 5
const PAGE_SLOTS = 1 << PAGE_BITS

/** A table of a first entry. The words of its keys are those of the fields, one after the other. */
export const makeHash = <R extends ClassifierRule>(
  fields: readonly KeyField[], buckets: Buckets<R>, key: Key, entry: Entry<R>, edit: Edit,
): Table<R> => {
  const scratch = new Int32Array(fields.reduce((sum, field) => sum + field.keyWords, 0))
  return new HashTable(fields, buckets, scratch, [emptyPage<R>(edit)], 0, entry, edit).insert(key, entry, edit)
}

class HashTable<R extends ClassifierRule> implements Table<R> {
  private readonly fields: readonly KeyField[]
  private readonly buckets: Buckets<R>
  /** The packet's key during a lookup. */
  private readonly key: Int32Array
  private readonly owner: Edit
  /** A power of two. */
  private pages: Page<R>[]
  /** Cells in all pages. */
  private count: number
  best: Rank

  constructor(fields: readonly KeyField[], buckets: Buckets<R>, key: Int32Array, pages: Page<R>[], count: number, best: Rank, owner: Edit) {
    this.fields = fields
    this.buckets = buckets
    this.key = key
    this.pages = pages
    this.count = count
    this.best = best
    this.owner = owner
  }

  lookup(words: Uint32Array, depth: number, found: Entry<R> | undefined): Entry<R> | undefined {
    const { fields, key, pages } = this
    let at = 0
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!
      if (!loadKey(field, words, depth, key, at)) return found
      at += field.keyWords
    }
    const hash = hashWords(key)
    let cell = pages[(hash >>> PAGE_BITS) & (pages.length - 1)]!.slots[hash & (PAGE_SLOTS - 1)]
    while (cell !== undefined) {
      if (cell.hash === hash) return cell.bucket.lookup(words, depth, found)
      cell = cell.next
    }
    return found
  }

  insert(key: Key, entry: Entry<R>, edit: Edit): HashTable<R> {
    const table = this.own(edit)
    table.best = better(table.best, entry)
    const hash = hashWords(key.words)
    const { slots } = table.ownPage(hash, edit)
    const slot = hash & (PAGE_SLOTS - 1)
    const chain = slots[slot]
    const before = cellOf(chain, hash)
    const bucket = table.buckets.insert(before?.bucket, entry, edit)
    if (before !== undefined) {
      slots[slot] = replace(chain, hash, bucket)
      return table
    }
    slots[slot] = { hash, bucket, next: chain }
    table.count++
    if (table.count > table.pages.length * PAGE_SLOTS) table.grow(edit)
    return table
  }

  remove(key: Key, like: Entry<R>, edit: Edit): HashTable<R> | undefined {
    const table = this.own(edit)
    const hash = hashWords(key.words)
    const { slots } = table.ownPage(hash, edit)
    const slot = hash & (PAGE_SLOTS - 1)
    const chain = slots[slot]
    const before = cellOf(chain, hash)
    if (before === undefined) return table
    const bucket = table.buckets.remove(before.bucket, like, edit)
    slots[slot] = replace(chain, hash, bucket)
    if (bucket === undefined) table.count--
    return table.count === 0 ? undefined : table
  }

  private own(edit: Edit): HashTable<R> {
    if (this.owner === edit) return this
    return new HashTable(this.fields, this.buckets, this.key, [...this.pages], this.count, this.best, edit)
  }

  /** The page of a hash, to be changed. Only for tables that the edit owns. */
  private ownPage(hash: number, edit: Edit): Page<R> {
    const i = (hash >>> PAGE_BITS) & (this.pages.length - 1)
    const page = this.pages[i]!
    if (page.owner === edit) return page
    return (this.pages[i] = { owner: edit, slots: [...page.slots] })
  }

  private grow(edit: Edit): void {
    const pages = Array.from({ length: this.pages.length * 2 }, () => emptyPage<R>(edit))
    for (const page of this.pages) {
      for (let cell of page.slots) {
        for (; cell !== undefined; cell = cell.next) {
          const { slots } = pages[(cell.hash >>> PAGE_BITS) & (pages.length - 1)]!
          const slot = cell.hash & (PAGE_SLOTS - 1)
          slots[slot] = { hash: cell.hash, bucket: cell.bucket, next: slots[slot] }
        }
      }
    }
    this.pages = pages
  }
}

interface Page<R extends ClassifierRule> {
  readonly owner: Edit
  readonly slots: (Cell<R> | undefined)[]
}

/** What lies under one hash; never changed, so that pages can share it. */
interface Cell<R extends ClassifierRule> {
  readonly hash: number
  readonly bucket: Bucket<R>
  readonly next: Cell<R> | undefined
}

const emptyPage = <R extends ClassifierRule>(owner: Edit): Page<R> => ({
  owner,
  slots: new Array<Cell<R> | undefined>(PAGE_SLOTS).fill(undefined),
})

const cellOf = <R extends ClassifierRule>(chain: Cell<R> | undefined, hash: number): Cell<R> | undefined => {
  let cell = chain
  while (cell !== undefined && cell.hash !== hash) cell = cell.next
  return cell
}

/** The chain with another bucket under a hash, or without its cell if there is none to replace it. */
const replace = <R extends ClassifierRule>(chain: Cell<R> | undefined, hash: number, bucket: Bucket<R> | undefined): Cell<R> | undefined => {
  if (chain === undefined) return undefined
  if (chain.hash !== hash) return { ...chain, next: replace(chain.next, hash, bucket) }
  return bucket === undefined ? chain.next : { ...chain, bucket }
}

/** 32 well-mixed bits of some words (the rounds of MurmurHash3, public domain). */
const hashWords = (words: Int32Array): number => {
  let h = words.length
  for (let i = 0; i < words.length; i++) {
    let k = Math.imul(words[i]!, 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
