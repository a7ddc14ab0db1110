import { testProp } from '@fast-check/ava'
import test from 'ava'
import fc from 'fast-check'
import { UFID_WORDS, Word, WORDS } from '../../src/flow/layout.js'
import { fittingTransposition } from '../../src/testing/transposition-arbitraries.js'
import { compose, composeAll } from '../../src/transposition/compose.js'
import { decap, modify, pop, push } from '../../src/transposition/construct.js'
import { transposeFlow } from '../../src/transposition/flow.js'
import { consultReads, consultShape, traceFlow } from '../../src/transposition/trace-flow.js'
import type { Transposition } from '../../src/transposition/header-transposition.js'
import { MAX_GROUPS } from '../../src/wire/frame-view.js'
import { ipv4 } from '../../src/wire/address.js'
import { type Flow, syntheticFlow } from './synthetic-flow.js'

const spec = { dstMac: 2, srcMac: 1, srcIp: ipv4(1), dstIp: ipv4(2), srcPort: 49152, vni: 5001 }

/** A flow and two transpositions that fit it in turn, as two layers would give them. */
const twoLayers = (): fc.Arbitrary<readonly [Flow, Transposition, Transposition]> =>
  syntheticFlow().chain((flow) =>
    fittingTransposition(flow.words, flow.depth).chain((a) => {
      const after = flow.words.slice()
      const depth = transposeFlow(a, after, flow.depth)
      return fc.tuple(fc.constant(flow), fc.constant(a), fittingTransposition(after, depth))
    }))

const traced = (...layers: readonly Transposition[]): { readonly origin: Int8Array; readonly written: Uint32Array } => {
  const origin = Int8Array.from({ length: MAX_GROUPS }, (_, g) => g)
  const written = new Uint32Array(UFID_WORDS)
  traceFlow(valid(composeAll(layers)), origin, written)
  return { origin, written }
}

const valid = (t: ReturnType<typeof compose>): Transposition => {
  if (t._tag === 'Invalid') throw new Error(t.reason)
  return t
}

testProp('traceFlow: a bit that is not written is the bit of the group of origin', [twoLayers()], (t, [flow, a, b]) => {
  const now = flow.words.slice()
  const depth = transposeFlow(b, now, transposeFlow(a, now, flow.depth))
  const { origin, written } = traced(a, b)
  for (let g = 0; g < depth; g++) {
    const from = origin[g]!
    if (from < 0) continue
    for (let w = 0; w < WORDS; w++) {
      const free = ~written[g * WORDS + w]!
      t.is(now[g * WORDS + w]! & free, flow.words[from * WORDS + w]! & free)
    }
  }
}, { numRuns: 300 })

testProp('traceFlow: a bit that is written does not depend on the original frame', [
  twoLayers(), fc.array(fc.nat(0xffffffff), { minLength: UFID_WORDS, maxLength: UFID_WORDS }),
], (t, [flow, a, b], noise) => {
  const one = flow.words.slice()
  const two = flow.words.map((word, i) => (SHAPED.has(i % WORDS) ? word : noise[i]!))
  const depth = transposeFlow(b, one, transposeFlow(a, one, flow.depth))
  t.is(transposeFlow(b, two, transposeFlow(a, two, flow.depth)), depth)
  const { written } = traced(a, b)
  for (let i = 0; i < depth * WORDS; i++) {
    // Reserved bits of the layout are no field's, and noise there would not come from a frame.
    if (!RESERVED.has(i % WORDS)) t.is(one[i]! & written[i]!, two[i]! & written[i]!)
  }
}, { numRuns: 300 })

test('traceFlow: a pushed group has no origin, and all of it is written', (t) => {
  const { origin, written } = traced(valid(push(spec)))
  t.deepEqual([...origin], [-1, 0, 1])
  t.true(written.subarray(0, WORDS).every((w) => w === 0xffffffff))
  t.is(written[WORDS + Word.SRC_IP + 3], 0)
})

test('consultReads: a look at a copied field is a look at what was copied', (t) => {
  const seen = (chain: Transposition, word: number, bits: number): readonly number[] => {
    const mask = new Uint32Array(UFID_WORDS)
    mask[word] = bits
    const consulted = new Uint32Array(UFID_WORDS)
    consultReads(chain, mask, consulted)
    return [...consulted].flatMap((w, i) => (w === 0 ? [] : [i, w]))
  }
  t.deepEqual(seen(valid(push(spec)), Word.CLASS, 0xffffffff), [Word.CLASS, 0x3f0000])
  t.deepEqual(seen(valid(push({ ...spec, ttl: { original: 1, minus: 1 } })), Word.TTL_ECN, 0xff00), [WORDS + Word.TTL_ECN, 0xff00])
  t.deepEqual(seen(valid(compose(modify({ dscp: 7, ecn: 1 }), push(spec))), Word.CLASS, 0xffffffff), [])
  t.deepEqual(seen(valid(decap()), Word.TTL_ECN, 3), [Word.TTL_ECN, 3, WORDS + Word.TTL_ECN, 3])
})

test('traceFlow: groups that were popped are nobody\'s origin', (t) => {
  const { origin, written } = traced(valid(pop()))
  t.deepEqual([...origin], [1, 2, -1])
  t.is(written[2 * WORDS], 0xffffffff)
})

test('traceFlow: an echo identifier is written in both halves of the ports', (t) => {
  t.is(traced(valid(modify({ icmpId: 1 }, 1))).written[WORDS + Word.PORTS], 0xffffffff)
})

test('consultShape: an address makes the fit depend on the IP version, an echo identifier on the ICMP type, and no more', (t) => {
  const consulted = new Uint32Array(UFID_WORDS)
  consultShape(valid(compose(pop(), modify({ ttl: 1, dstPort: 2 }))), consulted)
  t.true(consulted.every((w) => w === 0))
  consultShape(valid(compose(pop(), modify({ icmpId: 1 }))), consulted)
  t.is(consulted[WORDS + Word.ICMP], 0xff00)
  t.is(consulted.filter((w) => w !== 0).length, 1)
  consultShape(valid(compose(modify({ srcIp: ipv4(1) }), compose(pop(), modify({ dstIp: ipv4(1) })))), consulted)
  t.is(consulted[Word.SHAPE], 0xf)
  t.is(consulted[WORDS + Word.SHAPE], 0xf)
  t.is(consulted.filter((w) => w !== 0).length, 3)
})

/** Words that say which groups there are; changing them would change whether a transposition fits. */
const SHAPED: ReadonlySet<number> = new Set([Word.SHAPE, Word.ICMP, Word.VLAN, Word.PROTO])
/** Words with bits that no field covers. */
const RESERVED: ReadonlySet<number> = new Set([Word.CLASS, Word.TTL_ECN, Word.VNI])
