import { fc, testProp } from '@fast-check/ava'
import { drawFate, allFaults, makeFate, seededRandom, type Fate } from '../../src/fault/fate.js'
import type { Faults } from '../../src/fault/index.js'
import { type Nic, SendCode } from '../../src/nic/index.js'
import { type FaultyPair, faultyPair, numbered, numberOf } from './faulty-pair.js'

const probability = fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }))

const anyFaults: fc.Arbitrary<Faults> = fc.record(
  {
    loss: probability,
    duplication: probability,
    corruption: probability,
    reordering: probability,
    overtakers: fc.integer({ min: 1, max: 5 }),
    holdMs: fc.integer({ min: 0, max: 20 }),
    delayMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 })),
    jitterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 })),
  },
  { requiredKeys: [] },
)

/** Milliseconds before each frame. */
const gaps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 })), { maxLength: 60 })

const ways = ['send', 'receive'] as const

/** A pair with faults in one direction, its ends in that direction, and what arrives. */
const pairOf = (way: (typeof ways)[number], seed: number, faults: Faults): { pair: FaultyPair; from: Nic; arrived: readonly Uint8Array[] } => {
  const pair = faultyPair({ seed, [way]: faults })
  return way === 'send' ? { pair, from: pair.nic, arrived: pair.atPeer } : { pair, from: pair.peer, arrived: pair.atNic }
}

for (const way of ways) {
  testProp(`faulty ${way}: the same seed gives the same frames the same fate`, [fc.integer(), anyFaults, gaps], (t, seed, faults, waits) => {
    const outcome = (): readonly (readonly number[])[] => {
      const { pair, from, arrived } = pairOf(way, seed, faults)
      const times: number[] = []
      waits.forEach((ms, n) => {
        pair.timers.advance(ms)
        pair.run()
        pair.send(from, numbered(n))
        times.push(arrived.length)
      })
      pair.timers.advance(1_000)
      pair.run()
      return [times, ...arrived.map((frame) => [...frame])]
    }
    t.deepEqual(outcome(), outcome())
  })

  testProp(`faulty ${way}: what was taken and doubled was given, lost, or waits`, [fc.integer(), anyFaults, gaps], (t, seed, faults, waits) => {
    const { pair, from, arrived } = pairOf(way, seed, faults)
    const books = (taken: number): void => {
      const { lost, duplicated, held } = pair.nic.faults()[way]
      t.is(taken + duplicated, arrived.length + lost + held)
    }
    waits.forEach((ms, n) => {
      pair.timers.advance(ms)
      pair.run()
      t.is(pair.send(from, numbered(n)), SendCode.Ok)
      books(n + 1)
    })
    pair.timers.advance(1_000)
    pair.run()
    books(waits.length)
    t.is(pair.nic.faults()[way].held, 0)
    t.is(pair.timers.pending(), 0)
    const counters = pair.nic.counters()
    if (way === 'receive') t.is(counters.received, arrived.length)
    else t.is(counters.sent, arrived.length)
  })

  testProp(`faulty ${way}: corruption turns exactly one bit of each frame`, [fc.integer(), fc.array(fc.uint8Array({ minLength: 14, maxLength: 200 }), { minLength: 1 })], (t, seed, frames) => {
    const { pair, from, arrived } = pairOf(way, seed, { corruption: 1 })
    for (const frame of frames) {
      const before = frame.slice()
      t.is(pair.send(from, frame), SendCode.Ok)
      t.deepEqual(frame, before)
    }
    t.is(arrived.length, frames.length)
    arrived.forEach((frame, n) => t.is(bitsApart(frame, frames[n]!), 1))
  })

  testProp(`faulty ${way}: reordered frames all come, once each, and those that go straight keep their order`, [fc.integer(), probability, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 100 })], (t, seed, reordering, overtakers, count) => {
    const { pair, from, arrived } = pairOf(way, seed, { reordering, overtakers })
    const straight: number[] = []
    for (let n = 0; n < count; n++) {
      const before = pair.nic.faults()[way].reordered
      pair.send(from, numbered(n))
      if (pair.nic.faults()[way].reordered === before) straight.push(n)
    }
    pair.timers.advance(10)
    pair.run()
    const order = arrived.map(numberOf)
    t.deepEqual(order.filter((n) => straight.includes(n)), straight)
    t.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: count }, (_, n) => n))
    t.is(pair.nic.faults()[way].held, 0)
  })
}

testProp('fate: changing one probability leaves the other faults where they were', [fc.integer(), anyFaults, probability], (t, seed, faults, loss) => {
  const fates = (of: Faults): readonly Fate[] => {
    const random = seededRandom(seed)
    const all = allFaults('send', of)
    return Array.from({ length: 50 }, () => {
      const fate = makeFate()
      drawFate(random, all, fate)
      return { ...fate, lost: false }
    })
  }
  t.deepEqual(fates({ ...faults, loss }), fates(faults))
})

const bitsApart = (a: Uint8Array, b: Uint8Array): number => {
  let bits = Math.abs(a.length - b.length) * 8
  for (let i = 0; i < Math.min(a.length, b.length); i++) for (let x = a[i]! ^ b[i]!; x !== 0; x &= x - 1) bits++
  return bits
}
