/** The prober against a twin that keeps every probe it ever sent in a list. */
import { testProp } from '@fast-check/ava'
import { type FrameView, makeFrameView, manualClock, orThrow, parseFrame } from '@vfp-ts/core'
import { openProber, probeAnswer, probeInbox } from '@vfp-ts/layers'
import fc from 'fast-check'

const A = { name: 'a', ip: '10.0.1.4', mac: '00:15:5d:00:00:04' }
const B = { name: 'b', ip: '10.0.1.5', mac: '00:15:5d:00:00:05' }
const TIMEOUT = 30
const EVERY = 10

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), us: fc.constantFrom(1, 3, 9, 10, 11, 29, 30, 31, 200) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('answer' as const), back: fc.nat(6) }) },
)

interface Sent {
  readonly frame: Uint8Array
  readonly atUs: number
  end: 'waiting' | 'answered' | 'lost'
  tookUs: number
}

const viewOf = (frame: Uint8Array): FrameView => {
  const view = makeFrameView()
  parseFrame(view, frame, 0, frame.length, 1)
  return view
}

testProp('prober: reports what a list of all its probes tells', [fc.array(step, { maxLength: 80, size: 'max' })], (t, steps) => {
  const clock = manualClock()
  const inbox = probeInbox()
  const all: Sent[] = []
  let late = 0
  const prober = orThrow(openProber({
    pairs: [{ from: A, to: B }], clock, random: () => 5, inbox, everyUs: EVERY, timeoutUs: TIMEOUT, samples: 1000,
    inject: (frame) => { all.push({ frame, atUs: clock.nowUs(), end: 'waiting', tookUs: 0 }) },
  }))
  const out = new Uint8Array(2048)
  const answerer = probeAnswer(0x0015_5d00_0005)
  const expire = (): void => { for (const s of all) if (s.end === 'waiting' && clock.nowUs() - s.atUs >= TIMEOUT) s.end = 'lost' }
  for (const one of steps) {
    if (one.do === 'wait') clock.advanceUs(one.us)
    else if (one.do === 'tick') {
      expire()
      prober.tick()
    } else {
      const sent = all[all.length - 1 - one.back]
      if (sent === undefined) continue
      expire()
      const length = answerer.answer(viewOf(sent.frame), out, 0, 0)
      inbox.responder.answer(viewOf(out.slice(0, length)), out, 0, clock.nowUs())
      if (sent.end === 'waiting') {
        sent.end = 'answered'
        sent.tookUs = clock.nowUs() - sent.atUs
      } else late++
    }
  }
  prober.tick()
  expire()
  const count = (end: Sent['end']): number => all.filter((s) => s.end === end).length
  const took = all.filter((s) => s.end === 'answered').map((s) => s.tookUs).sort((a, b) => a - b)
  t.like(prober.report()[0], {
    sent: all.length, answered: count('answered'), lost: count('lost'), waiting: count('waiting'), late, minUs: took[0],
    medianUs: took[Math.ceil(took.length / 2) - 1], p99Us: took[Math.ceil(took.length * 0.99) - 1],
  })
}, { numRuns: 500 })
