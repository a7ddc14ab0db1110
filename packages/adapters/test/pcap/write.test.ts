import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { renderCaptureWriteError } from '../../src/pcap/error.js'
import type { CaptureWriteError } from '../../src/pcap/error.js'
import { pcapEncoder } from '../../src/pcap/pcap-encoder.js'
import { pcapngEncoder } from '../../src/pcap/pcapng-encoder.js'
import { readWholeCapture } from '../../src/pcap/read.js'
import { openCaptureWriter } from '../../src/pcap/write.js'
import type { WriteOptions } from '../../src/pcap/write.js'
import { concat, orFail, reusedChunksOf } from './captures.js'

const frame = (n: number) => ({ data: new Uint8Array(200).fill(n), timestampNs: 1_700_000_000_000_000_000n + BigInt(n) })

/** Bytes that gzip cannot shorten (xorshift32). */
const noise = (length: number): Uint8Array => {
  let state = 0x9e37_79b9
  return Uint8Array.from({ length }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 0xff
  })
}

const collect = async (count: number, options: WriteOptions): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  const out = orFail(await openCaptureWriter((bytes) => void parts.push(bytes), options))
  for (let n = 0; n < count; n += 1) orFail(await out.write(frame(n)))
  orFail(await out.close())
  return concat(parts)
}

