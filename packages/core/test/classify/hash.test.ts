import test from 'ava'
import { isRight } from 'fp-ts/lib/Either.js'
import { buildClassifier } from '../../src/classify/build.js'
import type { Classifier, ClassifierRule } from '../../src/classify/classifier.js'
import { keyField, loadKey, spanKey } from '../../src/classify/key.js'
import { isPresent, resolveField } from '../../src/flow/field.js'
import { is, matchSpan } from '../../src/policy/condition.js'
import { ALL_FIELDS, conditionArbitrary, flowNear } from '../../src/testing/condition-arbitraries.js'
import { makeFlow, writeField } from '../../src/testing/flow-arbitraries.js'
import { ipv4 } from '../../src/wire/address.js'
import fc from 'fast-check'

const rules: readonly ClassifierRule[] = Array.from({ length: 5000 }, (_, i) => ({
  id: `r${i}`, priority: 0, sequence: i, conditions: [is('dstIp', ipv4(0x0a000000 + i)), is('dstPort', i % 7)],
}))
const found = (c: Classifier<ClassifierRule>, i: number, port = i % 7): string | undefined => {
  const flow = makeFlow({ l3: 'ipv4', l4: 'udp', dstIp: ipv4(0x0a000000 + i), dstPort: port })
  return c.lookup(flow.words, flow.depth)?.id
}
const right = <E, A>(either: { readonly _tag: 'Right'; readonly right: A } | { readonly _tag: 'Left'; readonly left: E }): A => {
  if (isRight(either)) return either.right
  throw new Error(JSON.stringify(either.left))
}

test('hash: holds thousands of keys, each found and none mistaken for another', (t) => {
  const c = right(buildClassifier(rules))
  for (let i = 0; i < rules.length; i++) {
    t.is(found(c, i), `r${i}`)
    t.is(found(c, i, (i + 1) % 7), undefined)
  }
  t.is(found(c, rules.length), undefined)
})

test('hash: a table grown and emptied rule by rule leaves every older version as it was', (t) => {
  const versions: Classifier<ClassifierRule>[] = [right(buildClassifier(rules.slice(0, 100)))]
  for (let i = 100; i < 200; i++) versions.push(right(versions[i - 100]!.amend([], [rules[i]!])))
  let emptied = versions[100]!
  for (let i = 0; i < 200; i++) emptied = right(emptied.amend([`r${i}`], []))
  t.is(emptied.size, 0)
  versions.forEach((version, v) => {
    t.is(version.size, 100 + v)
    for (let i = 0; i < 200; i++) t.is(found(version, i), i < 100 + v ? `r${i}` : undefined)
  })
})

test('keys: a packet\'s key is that of the value it carries, in every field', (t) => {
  fc.assert(
    fc.property(conditionArbitrary(ALL_FIELDS, { ranges: false }).chain((c) => flowNear([[c]]).map((flow) => ({ c, flow }))), ({ c, flow }) => {
      const at = resolveField(c.field)!
      const match = c.values[0]!
      const value = match._tag === 'Range' ? match.from : match.value
      const version = typeof value === 'number' ? 0 : value.version
      const of = keyField(at, version)
      const key = new Int32Array(of.keyWords)
      if (at.group < flow.depth) writeField(flow.words, at.field, at.group, value)
      const loaded = loadKey(of, flow.words, flow.depth, key, 0)
      if (!isPresent(at.field.presence, flow.words, at.group, flow.depth)) t.false(loaded)
      if (loaded) t.deepEqual(key, spanKey(at.field, version, matchSpan(at.field, { _tag: 'Value', value })!.from))
    }),
    { numRuns: 500 },
  )
})
