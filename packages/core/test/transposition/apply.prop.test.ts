import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { Shape, Word, WORDS } from '../../src/flow/layout.js'
import { fittingTransposition, pushSpec, wildTransposition } from '../../src/testing/transposition-arbitraries.js'
import { quoteChanges } from '../../src/testing/transposition-values.js'
import { apply } from '../../src/transposition/apply.js'
import { ApplyCode } from '../../src/transposition/apply-code.js'
import { compose, composeAll } from '../../src/transposition/compose.js'
import { decap, modify, pop, push, quoted } from '../../src/transposition/construct.js'
import { transposeFlow } from '../../src/transposition/flow.js'
import type { HeaderTransposition, Transposition } from '../../src/transposition/header-transposition.js'
import { compile } from '../../src/transposition/program.js'
import { firstFragment, lendTransport } from '../../src/tables/fragment-table.js'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { fold } from '../../src/wire/checksum.js'
import { Frag, type FrameView, L3, L4, QUOTE, Slot, SLOTS } from '../../src/wire/frame-view.js'
import { Verify } from '../../src/wire/parse.js'
import { transportSum } from '../../src/wire/transport-checksum.js'
import { copy, flowOf, type Frame, frame, type FrameOptions, HEADROOM, view } from './frames.js'

/** Applies to a copy: the code, and the frame as it then is. */
const carryOut = (t: HeaderTransposition, f: Frame, floor: number): { readonly code: ApplyCode; readonly frame: Frame } => {
  const mine = copy(f)
  const v = view(mine)!
  const code = apply(compile(t), v, floor)
  return { code, frame: { bytes: mine.bytes, start: v.start, end: v.end } }
}

const content = (f: Frame): Uint8Array => f.bytes.subarray(f.start, f.end)

/** A frame and a transposition that fits it. */
const fitting = (options: FrameOptions = {}) =>
  frame(options).chain((f) => {
    const v = view(f)!
    return fc.tuple(fc.constant(f), fittingAll(flowOf(v), v.depth))
  })

const isTransposition = (t: HeaderTransposition): t is Transposition => t._tag === 'Transposition'

/** A fitting transposition that may also translate, and edit what is quoted. */
const fittingAll = (words: Uint32Array, depth: number): fc.Arbitrary<Transposition> =>
  fittingTransposition(words, depth, { translating: true }).chain((t) => {
    const shape = words[QUOTE * WORDS]! & Shape.PART_MASK
    if (shape === 0) return fc.constant(t)
    const version = t.edit.find((e) => e.translate !== undefined)?.translate?.to ?? (shape === L3.Ipv4 ? 4 : 6)
    return fc.option(quoteChanges(version), { nil: {} }).map((changes) => compose(t, quoted(changes))).filter(isTransposition)
  })

/** Whether a frame is refused for what its flow id does not say: what translation finds in the bytes. */
const isUntranslatable = (code: ApplyCode): boolean => code === ApplyCode.Untranslatable || code === ApplyCode.TooLong

/** Whether the code depends on what differs from packet to packet, or on what only bytes tell. */
const isOfPacket = (code: ApplyCode): boolean => code === ApplyCode.TtlExceeded || code === ApplyCode.CongestionLost || isUntranslatable(code)

/** A frame and two transpositions, of which the second mostly fits what the first leaves. */
const chain = () =>
  frame().chain((f) => {
    const v = view(f)!
    const words = flowOf(v)
    const first = fc.oneof({ weight: 5, arbitrary: fittingAll(words, v.depth) }, { weight: 1, arbitrary: wildTransposition() })
    return first.chain((a) => {
      const after = words.slice()
      const depth = transposeFlow(a, after, v.depth)
      const wild = wildTransposition()
      const second = depth < 0 ? wild : fc.oneof({ weight: 4, arbitrary: fittingAll(after, depth) }, { weight: 1, arbitrary: wild })
      return fc.tuple(fc.constant(f), fc.constant(a), second, fc.nat(HEADROOM))
    })
  })

/** Words that take hops, and such as combine ECN fields; what `decap` is made of also one by one, as it is itself a composition. */
const spending = (): fc.Arbitrary<readonly HeaderTransposition[]> =>
  fc.oneof(
    fc.tuple(fc.nat(1), fc.nat(120)).map(([g, minus]) => [modify({ ttl: { original: g, minus } }, g)]),
    fc.constantFrom([decap()], [modify({ ecn: { outer: { original: 0 }, inner: { original: 1 } } }, 1), pop()]),
    pushSpec().map((spec) => [push(spec)]),
  )

/** Frames whose innermost group is a first fragment. */
const firstFragments = () => frame().filter((f) => view(f)!.slots[(view(f)!.depth - 1) * SLOTS + Slot.FRAG] === Frag.First)

