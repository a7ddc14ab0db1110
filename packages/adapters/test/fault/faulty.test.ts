import test from 'ava'
import { memoryPair } from '../../src/memory/index.js'
import { faulty } from '../../src/fault/index.js'
import { seededRandom } from '../../src/fault/fate.js'
import { SendCode } from '../../src/nic/index.js'
import { faultyPair, numbered, numberOf } from './faulty-pair.js'

const COUNT = 20_000

for (const fault of ['loss', 'duplication', 'corruption', 'reordering'] as const) {
  test(`faulty: ${fault} of one in a hundred is about that`, (t) => {
    const { nic, run } = faultyPair({ seed: 7, send: { [fault]: 0.01 } })
    for (let n = 0; n < COUNT; n++) {
      nic.send(numbered(n), 0, 60)
      if (n % 500 === 0) run()
    }
    const { lost, duplicated, corrupted, reordered } = nic.faults().send
    const happened = { loss: lost, duplication: duplicated, corruption: corrupted, reordering: reordered }[fault]
    t.true(happened > COUNT * 0.007 && happened < COUNT * 0.013, `${happened} of ${COUNT}`)
    t.is(lost + duplicated + corrupted + reordered, happened)
  })
}

test('faulty: a frame that is held back leaves behind those that overtake it', (t) => {
  // Seven numbers a frame; the fifth decides about reordering, the sixth about how many are to pass.
  const script = [[1, 1, 1, 0, 0, 0.5, 0], ...Array.from({ length: 4 }, () => [1, 1, 1, 0, 1, 0, 0])].flat()
  const { nic, send, atPeer } = faultyPair({ seed: 0, random: () => () => script.shift() ?? 1, send: { reordering: 0.5, overtakers: 3 } })
  for (let n = 0; n < 5; n++) send(nic, numbered(n))
  t.deepEqual(atPeer.map(numberOf), [1, 2, 0, 3, 4])
})

test('faulty: the last frame is not held back for ever', (t) => {
  const { nic, send, atPeer, timers, run } = faultyPair({ seed: 0, send: { reordering: 1, holdMs: 10 } })
  send(nic, numbered(0))
  timers.advance(9)
  run()
  t.is(atPeer.length, 0)
  timers.advance(1)
  run()
  t.is(atPeer.length, 1)
})

test('faulty: a delayed frame comes when its time has passed, and not before', (t) => {
  const { nic, peer, send, atPeer, atNic, timers, run } = faultyPair({ seed: 0, send: { delayMs: 5 }, receive: { delayMs: 8 } })
  send(nic, numbered(0))
  send(peer, numbered(1))
  timers.advance(4.9)
  run()
  t.is(atPeer.length, 0)
  timers.advance(0.1)
  run()
  t.is(atPeer.length, 1)
  t.is(atNic.length, 0)
  timers.advance(3)
  run()
  t.is(atNic.length, 1)
})

test('faulty: a reordered frame goes past those that are delayed', (t) => {
  const script = [...[1, 1, 1, 0, 1, 0, 0], ...[1, 1, 1, 0, 0, 0, 0]]
  const { nic, send, atPeer, timers, run } = faultyPair({ seed: 0, random: () => () => script.shift() ?? 1, send: { reordering: 0.5, delayMs: 5 } })
  send(nic, numbered(0))
  send(nic, numbered(1))
  t.deepEqual(atPeer.map(numberOf), [1])
  timers.advance(5)
  run()
  t.deepEqual(atPeer.map(numberOf), [1, 0])
})

test('faulty: more than may be held is Full, and there is room when half has left', (t) => {
  const { a, b } = memoryPair()
  const { timers } = faultyPair({ seed: 0 })
  const nic = faulty(a, { seed: 0, timers, maxHeld: 4, send: { delayMs: 5 } })
  let drained = 0
  b.start({ frames: () => undefined })
  nic.start({ frames: () => undefined, drained: () => drained++ })
  t.deepEqual(Array.from({ length: 6 }, (_, n) => nic.send(numbered(n), 0, 60)), [SendCode.Ok, SendCode.Ok, SendCode.Ok, SendCode.Ok, SendCode.Full, SendCode.Full])
  t.is(nic.counters().sendDrops['Full'], 2)
  timers.advance(5)
  t.is(drained, 1)
  t.is(nic.send(numbered(6), 0, 60), SendCode.Ok)
})

test('faulty: a frame that would be lost is still refused if the NIC would refuse it', (t) => {
  const { nic, run } = faultyPair({ seed: 0, send: { loss: 1 } })
  t.is(nic.send(new Uint8Array(13), 0, 13), SendCode.TooShort)
  t.is(nic.send(new Uint8Array(2_000), 0, 2_000), SendCode.TooLong)
  t.is(nic.send(numbered(0), 0, 60, 0x1_0000), SendCode.Unfinished)
  t.is(nic.send(numbered(0), 0, 60), SendCode.Ok)
  void nic.close()
  run()
  t.is(nic.send(numbered(0), 0, 60), SendCode.Closed)
  t.deepEqual(nic.counters().sendDrops, { TooShort: 1, TooLong: 1, Unfinished: 1, Lost: 1, Closed: 1 })
})

test('faulty: close sends what was held, and forgets what was to be received', async (t) => {
  const { nic, peer, send, atPeer, atNic, timers, run } = faultyPair({ seed: 0, send: { delayMs: 50 }, receive: { delayMs: 50 } })
  send(nic, numbered(0))
  send(peer, numbered(1))
  const closed = nic.close()
  run()
  await closed
  t.is(atPeer.length, 1)
  timers.advance(100)
  run()
  t.is(atNic.length, 0)
  t.is(timers.pending(), 0)
})

test('faulty: options out of range are refused', (t) => {
  const { a } = memoryPair()
  t.throws(() => faulty(a, { seed: 0, send: { loss: 1.5 } }), { instanceOf: RangeError, message: 'send.loss has to be from 0 to 1, is 1.5' })
  t.throws(() => faulty(a, { seed: 0, receive: { delayMs: -1 } }), { instanceOf: RangeError, message: 'receive.delayMs has to be from 0 to 60000, is -1' })
  t.throws(() => faulty(a, { seed: 0, maxHeld: 0 }), { instanceOf: RangeError })
})

test('fate: numbers of a seed are spread evenly, and differ from those of its neighbour', (t) => {
  const random = seededRandom(1)
  const buckets = new Array<number>(16).fill(0)
  for (let n = 0; n < 16_000; n++) buckets[Math.floor(random() * 16)]! += 1
  t.true(buckets.every((count) => count > 850 && count < 1_150), String(buckets))
  t.not(seededRandom(1)(), seededRandom(2)())
})
