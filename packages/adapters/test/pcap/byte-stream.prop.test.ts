import test from 'ava'
import fc from 'fast-check'
import { ByteStream, piecesOf } from '../../src/pcap/byte-stream.js'
import { concat } from './captures.js'

test('byte-stream: the window is what was appended less what was skipped, and the buffer stays near its size', (t) => {
  const action = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((chunk) => ({ chunk, skip: 0 })),
    fc.nat({ max: 80 }).map((skip) => ({ chunk: new Uint8Array(0), skip })),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const stream = new ByteStream(8)
      let model: Uint8Array = new Uint8Array(0)
      let skipped = 0
      let largest = 8
      for (const { chunk, skip } of actions) {
        stream.append(chunk)
        model = concat([model, chunk])
        largest = Math.max(largest, model.length)
        const gone = stream.skip(skip)
        t.is(gone, Math.min(skip, model.length))
        model = model.slice(gone)
        skipped += gone
        t.deepEqual(stream.bytes(0, stream.available).slice(), model.slice())
        t.is(stream.position, skipped)
        t.is(stream.view.byteLength, stream.capacity)
        if (model.length > 0) t.is(stream.view.getUint8(stream.start), model[0] ?? -1)
        t.true(stream.capacity <= 2 * largest)
      }
    }),
  )
  t.pass()
})

test('byte-stream: pieces of a chunk join to the chunk and none is longer than asked', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 30 }), (chunk, size) => {
      const pieces = [...piecesOf(chunk, size)]
      t.deepEqual(concat(pieces), new Uint8Array(chunk))
      t.true(pieces.every((piece) => piece.length <= size))
    }),
  )
})
