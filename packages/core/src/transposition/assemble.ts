/**
 * From the parts of a transposition, as a text or a document gives them, to its normal form.
 *
 * The parts act side by side and all their values speak of the original frame, so they are no chain, and composing them one after
 * the other would mean something else. Each part goes through the constructor that makes it, in the coordinates of the
 * original frame; their results are laid over each other: needs join, guards join, each group keeps its own
 * edit. So whatever a constructor refuses is refused here, with the place of the part.
 */
import { left, right, type Either } from 'fp-ts/lib/Either.js'
import { modify, push, type PushSpec, translate, vlans } from './construct.js'
import type {
  Changes, Edit, EcnCombination, HeaderTransposition, Need, Push, QuoteEdit, Transposition, Translation, VlanEdit,
} from './header-transposition.js'
import { MAX_VLANS, type VlanTag } from '../wire/vlan.js'
import { wrongChanges, wrongTags } from './limits.js'
import { joinNeeds } from './need.js'
import { combinationsOf, type Doing, guarded, KEEP, makeEdit, makeQuote, transposition } from './normal-form.js'

/** The parts of a transposition; what is absent does and needs nothing. */
export interface Parts {
  readonly pop?: readonly Need[]
  readonly edit?: readonly EditParts[]
  /** DSCP and ECN are those of the outermost staying group, as edited, unless given. */
  readonly push?: readonly PushSpec[]
  readonly quote?: { readonly version?: 4 | 6; readonly set?: QuoteEdit['set'] } | 'refused'
  /** Combinations to guard beyond those within values. */
  readonly guard?: readonly EcnCombination[]
}

/** The parts of an edit of one group. */
export interface EditParts {
  readonly need?: Need
  readonly vlans?: VlanEdit
  readonly translate?: Translation
  readonly set?: Changes
}

/** A part that is impossible by itself or beside the others. */
export interface Misfit {
  /** Way to the part, as `['edit', '0', 'vlans']`; empty for the whole. */
  readonly path: readonly string[]
  readonly reason: string
}

/** Most groups a list speaks of: more than any frame has. */
const GROUPS = 255

/** The transposition of these parts in normal form, or the first part that is impossible. */
export const assemble = (parts: Parts): Either<Misfit, Transposition> => {
  const pop = parts.pop ?? []
  const edits = parts.edit ?? []
  if (pop.length > GROUPS) return left({ path: ['pop'], reason: `cannot pop ${pop.length} groups` })
  if (edits.length > GROUPS) return left({ path: ['edit'], reason: `cannot edit ${edits.length} groups` })
  const laid = new Overlay()
  for (const [g, need] of pop.entries()) {
    const why = laid.need(g, need) ?? laid.need(g, { tunnel: true })
    if (why !== undefined) return left({ path: ['pop', String(g)], reason: why })
  }

  const doings: Doing[] = []
  for (const [i, { need, vlans: tags, translate: how, set = {} }] of edits.entries()) {
    const group = pop.length + i
    const changed = how === undefined ? modify(set, group) : translated(how, set, group)
    // A chain may push more tags than a header has and pop them again later, so more than two may be written here.
    const tagged = tags === undefined ? undefined : vlans({ ...tags, push: tags.push.slice(0, MAX_VLANS) }, group)
    const why = laid.add(changed)
    if (why !== undefined) return left({ path: ['edit', String(i), how === undefined ? 'set' : 'translate'], reason: why })
    const badTags = (tagged && laid.add(tagged)) ?? wrongTagsOf(tags?.push)
    if (badTags !== undefined) return left({ path: ['edit', String(i), 'vlans'], reason: badTags })
    const unmet = laid.need(group, need ?? {})
    if (unmet !== undefined) return left({ path: ['edit', String(i), 'need'], reason: unmet })
    doings.push({ vlans: tags !== undefined && editOf(tagged, group).vlans !== undefined ? tags : undefined, translate: how, set: editOf(changed, group).set })
  }

  const pushes: Push[] = []
  for (const [i, spec] of (parts.push ?? []).entries()) {
    const copied = edits[0]?.set
    const made = push({ ...spec, vlans: spec.vlans?.slice(0, MAX_VLANS) ?? [], dscp: spec.dscp ?? copied?.dscp ?? { original: pop.length }, ecn: spec.ecn ?? copied?.ecn ?? { original: pop.length } })
    const why = laid.add(made) ?? wrongTagsOf(spec.vlans)
    if (why !== undefined) return left({ path: ['push', String(i)], reason: why })
    if (made._tag === 'Transposition') pushes.push(...made.push.map((one) => ({ ...one, vlans: spec.vlans ?? [] })))
  }

  for (const [i, combination] of (parts.guard ?? []).entries()) {
    const why = wrongChanges({ ecn: combination })
    if (why !== undefined) return left({ path: ['guard', String(i)], reason: why })
    laid.guardWith(combination)
  }

  const quote = quoteOf(parts.quote, doings)
  if (typeof quote === 'object' && quote._tag === 'Left') return quote
  const edit: Edit[] = []
  for (let i = 0; i < Math.max(doings.length, laid.needs.length - pop.length); i++) {
    const made = makeEdit(laid.needs[pop.length + i] ?? {}, doings[i] ?? KEEP)
    if (typeof made === 'string') return left({ path: ['edit', String(i)], reason: made })
    edit.push(made)
  }
  const whole = transposition({
    pop: laid.needs.slice(0, pop.length), edit, push: pushes, guard: laid.guard, ...(quote?.right !== undefined && { quote: quote.right }),
  })
  return whole._tag === 'Invalid' ? left({ path: [], reason: whole.reason }) : right(whole)
}

