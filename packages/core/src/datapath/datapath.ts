/**
 * One port's way of a packet: parse, look up, and carry out; walk the layers where nothing is cached.
 *
 * Start reading here. `process` is the whole story of one frame:
 *
 * 1. parse the frame to offsets and extract its flow id; what cannot be parsed is dropped by its reason;
 * 2. a later fragment takes the transport from its datagram's first fragment, if that has passed, and else is dropped;
 * 3. while packets of its flow wait for an answer of a resource, join them;
 * 4. look the flow up. A hit counts only while everything it rests on stands: the port's generation, the resource
 *    entries it used, the connections it belongs to, its idle time. Otherwise the layers are walked again and the
 *    flow is kept if the decision is the same (reconciliation), replaced if not. A walk that has to wait for a resource
 *    decides nothing: the packet is `Pending`, and its owner parks it;
 * 5. carry out the decision, unless the packet would be longer than the network takes (`mtu.ts`): work on the payload, mirrors, the
 *    transposition on the bytes, the answer where a responder gives one, contexts; a passed RST ends its connection.
 *
 * Invariants: a frame is changed only if it passes (or its responder, asked last, has nothing to say). Pairs are added only if the whole walk passed. After `process`
 * the outcome lies in the datapath's own fields until the next call; nothing is allocated for a hit.
 *
 * @see VFP §6
 */
import type { Clock } from '../clock.js'
import type { BuiltInDropReason } from '../drop-reason.js'
import { type Direction, extractFlow, hashFlow, isLaterFragment, makeUfid } from '../flow/flow-id.js'
import type { PortIdentity } from '../policy/flow-context.js'
import { NO_ANSWER, TAKEN } from '../policy/responder.js'
import { type CompiledPort, emptyPort } from '../pipeline/compiled-port.js'
import { type Walk, Walker } from '../pipeline/walk.js'
import { firstFragment, follow, type FragmentRefusal, FragmentTable } from '../tables/fragment-table.js'
import { countHit, type Decider, type UnifiedFlow } from '../tables/unified-flow.js'
import { UnifiedFlowTable } from '../tables/unified-flow-table.js'
import { apply } from '../transposition/apply.js'
import { ApplyCode, applyCodeName } from '../transposition/apply-code.js'
import { Frag, type FrameView, L4, makeFrameView, MAX_GROUPS, Slot, SLOTS } from '../wire/frame-view.js'
import { movedPlace } from '../wire/offload.js'
import { parseFrame } from '../wire/parse.js'
import { Reason, reasonName } from '../wire/reason.js'
import { EVERY_TUNNEL } from '../wire/tunnel-ends.js'
import { TcpAt, TcpFlag } from '../wire/tcp.js'
import { ANSWER_HEADROOM, Answers } from './answers.js'
import { compileFlow, refresh, sameDecision } from './compile.js'
import { Copies, type MirrorSink } from './copies.js'
import { measureLayers } from './layer-lengths.js'
import { type Leaves, MtuGuard } from './mtu.js'
import { NetworkMtu } from './network-mtu.js'
import { Outcome } from './outcome.js'
import { pairUp } from './pairing.js'
import { Pending } from './pending.js'
import type { DatapathCounters, DatapathOptions } from './datapath-options.js'
import { DropReasons } from './reasons.js'
import { transformPayload, type TransformRefusal, transformsAny } from './transform-payload.js'
import { hidesPlace, offloadInside, SEVERAL } from './unfinished.js'
import { DEFAULT_PENDING, type WaitingFrame, type WaitRefusal } from './waiting-room.js'

