import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { orThrow } from '@vfp-ts/core'
import { memoryPair, type MemoryPair, type MemoryPairOptions } from '../../src/memory/index.js'
import { type FrameBatch, FRAME_HEADROOM, offloadOf, type Receiver, SendCode } from '../../src/nic/index.js'

/** A pair whose event loop is turned by hand. */
const byHand = (options: MemoryPairOptions = {}): MemoryPair & { readonly run: () => void } => {
  const tasks: (() => void)[] = []
  return {
    ...memoryPair({ schedule: (task) => tasks.push(task), ...options }),
    run: () => {
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
    },
  }
}

const frame = (length = 60): Uint8Array => new Uint8Array(length)
const nobody: Receiver = { frames: () => undefined }

test('memory pair: frames for an end that is not started wait for it', (t) => {
  const { a, b, run } = byHand()
  orThrow(a.start(nobody))
  a.send(frame(), 0, 60)
  run()
  let count = 0
  orThrow(b.start({ frames: (batch) => (count += batch.count) }))
  t.is(count, 0)
  run()
  t.is(count, 1)
  t.is(a.counters().sent, 1)
})

test('memory pair: what a receiver sends back from within its call is delivered too, and never into the batch that it reads', (t) => {
  const { a, b, run } = byHand({ queueFrames: 8, batchFrames: 4 })
  const seen: number[] = []
  const bounce = (nic: typeof a) => ({ bytes, start, length, count }: FrameBatch): void => {
    for (let i = 0; i < count; i++) {
      const at = start[i]!
      seen.push(bytes[at]!)
      bytes[at]! += 1
      if (bytes[at]! < 100) nic.send(bytes, at, at + length[i]!)
    }
  }
  orThrow(a.start({ frames: bounce(a) }))
  orThrow(b.start({ frames: bounce(b) }))
  for (let n = 0; n < 8; n++) t.is(a.send(frame(), 0, 60), SendCode.Ok)
  run()
  t.deepEqual(seen.sort((x, y) => x - y), Array.from({ length: 800 }, (_, n) => Math.floor(n / 8)))
})

test('memory pair: unfinished frames pass with their word where both ends know of it, and only as they were announced', (t) => {
  const { a, b, run } = byHand({ offloads: { checksum: true, segmentation: true } })
  const words: number[] = []
  const lengths: number[] = []
  orThrow(a.start(nobody))
  orThrow(b.start({
    frames: ({ offload, length, count }) => {
      words.push(...offload.subarray(0, count))
      lengths.push(...length.subarray(0, count))
    },
  }))
  t.is(a.send(frame(), 0, 60, offloadOf(true, 0)), SendCode.Ok)
  t.is(a.send(frame(60_000), 0, 60_000, offloadOf(true, 1_448)), SendCode.Ok)
  t.is(a.send(frame(), 0, 60), SendCode.Ok)
  t.is(a.send(frame(60_000), 0, 60_000, offloadOf(true, 0)), SendCode.TooLong)
  t.is(a.send(frame(), 0, 60, 1_448), SendCode.Unfinished, 'a segment is partial as well')
  t.is(a.send(frame(), 0, 60, 0x2_0000), SendCode.Unfinished, 'a bit that nobody knows')
  run()
  t.deepEqual(words, [offloadOf(true, 0), offloadOf(true, 1_448), 0])
  t.deepEqual(lengths, [60, 60_000, 60])
  const plain = byHand({ offloads: { checksum: true, segmentation: false } })
  orThrow(plain.a.start(nobody))
  t.is(plain.a.send(frame(), 0, 60, offloadOf(true, 100)), SendCode.Unfinished)
})

