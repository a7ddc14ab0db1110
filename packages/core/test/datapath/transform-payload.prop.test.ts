/** A frame whose payload was transformed is the frame that is written with the new payload from the start. */
import { fc, testProp } from '@fast-check/ava'
import { transformPayload } from '../../src/datapath/transform-payload.js'
import type { ActionContext } from '../../src/policy/action-context.js'
import { bytesOf, frameArbitrary } from '../../src/testing/frame-arbitraries.js'
import { Frag, L4, makeFrameView, Slot, SLOTS } from '../../src/wire/frame-view.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { Reason } from '../../src/wire/reason.js'
import { runs } from './support.js'

const ROOM = 64

/** Turns every bit over and makes the payload `by` bytes longer or shorter, but not shorter than nothing. */
const turned = (payload: Uint8Array, by: number): Uint8Array =>
  Uint8Array.from({ length: Math.max(0, payload.length + by) }, (_, i) => (i < payload.length ? payload[i]! ^ 0xff : i))

const turning = (by: number): ActionContext => ({
  label: 'turn', onPacket: () => undefined, growthBytes: Math.max(0, by),
  transform: (payload, out) => {
    out.set(turned(payload, by))
    return Math.max(0, payload.length + by)
  },
})

testProp(
  'transformPayload: gives the frame that is emitted with the new payload, lengths and checksums included',
  [frameArbitrary({ fragments: false, quotes: false }), fc.integer({ min: -ROOM, max: ROOM }), fc.constantFrom(0, 1)],
  (t, frame, by, odd) => {
    const bytes = new Uint8Array(odd + ROOM + bytesOf(frame).length)
    bytes.set(bytesOf(frame), odd + ROOM)
    const view = makeFrameView()
    parseFrame(view, bytes, odd + ROOM, bytes.length)
    const last = (view.depth - 1) * SLOTS
    const refusal = transformPayload(view, turning(by), odd, 0)
    if (view.slots[last + Slot.L4_KIND] === L4.None || view.slots[last + Slot.FRAG] !== Frag.Whole || frame.groups.at(-1)?.surplus !== undefined) {
      t.is(refusal, 'PayloadRefused')
      t.deepEqual(bytes.subarray(odd + ROOM), bytesOf(frame))
      return
    }
    t.is(refusal, '')
    t.deepEqual(bytes.slice(view.start, view.end), bytesOf({ ...frame, payload: turned(frame.payload, by) }))
    t.is(parseFrame(makeFrameView(), bytes, view.start, view.end, view.depth, Verify.All), Reason.Ok)
  },
  { numRuns: runs(1500) },
)