test('writer: a path that ends in .gz is compressed, and read back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vfp-capture-'))
  try {
    for (const [name, format, gzip] of [
      ['a.pcap', 'pcap', false],
      ['b.pcapng', 'pcapng', false],
      ['c.pcap.gz', 'pcap', true],
      ['d.pcapng.gz', 'pcapng', true],
    ] as const) {
      const path = join(folder, name)
      const out = orFail(await openCaptureWriter(path, { format }))
      for (let n = 0; n < 1000; n += 1) orFail(await out.write(frame(n)))
      const totals = orFail(await out.close())
      const stored = await readFile(path)
      t.is(stored[0] === 0x1f, gzip)
      t.deepEqual(totals, { packets: 1000, bytes: gzip ? gunzipSync(stored).length : stored.length })
      const { packets, error } = await readWholeCapture(path)
      t.is(error, undefined)
      t.deepEqual(
        packets.map(({ data, timestampNs }) => ({ data, timestampNs })),
        Array.from({ length: 1000 }, (_, n) => frame(n)),
      )
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('writer: a function receives the file, compressed if asked', async (t) => {
  const plain = await collect(700, { byteOrder: 'big' })
  const packed = await collect(700, { byteOrder: 'big', gzip: true })
  t.deepEqual(new Uint8Array(gunzipSync(packed)), plain)
  t.is((await readWholeCapture(reusedChunksOf(packed, [999]))).packets.length, 700)
})

test('writer: holds the caller up while the sink is busy, and gives it one batch at a time', async (t) => {
  for (const gzip of [false, true]) {
    let busy = 0
    let taken = 0
    let release = (): void => undefined
    const out = orFail(
      await openCaptureWriter(
        async (bytes) => {
          busy += 1
          t.is(busy, 1)
          taken += bytes.length
          await new Promise<void>((resolve) => (release = resolve))
          busy -= 1
        },
        { gzip },
      ),
    )
    let settled = 0
    const data = noise(60_000)
    const writing = (async () => {
      for (let n = 0; n < 64; n += 1) {
        orFail(await out.write({ data, timestampNs: BigInt(n) }))
        settled += 1
      }
      return out.close()
    })()
    // Every turn of the event loop lets all that is not held up proceed.
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    t.true(settled < 64)
    const releasing = setInterval(() => {
      release()
    }, 0)
    await writing.finally(() => {
      clearInterval(releasing)
    })
    t.like(await writing, { _tag: 'Right', right: { packets: 64 } })
    t.true(gzip || taken > 64 * 60_000)
  }
})

test('writer: packets written without waiting stay in order', async (t) => {
  const parts: Uint8Array[] = []
  const out = orFail(await openCaptureWriter((bytes) => void parts.push(bytes)))
  const results = await Promise.all(Array.from({ length: 900 }, (_, n) => out.write(frame(n))))
  t.true(results.every(E.isRight))
  orFail(await out.close())
  const { packets } = await readWholeCapture(reusedChunksOf(concat(parts), [4096]))
  t.deepEqual(packets.map(({ timestampNs }) => timestampNs), Array.from({ length: 900 }, (_, n) => frame(n).timestampNs))
})

test('writer: a sink that fails ends the capture, and every later call says so', async (t) => {
  for (const gzip of [false, true]) {
    const out = orFail(
      await openCaptureWriter(
        () => {
          throw new Error('disk full')
        },
        { gzip },
      ),
    )
    const data = noise(60_000)
    let result = await out.write({ data, timestampNs: 0n })
    for (let n = 0; n < 2000 && E.isRight(result); n += 1) result = await out.write({ data, timestampNs: 0n })
    t.deepEqual(result, E.left({ _tag: 'Io', reason: 'disk full' }))
    t.deepEqual(await out.addInterface({}), E.left({ _tag: 'Io', reason: 'disk full' }))
    t.deepEqual(await out.close(), E.left({ _tag: 'Io', reason: 'disk full' }))
  }
})

test('writer: a sink that fails while the writer is held up ends the wait', async (t) => {
  for (const gzip of [false, true]) {
    let fail = (_: Error): void => undefined
    const busy = (): Promise<void> => new Promise((_, reject) => (fail = reject))
    const out = orFail(await openCaptureWriter(busy, { gzip }))
    const data = noise(200_000)
    const writing = (async () => {
      let result = await out.write({ data, timestampNs: 0n })
      while (E.isRight(result)) result = await out.write({ data, timestampNs: 0n })
      return result
    })()
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    fail(new Error('peer gone'))
    t.deepEqual(await writing, E.left({ _tag: 'Io', reason: 'peer gone' }))
    t.deepEqual(await out.close(), E.left({ _tag: 'Io', reason: 'peer gone' }))
  }
})

test('writer: a file that cannot be opened is an output error', async (t) => {
  t.like(await openCaptureWriter('/nowhere/at/all.pcap'), { _tag: 'Left', left: { _tag: 'Io' } })
})

test('writer: after close every call is refused, and close answers the same again', async (t) => {
  const out = orFail(await openCaptureWriter(() => undefined))
  orFail(await out.write(frame(1)))
  const first = await out.close()
  t.deepEqual(await out.close(), first)
  t.deepEqual(await out.write(frame(2)), E.left({ _tag: 'Closed' }))
  t.deepEqual(await out.addInterface({}), E.left({ _tag: 'Closed' }))
})

test('writer: a refused packet leaves the capture going, with the packets around it', async (t) => {
  const parts: Uint8Array[] = []
  const out = orFail(await openCaptureWriter((bytes) => void parts.push(bytes)))
  orFail(await out.write(frame(1)))
  t.like(await out.write({ ...frame(2), timestampNs: -1n }), { _tag: 'Left', left: { _tag: 'Unwritable', packet: 2 } })
  t.is(orFail(await out.addInterface({ name: 'late' })), 1)
  orFail(await out.write({ ...frame(3), interfaceId: 1 }))
  t.like(await out.close(), { _tag: 'Right', right: { packets: 2 } })
  const { packets, error } = await readWholeCapture(reusedChunksOf(concat(parts), [100]))
  t.is(error, undefined)
  t.deepEqual(packets.map(({ interfaceName }) => interfaceName), [undefined, 'late'])
})

test('writer: what a format cannot hold is refused with the field that does not fit', (t) => {
  const refusals: [E.Either<CaptureWriteError, unknown>, RegExp][] = []
  const pcap = orFail(pcapEncoder({ snapLength: 100, linkType: 1 }))
  const small = { data: new Uint8Array(10), timestampNs: 0n }
  refusals.push([pcap.packet(frame(0)), /200 bytes, more than the snap length of 100/])
  refusals.push([pcap.packet({ ...small, timestampNs: 1n << 63n }), /not within 2\^32 seconds/])
  refusals.push([pcap.packet({ ...small, originalLength: 2 ** 32 }), /original length 4294967296/])
  refusals.push([pcap.packet({ ...small, linkType: 101 }), /link type 101, the capture holds link type 1/])
  refusals.push([pcap.packet({ ...small, interfaceId: 1 }), /names interface 1, the capture has 1/])
  refusals.push([pcap.addInterface({}), /one interface/])
  refusals.push([pcapEncoder({ linkType: 65_536 }), /link type 65536/])
  refusals.push([pcapEncoder({ snapLength: -1 }), /snap length -1/])
  const ng = orFail(pcapngEncoder())
  refusals.push([ng.packet(small), /names interface 0, the capture has 0/])
  refusals.push([ng.addInterface({ name: 'é'.repeat(513) }), /name of more than 1024/])
  refusals.push([ng.addInterface({ linkType: 1.5 }), /link type 1.5/])
  refusals.push([ng.addInterface({ offsetSeconds: 1n << 63n }), /does not fit 64 bits/])
  refusals.push([ng.addInterface({ resolution: { base: 2, exponent: 128 } }), /exponent 128/])
  orFail(ng.addInterface({}))
  refusals.push([ng.packet({ ...small, comment: 'x'.repeat(65_536) }), /comment of more than/])
  refusals.push([ng.packet({ ...small, timestampNs: 1n << 64n }), /64-bit count/])
  refusals.push([pcapngEncoder({ application: 'x'.repeat(65_536) }), /application name/])
  for (const [result, reason] of refusals) {
    if (E.isLeft(result)) t.regex(renderCaptureWriteError(result.left), reason)
    else t.fail(`not refused: ${String(reason)}`)
  }
})
