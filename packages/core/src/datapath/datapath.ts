/**
 * One port's way of a packet: parse, look up, and carry out; walk the layers where nothing is cached.
 *
 * Start reading here. `process` is the whole story of one frame:
 *
 * 1. parse the frame to offsets and extract its flow id; what cannot be parsed is dropped by its reason;
 * 2. a later fragment takes the transport from its datagram's first fragment, if that has passed, and else is dropped;
 * 3. look the flow up. A hit counts only while everything it rests on stands: the port's generation, the resource
 *    entries it used, the connections it belongs to, its idle time. Otherwise the layers are walked again and the
 *    flow is kept if the decision is the same (reconciliation), replaced if not;
 * 4. carry out the decision: mirrors, the transposition on the bytes, contexts; a passed RST ends its connection.
 *
 * Invariants: a frame is changed only if it passes. Pairs are added only if the whole walk passed. After `process`
 * the outcome lies in the datapath's own fields until the next call; nothing is allocated for a hit.
 *
 * @see VFP §6
 */
import type { Clock } from '../clock.js'
import { type Direction, extractFlow, hashFlow, isLaterFragment, makeUfid } from '../flow/flow-id.js'
import type { PortIdentity } from '../policy/flow-context.js'
import { type CompiledPort, emptyPort } from '../pipeline/compiled-port.js'
import { type Walk, Walker } from '../pipeline/walk.js'
import { firstFragment, FragmentTable, lendTransport } from '../tables/fragment-table.js'
import type { UnifiedFlow } from '../tables/unified-flow.js'
import { UnifiedFlowTable } from '../tables/unified-flow-table.js'
import { apply } from '../transposition/apply.js'
import { ApplyCode, applyCodeName } from '../transposition/apply-code.js'
import { Frag, type FrameView, L4, makeFrameView, Slot, SLOTS } from '../wire/frame-view.js'
import { parseFrame } from '../wire/parse.js'
import { Reason, reasonName } from '../wire/reason.js'
import { TcpAt, TcpFlag } from '../wire/tcp.js'
import { compileFlow, refresh, sameDecision } from './compile.js'
import { pairUp } from './pairing.js'
import { DropReasons } from './reasons.js'

/** Limits and lifetimes of a port's datapath. */
export interface DatapathOptions {
  /** Most unified flows held; a flow beyond is decided by a walk each time. */
  readonly maxFlows: number
  /** Microseconds without a packet after which a unified flow is forgotten. */
  readonly flowIdleUs: number
  /** Header groups parsed of frames from the VM and from the network, 1–3. */
  readonly parseDepth: Readonly<Record<Direction, number>>
  /** Datagrams whose first fragment is remembered, of each direction. */
  readonly maxFragments: number
  /** Mixed into the hash of flows, so that nobody outside can choose colliding ones. */
  readonly hashSeed: number
}

/** How a frame ended, as a number for the per-packet path. */
export const Outcome = { Passed: 0, Dropped: 1, Hairpinned: 2 } as const
/** How a frame ended. */
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

/** What a port counts. */
export interface DatapathCounters {
  packets: number
  bytes: number
  /** Packets decided by a cached flow as it stood. */
  fast: number
  /** Packets for which the layers were walked. */
  slow: number
  /** Of those, packets whose cached flow was found right again. */
  reconciled: number
  /** Frames that could not be parsed, among the dropped. */
  malformed: number
}

/**
 * Where copies for other ports go; the view is valid until the call returns. `encapsulated` says whether the copy's
 * own transposition put a tunnel around it, whatever becomes of the frame it was copied from.
 */
export type MirrorSink = (port: string, bytes: Uint8Array, start: number, end: number, encapsulated: boolean) => void

/** Room behind which a mirrored copy starts, for what its layers have pushed. */
const COPY_HEADROOM = 256

/** The datapath of one port. */
export class Datapath {
  readonly flows: UnifiedFlowTable
  readonly fragments: Readonly<Record<Direction, FragmentTable>>
  readonly reasons = new DropReasons()
  readonly counters: DatapathCounters = { packets: 0, bytes: 0, fast: 0, slow: 0, reconciled: 0, malformed: 0 }
  readonly walker: Walker
  readonly options: DatapathOptions
  /** The policy in force. */
  policy: CompiledPort = emptyPort
  /** Offsets of the frame after `process`, where it passed or was hairpinned. */
  start = 0
  end = 0
  /** Whether policy put a tunnel around the last frame that passed. */
  encapsulated = false
  /** Interned reason of the last drop. */
  reason = 0
  /** Port of the last hairpin. */
  hairpin = ''
  readonly #clock: Clock
  readonly #mirror: MirrorSink
  readonly #view: FrameView = makeFrameView()
  readonly #words = makeUfid()
  /** Made when the first copy is: most ports mirror nothing. */
  #copy: Uint8Array | undefined

