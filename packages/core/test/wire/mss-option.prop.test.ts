import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { checksum } from '../../src/wire/checksum.js'
import { lowerMss } from '../../src/wire/mss-option.js'
import { header, told } from './mss-header.js'

testProp('mss option: the checksum stays right wherever options stand', [
  fc.array(fc.record({ size: fc.nat(0xffff), pads: fc.nat(3) }), { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 0xffff }),
], (t, options, most) => {
  const raw = options.flatMap(({ size, pads }) => [...Array<number>(pads).fill(1), 2, 4, size >>> 8, size & 0xff])
  const bytes = header(Uint8Array.from([...raw, ...Array<number>((4 - (raw.length % 4)) % 4).fill(0)]))
  t.is(lowerMss(bytes, 0, most), options.some(({ size }) => size > most))
  t.deepEqual(told(bytes), options.map(({ size }) => Math.min(size, most)))
  t.is(checksum(bytes, 0, bytes.length), 0)
})
