/**
 * Packets and answers in any order: nothing is lost without a reason, nothing overtakes, nothing grows without bound, and in the
 * end it is as if everything had been known from the start.
 */
import test from 'ava'
import fc from 'fast-check'
import { manualClock, openSwitch, orThrow, type Port, rulesLayer, type SwitchOptions } from '../../src/index.js'
import { lateResource } from '../../src/testing/late-resource.js'
import { runs } from '../datapath/support.js'
import { byGateway, lookingUp, truth } from './pending-support.js'
import { BUILT_IN, frame, macOf } from './support.js'

type Step =
  | { readonly do: 'send'; readonly flow: number; readonly bytes: number }
  | { readonly do: 'advance'; readonly us: number }
  | { readonly do: 'deliver' | 'settle' | 'expire' }
  | { readonly do: 'answer' | 'forget'; readonly key: number }
  | { readonly do: 'policy'; readonly rule: 'route' | 'gateway' | 'both' }

const KEYS = [80, 81, 82, 84]
const FLOWS = KEYS.flatMap((dstPort) => [{ srcPort: 1000, dstPort }, { srcPort: 2000, dstPort }])
const BOUNDS = { framesPerKey: 3, frames: 6, bytes: 500, timeoutUs: 2000, misses: 3, keys: 3 }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('send' as const), flow: fc.nat(FLOWS.length - 1), bytes: fc.constantFrom(0, 1, 60) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), us: fc.constantFrom(1, 300, 1000, 1999, 2000) }) },
  { weight: 4, arbitrary: fc.constantFrom<Step[]>({ do: 'deliver' }, { do: 'settle' }, { do: 'expire' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('answer' as const, 'forget' as const), key: fc.constantFrom(...KEYS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy' as const), rule: fc.constantFrom('route' as const, 'gateway' as const, 'both' as const) }) },
)

const late = fc.record({
  seed: fc.nat(), maxDelayUs: fc.constantFrom(0, 500, 3000), twicePercent: fc.constantFrom(0, 50), neverPercent: fc.constantFrom(0, 30), watchable: fc.boolean(),
})

const RULES = {
  route: [{ do: 'route' }],
  gateway: [{ do: 'gateway' }],
  both: [{ do: 'gateway', when: { srcPort: 1000 } }, { do: 'route', when: { srcPort: 2000 } }],
}

const SEQUENCE = 38

class Bench {
  readonly clock = manualClock(1_000_000)
  readonly places
  readonly port: Port
  readonly #setPolicy: (rule: keyof typeof RULES) => void
  /** Of each packet that had to wait and has not left: when it came. */
  readonly waiting = new Map<number, number>()
  /** Of each packet, its flow; of each flow, the last packet that left. */
  readonly #flows: number[] = []
  readonly #last = new Map<number, number>()
  sent = 0
  left = 0
  rule: keyof typeof RULES = 'route'

  constructor(options: Parameters<typeof lateResource>[3], pending: NonNullable<SwitchOptions['pending']> = BOUNDS) {
    this.places = lateResource('places', truth, this.clock, options)
    const host = openSwitch({ clock: this.clock, pending, environment: { released: (_p, _to, _why, f) => { this.#leaves(f, true) } } })
    this.port = orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
    const handle = orThrow(this.port.addLayer(rulesLayer('late', [...BUILT_IN, lookingUp('route', this.places), byGateway('gateway', this.places)]), { order: 1 }))
    this.#setPolicy = (rule) => {
      this.rule = rule
      orThrow(handle.updateJson({ outbound: [{ name: 'g', rules: RULES[rule] }] }))
    }
    this.#setPolicy('route')
  }

  take(step: Step): void {
    switch (step.do) {
      case 'send': this.send(step.flow, step.bytes); break
      case 'advance': this.clock.advanceUs(step.us); break
      case 'deliver': this.places.deliver(); break
      case 'settle': this.port.settle(); this.#noneIsTooOld(); break
      case 'expire': this.port.expire(); this.#noneIsTooOld(); break
      case 'answer': this.places.answer(step.key); break
      case 'forget': this.places.forget(step.key); break
      case 'policy': this.#setPolicy(step.rule)
    }
    this.#isConserved()
  }

  send(flow: number, bytes: number): void {
    const n = ++this.sent
    this.#flows[n] = flow
    const f = frame({ ...FLOWS[flow]!, bytes })
    new DataView(f.buffer, f.byteOffset).setUint32(SEQUENCE, n)
    // A resource that answers at once has it leave before `process` returns.
    this.waiting.set(n, this.clock.nowUs())
    const { outcome, outputs } = this.port.process('outbound', f)
    for (const o of outputs) this.#leaves(o.frame, false)
    if (outcome._tag === 'Dropped') this.waiting.delete(n)
  }

  /** What a table of the port's flows says, in no particular order. */
  flows(): readonly string[] {
    return this.port.flows().map(({ key, verdict, transposition }) => `${key} ${verdict} ${transposition}`).sort()
  }

  #leaves(f: Uint8Array, waited: boolean): void {
    const view = new DataView(f.buffer, f.byteOffset)
    const n = view.getUint32(SEQUENCE)
    this.left++
    const flow = this.#flows[n]!
    const last = this.#last.get(flow) ?? 0
    if (last >= n) throw new Error(`packet ${n} left after ${last}`)
    this.#last.set(flow, n)
    const since = this.waiting.get(n)
    if (waited && (since === undefined || this.clock.nowUs() - since >= BOUNDS.timeoutUs)) throw new Error(`packet ${n} left too late`)
    this.waiting.delete(n)
  }

  #dropped(): number {
    return Object.values(this.port.counters().drops).reduce((sum, n) => sum + n, 0)
  }

  #isConserved(): void {
    const { pending, packets } = this.port.counters()
    const counted = this.left + this.#dropped() + pending.waiting
    if (counted !== this.sent || packets !== this.sent) throw new Error(`${this.sent} came, ${counted} are accounted for, ${packets} counted`)
    if (pending.waiting > BOUNDS.frames || pending.waitingBytes > BOUNDS.bytes || pending.keys > BOUNDS.keys) throw new Error(`out of bounds: ${JSON.stringify(pending)}`)
    const old = this.#old()
    if (pending.timedOut > old) throw new Error(`${pending.timedOut} timed out, but only ${old} were old enough`)
  }

  #noneIsTooOld(): void {
    const { waiting } = this.port.counters().pending
    const young = this.waiting.size - this.#old()
    if (waiting > young) throw new Error(`${waiting} wait, but only ${young} are young enough`)
  }

  #old(): number {
    return [...this.waiting.values()].filter((since) => this.clock.nowUs() - since >= BOUNDS.timeoutUs).length
  }
}

test('pending: whatever comes is passed on in order, dropped with a reason, or still waiting within bounds; at last all is known', (t) => {
  const seen = { released: 0, timedOut: 0, PendingOverflow: 0, PendingLoops: 0, asked: 0 }
  fc.assert(fc.property(late, fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), (options, steps) => {
    const bench = new Bench(options)
    for (const s of steps) bench.take(s)
    for (const key of KEYS) bench.take({ do: 'answer', key })
    bench.take({ do: 'settle' })
    const { pending, drops } = bench.port.counters()
    if (pending.waiting !== 0 || pending.keys !== 0) throw new Error(`all is known, but ${JSON.stringify(pending)}`)
    seen.released += pending.released
    seen.timedOut += pending.timedOut
    seen.asked += pending.asked
    for (const reason of ['PendingOverflow', 'PendingLoops'] as const) seen[reason] += drops[reason] ?? 0

    const full = new Bench(options)
    for (const key of KEYS) full.take({ do: 'answer', key })
    full.take({ do: 'policy', rule: bench.rule })
    for (const b of [bench, full]) {
      for (const flow of FLOWS.keys()) b.take({ do: 'send', flow, bytes: 1 })
    }
    if (bench.flows().join('\n') !== full.flows().join('\n')) throw new Error(`${bench.flows().join('\n')}\nbut with all known\n${full.flows().join('\n')}`)
  }), { numRuns: runs(800) })
  for (const [what, n] of Object.entries(seen)) if (what !== 'PendingLoops') t.true(n > 100, `${what}: ${n}`)
})
