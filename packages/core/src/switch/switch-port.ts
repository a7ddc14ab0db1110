/** A port at work: its control side, its datapath, and its life. */
import * as E from 'fp-ts/lib/Either.js'
import type { Clock } from '../clock.js'
import type { MirrorSink } from '../datapath/copies.js'
import { Datapath, Outcome } from '../datapath/datapath.js'
import type { DatapathOptions } from '../datapath/datapath-options.js'
import type { WaitingFrame } from '../datapath/waiting-room.js'
import type { Direction } from '../flow/flow-id.js'
import { emptyPort } from '../pipeline/compiled-port.js'
import { type Explanation, unexplained } from '../pipeline/explain.js'
import type { PortIdentity } from '../policy/flow-context.js'
import type { LayerType } from '../policy/layer.js'
import type { Place } from '../policy/port-policy.js'
import type { AnyResource } from '../policy/resource.js'
import { Control } from './control.js'
import type { Environment } from './environment.js'
import { explainFrame } from './explain-frame.js'
import { reportFlow } from './flow-report.js'
import type { LayerHandle } from './layer-handle.js'
import { type Batch, type FrameOutcome, type Output, type Processed, requireLengths, type Sink } from './output.js'
import type { Port, PortCounters, PortState } from './port.js'
import type { PortError } from './port-error.js'
import type { Turn } from './turn.js'
import { Waiting } from './waiting.js'

/** What a port needs of its switch. */
export interface PortSurroundings {
  readonly clock: Clock
  readonly options: DatapathOptions
  readonly maxConnections: number
  readonly environment: Environment
  readonly resource: (name: string) => AnyResource | undefined
  readonly find: (name: string) => SwitchPort | undefined
  readonly turn: Turn
  /** Where frames go that were given to a port alone, had to wait, and leave now. */
  readonly later: (port: SwitchPort) => Sink
  /** Called when the port has been deleted. */
  readonly forget: (port: SwitchPort) => void
}

/** Re-entries by hairpin after which a frame is taken to be looping. */
export const MAX_HAIRPINS = 4
/** Headroom that `process` gives a copied frame: three IPv6 encapsulations and a little. */
export const HEADROOM = 256

/** What it takes to send a frame that waits in a port on its way again. */
interface Journey {
  /** The port it was given to, which it reached this one from by hairpins. */
  readonly first: SwitchPort
  readonly later: Sink
  readonly hairpins: number
  readonly encapsulated: boolean
}

/** Where the frame last taken by `forward` is, or why it is nowhere. */
interface Left {
  /** The port it left by: the one it was given to, unless it was hairpinned. */
  port: SwitchPort
  start: number
  end: number
  /** Why it was dropped. */
  reason: string
  /** What it waits for. */
  waitsFor: FrameOutcome
}

/** A port of a switch. */
export class SwitchPort implements Port {
  readonly identity: PortIdentity
  readonly vni: number | undefined
  readonly #around: PortSurroundings
  readonly #datapath: Datapath<Journey>
  readonly #control: Control
  readonly #waiting: Waiting<Journey>
  readonly #later: Sink
  #state: PortState = 'created'
  /** Where the frame in hand goes, for its mirrors; which of its batch it is; and whether an earlier hop put a tunnel around it. */
  #sink: Sink = () => undefined
  #index = 0
  #wrapped = false

