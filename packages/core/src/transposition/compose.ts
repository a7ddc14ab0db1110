/**
 * Composition: a chain of transpositions as one.
 *
 * `compose(a, b)` does what `a` and then `b` would do, for every frame. Let `a` pop p groups, edit those that stay and push m.
 * What `b` finds is therefore a's pushes at positions 0 … m−1, known constants, and behind them the original's groups from
 * p on, as a's edits left them. Each thing `b` does lands on one of the two:
 *
 * | `b`        | on a group `a` pushed                              | on a group of the original                     |
 * |------------|----------------------------------------------------|------------------------------------------------|
 * | pops       | both vanish, if the pushed group is what b needs   | one pop more; it needs what a and b needed of it |
 * | edits      | the constants of the push change                   | the edits join, b's fields winning             |
 * | reads      | the value that was pushed                          | the value a set, or the original's             |
 *
 * and b's pushes go outside. Because popped groups cancel and fields overwrite, the result is bounded by the frame's depth
 * and its fields, never by the length of the chain: this is why ten layers cost one rewrite.
 *
 * **Totality.** Where shapes contradict each other (an IPv6 address for a group that must be IPv4) no frame passes the
 * chain; the result is the absorbing `Invalid`. With it and `identity`, transpositions are a monoid.
 *
 * **Associativity** rests on three facts: needs join by union and a contradiction survives any union (see `need.ts`);
 * overwriting is associative, and so is substitution in values; and what `b` needs of a group can be said of the
 * original (`reading.ts`). The last is also why `apply(compose(a, b))` refuses for shape exactly where `apply(a)` or then
 * `apply(b)` would. Refusals for want of room are different: a chain may push what it pops again, and fail for headroom, length,
 * depth or tags on the way, where the composite has enough. The composite never needs more than the chain; and of a chain that
 * passes through three tags, which no frame survives, one way to group it may say so and another not.
 *
 * **Limits.** Two things are decided for a whole flow and not for a frame: a later fragment passes what its first fragment would
 * not (see `contradiction`), and a tunnel deeper than `MAX_GROUPS` is payload until a pop and a second parse lay it bare.
 *
 * Control path: allocates, proportional to the size of both.
 *
 * @see VFP §6.1.3, pseudocode 1
 */
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import type { Changes, Edit, HeaderTransposition, Need, Push, Transposition, Translation } from './header-transposition.js'
import { joinNeeds } from './need.js'
import { editNeed, guarded, identity, invalid, KEEP, makeEdit, makeQuote, transposition, withoutOwn } from './normal-form.js'
import { needBehind, valuesBehind } from './reading.js'
import { composeVlans, editTags } from './vlan-edit.js'

/**
 * Composes two transpositions: the result does what `a` and then `b` would do, in one rewrite. It is in normal form.
 *
 * Total: where the two contradict each other the result is `Invalid`. Associative, with `identity` as unit. Control path: it allocates, in
 * proportion to the size of both.
 *
 * ```ts
 * import { compose, decapTransposition, formatTransposition, ipv4, modify } from '@vfp-ts/core'
 *
 * // One layer takes the packet out of its tunnel, the next one gives it another destination.
 * const both = compose(decapTransposition(), modify({ dstIp: ipv4(0x0a000005), dstPort: 8080 }))
 * console.log(formatTransposition(both))
 * ```
 *
 * ```text output
 * pop; 0: dstIp=10.0.0.5 ecn=combine(0,1) dstPort=8080
 * ```
 *
 * @see VFP §6.1.3, pseudocode 1
 */
export const compose = (a: HeaderTransposition, b: HeaderTransposition): HeaderTransposition =>
  a._tag === 'Invalid' ? a : b._tag === 'Invalid' ? b : composeValid(a, b)

/** Composes a chain into one transposition; the first element is applied first. An empty chain gives `identity`. */
export const composeAll = (chain: Iterable<HeaderTransposition>): HeaderTransposition => {
  let all: HeaderTransposition = identity
  for (const t of chain) all = compose(all, t)
  return all
}

/** `compose` and `identity` as a monoid of fp-ts. */
export const MonoidTransposition: Monoid<HeaderTransposition> = { concat: compose, empty: identity }