  constructor(port: PortIdentity, options: DatapathOptions, clock: Clock, mirror: MirrorSink) {
    // Signed, as hashes are: the same bits, but no number object at each lookup.
    this.options = { ...options, hashSeed: options.hashSeed | 0 }
    this.flows = new UnifiedFlowTable(options.maxFlows)
    this.fragments = { outbound: new FragmentTable(options.maxFragments), inbound: new FragmentTable(options.maxFragments) }
    this.walker = new Walker(port)
    this.#clock = clock
    this.#mirror = mirror
  }

  /**
   * Takes one frame through the port. The frame lies in `bytes` from `start` to `end` and is rewritten in place;
   * bytes from `floor` on may be used as headroom.
   */
  process(direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number): Outcome {
    const view = this.#view
    const words = this.#words
    const { counters } = this
    counters.packets++
    counters.bytes += end - start
    const parsed = parseFrame(view, bytes, start, end, this.options.parseDepth[direction])
    if (parsed !== Reason.Ok) {
      counters.malformed++
      return this.#drop(reasonName(parsed))
    }
    const nowUs = this.#clock.nowUs()
    if (!this.identify(direction, view, words, nowUs)) return this.#drop('FragmentWithoutFirst')
    const { depth } = view
    const hash = hashFlow(words, depth, this.options.hashSeed)
    const cached = this.flows.lookup(hash, direction, words, depth)
    if (cached !== undefined && this.#stands(cached, nowUs)) {
      counters.fast++
      return this.#carryOut(cached, direction, floor, nowUs)
    }
    counters.slow++
    return this.#carryOut(this.#decide(cached, direction, depth, hash, nowUs), direction, floor, nowUs)
  }

  /**
   * Fills `words` with the flow id of a parsed frame, by which it is decided: its own, but that a later fragment takes the
   * transport from its first. `false` if that one is not known.
   */
  identify(direction: Direction, view: FrameView, words: Uint32Array, nowUs: number): boolean {
    extractFlow(view, words)
    if (!isLaterFragment(words, view.depth)) return true
    const first = this.fragments[direction].find(view, words, nowUs)
    if (first === undefined) return false
    lendTransport(first, words, view.depth)
    return true
  }

  /** Forgets what has been idle too long, looking at no more than `budget` unified flows; how many went. */
  expire(budget = Number.MAX_SAFE_INTEGER): number {
    const nowUs = this.#clock.nowUs()
    for (const layer of this.policy.layers) layer.flows.expire(nowUs)
    this.fragments.outbound.expire(nowUs)
    this.fragments.inbound.expire(nowUs)
    return this.flows.sweep(budget, (flow) => this.#isOver(flow, nowUs))
  }

  /** Whether a cached flow's decision is still the one a walk would take. */
  #stands(flow: UnifiedFlow, nowUs: number): boolean {
    if (flow.generation !== this.policy.generation || this.#isOver(flow, nowUs)) return false
    const { cells, versions } = flow
    for (let i = 0; i < cells.length; i++) if (cells[i]!.version !== versions[i]) return false
    return true
  }

  #isOver(flow: UnifiedFlow, nowUs: number): boolean {
    if (nowUs - flow.lastHitUs >= this.options.flowIdleUs) return true
    const { lifelines } = flow
    for (let i = 0; i < lifelines.length; i++) {
      const line = lifelines[i]!
      if (!line.alive || nowUs - line.lastUsedUs >= line.idleUs) return true
    }
    return false
  }

  /** Walks the layers and makes, keeps or replaces the cached flow accordingly. */
  #decide(cached: UnifiedFlow | undefined, direction: Direction, depth: number, hash: number, nowUs: number): UnifiedFlow {
    const words = this.#words
    const { generation } = this.policy
    const walk = this.walker.walk(this.policy, direction, words, depth, nowUs)
    commit(walk, nowUs)
    for (const rule of walk.rules) rule.counters.walks++
    if (cached !== undefined && walk.mask !== undefined && sameDecision(cached, walk)) {
      refresh(cached, walk, words, generation, this.reasons)
      this.counters.reconciled++
      return cached
    }
    if (cached !== undefined) this.flows.remove(cached)
    const flow = compileFlow(walk, direction, words, depth, hash, generation, nowUs, this.reasons)
    if (walk.mask !== undefined && this.#install(flow, nowUs)) pairUp(this, flow, walk, nowUs)
    return flow
  }

