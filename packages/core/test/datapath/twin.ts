/**
 * A port and its slow twin, given the same policy edits, packets and time, compared after every step: law 5.
 *
 * A scenario is data, so that it shrinks and a counterexample can be pasted into a test.
 */
import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { manualClock } from '../../src/clock.js'
import { orThrow } from '../../src/errors.js'
import type { Direction } from '../../src/flow/flow-id.js'
import { directory } from '../../src/policy/directory.js'
import type { RulesJson } from '../../src/policy/rules-layer.js'
import type { LayerHandle } from '../../src/switch/layer-handle.js'
import type { Processed } from '../../src/switch/output.js'
import type { Port } from '../../src/switch/port.js'
import { openSwitch } from '../../src/switch/switch.js'
import { HEADROOM, MAX_HAIRPINS } from '../../src/switch/switch-port.js'
import { groupArbitrary, policyArbitrary, ROUTE_VNI, testLayer } from '../../src/testing/policy-arbitraries.js'
import { quotas } from '../../src/testing/quota-type.js'
import { SlowPort } from '../../src/testing/slow-oracle.js'
import { packetArbitrary, tweakArbitrary } from '../../src/testing/traffic-arbitraries.js'
import { again, answer, errorAbout, frameOf, HOSTS4, MACS, type Packet, PEERS4, type Tweak } from '../../src/testing/traffic-frames.js'
import { OTHER_PORTS } from '../../src/testing/transposition-values.js'
import { parseIp } from '../../src/wire/address.js'

/** One thing that happens. Numbers that choose among what there is are taken modulo its size. */
export type Step =
  | { readonly do: 'packet'; readonly direction: Direction; readonly packet: Packet }
  /** An earlier packet comes again. */
  | { readonly do: 'again'; readonly back: number; readonly tweak: Tweak }
  /** What came out earlier is answered. */
  | { readonly do: 'answer'; readonly back: number; readonly tweak: Tweak }
  /** What came out earlier meets a problem, of which an ICMP error tells. */
  | { readonly do: 'complain'; readonly back: number; readonly router: boolean; readonly quoted: number }
  | { readonly do: 'addLayer'; readonly order: number; readonly policy: RulesJson }
  | { readonly do: 'removeLayer'; readonly layer: number }
  | { readonly do: 'update'; readonly layer: number; readonly policy: RulesJson }
  | { readonly do: 'updateGroup'; readonly layer: number; readonly name: string; readonly policy: RulesJson }
  | { readonly do: 'removeGroup'; readonly layer: number; readonly name: string }
  | { readonly do: 'route'; readonly address: number; readonly macs: readonly number[] }
  /** Rules that decide by their own state are given a new one. */
  | { readonly do: 'refill' }
  | { readonly do: 'wait'; readonly us: number }
  | { readonly do: 'expire' }

/** A port's life. */
export interface Scenario {
  /** Policies of port `a`'s layers at the start, from the VM side. */
  readonly layers: readonly RulesJson[]
  /** Policies of the layers of port `b`, which hairpins lead to. */
  readonly other: readonly RulesJson[]
  readonly steps: readonly Step[]
  readonly maxFlows: number
  readonly flowIdleUs: number
}

/** What a scenario has seen, added up over scenarios. */
export type Seen = Record<string, number>

/** Any scenario of up to `maxSteps` steps. */
export const scenarioArbitrary = (maxSteps: number): fc.Arbitrary<Scenario> =>
  fc.record({
    layers: fc.array(policyArbitrary(), { maxLength: 4 }),
    other: fc.array(policyArbitrary(), { maxLength: 1 }),
    steps: fc.array(stepArbitrary(), { minLength: maxSteps >>> 1, maxLength: maxSteps, size: 'max' }),
    maxFlows: fc.constantFrom(1000, 1000, 1000, 2),
    flowIdleUs: fc.constantFrom(60_000_000, 5000),
  })

const stepArbitrary = (): fc.Arbitrary<Step> => {
  const direction = fc.constantFrom<Direction[]>('outbound', 'inbound')
  const packet = direction.chain((d) => packetArbitrary(d).map((p): Step => ({ do: 'packet', direction: d, packet: p })))
  const back = fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(12) })
  return fc.oneof(
    { weight: 24, arbitrary: packet },
    { weight: 30, arbitrary: fc.record({ do: fc.constant('again' as const), back, tweak: tweakArbitrary() }) },
    { weight: 30, arbitrary: fc.record({ do: fc.constant('answer' as const), back, tweak: tweakArbitrary() }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('complain' as const), back, router: fc.boolean(), quoted: fc.constantFrom(8, 8, 20, 60) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('addLayer' as const), order: fc.nat(9), policy: policyArbitrary() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('removeLayer' as const), layer: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('update' as const), layer: fc.nat(3), policy: policyArbitrary() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('updateGroup' as const), layer: fc.nat(3), group: groupArbitrary() }).map(({ group, ...rest }) => ({ ...rest, ...group })) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('removeGroup' as const), layer: fc.nat(3), name: fc.constantFrom('g0', 'g1', 'g2') }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('route' as const), address: fc.nat(4), macs: fc.array(fc.nat(3), { maxLength: 2 }) }) },
    { weight: 2, arbitrary: fc.constant<Step>({ do: 'refill' }) },
    { weight: 10, arbitrary: fc.record({ do: fc.constant('wait' as const), us: fc.constantFrom(1, 999, 1000, 1001, 2000, 5000, 30_000, 31_000_000) }) },
    { weight: 2, arbitrary: fc.constant<Step>({ do: 'expire' }) },
  )
}

