/**
 * The flow a walk is about: its metadata as the current layer sees them, and what has been looked at so far.
 *
 * The tracker answers the rules' questions ({@link FlowContext}) and notes each one. What a layer looks at is in the
 * coordinates of the frame *there*; the tracker knows for each current group which group of the original frame it
 * came from, and for each bit whether a transposition has overwritten it, and so notes the bits of the original.
 *
 * One tracker is used again for every walk; nothing in it is allocated per walk but the dependencies.
 */
import { none, type Option, some } from 'fp-ts/lib/Option.js'
import { addField } from '../flow/flow-mask.js'
import { type FieldRef, isIcmp, isPresent, readMac, readNumber, type ResolvedField, resolveField } from '../flow/field.js'
import { type Direction, entropyHash, makeUfid } from '../flow/flow-id.js'
import { ipAt } from '../flow/format-flow.js'
import { Shape, UFID_WORDS, Word, WORDS } from '../flow/layout.js'
import type { FlowContext, PortIdentity } from '../policy/flow-context.js'
import type { Cell, Lookup, Resource } from '../policy/resource.js'
import type { Rule } from '../policy/rule.js'
import { compose } from '../transposition/compose.js'
import { identity } from '../transposition/construct.js'
import { TAG_BITS, transposeFlow } from '../transposition/flow.js'
import { consultReads, consultShape, traceFlow } from '../transposition/trace-flow.js'
import type { HeaderTransposition } from '../transposition/header-transposition.js'
import type { IpAddress, Mac } from '../wire/address.js'
import { VLAN_IDS } from '../tables/layer-flow-table.js'
import { MAX_GROUPS, QUOTE } from '../wire/frame-view.js'
import { type Miss, missOf } from './miss.js'

const L3_MASK = Shape.PART_MASK
const NONE: readonly string[] = []

/** A resource entry a decision read, and its version then. */
export interface Dependency {
  readonly cell: Cell
  readonly version: number
}

/** The flow of the walk under way. */
export class FlowTracker implements FlowContext {
  readonly port: PortIdentity
  direction: Direction = 'outbound'
  /** Time of the walk. */
  atUs = 0
  /** Whether a rule asked for the time: its answer is good for this moment only. */
  timed = false
  depth = 0
  flowHash = 0
  /** The flow id as the current layer sees it. */
  readonly words = makeUfid()
  /** Bits of the original flow id that decisions depended on. */
  readonly consulted = new Uint32Array(UFID_WORDS)
  dependencies: Dependency[] = []
  /** Keys that resources did not know about, in the order they were asked for. */
  misses: Miss[] = []
  /** Of the rule at hand, the first key it looked up as if the answer could only be yes or no. */
  overlooked: Miss | undefined
  /** Of the rule at hand, the last key that was unknown. */
  missed: Miss | undefined
  #layer = ''
  /** Composition of all transpositions applied since the frame entered. */
  transposition: HeaderTransposition = identity
  /** Names that the packet was handed to, or under which it was brought back, and that nothing has taken since. */
  readonly #handed = new Set<string>()
  /** Those of them that have to take it. */
  readonly #untaken = new Set<string>()
  readonly #origin = new Int8Array(MAX_GROUPS)
  readonly #written = new Uint32Array(UFID_WORDS)
  readonly #asked = new Uint32Array(UFID_WORDS)

  constructor(port: PortIdentity) {
    this.port = port
  }

  /**
   * Begins with a frame as it entered the port. When an earlier decision is looked at again, `flowHash` is given, and the names the packet had been
   * handed to then.
   */
  begin(direction: Direction, words: Uint32Array, depth: number, nowUs: number, flowHash?: number, handed: readonly string[] = NONE): void {
    this.direction = direction
    this.atUs = nowUs
    this.timed = false
    this.depth = depth
    this.words.set(words.length === UFID_WORDS ? words : words.subarray(0, depth * WORDS))
    if (words.length < UFID_WORDS) this.words[QUOTE * WORDS] = 0
    this.flowHash = flowHash ?? entropyHash(this.words, depth)
    this.consulted.fill(0)
    this.dependencies = []
    this.misses = []
    this.transposition = identity
    this.#untaken.clear()
    this.#handed.clear()
    for (const name of handed) this.#handed.add(name)
    this.#forget()
  }

