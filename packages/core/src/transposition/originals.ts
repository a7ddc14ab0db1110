/**
 * Values that are functions of the original frame: compiled to a list of what is to be read, and read before the first byte is
 * changed.
 *
 * A value in a program is a number: below {@link READ} a constant, otherwise `READ` and the index in the list of what was
 * read. The list is short (DSCP, ECN and TTL of at most three edited and two pushed groups), so what was read of the frame in
 * hand lies in a small array that all programs share: it is written and read within one `apply`.
 */
import { u16 } from '../wire/bytes.js'
import { type FrameView, L3, MAX_GROUPS, Slot, SLOTS } from '../wire/frame-view.js'
import { Ipv4At } from '../wire/ipv4.js'
import { Ipv6At, ipv6TrafficClass } from '../wire/ipv6.js'
import { ecnTable } from './ecn.js'
import type { EcnValue, TtlValue, Value } from './header-transposition.js'

/** The flag that tells a reference to a value read from a constant; above the widest constant. */
export const READ = 0x8000

/** What is read of the original frame, in order. */
export interface Reads {
  /** `kind | group << 2 | operand << 10`; the operand is what a TTL is lessened by, or the index of a table. */
  readonly codes: readonly number[]
  /** Tables of ECN combinations (`ecnTable`). */
  readonly tables: readonly Uint8Array[]
}

/** What a program without functions reads. */
export const NO_READS: Reads = { codes: [], tables: [] }

const Kind = { Dscp: 0, Ecn: 1, Ttl: 2, Combination: 3 } as const

/** Collects what a transposition reads while it is compiled; each method returns the number that stands for the value. */
export class ReadList {
  readonly #codes: number[] = []
  readonly #tables: Uint8Array[] = []

  /** The list, the shared empty one where nothing is read. */
  get reads(): Reads {
    return this.#codes.length === 0 ? NO_READS : { codes: this.#codes, tables: this.#tables }
  }

  /** A DSCP. */
  dscp(value: Value): number {
    return typeof value === 'number' ? value : this.#read(Kind.Dscp | (value.original << 2))
  }

  /** A TTL or hop limit. */
  ttl(value: TtlValue): number {
    return typeof value === 'number' ? value : this.#read(Kind.Ttl | (value.original << 2) | (value.minus << 10))
  }

  /** An ECN field. */
  ecn(value: EcnValue): number {
    if (typeof value === 'number') return value
    if ('original' in value) return this.#read(Kind.Ecn | (value.original << 2))
    return this.#read(Kind.Combination | ((this.#tables.push(ecnTable(value)) - 1) << 10))
  }

  /** Adds a code to the list once; returns the number that stands for its value. */
  #read(code: number): number {
    const known = this.#codes.indexOf(code)
    return READ | (known >= 0 ? known : this.#codes.push(code) - 1)
  }
}

/** Three values of each edited and each pushed group, of which there are never more than this when a frame is changed. */
const original = new Uint8Array(3 * 2 * MAX_GROUPS)

/** Reads all values of the list from the frame as it still is. */
export const readOriginals = (reads: Reads, view: FrameView): void => {
  const { codes } = reads
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!
    const g = (code >>> 2) & 0xff
    const kind = code & 3
    if (kind === Kind.Dscp) original[i] = trafficClass(view, g) >>> 2
    else if (kind === Kind.Ecn) original[i] = trafficClass(view, g) & 3
    else if (kind === Kind.Ttl) original[i] = Math.max(0, hopsOf(view, g) - (code >>> 10))
    // What has no result was refused by the guard.
    else original[i] = reads.tables[code >>> 10]![ecnAssignment(view)]! & 3
  }
}

/** The number a value of a program stands for, of the frame last read. */
export const valueOf = (value: number): number => (value < READ ? value : original[value - READ]!)

/** The ECN fields of the frame's groups as the index of a table. */
export const ecnAssignment = (view: FrameView): number => {
  let at = 0
  for (let g = 0; g < view.depth; g++) at |= (trafficClass(view, g) & 3) << (2 * g)
  return at
}

/** TTL or hop limit of a group of the frame; 0 where it is not there or has no IP header. */
export const hopsOf = (view: FrameView, g: number): number => {
  if (g >= view.depth) return 0
  const kind = view.slots[g * SLOTS + Slot.L3_KIND]!
  const ip = view.slots[g * SLOTS + Slot.L3]!
  return kind === L3.Ipv4 ? view.bytes[ip + Ipv4At.TTL]! : kind === L3.Ipv6 ? view.bytes[ip + Ipv6At.HOP_LIMIT]! : 0
}

/** DSCP and ECN of a group of the frame, as one byte; 0 where it is not there or has no IP header. */
const trafficClass = (view: FrameView, g: number): number => {
  if (g >= view.depth) return 0
  const kind = view.slots[g * SLOTS + Slot.L3_KIND]!
  const ip = view.slots[g * SLOTS + Slot.L3]!
  return kind === L3.Ipv4 ? u16(view.bytes, ip) & 0xff : kind === L3.Ipv6 ? ipv6TrafficClass(view.bytes, ip) : 0
}
