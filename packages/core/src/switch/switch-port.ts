/** A port at work: its control side, its datapath, and its life. */
import * as E from 'fp-ts/lib/Either.js'
import type { Clock } from '../clock.js'
import type { MirrorSink } from '../datapath/copies.js'
import { Datapath } from '../datapath/datapath.js'
import type { DatapathOptions } from '../datapath/datapath-options.js'
import { Outcome } from '../datapath/outcome.js'
import type { WaitingFrame } from '../datapath/waiting-room.js'
import type { BuiltInDropReason, DropReason } from '../drop-reason.js'
import type { Direction } from '../flow/flow-id.js'
import { type CompiledPort, emptyPort } from '../pipeline/compiled-port.js'
import { type Explanation, unexplained } from '../pipeline/explain.js'
import type { PortIdentity } from '../policy/flow-context.js'
import type { LayerType } from '../policy/layer.js'
import type { Place } from '../policy/port-policy.js'
import type { AnyResource } from '../policy/resource.js'
import type { Decider } from '../tables/unified-flow.js'
import { MAX_GROUPS } from '../wire/frame-view.js'
import { NO_TUNNEL, type TunnelEnd, type TunnelEnds } from '../wire/tunnel-ends.js'
import { Control } from './control.js'
import { decidedBy } from './decided-by.js'
import type { Environment } from './environment.js'
import { explainFrame } from './explain-frame.js'
import { reportFlow } from './flow-report.js'
import { sendFragments } from './fragments.js'
import type { Journey, Left, Origin } from './journey.js'
import type { LayerHandle } from './layer-handle.js'
import { ANSWERED, type Batch, type FrameOutcome, type Output, PASSED, type Processed, requireFrame, requireLengths, type Sink, verdictOf } from './output.js'
import type { Port, PortCounters, PortState } from './port.js'
import { countersOf } from './port-counters.js'
import type { PortError } from './port-error.js'
import { tunnelsAround } from './tunnels-around.js'
import type { Turn } from './turn.js'
import { Waiting } from './waiting.js'

/** What a port needs of its switch. */
export interface PortSurroundings {
  readonly clock: Clock
  readonly options: DatapathOptions
  readonly maxConnections: number
  readonly environment: Environment
  readonly resource: (name: string) => AnyResource | undefined
  readonly resourceNames: readonly string[]
  readonly find: (name: string) => SwitchPort | undefined
  readonly turn: Turn
  /** Where frames go that were given to a port alone, had to wait, and leave now. */
  readonly later: (port: SwitchPort) => Sink
  /** Whether a frame that the port sends out goes to the physical network, and not to another port; `tunnels` as for a sink. */
  readonly leaves: (port: SwitchPort, bytes: Uint8Array, start: number, end: number, tunnels: number) => boolean
  /** Told where tunnels end by the rules in force. */
  readonly declareEnds: (port: SwitchPort, ends: readonly TunnelEnd[]) => void
  /** Called when the port has been deleted. */
  readonly forget: (port: SwitchPort) => void
}

/** Re-entries by hairpin after which a frame is taken to be looping. */
export const MAX_HAIRPINS = 4
/** Headroom that `process` gives a copied frame: three IPv6 encapsulations and a little. */
export const HEADROOM = 256

/** Has a frame of a batch go through a port. */
type TakeFrame = (port: SwitchPort, bytes: Uint8Array, start: number, end: number, floor: number, index: number, offload: number) => Outcome

/** A port of a switch. */
export class SwitchPort implements Port {
  readonly identity: PortIdentity
  readonly vni: number | undefined
  readonly #around: PortSurroundings
  readonly #datapath: Datapath<Journey<SwitchPort>>
  readonly #control: Control
  readonly #waiting: Waiting<Journey<SwitchPort>>
  readonly #later: () => Sink
  #state: PortState = 'created'
  /** Where the frame in hand goes, for its mirrors; which of its batch it is; and the tunnels that earlier hops put around it. */
  #sink: Sink = () => undefined
  #index = 0
  #tunnels = 0
  /** Where tunnels end that come from outside. */
  ends: TunnelEnds = NO_TUNNEL