const composeValid = (a: Transposition, b: Transposition): HeaderTransposition => {
  if (a === identity) return b
  if (b === identity) return a
  const cancelled = Math.min(b.pop.length, a.push.length)
  // Groups of the original that b pops on top of a's pops.
  const pops = b.pop.length - cancelled
  const demanded = demandsOf(a, b)
  if (typeof demanded === 'string') return invalid(demanded)

  const pop: Need[] = []
  for (let g = 0; g < a.pop.length + pops; g++) {
    const own = a.pop[g] ?? editNeed(a.edit[g - a.pop.length] ?? KEEP)
    const need = joinNeeds(own, demanded[g] ?? NO_NEED)
    if (typeof need === 'string') return invalid(need)
    pop.push(need)
  }

  const values = valuesBehind(a)
  const inside = a.push.slice(cancelled)
  const edit: Edit[] = []
  const length = Math.max(a.edit.length - pops, b.edit.length - inside.length, demanded.length - pop.length)
  for (let r = 0; r < length; r++) {
    const joined = joinEdits(a.edit[r + pops] ?? KEEP, b.edit[r + inside.length] ?? KEEP, values.changes, demanded[pop.length + r] ?? NO_NEED, pop.length + r)
    if (typeof joined === 'string') return invalid(joined)
    edit.push(joined)
  }
  for (let i = 0; i < Math.min(inside.length, b.edit.length); i++) inside[i] = editPush(inside[i]!, b.edit[i]!, values.changes)

  let { guard } = a
  for (const { outer, inner } of b.guard) guard = guarded(guard, { outer: values.ecn(outer), inner: values.ecn(inner) })
  const outside = b.push.map((p) => ({ ...p, dscp: values.dscp(p.dscp), ecn: values.ecn(p.ecn), ttl: values.ttl(p.ttl) }))
  const quote = composeQuotes(a, b)
  return transposition({ pop, edit, push: [...outside, ...inside], guard, ...(quote !== undefined && { quote }) })
}

const NO_NEED: Need = {}

/** What b asks of a's result, said of the groups of the original; or why no frame behind `a` meets it. */
const demandsOf = (a: Transposition, b: Transposition): Need[] | string => {
  const demanded: Need[] = []
  for (let i = 0; i < b.pop.length + b.edit.length; i++) {
    const need = i < b.pop.length ? joinNeeds(b.pop[i]!, POPPED) : editNeed(b.edit[i - b.pop.length]!)
    const before = typeof need === 'string' ? need : needBehind(a, need, i)
    if (typeof before === 'string') return before
    for (const { group, need: more } of before) {
      const joined = joinNeeds(demanded[group] ?? NO_NEED, more)
      if (typeof joined === 'string') return joined
      while (demanded.length <= group) demanded.push(NO_NEED)
      demanded[group] = joined
    }
  }
  return demanded
}

const POPPED: Need = { tunnel: true }

/** Two edits of one group of the original, `own` its index there, as one. */
const joinEdits = (first: Edit, second: Edit, substitute: (set: Changes) => Changes, demanded: Need, own: number): Edit | string => {
  const need = joinNeeds(editNeed(first), demanded)
  return typeof need === 'string' ? need : makeEdit(need, {
    vlans: composeVlans(first.vlans, second.vlans),
    translate: composeTranslations(first.translate, second.translate),
    set: second === KEEP ? first.set : withoutOwn({ ...first.set, ...substitute(second.set) }, own),
  })
}

const composeTranslations = (first: Translation | undefined, second: Translation | undefined): Translation | undefined =>
  first === undefined || second === undefined ? first ?? second : { from: first.from, to: second.to }

/** A pushed group with its constants edited; what the edit needs of it was found to be there. */
const editPush = (push: Push, { vlans, set }: Edit, substitute: (set: Changes) => Changes): Push => {
  // An edit of the destination port that is met makes it the standard one of this tunnel.
  const { dstMac, srcMac, srcIp, dstIp, dscp, ecn, ttl, srcPort, dstPort, vni } = { ...push, ...substitute(set) }
  return { ...push, dstMac, srcMac, srcIp, dstIp, dscp, ecn, ttl, srcPort, dstPort, vni, vlans: vlans === undefined ? push.vlans : editTags(push.vlans, vlans) }
}

const composeQuotes = (a: Transposition, b: Transposition): Transposition['quote'] => {
  if (a.quote === 'refused' || b.quote === 'refused') return 'refused'
  const translated = a.edit.find((e) => e.translate !== undefined)?.translate
  const between = translated?.to ?? a.quote?.version
  const asked = b.quote?.version
  if (between !== undefined && asked !== undefined && between !== asked) return 'refused'
  return makeQuote(translated?.from ?? a.quote?.version ?? asked, { ...a.quote?.set, ...b.quote?.set })
}
