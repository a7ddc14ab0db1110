/**
 * The unified flow table of one port: exact match on what tells connections apart, and per flow on whatever else its
 * decision looked at.
 *
 * What: open addressing with linear probing. Slots hold a hash and the number of a flow; flows lie in an array.
 *
 * Why not a `Map`: a key would have to be made for every packet, and the masks differ from flow to flow. Hashes are
 * over the always-words alone, so the few flows of one connection that differ in named fields (say, by TCP flags)
 * stand in one probe sequence and are told apart by their masks. Two flows that both agree with a packet give the
 * same decision, because each one's mask covers all its decision depended on; the first found is as good as any.
 *
 * Senders choose named fields at will, and where rules name a MAC one connection could have flows without
 * end, all in one probe sequence. So at most {@link MAX_ALIKE} flows share a hash: the one longest without a packet makes
 * room for the next. What it costs is a walk when a packet of it comes back. Hashes that differ in spite of equal
 * places cannot be aimed at without knowing the port's seed.
 *
 * Invariants: at most half of the slots are taken; at most `MAX_ALIKE` flows have one hash; no tombstones (removal shifts
 * the run back); a flow is in the table if and only if its `installed` is true.
 *
 * Who writes: the port's datapath alone. Cost: a hit is one probe on average, a compare of about ten words; 8 bytes a
 * slot beside the flows.
 */
import type { Direction } from '../flow/flow-id.js'
import { sameFlow } from '../flow/flow-id.js'
import { agrees } from '../flow/flow-mask.js'
import type { UnifiedFlow } from './unified-flow.js'

const EMPTY = -1

/** Most flows of one hash. */
export const MAX_ALIKE = 16

/** The flows of one port. */
export class UnifiedFlowTable {
  /** Signed, as hashes are: then each is a small integer to the engine, and a lookup makes no number objects. */
  #hashes = new Int32Array(64)
  #slots = new Int32Array(64).fill(EMPTY)
  #mask = 63
  readonly #flows: (UnifiedFlow | undefined)[] = []
  readonly #free: number[] = []
  #size = 0
  #cursor = 0
  /** Most flows it will hold. */
  readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Flows held. */
  get size(): number {
    return this.#size
  }

  /** The flow a packet belongs to. `hash` is `hashFlow` of its words with the port's seed. */
  lookup(hash: number, direction: Direction, words: Uint32Array, depth: number): UnifiedFlow | undefined {
    return this.#probe(hash, direction, words, depth, true)
  }

  /** A flow of these always-words, whatever its mask: for pairing. */
  find(hash: number, direction: Direction, words: Uint32Array, depth: number): UnifiedFlow | undefined {
    return this.#probe(hash, direction, words, depth, false)
  }

  /**
   * Puts a flow in; of {@link MAX_ALIKE} with its hash the stalest goes. Returns `false`, and does nothing, if the table is full of
   * others.
   */
  insert(flow: UnifiedFlow): boolean {
    const stalest = this.#stalestAlike(flow.hash)
    if (stalest !== undefined) this.remove(stalest)
    if (this.#size >= this.capacity) return false
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow()
    const at = this.#free.pop() ?? this.#flows.length
    this.#flows[at] = flow
    this.#place(flow.hash, at)
    this.#size++
    flow.installed = true
    return true
  }

  /** Takes a flow out, if it is in. */
  remove(flow: UnifiedFlow): void {
    if (!flow.installed) return
    const mask = this.#mask
    let i = flow.hash & mask
    while (this.#flows[this.#slots[i]!] !== flow) i = (i + 1) & mask
    this.#free.push(this.#slots[i]!)
    this.#flows[this.#slots[i]!] = undefined
    flow.installed = false
    if (flow.peer !== undefined) {
      flow.peer.peer = undefined
      flow.peer = undefined
    }
    this.#size--
    this.#close(i)
  }

  /** Takes out the flows `isOver` says are over, looking at no more than `budget` of them; returns the number taken out. */
  sweep(budget: number, isOver: (flow: UnifiedFlow) => boolean): number {
    let gone = 0
    for (let n = Math.min(budget, this.#flows.length); n > 0; n--) {
      this.#cursor = this.#cursor + 1 < this.#flows.length ? this.#cursor + 1 : 0
      const flow = this.#flows[this.#cursor]
      if (flow === undefined || !isOver(flow)) continue
      this.remove(flow)
      gone++
    }
    return gone
  }

  /** Every flow, in no particular order. */
  *flows(): Iterable<UnifiedFlow> {
    for (const flow of this.#flows) if (flow !== undefined) yield flow
  }

  #probe(hash: number, direction: Direction, words: Uint32Array, depth: number, masked: boolean): UnifiedFlow | undefined {
    const mask = this.#mask
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const at = this.#slots[i]!
      if (at === EMPTY) return undefined
      if (this.#hashes[i] !== hash) continue
      const flow = this.#flows[at]!
      if (flow.depth !== depth || flow.direction !== direction || !sameFlow(flow.words, words, depth)) continue
      if (!masked || agrees(flow.mask, flow.words, words)) return flow
    }
  }

  /** Of the flows with this hash the one longest without a packet, if there are as many as there may be. */
  #stalestAlike(hash: number): UnifiedFlow | undefined {
    const mask = this.#mask
    let alike = 0
    let stalest: UnifiedFlow | undefined
    for (let i = hash & mask; this.#slots[i] !== EMPTY; i = (i + 1) & mask) {
      if (this.#hashes[i] !== hash) continue
      const flow = this.#flows[this.#slots[i]!]!
      alike++
      if (stalest === undefined || flow.lastHitUs < stalest.lastHitUs) stalest = flow
    }
    return alike < MAX_ALIKE ? undefined : stalest
  }

  #place(hash: number, at: number): void {
    let i = hash & this.#mask
    while (this.#slots[i] !== EMPTY) i = (i + 1) & this.#mask
    this.#slots[i] = at
    this.#hashes[i] = hash
  }

  /** Moves back whatever stands behind a hole and belongs at or before it, so that no probe ends too early. */
  #close(hole: number): void {
    const mask = this.#mask
    let empty = hole
    for (let i = (hole + 1) & mask; this.#slots[i] !== EMPTY; i = (i + 1) & mask) {
      const home = this.#hashes[i]! & mask
      if (((i - home) & mask) < ((i - empty) & mask)) continue
      this.#slots[empty] = this.#slots[i]!
      this.#hashes[empty] = this.#hashes[i]!
      empty = i
    }
    this.#slots[empty] = EMPTY
  }

  #grow(): void {
    const { length } = this.#slots
    const old = this.#slots
    const hashes = this.#hashes
    this.#slots = new Int32Array(2 * length).fill(EMPTY)
    this.#hashes = new Int32Array(2 * length)
    this.#mask = 2 * length - 1
    for (let i = 0; i < length; i++) if (old[i] !== EMPTY) this.#place(hashes[i]!, old[i]!)
  }
}
