import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { orThrow } from '@vfp-ts/core'
import { type ManualTimers, manualTimers } from '../../src/nic/timers.js'
import { type Nic, type NicError, SendCode } from '../../src/nic/index.js'
import { LinkType, openCaptureWriter, readWholeCapture } from '../../src/pcap/index.js'
import { replayNic, type ReplayOptions, type ReplayPacket } from '../../src/replay/index.js'

const MS = 1_000_000n

/** A packet of 60 bytes that bears a number, so many milliseconds after an epoch. */
const packet = (n: number, ms: number): ReplayPacket => ({ data: new Uint8Array(60).fill(n), timestampNs: 1_700_000_000_000_000_000n + BigInt(ms) * MS })

interface Started {
  readonly nic: Awaited<ReturnType<typeof opened>>
  /** Numbers of the frames that came, and when. */
  readonly came: (readonly [n: number, ms: number])[]
  readonly batches: number[]
  readonly failures: NicError[]
  readonly timers: ManualTimers
}

const opened = async (options: ReplayOptions) => orThrow(await replayNic(options))

const started = async (options: ReplayOptions): Promise<Started> => {
  const timers = manualTimers()
  const nic = await opened({ timers, ...options })
  const came: [number, number][] = []
  const batches: number[] = []
  const failures: NicError[] = []
  orThrow(
    nic.start({
      frames: ({ bytes, start, count }) => {
        batches.push(count)
        for (let i = 0; i < count; i++) came.push([bytes[start[i]!]!, timers.nowMs()])
      },
      failed: (error) => failures.push(error),
    }),
  )
  await turns()
  return { nic, came, batches, failures, timers }
}

/** As many turns of the event loop as what is due can take. */
const turns = async (): Promise<void> => {
  for (let n = 0; n < 50; n++) await turn()
}

/** Moves time in steps of a millisecond. */
const pass = async (timers: ManualTimers, ms: number): Promise<void> => {
  for (let n = 0; n < ms; n++) {
    timers.advance(1)
    await turns()
  }
}

const directory = async (t: { teardown: (undo: () => Promise<void>) => void }): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'vfp-replay-'))
  t.teardown(() => rm(path, { recursive: true }))
  return path
}

const capture = async (path: string, packets: readonly ReplayPacket[]): Promise<string> => {
  const writer = orThrow(await openCaptureWriter(path))
  for (const each of packets) orThrow(await writer.write(each))
  orThrow(await writer.close())
  return path
}

test('replay: frames come as far apart as they were recorded, those of one moment in one batch', async (t) => {
  const { came, batches, timers, nic } = await started({ source: [packet(1, 0), packet(2, 0), packet(3, 5), packet(4, 7), packet(5, 7)] })
  t.deepEqual(came, [[1, 0], [2, 0]])
  await pass(timers, 10)
  t.deepEqual(came.slice(2), [[3, 5], [4, 7], [5, 7]])
  t.deepEqual(batches, [2, 1, 2])
  t.deepEqual(await nic.ended, E.right(undefined))
  t.is(timers.pending(), 0)
})

test('replay: a speed of two brings them in half the time', async (t) => {
  const { came, timers } = await started({ source: [packet(1, 0), packet(2, 10), packet(3, 20)], speed: 2 })
  await pass(timers, 12)
  t.deepEqual(came, [[1, 0], [2, 5], [3, 10]])
})

test('replay: at full speed nothing is waited for', async (t) => {
  const { came, nic, timers } = await started({ source: Array.from({ length: 200 }, (_, n) => packet(n, n * 1_000)), speed: 'full' })
  await nic.ended
  t.deepEqual(came.map(([n]) => n), Array.from({ length: 200 }, (_, n) => n))
  t.is(timers.nowMs(), 0)
})

test('replay: a time that goes backwards brings the frame at once', async (t) => {
  const { came, timers } = await started({ source: [packet(1, 10), packet(2, 0), packet(3, 11)] })
  t.deepEqual(came, [[1, 0], [2, 0]])
  await pass(timers, 2)
  t.deepEqual(came[2], [3, 1])
})

test('replay: the next round goes on where the one before ended', async (t) => {
  const { came, timers } = await started({ source: [packet(1, 0), packet(2, 4)], rounds: 3 })
  await pass(timers, 20)
  t.deepEqual(came, [[1, 0], [2, 4], [1, 4], [2, 8], [1, 8], [2, 12]])
})

test('replay: rounds without end stop where the source is empty', async (t) => {
  const { nic, came } = await started({ source: [], rounds: Infinity })
  t.deepEqual(await nic.ended, E.right(undefined))
  t.is(came.length, 0)
})

test('replay: a capture file is replayed, and what is sent is recorded with the time of what came before', async (t) => {
  const path = await directory(t)
  const source = await capture(join(path, 'in.pcapng'), [packet(1, 0), packet(2, 3)])
  const { nic, came } = await started({ source, speed: 'full', record: join(path, 'out.pcapng') })
  await nic.ended
  t.deepEqual(came.map(([n]) => n), [1, 2])
  t.is(nic.send(new Uint8Array(70).fill(9), 5, 65), SendCode.Ok)
  await nic.close()
  t.deepEqual(E.map((totals) => (totals as { packets: number }).packets)(await nic.recorded), E.right(1))
  const { packets, error } = await readWholeCapture(join(path, 'out.pcapng'))
  t.is(error, undefined)
  t.deepEqual(packets.map(({ data, timestampNs, interfaceName }) => [data.length, data[0], timestampNs, interfaceName]), [[60, 9, packet(2, 3).timestampNs, 'replay']])
})

