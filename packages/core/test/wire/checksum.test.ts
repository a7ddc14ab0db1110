import test from 'ava'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { checksum, checksumHolds, fold, pseudoSum4, pseudoSum6, sumWords } from '../../src/wire/checksum.js'
import { correctIcmp, correctIpv4, replaceWord } from '../../src/wire/correct-checksum.js'
import { hex } from './hex.js'

test('checksum: sums the example of RFC 1071 §3 to ddf2', (t) => {
  const data = hex('0001 f203 f4f5 f6f7')
  t.is(fold(sumWords(data, 0, 8)), 0xddf2)
  t.is(checksum(data, 0, 8), 0x220d)
})

test('checksum: counts an odd last byte as padded with zero', (t) => {
  t.is(checksum(hex('0001 f2'), 0, 3), checksum(hex('0001 f200'), 0, 4))
})

test('correct-checksum: updates the example of RFC 1624 §4 to 0000, where equation 2 would give ffff', (t) => {
  const message = hex('5555 dd2f cd7a 0000')
  correctIcmp(message, 0, 8, replaceWord(message, 0, 0x3285))
  t.is(u16(message, 2), 0x0000)
})

test('checksum: computes the header checksum of a known IPv4 header', (t) => {
  const header = hex('4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7')
  t.is(checksum(header, 0, 20), 0xb861)
  putU16(header, 10, 0xb861)
  t.true(checksumHolds(header, 0, 20))
})

test('correct-checksum: a TTL decrement and an address rewrite update the header checksum', (t) => {
  const header = hex('4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7')
  correctIpv4(header, 0, replaceWord(header, 8, 0x3f11))
  correctIpv4(header, 0, replaceWord(header, 12, 0x0a00) + replaceWord(header, 14, 0x0004))
  const rewritten = u16(header, 10)
  putU16(header, 10, 0)
  t.is(rewritten, checksum(header, 0, 20))
})

test('checksum: the pseudo headers of both versions complete a UDP checksum', (t) => {
  const four = hex('4500 001d 0000 0000 4011 0000 0a000004 0a000005 c000 0035 0009 0000 61')
  putU16(four, 26, checksum(four, 20, 29, pseudoSum4(four, 0, 17, 9)))
  // 0a00+0004+0a00+0005+0011+0009 + c000+0035+0009+6100 = 13561, folded 3562, complemented
  t.is(u16(four, 26), 0xca9d)
  const six = hex('6000 0000 0009 1140 fd000000000000000000000000000004 fd000000000000000000000000000005 c000 0035 0009 0000 61')
  t.is(pseudoSum6(six, 0, 17, 9), 0xfd00 + 4 + 0xfd00 + 5 + 17 + 9)
})

test('checksum: the IPv6 pseudo header takes lengths of more than 16 bits', (t) => {
  t.is(pseudoSum6(new Uint8Array(40), 0, 0, 0x1_0002), 3)
})