  #install(flow: UnifiedFlow, nowUs: number): boolean {
    if (this.flows.insert(flow)) return true
    this.flows.sweep(64, (old) => this.#isOver(old, nowUs))
    return this.flows.insert(flow)
  }

  #carryOut(flow: UnifiedFlow, direction: Direction, floor: number, nowUs: number): Outcome {
    const view = this.#view
    const { start, end } = view
    flow.lastHitUs = nowUs
    flow.packets++
    flow.bytes += end - start
    const { tallies } = flow
    for (let i = 0; i < tallies.length; i++) {
      tallies[i]!.packets++
      tallies[i]!.bytes += end - start
    }
    const last = (view.depth - 1) * SLOTS
    if (flow.verdict._tag === 'Drop') {
      this.reason = flow.reason
      this.reasons.count(flow.reason)
      return Outcome.Dropped
    }
    const reset = view.slots[last + Slot.L4_KIND] === L4.Tcp && (view.bytes[view.slots[last + Slot.L4]! + TcpAt.FLAGS]! & TcpFlag.Rst) !== 0
    // Taken now, as bytes and words are about to change, but remembered only if the fragment leaves.
    const first = view.slots[last + Slot.FRAG] === Frag.First ? firstFragment(view, this.#words, nowUs) : undefined
    if (flow.mirrors.length > 0) this.#copies(flow)
    const code = apply(flow.program, view, floor)
    if (code !== ApplyCode.Ok) return this.#drop(applyCodeName(code))
    if (first !== undefined) this.fragments[direction].remember(first)

    const { lifelines, contexts } = flow
    for (let i = 0; i < lifelines.length; i++) lifelines[i]!.lastUsedUs = nowUs
    for (let i = 0; i < contexts.length; i++) {
      const { context, popped, pushedBytes } = contexts[i]!
      const length = popped === 0 ? end - start : view.slots[(popped - 1) * SLOTS + Slot.END]! - view.slots[popped * SLOTS + Slot.L2]!
      context.onPacket(length + pushedBytes, nowUs)
    }
    if (reset) this.#end(flow)
    this.encapsulated = flow.program.pushes > 0
    this.start = view.start
    this.end = view.end
    if (flow.verdict._tag === 'Hairpin') {
      this.hairpin = flow.verdict.port
      return Outcome.Hairpinned
    }
    return Outcome.Passed
  }

  /** Ends the connection a RST was for: its pairs in every layer, and both its unified flows. */
  #end(flow: UnifiedFlow): void {
    for (const layer of this.policy.layers) {
      for (const line of flow.lifelines) layer.flows.removeIfHeld(line)
    }
    if (flow.peer !== undefined) this.flows.remove(flow.peer)
    this.flows.remove(flow)
  }

  #copies(flow: UnifiedFlow): void {
    const view = this.#view
    const { bytes, start, end, depth } = view
    if (this.#copy === undefined || this.#copy.length < COPY_HEADROOM + end - start) {
      this.#copy = new Uint8Array(COPY_HEADROOM + Math.max(0x1_0000, end - start))
    }
    const copy = this.#copy
    for (const mirror of flow.mirrors) {
      copy.set(bytes.subarray(start, end), COPY_HEADROOM)
      parseFrame(MIRROR_VIEW, copy, COPY_HEADROOM, COPY_HEADROOM + end - start, depth)
      if (apply(mirror.program, MIRROR_VIEW, 0) !== ApplyCode.Ok) continue
      this.#mirror(mirror.port, copy, MIRROR_VIEW.start, MIRROR_VIEW.end, mirror.program.pushes > 0)
    }
    // A collector that answers at once sends through this very port, and the view is filled anew for each frame.
    parseFrame(view, bytes, start, end, depth)
  }

  #drop(name: string): Outcome {
    this.reason = this.reasons.intern(name)
    this.reasons.count(this.reason)
    return Outcome.Dropped
  }
}

const MIRROR_VIEW = makeFrameView()

/** Adds the connections that a passed walk made. */
const commit = (walk: Walk, nowUs: number): void => {
  for (const made of walk.newPairs) made.layer.flows.add(made.pair, made.after, made.afterDepth, nowUs)
}
