import { fc, testProp } from '@fast-check/ava'
import test from 'ava'
import { batchBytes, FRAME_HEADROOM, isPartial, makeFrameBatch, type NicError, offloadOf, renderNicError, segmentOf, slotStart, slotStride } from '../../src/nic/index.js'

const sizes = [fc.integer({ min: 1, max: 100 }), fc.integer({ min: 14, max: 65_557 })] as const

testProp('frame batch: frames of full length in all slots ascend, each with its headroom, and end within the buffer', [...sizes], (t, slots, frameBytes) => {
  let before = 0
  for (let i = 0; i < slots; i++) {
    const start = slotStart(i, frameBytes)
    t.true(start - before >= FRAME_HEADROOM)
    before = start + frameBytes
  }
  t.true(before <= batchBytes(slots, frameBytes))
})

testProp('frame batch: slots are an odd number of cache lines apart', [sizes[1]], (t, frameBytes) => {
  t.is(slotStride(frameBytes) % 128, 64)
})

testProp('offload word: it tells whether a frame is partial, and its segments', [fc.boolean(), fc.integer({ min: 0, max: 65_535 })], (t, partial, segment) => {
  const word = offloadOf(partial, segment)
  t.is(segmentOf(word), segment)
  t.is(isPartial(word), partial || segment > 0)
  t.is(word === 0, !partial && segment === 0)
})

test('frame batch: it is empty, over the memory it was given', (t) => {
  const memory = new Uint8Array(batchBytes(4, 1_522))
  const batch = makeFrameBatch(4, 1_522, memory)
  t.is(batch.bytes, memory)
  t.is(batch.count, 0)
  t.deepEqual([batch.start, batch.length, batch.verdict, batch.reason, batch.offload].map(({ length }) => length), [4, 4, 4, 4, 4])
})

test('NIC error: it is one line, with the hint where there is one', (t) => {
  const error: NicError = { _tag: 'NicError', nic: 'tap0', operation: 'open', code: 'NeedsPrivilege', reason: 'EPERM', retryable: false }
  t.is(renderNicError(error), 'tap0: open: NeedsPrivilege: EPERM')
  t.is(renderNicError({ ...error, hint: 'run as root' }), 'tap0: open: NeedsPrivilege: EPERM (run as root)')
})
