import { testNeeding } from '@vfp-ts/needs'
import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { readCapture } from '../../src/pcap/read.js'
import { openCaptureWriter } from '../../src/pcap/write.js'
import { captureDecoder } from '../../src/pcap/decoder.js'
import { orFail } from './captures.js'
import { sharedCaptures } from './shared-captures.js'

const testOfOthers = testNeeding('captures of others')
for (const { name, path } of sharedCaptures()) {
  testOfOthers(`conformance: ${name} reads without an error and is the same after it was written as pcapng`, async (t) => {
    const again = captureDecoder()
    const out = orFail(await openCaptureWriter((bytes) => again.push(bytes)))
    let read = 0
    let different = 0
    // Packets wait here until the written ones come out at the other end.
    const waiting: { readonly data: Uint8Array; readonly timestampNs: bigint; readonly originalLength: number }[] = []
    const compare = (): void => {
      for (let item = again.next(); item !== undefined; item = again.next()) {
        const expected = waiting.shift()
        if (E.isLeft(item) || expected === undefined) different += 1
        else if (
          Buffer.compare(item.right.data, expected.data) !== 0 ||
          item.right.timestampNs !== expected.timestampNs ||
          item.right.originalLength !== expected.originalLength
        )
          different += 1
      }
    }
    for await (const item of readCapture(path)) {
      const packet = orFail(item)
      read += 1
      waiting.push(packet)
      orFail(await out.write({ ...packet, interfaceId: 0 }))
      compare()
    }
    t.like(await out.close(), { _tag: 'Right', right: { packets: read } })
    again.end()
    compare()
    t.true(read > 0)
    t.is(different, 0)
    t.is(waiting.length, 0)
  })
}

test('conformance: a file written byte by byte from the specification reads as it says', async (t) => {
  // A big-endian nanosecond pcap with one three-byte packet of raw IP, cut from ten.
  const bytes = Buffer.from(
    'a1b23c4d' + '0002' + '0004' + '00000000' + '00000000' + '00040000' + '00000065' +
      '65531f00' + '00000007' + '00000003' + '0000000a' + '450000',
    'hex',
  )
  async function* file(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  const items = []
  for await (const item of readCapture(file())) items.push(orFail(item))
  t.deepEqual(items, [
    {
      data: Uint8Array.of(0x45, 0, 0),
      originalLength: 10,
      timestampNs: 1_699_946_240_000_000_007n,
      interfaceId: 0,
      section: 0,
      linkType: 101,
      byteOrder: 'big',
    },
  ])
})
