import { testProp } from '@fast-check/ava'
import test from 'ava'
import fc from 'fast-check'
import { ecn } from '../../src/testing/transposition-values.js'
import { combined, combineEcn, ECN_DROP, ecnDrops, ecnTable, isGuarded, sameEcn } from '../../src/transposition/ecn.js'

/** RFC 6040 §4.2, figure 4, rows and columns in the order of the codepoints 00 01 10 11: Not-ECT, ECT(1), ECT(0), CE. */
const FIGURE_4 = [
  // outer:    Not-ECT ECT(1) ECT(0) CE
  /* Not-ECT */ [0, 0, 0, -1],
  /* ECT(1)  */ [1, 1, 1, 3],
  /* ECT(0)  */ [2, 1, 2, 3],
  /* CE      */ [3, 3, 3, 3],
] as const

test('combineEcn: is the table of RFC 6040', (t) => {
  FIGURE_4.forEach((row, inner) => { row.forEach((result, outer) => { t.is(combineEcn(outer, inner), result) }) })
})

test('ecnTable: holds a combination at the index of its operands', (t) => {
  const table = ecnTable({ outer: { original: 0 }, inner: { original: 1 } })
  FIGURE_4.forEach((row, inner) => { row.forEach((result, outer) => { t.is(table[outer | (inner << 2)], result < 0 ? ECN_DROP : result) }) })
})

test('combined: what is always one of its operands is that operand', (t) => {
  const inner = { original: 1 }
  t.deepEqual(combined(0, inner), inner)
  t.deepEqual(combined(2, inner), inner)
  t.deepEqual(combined(inner, inner), inner)
  t.is(combined({ original: 0 }, 3), 3)
  t.deepEqual(combined(1, inner), { outer: 1, inner })
  t.deepEqual(combined(1, combined(1, inner)), { outer: 1, inner })
})

test('ecnDrops: CE over Not-ECT, whatever the third group says', (t) => {
  const { lo, hi } = ecnDrops([{ outer: { original: 0 }, inner: { original: 1 } }])
  t.deepEqual(Array.from({ length: 64 }, (_, i) => i).filter((i) => ((i < 32 ? lo >>> i : hi >>> (i - 32)) & 1) === 1), [3, 19, 35, 51])
  t.true(isGuarded([{ outer: { original: 0 }, inner: { original: 1 } }], { outer: { original: 0 }, inner: { original: 1 } }))
  t.false(isGuarded([], { outer: { original: 0 }, inner: { original: 1 } }))
})

testProp('combined: the simplified value is the same for every frame', [ecn(), ecn()], (t, outer, inner) => {
  const before = ecnTable({ outer, inner })
  const after = ecnTable(combined(outer, inner))
  // Of what is dropped only the guard tells afterwards.
  before.forEach((value, i) => { t.true(value === ECN_DROP || value === after[i]) })
})

testProp('sameEcn: two values are the same when their tables are, if they name no group that no frame has', [ecn(), ecn()], (t, a, b) => {
  const tables = ecnTable(a).every((value, i) => value === ecnTable(b)[i])
  if (JSON.stringify([a, b]).includes('3}')) t.true(!sameEcn(a, b) || tables)
  else t.is(sameEcn(a, b), tables)
})

testProp('combined: a chain of equal tunnels does not grow', [fc.nat(3), fc.integer({ min: 1, max: 30 })], (t, outer, n) => {
  let value = combined(outer, { original: 1 })
  const once = value
  for (let i = 0; i < n; i++) value = combined(outer, value)
  t.true(sameEcn(value, once) && JSON.stringify(value) === JSON.stringify(once))
})