/** The datapath of one port. `J` is what its owner needs to send a packet that waited on its way again. */
export class Datapath<J = unknown> {
  readonly flows: UnifiedFlowTable
  readonly fragments: Readonly<Record<Direction, FragmentTable>>
  readonly reasons = new DropReasons()
  readonly counters: DatapathCounters = { packets: 0, bytes: 0, fast: 0, slow: 0, reconciled: 0, malformed: 0 }
  readonly walker: Walker
  readonly pending: Pending<J>
  readonly answers: Answers
  readonly options: DatapathOptions
  readonly mtu: MtuGuard
  /** Of the frame in hand, set by the owner: tunnel ends and header groups to look into at most; what its sender left to others, and what is left of it at the end. */
  ends = EVERY_TUNNEL
  maxGroups: number = MAX_GROUPS
  offload = 0
  offloadLeft = 0
  /** The policy in force. */
  policy: CompiledPort = emptyPort
  /** After `process`, of a frame that passed, was hairpinned or answered: offsets of it or the answer; tunnels policy took off it, then put around it. */
  start = 0
  end = 0
  popped = 0
  pushed = 0
  /** Interned reason of the last drop, and the rule that dropped it, if one did; port of the last hairpin. */
  reason = 0
  by: Decider | undefined
  hairpin = ''
  readonly #clock: Clock
  readonly #copies: Copies
  readonly #view: FrameView
  readonly #words = makeUfid()
  /** Lengths of the frame in hand at the layers of its contexts. */
  readonly #lengths: number[] = []
  /** What a frame was before its payload was worked on; not here while one is being worked on. */
  #before: Uint8Array | undefined
  /** Bytes that each context of the flow in hand added to the payload. */
  readonly #added: number[] = []
  #hash = 0
  /** The walk of the packet in hand, while connections and holds of it wait for the bytes to be rewritten; and to be paired. */
  #uncommitted: Walk | undefined
  #unpaired: Walk | undefined

  constructor(port: PortIdentity, options: DatapathOptions, clock: Clock, mirror: MirrorSink, leaves: Leaves = () => true) {
    // Signed, as hashes are: the same bits, but no number object at each lookup.
    this.options = { ...options, hashSeed: options.hashSeed | 0 }
    this.#view = makeFrameView(options.geneveOptions)
    this.flows = new UnifiedFlowTable(options.maxFlows)
    this.fragments = { outbound: new FragmentTable(options.maxFragments), inbound: new FragmentTable(options.maxFragments) }
    this.walker = new Walker(port)
    this.pending = new Pending(options.pending ?? DEFAULT_PENDING, options.maxFragments, (reason) => { this.lose(reason) })
    this.answers = new Answers(options.geneveOptions)
    this.mtu = new MtuGuard(options.mtu ?? {}, options.geneveOptions, leaves, options.network ?? new NetworkMtu(clock))
    this.#clock = clock
    this.#copies = new Copies(mirror)
  }

  /**
   * Takes one frame through the port. The frame lies in `bytes` from `start` to `end` and is rewritten in place;
   * bytes from `floor` on may be used as headroom. One that is `Pending` is to be {@link park}ed at once, and is as it was.
   */
  process(direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number): Outcome {
    this.counters.packets++
    this.counters.bytes += end - start
    return this.#take(direction, bytes, start, end, floor, undefined)
  }

  /**
   * Takes a packet that waited through the port, as {@link process} does. One that is `Pending` again is to be put back
   * (`pending.putBack`) at once; any other does not wait any more.
   */
  resume(frame: WaitingFrame<J>): Outcome {
    const { bytes, start, flow } = frame
    const outcome = this.#take(flow.direction, bytes, start, bytes.length, 0, frame)
    if (outcome !== Outcome.Pending) this.pending.room.end(frame, outcome !== Outcome.Dropped && outcome !== Outcome.Oversize)
    return outcome
  }

