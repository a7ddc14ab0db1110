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
 * | copies from| the value that was pushed                          | the constant a set, or the original's value    |
 *
 * and b's pushes go outside. Because popped groups cancel and fields overwrite, the result is bounded by the frame's depth
 * and its fields, never by the length of the chain: this is why ten layers cost one rewrite.
 *
 * **Totality.** Where shapes contradict each other (an IPv6 address for a group that must be IPv4) no frame passes the
 * chain; the result is the absorbing `Invalid`. With it and `identity`, transpositions are a monoid.
 *
 * **Associativity** rests on three facts: needs join by union and a contradiction survives any union (see `need.ts`);
 * overwriting is associative; and an edit never changes a group's shape, so what `b` needs of a group can be asked of the
 * original. The last is also why `apply(compose(a, b))` refuses for shape exactly where `apply(a)` or then `apply(b)` would.
 * Refusals for want of room are different: a chain may push what it pops again, and fail for headroom, length or
 * depth on the way, where the composite has enough. The composite never needs more than the chain.
 *
 * **Limits.** Two things are decided for a whole flow and not for a frame: a later fragment passes what its first fragment would
 * not (see `contradiction`), and a tunnel deeper than `MAX_GROUPS` is payload until a pop and a second parse lay it bare.
 *
 * Control path: allocates, proportional to the size of both.
 *
 * @see VFP §6.1.3, pseudocode 1
 */
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import type { Changes, Edit, HeaderTransposition, Invalid, Need, Push, Transposition, Value } from './header-transposition.js'
import { contradiction, needBits, NeedBit, needOf } from './need.js'
import { editBits, identity, invalid, KEEP, makeEdit, trimEdits } from './normal-form.js'

/** First `a`, then `b`, as one transposition in normal form; total, associative, with `identity` on both sides. */
export const compose = (a: HeaderTransposition, b: HeaderTransposition): HeaderTransposition =>
  a._tag === 'Invalid' ? a : b._tag === 'Invalid' ? b : composeValid(a, b)

/** A whole chain as one transposition, the first element applied first. */
export const composeAll = (chain: Iterable<HeaderTransposition>): HeaderTransposition => {
  let all: HeaderTransposition = identity
  for (const t of chain) all = compose(all, t)
  return all
}

/** `compose` and `identity` for fp-ts. */
export const MonoidTransposition: Monoid<HeaderTransposition> = { concat: compose, empty: identity }

const composeValid = (a: Transposition, b: Transposition): HeaderTransposition => {
  const cancelled = Math.min(b.pop.length, a.push.length)
  for (let i = 0; i < cancelled; i++) {
    const bits = needBits(b.pop[i]!) | NeedBit.Tunnel
    const why = unmet(bits, a.push[i]!)
    if (why !== undefined) return invalid(why)
  }
  // Groups of the original that b pops on top of a's pops.
  const pops = b.pop.length - cancelled
  const pop: Need[] = [...a.pop]
  for (let i = 0; i < pops; i++) {
    const bits = editBits(a.edit[i] ?? KEEP) | needBits(b.pop[cancelled + i]!) | NeedBit.Tunnel
    const why = contradiction(bits)
    if (why !== undefined) return invalid(why)
    pop.push(needOf(bits))
  }

  const inside = a.push.slice(cancelled)
  const edit: Edit[] = a.edit.slice(pops)
  for (let i = 0; i < b.edit.length; i++) {
    const second = b.edit[i]!
    const at = i - inside.length
    const merged = at < 0 ? editPush(inside[i]!, second) : joinEdits(edit[at] ?? KEEP, second)
    if ('_tag' in merged) return merged
    if ('tunnel' in merged) {
      inside[i] = merged
    } else {
      while (edit.length < at) edit.push(KEEP)
      edit[at] = merged
    }
  }
  const outside = b.push.map((p) => ({ ...p, dscp: substitute(p.dscp, 'dscp', a), ecn: substitute(p.ecn, 'ecn', a) }))
  return { _tag: 'Transposition', pop, edit: trimEdits(edit), push: [...outside, ...inside] }
}

/** What the value of a later transposition, read behind `a`, is in terms of the frame before `a`. */
const substitute = (value: Value, field: 'dscp' | 'ecn', a: Transposition): Value => {
  if (typeof value === 'number') return value
  const pushed = a.push[value.original]
  if (pushed !== undefined) return pushed[field]
  const group = value.original - a.push.length
  return a.edit[group]?.set[field] ?? { original: group + a.pop.length }
}

const joinEdits = (first: Edit, second: Edit): Edit | Invalid => {
  const bits = editBits(first) | editBits(second)
  const why = contradiction(bits)
  return why === undefined ? makeEdit(bits, { ...first.set, ...second.set }) : invalid(why)
}

/** A pushed group with its constants edited. The destination port is the tunnel's, so an edit that is met keeps it. */
const editPush = (push: Push, edit: Edit): Push | Invalid => {
  const why = unmet(editBits(edit), push)
  if (why !== undefined) return invalid(why)
  const { dstPort: _tunnelPort, icmpId: _never, ...set }: Changes = edit.set
  return { ...push, ...set }
}

/** Why a pushed group is not what these atoms ask for, or `undefined` if it is. */
const unmet = (bits: number, push: Push): string | undefined => {
  const missing = bits & ~(PUSHED | (push.srcIp.version === 4 ? NeedBit.Ipv4 : NeedBit.Ipv6))
  if (missing === 0) return undefined
  if ((missing & NeedBit.Echo) !== 0) return 'a pushed tunnel header has no ICMP echo identifier'
  if ((missing & NeedBit.UdpPlain) !== 0) return 'the destination port of a pushed tunnel header is that of the tunnel'
  return `a pushed IPv${push.srcIp.version} header is not an IPv${push.srcIp.version === 4 ? 6 : 4} one`
}

const PUSHED = NeedBit.Ip | NeedBit.Ports | NeedBit.Tunnel | NeedBit.UdpTunnel
