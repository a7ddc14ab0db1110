import { testProp } from '@fast-check/ava'
import test from 'ava'
import fc from 'fast-check'
import { UFID_WORDS, Word, WORDS } from '../../src/flow/layout.js'
import { fittingTransposition } from '../../src/testing/transposition-arbitraries.js'
import { compose } from '../../src/transposition/compose.js'
import { modify, pop, push } from '../../src/transposition/construct.js'
import { consultShape, traceFlow, transposeFlow } from '../../src/transposition/flow.js'
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
  for (const t of layers) traceFlow(t, origin, written)
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

testProp('traceFlow: a chain traced link by link is its composition traced at once', [twoLayers()], (t, [flow, a, b]) => {
  const after = flow.words.slice()
  const between = transposeFlow(a, after, flow.depth)
  // Of groups that are not there the book says nothing.
  fc.pre(copiesWithin(a, flow.depth) && copiesWithin(b, between))
  const left = transposeFlow(b, after, between)
  const linkwise = traced(a, b)
  const composed = traced(valid(compose(a, b)))
  t.deepEqual(linkwise.origin.slice(0, left), composed.origin.slice(0, left))
  t.deepEqual(linkwise.written.slice(0, left * WORDS), composed.written.slice(0, left * WORDS))
}, { numRuns: 500 })

test('traceFlow: a pushed group has no origin and depends on the frame in copied DSCP and ECN alone', (t) => {
  const { origin, written } = traced(valid(push(spec)))
  t.deepEqual([...origin], [-1, 0, 1])
  t.is(written[Word.SHAPE], 0xffffffff)
  t.is(written[Word.CLASS], 0xffc0ffff)
  t.is(written[Word.TTL_ECN], 0xfffffffc)
  t.is(written[WORDS + Word.SRC_IP + 3], 0)
})

test('traceFlow: a copy of a constant is a constant', (t) => {
  const { written } = traced(valid(modify({ dscp: 7, ecn: 1 })), valid(push(spec)))
  t.is(written[Word.CLASS], 0xffffffff)
  t.is(written[Word.TTL_ECN], 0xffffffff)
  t.is(written[WORDS + Word.CLASS], 0x003f0000)
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

/** Whether every value is copied from a group that is there. */
const copiesWithin = (t: Transposition, depth: number): boolean =>
  t.push.every(({ dscp, ecn }) => [dscp, ecn].every((v) => typeof v === 'number' || v.original < depth))

/** Words that say which groups there are; changing them would change whether a transposition fits. */
const SHAPED: ReadonlySet<number> = new Set([Word.SHAPE, Word.ICMP])
/** Words with bits that no field covers. */
const RESERVED: ReadonlySet<number> = new Set([Word.CLASS, Word.TTL_ECN, Word.VNI])
