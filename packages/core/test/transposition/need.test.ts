import { testProp } from '@fast-check/ava'
import test from 'ava'
import fc from 'fast-check'
import { changesBits, contradiction, needBits, NeedBit, needOf, offer } from '../../src/transposition/need.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { Frag, L3, L4, Tunnel } from '../../src/wire/frame-view.js'

/** Every offer a group can make. */
const offers: readonly number[] = [
  ...[L3.None, L3.Arp].map((l3) => offer(l3, L4.None, Frag.Whole, Tunnel.None, 0)),
  ...[L3.Ipv4, L3.Ipv6].flatMap((l3) => [
    ...[L4.None, L4.Tcp, L4.Udp, L4.Icmp, L4.Icmpv6].flatMap((l4) => [8, 3, 128].map((type) => offer(l3, l4, Frag.Whole, Tunnel.None, type))),
    ...[Tunnel.Vxlan, Tunnel.Geneve].map((tunnel) => offer(l3, L4.Udp, Frag.Whole, tunnel, 0)),
    ...[Tunnel.Nvgre, Tunnel.Gre].map((tunnel) => offer(l3, L4.None, Frag.Whole, tunnel, 0)),
  ]),
]

/** What is said of a UDP header is said of a group with ports, and what is said of an identifier of a tunnel: the constructors never say it of another. */
const bits = (): fc.Arbitrary<number> =>
  fc.nat(8191).map((n) =>
    ((n & (NeedBit.UdpPlain | NeedBit.UdpVxlan | NeedBit.UdpGeneve | NeedBit.Tcp)) !== 0 ? n | NeedBit.Ports : n) | ((n & NeedBit.Vni) !== 0 ? NeedBit.Tunnel : 0))

testProp('need: the normal form asks of every group what the atoms asked', [bits()], (t, n) => {
  fc.pre(contradiction(n) === undefined)
  const normal = needBits(needOf(n))
  for (const o of offers) t.is((normal & ~o) === 0, (n & ~o) === 0)
})

testProp('need: a contradiction is what no group can offer, and nothing else is', [bits()], (t, n) => {
  t.is(contradiction(n) !== undefined, offers.every((o) => (n & ~o) !== 0))
})

testProp('need: a contradiction stays one when atoms join', [bits(), bits()], (t, a, b) => {
  t.true(contradiction(a) === undefined || contradiction(a | b) !== undefined)
})

test('need: a later fragment offers every transport, as its L4 part is left alone', (t) => {
  const later = offer(L3.Ipv4, L4.None, Frag.Later, Tunnel.None, 0)
  t.is(changesBits({ srcPort: 1, dstPort: 4789, srcIp: ipv4(1) }) & ~later, 0)
  t.is(changesBits({ icmpId: 1 }) & ~later, 0)
  t.not(changesBits({ srcIp: ipv6(0, 0, 0, 1) }) & ~later, 0)
  t.not(changesBits({ vni: 1 }) & ~later, 0)
})

test('need: the identifier of an ICMP message is there in echoes alone', (t) => {
  const has = (l3: number, l4: number, type: number): boolean => (NeedBit.Echo & ~offer(l3, l4, Frag.Whole, Tunnel.None, type)) === 0
  t.deepEqual([0, 8, 3, 13].map((type) => has(L3.Ipv4, L4.Icmp, type)), [true, true, false, false])
  t.deepEqual([128, 129, 1, 135].map((type) => has(L3.Ipv6, L4.Icmpv6, type)), [true, true, false, false])
})
