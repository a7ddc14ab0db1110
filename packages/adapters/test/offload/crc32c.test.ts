import test from 'ava'
import { crc32c } from '../../src/offload/crc32c.js'

test('crc32c: the check value of the catalogue, and the vectors of RFC 3720 appendix B.4', (t) => {
  const digits = Uint8Array.from(Buffer.from('xx123456789x'))
  t.is(crc32c(digits, 2, 11), 0xe306_9283)
  t.is(crc32c(new Uint8Array(32), 0, 32), 0x8a91_36aa)
  t.is(crc32c(new Uint8Array(32).fill(0xff), 0, 32), 0x62a8_ab43)
})