  /** Every group is the original's own. */
  #forget(): void {
    this.#written.fill(0)
    for (let g = 0; g < MAX_GROUPS; g++) this.#origin[g] = g
  }

  /** A rule of this layer is about to decide. */
  beginDecision(layer: string): void {
    this.#layer = layer
    this.overlooked = undefined
    this.missed = undefined
  }

  readonly handed = (to: string): boolean => this.#handed.has(to)

  /** The names that {@link handed} answers `true` to. */
  get handedTo(): readonly string[] {
    return [...this.#handed]
  }

  /** Whether a name that has to take the packet has not taken it yet. */
  get isUntaken(): boolean {
    return this.#untaken.size > 0
  }

  /** A rule lets the packet go on. An answer takes what its connection handed over, and is handed to the name the connection was taken under. */
  passOn({ handsTo, takes }: Rule, side: 'forward' | 'reverse'): void {
    const taken = side === 'forward' ? takes : handsTo
    const given = side === 'forward' ? handsTo : takes
    if (taken !== undefined) {
      this.#handed.delete(taken)
      this.#untaken.delete(taken)
    }
    if (given === undefined) return
    this.#handed.add(given)
    // Who took without having been handed anything gets answers all the same: nothing is owed.
    if (side === 'forward') this.#untaken.add(given)
  }

  /** Applies a layer's transposition to the metadata; `false` if the frame does not have the shape it needs. */
  transpose(t: HeaderTransposition): boolean {
    this.#consultShape(t)
    this.transposition = compose(this.transposition, t)
    const depth = transposeFlow(t, this.words, this.depth)
    if (depth < 0 || t._tag === 'Invalid') return false
    // Of the whole chain, not link by link: a field that was copied away and back is the packet's own again.
    if (this.transposition._tag === 'Transposition') {
      this.#forget()
      traceFlow(this.transposition, this.#origin, this.#written)
    }
    this.depth = depth
    return true
  }

  /** Notes that these bits, in the coordinates of the current layer, were looked at. */
  consult(mask: Uint32Array): void {
    for (let g = 0; g < this.depth; g++) {
      const origin = this.#origin[g]!
      const here = g * WORDS
      // A pushed group is constant, but for values read from the original.
      if (origin < 0) continue
      const there = origin * WORDS
      for (let w = 0; w < WORDS; w++) {
        const bits = mask[here + w]! & ~this.#written[here + w]!
        if (bits !== 0) this.consulted[there + w] = this.consulted[there + w]! | bits
      }
    }
    if (this.transposition._tag === 'Transposition') consultReads(this.transposition, mask, this.consulted)
  }

  #consultShape(t: HeaderTransposition): void {
    if (t._tag === 'Invalid') return
    this.#asked.fill(0)
    consultShape(t, this.#asked)
    this.consult(this.#asked)
  }

  /**
   * Notes what finding a layer-flow pair looks at beyond the always-words: tags everywhere, the addresses of the
   * encapsulations, type and code of ICMP.
   */
  consultPair(): void {
    this.#asked.fill(0)
    for (let g = 0; g < this.depth; g++) {
      const base = g * WORDS
      this.#asked[base] = TAG_BITS
      this.#asked[base + Word.VLAN] = VLAN_IDS
      if (g === this.depth - 1) {
        const l4 = (this.words[base]! >>> Shape.L4_SHIFT) & Shape.PART_MASK
        if (isIcmp(l4)) this.#asked[base + Word.ICMP] = 0xffff
        continue
      }
      this.#asked[base] = this.#asked[base] | 0xffff
      this.#asked.fill(0xffffffff, base + Word.PROTO, base + Word.PORTS)
      this.#asked.fill(0xffffffff, base + Word.SRC_IP, base + Word.VNI + 1)
    }
    this.consult(this.#asked)
  }
  /** The time, for rules. */
  get nowUs(): number {
    this.timed = true
    return this.atUs
  }

  readonly number = (ref: FieldRef): number | undefined => {
    const at = this.#ask(ref)
    return at === undefined || at.field.kind !== 'number' ? undefined : readNumber(at.field, this.words, at.group)
  }

  readonly mac = (ref: FieldRef): Mac | undefined => {
    const at = this.#ask(ref)
    return at === undefined || at.field.kind !== 'mac' ? undefined : readMac(at.field, this.words, at.group)
  }

  readonly ip = (ref: FieldRef): IpAddress | undefined => {
    const at = this.#ask(ref)
    if (at === undefined || at.field.kind !== 'ip') return undefined
    const base = at.group * WORDS
    return ipAt(this.words, base + at.field.word, this.words[base]! & L3_MASK)
  }

  readonly lookup = <K, V>(resource: Resource<K, V>, key: K): Option<V> => {
    const answer = this.ask(resource, key)
    if (answer._tag === 'Unknown') this.overlooked ??= this.missed
    return answer._tag === 'Found' ? some(answer.value) : none
  }

  readonly ask = <K, V>(resource: Resource<K, V>, key: K): Lookup<V> => {
    const answer = resource.lookup(key)
    this.dependsOn(answer.cell)
    if (answer._tag === 'Unknown') {
      this.missed = missOf(resource, key, answer.cell, this.#layer, this.direction)
      this.misses.push(this.missed)
    }
    return answer
  }

  readonly dependsOn = (cell: Cell): void => {
    this.dependencies.push({ cell, version: cell.version })
  }

  /** The field's place if the packet has it; noted as looked at either way. */
  #ask(ref: FieldRef): ResolvedField | undefined {
    const at = resolveField(ref)
    if (at === undefined) return undefined
    this.#asked.fill(0)
    addField(this.#asked, at.field, at.group)
    this.consult(this.#asked)
    return isPresent(at.field.presence, this.words, at.group, this.depth) ? at : undefined
  }
}
