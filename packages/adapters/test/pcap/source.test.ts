import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { pcapEncoder } from '../../src/pcap/pcap-encoder.js'
import { readCapture, readWholeCapture } from '../../src/pcap/read.js'
import { concat, orFail, reusedChunksOf } from './captures.js'

const encoder = orFail(pcapEncoder())
const packets = Array.from({ length: 3000 }, (_, n) =>
  orFail(encoder.packet({ data: Uint8Array.from({ length: 100 }, (_, at) => (n * 31 + at * n) & 0xff), timestampNs: BigInt(n) })),
)
const file = concat([encoder.start, ...packets])

const withFile = async (name: string, bytes: Uint8Array, use: (path: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'vfp-capture-'))
  try {
    await writeFile(join(folder, name), bytes)
    await use(join(folder, name))
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('source: a file is read by its content, whatever its name', async (t) => {
  await withFile('plain.gz', file, async (path) => {
    t.like(await readWholeCapture(path), { packets: { length: packets.length }, error: undefined })
  })
  await withFile('packed.pcap', gzipSync(file), async (path) => {
    t.like(await readWholeCapture(path), { packets: { length: packets.length }, error: undefined })
  })
})

test('source: a file that does not exist and a folder are input errors', async (t) => {
  t.like(await readWholeCapture('/nowhere/at/all.pcap'), { packets: [], error: { _tag: 'Io', offset: 0, packet: 0 } })
  t.like(await readWholeCapture(tmpdir()), { packets: [], error: { _tag: 'Io', offset: 0, packet: 0 } })
})

test('source: what a stream throws is an input error after the packets that came', async (t) => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield concat([encoder.start, packets[0] ?? file, file.subarray(0, 7)])
    throw new Error('cable pulled')
  }
  t.like(await readWholeCapture(broken()), {
    packets: { length: 1 },
    error: { _tag: 'Io', offset: 24 + 116 + 7, packet: 1, reason: 'cable pulled' },
  })
})

test('source: a stream that throws before two bytes came, or on opening, is an input error', async (t) => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(0x1f)
    throw new Error('cable pulled')
  }
  t.like((await readWholeCapture(broken())).error, { _tag: 'Io', offset: 1, packet: 0, reason: 'cable pulled' })
  const locked = {
    [Symbol.asyncIterator]: (): AsyncIterator<Uint8Array> => {
      throw new TypeError('locked')
    },
  }
  t.like((await readWholeCapture(locked)).error, { _tag: 'Io', offset: 0, packet: 0, reason: 'locked' })
})

test('source: leaving the loop early returns the iterator of the source', async (t) => {
  for (const bytes of [file, gzipSync(file)]) {
    let returned = 0
    async function* counted(): AsyncGenerator<Uint8Array> {
      try {
        yield* reusedChunksOf(bytes, [1000])
      } finally {
        returned += 1
      }
    }
    for await (const item of readCapture(counted())) {
      t.true(E.isRight(item))
      break
    }
    t.is(returned, 1)
  }
})

test('source: the chunks are asked for as packets are consumed, not ahead', async (t) => {
  let asked = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of reusedChunksOf(file, [1160])) {
      asked += 1
      yield chunk
    }
  }
  let read = 0
  for await (const item of readCapture(counted(), { data: 'view' })) {
    t.true(E.isRight(item))
    read += 1
    t.true(asked <= read / 10 + 2)
  }
  t.is(read, packets.length)
})

test('source: members of gzip are joined, zeros after the last are ignored, anything else is an error', async (t) => {
  const half = 24 + 116 * 1500
  const members = concat([gzipSync(file.subarray(0, half)), gzipSync(file.subarray(half))])
  for (const lengths of [[13], [members.length * 2], [977]]) {
    t.like(await readWholeCapture(reusedChunksOf(members, lengths)), { packets: { length: packets.length }, error: undefined })
    const padded = concat([members, new Uint8Array(5_000)])
    t.like(await readWholeCapture(reusedChunksOf(padded, lengths)), { packets: { length: packets.length }, error: undefined })
    const followed = concat([members, Uint8Array.of(1, 2, 3)])
    t.like((await readWholeCapture(reusedChunksOf(followed, lengths))).error, { _tag: 'Gzip' })
  }
})

test('source: damage inside gzip is one gzip error after packets that were whole', async (t) => {
  const stored = gzipSync(file)
  const at = stored.length >> 1
  stored[at] = (stored[at] ?? 0) ^ 0xff
  const { packets: read, error } = await readWholeCapture(reusedChunksOf(stored, [5000]))
  t.true(error !== undefined)
  t.is(error?.packet, read.length)
})

test('source: a stream of strings is an input error', async (t) => {
  t.like((await readWholeCapture(Readable.from(['text']))).error, { _tag: 'Io', reason: 'the source yielded a string instead of bytes' })
})
