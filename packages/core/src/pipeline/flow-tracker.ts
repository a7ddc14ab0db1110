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
import type { Cell, Resource } from '../policy/resource.js'
import { compose } from '../transposition/compose.js'
import { identity } from '../transposition/construct.js'
import { consultShape, traceFlow, transposeFlow } from '../transposition/flow.js'
import type { HeaderTransposition, Value } from '../transposition/header-transposition.js'
import type { IpAddress, Mac } from '../wire/address.js'
import { VLAN_IDS } from '../tables/layer-flow-table.js'
import { MAX_GROUPS } from '../wire/frame-view.js'

const L3_MASK = Shape.PART_MASK

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
  /** Composition of all transpositions applied since the frame entered. */
  transposition: HeaderTransposition = identity
  readonly #origin = new Int8Array(MAX_GROUPS)
  readonly #written = new Uint32Array(UFID_WORDS)
  readonly #asked = new Uint32Array(UFID_WORDS)

  constructor(port: PortIdentity) {
    this.port = port
  }

  /** Begins with a frame as it entered the port. `flowHash` is given when an earlier decision is looked at again. */
  begin(direction: Direction, words: Uint32Array, depth: number, nowUs: number, flowHash?: number): void {
    this.direction = direction
    this.atUs = nowUs
    this.timed = false
    this.depth = depth
    this.words.set(words.length === UFID_WORDS ? words : words.subarray(0, depth * WORDS))
    this.flowHash = flowHash ?? entropyHash(this.words, depth)
    this.consulted.fill(0)
    this.#written.fill(0)
    this.dependencies = []
    this.transposition = identity
    for (let g = 0; g < MAX_GROUPS; g++) this.#origin[g] = g
  }

  /** Applies a layer's transposition to the metadata; `false` if the frame does not have the shape it needs. */
  transpose(t: HeaderTransposition): boolean {
    this.#consultShape(t)
    this.transposition = compose(this.transposition, t)
    const depth = transposeFlow(t, this.words, this.depth)
    if (depth < 0 || t._tag === 'Invalid') return false
    traceFlow(t, this.#origin, this.#written)
    this.depth = depth
    return true
  }

  /** Notes that these bits, in the coordinates of the current layer, were looked at. */
  consult(mask: Uint32Array): void {
    for (let g = 0; g < this.depth; g++) {
      const origin = this.#origin[g]!
      const here = g * WORDS
      if (origin < 0) {
        this.#consultCopies(g, mask)
        continue
      }
      const there = origin * WORDS
      for (let w = 0; w < WORDS; w++) {
        const bits = mask[here + w]! & ~this.#written[here + w]!
        if (bits !== 0) this.consulted[there + w] = this.consulted[there + w]! | bits
      }
    }
  }

  /** A pushed group is constant but for the DSCP and ECN it copied from a group of the original frame. */
  #consultCopies(g: number, mask: Uint32Array): void {
    const push = this.transposition._tag === 'Invalid' ? undefined : this.transposition.push[g]
    if (push === undefined) return
    this.#consultCopy(push.dscp, g * WORDS + Word.CLASS, mask)
    this.#consultCopy(push.ecn, g * WORDS + Word.TTL_ECN, mask)
  }

  #consultCopy(value: Value, here: number, mask: Uint32Array): void {
    const bits = mask[here]! & ~this.#written[here]!
    if (bits === 0 || typeof value === 'number') return
    const there = value.original * WORDS + (here % WORDS)
    this.consulted[there] = this.consulted[there]! | bits
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
      this.#asked[base] = Shape.PART_MASK << Shape.VLANS_SHIFT
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
    const answer = resource.lookup(key)
    this.dependencies.push({ cell: answer.cell, version: answer.cell.version })
    return answer._tag === 'Found' ? some(answer.value) : none
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
