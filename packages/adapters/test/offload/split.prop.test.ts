import { testProp } from '@fast-check/ava'
import { makeFrameView, OFFLOAD_PARTIAL, parseFrame, Reason, Slot } from '@vfp-ts/core'
import { bytesOf } from '@vfp-ts/core/testing'
import test from 'ava'
import fc from 'fast-check'
import { FRAME_HEADROOM, offloadOf, segmentOf } from '../../src/nic/frame-batch.js'
import { FinishCode } from '../../src/offload/finish-code.js'
import { Segmenter } from '../../src/offload/segment.js'
import { ENCAPSULABLE_BYTES, Splitter } from '../../src/offload/split.js'
import { cutByHand, cuttable, spoilt, unfinished } from './frames.js'

const splitter = new Splitter()
const segmenter = new Segmenter()

testProp('split: segmenting the parts gives the segments of the whole',
  [unfinished(), fc.integer({ min: 1, max: 80 }), fc.integer({ min: 300, max: 700 })], (t, frame, size, maxBytes) => {
  const segments: Uint8Array[] = []
  const code = splitter.split(frame.bytes, frame.start, frame.end, offloadOf(true, size), maxBytes, (bytes, start, end, offload) => {
    t.true(end - start <= maxBytes)
    t.not(offload & OFFLOAD_PARTIAL, 0)
    t.is(segmenter.segment(bytes, start, end, offload, (room, from, to) => segments.push(room.slice(from, to)) > 0), FinishCode.Ok)
    // whoever encapsulates writes in front
    if (bytes !== frame.bytes) bytes.fill(0xee, start - FRAME_HEADROOM, start + 14)
    return true
  })
  if (code === FinishCode.TooLong) {
    t.deepEqual(segments, [])
    t.true(frame.end - frame.start - frame.value.payload.length + size > maxBytes)
  } else {
    t.is(code, FinishCode.Ok)
    t.deepEqual(segments, cutByHand(frame.value, size))
  }
}, { numRuns: 300 })

testProp('split: the parts of the longest frame can be encapsulated, and hold partial checksums',
  [unfinished({ ...cuttable, maxPayload: 0, maxGroups: 1, maxVlans: 0, padding: false })], (t, { value }) => {
  const payload = new Uint8Array(65_535 - (bytesOf(value).length - 14)).fill(3)
  const long = spoilt({ ...value, payload }, 0, 1, 0)
  const parts: number[] = []
  t.is(splitter.split(long.bytes, long.start, long.end, offloadOf(true, 1448), ENCAPSULABLE_BYTES, (bytes, start, end, offload) => {
    const view = makeFrameView()
    t.true(start >= FRAME_HEADROOM)
    t.is(parseFrame(view, bytes, start, end), Reason.Ok)
    parts.push(view.slots[Slot.END]! - view.slots[Slot.PAYLOAD]!)
    t.is(segmentOf(offload), parts.at(-1)! > 1448 ? 1448 : 0)
    return true
  }), FinishCode.Ok)
  t.is(parts.length, 2)
  t.is(parts[0]! % 1448, 0)
  t.is(parts[0]! + parts[1]!, payload.length)
}, { numRuns: 20 })

test('split: what need not or cannot be split is passed on as it is', (t) => {
  const [frame] = fc.sample(unfinished(), { numRuns: 1, seed: 3 })
  const seen: number[] = []
  const { bytes, start, end } = frame!
  for (const offload of [0, OFFLOAD_PARTIAL, offloadOf(true, 10)]) {
    splitter.split(bytes, start, end, offload, offload > OFFLOAD_PARTIAL ? 5000 : 10, (same, from, to, word) => {
      t.is(same, bytes)
      t.deepEqual([from, to], [start, end])
      return seen.push(word) > 0
    })
  }
  t.deepEqual(seen, [0, OFFLOAD_PARTIAL, offloadOf(true, 10)])
})
