import test from 'ava'
import { isLeft, isRight } from 'fp-ts/lib/Either.js'
import { buildClassifier } from '../../src/classify/build.js'
import type { Classifier, ClassifierRule } from '../../src/classify/classifier.js'
import { linearClassifier } from '../../src/classify/linear.js'
import type { FieldRef } from '../../src/flow/field.js'
import { anyOf, between, type Condition, inPrefix, is, oneOf } from '../../src/policy/condition.js'
import { makeFlow } from '../../src/testing/flow-arbitraries.js'
import { ipv4 } from '../../src/wire/address.js'

const rule = (id: string, priority: number, sequence: number, ...conditions: readonly Condition[]): ClassifierRule => ({ id, priority, sequence, conditions })

const both = (rules: readonly ClassifierRule[], longestPrefix?: FieldRef): readonly Classifier<ClassifierRule>[] =>
  [linearClassifier(rules, longestPrefix), buildClassifier(rules, longestPrefix)].map((built) => {
    if (isRight(built)) return built.right
    throw new Error(built.left.reason)
  })

const ip = (text: string): number => text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
const packet = (dst: string, dstPort = 443) => makeFlow({ l3: 'ipv4', l4: 'tcp', dstIp: ipv4(ip(dst)), dstPort })
const to = (prefix: string, length: number): Condition => inPrefix('dstIp', ipv4(ip(prefix)), length)

test('classifier: the smallest priority number wins, among equals the smallest sequence number', (t) => {
  for (const c of both([rule('a', 5, 0), rule('b', 3, 9), rule('c', 3, 7), rule('d', 1, 1, is('dstPort', 80))])) {
    const flow = packet('10.0.0.1')
    t.is(c.lookup(flow.words, flow.depth)?.id, 'c')
    t.is(c.size, 4)
  }
})

test('classifier: no match is undefined, with rules or without', (t) => {
  for (const c of [...both([]), ...both([rule('a', 0, 0, is('dstPort', 80))])]) {
    const flow = packet('10.0.0.1')
    t.is(c.lookup(flow.words, flow.depth), undefined)
  }
})

test('classifier: in a longest-prefix group the prefix decides before priority, then priority, then sequence', (t) => {
  const rules = [
    rule('wide', 0, 0, to('10.0.0.0', 8)),
    rule('narrow', 9, 1, to('10.1.0.0', 16)),
    rule('narrow-better', 5, 2, to('10.1.0.0', 16)),
    rule('narrow-later', 5, 3, to('10.1.0.0', 16)),
    rule('single', 99, 4, to('10.1.2.3', 32)),
    rule('any', 0, 5),
  ]
  for (const c of both(rules, 'dstIp')) {
    const found = (dst: string) => { const flow = packet(dst); return c.lookup(flow.words, flow.depth)?.id }
    t.is(found('10.1.2.3'), 'single')
    t.is(found('10.1.2.4'), 'narrow-better')
    t.is(found('10.2.0.0'), 'wide')
    t.is(found('11.0.0.0'), 'any')
    const arp = makeFlow({ l3: 'arp' })
    t.is(c.lookup(arp.words, arp.depth)?.id, 'any')
  }
})

test('classifier: in a longest-prefix group a longer prefix whose other conditions fail gives way to a shorter one', (t) => {
  for (const c of both([rule('web', 0, 0, to('10.1.0.0', 16), is('dstPort', 80)), rule('all', 0, 1, to('10.0.0.0', 8))], 'dstIp')) {
    const [web, other] = [packet('10.1.0.1', 80), packet('10.1.0.1', 81)]
    t.is(c.lookup(web.words, web.depth)?.id, 'web')
    t.is(c.lookup(other.words, other.depth)?.id, 'all')
  }
})

