import test from 'ava'
import type { ApplyCode } from '../../src/transposition/apply-code.js'
import { decapNat, encap, encapNat, invalid, modify, nat, pop, push } from '../../src/transposition/construct.js'
import { compose } from '../../src/transposition/compose.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { checksum, pseudoSum6 } from '../../src/wire/checksum.js'
import { Verify } from '../../src/wire/parse.js'
import { type Frame, HEADROOM, inBuffer, view } from './frames.js'
import { bytesOf, echo, frame4, hex, run, spec, spec6, udp } from './hand-made.js'

test('apply: a translation rewrites addresses, ports and both checksums, and nothing else', (t) => {
  const f = udp()
  const before = f.bytes.slice(f.start, f.end)
  const { bytes, frame } = run(nat({ dstIp: ipv4(0xc0a80001), dstPort: 5353 }), f)
  t.is(hex(bytes.subarray(30, 34)), 'c0a80001')
  t.is(u16(bytes, 36), 5353)
  t.truthy(view(frame, Verify.All))
  const changed = [...bytes.keys()].filter((i) => bytes[i] !== before[i])
  t.true(changed.every((i) => [24, 25, 30, 31, 32, 33, 36, 37, 40, 41].includes(i)))
})

test('apply: a UDP checksum of none stays none', (t) => {
  const f = frame4(17, '04d20035000a0000abcd')
  t.is(u16(run(nat({ srcIp: ipv4(1), srcPort: 9 }), f).bytes, 40), 0)
})

test('apply: a UDP checksum that comes out as 0 is stored as 0xffff', (t) => {
  const f = udp()
  // The source port that makes the sum of everything else zero.
  const srcPort = (u16(f.bytes, f.start + 34) + u16(f.bytes, f.start + 40)) % 0xffff
  const { bytes, frame } = run(modify({ srcPort }), f)
  t.is(u16(bytes, 40), 0xffff)
  t.truthy(view(frame, Verify.All))
})

test('apply: an address does not reach the checksum of ICMP', (t) => {
  const f = echo()
  const stored = u16(f.bytes, f.start + 36)
  t.is(u16(run(nat({ srcIp: ipv4(0xc0a80001) }), f).bytes, 36), stored)
})

test('apply: an echo identifier is rewritten under its checksum', (t) => {
  const { bytes, frame } = run(nat({ icmpId: 0xbeef }), echo())
  t.is(u16(bytes, 38), 0xbeef)
  t.truthy(view(frame, Verify.All))
})

test('apply: an echo reply of nothing but zeros keeps a checksum that holds', (t) => {
  // Its full checksum is 0xffff, where equation 3 of RFC 1624 gives 0: the one case in which they differ.
  const { bytes, frame } = run(nat({ icmpId: 0 }), frame4(1, '0000000000070000', 2))
  t.is(u16(bytes, 36), 0xffff)
  t.truthy(view(frame, Verify.All))
})

test('apply: a checksum at the two zeros of one\'s complement comes out the same by one edit as by two', (t) => {
  // Stored as 0xffff, which no full computation gives: RFC 1624's equation would keep it by one way and not by the other.
  const tcp = (): Frame => {
    const f = frame4(6, 'ffff0035' + '0000000000000000' + '5000000000000000')
    putU16(f.bytes, f.start + 50, 0xffff)
    return f
  }
  const atOnce = run(modify({ srcPort: 0 }), tcp())
  const inTurn = run(modify({ srcPort: 0 }), run(modify({ srcPort: 5 }), tcp()).frame)
  t.is(u16(atOnce.bytes, 50), 0)
  t.deepEqual(inTurn.bytes, atOnce.bytes)
})

