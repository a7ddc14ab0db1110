import test from 'ava'
import type { ClassifierRule } from '../../src/classify/classifier.js'
import { Entry } from '../../src/classify/part.js'
import { isRoutable, routesOf } from '../../src/classify/route.js'
import type { FieldRef } from '../../src/flow/field.js'
import { anyOf, between, type Condition, inPrefix, is, oneOf } from '../../src/policy/condition.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'

const routes = (conditions: readonly Condition[], longestPrefix?: FieldRef) =>
  routesOf(new Entry<ClassifierRule>({ id: 'r', priority: 0, sequence: 0, conditions }, 0, conditions, conditions), longestPrefix)
const tables = (conditions: readonly Condition[], longestPrefix?: FieldRef) => routes(conditions, longestPrefix).map(({ table }) => table)

const net = inPrefix('dstIp', ipv4(0x0a000000), 8)

test('route: single values over one set of fields share a hash table, whatever their order', (t) => {
  t.deepEqual(tables([is('proto', 6), is('dstPort', 80)]), ['hash dstPort proto'])
  t.deepEqual(tables([is('dstPort', 443), is('proto', 17)]), ['hash dstPort proto'])
  t.deepEqual(tables([is('dstIp', ipv4(1)), is('srcIp', ipv6(1, 0, 0, 0))]), ['hash dstIp/v4 srcIp/v6'])
})

test('route: several values are several keys, up to a bound that leaves the longest list out', (t) => {
  t.is(tables([oneOf('proto', [6, 17]), oneOf('dstPort', [80, 443, 8080])]).length, 6)
  t.deepEqual(new Set(tables([oneOf('proto', [6, 17]), oneOf('dstPort', Array.from({ length: 64 }, (_, i) => i))])), new Set(['hash proto']))
})

test('route: an IP prefix leads to a trie, the most specific one where there are two', (t) => {
  t.deepEqual(tables([net, is('proto', 6)]), ['trie dstIp/v4'])
  t.deepEqual(tables([net, inPrefix('srcIp', ipv4(0x0a000000), 24)]), ['trie srcIp/v4'])
  t.deepEqual(tables([net, is('srcIp', ipv4(7))]), ['trie srcIp/v4'])
  t.deepEqual(tables([anyOf('dstIp', [...net.values, ...inPrefix('dstIp', ipv6(1, 0, 0, 0), 64).values])]), ['trie dstIp/v4', 'trie dstIp/v6'])
})

test('route: in a longest-prefix group its field leads, even by a prefix of length 0', (t) => {
  t.deepEqual(tables([inPrefix('dstIp', ipv4(0), 0), is('proto', 6)], 'dstIp'), ['trie dstIp/v4'])
  t.deepEqual(tables([inPrefix('vni', 0, 8), is('proto', 6)], 'vni'), ['trie vni'])
})

test('route: a MAC prefix and a long list of ports lead to tries when nothing better does', (t) => {
  t.deepEqual(tables([inPrefix('dstMac', 0x00155d_000000, 24)]), ['trie dstMac'])
  t.is(new Set(tables([oneOf('dstPort', Array.from({ length: 65 }, (_, i) => i))])).size, 1)
})

test('route: rules of ranges only, of whole fields, or of nothing suit no table', (t) => {
  for (const conditions of [[], [between('dstPort', 1, 9)], [inPrefix('dstIp', ipv4(0), 0)], [oneOf('dstPort', [])], [oneOf('dstPort', [70000])]]) {
    t.deepEqual(tables(conditions), [])
    t.false(isRoutable(new Entry<ClassifierRule>({ id: 'r', priority: 0, sequence: 0, conditions }, 0, conditions, conditions), undefined))
  }
})

test('route: a trie takes its condition off, a hash table leaves its to be verified; neither chooses again', (t) => {
  const [trie] = routes([net, is('proto', 6)])
  t.deepEqual(trie?.entry.verify, [is('proto', 6)])
  t.deepEqual(trie?.entry.open, [is('proto', 6)])
  const [hash] = routes([is('proto', 6), between('dstPort', 1, 9)])
  t.deepEqual(hash?.entry.verify, [is('proto', 6), between('dstPort', 1, 9)])
  t.deepEqual(hash?.entry.open, [between('dstPort', 1, 9)])
})