test('classifier: of a rule with several prefixes the longest that matches counts', (t) => {
  const several = anyOf('dstIp', [...to('10.0.0.0', 8).values, ...to('10.1.0.0', 24).values])
  for (const c of both([rule('several', 9, 0, several), rule('one', 0, 1, to('10.1.0.0', 16))], 'dstIp')) {
    const found = (dst: string) => { const flow = packet(dst); return c.lookup(flow.words, flow.depth)?.id }
    t.is(found('10.1.0.7'), 'several')
    t.is(found('10.1.9.7'), 'one')
    t.is(found('10.9.9.7'), 'several')
  }
})

test('classifier: a longest-prefix group refuses ranges and repeated conditions on its field, and only there', (t) => {
  const range = rule('r', 0, 0, between('dstIp', ipv4(1), ipv4(9)))
  const repeated = rule('r', 0, 0, to('10.0.0.0', 8), to('10.0.0.0', 9))
  for (const build of [linearClassifier, buildClassifier]) {
    const refused = build([range], 'dstIp')
    t.true(isLeft(refused) && refused.left._tag === 'RangeInLongestPrefix' && refused.left.rule === 'r' && refused.left.reason.includes('dstIp'))
    const twice = build([repeated], 'dstIp')
    t.true(isLeft(twice) && twice.left._tag === 'RepeatedLongestPrefix')
    t.true(isRight(build([range, { ...repeated, id: 's' }])))
    t.true(isRight(build([range], 'srcIp')))
  }
})

test('classifier: an id that occurs twice is refused', (t) => {
  for (const build of [linearClassifier, buildClassifier]) {
    const refused = build([rule('x', 0, 0), rule('x', 1, 1)])
    t.true(isLeft(refused) && refused.left._tag === 'DuplicateRule')
  }
})

test('classifier: a refused amendment leaves the classifier as it was', (t) => {
  for (const c of both([rule('a', 0, 0, to('10.0.0.0', 8))], 'dstIp')) {
    t.true(isLeft(c.amend(['a'], [rule('b', 0, 1), rule('c', 0, 2, between('dstIp', ipv4(1), ipv4(9)))])))
    const flow = packet('10.0.0.1')
    t.is(c.lookup(flow.words, flow.depth)?.id, 'a')
    t.is(c.size, 1)
  }
})

test('classifier: an added rule replaces the one of its id, and an unknown id to be removed is ignored', (t) => {
  for (const c of both([rule('a', 0, 0, to('10.0.0.0', 8))])) {
    const amended = c.amend(['nosuch'], [rule('a', 0, 1, to('11.0.0.0', 8))])
    t.true(isRight(amended))
    if (isLeft(amended)) return
    const [ten, eleven] = [packet('10.0.0.1'), packet('11.0.0.1')]
    t.is(amended.right.lookup(ten.words, ten.depth), undefined)
    t.is(amended.right.lookup(eleven.words, eleven.depth)?.sequence, 1)
    t.is(amended.right.size, 1)
    t.is(c.lookup(ten.words, ten.depth)?.id, 'a')
  }
})

test('classifier: the answer is the very rule that was given', (t) => {
  const given = { ...rule('a', 0, 0), payload: { hits: 0 } }
  for (const built of [linearClassifier([given]), buildClassifier([given])]) {
    const flow = packet('10.0.0.1')
    t.is(isRight(built) ? built.right.lookup(flow.words, flow.depth) : undefined, given)
  }
})

test('classifier: a rule with more values than a hash table takes combinations of is found by each of them', (t) => {
  const ports = Array.from({ length: 300 }, (_, i) => 1000 + 3 * i)
  const others = Array.from({ length: 20 }, (_, i) => rule(`o${i}`, 50, 100 + i, is('dstPort', i)))
  for (const c of both([rule('many', 0, 0, oneOf('dstPort', ports), oneOf('proto', [6, 17])), ...others])) {
    for (const port of ports) {
      const [hit, miss] = [packet('10.0.0.1', port), packet('10.0.0.1', port + 1)]
      t.is(c.lookup(hit.words, hit.depth)?.id, 'many')
      t.is(c.lookup(miss.words, miss.depth), undefined)
    }
  }
})