test('apply: a pushed IPv4 tunnel has its lengths, DF, no identification, no UDP checksum, and copies the traffic class', (t) => {
  const f = udp()
  f.bytes[f.start + 15] = 0xb9
  putU16(f.bytes, f.start + 24, 0)
  putU16(f.bytes, f.start + 24, checksum(f.bytes, f.start + 14, f.start + 34))
  const inside = f.bytes.slice(f.start, f.end)
  const { name, bytes, frame } = run(push(spec), f)
  t.is(name, 'Ok')
  t.is(hex(bytes.subarray(0, 14)), '00155d00000200155d0000010800')
  t.is(hex(bytes.subarray(14, 24)), '45b9005000004000' + '4011')
  t.is(hex(bytes.subarray(26, 34)), 'c0000201c0000202')
  t.is(hex(bytes.subarray(34, 42)), 'c00012b5003c0000')
  t.is(hex(bytes.subarray(42, 50)), '0800000000138900')
  t.deepEqual(bytes.slice(50), inside)
  t.truthy(view(frame, Verify.All))
})

test('apply: a pushed IPv6 tunnel has its UDP checksum computed', (t) => {
  const { bytes, frame } = run(push({ ...spec6, dscp: 46, ecn: 1, ttl: 9 }), udp())
  t.is(hex(bytes.subarray(14, 22)), '6b900000' + '003c' + '1109')
  t.not(u16(bytes, 60), 0)
  t.truthy(view(frame, Verify.All))
})

test('apply: what a tunnel copies is what the group inside had before it was pushed, and after it was edited', (t) => {
  const { bytes } = run(encap(spec, { dscp: 3 }), udp())
  t.is(bytes[15], 12)
  t.is(bytes[65], 12)
})

test('apply: a tunnel copies 0 from a frame without IP', (t) => {
  const f = inBuffer(bytesOf('00000000000200000000000188b5' + 'ffffffff'))
  t.is(run(push(spec), f).bytes[15], 0)
})

test('apply: translation with encapsulation, then decapsulation with translation, gives the frame back', (t) => {
  const f = udp()
  const before = f.bytes.slice(f.start, f.end)
  const there = run(encapNat(spec, { srcIp: ipv4(0xcb007101), srcPort: 1024 }), f)
  const back = run(decapNat({ srcIp: ipv4(0x0a000001), srcPort: 1234 }), there.frame)
  t.deepEqual(back.bytes.slice(), before)
})

test('apply: an edit inside a tunnel with a checksum corrects that, too', (t) => {
  const tunnelled = run(push(spec6), udp()).frame
  const { name, frame } = run(compose(modify({ vni: 9, srcIp: ipv6(1, 2, 3, 4) }), modify({ dstMac: 5, dstIp: ipv4(7), ttl: 1, dscp: 9 }, 1)), tunnelled)
  t.is(name, 'Ok')
  t.truthy(view(frame, Verify.All))
})

test('apply: popping leaves the padding behind the tunnel\'s datagram to the link it came over', (t) => {
  const { frame } = run(push(spec), udp())
  const padded: Frame = { ...frame, end: frame.end + 4 }
  t.is(run(pop(), padded).frame.end, frame.end)
})

test('apply: a destination behind which a routing header has segments left is not in the pseudo header', (t) => {
  const bytes = new Uint8Array(14 + 40 + 24 + 10)
  bytes.set(bytesOf('00000000000200000000000186dd' + '6000000000222b40'))
  bytes.set(bytesOf('20010db8000000000000000000000001' + '20010db8000000000000000000000002'), 22)
  bytes.set(bytesOf('1102000100000000' + '20010db8000000000000000000000003'), 54)
  bytes.set(bytesOf('04d20035000a0000abcd'), 78)
  const final = bytes.slice()
  final.copyWithin(38, 62, 78)
  putU16(bytes, 84, checksum(bytes, 78, 88, pseudoSum6(final, 14, 17, 10)))
  const stored = u16(bytes, 84)
  t.is(u16(run(nat({ dstIp: ipv6(9, 9, 9, 9) }), inBuffer(bytes)).bytes, 84), stored)
  t.not(u16(run(nat({ srcIp: ipv6(9, 9, 9, 9) }), inBuffer(bytes)).bytes, 84), stored)
})

