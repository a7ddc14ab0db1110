import { fc, testProp } from '@fast-check/ava'
import { makeFrameQueue } from '../../src/memory/frame-queue.js'

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('push' as const), length: fc.integer({ min: 0, max: 300 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const), length: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), length: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), length: fc.constant(0) }) },
  ),
  { minLength: 1, maxLength: 200 },
)

testProp(
  'frame queue: it does what an array of frames does',
  [fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5 }), steps],
  (t, frames, batchFrames, script) => {
    const queue = makeFrameQueue(frames, 300, batchFrames)
    let model: Uint8Array[] = []
    let taken: { readonly bytes: Uint8Array; readonly copies: readonly Uint8Array[]; readonly starts: readonly number[] } | undefined
    const isUnharmed = (): void => taken?.copies.forEach((copy, i) => t.deepEqual(taken!.bytes.slice(taken!.starts[i], taken!.starts[i]! + copy.length), copy))
    script.forEach(({ do: what, length }, n) => {
      if (what === 'push') {
        const frame = new Uint8Array(length + 2).fill(n)
        const hasRoom = model.length < frames
        t.is(queue.push(frame, 1, length + 1, n), hasRoom)
        if (hasRoom) model.push(frame.subarray(1, length + 1))
      } else if (what === 'take') {
        const batch = queue.take()
        t.is(batch === undefined, taken !== undefined || model.length === 0)
        if (batch !== undefined) {
          const copies = Array.from({ length: batch.count }, (_, i) => batch.bytes.slice(batch.start[i], batch.start[i]! + batch.length[i]!))
          t.true(copies.length >= 1 && copies.length <= batchFrames)
          t.deepEqual(copies.map((each) => [...each]), model.slice(0, copies.length).map((each) => [...each]))
          model = model.slice(copies.length)
          taken = { bytes: batch.bytes, copies, starts: [...batch.start.subarray(0, batch.count)] }
        }
      } else if (what === 'release') {
        queue.release()
        taken = undefined
      } else {
        t.is(queue.clear(), model.length)
        model = []
      }
      t.is(queue.size(), model.length)
      isUnharmed()
    })
  },
)
