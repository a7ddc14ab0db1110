import { fc, testProp } from '@fast-check/ava'
import { FrameWriter } from '../../src/qemu/frame-writer.js'

const CAPACITY = 2000

type Step = { readonly _tag: 'Push'; readonly frame: Uint8Array } | { readonly _tag: 'Take' } | { readonly _tag: 'Written' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ minLength: 14, maxLength: 600 }).map((frame): Step => ({ _tag: 'Push', frame })) },
  { weight: 1, arbitrary: fc.constant<Step>({ _tag: 'Take' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ _tag: 'Written' }) },
)

const framed = (frame: Uint8Array): Uint8Array => {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, frame.length)
  return Buffer.concat([length, frame])
}

testProp('frame-writer: what is taken is what was pushed, in order, and stays as it is until it was written', [fc.array(step, { maxLength: 100 })], (t, steps) => {
  const writer = new FrameWriter(CAPACITY)
  let waiting: Uint8Array[] = []
  let out: { readonly taken: Uint8Array; readonly wanted: Uint8Array; readonly frames: number } | undefined
  for (const now of steps) {
    if (now._tag === 'Push') {
      const room = Buffer.concat(waiting).length + 4 + now.frame.length <= CAPACITY
      // The frame lies somewhere in a larger buffer.
      const bytes = Buffer.concat([Buffer.alloc(5, 0xee), now.frame, Buffer.alloc(5, 0xee)])
      t.is(writer.push(bytes, 5, 5 + now.frame.length), room)
      if (room) waiting.push(framed(now.frame))
    } else if (now._tag === 'Take') {
      const taken = writer.take()
      t.is(taken === undefined, out !== undefined || waiting.length === 0)
      if (taken === undefined) continue
      out = { taken, wanted: Buffer.concat(waiting), frames: waiting.length }
      waiting = []
    } else if (out !== undefined) {
      t.is(Buffer.compare(out.taken, out.wanted), 0)
      t.deepEqual(writer.written(), { frames: out.frames, bytes: out.wanted.length - 4 * out.frames })
      out = undefined
    }
  }
  t.is(writer.lose(), waiting.length + (out?.frames ?? 0))
})