interface Sent {
  readonly direction: Direction
  readonly frame: Uint8Array
}

const PARSE_DEPTH = { outbound: 1, inbound: 2 } as const
/** The twin looks into whatever comes from the network. */
const EVERYWHERE = [{}, { kind: 'geneve', udpPort: OTHER_PORTS.geneve }] as const
const ROUTED = [...PEERS4, ...HOSTS4]

/** Runs a scenario on both; the first difference in words, or `undefined` if there is none. */
export const firstDifference = (scenario: Scenario, seen: Seen = {}): string | undefined => {
  const twins = new Twins(scenario)
  for (const [i, step] of scenario.steps.entries()) {
    const difference = twins.take(step)
    if (difference !== undefined) return `step ${i}, ${JSON.stringify(step)}: ${difference}`
  }
  twins.addTo(seen)
  return twins.compareRules()
}

/** The two switches. */
class Twins {
  readonly #clock = manualClock(1_000_000)
  readonly #routes = directory('routes')
  readonly #quotas = quotas()
  readonly #layer = testLayer(this.#routes, this.#quotas)
  /** The oracle's rules ask the same directory, but are started apart. */
  readonly #ports: Readonly<Record<'a' | 'b', Port>>
  readonly #slow: Readonly<Record<'a' | 'b', SlowPort>>
  #handles: readonly LayerHandle<'test'>[] = []
  #named = 0
  readonly #sent: Sent[] = []
  readonly #left: Sent[] = []
  readonly #seen: Seen = {}

