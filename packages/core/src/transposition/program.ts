/**
 * Transpositions compiled for the per-packet path: flat numbers and ready-made header bytes.
 *
 * Edits become, for each staying group, what it needs (one number), a mask of the fields to write and their values
 * (`edit-values.ts`); what changes a frame's length inside, tags and translation, is listed apart, since few flows do it. Pushes
 * become one **template**: the bytes of all pushed headers in frame order (`push-template.ts`). What is read of the original
 * frame is a list of its own (`originals.ts`).
 *
 * A program is immutable, and may be shared by flows. Each flow has its program, so it is kept small: lists of a few numbers are
 * plain arrays, a quarter of the size of a typed array and as quick to read; empty ones are shared.
 */
import { L3 } from '../wire/frame-view.js'
import { emitVlan, MAX_VLANS, VLAN_LENGTH } from '../wire/vlan.js'
import { ecnDrops } from './ecn.js'
import { fieldsOf, VALUES, writeValues } from './edit-values.js'
import type { Edit, HeaderTransposition, Need, Transposition, Translation } from './header-transposition.js'
import { needBits, NeedBit } from './need.js'
import { editNeed, isKeep } from './normal-form.js'
import { ReadList, type Reads } from './originals.js'
import { maxFromIp, type PushedGroup, pushLength, writePush } from './push-template.js'

/**
 * How a need lies in one number: its atoms, whether there is a need at all (were it only that the group is there), the least
 * number of tags, and the least TTL.
 */
export const PackedNeed = { ATOMS: 0x7fff, THERE: 0x8000, TAGS_SHIFT: 16, TAGS_MASK: 3, TTL_SHIFT: 18 } as const

/** What happens to the length of one staying group. */
export interface Restructuring {
  /** Index of the group among those that stay. */
  readonly edit: number
  /** VLAN tags that are popped, -1 for all. */
  readonly popTags: number
  /** VLAN tags that are pushed, as bytes. */
  readonly pushTags: Uint8Array
  readonly translate: Translation | undefined
}

/** A compiled transposition. */
export interface Program {
  /** False for `Invalid`: no frame passes. */
  readonly valid: boolean
  /** Whether there are needs of a TTL, a guard or a need of the quote: what most flows do not have. */
  readonly guarded: boolean
  /** {@link PackedNeed} of each popped group. */
  readonly popNeeds: readonly number[]
  /** {@link PackedNeed} of each edited group, 0 where nothing happens to it. */
  readonly editNeeds: readonly number[]
  /** `FieldBit`s of each edited group. */
  readonly fields: readonly number[]
  /** `VALUES` words an edited group, and behind them those of the quote. */
  readonly values: Uint16Array
  /** What is read of the original frame. */
  readonly reads: Reads
  /** Tags and translations, by group. */
  readonly restructurings: readonly Restructuring[]
  /** `FieldBit`s of the quote. */
  readonly quoteFields: number
  /** Network header that a quote must have (an `L3`), `L3.None` where any will do, -1 where no quote passes. */
  readonly quoteL3: number
  /** Assignments of ECN fields at which the frame is refused: bits 0–31 and 32–63 of a set (`ecnDrops`). */
  readonly dropsLow: number
  readonly dropsHigh: number
  /** The pushed groups, outermost first. */
  readonly pushed: readonly PushedGroup[]
  /** Whether a pushed group has more VLAN tags than a header can: no frame passes, unless what follows pops them. */
  readonly crowded: boolean
  /** Number of pushed groups. */
  readonly pushes: number
  /** All pushed headers, outermost first; lengths, checksums and what is read are 0. */
  readonly template: Uint8Array
  /** Longest frame, popped and not yet pushed, whose length every pushed header can express. */
  readonly maxInside: number
}

