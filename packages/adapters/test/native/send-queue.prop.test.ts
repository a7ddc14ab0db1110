import { testNeeding } from '@vfp-ts/needs'
import fc from 'fast-check'
import { offloadOf, SendCode } from '../../src/nic/index.js'
import { type Linux, loadLinux } from '../../src/native/linux.js'
import { QUEUE_BYTES, QUEUE_FRAMES, SendQueue } from '../../src/native/send-queue.js'
import { orThrow } from './or-throw.js'

const test = testNeeding('koffi')
let linux: Linux
test.before(async () => { linux = orThrow(await loadLinux('test')) })

/** What the system would read as the first message. */
const first = (queue: SendQueue): string => Buffer.from(linux.view(queue.address, queue.length).slice(0)).toString('hex')

const steps = fc.array(
  fc.oneof(
    fc.record({ push: fc.integer({ min: 14, max: 400 }), at: fc.nat({ max: 100 }) }),
    fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ lose: fc.integer({ min: 1, max: 2 }) }),
  ),
  { maxLength: 60 },
)

test('send queue: hands on what a list would, each frame behind an empty header', (t) => { fc.assert(fc.property(steps, (list) => {
  const queue = new SendQueue(linux)
  const twin: string[] = []
  let sent = 0
  let sentBytes = 0
  list.forEach((step, n) => {
    if ('push' in step) {
      const bytes = new Uint8Array(step.at + step.push).map((_, i) => (i + n) & 0xff)
      t.is(queue.push(bytes, step.at, bytes.length, 0), SendCode.Ok)
      twin.push('00'.repeat(10) + Buffer.from(bytes.subarray(step.at)).toString('hex'))
    } else if ('take' in step) {
      const gone = twin.splice(0, step.take)
      queue.took(gone.length)
      sent += gone.length
      for (const frame of gone) sentBytes += frame.length / 2 - 10
    } else queue.lose(twin.splice(0, step.lose).length)
    t.is(queue.count, twin.length)
    for (const head of twin.slice(0, 1)) t.is(first(queue), head)
  })
  t.deepEqual([queue.sent, queue.sentBytes], [sent, sentBytes])
})) })

test('send queue: is full after so many frames or bytes, and takes as many again when it was emptied', (t) => {
  const queue = new SendQueue(linux)
  for (const [length, room] of [[60, QUEUE_FRAMES], [65_549, Math.floor(QUEUE_BYTES / (65_549 + 28))]] as const) {
    const frame = new Uint8Array(length)
    for (let i = 0; i < room; i++) t.is(queue.push(frame, 0, length, 0), SendCode.Ok)
    t.is(queue.push(new Uint8Array(65_549), 0, 65_549, 0), SendCode.Full)
    t.is(queue.count, room)
    queue.took(room)
  }
})

test('send queue: does not take an unfinished frame that the header cannot tell of', (t) => {
  const queue = new SendQueue(linux)
  t.is(queue.push(new Uint8Array(60), 0, 60, offloadOf(true, 0)), SendCode.Unfinished)
  t.is(queue.count, 0)
})