  constructor(scenario: Scenario) {
    const { maxFlows, flowIdleUs } = scenario
    const host = openSwitch({ clock: this.#clock, maxFlows, flowIdleUs, parseDepth: PARSE_DEPTH, tunnelEnds: EVERYWHERE })
    const port = (name: string, mac: string): Port => orThrow(host.addPort({ name, mac, ip: ['10.0.0.4'] }))
    this.#ports = { a: port('a', '00:15:5d:00:00:01'), b: port('b', '00:15:5d:00:00:02') }
    const slow = (of: Port): SlowPort => new SlowPort({
      port: of.identity, clock: this.#clock, parseDepth: PARSE_DEPTH, headroom: HEADROOM, maxHairpins: MAX_HAIRPINS,
      find: (name) => (name === 'a' || name === 'b' ? this.#slow[name] : undefined),
    })
    this.#slow = { a: slow(this.#ports.a), b: slow(this.#ports.b) }
    scenario.layers.forEach((policy, i) => { this.#addLayer(i, policy) })
    for (const [i, policy] of scenario.other.entries()) {
      const handle = orThrow(this.#ports.b.addLayer(this.#layer, { order: i, name: `other${i}` }))
      if (isLeft(handle.updateJson(policy))) throw new Error('a generated policy was refused')
      this.#slow.b.policy.addLayer(`other${i}`, i)
      this.#slow.b.policy.layer(`other${i}`).replace(this.#slow.b.policy.read(this.#layer, policy))
    }
  }

  take(step: Step): string | undefined {
    switch (step.do) {
      case 'packet': return this.#send({ direction: step.direction, frame: frameOf(step.packet, step.direction) })
      case 'again': {
        const before = nth(this.#sent, step.back)
        const frame = before === undefined ? undefined : again(before.frame, step.tweak)
        return before === undefined || frame === undefined ? undefined : this.#send({ direction: before.direction, frame })
      }
      case 'answer': {
        const before = nth(this.#left, step.back)
        const frame = before === undefined ? undefined : answer(before.frame, step.tweak)
        return before === undefined || frame === undefined ? undefined : this.#send({ direction: before.direction, frame })
      }
      case 'complain': {
        const before = nth(this.#left, step.back)
        const frame = before === undefined ? undefined : errorAbout(before.frame, step)
        return before === undefined || frame === undefined ? undefined : this.#send({ direction: before.direction, frame })
      }
      case 'refill': this.#quotas.refill(); return undefined
      case 'wait': this.#clock.advanceUs(step.us); return undefined
      case 'expire': this.#count('swept', this.#ports.a.expire()); return undefined
      case 'route': this.#route(ROUTED[step.address]!, step.macs); return undefined
      default: this.#edit(step); return undefined
    }
  }

  /** Counters and state of every rule on both sides. */
  compareRules(): string | undefined {
    for (const name of ['a', 'b'] as const) {
      const reports = this.#ports[name].rules()
      for (const layer of this.#slow[name].policy.layers) {
        for (const { group, rules } of layer.groups) {
          for (const { id, decided, running } of rules) {
            const report = reports.find((r) => r.layer === layer.name && r.direction === group.direction && r.group === group.name && r.rule === id)
            const fast = JSON.stringify([report?.packets, report?.bytes, report?.state])
            const slow = JSON.stringify([decided.packets, decided.bytes, running.report()])
            if (fast !== slow) return `rule ${layer.name}/${group.direction}/${group.name}/${id} of port ${name}: ${fast}, but slowly ${slow}`
          }
        }
      }
    }
    return undefined
  }

  addTo(seen: Seen): void {
    const { a } = this.#ports
    const add = (what: string, n: number): void => { seen[what] = (seen[what] ?? 0) + n }
    const { fast, slow, reconciled, packets } = a.counters()
    for (const [what, n] of Object.entries({ packets, fast, slow, reconciled, ...this.#slow.a.counts, ...this.#seen })) add(what, n)
    for (const [reason, n] of Object.entries(a.counters().drops)) add(`drop ${reason}`, n)
  }

  #count(what: string, n = 1): void {
    this.#seen[what] = (this.#seen[what] ?? 0) + n
  }

  #send(sent: Sent): string | undefined {
    const fast = this.#ports.a.process(sent.direction, sent.frame)
    const slow = this.#slow.a.process(sent.direction, sent.frame)
    this.#sent.push(sent)
    for (const { to, frame } of slow.outputs) {
      if (to === 'network' || to === 'vm') this.#left.push({ direction: to === 'network' ? 'inbound' : 'outbound', frame })
    }
    const [mine, theirs] = [inWords(fast), inWords(slow)]
    return mine === theirs ? undefined : `${mine}, but slowly ${theirs}`
  }

  #addLayer(order: number, policy: RulesJson): void {
    const name = `layer${this.#named++}`
    const handle = orThrow(this.#ports.a.addLayer(this.#layer, { order, name }))
    this.#slow.a.policy.addLayer(name, order)
    this.#handles = [...this.#handles, handle]
    this.#updated(handle, policy)
  }

  #updated(handle: LayerHandle<'test'>, policy: RulesJson): void {
    if (isLeft(handle.updateJson(policy))) throw new Error('a generated policy was refused')
    this.#slow.a.policy.layer(handle.name).replace(this.#slow.a.policy.read(this.#layer, policy))
  }

  #edit(step: Extract<Step, { readonly do: 'addLayer' | 'removeLayer' | 'update' | 'updateGroup' | 'removeGroup' }>): void {
    if (step.do === 'addLayer') {
      if (this.#handles.length < 4) this.#addLayer(step.order, step.policy)
      return
    }
    const handle = this.#handles[step.layer % this.#handles.length]
    if (handle === undefined) return
    const slow = this.#slow.a.policy
    switch (step.do) {
      case 'removeLayer':
        orThrow(handle.remove())
        slow.removeLayer(handle.name)
        this.#handles = this.#handles.filter((h) => h !== handle)
        return
      case 'update': this.#updated(handle, step.policy); return
      case 'updateGroup':
        if (isLeft(handle.group(step.name).updateJson(step.policy))) throw new Error('a generated policy was refused')
        slow.layer(handle.name).replaceGroup(step.name, slow.read(this.#layer, step.policy))
        return
      case 'removeGroup':
        if (isLeft(handle.group(step.name).remove())) return
        slow.layer(handle.name).replaceGroup(step.name, [])
    }
  }

  #route(text: string, macs: readonly number[]): void {
    const key = { vni: ROUTE_VNI, ip: orThrow(parseIp(text)) }
    const [first, ...others] = macs.map((m) => ({ pa: key.ip, mac: MACS[m]! }))
    if (first === undefined) this.#routes.remove(key)
    else this.#routes.set(key, { endpoints: [first, ...others] })
  }
}

const nth = <A>(list: readonly A[], back: number): A | undefined => (list.length === 0 ? undefined : list[list.length - 1 - (back % list.length)])

/** Outcome and outputs as one line. */
const inWords = ({ outcome, outputs }: Processed): string =>
  [outcome._tag === 'Passed' ? 'passed' : outcome._tag === 'Answered' ? outcome.reason : `dropped ${outcome.reason}${outcome._tag === 'Dropped' ? ` by ${JSON.stringify(outcome.by)}` : ''}`, ...outputs.map((o) => `${o.why} to ${o.to} ${Buffer.from(o.frame).toString('hex')}`)].join(', ')
