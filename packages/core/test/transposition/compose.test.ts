import test from 'ava'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { compose, composeAll, MonoidTransposition } from '../../src/transposition/compose.js'
import { modify, pop, push, type PushSpec } from '../../src/transposition/construct.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { equals, identity, size } from '../../src/transposition/normal-form.js'
import { concatAll } from 'fp-ts/lib/Monoid.js'

const v4 = ipv4(0x0a000005)
const v6 = ipv6(0x20010db8, 0, 0, 5)
const spec: PushSpec = { dstMac: 2, srcMac: 1, srcIp: ipv4(0xc0000201), dstIp: ipv4(0xc0000202), srcPort: 49152, vni: 5001 }
const other: PushSpec = { ...spec, srcIp: v6, dstIp: v6, vni: 7 }

const reason = (t: HeaderTransposition): string => (t._tag === 'Invalid' ? t.reason : 'valid')

test('compose: the second edit of a field wins, other fields join', (t) => {
  t.true(equals(compose(modify({ ttl: 1, dscp: 2 }), modify({ ttl: 3, ecn: 1 })), modify({ ttl: 3, dscp: 2, ecn: 1 })))
})

test('compose: an edit behind a push reaches the group that the push moved inwards', (t) => {
  t.true(equals(compose(push(spec), modify({ ttl: 9 }, 1)), compose(modify({ ttl: 9 }), push(spec))))
})

test('compose: an edit behind a pop reaches the group that the pop laid bare', (t) => {
  t.true(equals(compose(modify({ dstMac: 9 }, 1), pop()), compose(pop(), modify({ dstMac: 9 }))))
})

test('compose: what a chain needed of a group it popped later is still needed', (t) => {
  const c = compose(modify({ srcIp: v6 }), pop())
  t.deepEqual(c._tag === 'Transposition' && c.pop, [{ l3: 'ipv6', tunnel: true }])
})

test('compose: an edit of a pushed group becomes part of the push', (t) => {
  const c = compose(push(spec), modify({ vni: 6, ttl: 5, dscp: 1, dstPort: 4789, srcIp: v4 }))
  t.true(equals(c, push({ ...spec, vni: 6, ttl: 5, dscp: 1, srcIp: v4 })))
})

test('compose: a push is popped in part', (t) => {
  t.true(equals(composeAll([push(spec), push(other), pop()]), push(spec)))
  t.true(equals(composeAll([push(spec), pop(2)]), pop()))
})

test('compose: a copy from a pushed group is what was pushed', (t) => {
  const fixed = compose(push({ ...spec, dscp: 11, ecn: 2 }), push(other))
  t.deepEqual(fixed._tag === 'Transposition' && [fixed.push[0]?.dscp, fixed.push[0]?.ecn], [11, 2])
  const copied = compose(push(spec), push(other))
  t.deepEqual(copied._tag === 'Transposition' && copied.push[0]?.dscp, { original: 0 })
})

test('compose: a copy behind pops counts the popped groups', (t) => {
  const c = compose(pop(), push(spec))
  t.deepEqual(c._tag === 'Transposition' && c.push[0]?.dscp, { original: 1 })
})

for (const [name, chain, pattern] of [
  ['IPv4 and IPv6 edits of one group', [modify({ srcIp: v4 }), modify({ dstIp: v6 })], /both IPv4 and IPv6/],
  ['ports and echo of one group', [modify({ srcPort: 1 }), modify({ icmpId: 1 })], /ports and an ICMP echo/],
  ['an echo identifier in a pushed group', [push(spec), modify({ icmpId: 1 })], /no ICMP echo identifier/],
  ['an address of the other version in a pushed group', [push(spec), modify({ dstIp: v6 })], /pushed IPv4 header is not an IPv6 one/],
  ['another destination port in a pushed group', [push(spec), modify({ dstPort: 80 })], /that of the tunnel/],
  ['popping what was edited as an echo', [modify({ icmpId: 1 }), pop()], /tunnel and an ICMP echo/],
  ['popping what was given a port of no tunnel', [modify({ dstPort: 80 }), pop()], /destination port of a tunnel/],
] as const satisfies readonly (readonly [string, readonly HeaderTransposition[], RegExp])[]) {
  test(`compose: ${name} contradict each other`, (t) => {
    t.regex(reason(composeAll(chain)), pattern)
  })
}

test('compose: popping a pushed IPv4 group as an IPv6 one contradicts', (t) => {
  const popV6 = compose(modify({ srcIp: v6 }), pop())
  t.regex(reason(compose(push(spec), popV6)), /not an IPv6 one/)
})

test('compose: two destination ports, the tunnel and another, admit TCP alone', (t) => {
  const c = compose(modify({ dstPort: 4789 }), modify({ dstPort: 80 }))
  t.deepEqual(c._tag === 'Transposition' && c.edit[0]?.need, { l4: 'ports', udp: 'none' })
})

test('compose: ten layers of one shape are no larger than one', (t) => {
  const layer = (n: number): HeaderTransposition => compose(modify({ srcIp: ipv4(n), srcPort: n }), modify({ ttl: n }))
  t.is(size(composeAll(Array.from({ length: 10 }, (_, i) => layer(i)))), size(layer(0)))
})

test('compose: is a monoid of fp-ts', (t) => {
  t.true(equals(concatAll(MonoidTransposition)([pop(), push(spec), identity]), compose(pop(), push(spec))))
})