  constructor(identity: PortIdentity, vni: number | undefined, around: PortSurroundings) {
    this.identity = identity
    this.vni = vni
    this.#around = around
    const mirror: MirrorSink = (port, bytes, start, end, encapsulated) => {
      this.#sink(port, 'mirror', bytes, start, end, this.#index, encapsulated || this.#wrapped)
    }
    this.#datapath = new Datapath(identity, around.options, around.clock, mirror)
    this.#waiting = new Waiting({
      port: identity, datapath: this.#datapath, clock: around.clock, environment: around.environment, turn: around.turn,
      resume: (frame) => this.#resume(frame),
    })
    this.#later = around.later(this)
    this.#control = new Control(
      { port: identity, resource: around.resource, isGone: () => this.#state === 'deleted', maxConnections: around.maxConnections, swap: (c) => { this.#datapath.policy = c },
        disposeFailed: (layer, failures) => around.environment.disposeFailed?.(identity, layer, failures) },
      emptyPort,
    )
  }

  readonly state = (): PortState => this.#state

  readonly connect = (): E.Either<PortError, void> => {
    if (this.#state === 'deleted') return this.#gone()
    if (this.#state === 'connected') return E.right(undefined)
    const agreed = this.#around.environment.connectPort?.(this.identity) ?? E.right(undefined)
    if (E.isLeft(agreed)) return E.left({ _tag: 'EnvironmentRefused', port: this.identity.name, reason: agreed.left })
    this.#state = 'connected'
    return E.right(undefined)
  }

  readonly disconnect = (): E.Either<PortError, void> => {
    if (this.#state === 'deleted') return this.#gone()
    if (this.#state === 'connected') {
      this.#state = 'created'
      this.#waiting.clear('PortDisconnected')
      this.#around.environment.disconnectPort?.(this.identity)
    }
    return E.right(undefined)
  }

  readonly remove = (): E.Either<PortError, void> => {
    const disconnected = this.disconnect()
    if (E.isLeft(disconnected)) return disconnected
    this.#state = 'deleted'
    this.#control.dispose()
    this.#around.forget(this)
    this.#around.environment.deletePort?.(this.identity)
    return E.right(undefined)
  }

  readonly addLayer = <L extends string, C, O>(
    type: LayerType<L, C, O>, at: Place & { readonly name?: string },
  ): E.Either<PortError, LayerHandle<L>> => this.#control.addLayer(type, at)

  readonly layers = (): readonly string[] => this.#control.policy.layers.map((l) => l.name).toArray()
  readonly generation = (): number => this.#control.policy.generation
  readonly rules = (): ReturnType<Control['rules']> => this.#control.rules()
  readonly reasonName = (reason: number): string => this.#datapath.reasons.name(reason)

  readonly expire = (budget?: number): number => {
    const gone = this.#datapath.expire(budget)
    if (this.#datapath.pending.keys.hasNews) this.#around.turn.ask(this.#waiting)
    return gone
  }

  readonly settle = (): number => {
    const { counters } = this.#datapath.pending.room
    const before = counters.released
    this.#around.turn.ask(this.#waiting)
    return counters.released - before
  }

  readonly process = (direction: Direction, frame: Uint8Array): Processed => {
    const bytes = new Uint8Array(HEADROOM + frame.length)
    bytes.set(frame, HEADROOM)
    const outputs: Output[] = []
    const sink: Sink = (to, why, b, start, end) => { outputs.push({ to, why, frame: b.slice(start, end) }) }
    const outcome = this.#around.turn.call(() => {
      this.forward(direction, bytes, HEADROOM, bytes.length, 0, sink, 0, this.#later)
      return this.outcome
    })
    return { outcome, outputs }
  }

  readonly processBatch = (direction: Direction, batch: Batch, sink: Sink): void => {
    requireLengths(batch)
    this.#around.turn.call(() => { this.#processAll(direction, batch, sink) })
  }

  #processAll(direction: Direction, batch: Batch, sink: Sink): void {
    let floor = 0
    for (let i = 0; i < batch.count; i++) {
      const start = batch.start[i]!
      const end = start + batch.length[i]!
      if (start < floor || end > batch.bytes.length) {
        batch.verdict[i] = 1
        batch.reason[i] = this.#datapath.lose('BadBatch')
        continue
      }
      const outcome = this.forward(direction, batch.bytes, start, end, floor, sink, i, this.#later)
      batch.verdict[i] = outcome === Outcome.Dropped ? 1 : outcome === Outcome.Pending ? 2 : 0
      batch.reason[i] = outcome === Outcome.Dropped ? this.#datapath.reasons.intern(this.left.reason) : 0
      if (outcome === Outcome.Passed) {
        batch.start[i] = this.left.start
        batch.length[i] = this.left.end - this.left.start
      }
      floor = end
    }
  }

  /** What became of the frame last taken by {@link forward}: valid until the next. */
  readonly left: Left = { port: this, start: 0, end: 0, reason: '', waitsFor: PASSED }

  /** What became of it, as programs are told. */
  get outcome(): FrameOutcome {
    return this.left.waitsFor._tag === 'Pending' ? this.left.waitsFor : this.left.reason === '' ? PASSED : { _tag: 'Dropped', reason: this.left.reason }
  }

  /**
   * Takes one frame through this port and, by hairpins, through others, within a turn; what leaves goes to the sink, and what
   * leaves later, because it has to wait, to `later`. More is in {@link left}.
   */
  forward(direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number, sink: Sink, index: number, later: Sink): Outcome {
    return SwitchPort.#through(this, this, direction, bytes, start, end, floor, sink, index, later, 0, false, undefined)
  }

  /** Takes a frame that waited here on its way; `false` if it waits again. */
  #resume(frame: WaitingFrame<Journey>): boolean {
    const { bytes, start, flow, journey: { first, later, hairpins, encapsulated } } = frame
    SwitchPort.#through(first, this, flow.direction, bytes, start, bytes.length, 0, later, -1, later, hairpins, encapsulated, frame)
    return frame.isTaken
  }

  static #through(
    first: SwitchPort, here: SwitchPort, direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number,
    sink: Sink, index: number, later: Sink, hairpinsSoFar: number, wrapped: boolean, waited: WaitingFrame<Journey> | undefined,
  ): Outcome {
    let port = here
    let way = direction
    let from = start
    let to = end
    // One hop's tunnel is still around the frame at the next, which may only see that its own policy added none.
    let encapsulated = wrapped
    for (let hairpins = hairpinsSoFar; ; hairpins++) {
      if (port.#state !== 'connected') return first.#losing(port, 'PortDisconnected')
      const again = hairpins === hairpinsSoFar ? waited : undefined
      const outcome = port.#run(way, bytes, from, to, floor, sink, index, encapsulated, again)
      if (port.#datapath.pending.keys.hasNews) port.#around.turn.ask(port.#waiting)
      if (outcome === Outcome.Pending) {
        const refusal = again === undefined
          ? port.#datapath.park(way, bytes, from, to, HEADROOM, waited?.misses ?? 0, { first, later, hairpins, encapsulated })
          : port.#datapath.pending.putBack(again)
        return refusal === '' ? first.#letWait(port) : first.#losing(port, refusal)
      }
      if (outcome === Outcome.Dropped) return first.#noted(port.#datapath.reasons.name(port.#datapath.reason))
      from = port.#datapath.start
      to = port.#datapath.end
      encapsulated ||= port.#datapath.encapsulated
      if (outcome === Outcome.Passed) {
        first.left.port = port
        sink(way === 'outbound' ? 'network' : 'vm', waited === undefined ? 'forward' : 'released', bytes, from, to, index, encapsulated)
        // Only now: the sink may have taken other frames through this port.
        first.left.start = from
        first.left.end = to
        first.left.reason = ''
        first.left.waitsFor = PASSED
        return Outcome.Passed
      }
      if (hairpins === MAX_HAIRPINS) return first.#losing(port, 'HairpinLimit')
      const next = first.#around.find(port.#datapath.hairpin)
      if (next === undefined) return first.#losing(port, 'NoSuchPort')
      port = next
      way = 'outbound'
    }
  }

  readonly explain = (direction: Direction, frame: Uint8Array): Explanation => {
    if (this.#state !== 'connected') return unexplained(direction, 'PortDisconnected')
    return explainFrame(this.#datapath, direction, frame, this.#around.clock.nowUs(), HEADROOM)
  }

  readonly counters = (): PortCounters => ({
    ...this.#datapath.counters,
    drops: this.#datapath.reasons.counts(),
    flows: this.#datapath.flows.size,
    // Two keys a pair: counted so, because counters are read while traffic runs.
    connections: Object.fromEntries(this.#datapath.policy.layers.map((l) => [l.name, l.flows.size / 2])),
    pending: {
      waiting: this.#datapath.pending.room.size,
      waitingBytes: this.#datapath.pending.room.bytes,
      keys: this.#datapath.pending.keys.size,
      asked: this.#waiting.asked,
      ...this.#datapath.pending.room.counters,
    },
  })

  readonly flows = (): readonly ReturnType<typeof reportFlow>[] => {
    const now = this.#around.clock.nowUs()
    return Array.from(this.#datapath.flows.flows(), (flow) => reportFlow(flow, now))
  }

  #run(
    way: Direction, bytes: Uint8Array, start: number, end: number, floor: number, sink: Sink, index: number, wrapped: boolean,
    waited: WaitingFrame<Journey> | undefined,
  ): Outcome {
    const sinkBefore = this.#sink
    const indexBefore = this.#index
    const wrappedBefore = this.#wrapped
    this.#sink = sink
    this.#index = index
    this.#wrapped = wrapped
    // A sink, a clock or an action context may throw: the port must not go on mirroring to a sink whose batch is over.
    try {
      return waited === undefined ? this.#datapath.process(way, bytes, start, end, floor) : this.#datapath.resume(waited)
    } finally {
      this.#sink = sinkBefore
      this.#index = indexBefore
      this.#wrapped = wrappedBefore
    }
  }

  /** The frame in hand waits in a port. */
  #letWait(where: SwitchPort): Outcome {
    const { pending } = where.#datapath
    // Without anybody who calls when answers come, the next packet of the flow is the one to notice.
    if (pending.isAnswered) where.#around.turn.ask(where.#waiting)
    const resource = pending.miss?.resource.name ?? ''
    const key = pending.miss?.keyText ?? ''
    this.left.waitsFor = { _tag: 'Pending', resource, key, reason: `waits for ${resource} ${key}` }
    return Outcome.Pending
  }

  /** The frame in hand is dropped, and the port that lost it counts it. */
  #losing(where: SwitchPort, reason: string): Outcome {
    where.#datapath.lose(reason)
    return this.#noted(reason)
  }

  #noted(reason: string): Outcome {
    this.left.reason = reason
    this.left.waitsFor = PASSED
    return Outcome.Dropped
  }

  #gone(): E.Either<PortError, never> {
    return E.left({ _tag: 'PortGone', port: this.identity.name })
  }
}

const PASSED: FrameOutcome = { _tag: 'Passed' }
