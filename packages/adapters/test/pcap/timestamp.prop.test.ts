import test from 'ava'
import fc from 'fast-check'
import {
  MICROSECONDS,
  NANOSECONDS,
  nsToTicks,
  resolutionFromByte,
  resolutionToByte,
  ticksToNs,
  timeScale,
} from '../../src/pcap/timestamp.js'

const byte = fc.nat({ max: 255 })
const ticks = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const offset = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })

test('timestamp: every resolution byte is read and written back', (t) => {
  for (let value = 0; value < 256; value += 1) t.is(resolutionToByte(resolutionFromByte(value)), value)
  t.is(resolutionToByte({ base: 10, exponent: 128 }), undefined)
  t.is(resolutionToByte({ base: 10, exponent: 1.5 }), undefined)
})

test('timestamp: ticks of a nanosecond and longer survive nanoseconds, at every resolution and offset', (t) => {
  fc.assert(
    fc.property(byte, ticks, offset, (resolution, count, seconds) => {
      const scale = timeScale(resolutionFromByte(resolution), seconds)
      fc.pre(scale.multiplier >= scale.divisor)
      t.is(nsToTicks(scale, ticksToNs(scale, count)), count)
    }),
  )
})

test('timestamp: nanoseconds survive ticks of a nanosecond and shorter', (t) => {
  fc.assert(
    fc.property(byte, fc.bigInt({ min: 0n, max: 1n << 62n }), (resolution, ns) => {
      const scale = timeScale(resolutionFromByte(resolution), 0n)
      fc.pre(scale.multiplier <= scale.divisor)
      const count = nsToTicks(scale, ns)
      if (count !== undefined) t.is(ticksToNs(scale, count), ns)
    }),
  )
  t.is(ticksToNs(timeScale(NANOSECONDS, 0n), 1_700_000_000_123_456_789n), 1_700_000_000_123_456_789n)
})

test('timestamp: conversion is exact where a double is not', (t) => {
  const scale = timeScale(MICROSECONDS, 3n)
  t.is(ticksToNs(scale, (1n << 64n) - 1n), ((1n << 64n) - 1n) * 1000n + 3_000_000_000n)
  t.is(ticksToNs(timeScale({ base: 2, exponent: 1 }, 0n), 3n), 1_500_000_000n)
  t.is(ticksToNs(timeScale({ base: 10, exponent: 12 }, 0n), 1_999n), 1n)
  t.is(nsToTicks(scale, 3_000_001_999n), 1n)
})

test('timestamp: times before tick zero and beyond 64 bits have no tick', (t) => {
  t.is(nsToTicks(timeScale(NANOSECONDS, 0n), -1n), undefined)
  t.is(nsToTicks(timeScale(NANOSECONDS, 0n), (1n << 64n) - 1n), (1n << 64n) - 1n)
  t.is(nsToTicks(timeScale(NANOSECONDS, 0n), 1n << 64n), undefined)
})
