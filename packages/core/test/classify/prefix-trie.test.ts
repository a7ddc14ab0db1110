import test from 'ava'
import { makeBuckets } from '../../src/classify/assign.js'
import type { ClassifierRule } from '../../src/classify/classifier.js'
import { type KeyField, keyField, spanKey } from '../../src/classify/key.js'
import { type Edit, Entry, type Key, type Table } from '../../src/classify/part.js'
import { makeTrie } from '../../src/classify/prefix-trie.js'
import { resolveField } from '../../src/flow/field.js'
import { inPrefix, matchSpan } from '../../src/policy/condition.js'
import { makeFlow } from '../../src/testing/flow-arbitraries.js'
import { type IpAddress, ipv4, ipv6 } from '../../src/wire/address.js'

const at = resolveField('dstIp')!
const buckets = makeBuckets<ClassifierRule>('dstIp')
const newEdit = (): Edit => ({ _tag: 'Edit' })

const keyOf = (address: IpAddress, length: number): Key => {
  const span = matchSpan(at.field, inPrefix('dstIp', address, length).values[0]!)!
  return { words: spanKey(at.field, span.version, span.from), length }
}
const entryOf = (length: number): Entry<ClassifierRule> =>
  new Entry({ id: `/${length}`, priority: 0, sequence: length, conditions: [] }, length, [], [])

const grow = (field: KeyField, address: IpAddress, lengths: readonly number[]): Table<ClassifierRule> => {
  const edit = newEdit()
  let trie: Table<ClassifierRule> | undefined
  for (const length of lengths) {
    trie = trie === undefined ? makeTrie(field, buckets, keyOf(address, length), entryOf(length), edit)
      : trie.insert(keyOf(address, length), entryOf(length), edit)
  }
  return trie!
}
const find = (trie: Table<ClassifierRule> | undefined, address: IpAddress): number | undefined => {
  const flow = makeFlow({ l3: address.version === 4 ? 'ipv4' : 'ipv6', dstIp: address })
  return trie?.lookup(flow.words, flow.depth, undefined)?.length
}
/** The address with bit `i`, counted from the front, turned over. */
const turn = (address: IpAddress, i: number): IpAddress => {
  const bit = address.version === 4 ? i + 96 : i
  const words = address.words.map((word, w) => (w === bit >>> 5 ? (word ^ (1 << (31 - (bit & 31)))) >>> 0 : word))
  return { version: address.version, words: [words[0]!, words[1]!, words[2]!, words[3]!] }
}

const cases: readonly (readonly [IpAddress, number])[] = [
  [ipv4(0xc0a85a7f), 32], [ipv4(0), 32], [ipv4(0xffffffff), 32],
  [ipv6(0x20010db8, 0x80000001, 0xfffffffe, 0x7fffffff), 128], [ipv6(0, 0, 0, 0), 128],
]

test('prefix trie: finds each length of nested prefixes, in whatever order they came', (t) => {
  for (const [address, width] of cases) {
    const ascending = Array.from({ length: width + 1 }, (_, i) => i)
    const scattered = ascending.map((i) => (i * 59) % (width + 1))
    for (const lengths of [ascending, ascending.toReversed(), scattered]) {
      const trie = grow(keyField(at, address.version), address, lengths)
      t.is(find(trie, address), width)
      for (let i = 0; i < width; i++) t.is(find(trie, turn(address, i)), i)
    }
  }
})

test('prefix trie: a removed prefix gives way to the next shorter one, and the trie before the removal keeps it', (t) => {
  for (const [address, width] of cases) {
    let trie: Table<ClassifierRule> | undefined = grow(keyField(at, address.version), address, Array.from({ length: width + 1 }, (_, i) => i))
    for (let length = width; length >= 0; length--) {
      const before = trie
      trie = trie?.remove(keyOf(address, length), entryOf(length), newEdit())
      t.is(find(before, address), length)
      t.is(find(trie, address), length === 0 ? undefined : length - 1)
    }
    t.is(trie, undefined)
  }
})

test('prefix trie: removing what is not there changes nothing', (t) => {
  const address = ipv6(0x20010db8, 1, 2, 3)
  const trie = grow(keyField(at, 6), address, [16, 48, 128])
  for (const length of [0, 15, 17, 32, 49, 64, 127]) {
    t.is(find(trie.remove(keyOf(address, length), entryOf(length), newEdit()), address), 128)
  }
  const other = trie.remove(keyOf(turn(address, 127), 128), entryOf(128), newEdit())
  t.is(find(other, address), 128)
})

test('prefix trie: a packet of the other IP version, or without the field, finds nothing', (t) => {
  const trie = grow(keyField(at, 4), ipv4(0), [0])
  t.is(find(trie, ipv4(7)), 0)
  t.is(find(trie, ipv6(0, 0, 0, 7)), undefined)
  const arp = makeFlow({ l3: 'arp', arpTarget: ipv4(7) })
  t.is(trie.lookup(arp.words, arp.depth, undefined), undefined)
})

test('prefix trie: a copy says how good its best entry is, one that came with the copy included', (t) => {
  const field = keyField(at, 4)
  const ranked = (priority: number): Entry<ClassifierRule> => new Entry({ id: `p${priority}`, priority, sequence: 0, conditions: [] }, 8, [], [])
  const old = makeTrie(field, buckets, keyOf(ipv4(0x0a000000), 8), ranked(10), newEdit())
  const copy = old.insert(keyOf(ipv4(0x0b000000), 8), ranked(1), newEdit())
  t.deepEqual([old.best.priority, copy.best.priority], [10, 1])
})
