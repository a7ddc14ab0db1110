import { type ManualClock, manualClock, openSwitch, orThrow } from '@vfp-ts/core'
import { fullMesh, openProber, type PairReport, probe, type ProbeEnd, probeInbox, type ProbePair, type Prober, type ProberOptions } from '@vfp-ts/layers'
import test from 'ava'
import { show } from '../frames.js'

const A: ProbeEnd = { name: 'a', ip: '10.0.1.4', mac: '00:15:5d:00:00:04' }
const B: ProbeEnd = { name: 'b', ip: '10.0.1.5', mac: '00:15:5d:00:00:05' }
const C: ProbeEnd = { name: 'c', ip: '10.0.1.6', mac: '00:15:5d:00:00:06' }

interface Bench {
  readonly prober: Prober
  readonly clock: ManualClock
  readonly sent: Uint8Array[]
  /** Has host B answer the n-th probe sent, and A get the answer. */
  readonly answer: (n: number) => void
}

/** Two hosts of one VM each, and a prober at the first. */
const bench = (options: Partial<ProberOptions> = {}): Bench => {
  const clock = manualClock(1000)
  const inbox = probeInbox()
  const [near, far] = [A, B].map(({ name, ip, mac }, i) => {
    const port = orThrow(openSwitch({ clock }).addPort({ name, mac, ip: [ip] }))
    orThrow(orThrow(port.addLayer(probe.layer, { order: 2 })).update(probe.policy(i === 0 ? { inbox } : {})))
    return port
  })
  const sent: Uint8Array[] = []
  let seed = 1
  const random = (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0)
  const prober = orThrow(openProber({ pairs: [{ from: A, to: B }], clock, random, inbox, inject: (frame) => { sent.push(frame) }, everyUs: 100, timeoutUs: 250, ...options }))
  const answer = (n: number): void => {
    const back = far?.process('inbound', sent[n] ?? new Uint8Array(0)).outputs[0]
    if (back !== undefined) near?.process('inbound', back.frame)
  }
  return { prober, clock, sent, answer }
}

const only = (prober: Prober): PairReport => {
  const [report] = prober.report()
  if (report === undefined) throw new Error('no report')
  return report
}

test('prober: sends from the VM of its host, each probe from another port', (t) => {
  const { prober, clock, sent } = bench({ everyUs: 100 })
  for (let i = 0; i < 8; i++) {
    prober.tick()
    clock.advanceUs(100)
  }
  t.is(sent.length, 8)
  const ports = sent.map((frame) => Number(/^10\.0\.1\.4:(\d+) > 10\.0\.1\.5:61000 udp$/.exec(show(frame))?.[1]))
  t.true(ports.every((port) => port >= 61_001 && port <= 61_255))
  t.true(new Set(ports).size > 4)
})

test('prober: says when it is to be called again, and sends no sooner', (t) => {
  const { prober, clock, sent } = bench()
  t.is(prober.tick(), 1100)
  clock.advanceUs(99)
  prober.tick()
  t.is(sent.length, 1)
  clock.advanceUs(1)
  prober.tick()
  t.is(sent.length, 2)
})

test('prober: pairs are spread over the time between two probes', (t) => {
  const to: string[] = []
  const { prober, clock } = bench({ pairs: fullMesh([A, B, C], 'a'), inject: (_frame, { to: { name } }) => { to.push(`${clock.nowUs()} ${name}`) } })
  clock.advanceUs(0)
  for (let next = prober.tick(); next < 1250; next = prober.tick()) clock.advanceUs(next - clock.nowUs())
  t.deepEqual(to, ['1000 b', '1050 c', '1100 b', '1150 c', '1200 b'])
})

