/**
 * A compressed trie over the prefixes of one field.
 *
 * What. A node stands for a prefix and may hold a bucket of the rules that named it; its children continue with a 0
 * or a 1. Nodes without bucket and with only one child do not exist, so n prefixes make at most 2n nodes, and a
 * lookup takes as many steps as there are branchings on the packet's path, not bits.
 *
 * Words. Keys of more than 32 bits are tries of tries: a node holds bits of one word only, so that comparing it is one
 * XOR and one count of leading zeros. A node of all 32 bits has nothing to branch on; what continues it in the next
 * word hangs at its `zero` side.
 *
 * Order. Every bucket on the path holds rules whose prefix matches. The deepest is asked first: in a longest-prefix
 * group nothing further up can be better then, and in a priority group specific rules tend to be the better ones.
 * Buckets whose best rule cannot beat what was found are passed over.
 *
 * Change. Insertion and removal copy the path, unless the edit owns its nodes.
 *
 * @see D. R. Morrison: PATRICIA, JACM 15(4), 1968
 */
import type { ClassifierRule } from './classifier.js'
import { type KeyField, loadKey } from './key.js'
import { better, type Bucket, type Buckets, type Edit, type Entry, type Key, type Table } from './part.js'
import { precedes, type Rank } from './rank.js'

/** An empty trie cannot exist: this makes one of a first entry. */
export const makeTrie = <R extends ClassifierRule>(field: KeyField, buckets: Buckets<R>, key: Key, entry: Entry<R>, edit: Edit): Table<R> =>
  new PrefixTrie(field, buckets, new Int32Array(field.keyWords), insert(undefined, key, 0, entry, buckets, edit), entry, edit)

class PrefixTrie<R extends ClassifierRule> implements Table<R> {
  private readonly field: KeyField
  private readonly buckets: Buckets<R>
  /** The packet's key during a lookup. */
  private readonly key: Int32Array
  private readonly owner: Edit
  private root: Node<R>
  best: Rank

  constructor(field: KeyField, buckets: Buckets<R>, key: Int32Array, root: Node<R>, best: Rank, owner: Edit) {
    this.field = field
    this.buckets = buckets
    this.key = key
    this.root = root
    this.best = best
    this.owner = owner
  }

  lookup(words: Uint32Array, depth: number, found: Entry<R> | undefined): Entry<R> | undefined {
    if (!loadKey(this.field, words, depth, this.key, 0)) return found
    return search(this.root, this.key, 0, words, depth, found)
  }

  insert(key: Key, entry: Entry<R>, edit: Edit): PrefixTrie<R> {
    const root = insert(this.root, key, 0, entry, this.buckets, edit)
    const best = better(this.best, entry)
    if (this.owner !== edit) return new PrefixTrie(this.field, this.buckets, this.key, root, best, edit)
    this.root = root
    this.best = best
    return this
  }

  remove(key: Key, like: Entry<R>, edit: Edit): PrefixTrie<R> | undefined {
    const root = remove(this.root, key, 0, like, this.buckets, edit)
    if (root === undefined) return undefined
    if (this.owner !== edit) return new PrefixTrie(this.field, this.buckets, this.key, root, this.best, edit)
    this.root = root
    return this
  }
}

class Node<R extends ClassifierRule> {
  /** The prefix within its word, left-aligned; bits behind `length` are 0. */
  readonly bits: number
  /** Bits of the prefix within its word, 0–32. */
  readonly length: number
  readonly owner: Edit
  bucket: Bucket<R> | undefined
  /** What continues the prefix with a 0, or in the next word if `length` is 32. */
  zero: Node<R> | undefined
  /** What continues the prefix with a 1. */
  one: Node<R> | undefined

  constructor(bits: number, length: number, owner: Edit, bucket?: Bucket<R>, zero?: Node<R>, one?: Node<R>) {
    this.bits = bits
    this.length = length
    this.owner = owner
    this.bucket = bucket
    this.zero = zero
    this.one = one
  }
}

const search = <R extends ClassifierRule>(
  node: Node<R>, key: Int32Array, word: number, words: Uint32Array, depth: number, found: Entry<R> | undefined,
): Entry<R> | undefined => {
  const bits = key[word]!
  const { length, bucket } = node
  if (Math.clz32(node.bits ^ bits) < length) return found
  let best = found
  if (length === 32) {
    if (node.zero !== undefined) best = search(node.zero, key, word + 1, words, depth, best)
  } else {
    const next = (bits << length) < 0 ? node.one : node.zero
    if (next !== undefined) best = search(next, key, word, words, depth, best)
  }
  if (bucket === undefined || (best !== undefined && !precedes(bucket.best, best))) return best
  return bucket.lookup(words, depth, best)
}

const insert = <R extends ClassifierRule>(
  at: Node<R> | undefined, key: Key, word: number, entry: Entry<R>, buckets: Buckets<R>, edit: Edit,
): Node<R> => {
  const bits = key.words[word] ?? 0
  const left = key.length - 32 * word
  const wanted = Math.min(32, left)
  const common = at === undefined ? wanted : Math.min(Math.clz32(at.bits ^ bits), at.length, wanted)
  const node = at === undefined || common < at.length ? branch(bits, common, at, edit) : own(at, edit)
  if (common === left) node.bucket = buckets.insert(node.bucket, entry, edit)
  else if (common === 32) node.zero = insert(node.zero, key, word + 1, entry, buckets, edit)
  else if ((bits << common) < 0) node.one = insert(node.one, key, word, entry, buckets, edit)
  else node.zero = insert(node.zero, key, word, entry, buckets, edit)
  return node
}

const remove = <R extends ClassifierRule>(
  at: Node<R> | undefined, key: Key, word: number, like: Entry<R>, buckets: Buckets<R>, edit: Edit,
): Node<R> | undefined => {
  const bits = key.words[word] ?? 0
  const left = key.length - 32 * word
  if (at === undefined || at.length > left || Math.clz32(at.bits ^ bits) < at.length) return at
  const node = own(at, edit)
  if (at.length === left) node.bucket = node.bucket === undefined ? undefined : buckets.remove(node.bucket, like, edit)
  else if (at.length === 32) node.zero = remove(node.zero, key, word + 1, like, buckets, edit)
  else if ((bits << at.length) < 0) node.one = remove(node.one, key, word, like, buckets, edit)
  else node.zero = remove(node.zero, key, word, like, buckets, edit)
  if (node.bucket !== undefined || (node.zero !== undefined && node.one !== undefined)) return node
  // A full word cannot be merged with its continuation, which holds other bits.
  return node.length === 32 && node.zero !== undefined ? node : (node.zero ?? node.one)
}

/** A node for the first `length` bits, above `below` if that is given. */
const branch = <R extends ClassifierRule>(bits: number, length: number, below: Node<R> | undefined, edit: Edit): Node<R> => {
  const prefix = length === 0 ? 0 : bits & (-1 << (32 - length))
  if (below === undefined) return new Node<R>(prefix, length, edit)
  return (below.bits << length) < 0
    ? new Node(prefix, length, edit, undefined, undefined, below)
    : new Node(prefix, length, edit, undefined, below)
}

const own = <R extends ClassifierRule>(node: Node<R>, edit: Edit): Node<R> =>
  node.owner === edit ? node : new Node(node.bits, node.length, edit, node.bucket, node.zero, node.one)
