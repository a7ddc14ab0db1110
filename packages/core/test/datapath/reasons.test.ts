import test from 'ava'
import { DropReasons, MAX_REASONS, OTHER_REASON } from '../../src/datapath/reasons.js'

test('drop reasons: a name has one number, and the number the name', (t) => {
  const reasons = new DropReasons()
  const a = reasons.intern('A')
  const b = reasons.intern('B')
  t.not(a, b)
  t.is(reasons.intern('A'), a)
  t.deepEqual([reasons.name(a), reasons.name(b), reasons.name(0), reasons.name(99)], ['A', 'B', '', ''])
})

test('drop reasons: names without end share one number', (t) => {
  const reasons = new DropReasons()
  const first = reasons.intern('reason 0')
  for (let i = 0; i < 2 * MAX_REASONS; i++) reasons.count(reasons.intern(`reason ${i}`))
  const counts = reasons.counts()
  t.is(Object.keys(counts).length, MAX_REASONS + 1)
  t.is(counts[OTHER_REASON], MAX_REASONS)
  t.is(reasons.name(reasons.intern('one more')), OTHER_REASON)
  t.is(reasons.intern('reason 0'), first)
})

test('drop reasons: a reason that is called like the rest is the rest', (t) => {
  const reasons = new DropReasons()
  const other = reasons.intern(OTHER_REASON)
  for (let i = 0; i < MAX_REASONS; i++) reasons.intern(`reason ${i}`)
  t.is(reasons.intern('one more'), other)
})
