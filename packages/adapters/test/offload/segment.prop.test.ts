import { testProp } from '@fast-check/ava'
import { makeFrameView, parseFrame, Reason, Slot, SLOTS, Verify } from '@vfp-ts/core'
import { bytesOf, plainFrameArbitrary } from '@vfp-ts/core/testing'
import test from 'ava'
import fc from 'fast-check'
import { offloadOf } from '../../src/nic/frame-batch.js'
import { FinishCode } from '../../src/offload/finish-code.js'
import { Segmenter } from '../../src/offload/segment.js'
import { cutByHand, cuttable, spoilt, type Unfinished, unfinished, withTransport } from './frames.js'

const segmenter = new Segmenter()

const segmentsOf = ({ bytes, start, end }: Pick<Unfinished, 'bytes' | 'start' | 'end'>, size: number): readonly Uint8Array[] | FinishCode => {
  const segments: Uint8Array[] = []
  const code = segmenter.segment(bytes, start, end, offloadOf(true, size), (room, from, to) => segments.push(room.slice(from, to)) > 0)
  return code === FinishCode.Ok ? segments : code
}

testProp('segment: gives the segments that are cut by hand, byte for byte', [unfinished(), fc.integer({ min: 1, max: 310 })], (t, frame, size) => {
  const before = frame.bytes.slice()
  const segments = segmentsOf(frame, size)
  t.deepEqual(segments, cutByHand(frame.value, size))
  t.deepEqual(frame.bytes, before)
}, { numRuns: 400 })

testProp('segment: every segment parses with all checksums right, and their payloads are the payload',
  [unfinished(), fc.integer({ min: 1, max: 310 })], (t, frame, size) => {
  const segments = segmentsOf(frame, size)
  if (typeof segments === 'number') return t.fail()
  const view = makeFrameView()
  const payload: number[] = []
  for (const segment of segments) {
    t.is(parseFrame(view, segment, 0, segment.length, undefined, Verify.All), Reason.Ok)
    const s = (view.depth - 1) * SLOTS
    payload.push(...segment.subarray(view.slots[s + Slot.PAYLOAD], view.slots[s + Slot.END]))
  }
  t.deepEqual(Uint8Array.from(payload), frame.value.payload)
}, { numRuns: 200 })

testProp('segment: one of 64 KB is cut as a short one',
  [unfinished({ ...cuttable, maxPayload: 0 }), fc.integer({ min: 200, max: 9000 }), fc.nat(500)], (t, { value }, size, less) => {
  const payload = Uint8Array.from({ length: 64_400 - less }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
  const long = spoilt({ ...value, payload }, 0, 1, 2)
  t.deepEqual(segmentsOf(long, size), cutByHand(long.value, size))
}, { numRuns: 15 })

testProp('segment: a SYN or RST longer than a segment is refused, a shorter one comes out whole',
  [plainFrameArbitrary({ transport: ['tcp'] }), fc.constantFrom(0x02, 0x14)], (t, frame, flags) => {
  const value = withTransport({ ...frame, payload: new Uint8Array(20) }, (tcp) => (tcp.kind === 'tcp' ? { ...tcp, flags } : tcp))
  const bytes = bytesOf(value)
  t.is(segmentsOf({ bytes, start: 0, end: bytes.length }, 19), FinishCode.Uncuttable)
  t.deepEqual(segmentsOf({ bytes, start: 0, end: bytes.length }, 20), [bytes])
}, { numRuns: 20 })

test('segment: what cannot be cut is refused before a segment leaves', (t) => {
  const [tcp] = fc.sample(plainFrameArbitrary({ transport: ['tcp'] }), { numRuns: 1, seed: 1 })
  const long = withTransport({ ...tcp!, payload: new Uint8Array(5000) }, (header) => (header.kind === 'tcp' ? { ...header, flags: 0x10 } : header))
  const bytes = bytesOf(long)
  t.is(segmentsOf({ bytes, start: 0, end: bytes.length }, 2), FinishCode.TooMany)
  t.is(segmentsOf({ bytes, start: 0, end: bytes.length - 1 }, 100), FinishCode.Unreadable)
  const [icmp] = fc.sample(plainFrameArbitrary({ transport: ['icmp'] }), { numRuns: 1, seed: 1 })
  const other = bytesOf(icmp!)
  t.is(segmentsOf({ bytes: other, start: 0, end: other.length }, 100), FinishCode.NoTransport)
})

test('segment: a sink that wants no more gets no more', (t) => {
  const [udp] = fc.sample(plainFrameArbitrary({ transport: ['udp'] }), { numRuns: 1, seed: 1 })
  const bytes = bytesOf({ ...udp!, payload: new Uint8Array(1000) })
  let got = 0
  t.is(segmenter.segment(bytes, 0, bytes.length, offloadOf(true, 100), () => ++got < 3), FinishCode.Stopped)
  t.is(got, 3)
})
