/**
 * What one port does about keys that its resources do not know yet.
 *
 * A walk that missed keys is **noted** here, whether its packet waits or goes a default way: each key becomes outstanding, and
 * the port asks for it after the packet. A packet that has to wait is in hand from the moment its datapath answered `Pending`
 * until its owner **parks** it or, where it waited before, **puts it back**; only the owner knows how to send it on later.
 *
 * A first fragment that waits is remembered for its later ones, so that they join it instead of being dropped for want of it;
 * apart from the fragments that passed, because nothing has been decided about it.
 */
import type { BuiltInDropReason } from '../drop-reason.js'
import type { Direction } from '../flow/flow-id.js'
import type { Hold } from '../policy/decision.js'
import type { Dependency } from '../pipeline/flow-tracker.js'
import type { Miss } from '../pipeline/miss.js'
import type { Walk } from '../pipeline/walk.js'
import { firstFragment, follow, FragmentTable, type FirstFragment, type FragmentRefusal } from '../tables/fragment-table.js'
import { Frag, type FrameView, Slot, SLOTS } from '../wire/frame-view.js'
import { Holds } from './holds.js'
import { type Outstanding, OutstandingKeys } from './outstanding.js'
import { type Arrival, type PendingOptions, type WaitingFlow, type WaitingFrame, WaitingRoom, type WaitRefusal } from './waiting-room.js'

/** The pending packets and keys of one port. `J` is what their owner needs to send a packet on its way again. */
export class Pending<J> {
  readonly holds = new Holds()
  readonly keys: OutstandingKeys<WaitingFlow<J>>
  readonly room: WaitingRoom<J>
  /** The key that the packet in hand waits for. */
  miss: Miss | undefined
  readonly #firsts: Readonly<Record<Direction, FragmentTable>>
  // Of the packet in hand: the flow it joins, or else the key it missed, if there was room for that.
  #flow: WaitingFlow<J> | undefined
  #missed: Outstanding<WaitingFlow<J>> | undefined
  #holding: readonly Hold[] = NONE
  #first: FirstFragment | undefined
  #atUs = 0

  /** `dropped` is told of each packet that waited and does not leave by a walk. */
  constructor(options: PendingOptions, maxFragments: number, dropped: (reason: BuiltInDropReason) => void) {
    this.keys = new OutstandingKeys(options.keys, options.timeoutUs)
    this.room = new WaitingRoom(options, this.holds, dropped)
    this.#firsts = { outbound: new FragmentTable(maxFragments), inbound: new FragmentTable(maxFragments) }
  }

  /** Puts the keys that a walk missed in question; what its flow depends on for their sake. */
  note(walk: Walk, nowUs: number): readonly Dependency[] {
    return walk.misses.map((miss) => this.keys.dependencyOn(this.keys.note(miss, nowUs)))
  }

  /** Lends a later fragment the transport of its first one, if that waits here; why not, if not. */
  lend(direction: Direction, view: FrameView, words: Uint32Array, nowUs: number): FragmentRefusal | '' {
    return follow(this.#firsts[direction].find(view, words, nowUs), view, words)
  }

  /** Takes a packet in hand if others of its flow wait: it has to stay behind them. */
  joins(hash: number, direction: Direction, view: FrameView, words: Uint32Array, nowUs: number): boolean {
    const flow = this.room.find(hash, direction, words, view.depth)
    if (flow === undefined) return false
    this.#take(flow, undefined, flow.waitsFor.miss, NONE, view, words, nowUs)
    return true
  }

  /** Takes a packet in hand whose walk, {@link note}d before, waits for `miss`. */
  begin(walk: Walk, miss: Miss, view: FrameView, words: Uint32Array, nowUs: number): void {
    this.#take(undefined, this.keys.note(miss, nowUs), miss, walk.holds, view, words, nowUs)
  }

  /** Why the packet in hand, which missed so many keys before, may not wait; what its walk took is then given back. */
  refusal(lengthBytes: number, misses: number): WaitRefusal {
    const key = this.#flow?.waitsFor ?? this.#missed
    const refusal = key === undefined ? 'PendingOverflow' : this.room.refusal(key, lengthBytes, misses + (this.#flow === undefined ? 1 : 0))
    if (refusal !== '') this.holds.letGo(this.#holding)
    return refusal
  }

  /** Whether the answer that the packet in hand waits for seems to have come already. */
  get isAnswered(): boolean {
    const key = this.#flow?.waitsFor ?? this.#missed
    return key !== undefined && key.cell.version !== key.version
  }

  /** Lets the packet in hand wait; there must be room. The words and hash are those it was decided by. */
  park(arrival: Arrival<J>, hash: number, direction: Direction, words: Uint32Array, depth: number): void {
    if (this.#flow !== undefined) this.room.admit(this.#flow, arrival, false, NONE, this.#atUs)
    else if (this.#missed !== undefined) {
      this.room.admit(this.room.flowOf(hash, direction, words, depth, this.#missed), arrival, true, this.#holding, this.#atUs)
    }
    if (this.#first !== undefined) this.#firsts[direction].remember(this.#first)
  }

  /** Lets the packet in hand, which has waited before, wait for what it missed now; why not, if not. */
  putBack(frame: WaitingFrame<J>): WaitRefusal {
    const refused = this.room.putBack(frame, this.#missed)
    if (refused !== '') this.room.end(frame, false)
    return refused
  }

  /** Drops what has waited too long, and asks again for keys that are still waited for. */
  expire(nowUs: number): void {
    this.room.expire(nowUs)
    this.keys.expire(nowUs)
    this.#firsts.outbound.expire(nowUs)
    this.#firsts.inbound.expire(nowUs)
  }

  #take(
    flow: WaitingFlow<J> | undefined, missed: Outstanding<WaitingFlow<J>> | undefined, miss: Miss, holding: readonly Hold[],
    view: FrameView, words: Uint32Array, nowUs: number,
  ): void {
    this.#flow = flow
    this.#missed = missed
    this.miss = miss
    this.#holding = holding
    this.#first = view.slots[(view.depth - 1) * SLOTS + Slot.FRAG] === Frag.First ? firstFragment(view, words, nowUs) : undefined
    this.#atUs = nowUs
  }
}

const NONE: readonly Hold[] = []
