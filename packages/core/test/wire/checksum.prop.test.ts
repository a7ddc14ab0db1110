import test from 'ava'
import fc from 'fast-check'
import { checksum, checksumHolds, fold, sumWords } from '../../src/wire/checksum.js'
import { correctIcmp, correctTransport, replaceWord } from '../../src/wire/correct-checksum.js'
import { L4 } from '../../src/wire/frame-view.js'
import { putU16, u16 } from '../../src/wire/bytes.js'

const dataArbitrary = fc.uint8Array({ minLength: 4, maxLength: 120 })
// values around the two zeros of one's complement, where incremental updates go wrong
const wordArbitrary = fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff))

// Messages of zeros, too: their checksum is the one zero that a sum of zeros has.
const messageArbitrary = fc.oneof(dataArbitrary, fc.integer({ min: 4, max: 12 }).map((n) => new Uint8Array(n)))

test('correct-checksum: an ICMP message has after any change the checksum of a full computation', (t) => {
  fc.assert(
    fc.property(messageArbitrary, fc.array(fc.tuple(fc.nat(), wordArbitrary), { minLength: 1, maxLength: 3 }), (data, changes) => {
      putU16(data, 2, 0)
      putU16(data, 2, checksum(data, 0, data.length))
      let changed = 0
      for (const [place, to] of changes) {
        const word = place % (data.length >> 1)
        if (word !== 1) changed += replaceWord(data, word * 2, to)
      }
      correctIcmp(data, 0, data.length, changed)
      const corrected = u16(data, 2)
      putU16(data, 2, 0)
      t.is(corrected, checksum(data, 0, data.length))
    }),
    { numRuns: 1000 },
  )
})

test('correct-checksum: a UDP checksum is after any change that of a full computation, and never the 0 that means none', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 60 }), fc.nat(), wordArbitrary, fc.nat(0x1ffff), (data, place, to, pseudo) => {
      const full = (): number => {
        putU16(data, 6, 0)
        return checksum(data, 0, data.length, pseudo + 17) || 0xffff
      }
      putU16(data, 6, full())
      const word = place % (data.length >> 1)
      fc.pre(word !== 3)
      correctTransport(data, 0, L4.Udp, replaceWord(data, word * 2, to), 0)
      const corrected = u16(data, 6)
      t.is(corrected, full())
    }),
    { numRuns: 1000 },
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