  constructor(identity: PortIdentity, vni: number | undefined, around: PortSurroundings) {
    this.identity = identity
    this.vni = vni
    this.#around = around
    const mirror: MirrorSink = (port, bytes, start, end, popped, pushed) => {
      this.#sink(port, 'mirror', bytes, start, end, this.#index, tunnelsAround(this.#tunnels, popped, pushed), this.#datapath.offload)
    }
    this.#datapath = new Datapath(identity, around.options, around.clock, mirror, (bytes, start, end, popped, pushed) =>
      around.leaves(this, bytes, start, end, tunnelsAround(this.#tunnels, popped, pushed)))
    this.#waiting = new Waiting({
      port: identity, datapath: this.#datapath, clock: around.clock, environment: around.environment, turn: around.turn,
      resume: (frame) => this.#resume(frame),
    })
    const later = around.later(this)
    this.#later = () => later
    this.#control = new Control(
      { port: identity, resource: around.resource, resourceNames: around.resourceNames, isGone: () => this.#state === 'deleted', maxConnections: around.maxConnections, swap: (c) => { this.#swap(c) },
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
  readonly reasonName = (reason: number): DropReason => this.#datapath.reasons.name(reason)

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
    requireFrame(frame, 'process', direction)
    const bytes = new Uint8Array(HEADROOM + frame.length)
    bytes.set(frame, HEADROOM)
    const outputs: Output[] = []
    const sink: Sink = (to, why, b, start, end) => { outputs.push({ to, why, frame: b.slice(start, end) }) }
    const outcome = this.#around.turn.call(() => {
      this.forward(direction, bytes, HEADROOM, bytes.length, 0, sink, 0, this.#later, 0, MAX_GROUPS)
      return this.outcome
    })
    return { outcome, outputs }
  }

  readonly processBatch = (direction: Direction, batch: Batch, sink: Sink): void => {
    requireLengths(batch, direction)
    this.#around.turn.call(() => {
      this.takeAll(batch, (port, bytes, start, end, floor, index, offload) =>
        port.forward(direction, bytes, start, end, floor, sink, index, this.#later, offload, MAX_GROUPS))
    })
  }

  /** Takes the frames of a batch one after the other, within a turn: `take` has each go through {@link forward}. */
  takeAll(batch: Batch, take: TakeFrame): void {
    let floor = 0
    for (let i = 0; i < batch.count; i++) {
      const start = batch.start[i]!
      const end = start + batch.length[i]!
      if (start < floor || end > batch.bytes.length) {
        batch.verdict[i] = 1
        batch.reason[i] = this.#datapath.lose('BadBatch')
        continue
      }
      const outcome = take(this, batch.bytes, start, end, floor, i, batch.offload === undefined ? 0 : batch.offload[i]!)
      batch.verdict[i] = verdictOf(outcome)
      batch.reason[i] = outcome === Outcome.Dropped ? this.#datapath.reasons.intern(this.left.reason) : 0
      if (outcome === Outcome.Passed) {
        batch.start[i] = this.left.start
        batch.length[i] = this.left.end - this.left.start
      }
      floor = end
    }
  }

  /** What became of the frame last taken by {@link forward}: valid until the next. */
  readonly left: Left<SwitchPort> = { port: this, start: 0, end: 0, floor: 0, reason: '', by: undefined, where: this, waitsFor: PASSED }

  /** What became of it, as programs are told. */
  get outcome(): FrameOutcome {
    const { waitsFor, reason, by, where } = this.left
    if (waitsFor._tag !== 'Passed' || reason === '') return waitsFor
    return { _tag: 'Dropped', reason, ...(by === undefined ? {} : { by: { port: where.identity.name, ...decidedBy(by) } }) }
  }

  /**
   * Takes one frame through this port and, by hairpins, through others, within a turn; what leaves goes to the sink, and what
   * leaves later, because it has to wait, to what `later` answers. More is in {@link left}. No more than `groups` header groups
   * are looked into inbound: what is further in is known to be a VM's own.
   */
  forward(
    direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number, sink: Sink, index: number, later: () => Sink, offload: number, groups: number,
  ): Outcome {
    return SwitchPort.#through(this, this, direction, direction, bytes, start, end, floor, sink, index, later, 0, 0, undefined, offload, groups)
  }

