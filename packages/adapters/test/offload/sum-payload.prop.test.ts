import { testProp } from '@fast-check/ava'
import { wire } from '@vfp-ts/core'
import fc from 'fast-check'
import { sumPayload } from '../../src/offload/sum-payload.js'

const { fold, sumWords } = wire.checksum

testProp('sumPayload: is the sum of the words, from and to any byte',
  [fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(20), fc.nat(44)], (t, bytes, from, length) => {
  t.is(sumPayload(bytes, new Int32Array(bytes.buffer), from, from + length), fold(sumWords(bytes, from, from + length)))
}, { numRuns: 500 })

testProp('sumPayload: 64 KB of ones do not overflow', [fc.nat(7)], (t, from) => {
  const bytes = new Uint8Array(65_544).fill(0xff)
  t.is(sumPayload(bytes, new Int32Array(bytes.buffer), from, from + 65_535), fold(sumWords(bytes, from, from + 65_535)))
})
