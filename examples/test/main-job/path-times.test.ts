import test from 'ava'
import { clockOverheadNs, Stopwatch } from '../../main-job/path-times.js'

test('stopwatch: quantiles are right to nine per cent', (t) => {
  const watch = new Stopwatch()
  for (let ns = 1; ns <= 10_000; ns++) watch.add(ns)
  const { packets, meanNs, medianNs, p99Ns } = watch.times(0)
  t.is(packets, 10_000)
  t.is(meanNs, 5001)
  t.true(Math.abs(medianNs - 5000) < 450)
  t.true(Math.abs(p99Ns - 9900) < 900)
})

test('stopwatch: the clock\'s own time is taken off, and nothing is below zero', (t) => {
  const watch = new Stopwatch()
  watch.add(100)
  t.is(watch.times(40).meanNs, 60)
  t.is(watch.times(400).medianNs, 0)
  t.true(clockOverheadNs() >= 0)
})

test('stopwatch: no packets have no times', (t) => {
  t.deepEqual(new Stopwatch().times(10), { packets: 0, meanNs: 0, medianNs: 0, p99Ns: 0 })
})
