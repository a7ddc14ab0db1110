import test from 'ava'
import { clockFromMs, manualClock } from '../src/clock.js'

test('manualClock: stands still until told otherwise', (t) => {
  const clock = manualClock(5)
  t.is(clock.nowUs(), 5)
  t.is(clock.nowUs(), 5)
  clock.advanceUs(10)
  t.is(clock.nowUs(), 15)
})

test('manualClock: starts at 0 unless told otherwise', (t) => {
  t.is(manualClock().nowUs(), 0)
})

test('manualClock: never goes back', (t) => {
  const clock = manualClock(100)
  clock.advanceUs(-50)
  t.is(clock.nowUs(), 100)
  clock.moveToUs(99)
  t.is(clock.nowUs(), 100)
  clock.moveToUs(101)
  t.is(clock.nowUs(), 101)
})

test('clockFromMs: turns fractional milliseconds into microseconds', (t) => {
  let ms = 1.5
  const clock = clockFromMs(() => ms)
  t.is(clock.nowUs(), 1500)
  ms = 2
  t.is(clock.nowUs(), 2000)
})
