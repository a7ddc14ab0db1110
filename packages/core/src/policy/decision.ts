/**
 * What a rule decides about a flow: one verdict, one header transposition, and what runs beside it.
 *
 * @see VFP §5.3.2, §6.1.2, §6.2, §7.2
 */
import type { DropReason } from '../drop-reason.js'
import { identity } from '../transposition/construct.js'
import type { HeaderTransposition } from '../transposition/header-transposition.js'
import type { ActionContext } from './action-context.js'
import type { Responder } from './responder.js'

/** Where a packet goes after this layer. */
export type Verdict =
  /** To the next layer, or out. */
  | { readonly _tag: 'Continue' }
  /** Nowhere. The reason is a short name such as `Denied`; drops are counted by it. */
  | {
      readonly _tag: 'Drop'
      /** Name that the drop is counted under. */
      readonly reason: DropReason
    }
  /** Out of this port and into the outbound path of another, or of the same one (VFP §7.2). */
  | {
      readonly _tag: 'Hairpin'
      /** Name of the port that the packet goes into; where there is none of that name, it is dropped as `NoSuchPort`. */
      readonly port: string
    }
  /**
   * Nowhere: a responder answers it. To an outbound packet the answer goes back to the VM; to an inbound one it goes into the
   * outbound path of the port, as if its VM had answered. One that was hairpinned is answered at the port it first came to.
   */
  | {
      readonly _tag: 'Reply'
      /** Writes the answer. */
      readonly by: Responder
    }
  /** Nowhere yet: it waits until the resource knows about the key (in its words), and is then walked afresh. */
  | {
      readonly _tag: 'Pending'
      /** Name of the resource that is asked. */
      readonly resource: string
      /** The key in its resource's words. */
      readonly key: string
    }

/**
 * Something a rule took for a flow, such as a port of a NAT, that has to be given back.
 *
 * While it is held, a rule returns the same object for the same flow each time it is asked: a flow is walked more than once, and
 * the engine tells holds apart by identity. Once a packet that holds it was let through, it belongs to the connections that
 * were made with it. A rule that is not stateful makes none: then it is the rule's own affair when it ends, and `release` is
 * not called any more.
 */
export interface Hold {
  /**
   * Gives it back: the packet was dropped, or waited too long, on the way; or the last connection made with it has ended. One that
   * was idle too long ends when it is noticed, at the latest by `Port.expire`. Called once at most, perhaps after the state of the
   * rule was disposed of; must not throw. Not called for what ends with its layer or port.
   */
  readonly release: () => void
}

/** The whole answer of a rule. */
export interface Decision {
  /** Where the packet goes after this layer. */
  readonly verdict: Verdict
  /** Applied to the packet before the next layer sees it; on a drop it is not applied. */
  readonly transposition: HeaderTransposition
  /** Run for every passed packet of the flow. */
  readonly contexts: readonly ActionContext[]
  /** Ports that get a copy of the packet as this layer leaves it. */
  readonly mirrors: readonly string[]
  /** What was taken for the flow and goes back if the packet does not leave; none unless given. */
  readonly holds?: readonly Hold[]
}

/** Lets the packet go on, changed by `transposition` if one is given. */
export const proceed = (
  transposition: HeaderTransposition = identity,
  extra: { readonly contexts?: readonly ActionContext[]; readonly mirrors?: readonly string[]; readonly holds?: readonly Hold[] } = {},
): Decision => ({
  verdict: CONTINUE, transposition, contexts: extra.contexts ?? [], mirrors: extra.mirrors ?? [], ...(extra.holds === undefined ? {} : { holds: extra.holds }),
})

/** Drops the packet; `reason` is the name it is counted under. */
export const refuse = (reason: DropReason): Decision =>
  ({ verdict: { _tag: 'Drop', reason }, transposition: identity, contexts: [], mirrors: [] })

/** Sends the packet into the outbound path of `port`, changed by `transposition` if one is given. */
export const hairpinTo = (port: string, transposition: HeaderTransposition = identity): Decision =>
  ({ verdict: { _tag: 'Hairpin', port }, transposition, contexts: [], mirrors: [] })

/**
 * Has `responder` answer the packet, changed by `transposition` if one is given. A rule gives the same responder for the same flow
 * each time it is asked, or its flow is made anew with every change of policy.
 */
export const answerBy = (responder: Responder, transposition: HeaderTransposition = identity): Decision =>
  ({ verdict: { _tag: 'Reply', by: responder }, transposition, contexts: [], mirrors: [] })

/**
 * Lets the packet wait for the key that the rule asked for last and that is unknown. A rule that asked for none has nothing to
 * wait for: its packet is dropped as `PendingForNothing`.
 */
export const pend = (): Decision => PEND

/** Whether two verdicts are the same. */
export const sameVerdict = (a: Verdict, b: Verdict): boolean => {
  if (a._tag === 'Drop') return b._tag === 'Drop' && a.reason === b.reason
  if (a._tag === 'Hairpin') return b._tag === 'Hairpin' && a.port === b.port
  if (a._tag === 'Reply') return b._tag === 'Reply' && a.by === b.by
  if (a._tag === 'Pending') return b._tag === 'Pending' && a.resource === b.resource && a.key === b.key
  return b._tag === 'Continue'
}

/** Returns a verdict in words: `continue`, `drop Reason`, `hairpin to port`, `reply by responder`, or `pending on resource key`. */
export const formatVerdict = (v: Verdict): string => {
  switch (v._tag) {
    case 'Continue': return 'continue'
    case 'Drop': return `drop ${v.reason}`
    case 'Hairpin': return `hairpin to ${v.port}`
    case 'Reply': return `reply by ${v.by.name}`
    case 'Pending': return `pending on ${v.resource} ${v.key}`
  }
}

const CONTINUE: Verdict = { _tag: 'Continue' }
const PEND: Decision = { verdict: { _tag: 'Pending', resource: '', key: '' }, transposition: identity, contexts: [], mirrors: [] }
