import test from 'ava'
import fc from 'fast-check'
import { checksum, checksumHolds, fold, sumWords, updateWord, updateWord32 } from '../../src/wire/checksum.js'
import { putU16, putU32, u16, u32 } from '../../src/wire/bytes.js'

const dataArbitrary = fc.uint8Array({ minLength: 4, maxLength: 120 })
// values around the two zeros of one's complement, where incremental updates go wrong
const wordArbitrary = fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff))

test('checksum: the incremental update of any 16-bit word equals the full computation', (t) => {
  fc.assert(
    fc.property(dataArbitrary, fc.nat(), wordArbitrary, (data, place, to) => {
      const at = (place % (data.length >> 1)) * 2
      const before = checksum(data, 0, data.length)
      const from = u16(data, at)
      putU16(data, at, to)
      fc.pre(data.some((byte) => byte !== 0))
      t.is(updateWord(before, from, to), checksum(data, 0, data.length))
    }),
    { numRuns: 1000 },
  )
})

test('checksum: the incremental update of any 32-bit word equals the full computation', (t) => {
  fc.assert(
    fc.property(dataArbitrary, fc.nat(), wordArbitrary, wordArbitrary, (data, place, high, low) => {
      const at = (place % ((data.length - 2) >> 1)) * 2
      const before = checksum(data, 0, data.length)
      const from = u32(data, at)
      const to = high * 0x10000 + low
      putU32(data, at, to)
      fc.pre(data.some((byte) => byte !== 0))
      t.is(updateWord32(before, from, to), checksum(data, 0, data.length))
    }),
    { numRuns: 1000 },
  )
})

test('checksum: updates there and back restore the stored checksum', (t) => {
  fc.assert(
    fc.property(dataArbitrary, wordArbitrary, (data, to) => {
      fc.pre(data.subarray(2).some((byte) => byte !== 0))
      const stored = checksum(data, 0, data.length)
      t.is(updateWord(updateWord(stored, u16(data, 0), to), to, u16(data, 0)), stored)
    }),
  )
})

test('checksum: data with their checksum hold, and with any other they do not', (t) => {
  fc.assert(
    fc.property(dataArbitrary, fc.nat(0xffff), (data, other) => {
      putU16(data, 0, 0)
      fc.pre(data.some((byte) => byte !== 0))
      const right = checksum(data, 0, data.length)
      putU16(data, 0, right)
      t.true(checksumHolds(data, 0, data.length))
      putU16(data, 0, other)
      // 0 and 0xffff are the same number here
      t.is(checksumHolds(data, 0, data.length), other % 0xffff === right % 0xffff)
    }),
  )
})

test('checksum: sums of even stretches add up in any order', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 63 }), (a, b) => {
      const even = a.length & ~1
      const joined = Uint8Array.of(...a.subarray(0, even), ...b)
      t.is(fold(sumWords(joined, 0, joined.length)), fold(sumWords(b, 0, b.length, sumWords(a, 0, even))))
    }),
  )
})
