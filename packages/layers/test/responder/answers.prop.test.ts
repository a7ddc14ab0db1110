/** Responders are given whatever a stranger sends. */
import { testProp } from '@fast-check/ava'
import { ANSWER_ROOM, makeFrameView, NO_ANSWER, parseFrame, Reason, type Responder } from '@vfp-ts/core'
import { frameBytesArbitrary, mutatedBytesArbitrary } from '@vfp-ts/core/testing'
import { arpAnswer, echoAnswer, ndpAnswer, probeAnswer, probeInbox, ProbeKind } from '@vfp-ts/layers'
import fc from 'fast-check'
import { asked } from '../probe/asked.js'
import { frame } from '../frames.js'
import { solicitation, whoHas } from './questions.js'

const MAC = 0x1234_5678_9abc
const RESPONDERS: readonly Responder[] = [arpAnswer(MAC), ndpAnswer(MAC, true), ndpAnswer(MAC, false), echoAnswer(MAC), probeAnswer(MAC), probeInbox().responder]

/** Frames that have an answer, and such with a few bytes changed or cut off. */
const questions = fc.tuple(
  fc.constantFrom(
    whoHas('10.0.1.1'), solicitation('fd00::1'), solicitation('fd00::1', '::'), frame({ from: '10.0.1.4:7', to: '10.0.1.1', proto: 'icmp' }),
    frame({ from: '[fd00::4]:7', to: '[fd00::1]', proto: 'icmp' }), asked({}), asked({ from: 'fd00::9', to: 'fd00::4' }), asked({ kind: ProbeKind.Answer }),
  ),
  fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 2 }), fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(60) }),
).map(([whole, changes, cut]) => {
  const bytes = whole.slice(0, whole.length - cut)
  for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
  return bytes
})

testProp('responder: whatever it is asked, it answers with a frame to who asked or not at all, and in the room it has', [
  fc.oneof(questions, frameBytesArbitrary({ maxPayload: 40 }), mutatedBytesArbitrary({ maxPayload: 40 })),
], (t, bytes) => {
  const view = makeFrameView()
  // The frame ends where the buffer does: what is read behind it would be undefined.
  t.pass()
  if (parseFrame(view, bytes, 0, bytes.length, 1) !== Reason.Ok) return
  const before = bytes.slice()
  for (const { name, answer } of RESPONDERS) {
    const out = new Uint8Array(8 + bytes.length + ANSWER_ROOM).fill(0xaa)
    const length = answer(view, out, 8, 5)
    t.deepEqual(bytes, before, name)
    t.true(out.subarray(0, 8).every((b) => b === 0xaa) && length <= bytes.length + ANSWER_ROOM, name)
    if (length <= NO_ANSWER) continue
    const said = out.subarray(8, 8 + length)
    t.is(parseFrame(makeFrameView(), said, 0, length, 1), Reason.Ok, name)
    t.deepEqual(said.slice(6, 12), Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc), name)
    const toAll = [0x33, 0x33, 0, 0, 0, 1].every((b, i) => b === said[i])
    t.true(toAll || ((said[0] ?? 1) % 2 === 0 && said.slice(0, 6).every((b, i) => b === before[6 + i])), name)
  }
}, { numRuns: 2000 })
