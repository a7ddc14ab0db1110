/**
 * Packets that wait for answers of resources.
 *
 * What: per flow a queue of packets, first in first out; per outstanding key the flows whose foremost packet waits for it. A
 * packet that comes while others of its flow wait joins behind them without being walked, so a flow's packets stay in order.
 * When the answer has come, the foremost packet is **taken**, and walked afresh as if it came only now; it may miss another
 * key, and is put back in front, a bounded number of times.
 *
 * Invariants:
 * - at most so many packets and bytes a port, and so many packets a key; one beyond is refused, and the caller counts it;
 * - a packet is over exactly once: passed on, dropped by its walk, or dropped for its time. It keeps its place in the count
 *   until then, also while it is being walked;
 * - at the first instant `timeoutUs` after it came a packet is dropped; not before, and it is not passed on after;
 * - a flow is here while it has packets, or while one of them is being walked.
 *
 * The packets are copies: the buffer they came in is its owner's. Time is what the caller says it is.
 *
 * Cost: while nothing waits, one comparison a packet; else one lookup by hash.
 *
 * @see VFP §5.5.1
 */
import type { BuiltInDropReason } from '../drop-reason.js'
import { type Direction, sameFlow } from '../flow/flow-id.js'
import { WORDS } from '../flow/layout.js'
import type { Hold } from '../policy/decision.js'
import { type Holds, NO_HOLDS } from './holds.js'
import type { Outstanding } from './outstanding.js'

/** Bounds of waiting. */
export interface PendingOptions {
  /** Most packets that wait for one key. */
  readonly framesPerKey: number
  /** Most packets that wait on a port. */
  readonly frames: number
  /** Most bytes of packets that wait on a port. */
  readonly bytes: number
  /** Microseconds that a packet waits at most, and after which a key is asked for again. */
  readonly timeoutUs: number
  /** Most keys that one packet may miss, one after the other. */
  readonly misses: number
  /** Most keys that a port has in question. */
  readonly keys: number
}

/** Bounds unless told otherwise. */
export const DEFAULT_PENDING: PendingOptions = { framesPerKey: 64, frames: 1024, bytes: 0x20_0000, timeoutUs: 1_000_000, misses: 4, keys: 4096 }

/** A packet that waits. `J` is what its owner needs to send it on its way again. */
export interface WaitingFrame<J> {
  /** A copy, with headroom in front of `start`; a walk that ends in another miss leaves it as it was. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly sinceUs: number
  readonly journey: J
  readonly flow: WaitingFlow<J>
  /** Keys missed so far, 0 for one that only joined its flow. */
  misses: number
  /** What rules took for it. */
  holds: readonly Hold[]
  /** Whether it is being walked, and so not among the flow's waiting ones. */
  isTaken: boolean
}

/** The waiting packets of one flow. */
export interface WaitingFlow<J> {
  readonly direction: Direction
  readonly words: Uint32Array
  readonly depth: number
  readonly hash: number
  /** Those not taken, foremost first. */
  readonly frames: WaitingFrame<J>[]
  waitsFor: Outstanding<WaitingFlow<J>>
  /** Whether a packet of it is taken. */
  isWalked: boolean
}

/** What a packet that is to wait brings along. */
export interface Arrival<J> {
  /** A copy, with headroom in front of `start`. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly journey: J
  /** Keys missed on earlier hops. */
  readonly misses: number
}

/** Why a packet may not wait; empty if it may. */
export type WaitRefusal = '' | Extract<BuiltInDropReason, 'PendingLoops' | 'PendingOverflow'>

/** What a room counts. */
export interface PendingCounters {
  /** Packets that waited and were then let through. */
  released: number
  /** Packets whose time was over, among the dropped. */
  timedOut: number
}

/** The waiting packets of one port. */
export class WaitingRoom<J> {
  readonly counters: PendingCounters = { released: 0, timedOut: 0 }
  readonly #flows = new Map<number, WaitingFlow<J>[]>()
  /** In the order they came. */
  readonly #frames = new Set<WaitingFrame<J>>()
  #bytes = 0
  readonly #options: PendingOptions
  readonly #holds: Holds
  readonly #dropped: (reason: BuiltInDropReason) => void

  /** `dropped` is told of each packet that does not leave by a walk. */
  constructor(options: PendingOptions, holds: Holds, dropped: (reason: BuiltInDropReason) => void) {
    this.#options = options
    this.#holds = holds
    this.#dropped = dropped
  }

  /** Whether there is nobody to join. */
  get isEmpty(): boolean {
    return this.#flows.size === 0
  }

  /** Packets that wait or are being walked. */
  get size(): number {
    return this.#frames.size
  }

  /** Their bytes, headroom aside. */
  get bytes(): number {
    return this.#bytes
  }

  /** The waiting flow a packet belongs to. `hash` is as for the unified flow table. */
  find(hash: number, direction: Direction, words: Uint32Array, depth: number): WaitingFlow<J> | undefined {
    const alike = this.#flows.get(hash)
    if (alike === undefined) return undefined
    for (const flow of alike) {
      if (flow.direction === direction && flow.depth === depth && sameFlow(flow.words, words, depth)) return flow
    }
    return undefined
  }

  /** A new flow whose packets wait for a key. Nothing is kept until a packet of it is admitted. */
  flowOf(hash: number, direction: Direction, words: Uint32Array, depth: number, waitsFor: Outstanding<WaitingFlow<J>>): WaitingFlow<J> {
    return { direction, words: words.slice(0, depth * WORDS), depth, hash, frames: [], waitsFor, isWalked: false }
  }

