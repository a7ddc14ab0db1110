import { fc, testProp } from '@fast-check/ava'
import { FrameReader } from '../../src/qemu/frame-reader.js'
import { framed } from './places.js'

const FRAME_BYTES = 200

/** Lengths around the borders of what is delivered and what is skipped. */
const lengths = fc.array(
  fc.oneof(fc.integer({ min: 14, max: FRAME_BYTES }), fc.integer({ min: 1, max: 20 }), fc.constantFrom(13, 14, FRAME_BYTES, FRAME_BYTES + 1, 5000)),
  { maxLength: 200 },
)

testProp(
  'frame-reader: however the stream is cut, the frames come whole and in order, and the others are counted',
  [lengths, fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 4000 })))],
  (t, frameLengths, cuts) => {
    const stream = Buffer.concat(frameLengths.map((length, i) => framed(length, i + 1)))
    const wanted = frameLengths.map((length, i) => ({ length, fill: (i + 1) & 0xff }))
    const came: { readonly length: number; readonly fill: number }[] = []
    const dropped: string[] = []
    const reader = new FrameReader(FRAME_BYTES, {
      deliver: ({ bytes, start, length, count }) => {
        for (let i = 0; i < count; i++) {
          const from = start[i] ?? 0
          const frame = bytes.subarray(from, from + (length[i] ?? 0))
          t.true(frame.every((byte) => byte === frame[0]))
          came.push({ length: frame.length, fill: frame[0] ?? -1 })
          // The receiver's, headroom included: what is here must not come out of a later frame.
          bytes.fill(0, from - 256, from + frame.length)
        }
        return true
      },
      drop: (reason) => dropped.push(reason),
    })
    for (let at = 0; at < stream.length; ) {
      const size = Number(cuts.next().value)
      t.is(reader.push(stream.subarray(at, at + size)), undefined)
      at += size
    }
    t.deepEqual(came, wanted.filter(({ length }) => length >= 14 && length <= FRAME_BYTES))
    t.deepEqual(dropped, frameLengths.filter((length) => length < 14 || length > FRAME_BYTES).map((length) => (length < 14 ? 'TooShort' : 'TooLong')))
  },
)

const wrongLength = fc.constantFrom(0, 131_073, 0xffff_ffff)

testProp('frame-reader: a length that cannot be ends the stream after the frames in front of it', [fc.nat(100), wrongLength], (t, before, length) => {
  let came = 0
  const reader = new FrameReader(FRAME_BYTES, {
    deliver: ({ count }) => {
      came += count
      return true
    },
    drop: () => t.fail(),
  })
  const bad = Buffer.alloc(4)
  bad.writeUInt32BE(length)
  t.is(reader.push(Buffer.concat([...Array.from({ length: before }, () => framed(60)), bad])), `a frame of ${length} bytes`)
  t.is(came, before)
})
