import { testProp } from '@fast-check/ava'
import { Frag, makeFrameView, parseFrame, Reason, Slot, SLOTS, Verify, wire } from '@vfp-ts/core'
import { bytesOf, frameArbitrary } from '@vfp-ts/core/testing'
import { offloadOf } from '../../src/nic/frame-batch.js'
import { completeChecksum } from '../../src/offload/complete-checksum.js'
import { FinishCode } from '../../src/offload/finish-code.js'
import { Segmenter } from '../../src/offload/segment.js'
import { cuttable, spoilt, unfinished } from './frames.js'

testProp('completeChecksum: makes of an unfinished frame the one that is emitted with its checksums computed',
  [unfinished({ ...cuttable, transport: ['tcp', 'udp', 'icmp'], quotes: false, surplus: true })], (t, { value, bytes, start, end }) => {
  t.is(completeChecksum(bytes, start, end, makeFrameView()), FinishCode.Ok)
  t.deepEqual(bytes.subarray(start, end), bytesOf(value))
}, { numRuns: 400 })

testProp('completeChecksum: twice is once', [unfinished()], (t, { bytes, start, end }) => {
  completeChecksum(bytes, start, end, makeFrameView())
  const once = bytes.slice()
  completeChecksum(bytes, start, end, makeFrameView())
  t.deepEqual(bytes, once)
})

testProp('completeChecksum: a fragment is completed where that can be, and refused unchanged where not',
  [frameArbitrary({ network: ['ipv4', 'ipv6'], transport: ['tcp', 'udp'], maxGroups: 2 })], (t, frame) => {
  const bytes = bytesOf(frame)
  const before = bytes.slice()
  const view = makeFrameView()
  const code = completeChecksum(bytes, 0, bytes.length, view)
  const s = (view.depth - 1) * SLOTS
  const innermost = frame.groups.at(-1)
  if (view.slots[s + Slot.FRAG] === Frag.First && !(innermost?.net?.kind === 'ipv4' && innermost.transport?.kind === 'udp')) {
    t.is(code, FinishCode.Fragment)
    t.deepEqual(bytes, before)
    return
  }
  t.is(code, FinishCode.Ok)
  // outer checksums that are there must hold
  t.is(parseFrame(view, bytes, 0, bytes.length, undefined, Verify.All), Reason.Ok)
  if (view.slots[s + Slot.FRAG] === Frag.Later) t.deepEqual(bytes, before)
  if (view.slots[s + Slot.FRAG] === Frag.First) t.is(wire.bytes.u16(bytes, view.slots[s + Slot.L4]! + 6), 0)
}, { numRuns: 300 })

testProp('completeChecksum: a frame without a transport is refused unchanged',
  [frameArbitrary({ network: ['arp', 'opaque', 'ipv4'], transport: ['opaque'], fragments: false })], (t, frame) => {
  const bytes = bytesOf(frame)
  const before = bytes.slice()
  t.is(completeChecksum(bytes, 0, bytes.length, makeFrameView()), FinishCode.NoTransport)
  t.deepEqual(bytes, before)
}, { numRuns: 50 })

testProp('completeChecksum: a checksum that comes out as 0 is 0xffff in UDP, where 0 is none, alone or cut',
  [unfinished({ ...cuttable, transport: ['udp'], maxPayload: 0 })], (t, { value }) => {
  const view = makeFrameView()
  const field = (bytes: Uint8Array): number => {
    t.is(parseFrame(view, bytes, 0, bytes.length), Reason.Ok)
    return view.slots[(view.depth - 1) * SLOTS + Slot.L4]! + 6
  }
  // the checksum of zeros, put into the data, makes all of it add up to zero
  const zeros = bytesOf({ ...value, payload: new Uint8Array(2) })
  const at = field(zeros)
  const { bytes, end } = spoilt({ ...value, payload: zeros.slice(at, at + 2) }, 0x1234, 0x5678, 0)
  new Segmenter().segment(bytes, 0, end, offloadOf(true, 100), (room, from, to) => {
    const segment = room.slice(from, to)
    t.is(wire.bytes.u16(segment, field(segment)), 0xffff)
    return true
  })
  t.is(completeChecksum(bytes, 0, end, view), FinishCode.Ok)
  t.is(wire.bytes.u16(bytes, at), 0xffff)
}, { numRuns: 50 })
