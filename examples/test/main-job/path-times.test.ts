import test from 'ava'
import { clockOverheadNs, Stopwatch } from '../../main-job/path-times.js'

test('stopwatch: quantiles of up to 10,000 packets are exact, in whatever order they came', (t) => {
  const watch = new Stopwatch()
  for (let ns = 10_000; ns >= 1; ns--) watch.add(ns)
  t.deepEqual(watch.times(0), { packets: 10_000, meanNs: 5001, medianNs: 5000, p99Ns: 9900 })
})

test('stopwatch: quantiles of a few packets are times that a packet took', (t) => {
  const watch = new Stopwatch()
  for (const ns of [70_001, 3, 1234]) watch.add(ns)
  t.like(watch.times(0), { medianNs: 1234, p99Ns: 70_001 })
})

test('stopwatch: quantiles of more packets are right to two per cent', (t) => {
  const watch = new Stopwatch()
  for (let ns = 1; ns <= 100_000; ns++) watch.add(ns)
  const { packets, meanNs, medianNs, p99Ns } = watch.times(0)
  t.is(packets, 100_000)
  t.is(meanNs, 50_001)
  t.true(Math.abs((medianNs ?? 0) - 50_000) < 1000)
  t.true(Math.abs((p99Ns ?? 0) - 99_000) < 2000)
})

test('stopwatch: the clock\'s own time is taken off, and nothing is below zero', (t) => {
  const watch = new Stopwatch()
  watch.add(100)
  t.is(watch.times(40).meanNs, 60)
  t.is(watch.times(400).medianNs, 0)
  t.true(clockOverheadNs() >= 0)
})

test('stopwatch: no packets have no times', (t) => {
  t.deepEqual(new Stopwatch().times(10), { packets: 0, meanNs: null, medianNs: null, p99Ns: null })
})
