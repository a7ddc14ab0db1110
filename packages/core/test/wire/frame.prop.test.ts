import test from 'ava'
import fc from 'fast-check'
import { dissect } from '../../src/wire/dissect.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import { formatFrame } from '../../src/wire/frame.js'
import { type FrameView, makeFrameView, QUOTE, SLOTS } from '../../src/wire/frame-view.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { Reason } from '../../src/wire/reason.js'
import { anyBytesArbitrary, bytesOf, frameArbitrary, frameBytesArbitrary, mutatedBytesArbitrary } from '../../src/testing/frame-arbitraries.js'
import { naiveWalk, walkOf } from './naive-walk.js'

const anyOrMutated = fc.oneof(
  { weight: 1, arbitrary: anyBytesArbitrary() },
  { weight: 3, arbitrary: mutatedBytesArbitrary() },
  { weight: 1, arbitrary: frameBytesArbitrary() },
)
const verifyArbitrary = fc.constantFrom(Verify.None, Verify.IpHeader, Verify.All)

test('law 1: emit ∘ dissect is the identity on well-formed frames', (t) => {
  fc.assert(
    fc.property(frameBytesArbitrary(), (bytes) => {
      const frame = dissect(bytes)
      if (frame._tag === 'Left') return t.fail(frame.left.detail)
      t.deepEqual(emitFrame(frame.right), { _tag: 'Right', right: bytes })
    }),
    { numRuns: 500 },
  )
})

test('law 1: dissect ∘ emit is the identity on well-formed values', (t) => {
  fc.assert(
    fc.property(frameArbitrary(), (frame) => {
      t.deepEqual(dissect(bytesOf(frame)), { _tag: 'Right', right: frame })
    }),
    { numRuns: 500 },
  )
})

test('law 1: whatever bytes dissect accepts, emitFrame writes back', (t) => {
  fc.assert(
    fc.property(anyOrMutated, fc.integer({ min: 1, max: 3 }), (bytes, maxGroups) => {
      const frame = dissect(bytes, maxGroups)
      if (frame._tag === 'Left') return
      t.deepEqual(emitFrame(frame.right), { _tag: 'Right', right: bytes })
      t.true(formatFrame(frame.right).length > 0)
    }),
    { numRuns: 2000 },
  )
})

test('law 1: every well-formed frame parses with all checksums verified', (t) => {
  const view = makeFrameView()
  fc.assert(
    fc.property(frameBytesArbitrary(), (bytes) => {
      t.is(parseFrame(view, bytes, 0, bytes.length, 3, Verify.All), Reason.Ok)
    }),
    { numRuns: 500 },
  )
})

/** All that `parseFrame` says: a failed frame's slots count up to the failed group. */
const answerOf = (view: FrameView, bytes: Uint8Array, start: number, end: number, maxGroups: number, verify: Verify): readonly number[] => {
  const reason = parseFrame(view, bytes, start, end, maxGroups, verify)
  const quote = view.quoted ? view.slots.subarray(QUOTE * SLOTS) : []
  return [reason, view.reason, view.reasonAt, view.depth, view.unsupported, Number(view.quoted), ...view.slots.subarray(0, view.depth * SLOTS), ...quote]
}

test('law 1: parseFrame answers alike whatever surrounds the frame, and never throws', (t) => {
  const view = makeFrameView()
  fc.assert(
    fc.property(anyOrMutated, fc.nat(40), fc.integer({ min: 1, max: 3 }), verifyArbitrary, (bytes, start, maxGroups, verify) => {
      const end = start + bytes.length
      const exact = new Uint8Array(end)
      exact.set(bytes, start)
      const expected = answerOf(view, exact, start, end, maxGroups, verify)
      // 0x08: valid I flags and lengths, which would lead on; 0xff: the largest lengths; 0x01, 0x45: small ones, a header
      for (const poison of [0x08, 0xff, 0x01, 0x45]) {
        const surrounded = new Uint8Array(end + 300).fill(poison)
        surrounded.set(bytes, start)
        t.deepEqual(answerOf(view, surrounded, start, end, maxGroups, verify), expected)
      }
    }),
    { numRuns: 1500 },
  )
})

