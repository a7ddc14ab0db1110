import test from 'ava'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { optionsLength, padded, readOptions, textOf, textOption, writeOptions } from '../../src/pcap/pcapng-options.js'

const option = fc.record({ code: fc.integer({ min: 1, max: 0xffff }), value: fc.uint8Array({ maxLength: 30 }) })

test('options: reading what was written gives the same options, in either byte order', (t) => {
  fc.assert(
    fc.property(fc.array(option, { maxLength: 6 }), fc.boolean(), fc.nat({ max: 9 }), (options, littleEndian, at) => {
      const length = optionsLength(options)
      const view = new DataView(new ArrayBuffer(at + length + 5))
      writeOptions(view, at, options, littleEndian)
      t.deepEqual(readOptions(view, at, at + length, littleEndian), E.right(options))
    }),
  )
})

test('options: any bytes give options within their bounds or a reason', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, littleEndian) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      const result = readOptions(view, 0, bytes.length, littleEndian)
      if (E.isLeft(result)) t.true(result.left.length > 0)
      else t.true(result.right.reduce((sum, { value }) => sum + 4 + value.length, 0) <= bytes.length)
    }),
  )
})

test('options: text survives up to a zero octet, and bytes that are not UTF-8 become replacement characters', (t) => {
  const text = fc.array(fc.string({ unit: 'binary' }).map((any) => any.replaceAll('\0', '')), { minLength: 1, maxLength: 3 })
  fc.assert(fc.property(text, (parts) => t.is(textOf(textOption(1, parts.join('\0'))), parts[0] ?? '')))
  t.is(textOf({ code: 1, value: Uint8Array.of(0x61, 0xff) }), 'a\ufffd')
})

test('options: lengths are padded to the next multiple of four', (t) => {
  t.deepEqual([0, 1, 3, 4, 5, 0xffff_ffff].map(padded), [0, 4, 4, 4, 8, 0x1_0000_0000])
})
