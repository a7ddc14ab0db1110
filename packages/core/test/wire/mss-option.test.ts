import test from 'ava'
import { lowerMss } from '../../src/wire/mss-option.js'
import { hex } from './hex.js'
import { header, told } from './mss-header.js'

test('mss option: a larger size is lowered, an equal or smaller one left', (t) => {
  for (const [most, changed, size] of [[1410, true, 1410], [1460, false, 1460], [9000, false, 1460]] as const) {
    const bytes = header(hex('0204 05b4 0402 080a 0000 0001 0000 0000 01 0303 07'))
    t.is(lowerMss(bytes, 0, most), changed)
    t.deepEqual(told(bytes), [size])
  }
})

test('mss option: none is inserted', (t) => {
  const bytes = header(hex('0402 0101'))
  const before = bytes.slice()
  t.false(lowerMss(bytes, 0, 500))
  t.deepEqual(bytes, before)
})

test('mss option: one behind the end of the list, or that cannot be read, is left alone', (t) => {
  for (const raw of ['00 0204 05b4 000000', '0204 05b4 0200 0101', '0204 05b4 030a 0101', '0203 0501', '0204 05b4 01 01 01 08']) {
    const bytes = header(hex(raw))
    const before = bytes.slice()
    t.false(lowerMss(bytes, 0, 500), raw)
    t.deepEqual(bytes, before, raw)
  }
})

test('mss option: the last byte of a header may be that of a lone padding', (t) => {
  const bytes = header(hex('0204 05b4 01 01 01 01'))
  t.true(lowerMss(bytes, 0, 500))
  t.deepEqual(told(bytes), [500])
})
