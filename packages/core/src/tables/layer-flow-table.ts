/**
 * Layer flows: the state of stateful rules, one table a layer.
 *
 * A match of a stateful rule makes a **pair**. The packets of the initiating direction get what the rule decided
 * then, those of the reverse direction its inverse, for as long as the pair lives: until it has been idle, until a
 * RST, or until reconciliation finds that no rule of that type permits it any more.
 *
 * A pair is found from both directions, each by the key of its packets *as this layer sees them*: of every group its
 * VLANs, which are a tenant too (a priority tag names none); of every encapsulation its kind, tenant and addresses; of the innermost group the
 * five-tuple, or for ICMP type, code and identifier, so that the answer to an echo request is an echo reply and nothing
 * else. Other named fields (MACs, DSCP, TCP flags) are no part of it, so an asymmetric path finds its pair.
 *
 * Bounded: beyond `capacity` no pair is made, and each one made pays for a look at two old ones, whose time may be over.
 * Cost: a pair holds its flow id, two keys and its decision, some 700 bytes.
 *
 * @see VFP §5.2
 */
import { isIcmp } from '../flow/field.js'
import { type Direction, hashFlow, opposite, reverseFlow } from '../flow/flow-id.js'
import { Shape, UFID_WORDS, Word, WORDS } from '../flow/layout.js'
import { tenantTags } from '../flow/tenant-tags.js'
import type { Decision } from '../policy/decision.js'
import type { Cell } from '../policy/resource.js'
import type { HeaderTransposition } from '../transposition/header-transposition.js'
import { L3, L4 } from '../wire/frame-view.js'
import { IcmpType } from '../wire/icmp.js'
import { Icmpv6Type } from '../wire/icmpv6.js'

/** Both directions of one connection in one layer. `R` is what the pipeline knows of the rule. */
export interface LayerFlowPair<R> {
  /** The direction whose packet made the pair. */
  readonly direction: Direction
  /** The initiating flow id, as this layer saw it. */
  readonly initial: Uint32Array
  readonly initialDepth: number
  /** The flow hash its rule decided with. */
  readonly flowHash: number
  /** The names its packet had been handed to when its rule decided; none unless given. */
  readonly handed?: readonly string[]
  /**
   * What the initiating direction's packets get. Its transposition is the binding and never changes; the rest is
   * what today's rule says.
   */
  decision: Decision
  /** What the reverse direction's packets get. */
  readonly reverse: HeaderTransposition
  /** The rule that permits it now. */
  rule: R
  /** Microseconds without a packet after which the pair is forgotten. */
  idleUs: number
  lastUsedUs: number
  /** Version of the layer's policy the pair was last checked against. */
  checked: number
  alive: boolean
  /** Called once, when the pair that was added is gone. */
  ended: (() => void) | undefined
  /** Resource entries the rule read when it last permitted the pair, and their versions then. */
  cells: readonly Cell[]
  versions: readonly number[]
}

/** Connections a layer keeps unless told otherwise: what VFP supports a port (§10.2). */
export const DEFAULT_MAX_CONNECTIONS = 500_000

/** The pairs of one layer. */
export class LayerFlowTable<R> {
  readonly #pairs = new Map<string, LayerFlowPair<R>>()
  readonly #scratch = new Uint32Array(UFID_WORDS)
  /** Made when first asked for: a layer without stateful rules needs none. */
  #absences: Uint32Array | undefined
  /** Where the search for pairs whose time is over goes on. */
  #sweeper: Iterator<LayerFlowPair<R>> | undefined
  /** Most pairs held. */
  readonly capacity: number

  constructor(capacity: number = DEFAULT_MAX_CONNECTIONS) {
    this.capacity = capacity
  }

  /** Keys held: two for each pair. */
  get size(): number {
    return this.#pairs.size
  }