test('law 1: parseFrame answers alike for a frame cut anywhere, whether or not the rest lies behind the cut', (t) => {
  const view = makeFrameView()
  fc.assert(
    fc.property(frameBytesArbitrary({ maxPayload: 16 }), (bytes) => {
      for (let end = 0; end < bytes.length; end++) {
        const alone = answerOf(view, bytes.slice(0, end), 0, end, 3, Verify.All)
        const followed = answerOf(view, bytes, 0, end, 3, Verify.All)
        if (!alone.every((value, i) => value === followed[i])) return t.fail(`cut at ${end}: ${String(followed)} instead of ${String(alone)}`)
      }
    }),
    { numRuns: 300 },
  )
  t.pass()
})

test('law 1: offsets lie inside the frame and in the order of the wire', (t) => {
  const view = makeFrameView()
  fc.assert(
    fc.property(anyOrMutated, (bytes) => {
      if (parseFrame(view, bytes, 0, bytes.length, 3, Verify.None) !== Reason.Ok) return
      const marks = walkOf(view).flatMap((group) => [group.l2, group.l3, group.l4, group.payload])
      const ends = walkOf(view).map((group) => group.end)
      t.deepEqual(marks, [...marks].sort((a, b) => a - b))
      t.deepEqual(ends, [...ends].sort((a, b) => b - a))
      t.true(ends[0]! <= bytes.length && marks.at(-1)! <= ends.at(-1)!)
    }),
    { numRuns: 1000 },
  )
})

test('law 1: offsets lie inside the frame where any one byte is a little off', (t) => {
  const view = makeFrameView()
  // little payload: a length that is one step too great then reaches past the end
  fc.assert(
    fc.property(frameBytesArbitrary({ maxPayload: 3, padding: false }), (bytes) => {
      for (let i = 0; i < bytes.length; i++) {
        const sound = bytes[i]!
        // lengths are counted in whole bytes or in their upper or lower half
        for (const by of [-16, -1, 1, 16]) {
          bytes[i] = sound + by
          if (parseFrame(view, bytes, 0, bytes.length, 3, Verify.None) !== Reason.Ok) continue
          const groups = walkOf(view)
          const outside = groups.find((group, g) => group.payload > group.end || group.end > (groups[g - 1]?.end ?? bytes.length))
          if (outside !== undefined) return t.fail(`byte ${i} off by ${by}: ${JSON.stringify(outside)}`)
        }
        bytes[i] = sound
      }
    }),
    { numRuns: 200 },
  )
  t.pass()
})

test('law 1: parseFrame and a walk over the protocols’ own parsers agree on every kind and offset', (t) => {
  const view = makeFrameView()
  fc.assert(
    fc.property(anyOrMutated, fc.integer({ min: 1, max: 3 }), (bytes, maxGroups) => {
      const reason = parseFrame(view, bytes, 0, bytes.length, maxGroups)
      const naive = naiveWalk(bytes, maxGroups)
      if (reason !== Reason.Ok) t.is(naive, undefined)
      else t.deepEqual(walkOf(view), naive)
    }),
    { numRuns: 2000 },
  )
})

test('law 1: a view used before answers as a new one', (t) => {
  const used = makeFrameView()
  fc.assert(
    fc.property(anyOrMutated, anyOrMutated, (first, second) => {
      parseFrame(used, first, 0, first.length)
      const answer = (view: FrameView): readonly number[] => answerOf(view, second, 0, second.length, 3, Verify.IpHeader)
      t.deepEqual(answer(used), answer(makeFrameView()))
    }),
    { numRuns: 500 },
  )
})
