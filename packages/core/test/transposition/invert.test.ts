import test from 'ava'
import { extractFlow, makeUfid } from '../../src/flow/flow-id.js'
import { compose } from '../../src/transposition/compose.js'
import { decap, encap, modify, nat, pop, push, type PushSpec, translate, vlans } from '../../src/transposition/construct.js'
import { transposeFlow } from '../../src/transposition/flow.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { invert } from '../../src/transposition/invert.js'
import { equals, isIdentity } from '../../src/transposition/normal-form.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { makeFrameView } from '../../src/wire/frame-view.js'
import { parseFrame } from '../../src/wire/parse.js'
import { TEST_ENDS } from '../../src/testing/transposition-values.js'

const spec: PushSpec = { dstMac: 2, srcMac: 1, srcIp: ipv4(0xc0000201), dstIp: ipv4(0xc0000202), srcPort: 49152, vni: 5001 }

/** 10.0.0.1:1234 > 10.0.0.2:53, from MAC …:01 to …:02, without checksums. */
const bytes = Uint8Array.from(
  ('000000000002' + '000000000001' + '0800' + '4500001c0000000040110000' + '0a000001' + '0a000002' + '04d2003500080000').match(/../g) ?? [],
  (h) => Number.parseInt(h, 16),
)
const words = (): Uint32Array => {
  const view = makeFrameView([], TEST_ENDS)
  parseFrame(view, bytes, 0, bytes.length, 3, 0)
  const ufid = makeUfid()
  extractFlow(view, ufid)
  return ufid
}
const inside = (t: HeaderTransposition): Uint32Array => {
  const ufid = words()
  transposeFlow(t, ufid, 1)
  return ufid
}

test('invert: a changed destination is the answer\'s source', (t) => {
  t.true(equals(invert(nat({ dstIp: ipv4(9), dstPort: 99 }), words(), 1), nat({ srcIp: ipv4(0x0a000002), srcPort: 53 })))
  t.true(equals(invert(modify({ srcMac: 7, srcPort: 9 }), words(), 1), modify({ dstMac: 1, dstPort: 1234 })))
})

test('invert: constants of TTL, DSCP and ECN are not set on answers', (t) => {
  t.true(isIdentity(invert(modify({ ttl: 1, dscp: 2, ecn: 3 }), words(), 1)))
})

test('invert: what is taken from a TTL, or copied between groups that stay, applies afresh', (t) => {
  const less = modify({ ttl: { original: 0, minus: 3 } })
  t.true(equals(invert(less, words(), 1), less))
  const copied = modify({ dscp: { original: 1 }, ecn: { original: 1 }, ttl: { original: 1, minus: 1 } })
  t.true(equals(invert(copied, inside(push(spec)), 2), copied))
  // Behind a pop the groups are counted anew, and a value of the popped one is not there on the way back.
  const behind = compose(pop(), modify({ ttl: { original: 0, minus: 1 } }))
  const back = invert(behind, inside(push(spec)), 2)
  t.deepEqual(back._tag === 'Transposition' && back.edit[0]?.set.ttl, { original: 0, minus: 1 })
  const both = compose(modify({ ttl: { original: 0, minus: 1 } }), modify({ ttl: { original: 0, minus: 1 } }, 1))
  t.true(equals(invert(both, inside(push(spec)), 2), both), 'each value speaks of the packet as it came')
})

test('invert: encapsulation is undone by decapsulation, and what was edited inside is restored', (t) => {
  t.true(equals(invert(encap(spec, { dstMac: 9 }), words(), 1), decap({ srcMac: 2 })))
})

test('invert: a popped tunnel comes back with its ends exchanged, its key and a copied traffic class', (t) => {
  const { srcMac, dstMac, srcIp, dstIp } = spec
  const reversed = push({ ...spec, srcMac: dstMac, dstMac: srcMac, srcIp: dstIp, dstIp: srcIp })
  t.true(equals(invert(pop(), inside(push(spec)), 2), reversed))
})

test('invert: two popped tunnels come back in their order', (t) => {
  const inverse = invert(pop(2), inside(compose(push({ ...spec, vni: 1 }), push({ ...spec, vni: 2 }))), 3)
  t.deepEqual(inverse._tag === 'Transposition' && inverse.push.map((p) => p.vni), [2, 1])
})

test('invert: the ports of a tunnel do not change places', (t) => {
  const inverse = invert(modify({ srcPort: 50000, vni: 3 }), inside(push(spec)), 2)
  t.true(equals(inverse, modify({ srcPort: 49152, vni: 5001 })))
})

test('invert: tags become what they were, whatever the answer has', (t) => {
  const tag = { tpid: 0x8100, pcp: 0, dei: false, vid: 7 }
  t.true(equals(invert(vlans({ pop: 0, push: [tag] }), words(), 1), vlans({ pop: 'all', push: [] })))
})

test('invert: a translated header is translated back, with the packet that an error about it quotes', (t) => {
  const v6 = ipv6(0x20010db8, 0, 0, 9)
  const back = invert(translate({ from: 4, to: 6 }, { srcIp: v6, dstIp: v6 }), words(), 1)
  const [client, server] = [ipv4(0x0a000001), ipv4(0x0a000002)]
  t.true(equals(back, translate({ from: 6, to: 4 }, { srcIp: server, dstIp: client }, 0, { srcIp: client, dstIp: server })))
})

test('invert: a popped tunnel comes back as the kind it was', (t) => {
  for (const tunnel of ['nvgre', 'geneve'] as const) {
    const inverse = invert(pop(), inside(push({ ...spec, tunnel })), 2)
    t.is(inverse._tag === 'Transposition' ? inverse.push[0]?.tunnel : undefined, tunnel)
  }
})

test('invert: a tunnel on another UDP port comes back on it', (t) => {
  for (const [tunnel, dstPort] of [['vxlan', 8472], ['geneve', 6082]] as const) {
    const inverse = invert(pop(), inside(push({ ...spec, tunnel, dstPort })), 2)
    t.is(inverse._tag === 'Transposition' ? inverse.push[0]?.dstPort : undefined, dstPort)
  }
})