  /** Lets the packet that was `Pending` just now wait, which missed so many keys on earlier hops. Why not, if not. */
  park(direction: Direction, bytes: Uint8Array, start: number, end: number, headroom: number, misses: number, journey: J): WaitRefusal {
    const refusal = this.pending.refusal(end - start, misses)
    if (refusal !== '') return refusal
    const copy = new Uint8Array(headroom + end - start)
    copy.set(bytes.subarray(start, end), headroom)
    this.pending.park({ bytes: copy, start: headroom, journey, misses }, this.#hash, direction, this.#words, this.#view.depth)
    return ''
  }

  #take(direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number, waited: WaitingFrame<J> | undefined): Outcome {
    const view = this.#view
    const words = this.#words
    const { counters, pending } = this
    view.ends = this.ends
    const parsed = parseFrame(view, bytes, start, end, Math.min(this.options.parseDepth[direction], this.maxGroups))
    if (parsed !== Reason.Ok) {
      counters.malformed++
      return this.#drop(reasonName(parsed))
    }
    const nowUs = this.#clock.nowUs()
    const unknown = this.identify(direction, view, words, nowUs)
    const mayJoin = waited === undefined && !pending.room.isEmpty
    if (unknown !== '') {
      const refusal = unknown === 'FragmentWithoutFirst' && mayJoin ? pending.lend(direction, view, words, nowUs) : unknown
      if (refusal !== '') return this.#drop(refusal)
    }
    const { depth } = view
    const hash = hashFlow(words, depth, this.options.hashSeed)
    if (mayJoin) {
      pending.room.expire(nowUs)
      if (pending.joins(hash, direction, view, words, nowUs)) return Outcome.Pending
      if (unknown !== '') return this.#drop(unknown)
    }
    // An error is decided by what it quotes, too, which no lookup compares.
    const cached = view.quoted ? undefined : this.flows.lookup(hash, direction, words, depth)
    if (cached !== undefined && this.#stands(cached, nowUs)) {
      counters.fast++
      if (waited !== undefined) pending.room.holdsNow(waited)
      return this.#carryOut(cached, direction, floor, nowUs)
    }
    const flow = this.#decide(cached, direction, depth, hash, nowUs, waited)
    if (flow === undefined) return Outcome.Pending
    counters.slow++
    return this.#carryOut(flow, direction, floor, nowUs)
  }

  /**
   * Fills `words` with the flow id of a parsed frame, by which it is decided: its own, but that a later fragment takes the
   * transport from its first. Answers why it does not, if it does not.
   */
  identify(direction: Direction, view: FrameView, words: Uint32Array, nowUs: number): FragmentRefusal | '' {
    extractFlow(view, words)
    return isLaterFragment(words, view.depth) ? follow(this.fragments[direction].find(view, words, nowUs), view, words) : ''
  }

  /** Forgets what has been idle too long, looking at no more than `budget` unified flows; how many went. */
  expire(budget = Number.MAX_SAFE_INTEGER): number {
    const nowUs = this.#clock.nowUs()
    for (const layer of this.policy.layers) layer.flows.expire(nowUs)
    this.fragments.outbound.expire(nowUs)
    this.fragments.inbound.expire(nowUs)
    this.pending.expire(nowUs)
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

  /** Walks the layers and makes, keeps or replaces the cached flow accordingly; `undefined` if the packet has to wait. */
  #decide(
    cached: UnifiedFlow | undefined, direction: Direction, depth: number, hash: number, nowUs: number, waited: WaitingFrame<J> | undefined,
  ): UnifiedFlow | undefined {
    const words = this.#words
    const { pending } = this
    const { generation } = this.policy
    const walked = this.walker.walk(this.policy, direction, words, depth, nowUs)
    for (const rule of walked.rules) rule.counters.walks++
    const patience = pending.note(walked, nowUs)
    pending.holds.letGo(walked.stray)
    if (waited !== undefined) pending.room.holdsNow(waited, walked.holds)
    if (walked.waitsFor !== undefined) {
      if (cached !== undefined) this.flows.remove(cached)
      this.#hash = hash
      pending.begin(walked, walked.waitsFor, this.#view, words, nowUs)
      return undefined
    }
    const walk = patience.length === 0 ? walked : { ...walked, dependencies: [...walked.dependencies, ...patience] }
    if (walk.verdict._tag === 'Drop') pending.holds.letGo(walk.holds)
    else if (walk.holds.length > 0 || walk.newPairs.length > 0) this.#uncommitted = walk
    if (cached !== undefined && walk.mask !== undefined && sameDecision(cached, walk)) {
      refresh(cached, walk, words, generation, this.reasons)
      this.counters.reconciled++
      return cached
    }
    if (cached !== undefined) this.flows.remove(cached)
    const flow = compileFlow(walk, direction, words, depth, hash, generation, nowUs, this.reasons)
    if (walk.mask !== undefined && this.#install(flow, nowUs)) this.#unpaired = walk
    return flow
  }

  /** Connections begin, and what rules took is theirs, only now that the packet has passed. */
  #commit(walk: Walk, nowUs: number): void {
    const { holds } = this.pending
    holds.keep(walk.holds)
    for (const { layer, pair, after, afterDepth } of walk.newPairs) {
      if (layer.flows.add(pair, after, afterDepth, nowUs)) holds.connect(pair)
    }
  }

  /** The bytes refused what the layers had decided: a flow that was to begin a connection did not. */
  #abandon(flow: UnifiedFlow, walk: Walk | undefined, outcome: Outcome): Outcome {
    if (walk === undefined) return outcome
    this.pending.holds.letGo(walk.holds)
    this.flows.remove(flow)
    return outcome
  }

