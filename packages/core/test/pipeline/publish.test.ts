import test from 'ava'
import { bench, fate, packet, policy } from '../datapath/support.js'

const rules = (count: number, changed = -1) =>
  Array.from({ length: count }, (_, i) => ({ id: `r${i}`, do: i === changed ? 'block' : 'count', priority: i, when: { dstPort: i === changed ? 443 : 1000 + i } }))

test('publish: counters of a rule stay with it while its id and type do', (t) => {
  const all = { id: 'all', do: 'count', priority: 999 }
  const { port, layers } = bench([policy({ outbound: [...rules(3), all] })])
  fate(port, 'outbound', packet('outbound'))
  const counted = (): readonly (readonly [number, unknown])[] => layers[0]!.rules().filter((r) => r.rule === 'all').map((r) => [r.packets, r.state])
  t.deepEqual(counted(), [[1, { packets: 1, bytes: 54 }]])
  layers[0]!.updateJson(policy({ outbound: [all, ...rules(5)] }))
  fate(port, 'outbound', packet('outbound'))
  t.deepEqual(counted(), [[2, { packets: 2, bytes: 108 }]])
  layers[0]!.updateJson(policy({ outbound: [{ id: 'all', do: 'allow' }] }))
  t.deepEqual(counted(), [[0, undefined]])
})

test('publish: one rule changed among many is found, and put back is gone', (t) => {
  const { port, layers } = bench([policy({ outbound: rules(40) })])
  t.is(fate(port, 'outbound', packet('outbound')), 'passed')
  for (const changed of [0, 17, 39]) {
    layers[0]!.updateJson(policy({ outbound: rules(40, changed) }))
    t.is(fate(port, 'outbound', packet('outbound')), 'Denied')
    layers[0]!.updateJson(policy({ outbound: rules(40) }))
    t.is(fate(port, 'outbound', packet('outbound')), 'passed')
  }
})

test('publish: among equal priorities the first written matches, after amendments too', (t) => {
  const equal = (reasons: readonly string[]) => policy({ outbound: [...reasons.map((reason) => ({ id: reason, do: 'block', with: { reason } })), ...rules(20).map((r) => ({ ...r, priority: 100 }))] })
  const { port, layers } = bench([equal(['A', 'B', 'C'])])
  const first = (reasons: readonly string[]): string => {
    layers[0]!.updateJson(equal(reasons))
    return fate(port, 'outbound', packet('outbound'))
  }
  t.deepEqual([['A', 'B', 'C'], ['N', 'A', 'B', 'C'], ['A', 'N', 'B', 'C'], ['C', 'A', 'B'], ['B', 'C', 'A']].map(first), ['A', 'N', 'A', 'C', 'B'])
})