test('replay: packets that are no whole Ethernet frames are left out and counted', async (t) => {
  const { nic, came } = await started({
    source: [
      { ...packet(1, 0), linkType: LinkType.Raw },
      { ...packet(2, 0), originalLength: 61 },
      { data: new Uint8Array(13), timestampNs: 0n },
      { data: new Uint8Array(1_523), timestampNs: 0n },
      packet(3, 0),
    ],
    mtu: 1_500,
    speed: 'full',
  })
  await nic.ended
  t.deepEqual(came.map(([n]) => n), [3])
  t.deepEqual(nic.counters().receiveDrops, { LinkType: 1, Truncated: 1, Malformed: 1, TooLong: 1 })
})

test('replay: a capture that is damaged brings what is whole, then fails and closes', async (t) => {
  const path = await directory(t)
  const source = await capture(join(path, 'in.pcapng'), [packet(1, 0), packet(2, 0)])
  await truncate(source, (await readFile(source)).length - 10)
  const { nic, came, failures } = await started({ source, speed: 'full' })
  const ended = await nic.ended
  t.deepEqual(came.map(([n]) => n), [1])
  t.like(failures, [{ code: 'BadPeer', operation: 'receive', retryable: false }])
  t.deepEqual(ended, E.left(failures[0]!))
  t.is(nic.send(new Uint8Array(60), 0, 60), SendCode.Closed)
})

test('replay: a source that throws fails in the same way', async (t) => {
  const { failures, nic } = await started({
    source: (function* (): Generator<ReplayPacket> {
      yield packet(1, 0)
      throw new Error('no more')
    })(),
    speed: 'full',
  })
  await nic.ended
  t.like(failures, [{ code: 'BadPeer', reason: 'no more' }])
})

test('replay: closing while it waits calls the wait off, and the end is told', async (t) => {
  const { nic, timers, came } = await started({ source: [packet(1, 0), packet(2, 1_000)] })
  t.is(timers.pending(), 1)
  await nic.close()
  t.is(timers.pending(), 0)
  t.deepEqual(await nic.ended, E.right(undefined))
  t.is(came.length, 1)
})

test('replay: a recording that fails closes the NIC and says so', async (t) => {
  const { nic, failures } = await started({ source: [packet(1, 0)], record: () => Promise.reject(new Error('disk full')) })
  for (let n = 0; n < 100; n++) nic.send(new Uint8Array(1_000), 0, 1_000)
  await turns()
  t.like(failures, [{ code: 'System', operation: 'send', reason: 'Io: disk full' }])
  t.deepEqual(await nic.recorded, E.left({ _tag: 'Io', reason: 'disk full' }))
})

test('replay: a recording that does not keep up fills the queue, and drains when it has caught up', async (t) => {
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  let drained = 0
  const nic: Nic = await opened({ source: [], record: () => held })
  orThrow(nic.start({ frames: () => undefined, drained: () => drained++ }))
  const frame = new Uint8Array(60_000)
  let code: SendCode = SendCode.Ok
  let taken = 0
  for (let n = 0; n < 2_000 && code === SendCode.Ok; n++) {
    code = nic.send(frame, 0, frame.length)
    if (code === SendCode.Ok) taken++
    nic.flush()
  }
  t.is(code, SendCode.Full)
  await turns()
  t.is(drained, 0)
  release()
  await turns()
  t.is(drained, 1)
  await nic.close()
  t.is(nic.counters().sent, taken)
})

test('replay: what cannot be opened says why', async (t) => {
  const path = await directory(t)
  const why = async (options: ReplayOptions): Promise<unknown> => E.match((error: NicError) => error.code, () => 'opened')(await replayNic(options))
  t.is(await why({ source: join(path, 'none.pcap') }), 'NotFound')
  t.is(await why({ source: path }), 'System')
  t.is(await why({ source: import.meta.filename }), 'BadPeer')
  t.is(await why({ source: [], record: join(path, 'no/such/folder') }), 'System')
  t.is(await why({ source: [], speed: 0 }), 'BadOptions')
  t.is(await why({ source: [], rounds: 0.5 }), 'BadOptions')
  t.is(await why({ source: [], mtu: 65_536 }), 'BadOptions')
})

test('replay: packets that are no frames do not keep the rest of the program waiting, however many they are', async (t) => {
  let turned = false
  let waited = true
  const nothing = function* (): Generator<ReplayPacket> {
    for (let n = 0; n < 1_000; n++) yield { data: new Uint8Array(5), timestampNs: 0n }
    waited = !turned
  }
  const nic = await opened({ source: nothing() })
  orThrow(nic.start({ frames: () => undefined }))
  setImmediate(() => (turned = true))
  t.true(E.isRight(await nic.ended))
  t.false(waited)
  t.deepEqual(nic.counters().receiveDrops, { Malformed: 1_000 })
})

test('replay: frames go on when who is told of those that were sent throws', async (t) => {
  let told = 0
  const onSent = (): void => {
    told++
    if (told === 1) throw new Error('its own fault')
  }
  const { nic } = await started({ source: [], onSent })
  nic.send(new Uint8Array(60), 0, 60)
  t.throws(nic.flush, { message: 'its own fault' })
  nic.send(new Uint8Array(60), 0, 60)
  nic.flush()
  t.is(told, 2)
})
