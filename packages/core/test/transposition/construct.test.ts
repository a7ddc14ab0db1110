import test from 'ava'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { decap, decapNat, DEFAULT_TTL, encap, encapNat, identity, invalid, modify, nat, pop, push, type PushSpec } from '../../src/transposition/construct.js'
import { compose } from '../../src/transposition/compose.js'
import { equals, isIdentity, size } from '../../src/transposition/normal-form.js'
import type { Changes, HeaderTransposition } from '../../src/transposition/header-transposition.js'

const v4 = ipv4(0x0a000005)
const v6 = ipv6(0x20010db8, 0, 0, 5)
const spec: PushSpec = { dstMac: 2, srcMac: 1, srcIp: ipv4(0xc0000201), dstIp: ipv4(0xc0000202), srcPort: 49152, vni: 5001 }

const reason = (t: HeaderTransposition): string => (t._tag === 'Invalid' ? t.reason : 'valid')

test('modify: no change is the identity, in any group', (t) => {
  t.true(isIdentity(modify({})))
  t.true(equals(modify({}, 2), identity))
})

test('modify: an edit of an inner group keeps the groups around it', (t) => {
  const m = modify({ ttl: 3 }, 1)
  t.deepEqual(m, { _tag: 'Transposition', pop: [], edit: [{ need: {}, set: {} }, { need: { l3: 'ip' }, set: { ttl: 3 } }], push: [] })
  t.false(isIdentity(m))
})

test('modify: a need follows from the fields that are set, without what it implies', (t) => {
  const need = (changes: Changes): unknown => {
    const m = modify(changes)
    return m._tag === 'Invalid' ? m : m.edit[0]?.need
  }
  t.deepEqual(need({ dstMac: 1 }), {})
  t.deepEqual(need({ srcIp: v4, ttl: 1 }), { l3: 'ipv4' })
  t.deepEqual(need({ dstIp: v6, srcPort: 1 }), { l3: 'ipv6', l4: 'ports' })
  t.deepEqual(need({ dscp: 1, icmpId: 1 }), { l4: 'echo' })
  t.deepEqual(need({ dstPort: 80 }), { l4: 'ports', udp: 'plain' })
  t.deepEqual(need({ dstPort: 4789 }), { l4: 'ports', udp: 'tunnel' })
  t.deepEqual(need({ vni: 1, srcPort: 1, dstPort: 4789, ecn: 0 }), { tunnel: true })
})

for (const [changes, pattern] of [
  [{ srcPort: 65536 }, /srcPort is a number from 0 to 65535, not 65536/],
  [{ dstPort: -1 }, /dstPort/],
  [{ icmpId: 1.5 }, /icmpId/],
  [{ vni: 2 ** 24 }, /vni is a number from 0 to 16777215/],
  [{ dscp: 64 }, /dscp/],
  [{ ecn: 4 }, /ecn/],
  [{ ttl: 256 }, /ttl/],
  [{ dstMac: 2 ** 48 }, /dstMac/],
  [{ srcMac: Number.NaN }, /srcMac/],
  [{ srcIp: v4, dstIp: v6 }, /different IP versions/],
  [{ srcIp: { version: 4, words: [1, 0, 0, 0] } }, /in the last/],
  [{ srcIp: { version: 6, words: [0, 0, 0, -1] } }, /32 bits/],
  [{ srcPort: 1, icmpId: 1 }, /ports and an ICMP echo identifier/],
  [{ vni: 1, icmpId: 1 }, /tunnel and an ICMP echo/],
  [{ vni: 1, dstPort: 80 }, /destination port of a tunnel/],
] as const satisfies readonly (readonly [Changes, RegExp])[]) {
  test(`modify: ${JSON.stringify(changes)} is invalid with its reason`, (t) => {
    t.regex(reason(modify(changes)), pattern)
  })
}

test('modify: a group is a whole number from 0 on', (t) => {
  t.is(modify({ ttl: 1 }, -1)._tag, 'Invalid')
  t.is(modify({ ttl: 1 }, 0.5)._tag, 'Invalid')
})

test('pop: each popped group must encapsulate another one', (t) => {
  t.deepEqual(pop(2), { _tag: 'Transposition', pop: [{ tunnel: true }, { tunnel: true }], edit: [], push: [] })
  t.true(isIdentity(pop(0)))
  t.is(pop(-1)._tag, 'Invalid')
  t.is(pop(1.5)._tag, 'Invalid')
})

test('push: traffic class is copied from what is encapsulated and the TTL is that of a host, unless given', (t) => {
  const p = push(spec)
  t.deepEqual(p._tag === 'Transposition' && p.push, [{ ...spec, dscp: { original: 0 }, ecn: { original: 0 }, ttl: DEFAULT_TTL, tunnel: 'vxlan' }])
  const given = push({ ...spec, dscp: 46, ecn: 0, ttl: 3 })
  t.deepEqual(given._tag === 'Transposition' && given.push[0], { ...spec, dscp: 46, ecn: 0, ttl: 3, tunnel: 'vxlan' })
})

test('push: values out of range are invalid with a reason', (t) => {
  t.regex(reason(push({ ...spec, vni: 2 ** 24 })), /vni/)
  t.regex(reason(push({ ...spec, srcPort: -1 })), /srcPort/)
  t.regex(reason(push({ ...spec, dscp: 64 })), /dscp/)
  t.regex(reason(push({ ...spec, ecn: { original: -1 } })), /ecn cannot be copied from group -1/)
  t.regex(reason(push({ ...spec, dstIp: v6 })), /different IP versions/)
})

test('encapNat: is the translation and then the encapsulation', (t) => {
  const changes = { srcIp: v4, srcPort: 7 }
  t.true(equals(encapNat(spec, changes), compose(nat(changes), push(spec))))
  t.is(size(encapNat(spec, changes)), 3)
})

test('decapNat: is the decapsulation and then the translation of what was inside', (t) => {
  const changes = { dstIp: v4, dstPort: 8080 }
  t.true(equals(decapNat(changes), compose(pop(), nat(changes))))
  t.true(equals(decap(), pop()))
})

test('encap: a field set inside is what the tunnel copies', (t) => {
  const e = encap(spec, { dscp: 10 })
  t.deepEqual(e._tag === 'Transposition' && [e.push[0]?.dscp, e.push[0]?.ecn], [10, { original: 0 }])
})

test('invalid: two invalid transpositions are equal whatever their reasons', (t) => {
  t.true(equals(invalid('a'), invalid('b')))
  t.false(equals(invalid('a'), identity))
  t.false(isIdentity(invalid('a')))
  t.is(size(invalid('a')), 0)
})