test('memory pair: frames on the way are lost when the link goes down, counted, and both ends are told', (t) => {
  const { a, b, setLink, run } = byHand()
  const told: string[] = []
  orThrow(a.start({ ...nobody, link: (state) => told.push(`a ${state}`) }))
  orThrow(b.start({ frames: ({ count }) => told.push(`b got ${count}`), link: (state) => told.push(`b ${state}`) }))
  a.send(frame(), 0, 60)
  setLink('down')
  t.is(a.send(frame(), 0, 60), SendCode.LinkDown)
  t.deepEqual(told, [])
  run()
  setLink('up')
  run()
  t.deepEqual(told.sort(), ['a down', 'a up', 'b down', 'b up'])
  t.deepEqual(a.counters().sendDrops, { LinkDown: 2 })
  t.is(a.counters().sent, 0)
})

test('memory pair: an end that closes delivers first what it was given, and then takes the link down for good', async (t) => {
  const { a, b, setLink, run } = byHand()
  const told: string[] = []
  orThrow(a.start(nobody))
  orThrow(b.start({ frames: ({ count }) => told.push(`${count} frames`), link: (state) => told.push(state) }))
  a.send(frame(), 0, 60)
  b.send(frame(), 0, 60)
  const closed = a.close()
  run()
  await closed
  setLink('up')
  run()
  t.deepEqual(told, ['1 frames', 'down'])
  t.is(b.send(frame(), 0, 60), SendCode.LinkDown)
  t.is(b.counters().sendDrops['LinkDown'], 2)
  t.is(a.link(), 'down')
})

test('memory pair: an end closes at once where nobody takes what it sent', async (t) => {
  const { a, b } = byHand()
  orThrow(a.start(nobody))
  a.send(frame(), 0, 60)
  await a.close()
  t.deepEqual(a.counters().sendDrops, { LinkDown: 1 })
  await b.close()
})

test('memory pair: a receiver that closes its end gets nothing more', async (t) => {
  const { a, b, run } = byHand({ batchFrames: 2 })
  let count = 0
  orThrow(a.start(nobody))
  orThrow(b.start({
    frames: (batch) => {
      count += batch.count
      void b.close()
    },
  }))
  for (let n = 0; n < 6; n++) a.send(frame(), 0, 60)
  run()
  t.is(count, 2)
  t.is(a.counters().sent, 2)
  t.deepEqual(a.counters().sendDrops, { LinkDown: 4 })
  await a.close()
})

test('memory pair: frames have their headroom, ends their names and addresses', (t) => {
  const { a, b, run } = byHand({ names: ['left', 'right'], macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'], mtu: 65_535 })
  t.deepEqual([a.name, a.mac, b.name, b.mac, a.mtu()], ['left', '02:00:00:00:00:01', 'right', '02:00:00:00:00:02', 65_535])
  orThrow(a.start(nobody))
  const starts: number[] = []
  orThrow(b.start({ frames: ({ start, count }) => starts.push(...start.subarray(0, count)) }))
  for (const length of [14, 65_557, 100]) t.is(a.send(frame(length), 0, length), SendCode.Ok)
  run()
  t.is(starts[0], FRAME_HEADROOM)
  t.true(starts[2]! - (starts[1]! + 65_557) >= FRAME_HEADROOM)
})

test('memory pair: a receiver that throws loses its batch, not those behind it', (t) => {
  const { a, b, run } = byHand({ batchFrames: 2 })
  let calls = 0
  orThrow(a.start(nobody))
  orThrow(b.start({
    frames: () => {
      calls++
      if (calls === 1) throw new Error('its own fault')
    },
  }))
  for (let n = 0; n < 4; n++) a.send(frame(), 0, 60)
  t.throws(run, { message: 'its own fault' })
  run()
  t.is(calls, 2)
  t.is(a.counters().sent, 4)
})

test('memory pair: numbers out of range are refused', (t) => {
  t.throws(() => memoryPair({ mtu: 67 }), { instanceOf: RangeError, message: 'mtu has to be a whole number from 68 to 65535, is 67' })
  t.throws(() => memoryPair({ queueFrames: 0 }), { instanceOf: RangeError })
  t.throws(() => memoryPair({ queueFrames: 4, batchFrames: 5 }), { instanceOf: RangeError })
  t.true(E.isRight(memoryPair({ queueFrames: 1 }).a.start(nobody)))
})
