/**
 * What a rule decides about a flow: one verdict, one header transposition, and what runs beside it.
 *
 * @see VFP §5.3.2, §6.1.2, §6.2, §7.2
 */
import { identity } from '../transposition/construct.js'
import type { HeaderTransposition } from '../transposition/header-transposition.js'
import type { ActionContext } from './action-context.js'

/** Where a packet goes after this layer. */
export type Verdict =
  /** To the next layer, or out. */
  | { readonly _tag: 'Continue' }
  /** Nowhere. The reason is a short name such as `Denied`; drops are counted by it. */
  | { readonly _tag: 'Drop'; readonly reason: string }
  /** Out of this port and into the outbound path of another, or of the same one (VFP §7.2). */
  | { readonly _tag: 'Hairpin'; readonly port: string }

/** The whole answer of a rule. */
export interface Decision {
  readonly verdict: Verdict
  /** Applied to the packet before the next layer sees it; on a drop it is not applied. */
  readonly transposition: HeaderTransposition
  /** Run for every passed packet of the flow. */
  readonly contexts: readonly ActionContext[]
  /** Ports that get a copy of the packet as this layer leaves it. */
  readonly mirrors: readonly string[]
}

/** Lets the packet go on, changed by `transposition` if one is given. */
export const proceed = (
  transposition: HeaderTransposition = identity,
  extra: { readonly contexts?: readonly ActionContext[]; readonly mirrors?: readonly string[] } = {},
): Decision => ({ verdict: CONTINUE, transposition, contexts: extra.contexts ?? [], mirrors: extra.mirrors ?? [] })

/** Drops the packet; `reason` is the name it is counted under. */
export const refuse = (reason: string): Decision =>
  ({ verdict: { _tag: 'Drop', reason }, transposition: identity, contexts: [], mirrors: [] })

/** Sends the packet into the outbound path of `port`, changed by `transposition` if one is given. */
export const hairpinTo = (port: string, transposition: HeaderTransposition = identity): Decision =>
  ({ verdict: { _tag: 'Hairpin', port }, transposition, contexts: [], mirrors: [] })

/** Whether two verdicts are the same. */
export const sameVerdict = (a: Verdict, b: Verdict): boolean => {
  if (a._tag === 'Drop') return b._tag === 'Drop' && a.reason === b.reason
  if (a._tag === 'Hairpin') return b._tag === 'Hairpin' && a.port === b.port
  return b._tag === 'Continue'
}

/** A verdict in words. */
export const formatVerdict = (v: Verdict): string => {
  switch (v._tag) {
    case 'Continue': return 'continue'
    case 'Drop': return `drop ${v.reason}`
    case 'Hairpin': return `hairpin to ${v.port}`
  }
}

const CONTINUE: Verdict = { _tag: 'Continue' }
