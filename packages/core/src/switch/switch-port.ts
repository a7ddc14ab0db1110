/** A port at work: its control side, its datapath, and its life. */
import * as E from 'fp-ts/lib/Either.js'
import type { Clock } from '../clock.js'
import { Datapath, type DatapathOptions, type MirrorSink, Outcome } from '../datapath/datapath.js'
import { type Direction, makeUfid } from '../flow/flow-id.js'
import { emptyPort } from '../pipeline/compiled-port.js'
import { explain, type Explanation, unexplained } from '../pipeline/explain.js'
import type { PortIdentity } from '../policy/flow-context.js'
import type { LayerType } from '../policy/layer.js'
import type { Place } from '../policy/port-policy.js'
import type { AnyResource } from '../policy/resource.js'
import { makeFrameView } from '../wire/frame-view.js'
import { parseFrame } from '../wire/parse.js'
import { Reason, reasonName } from '../wire/reason.js'
import { Control } from './control.js'
import type { Environment } from './environment.js'
import { reportFlow } from './flow-report.js'
import type { LayerHandle } from './layer-handle.js'
import type { Batch, Output, Processed, Sink } from './output.js'
import type { Port, PortCounters, PortState } from './port.js'
import type { PortError } from './port-error.js'

/** What a port needs of its switch. */
export interface PortSurroundings {
  readonly clock: Clock
  readonly options: DatapathOptions
  readonly maxConnections: number
  readonly environment: Environment
  readonly resource: (name: string) => AnyResource | undefined
  readonly find: (name: string) => SwitchPort | undefined
  /** Called when the port has been deleted. */
  readonly forget: (port: SwitchPort) => void
}

/** Re-entries by hairpin after which a frame is taken to be looping. */
export const MAX_HAIRPINS = 4
/** Headroom that `process` gives a copied frame: three IPv6 encapsulations and a little. */
export const HEADROOM = 256

/** A port of a switch. */
export class SwitchPort implements Port {
  readonly identity: PortIdentity
  readonly vni: number | undefined
  readonly #around: PortSurroundings
  readonly #datapath: Datapath
  readonly #control: Control
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
  readonly expire = (budget?: number): number => this.#datapath.expire(budget)

  readonly process = (direction: Direction, frame: Uint8Array): Processed => {
    const bytes = new Uint8Array(HEADROOM + frame.length)
    bytes.set(frame, HEADROOM)
    const outputs: Output[] = []
    const reason = this.forward(direction, bytes, HEADROOM, HEADROOM + frame.length, 0, (to, why, b, start, end) => {
      outputs.push({ to, why, frame: b.slice(start, end) })
    }, 0)
    return { outcome: reason === '' ? { _tag: 'Passed' } : { _tag: 'Dropped', reason }, outputs }
  }

  readonly processBatch = (direction: Direction, batch: Batch, sink: Sink): void => {
    requireLengths(batch)
    let floor = 0
    for (let i = 0; i < batch.count; i++) {
      const start = batch.start[i]!
      const end = start + batch.length[i]!
      if (start < floor || end > batch.bytes.length) {
        this.#lost(BAD_BATCH)
        batch.verdict[i] = 1
        batch.reason[i] = this.#datapath.reasons.intern(BAD_BATCH)
        continue
      }
      const reason = this.forward(direction, batch.bytes, start, end, floor, sink, i)
      batch.verdict[i] = reason === '' ? 0 : 1
      batch.reason[i] = reason === '' ? 0 : this.#datapath.reasons.intern(reason)
      if (reason === '') {
        batch.start[i] = this.left.start
        batch.length[i] = this.left.end - this.left.start
      }
      floor = end
    }
  }

  /** Where the frame last passed by `forward` lies, and the port it left by: this one unless it was hairpinned. */
  readonly left: { port: SwitchPort; start: number; end: number } = { port: this, start: 0, end: 0 }

  /**
   * Takes one frame through this port and, by hairpins, through others; what leaves goes to the sink. The name of the
   * reason if it was dropped, else the empty string.
   */
  forward(direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number, sink: Sink, index: number): string {
    return SwitchPort.#through(this, direction, bytes, start, end, floor, sink, index)
  }

