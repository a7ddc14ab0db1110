import test from 'ava'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { decap, decapNat, DEFAULT_TTL, encap, encapNat, identity, invalid, modify, nat, pop, push, type PushSpec, translate, vlans } from '../../src/transposition/construct.js'
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
  t.deepEqual(m, { _tag: 'Transposition', pop: [], edit: [{ need: {}, set: {} }, { need: { l3: 'ip' }, set: { ttl: 3 } }], push: [], guard: [] })
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
  t.deepEqual(need({ dstPort: 4789 }), { l4: 'ports', udp: 'vxlan' })
  t.deepEqual(need({ dstPort: 6081 }), { l4: 'ports', udp: 'geneve' })
  t.deepEqual(need({ tcpFlags: 2, dstPort: 80 }), { l4: 'tcp' })
  t.deepEqual(need({ echo: 'reply' }), { l4: 'echo' })
  t.deepEqual(need({ arpOperation: 2 }), { l3: 'arp' })
  t.deepEqual(need({ ttl: { original: 0, minus: 1 } }), { l3: 'ip', hops: 1 })
  t.deepEqual(need({ ecn: 1 }), { l3: 'ip' })
  t.deepEqual(need({ ecn: { outer: 1, inner: { original: 0 } } }), {})
  t.deepEqual(need({ vni: 1, srcPort: 1, dstPort: 4789, ecn: 0 }), { l4: 'ports', tunnel: 'vni', udp: 'vxlan' })
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
  t.deepEqual(pop(2), { _tag: 'Transposition', pop: [{ tunnel: true }, { tunnel: true }], edit: [], push: [], guard: [] })
  t.true(isIdentity(pop(0)))
  t.is(pop(-1)._tag, 'Invalid')
  t.is(pop(1.5)._tag, 'Invalid')
})

test('push: traffic class is copied from what is encapsulated and the TTL is that of a host, unless given', (t) => {
  const p = push(spec)
  t.deepEqual(p._tag === 'Transposition' && p.push, [{ ...spec, dstPort: 4789, dscp: { original: 0 }, ecn: { original: 0 }, ttl: DEFAULT_TTL, tunnel: 'vxlan', vlans: [], options: new Uint8Array(0) }])
  const given = push({ ...spec, dscp: 46, ecn: 0, ttl: 3 })
  t.deepEqual(given._tag === 'Transposition' && given.push[0], { ...spec, dstPort: 4789, dscp: 46, ecn: 0, ttl: 3, tunnel: 'vxlan', vlans: [], options: new Uint8Array(0) })
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

test('decap: pops, combines the ECN fields and guards against CE over Not-ECT', (t) => {
  const combination = { outer: { original: 0 }, inner: { original: 1 } }
  t.deepEqual(decap(), { _tag: 'Transposition', pop: [{ tunnel: true }], edit: [{ need: {}, set: { ecn: combination } }], push: [], guard: [combination] })
  t.true(isIdentity(compose(push({ ...spec, ecn: 0 }), decap())))
  const changes = { dstIp: v4, dstPort: 8080 }
  t.true(equals(decapNat(changes), compose(decap(), nat(changes))))
})

test('decap: behind a push that copied, it leaves nothing but the guard that can never strike', (t) => {
  t.true(isIdentity(compose(push(spec), decap())))
})

test('vlans: pops and pushes, and asks for the tags it pops', (t) => {
  const tag = { tpid: 0x8100, pcp: 0, dei: false, vid: 100 }
  t.deepEqual(vlans({ pop: 1, push: [tag] }), { _tag: 'Transposition', pop: [], edit: [{ need: { tags: 1 }, vlans: { pop: 1, push: [tag] }, set: {} }], push: [], guard: [] })
  t.true(isIdentity(vlans({ pop: 0, push: [] })))
  t.true(equals(compose(vlans({ pop: 0, push: [tag] }), vlans({ pop: 1, push: [] })), identity))
  t.regex(reason(vlans({ pop: 0, push: [{ ...tag, vid: 4096 }] })), /vid is a number from 0 to 4095/)
  t.regex(reason(compose(vlans({ pop: 'all', push: [] }), vlans({ pop: 1, push: [] }))), /as many VLAN tags/)
})

test('translate: needs the other version and no tunnel, and refuses quotes of which nothing is said', (t) => {
  const made = translate({ from: 4, to: 6 }, { srcIp: v6, dstIp: v6 })
  t.deepEqual(made._tag === 'Transposition' && [made.edit[0]?.need, made.quote], [{ l3: 'ipv4', leaf: true }, 'refused'])
  t.regex(reason(translate({ from: 4, to: 6 }, { srcIp: v4, dstIp: v6 })), /IPv6 addresses/)
  t.regex(reason(compose(push(spec), made)), /popped and pushed|pop and push/)
  t.regex(reason(compose(made, modify({ srcIp: v4 }))), /translated to IPv6/)
  const back = compose(made, translate({ from: 6, to: 4 }, { srcIp: v4, dstIp: v4 }))
  t.deepEqual(back._tag === 'Transposition' && back.edit[0]?.translate, { from: 4, to: 4 })
})

test('push: what a header does not carry does not tell two of them apart', (t) => {
  t.true(equals(push({ ...spec, tunnel: 'nvgre', srcPort: 0x1234 }), push({ ...spec, tunnel: 'nvgre', srcPort: 0x34 })))
  t.true(equals(push({ ...spec, tunnel: 'gre', vni: 0, srcPort: 1 }), push({ ...spec, tunnel: 'gre', vni: 0, srcPort: 2 })))
  t.regex(reason(push({ ...spec, tunnel: 'gre' })), /plain GRE has no network identifier/)
  t.regex(reason(push({ ...spec, options: new Uint8Array(4) })), /vxlan has no options/)
  t.regex(reason(push({ ...spec, tunnel: 'geneve', options: Uint8Array.of(0, 1, 2, 5) })), /longer than the options/)
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