/** The whole as a transposition that may be `Invalid`. */
export const assembled = (parts: Parts): HeaderTransposition => {
  const made = assemble(parts)
  return made._tag === 'Right' ? made.right : { _tag: 'Invalid', reason: made.left.reason }
}

/** Needs by group of the original frame, and the guard, as they add up. Methods that add return why that is impossible, or `undefined`. */
class Overlay {
  readonly needs: Need[] = []
  guard: readonly EcnCombination[] = []

  add(part: HeaderTransposition): string | undefined {
    if (part._tag === 'Invalid') return part.reason
    for (const combination of part.guard) this.guardWith(combination)
    for (const [group, { need }] of part.edit.entries()) {
      const why = this.need(group, need)
      if (why !== undefined) return why
    }
    return undefined
  }

  need(group: number, need: Need): string | undefined {
    while (this.needs.length <= group) this.needs.push({})
    const joined = joinNeeds(this.needs[group] ?? {}, need)
    if (typeof joined === 'string') return joined
    this.needs[group] = joined
    return undefined
  }

  guardWith(combination: EcnCombination): void {
    for (const one of combinationsOf(combination)) this.guard = guarded(this.guard, one)
  }
}

const wrongTagsOf = (tags: readonly VlanTag[] = []): string | undefined => tags.map((tag) => wrongTags([tag])).find((why) => why !== undefined)

const editOf = (t: HeaderTransposition | undefined, group: number): Edit => (t?._tag === 'Transposition' ? t.edit[group] : undefined) ?? KEEP

const translated = (how: Translation, set: Changes, group: number): HeaderTransposition => {
  const { srcIp, dstIp } = set
  return srcIp === undefined || dstIp === undefined
    ? { _tag: 'Invalid', reason: 'both addresses of a translated header must be set' }
    : translate(how, { ...set, srcIp, dstIp }, group)
}

const quoteOf = (quote: Parts['quote'], doings: readonly Doing[]): Either<Misfit, Transposition['quote']> | undefined => {
  if (quote === undefined || quote === 'refused') return right(quote)
  const misfit = (reason: string): Either<Misfit, never> => left({ path: ['quote'], reason })
  const { version, set = {} } = quote
  const why = wrongChanges(set)
  if (why !== undefined) return misfit(why)
  const [how, other] = doings.flatMap((d) => d.translate ?? [])
  // Only the innermost header can be translated: no frame undergoes two translations, and what its quote would be says nothing.
  if (other !== undefined) return right(makeQuote(version, set))
  const to = how?.to ?? version ?? (set.srcIp ?? set.dstIp)?.version
  const from = how?.from ?? to
  if (version !== undefined && version !== from) return misfit(`the quoted packet of a header translated from IPv${from} is an IPv${from} packet`)
  if (how !== undefined && (set.srcIp === undefined || set.dstIp === undefined)) return misfit('both addresses of a translated quoted packet must be set')
  if ([set.srcIp, set.dstIp].some((ip) => ip !== undefined && ip.version !== to)) return misfit('addresses of the quoted packet are of different IP versions')
  return right(makeQuote(from, set))
}
