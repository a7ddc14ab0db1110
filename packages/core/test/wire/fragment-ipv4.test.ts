import test from 'ava'
import { u16 } from '../../src/wire/bytes.js'
import { ipv4FragmentOffset, ipv4HeaderLength, ipv4MoreFragments } from '../../src/wire/ipv4.js'
import { cut } from './cut.js'
import { hex } from './hex.js'

test('fragment ipv4: every fragment has its place, and all but the last have more behind them', (t) => {
  const fragments = cut({ length: 1500, identification: 4711 }, 512)
  t.deepEqual(fragments.map((f) => [u16(f, 16), u16(f, 18), ipv4FragmentOffset(f, 14), ipv4MoreFragments(f, 14)]), [
    [532, 4711, 0, true], [532, 4711, 512, true], [476, 4711, 1024, false],
  ])
})

test('fragment ipv4: a fragment is cut into smaller ones of the same datagram', (t) => {
  for (const moreFragments of [true, false]) {
    const fragments = cut({ length: 1020, fragmentOffset: 800, moreFragments }, 504)
    t.deepEqual(fragments.map((f) => [ipv4FragmentOffset(f, 14), ipv4MoreFragments(f, 14)]), [[800, true], [1304, moreFragments]])
  }
})

test('fragment ipv4: options go into later fragments by their copy flag', (t) => {
  // A record route, a loose source route to be copied, and padding.
  const fragments = cut({ length: 500, ipOptions: hex('07 07 04 00000000 01 83 07 04 0a000001 00') }, 240)
  t.deepEqual(fragments.map((f) => ipv4HeaderLength(f, 14)), [36, 28])
  t.is(Buffer.from(fragments[1]!.subarray(34, 42)).toString('hex'), '8307040a00000100')
})

test('fragment ipv4: options from one on that cannot be read are not copied', (t) => {
  const fragments = cut({ length: 500, ipOptions: hex('82 04 0000 83 09 00 00') }, 240)
  t.deepEqual(fragments.map((f) => ipv4HeaderLength(f, 14)), [28, 24])
})

test('fragment ipv4: VLAN tags stay, padding goes', (t) => {
  const fragments = cut({ length: 120, vlans: [7], padding: 20 }, 64)
  t.deepEqual(fragments.map((f) => [f.length, Buffer.from(f.subarray(12, 16)).toString('hex')]), [[14 + 4 + 84, '81000007'], [14 + 4 + 56, '81000007']])
})