  static #through(
    first: SwitchPort, direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number, sink: Sink, index: number,
  ): string {
    let port = first
    let way = direction
    let from = start
    let to = end
    // One hop's tunnel is still around the frame at the next, which may only see that its own policy added none.
    let encapsulated = false
    for (let hairpins = 0; ; hairpins++) {
      if (port.#state !== 'connected') return port.#lost('PortDisconnected')
      const outcome = port.#run(way, bytes, from, to, floor, sink, index, encapsulated)
      if (outcome === Outcome.Dropped) return port.#datapath.reasons.name(port.#datapath.reason)
      from = port.#datapath.start
      to = port.#datapath.end
      encapsulated ||= port.#datapath.encapsulated
      if (outcome === Outcome.Passed) {
        first.left.port = port
        sink(way === 'outbound' ? 'network' : 'vm', 'forward', bytes, from, to, index, encapsulated)
        // Only now: the sink may have taken other frames through this port.
        first.left.start = from
        first.left.end = to
        return ''
      }
      if (hairpins === MAX_HAIRPINS) return port.#lost('HairpinLimit')
      const next = first.#around.find(port.#datapath.hairpin)
      if (next === undefined) return port.#lost('NoSuchPort')
      port = next
      way = 'outbound'
    }
  }

  readonly explain = (direction: Direction, frame: Uint8Array): Explanation => {
    if (this.#state !== 'connected') return unexplained(direction, 'PortDisconnected')
    const view = makeFrameView()
    const parsed = parseFrame(view, frame, 0, frame.length, this.#around.options.parseDepth[direction])
    if (parsed !== Reason.Ok) return unexplained(direction, reasonName(parsed))
    const words = makeUfid()
    const nowUs = this.#around.clock.nowUs()
    if (!this.#datapath.identify(direction, view, words, nowUs)) return unexplained(direction, 'FragmentWithoutFirst')
    return explain(this.#datapath.walker, this.#datapath.policy, direction, words, view.depth, nowUs)
  }

  readonly counters = (): PortCounters => ({
    ...this.#datapath.counters,
    drops: this.#datapath.reasons.counts(),
    flows: this.#datapath.flows.size,
    // Two keys a pair: counted so, because counters are read while traffic runs.
    connections: Object.fromEntries(this.#datapath.policy.layers.map((l) => [l.name, l.flows.size / 2])),
  })

  readonly flows = (): readonly ReturnType<typeof reportFlow>[] => {
    const now = this.#around.clock.nowUs()
    return Array.from(this.#datapath.flows.flows(), (flow) => reportFlow(flow, now))
  }

  #run(
    way: Direction, bytes: Uint8Array, start: number, end: number, floor: number, sink: Sink, index: number, wrapped: boolean,
  ): Outcome {
    const sinkBefore = this.#sink
    const indexBefore = this.#index
    const wrappedBefore = this.#wrapped
    this.#sink = sink
    this.#index = index
    this.#wrapped = wrapped
    // A sink, a clock or an action context may throw: the port must not go on mirroring to a sink whose batch is over.
    try {
      return this.#datapath.process(way, bytes, start, end, floor)
    } finally {
      this.#sink = sinkBefore
      this.#index = indexBefore
      this.#wrapped = wrappedBefore
    }
  }

  #lost(reason: string): string {
    this.#datapath.reasons.count(this.#datapath.reasons.intern(reason))
    return reason
  }

  #gone(): E.Either<PortError, never> {
    return E.left({ _tag: 'PortGone', port: this.identity.name })
  }
}

const BAD_BATCH = 'BadBatch'

const requireLengths = ({ start, length, verdict, reason, count }: Batch): void => {
  if (start.length < count) tooShort('start', start.length, count)
  if (length.length < count) tooShort('length', length.length, count)
  if (verdict.length < count) tooShort('verdict', verdict.length, count)
  if (reason.length < count) tooShort('reason', reason.length, count)
}

const tooShort = (name: string, there: number, count: number): never => {
  throw new RangeError(`batch.${name} has ${there} elements, but the batch counts ${count} frames`)
}