  /** Why a packet, so many bytes long, may not wait for a key, the last of so many it missed; empty if it may. */
  refusal(key: Outstanding<WaitingFlow<J>>, lengthBytes: number, misses: number): WaitRefusal {
    const { frames, bytes, framesPerKey } = this.#options
    if (misses > this.#options.misses) return 'PendingLoops'
    return this.#frames.size < frames && this.#bytes + lengthBytes <= bytes && key.frames < framesPerKey ? '' : 'PendingOverflow'
  }

  /** Puts a packet behind the others of its flow. `missed` says whether it has itself missed the key its flow waits for. */
  admit(flow: WaitingFlow<J>, arrival: Arrival<J>, missed: boolean, holds: readonly Hold[], nowUs: number): void {
    const frame: WaitingFrame<J> = { ...arrival, sinceUs: nowUs, flow, misses: arrival.misses + (missed ? 1 : 0), holds, isTaken: false }
    if (flow.frames.length === 0 && !this.#isHere(flow)) this.#enter(flow)
    flow.frames.push(frame)
    flow.waitsFor.frames++
    this.#frames.add(frame)
    this.#bytes += lengthOf(frame)
    this.#holds.wait(holds)
  }

  /** Takes the foremost packet of a flow to be walked; `undefined`, and the flow is here no more, when there is none. */
  take(flow: WaitingFlow<J>): WaitingFrame<J> | undefined {
    const frame = flow.frames.shift()
    if (frame === undefined) {
      flow.isWalked = false
      this.#leave(flow)
      return undefined
    }
    frame.isTaken = true
    flow.isWalked = true
    flow.waitsFor.frames--
    return frame
  }

  /** A taken packet's walk took these; what it held before and does not hold now is given back. */
  holdsNow(frame: WaitingFrame<J>, holds: readonly Hold[] = NO_HOLDS): void {
    const before = frame.holds
    frame.holds = holds
    this.#holds.wait(holds)
    this.#holds.endWait(before)
    this.#holds.letGo(before)
  }

  /**
   * Puts a taken packet back in front of its flow, which waits for another key now. Answers why not, where it has missed too
   * many or too many wait for that key; the packet is then over.
   */
  putBack(frame: WaitingFrame<J>, waitsFor: Outstanding<WaitingFlow<J>> | undefined): WaitRefusal {
    const { flow } = frame
    if (++frame.misses > this.#options.misses) return 'PendingLoops'
    if (waitsFor === undefined) return 'PendingOverflow'
    const others = waitsFor.frames - (waitsFor === flow.waitsFor ? flow.frames.length : 0)
    if (others + flow.frames.length >= this.#options.framesPerKey) return 'PendingOverflow'
    frame.isTaken = false
    flow.isWalked = false
    flow.waitsFor.flows.delete(flow)
    flow.waitsFor.frames -= flow.frames.length
    flow.frames.unshift(frame)
    flow.waitsFor = waitsFor
    waitsFor.flows.add(flow)
    waitsFor.frames += flow.frames.length
    return ''
  }

  /** A taken packet does not wait any more: it was let through, or it was dropped. */
  end(frame: WaitingFrame<J>, passed: boolean): void {
    if (!this.#frames.delete(frame)) return
    this.#bytes -= lengthOf(frame)
    this.#holds.endWait(frame.holds)
    if (passed) {
      this.counters.released++
      this.#holds.keep(frame.holds)
    } else this.#holds.letGo(frame.holds)
  }

  /** Something threw while a taken packet was walked: it is gone, and the others of its flow wait on. */
  abandon(frame: WaitingFrame<J>): void {
    this.end(frame, false)
    const { flow } = frame
    flow.isWalked = false
    if (flow.frames.length === 0) this.#leave(flow)
  }

  /** Drops the packets whose time is over. */
  expire(nowUs: number): void {
    for (const frame of this.#frames) {
      if (nowUs - frame.sinceUs < this.#options.timeoutUs) return
      if (frame.isTaken) continue
      this.counters.timedOut++
      this.#drop(frame, 'PendingTimeout')
    }
  }

  /** Drops all packets that wait. */
  clear(reason: BuiltInDropReason): void {
    for (const frame of this.#frames) if (!frame.isTaken) this.#drop(frame, reason)
  }

  #drop(frame: WaitingFrame<J>, reason: BuiltInDropReason): void {
    const { flow } = frame
    flow.frames.splice(flow.frames.indexOf(frame), 1)
    flow.waitsFor.frames--
    if (flow.frames.length === 0 && !flow.isWalked) this.#leave(flow)
    this.end(frame, false)
    this.#dropped(reason)
  }

  #isHere(flow: WaitingFlow<J>): boolean {
    return this.#flows.get(flow.hash)?.includes(flow) === true
  }

  #enter(flow: WaitingFlow<J>): void {
    this.#flows.set(flow.hash, [...(this.#flows.get(flow.hash) ?? []), flow])
    flow.waitsFor.flows.add(flow)
  }

  #leave(flow: WaitingFlow<J>): void {
    flow.waitsFor.flows.delete(flow)
    const left = (this.#flows.get(flow.hash) ?? []).filter((f) => f !== flow)
    if (left.length === 0) this.#flows.delete(flow.hash)
    else this.#flows.set(flow.hash, left)
  }
}

const lengthOf = <J>({ bytes, start }: WaitingFrame<J>): number => bytes.length - start