  /** Takes a frame that waited here on its way; `false` if it waits again. */
  #resume(frame: WaitingFrame<Journey<SwitchPort>>): boolean {
    const { bytes, start, flow, journey: { first, later, origin, hairpins, tunnels, offload, groups } } = frame
    SwitchPort.#through(first, this, origin, flow.direction, bytes, start, bytes.length, 0, later, -1, () => later, hairpins, tunnels, frame, offload, groups)
    return frame.isTaken
  }

  static #through(
    first: SwitchPort, here: SwitchPort, origin: Origin, direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number,
    sink: Sink, index: number, later: () => Sink, hairpinsSoFar: number, tunnelsBefore: number, waited: WaitingFrame<Journey<SwitchPort>> | undefined, offload: number,
    groups: number,
  ): Outcome {
    let port = here
    let way = direction
    let from = start
    let to = end
    // One hop's tunnel is still around the frame at the next, which may only see that its own policy added none.
    let tunnels = tunnelsBefore
    let word = offload
    for (let hairpins = hairpinsSoFar; ; hairpins++) {
      if (port.#state !== 'connected') return first.#losing(port, 'PortDisconnected')
      const again = hairpins === hairpinsSoFar ? waited : undefined
      const outcome = port.#run(way, bytes, from, to, floor, sink, index, tunnels, again, word, groups)
      if (port.#datapath.pending.keys.hasNews) port.#around.turn.ask(port.#waiting)
      if (outcome === Outcome.Pending) {
        const refusal = again === undefined
          ? port.#datapath.park(way, bytes, from, to, HEADROOM, waited?.misses ?? 0, { first, later: later(), origin, hairpins, tunnels, offload: word, groups })
          : port.#datapath.pending.putBack(again)
        return refusal === '' ? first.#letWait(port) : first.#losing(port, refusal)
      }
      if (outcome === Outcome.Dropped) return first.#noted(port, port.#datapath.reasons.name(port.#datapath.reason), port.#datapath.by)
      if (outcome === Outcome.Oversize) {
        return SwitchPort.#oversize(first, port, origin, bytes, from, floor, sink, index, later, hairpins, tunnels)
      }
      if (outcome === Outcome.Answered) return SwitchPort.#answered(first, port, origin, sink, index, later, hairpins)
      from = port.#datapath.start
      to = port.#datapath.end
      word = port.#datapath.offloadLeft
      tunnels = tunnelsAround(tunnels, port.#datapath.popped, port.#datapath.pushed)
      if (outcome === Outcome.Passed) {
        first.left.port = port
        first.left.floor = floor
        const why = origin === 'answer' ? 'reply' : waited === undefined ? 'forward' : 'released'
        sink(way === 'outbound' ? 'network' : 'vm', why, bytes, from, to, index, tunnels, word)
        // Only now: the sink may have taken other frames through this port.
        first.left.start = from
        first.left.end = to
        first.left.reason = ''
        first.left.waitsFor = origin === 'answer' ? ANSWERED : PASSED
        return origin === 'answer' ? Outcome.Answered : Outcome.Passed
      }
      if (hairpins === MAX_HAIRPINS) return first.#losing(port, 'HairpinLimit')
      const next = first.#around.find(port.#datapath.hairpin)
      if (next === undefined) return first.#losing(port, 'NoSuchPort')
      port = next
      way = 'outbound'
    }
  }

  /** A frame is longer than the network takes where it would leave `port`: it goes on in fragments, or its VM is told. */
  static #oversize(
    first: SwitchPort, port: SwitchPort, origin: Origin, bytes: Uint8Array, start: number, floor: number,
    sink: Sink, index: number, later: () => Sink, hairpins: number, tunnels: number,
  ): Outcome {
    const { mtu } = port.#datapath
    // What an earlier hop has put a tunnel around, or changed, is not the VM's any more: it could make nothing of an error.
    const cut = tunnels > 0 ? undefined : mtu.cut(HEADROOM)
    if (cut !== undefined) {
      return sendFragments(cut, { bytes, start, floor, headroom: HEADROOM }, first.left, sink, (b, from, to, lowest, into) =>
        SwitchPort.#through(first, port, origin, 'outbound', b, from, to, lowest, into, index, later, hairpins, tunnels, undefined, 0, MAX_GROUPS))
    }
    const complaint = tunnels > 0 || origin !== 'outbound' || hairpins > 0 ? undefined : mtu.complaint(0, port.#around.clock.nowUs())
    if (complaint !== undefined) {
      first.left.port = first
      first.left.floor = 0
      sink('vm', 'reply', complaint, 0, complaint.length, index, 0, 0)
    }
    return first.#losing(port, 'PacketTooBig')
  }

  /** A frame was answered in `port`: the answer goes back to whoever gave the frame to the port it first came to. */
  static #answered(first: SwitchPort, port: SwitchPort, origin: Origin, sink: Sink, index: number, later: () => Sink, hairpins: number): Outcome {
    const { answers, start, end } = port.#datapath
    let outcome: Outcome = Outcome.Answered
    const bytes = answers.take()
    if (origin === 'inbound' && end > start) {
      outcome = hairpins === MAX_HAIRPINS
        ? first.#losing(port, 'HairpinLimit')
        : SwitchPort.#through(first, first, 'answer', 'outbound', bytes, start, end, 0, sink, index, later, hairpins + 1, 0, undefined, 0, MAX_GROUPS)
    } else {
      first.left.port = first
      first.left.floor = 0
      if (end > start) sink('vm', 'reply', bytes, start, end, index, 0, 0)
      first.left.reason = ''
      first.left.waitsFor = ANSWERED
    }
    answers.giveBack(bytes)
    return outcome
  }

  readonly explain = (direction: Direction, frame: Uint8Array): Explanation => {
    requireFrame(frame, 'explain', direction)
    if (this.#state !== 'connected') return unexplained(direction, 'PortDisconnected')
    return explainFrame(this.#datapath, direction, frame, this.#endsFor(direction), this.#around.clock.nowUs(), HEADROOM)
  }

  readonly counters = (): PortCounters => countersOf(this.#datapath, this.#waiting.asked)

  readonly flows = (): readonly ReturnType<typeof reportFlow>[] => {
    const now = this.#around.clock.nowUs()
    return Array.from(this.#datapath.flows.flows(), (flow) => reportFlow(flow, now))
  }

  #run(
    way: Direction, bytes: Uint8Array, start: number, end: number, floor: number, sink: Sink, index: number, tunnels: number,
    waited: WaitingFrame<Journey<SwitchPort>> | undefined, offload: number, groups: number,
  ): Outcome {
    const sinkBefore = this.#sink
    const indexBefore = this.#index
    const tunnelsBefore = this.#tunnels
    const offloadBefore = this.#datapath.offload
    this.#sink = sink
    this.#index = index
    this.#tunnels = tunnels
    this.#datapath.offload = offload
    this.#datapath.ends = this.#endsFor(way)
    this.#datapath.maxGroups = way === 'outbound' || this.#looksIntoAll ? MAX_GROUPS : groups
    // A sink, a clock or an action context may throw: the port must not go on mirroring to a sink whose batch is over.
    try {
      return waited === undefined ? this.#datapath.process(way, bytes, start, end, floor) : this.#datapath.resume(waited)
    } finally {
      this.#sink = sinkBefore
      this.#index = indexBefore
      this.#tunnels = tunnelsBefore
      this.#datapath.offload = offloadBefore
    }
  }

  /** An appliance looks into whatever its VM says and hears, any other port into what comes from outside to an end of a tunnel. */
  #endsFor(way: Direction): TunnelEnds {
    return way === 'outbound' || this.#looksIntoAll ? this.ends.anywhere : this.ends
  }

  get #looksIntoAll(): boolean {
    return this.#around.options.parseDepth.outbound > 1
  }

  #swap(compiled: CompiledPort): void {
    this.#datapath.policy = compiled
    this.#around.declareEnds(this, compiled.tunnelEnds)
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
  #losing(where: SwitchPort, reason: BuiltInDropReason): Outcome {
    where.#datapath.lose(reason)
    return this.#noted(where, reason, undefined)
  }

  #noted(where: SwitchPort, reason: DropReason, by: Decider | undefined): Outcome {
    this.left.reason = reason
    this.left.by = by
    this.left.where = where
    this.left.waitsFor = PASSED
    return Outcome.Dropped
  }

  #gone(): E.Either<PortError, never> {
    return E.left({ _tag: 'PortGone', port: this.identity.name })
  }
}
