import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { ipv4HeaderLength } from '../../src/wire/ipv4.js'
import { read, sent } from '../switch/mtu-support.js'
import { cut } from './cut.js'
import { hex } from './hex.js'

testProp('fragment ipv4: fragments put together are the packet, and every header checksum is right', [
  fc.integer({ min: 40, max: 3000 }), fc.integer({ min: 1, max: 200 }), fc.constantFrom('', '82040000', '07070400000000 00', '01018304 0000 0000'),
], (t, length, eights, options) => {
  const whole = sent({ length, ipOptions: hex(options) })
  const from = 14 + ipv4HeaderLength(whole, 14)
  fc.pre(8 * eights < whole.length - from)
  const fragments = cut({ length, ipOptions: hex(options) }, 8 * eights)
  fragments.forEach((f) => read(f))
  t.deepEqual(Buffer.concat(fragments.map((f) => f.subarray(14 + ipv4HeaderLength(f, 14)))), Buffer.from(whole.subarray(from)))
})