/** The same frame with the fragment offset of a later one. */
const laterOf = (f: Frame): Frame => {
  const later = copy(f)
  const { slots, depth } = view(f)!
  const s = (depth - 1) * SLOTS
  const header = slots[s + Slot.FRAG_HEADER]!
  if (header > 0) later.bytes[header + 3] = later.bytes[header + 3]! | 24
  else {
    const ip = slots[s + Slot.L3]!
    later.bytes[ip + 7] = 3
    // The sum has grown by the offset: RFC 1624, equation 3.
    putU16(later.bytes, ip + 10, ~fold((~u16(later.bytes, ip + 10) & 0xffff) + 3) & 0xffff)
  }
  return later
}

const hasLaterFragment = (v: FrameView): boolean => v.slots[(v.depth - 1) * SLOTS + Slot.FRAG] === Frag.Later

testProp('law 2: apply of a composition is apply of its parts in turn, byte for byte', [chain()], (t, [f, a, b, room]) => {
  const floor = f.start - room
  const first = carryOut(a, f, floor)
  const second = first.code === ApplyCode.Ok ? carryOut(b, first.frame, floor) : first
  const both = carryOut(compose(a, b), f, floor)
  // A later fragment alone passes a chain that says ports of it and then echo; its first fragment never would.
  if (both.code === ApplyCode.Invalid && hasLaterFragment(view(f)!)) return void t.pass()
  if (second.code === ApplyCode.Ok) {
    t.is(both.code, ApplyCode.Ok)
    t.deepEqual(content(both.frame), content(second.frame))
  } else if (second.code === ApplyCode.Shape || second.code === ApplyCode.Invalid) {
    // `Invalid` says of every frame what `Shape` says of this one.
    t.true(both.code === ApplyCode.Shape || both.code === ApplyCode.Invalid)
  }
  // Of room the composition never needs more than the chain, and may need less.
  t.true(both.code === ApplyCode.Ok || second.code !== ApplyCode.Ok)
}, { numRuns: 1500 })

testProp('law 2: a chain that runs out of hops or loses a mark of congestion is refused as a composition, too', [frame(), fc.array(spending(), { minLength: 1, maxLength: 3 })], (t, f, words) => {
  const chained = words.flat()
  let stepwise: ReturnType<typeof carryOut> = { code: ApplyCode.Ok, frame: f }
  for (const one of chained) if (stepwise.code === ApplyCode.Ok) stepwise = carryOut(one, stepwise.frame, 0)
  const { code } = carryOut(composeAll(chained), f, 0)
  if (stepwise.code === ApplyCode.Ok) t.is(code, ApplyCode.Ok)
  if (stepwise.code === ApplyCode.TtlExceeded || stepwise.code === ApplyCode.CongestionLost) t.not(code, ApplyCode.Ok)
  t.pass()
}, { numRuns: 1500 })

testProp('law 2: what was intact before apply has every checksum right after it', [fitting({ intact: true })], (t, [f, a]) => {
  fc.pre(view(f, Verify.All) !== undefined)
  const result = carryOut(a, f, 0)
  if (isUntranslatable(result.code)) return void t.pass()
  t.is(result.code, ApplyCode.Ok)
  t.truthy(view(result.frame, Verify.All))
}, { numRuns: 1000 })

testProp('apply: a checksum that was wrong stays wrong by the same difference', [fitting()], (t, [f, a]) => {
  const before = view(f)!
  const result = carryOut(a, f, 0)
  if (isUntranslatable(result.code)) return void t.pass()
  const after = view(result.frame)!
  for (let g = a.pop.length; g < before.depth; g++) {
    const there = g - a.pop.length + a.push.length
    // The checksum of a translated ICMP error is another's, made anew; that of UDP over IPv6 was none before.
    if (a.edit[g - a.pop.length]?.translate !== undefined && isMadeAnew(before, g)) continue
    t.is(difference(after, there), difference(before, g))
  }
  t.pass()
}, { numRuns: 500 })

testProp('law 2: the transposed flow id is the flow id of the transposed frame', [fitting()], (t, [f, a]) => {
  const v = view(f)!
  const words = flowOf(v)
  const depth = transposeFlow(a, words, v.depth)
  const result = carryOut(a, f, 0)
  if (isUntranslatable(result.code)) return void t.pass()
  const after = view(result.frame)!
  t.is(result.code, ApplyCode.Ok)
  t.is(depth, after.depth)
  const extracted = flowOf(after)
  // The one word that needs the frame's length.
  for (const flow of [words, extracted]) for (let g = 0; g <= QUOTE; g++) if (lengthChanges(a, g)) flow[g * WORDS + Word.LENGTH_ID] = 0
  t.deepEqual(words, extracted)
}, { numRuns: 1000 })