/** Compiles a transposition; total. */
export const compile = (t: HeaderTransposition): Program => {
  const { pop, edit, push, guard, quote } = t._tag === 'Invalid' ? NOTHING : t
  const reads = new ReadList()
  const edits = edit.length
  const quoted = quote === undefined || quote === 'refused' ? {} : quote.set
  const quoteFields = fieldsOf(quoted)
  const values = edits === 0 && quoteFields === 0 ? NO_VALUES : new Uint16Array((edits + (quoteFields === 0 ? 0 : 1)) * VALUES)
  edit.forEach((e, i) => { writeValues(e.set, reads, values, i * VALUES) })
  if (quoteFields !== 0) writeValues(quoted, reads, values, edits * VALUES)
  const template = push.length === 0 ? NO_BYTES : new Uint8Array(push.reduce((bytes, p) => bytes + pushLength(p), 0))
  const pushed = writePushes(push, reads, template)
  const drops = ecnDrops(guard)
  const quoteL3 = quoteNeed(edit, quote)
  return {
    valid: t._tag === 'Transposition',
    guarded: guard.length > 0 || quoteL3 !== L3.None || pop.some(hasHops) || edit.some((e) => hasHops(e.need)),
    popNeeds: pop.length === 0 ? NONE : pop.map((need) => packed(need) | NeedBit.Tunnel),
    editNeeds: edits === 0 ? NONE : edit.map((e) => (isKeep(e) ? 0 : packed(editNeed(e)))),
    fields: edits === 0 ? NONE : edit.map((e) => fieldsOf(e.set)),
    values,
    reads: reads.reads,
    restructurings: edit.some(restructures) ? edit.flatMap(restructuring) : NO_RESTRUCTURINGS,
    quoteFields,
    quoteL3,
    dropsLow: drops.lo,
    dropsHigh: drops.hi,
    pushed,
    crowded: push.some((p) => p.vlans.length > MAX_VLANS),
    pushes: push.length,
    template,
    maxInside: pushed.reduce((most, p) => Math.min(most, maxFromIp(p) - (template.length - p.ip)), Number.MAX_SAFE_INTEGER),
  }
}

const NONE: readonly number[] = []
const NO_BYTES = new Uint8Array(0)
const NO_VALUES = new Uint16Array(0)
const NO_PUSHES: readonly PushedGroup[] = []
const NO_RESTRUCTURINGS: readonly Restructuring[] = []
const NOTHING: Omit<Transposition, '_tag'> = { pop: [], edit: [], push: [], guard: [] }

const packed = (need: Need): number =>
  needBits(need) | PackedNeed.THERE | ((need.tags ?? 0) << PackedNeed.TAGS_SHIFT) | (((need.hops ?? -1) + 1) << PackedNeed.TTL_SHIFT)

const hasHops = (need: Need): boolean => need.hops !== undefined

const writePushes = (push: Transposition['push'], reads: ReadList, template: Uint8Array): readonly PushedGroup[] => {
  if (push.length === 0) return NO_PUSHES
  let at = 0
  return push.map((p) => {
    const group = writePush(p, reads, template, at)
    at += pushLength(p)
    return group
  })
}

/** What a translated packet quotes must be translated with it, so a quote of which nothing is said does not pass. */
const quoteNeed = (edit: readonly Edit[], quote: Transposition['quote']): number => {
  if (quote === 'refused' || (quote === undefined && edit.some((e) => e.translate !== undefined))) return -1
  const version = quote?.version ?? quote?.set.srcIp?.version ?? quote?.set.dstIp?.version
  return version === undefined ? L3.None : version === 4 ? L3.Ipv4 : L3.Ipv6
}

const restructures = (edit: Edit): boolean => edit.vlans !== undefined || edit.translate !== undefined

const restructuring = (edit: Edit, index: number): readonly Restructuring[] => {
  if (!restructures(edit)) return []
  const tags = edit.vlans?.push ?? []
  const pushTags = tags.length === 0 ? NO_BYTES : new Uint8Array(VLAN_LENGTH * tags.length)
  tags.forEach((tag, i) => { emitVlan(tag, pushTags, VLAN_LENGTH * i) })
  const pop = edit.vlans?.pop ?? 0
  return [{ edit: index, popTags: pop === 'all' ? -1 : pop, pushTags, translate: edit.translate }]
}