  #install(flow: UnifiedFlow, nowUs: number): boolean {
    if (this.flows.insert(flow)) return true
    this.flows.sweep(64, (old) => this.#isOver(old, nowUs))
    return this.flows.insert(flow)
  }

  #carryOut(flow: UnifiedFlow, direction: Direction, floor: number, nowUs: number): Outcome {
    const walk = this.#uncommitted
    const paired = this.#unpaired
    this.#uncommitted = this.#unpaired = undefined
    const view = this.#view
    const { start, end } = view
    const { mtu } = this
    if (direction === 'outbound' && flow.verdict._tag === 'Continue' && mtu.isOver(flow, view, this.offload)) {
      return this.#abandon(flow, walk, Outcome.Oversize)
    }
    countHit(flow, end - start, nowUs)
    const last = (view.depth - 1) * SLOTS
    if (flow.verdict._tag === 'Drop') {
      this.reason = flow.reason
      this.by = flow.by
      this.reasons.count(flow.reason)
      return Outcome.Dropped
    }
    const flags = view.slots[last + Slot.L4_KIND] === L4.Tcp ? view.bytes[view.slots[last + Slot.L4]! + TcpAt.FLAGS]! : 0
    // Taken now, as bytes and words are about to change, but remembered only if the fragment leaves.
    const first = view.slots[last + Slot.FRAG] === Frag.First ? firstFragment(view, this.#words, nowUs) : undefined
    const { lifelines, contexts } = flow
    const before = contexts.length > 0 && transformsAny(contexts) ? this.#remember() : undefined
    if (before === undefined) {
      if (flow.mirrors.length > 0) this.#copies.send(flow.mirrors, view, 0)
    } else {
      const refusal = this.#transform(flow, floor, nowUs)
      if (refusal !== '') return this.#abandon(flow, walk, this.#undo(before, start, end, refusal))
    }
    if (contexts.length > 0) measureLayers(contexts, view, end, this.#lengths)
    const clamped = (flags & TcpFlag.Syn) !== 0 && mtu.clamp(flow, view)
    const whole = end - view.start
    const code = (this.offloadLeft = offloadInside(view, this.offload, flow.program.popNeeds.length)) === SEVERAL ? ApplyCode.Shape : apply(flow.program, view, floor)
    if (code !== ApplyCode.Ok) {
      if (clamped) mtu.unclamp(view.bytes)
      return this.#abandon(flow, walk, before === undefined ? this.#drop(applyCodeName(code)) : this.#undo(before, start, end, applyCodeName(code)))
    }
    const answer = flow.verdict._tag === 'Reply' ? this.answers.make(flow, view, nowUs) : TAKEN
    if (answer === NO_ANSWER) return this.#abandon(flow, walk, before === undefined ? this.#drop('NoReply') : this.#undo(before, start, end, 'NoReply'))
    if (walk !== undefined) this.#commit(walk, nowUs)
    if (paired !== undefined) pairUp(this, flow, paired, nowUs)
    if (first !== undefined) this.fragments[direction].remember(first)

    let later = before === undefined ? 0 : whole - (end - start)
    for (let i = 0; i < lifelines.length; i++) lifelines[i]!.lastUsedUs = nowUs
    for (let i = 0; i < contexts.length; i++) {
      if (before !== undefined) later -= this.#added[i]!
      contexts[i]!.context.onPacket(this.#lengths[i]! - later, nowUs)
    }
    if (before !== undefined) this.#before = before
    if ((flags & TcpFlag.Rst) !== 0) this.#end(flow)
    this.popped = flow.program.popNeeds.length
    this.pushed = flow.program.pushes
    this.start = view.start
    this.end = view.end
    if (flow.verdict._tag === 'Hairpin') {
      this.hairpin = flow.verdict.port
      return Outcome.Hairpinned
    }
    if (flow.verdict._tag === 'Reply') {
      this.start = ANSWER_HEADROOM
      this.end = ANSWER_HEADROOM + Math.max(0, answer)
      return Outcome.Answered
    }
    return Outcome.Passed
  }

  /** Ends the connection a RST was for: its pairs in every layer, and both its unified flows. */
  #end(flow: UnifiedFlow): void {
    for (const layer of this.policy.layers) for (const line of flow.lifelines) layer.flows.removeIfHeld(line)
    if (flow.peer !== undefined) this.flows.remove(flow.peer)
    this.flows.remove(flow)
  }

  /** A copy of the frame in hand, in case it is refused after work on its payload. */
  #remember(): Uint8Array {
    const { bytes, start, end } = this.#view
    const length = end - start
    const before = this.#before !== undefined && this.#before.length >= length ? this.#before : new Uint8Array(Math.max(2048, 2 * length))
    this.#before = undefined
    before.set(bytes.subarray(start, end))
    return before
  }