test('prober: reports the least, the middle and nearly the longest of round trips', (t) => {
  const { prober, clock, answer } = bench()
  for (const [n, us] of [30, 10, 20, 90].entries()) {
    prober.tick()
    clock.advanceUs(us)
    answer(n)
    clock.advanceUs(100 - us)
  }
  t.deepEqual(only(prober), { from: 'a', to: 'b', sent: 4, answered: 4, lost: 0, waiting: 0, late: 0, lossPercent: 0, minUs: 10, medianUs: 20, p99Us: 90 })
})

test('prober: counts a probe as lost when its time is over, and what comes then as late', (t) => {
  const { prober, clock, answer } = bench()
  prober.tick()
  clock.advanceUs(249)
  prober.tick()
  t.like(only(prober), { sent: 2, lost: 0, waiting: 2 })
  clock.advanceUs(1)
  prober.tick()
  t.like(only(prober), { lost: 1, lossPercent: 100, medianUs: undefined })
  answer(0)
  answer(1)
  answer(1)
  t.like(only(prober), { answered: 1, lost: 1, late: 2, lossPercent: 50 })
})

test('prober: an answer at the very end of its time is late, whether or not it was given up before', (t) => {
  const { prober, clock, answer } = bench()
  prober.tick()
  clock.advanceUs(250)
  answer(0)
  t.like(only(prober), { answered: 0, lost: 1, late: 1 })
})

test('prober: one that slept does not make up for it', (t) => {
  const { prober, clock, sent } = bench()
  prober.tick()
  clock.advanceUs(1_000_050)
  t.is(prober.tick(), 1_001_100)
  t.is(sent.length, 2)
})

test('prober: keeps the latest round trips and no more', (t) => {
  const { prober, clock, answer } = bench({ samples: 2 })
  for (const [n, us] of [5, 50, 60].entries()) {
    prober.tick()
    clock.advanceUs(us)
    answer(n)
    clock.advanceUs(100 - us)
  }
  t.like(only(prober), { answered: 3, minUs: 50, p99Us: 60 })
})

test('prober: takes no answers once closed', (t) => {
  const { prober, answer } = bench()
  prober.tick()
  prober.close()
  answer(0)
  t.like(only(prober), { answered: 0, waiting: 1 })
})

const two: readonly ProbePair[] = [{ from: A, to: B }]
for (const [path, change] of [
  ['/pairs', { pairs: [] }], ['/pairs/0/to/ip', { pairs: [{ from: A, to: { ...B, ip: '10.0.1' } }] }], ['/pairs/0/from/mac', { pairs: [{ from: { ...A, mac: 'x' }, to: B }] }],
  ['/pairs/1', { pairs: [...two, { from: A, to: { ...B, ip: 'fd00::5' } }] }], ['/everyUs', { everyUs: 0 }], ['/timeoutUs', { everyUs: 1, timeoutUs: 257 }],
  ['/samples', { samples: 0 }], ['/sizeBytes', { sizeBytes: 39 }], ['/sources', { sources: { from: 2, to: 1 } }],
] as const) {
  test(`prober: is not opened with a wrong ${path}`, (t) => {
    const opened = openProber({ pairs: two, clock: manualClock(), random: () => 1, inject: () => undefined, inbox: probeInbox(), ...change })
    t.is(opened._tag === 'Left' ? opened.left.path : undefined, path)
  })
}

test('prober: two of one inbox have nonces of their own', (t) => {
  const options: ProberOptions = { pairs: two, clock: manualClock(), random: () => 1, inject: () => undefined, inbox: probeInbox() }
  t.is(openProber(options)._tag, 'Right')
  const second = openProber(options)
  t.is(second._tag === 'Left' ? second.left.path : undefined, '/random')
})

test('fullMesh: is every pair, or those of one', (t) => {
  const names = (pairs: readonly ProbePair[]): readonly string[] => pairs.map(({ from, to }) => `${from.name}${to.name}`)
  t.deepEqual(names(fullMesh([A, B, C])), ['ab', 'ac', 'ba', 'bc', 'ca', 'cb'])
  t.deepEqual(names(fullMesh([A, B, C], 'b')), ['ba', 'bc'])
})