testProp('apply: metadata and bytes are refused for the same shapes', [frame(), wildTransposition()], (t, f, a) => {
  const v = view(f)!
  const depth = transposeFlow(a, flowOf(v), v.depth)
  const { code } = carryOut(a, f, 0)
  // A later fragment's own metadata lack the transport that decides whether it fits: the next property lends it.
  if (hasLaterFragment(v) && -depth === ApplyCode.Shape) return void t.pass()
  if (isOfPacket(code)) t.not(-depth, ApplyCode.Shape)
  else t.is<number, number>(code, depth < 0 ? -depth : ApplyCode.Ok)
}, { numRuns: 500 })

testProp('apply: a later fragment is refused by its metadata where its first is by its bytes, and never by its bytes alone', [firstFragments(), wildTransposition()], (t, f, a) => {
  const first = view(f)!
  const later = laterOf(f)
  const v = view(later)!
  const words = flowOf(v)
  lendTransport(firstFragment(first, flowOf(first), 0), words, v.depth)
  const depth = transposeFlow(a, words, v.depth)
  const { code } = carryOut(a, f, 0)
  if (isOfPacket(code)) return void t.not(-depth, ApplyCode.Shape)
  t.is<number, number>(code, depth < 0 ? -depth : ApplyCode.Ok)
  if (code === ApplyCode.Ok) t.is(carryOut(a, later, 0).code, ApplyCode.Ok)
}, { numRuns: 500 })

testProp('apply: a refusal leaves frame and view as they were', [frame(), wildTransposition(), fc.nat(120)], (t, f, a, room) => {
  const mine = copy(f)
  const v = view(mine)!
  const slots = v.slots.slice()
  const code = apply(compile(a), v, f.start - room)
  if (code === ApplyCode.Ok) return void t.pass()
  t.deepEqual(mine.bytes, f.bytes)
  t.deepEqual([v.start, v.end], [f.start, f.end])
  t.deepEqual(v.slots, slots)
})

testProp('apply: no byte is written in front of the floor or behind the frame', [fitting(), fc.nat(HEADROOM)], (t, [f, a], room) => {
  const floor = f.start - room
  const { code, frame: after } = carryOut(a, f, floor)
  t.true(code === ApplyCode.Ok || code === ApplyCode.NoHeadroom || isUntranslatable(code))
  t.true(after.start >= floor && after.end <= f.end)
  t.deepEqual(after.bytes.subarray(0, floor), f.bytes.subarray(0, floor))
  t.deepEqual(after.bytes.subarray(f.end), f.bytes.subarray(f.end))
})

testProp('apply: mutated bytes never throw and never reach outside', [
  frame(), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 8 }), wildTransposition(), fc.nat(400),
], (t, f, mutations, wild, cut) => {
  const mine = copy(f)
  for (const [at, value] of mutations) mine.bytes[f.start + (at % (f.end - f.start))] = value
  const damaged: Frame = { ...mine, end: Math.max(f.start, f.end - (cut < 60 ? cut : 0)) }
  const v = view(damaged, Verify.None)
  if (v === undefined) return void t.pass()
  const words = flowOf(v)
  for (const a of [wild, ...fc.sample(fittingTransposition(words, v.depth), { numRuns: 2, seed: cut })]) {
    const target = copy(damaged)
    const code = apply(compile(a), view(target, Verify.None)!, 0)
    t.true(code >= ApplyCode.Ok && code <= ApplyCode.Untranslatable)
    t.deepEqual(target.bytes.subarray(damaged.end), damaged.bytes.subarray(damaged.end))
  }
}, { numRuns: 500 })

/** Whether translation computes the transport checksum of a group in full. */
const isMadeAnew = (v: FrameView, g: number): boolean => {
  const s = g * SLOTS
  const kind = v.slots[s + Slot.L4_KIND]!
  return v.quoted || (kind === L4.Udp && u16(v.bytes, v.slots[s + Slot.L4]! + 6) === 0)
}

/** Whether group `g` of the result is one whose length no flow id tells: pushed, translated, or around what changed its length. */
const lengthChanges = (t: Transposition, g: number): boolean => {
  if (g < t.push.length) return true
  const translated = t.edit.some((e) => e.translate !== undefined)
  if (g === QUOTE) return translated
  const e = g - t.push.length
  return t.edit.some((edit, i) => (i === e && edit.translate !== undefined) || (i > e && (edit.vlans !== undefined || edit.translate !== undefined)))
}

/** By how much a group's transport checksum is off, as one's complement has it; 0 where there is none to be off. */
const difference = (v: FrameView, g: number): number => {
  const s = g * SLOTS
  const kind = v.slots[s + Slot.L4_KIND]!
  if (kind === L4.None || v.slots[s + Slot.FRAG] !== Frag.Whole) return 0
  const at = v.slots[s + Slot.L4]! + 6
  if (kind === L4.Udp && v.bytes[at] === 0 && v.bytes[at + 1] === 0) return 0
  return fold(transportSum(v, s)) % 0xffff
}