  /** The living, unexpired pair whose packets in `direction` look like this, if any. */
  find(direction: Direction, words: Uint32Array, depth: number, nowUs: number): LayerFlowPair<R> | undefined {
    if (this.#pairs.size === 0) return undefined
    const pair = this.#pairs.get(keyOf(direction, words, depth))
    if (pair === undefined) return undefined
    if (isLive(pair, nowUs)) return pair
    this.remove(pair)
    return undefined
  }

  /** What {@link find} would find, without forgetting what has expired. */
  peek(direction: Direction, words: Uint32Array, depth: number, nowUs: number): LayerFlowPair<R> | undefined {
    const pair = this.#pairs.get(keyOf(direction, words, depth))
    return pair !== undefined && isLive(pair, nowUs) ? pair : undefined
  }

  /**
   * Adds a pair; `after` is the flow id as the layer leaves it, whose reverse will come back. Returns `false`, and does
   * nothing, if those reverse packets already belong to another living pair.
   */
  add(pair: LayerFlowPair<R>, after: Uint32Array, afterDepth: number, nowUs: number): boolean {
    const back = this.#reverseKey(pair.direction, after, afterDepth)
    const there = this.#pairs.get(back)
    if (there !== undefined) {
      if (isLive(there, nowUs)) return false
      this.remove(there)
    }
    this.#sweep(2, nowUs)
    this.#held.set(pair, { pair, back })
    this.#pairs.set(keyOf(pair.direction, pair.initial, pair.initialDepth), pair)
    this.#pairs.set(back, pair)
    const absences = (this.#absences ??= new Uint32Array(ABSENCES))
    absences[absenceOf(pair.direction, pair.initial, pair.initialDepth)]!++
    absences[absenceOf(opposite(pair.direction), this.#scratch, afterDepth)]!++
    return true
  }

  /**
   * The cell of the answer "no pair": its version grows when a pair that packets like this would find may have been
   * added. A decision taken without a pair depends on it, or a connection begun from the other side later would not
   * reach flows that are cached already. Keys share 65,536 cells; sharing costs a needless second look, no more.
   */
  absence(direction: Direction, words: Uint32Array, depth: number): Cell {
    return new Absence((this.#absences ??= new Uint32Array(ABSENCES)), absenceOf(direction, words, depth))
  }

  /** The living pair for whose sake `add` would refuse one that leaves the layer as `after`. */
  holder(direction: Direction, after: Uint32Array, afterDepth: number, nowUs: number): LayerFlowPair<R> | undefined {
    const there = this.#pairs.get(this.#reverseKey(direction, after, afterDepth))
    return there !== undefined && isLive(there, nowUs) ? there : undefined
  }

  /** The cell of the answer that there is no {@link holder}, as {@link absence} is of that there is no pair. */
  vacancy(direction: Direction, after: Uint32Array, afterDepth: number): Cell {
    this.#scratch.set(after.subarray(0, afterDepth * WORDS))
    reverseFlow(this.#scratch, afterDepth)
    return this.absence(opposite(direction), this.#scratch, afterDepth)
  }

  /** Whether there is no room for another pair; a bounded number of pairs is searched first for those whose time is over. */
  isFull(nowUs: number): boolean {
    if (this.#pairs.size < 2 * this.capacity) return false
    this.#sweep(64, nowUs)
    return this.#pairs.size >= 2 * this.capacity
  }

  #sweep(looks: number, nowUs: number): void {
    // Each pair stands in the map twice: looking at all of them once is enough.
    for (let n = Math.min(looks, this.#pairs.size); n > 0; n--) {
      let next = (this.#sweeper ??= this.#pairs.values()).next()
      if (next.done === true) next = (this.#sweeper = this.#pairs.values()).next()
      if (next.done === true) return
      if (!isLive(next.value, nowUs)) this.remove(next.value)
    }
  }

  /** The pairs held, with the key of their way back. */
  readonly #held = new WeakMap<object, { readonly pair: LayerFlowPair<R>; readonly back: string }>()

  #reverseKey(direction: Direction, after: Uint32Array, afterDepth: number): string {
    this.#scratch.set(after.subarray(0, afterDepth * WORDS))
    reverseFlow(this.#scratch, afterDepth)
    return keyOf(opposite(direction), this.#scratch, afterDepth)
  }

  /** Forgets a pair in both directions. */
  remove(pair: LayerFlowPair<R>): void {
    const wasAlive = pair.alive
    pair.alive = false
    const forward = keyOf(pair.direction, pair.initial, pair.initialDepth)
    if (this.#pairs.get(forward) === pair) this.#pairs.delete(forward)
    const back = this.#held.get(pair)?.back
    if (back !== undefined && this.#pairs.get(back) === pair) this.#pairs.delete(back)
    this.#held.delete(pair)
    if (wasAlive) pair.ended?.()
  }

  /** {@link remove}, if the pair is one of this table's. */
  removeIfHeld(pair: object): void {
    const held = this.#held.get(pair)
    if (held !== undefined) this.remove(held.pair)
  }

  /** Forgets every pair that has been idle too long; returns their number. */
  expire(nowUs: number): number {
    let gone = 0
    for (const pair of this.#pairs.values()) {
      if (isLive(pair, nowUs)) continue
      this.remove(pair)
      gone++
    }
    return gone
  }

  /** Every pair once. */
  *pairs(): Iterable<LayerFlowPair<R>> {
    const seen = new Set<LayerFlowPair<R>>()
    for (const pair of this.#pairs.values()) {
      if (seen.has(pair)) continue
      seen.add(pair)
      yield pair
    }
  }
}

const ABSENCES = 0x1_0000

const absenceOf = (direction: Direction, words: Uint32Array, depth: number): number =>
  hashFlow(words, depth, direction === 'outbound' ? 1 : 2) & (ABSENCES - 1)

/** One of a table's counters as a cell. */
class Absence implements Cell {
  readonly #counters: Uint32Array
  readonly #at: number

  constructor(counters: Uint32Array, at: number) {
    this.#counters = counters
    this.#at = at
  }

  get version(): number {
    return this.#counters[this.#at]!
  }
}

/** Whether a pair may still be used at a time. */
export const isLive = <R>(pair: LayerFlowPair<R>, nowUs: number): boolean => pair.alive && nowUs - pair.lastUsedUs < pair.idleUs

const keyOf = (direction: Direction, words: Uint32Array, depth: number): string => {
  let key = direction === 'outbound' ? 'o' : 'i'
  for (let g = 0; g < depth; g++) {
    const base = g * WORDS
    const last = g === depth - 1
    const shape = words[base]!
    // One character a half word: short, exact, and hashed by the engine's own string hash.
    key += String.fromCharCode(shape & 0xffff & ~0xf00, words[base + Word.PROTO]! & 0xffff, words[base + Word.PROTO]! >>> 16)
    key += half(words[base + (last ? Word.PORTS : Word.VNI)]!)
    const tags = tenantTags(shape, words[base + Word.VLAN]!)
    if (tags !== 0) key += `v${half(tags)}`
    if (last && isIcmp(l4Of(shape))) key += half(words[base + Word.ICMP]!)
    const first = (shape & 0xf) === 3 ? 0 : 3
    for (let i = first; i < 4; i++) key += half(words[base + Word.SRC_IP + i]!) + half(words[base + Word.DST_IP + i]!)
  }
  return key
}

/**
 * Whether a packet with this flow id can begin a connection: IP, and if it is ICMP an echo request. Errors, redirects and
 * unsolicited replies have no other direction of their own, and a pair made for one would let its like in.
 */
export const beginsConnection = (words: Uint32Array, depth: number): boolean => {
  const w = (depth - 1) * WORDS
  const shape = words[w]!
  const l3 = shape & Shape.PART_MASK
  if (l3 !== L3.Ipv4 && l3 !== L3.Ipv6) return false
  const l4 = l4Of(shape)
  return !isIcmp(l4) || words[w + Word.ICMP]! >>> 8 === (l4 === L4.Icmp ? IcmpType.Echo : Icmpv6Type.EchoRequest)
}

/** Identifiers of both VLAN tags, which a walk looks at for `tenantTags`; their priorities do not tell tenants apart. */
export const VLAN_IDS = 0x0fff0fff

const l4Of = (shape: number): number => (shape >>> Shape.L4_SHIFT) & Shape.PART_MASK

const half = (word: number): string => String.fromCharCode(word >>> 16, word & 0xffff)
