import { gzipSync, gunzipSync, constants } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { readWholeCapture } from '../../src/pcap/read.js'
import { MAX_BLOCK_OVERHEAD_BYTES } from '../../src/pcap/pcapng-decoder.js'
import { chunkLengths, chunksOf, decodeAll, pcapCapture, pcapngCapture, reusedChunksOf } from './captures.js'

const capture = fc.oneof(pcapCapture, pcapngCapture)

test('capture: reading what was written gives the same packets, in any chunks, compressed or not', async (t) => {
  await fc.assert(
    fc.asyncProperty(capture, chunkLengths, fc.boolean(), async ({ bytes, packets }, lengths, gzip) => {
      const stored = gzip ? gzipSync(bytes) : bytes
      t.deepEqual(await readWholeCapture(reusedChunksOf(stored, lengths)), { packets, error: undefined })
    }),
    { numRuns: 100 },
  )
  t.pass()
})

test('capture: one byte at a time reads as all at once', (t) => {
  fc.assert(
    fc.property(capture, ({ bytes }) => {
      const { packets, error } = decodeAll(chunksOf(bytes, [1]))
      t.deepEqual({ packets, error }, pick(decodeAll([bytes])))
    }),
    { numRuns: 50 },
  )
  t.pass()
})

test('capture: cut at any byte it gives every whole packet, then the error unless the cut falls between records', (t) => {
  fc.assert(
    fc.property(capture, chunkLengths, ({ bytes, packets, ends }, lengths) => {
      for (let cut = 0; cut < bytes.length; cut += bytes.length > 600 ? 13 : 1) {
        const whole = ends.findLast(({ offset }) => offset <= cut) ?? { offset: 0, packets: 0 }
        const read = decodeAll(chunksOf(bytes.subarray(0, cut), lengths))
        t.deepEqual(read.packets, packets.slice(0, whole.packets))
        if (whole.offset === cut && cut > 0) t.is(read.error, undefined)
        else t.like(read.error, { _tag: 'Truncated', offset: whole.offset, packet: whole.packets })
      }
    }),
    { numRuns: 15 },
  )
})

test('capture: truncated gzip gives every packet that can be decompressed, then one error', async (t) => {
  await fc.assert(
    fc.asyncProperty(capture, chunkLengths, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), async (made, lengths, share) => {
      const whole = gzipSync(made.bytes)
      const stored = whole.subarray(0, 2 + Math.floor(share * (whole.length - 2)))
      const inflated = stored.length < 18 ? new Uint8Array(0) : gunzipSync(stored, { finishFlush: constants.Z_SYNC_FLUSH })
      const expected = decodeAll([inflated]).packets
      const read = await readWholeCapture(reusedChunksOf(stored, lengths))
      t.deepEqual(read.packets, expected)
      t.like(read.error, { _tag: 'Gzip', offset: inflated.length, packet: expected.length })
    }),
    { numRuns: 60 },
  )
})

test('capture: any change of bytes gives packets or a typed error, in bounded memory', (t) => {
  const maxPacketBytes = 4096
  const change = fc.record({ at: fc.nat(), value: fc.oneof(fc.constantFrom(0, 0xff, 0x80, 0x7f), fc.nat({ max: 255 })) })
  fc.assert(
    fc.property(capture, fc.array(change, { minLength: 1, maxLength: 6 }), chunkLengths, ({ bytes }, changes, lengths) => {
      const mutated = bytes.slice()
      for (const { at, value } of changes) mutated[at % mutated.length] = value
      const { error, packets, capacity } = decodeAll(chunksOf(mutated, lengths), { maxPacketBytes })
      t.true(packets.every(({ data }) => data.length <= maxPacketBytes))
      t.true(capacity <= 2 * (maxPacketBytes + MAX_BLOCK_OVERHEAD_BYTES + 65_536))
      // What is held never exceeds what came, whatever a length claims.
      t.true(capacity <= Math.max(4096, 2 * mutated.length))
      if (error !== undefined) t.true(error.offset <= mutated.length && error.packet === packets.length)
    }),
    { numRuns: 400 },
  )
})

test('capture: any bytes after a known magic give packets or a typed error', (t) => {
  const magic = fc.constantFrom([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], [0x0a, 0x0d, 0x0d, 0x0a], [0xa1, 0xb2, 0x3c, 0x4d], [])
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 300 }), (head, tail) => {
      const { error, packets } = decodeAll([Uint8Array.from([...head, ...tail])])
      if (error !== undefined) t.is(error.packet, packets.length)
      else t.true(head.length > 0)
    }),
    { numRuns: 300 },
  )
})

const pick = ({ packets, error }: ReturnType<typeof decodeAll>) => ({ packets, error })
