import { testProp } from '@fast-check/ava'
import test from 'ava'
import { isEcho } from '../../src/flow/field.js'
import { Shape, Word, WORDS } from '../../src/flow/layout.js'
import { apply } from '../../src/transposition/apply.js'
import { ApplyCode } from '../../src/transposition/apply-code.js'
import { transpositionBetween } from '../../src/transposition/between.js'
import { transposeFlow } from '../../src/transposition/flow.js'
import { isIdentity } from '../../src/transposition/normal-form.js'
import { compile } from '../../src/transposition/program.js'
import { Frag, type FrameView, L3, L4 } from '../../src/wire/frame-view.js'
import { Verify } from '../../src/wire/parse.js'
import { copy, flowOf, type Frame, frame, view } from './frames.js'
import { syntheticFlow } from './synthetic-flow.js'

const whole = () => frame({ intact: true, fragments: false }).filter((f) => view(f, Verify.All) !== undefined)

/** What the innermost headers of a flow carry, for those that a transposition can make of one another; nothing for others. */
const carried = (words: Uint32Array, depth: number): string | undefined => {
  const w = (depth - 1) * WORDS
  const shape = words[w]!
  const l3 = shape & Shape.PART_MASK
  const l4 = (shape >>> Shape.L4_SHIFT) & Shape.PART_MASK
  if (((shape >>> Shape.FRAG_SHIFT) & Shape.PART_MASK) !== Frag.Whole) return undefined
  if (l3 === L3.Arp) return 'arp'
  if (l4 === L4.Tcp) return 'tcp'
  if (l4 === L4.Udp) return 'udp'
  return isEcho(l4, words[w + Word.ICMP]! >>> 8) ? `echo with code ${words[w + Word.ICMP]! & 0xff}` : undefined
}

/** A flow id without what is each packet's own: lengths, identifications, sequence numbers. */
const lasting = (words: Uint32Array, depth: number): Uint32Array => {
  const kept = words.slice(0, depth * WORDS)
  for (let g = 0; g < depth; g++) kept.fill(0, g * WORDS + Word.LENGTH_ID, (g + 1) * WORDS)
  return kept
}

const flow = (v: FrameView): { readonly words: Uint32Array; readonly depth: number } => ({ words: flowOf(v), depth: v.depth })

testProp('law 9: between any two flows that carry the same there is a transposition, and it makes the second of a frame of the first', [whole(), whole()], (t, f: Frame, other: Frame) => {
  const from = flow(view(f)!)
  const to = flow(view(other)!)
  const found = transpositionBetween(from, to)
  const what = carried(from.words, from.depth)
  if (what === undefined || what !== carried(to.words, to.depth)) return void t.pass()
  if (found._tag === 'Left') return void t.fail(found.left.reason)
  const mine = copy(f)
  const v = view(mine)!
  t.is(apply(compile(found.right), v, 0), ApplyCode.Ok)
  const after = view({ bytes: mine.bytes, start: v.start, end: v.end }, Verify.All)
  t.truthy(after)
  t.is(after!.depth, to.depth)
  t.deepEqual(lasting(flowOf(after!), to.depth), lasting(to.words, to.depth))
}, { numRuns: 2000 })

testProp('law 9: what is found between metadata leads from one to the other', [syntheticFlow(), syntheticFlow()], (t, from, to) => {
  const found = transpositionBetween(from, to)
  if (found._tag === 'Left') return void t.true(carried(from.words, from.depth) === undefined || carried(from.words, from.depth) !== carried(to.words, to.depth))
  const words = from.words.slice()
  t.is(transposeFlow(found.right, words, from.depth), to.depth)
  t.deepEqual(lasting(words, to.depth), lasting(to.words, to.depth))
}, { numRuns: 2000 })

testProp('transpositionBetween: from a flow to itself leaves all but its tunnels alone', [syntheticFlow()], (t, f) => {
  const found = transpositionBetween(f, f)
  if (f.depth > 1) return void t.pass()
  t.true(found._tag === 'Right' && isIdentity(found.right))
})

test('transpositionBetween: one transport is not made of another', (t) => {
  const tcp = new Uint32Array(4 * WORDS)
  tcp[0] = L3.Ipv4 | (L4.Tcp << Shape.L4_SHIFT)
  tcp[Word.PROTO] = (0x0800 << 16) | 6
  const udp = tcp.slice()
  udp[0] = L3.Ipv4 | (L4.Udp << Shape.L4_SHIFT)
  udp[Word.PROTO] = (0x0800 << 16) | 17
  const found = transpositionBetween({ words: tcp, depth: 1 }, { words: udp, depth: 1 })
  t.deepEqual(found, { _tag: 'Left', left: { _tag: 'Unreachable', reason: 'the transport protocols differ' } })
})