  /** Drops the frame in hand as it was. */
  #undo(before: Uint8Array, start: number, end: number, reason: BuiltInDropReason): Outcome {
    this.#view.bytes.set(before.subarray(0, end - start), start)
    this.#before = before
    return this.#drop(reason)
  }

  /** Lets the contexts work on the payload, one after the other, and mirrors what each layer left; why not, if not. */
  #transform(flow: UnifiedFlow, floor: number, nowUs: number): TransformRefusal {
    const { contexts, mirrors } = flow
    const view = this.#view
    let transforms = 0
    for (let i = 0; i < contexts.length; i++) {
      const { context } = contexts[i]!
      this.#added[i] = 0
      if (context.transform === undefined) continue
      if (mirrors.length > 0) this.#copies.send(mirrors, view, transforms)
      const start = view.start
      const refusal = hidesPlace(view, this.offload) ? 'PayloadRefused' : transformPayload(view, context, floor, nowUs)
      if (refusal !== '') return refusal
      this.#added[i] = start - view.start
      this.offload = movedPlace(this.offload, this.#added[i]!)
      transforms++
    }
    if (mirrors.length > 0) this.#copies.send(mirrors, view, transforms)
    return ''
  }

  /** Counts a drop; the number of its reason. */
  lose(name: BuiltInDropReason): number {
    const number = this.reasons.intern(name)
    this.reasons.count(number)
    return number
  }

  #drop(name: BuiltInDropReason): Outcome {
    this.reason = this.lose(name)
    this.by = undefined
    return Outcome.Dropped
  }
}
