import test from 'ava'
import fc from 'fast-check'
import { type FieldRef, isPresent, readMac, readNumber, resolveField } from '../../src/flow/field.js'
import { sameFlow } from '../../src/flow/flow-id.js'
import { addField, agrees, maskOf } from '../../src/flow/flow-mask.js'
import { UFID_WORDS, Word, WORDS } from '../../src/flow/layout.js'
import { ALL_FIELDS } from '../../src/testing/condition-arbitraries.js'
import { type Flow, flowArbitrary, makeFlow, writeField } from '../../src/testing/flow-arbitraries.js'
import { ipv4 } from '../../src/wire/address.js'
import { runs } from '../datapath/support.js'

const consulting = (...refs: readonly FieldRef[]): Uint32Array => {
  const mask = new Uint32Array(UFID_WORDS)
  for (const ref of refs) {
    const at = resolveField(ref)!
    addField(mask, at.field, at.group)
  }
  return mask
}

/** What a look at a field shows: nothing, or its value. */
const look = (ref: FieldRef, { words, depth }: Flow): unknown => {
  const { field, group } = resolveField(ref)!
  if (!isPresent(field.presence, words, group, depth)) return 'absent'
  if (field.kind === 'mac') return readMac(field, words, group)
  const w = group * WORDS + field.word
  return field.kind === 'number' ? readNumber(field, words, group) : [words[group * WORDS]! & 0xf, ...words.slice(w, w + 4)].join(' ')
}

/** A flow like another but for some fields. */
const variant = (flow: Flow): fc.Arbitrary<Flow> =>
  fc.array(fc.tuple(fc.constantFrom(...ALL_FIELDS), fc.nat(3)), { maxLength: 3 }).map((changes) => {
    const words = flow.words.slice()
    for (const [ref, value] of changes) {
      const { field, group } = resolveField(ref)!
      if (group < flow.depth) writeField(words, field, group, field.kind === 'ip' ? ipv4(value) : value)
    }
    return { words, depth: flow.depth }
  })

test('flow mask: flows that agree show the same at every look', (t) => {
  let agreed = 0
  fc.assert(fc.property(
    flowArbitrary().chain((flow) => fc.tuple(fc.constant(flow), variant(flow))), fc.array(fc.constantFrom(...ALL_FIELDS), { maxLength: 4 }),
    ([a, b], refs) => {
      const mask = maskOf(consulting(...refs), a.words, a.depth)
      if (mask === undefined || !sameFlow(a.words, b.words, a.depth) || !agrees(mask, a.words, b.words)) return
      agreed++
      for (const ref of refs) t.deepEqual(look(ref, a), look(ref, b), ref)
    },
  ), { numRuns: runs(1000), seed: 1 })
  t.true(agreed > 100, `only ${agreed} pairs of flows agreed`)
})

const TCP = makeFlow({ l3: 'ipv4', l4: 'tcp' })
const IN_TUNNEL = makeFlow({ l3: 'ipv4', l4: 'udp', vni: 1 }, { l3: 'ipv4', l4: 'tcp' })
const bitsOf = (flow: Flow, ...refs: readonly FieldRef[]): Readonly<Record<number, number>> | undefined => {
  const mask = maskOf(consulting(...refs), flow.words, flow.depth)
  return mask && Object.fromEntries([...mask.at].map((w, i) => [w, mask.bits[i]!]))
}

test('flow mask: what every lookup compares is not masked again', (t) => {
  t.deepEqual(bitsOf(TCP, 'srcIp', 'dstIp', 'proto', 'srcPort', 'dstPort', 'etherType'), {})
  t.deepEqual(bitsOf(IN_TUNNEL, 'inner.srcIp', 'inner.dstPort'), {})
})

test('flow mask: a named field is masked by its own bits', (t) => {
  t.deepEqual(bitsOf(TCP, 'dscp'), { [Word.CLASS]: 0x3f0000 })
  t.deepEqual(bitsOf(TCP, 'tcpFlags'), { [Word.CLASS]: 0x1ff })
  t.deepEqual(bitsOf(TCP, 'dscp', 'tcpFlags'), { [Word.CLASS]: 0x3f01ff })
  t.deepEqual(bitsOf(TCP, 'dstMac'), { [Word.MAC_0]: 0xffffffff, [Word.MAC_1]: 0xffff0000 })
  t.deepEqual(bitsOf(TCP, 'srcMac'), { [Word.MAC_1]: 0x0000ffff, [Word.MAC_2]: 0xffffffff })
})

test('flow mask: of a tag both its number and its value are masked, of a fragment its place', (t) => {
  t.deepEqual(bitsOf(TCP, 'vlanId'), { [Word.SHAPE]: 0xf0000, [Word.VLAN]: 0x0fff0000 })
  t.deepEqual(bitsOf(TCP, 'fragment'), { [Word.SHAPE]: 0xf00 })
})

test('flow mask: of an encapsulation all that was looked at is masked', (t) => {
  t.deepEqual(bitsOf(IN_TUNNEL, 'dstIp'), { [Word.SHAPE]: 0xf, [Word.DST_IP]: 0xffffffff, [Word.DST_IP + 1]: 0xffffffff, [Word.DST_IP + 2]: 0xffffffff, [Word.DST_IP + 3]: 0xffffffff })
  t.deepEqual(bitsOf(IN_TUNNEL, 'dstPort'), { [Word.SHAPE]: 0xf0, [Word.PORTS]: 0xffff })
})

test('flow mask: there is none for what differs from packet to packet', (t) => {
  for (const ref of ['ttl', 'ecn', 'ipLength', 'ipId', 'tcpSeq', 'tcpAck', 'tcpWindow'] as const) t.is(bitsOf(TCP, ref), undefined)
  t.is(bitsOf(IN_TUNNEL, 'inner.ttl'), undefined)
  t.is(bitsOf(IN_TUNNEL, 'srcPort'), undefined)
  t.deepEqual(bitsOf(TCP, 'srcPort'), {})
})

test('flow mask: a look at a group that is not there leaves nothing to compare', (t) => {
  t.deepEqual(bitsOf(TCP, 'inner.dscp', 'inner2.ttl'), {})
})
