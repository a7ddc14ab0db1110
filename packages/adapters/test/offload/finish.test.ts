import { makeFrameView, parseFrame, Reason, Verify } from '@vfp-ts/core'
import { bytesOf } from '@vfp-ts/core/testing'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import { memoryPair, type MemoryPairOptions } from '../../src/memory/memory-pair.js'
import { offloadOf } from '../../src/nic/frame-batch.js'
import { type Nic, type Offloads, SendCode } from '../../src/nic/nic.js'
import { Finisher } from '../../src/offload/finish.js'
import { cutByHand, cuttable, spoilt, type Unfinished, unfinished } from './frames.js'

interface Line {
  readonly nic: Nic
  /** What came out at the other end. */
  readonly arrived: () => Promise<readonly { readonly bytes: Uint8Array; readonly offload: number }[]>
}

/** A NIC, and who listens at the other end of its line. */
const line = (t: ExecutionContext, offloads: Offloads, options: MemoryPairOptions = {}): Line => {
  const pair = memoryPair({ mtu: 1500, ...options, offloads })
  const frames: { bytes: Uint8Array; offload: number }[] = []
  const started = pair.b.start({
    frames: (batch) => {
      for (let i = 0; i < batch.count; i++) {
        frames.push({ bytes: batch.bytes.slice(batch.start[i], batch.start[i]! + batch.length[i]!), offload: batch.offload[i]! })
      }
    },
  })
  t.true(E.isRight(started) && E.isRight(pair.a.start({ frames: () => undefined })))
  t.teardown(async () => {
    await pair.a.close()
    await pair.b.close()
  })
  return {
    nic: pair.a,
    arrived: async () => {
      await pair.a.close()
      await pair.b.close()
      return frames
    },
  }
}

const none = { checksum: false, segmentation: false }
const both = { checksum: true, segmentation: true }
const samples = (constraints: typeof cuttable, payload: number): readonly Unfinished[] =>
  fc
    .sample(unfinished({ ...constraints, padding: false, maxVlans: 0, options: false }), { numRuns: 12, seed: 11 })
    .map(({ value }) => spoilt({ ...value, payload: new Uint8Array(payload).fill(7) }, 1, 2, 3))

const send = (finisher: Finisher, nic: Nic, { bytes, start, end }: Unfinished, offload: number): SendCode => finisher.send(nic, bytes, start, end, offload)

test('finish: a finished frame goes as it is', async (t) => {
  const finisher = new Finisher()
  const { nic, arrived } = line(t, none)
  const frames = samples(cuttable, 100)
  for (const frame of frames) t.is(send(finisher, nic, frame, 0), SendCode.Ok)
  t.deepEqual(await arrived(), frames.map(({ bytes, start, end }) => ({ bytes: bytes.slice(start, end), offload: 0 })))
  t.deepEqual(finisher.counters(), { completed: 0, cut: 0, segments: 0, passed: 0, refused: {} })
})

test('finish: where the NIC can do nothing, all is done here', async (t) => {
  const finisher = new Finisher()
  const { nic, arrived } = line(t, none)
  const frames = samples(cuttable, 700)
  for (const frame of frames) {
    t.is(send(finisher, nic, frame, offloadOf(true, 300)), SendCode.Ok)
    t.is(send(finisher, nic, frame, offloadOf(true, 700)), SendCode.Ok)
    t.is(send(finisher, nic, frame, offloadOf(true, 0)), SendCode.Ok)
  }
  const expected = frames.flatMap(({ value }) => [...cutByHand(value, 300), bytesOf(value), bytesOf(value)])
  t.deepEqual(await arrived(), expected.map((bytes) => ({ bytes, offload: 0 })))
  t.deepEqual(finisher.counters(), { completed: 24, cut: 12, segments: 36, passed: 0, refused: {} })
})

test('finish: a NIC that can is left what it can do', async (t) => {
  const finisher = new Finisher()
  const { nic, arrived } = line(t, both)
  const [tcp] = samples({ ...cuttable, maxGroups: 1, transport: ['tcp'] }, 700)
  const [udp] = samples({ ...cuttable, maxGroups: 1, transport: ['udp'] }, 700)
  const [inside] = samples({ ...cuttable, minGroups: 2 }, 700)
  for (const frame of [tcp!, udp!, inside!]) {
    for (const offload of [offloadOf(true, 0), offloadOf(true, 700), offloadOf(true, 400)]) t.is(send(finisher, nic, frame, offload), SendCode.Ok)
  }
  const partial = offloadOf(true, 0)
  t.deepEqual((await arrived()).map(({ offload }) => offload), [partial, partial, offloadOf(true, 400), partial, partial, 0, 0, 0, 0, 0, 0])
  t.deepEqual(finisher.counters(), { completed: 2, cut: 2, segments: 4, passed: 5, refused: {} })
})

test('finish: segments beyond the MTU are refused before one is sent, also where the NIC would cut', async (t) => {
  for (const offloads of [none, both]) {
    const finisher = new Finisher()
    const { nic, arrived } = line(t, offloads)
    const [tcp] = samples({ ...cuttable, maxGroups: 1, network: ['ipv4'], transport: ['tcp'] }, 3000)
    t.is(send(finisher, nic, tcp!, offloadOf(true, 1461)), SendCode.TooLong)
    t.deepEqual(finisher.counters().refused, { TooLong: 1 })
    t.is(send(finisher, nic, tcp!, offloadOf(true, 1460)), SendCode.Ok)
    t.is((await arrived()).length, offloads.segmentation ? 1 : 3)
  }
})

test('finish: what cannot be finished is refused and counted, and nothing of it is sent', async (t) => {
  const finisher = new Finisher()
  const { nic, arrived } = line(t, both)
  const [tcp] = samples({ ...cuttable, maxGroups: 1, transport: ['tcp'] }, 2050)
  const { bytes, start, end } = tcp!
  t.is(finisher.send(nic, bytes, start, end - 1, offloadOf(true, 0)), SendCode.Unfinished)
  const [udp] = samples({ ...cuttable, maxGroups: 1, transport: ['udp'] }, 2050)
  t.is(send(finisher, nic, udp!, offloadOf(true, 1)), SendCode.Unfinished)
  t.deepEqual(await arrived(), [])
  t.deepEqual(finisher.counters().refused, { Unreadable: 1, TooMany: 1 })
})

test('finish: the answer is that to the first segment refused, and no more are sent', async (t) => {
  const finisher = new Finisher()
  const { nic, arrived } = line(t, none, { queueFrames: 2 })
  const [udp] = samples({ ...cuttable, maxGroups: 1, transport: ['udp'] }, 1000)
  t.is(send(finisher, nic, udp!, offloadOf(true, 100)), SendCode.Full)
  t.is(nic.counters().sendDrops['Full'], 1)
  const view = makeFrameView()
  const frames = await arrived()
  t.is(frames.length, 2)
  for (const { bytes } of frames) t.is(parseFrame(view, bytes, 0, bytes.length, undefined, Verify.All), Reason.Ok)
})