for (const [name, t9n, make, code] of [
  ['an invalid transposition', invalid('no'), udp, 'Invalid'],
  ['a pop of a frame that encapsulates none', pop(), udp, 'Shape'],
  ['an edit of a group that is not there', modify({ ttl: 1 }, 1), udp, 'Shape'],
  ['an IPv6 address for an IPv4 frame', modify({ srcIp: ipv6(0, 0, 0, 1) }), udp, 'Shape'],
  ['a port for an echo', modify({ srcPort: 1 }), echo, 'Shape'],
  ['an identifier for UDP', modify({ icmpId: 1 }), udp, 'Shape'],
  ['an identifier for an ICMP error', modify({ icmpId: 1 }), () => frame4(1, '030300000000000045', 2), 'Shape'],
  ['a tunnel key where there is no tunnel', modify({ vni: 1 }), udp, 'Shape'],
  ['the tunnel\'s port for a UDP header without tunnel', modify({ dstPort: 4789 }), udp, 'Shape'],
  ['a port of no tunnel for a tunnel', modify({ dstPort: 80 }), () => run(push(spec), udp()).frame, 'Shape'],
  ['one group too many', compose(compose(push(spec), push(spec)), push(spec)), udp, 'TooDeep'],
  ['a frame longer than IPv4 can say', push(spec), () => frame4(89, '00'.repeat(65486)), 'TooLong'],
  ['a frame longer than IPv6 can say', push(spec6), () => frame4(89, '00'.repeat(65486)), 'TooLong'],
] as const satisfies readonly (readonly [string, HeaderTransposition, () => Frame, keyof typeof ApplyCode])[]) {
  test(`apply: ${name} is refused as ${code}`, (t) => {
    const f = make()
    const before = f.bytes.slice()
    const { name: answer, frame } = run(t9n, f)
    t.is(answer, code)
    t.deepEqual(f.bytes, before)
    t.deepEqual([frame.start, frame.end], [f.start, f.end])
  })
}

test('apply: the longest frame that a pushed header can express passes', (t) => {
  // 65535 less the pushed IPv4, UDP and VXLAN headers and the frame's own 34 bytes.
  t.is(run(push(spec), frame4(89, '00'.repeat(65465))).name, 'Ok')
  t.is(run(push(spec), frame4(89, '00'.repeat(65466))).name, 'TooLong')
  // IPv6 does not count its own header.
  t.is(run(push(spec6), frame4(89, '00'.repeat(65485))).name, 'Ok')
  t.is(run(compose(push(spec6), push(spec)), frame4(89, '00'.repeat(65485))).name, 'TooLong')
})

test('apply: headroom ends at the floor', (t) => {
  t.is(run(push(spec), udp(), HEADROOM - 50).name, 'Ok')
  t.is(run(push(spec), udp(), HEADROOM - 49).name, 'NoHeadroom')
  t.is(run(push(spec6), udp(), HEADROOM - 69).name, 'NoHeadroom')
  t.is(run(compose(pop(), push(spec)), run(push(spec), udp()).frame, HEADROOM - 50).name, 'Ok')
})

test('apply: TCP may have the tunnel\'s port number', (t) => {
  const tcp = frame4(6, '04d20035' + '0000000000000000' + '5000000000000000', 16)
  t.is(run(modify({ dstPort: 4789 }), tcp).name, 'Ok')
})

test('apply: a later fragment takes the address and leaves the ports out', (t) => {
  const bytes = frame4(17, '0102030405060708').bytes.slice(HEADROOM, HEADROOM + 42)
  putU16(bytes, 20, 0x0003)
  putU16(bytes, 24, 0)
  putU16(bytes, 24, checksum(bytes, 14, 34))
  const { name, bytes: after, frame } = run(nat({ srcIp: ipv4(9), srcPort: 7, dstPort: 8 }), inBuffer(bytes))
  t.is(name, 'Ok')
  t.is(hex(after.subarray(26, 30)), '00000009')
  t.is(hex(after.subarray(34)), '0102030405060708')
  t.truthy(view(frame))
})
