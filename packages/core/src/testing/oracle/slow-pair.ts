/** When a connection of the slow oracle begins, how long it lives, and which packets are its own. */
import { type Direction, opposite } from '../../flow/flow-id.js'
import type { Decision } from '../../policy/decision.js'
import { invert } from '../../transposition/invert.js'
import { answerTo, type Identity, identityOf, sameIdentity } from './identity.js'
import { reparse, type SlowFrame } from './slow-frame.js'
import type { SlowPair, SlowRule } from './slow-policy.js'

/** The packet that makes a connection. */
export interface Initiator {
  readonly direction: Direction
  readonly nowUs: number
  readonly flowHash: number
  readonly handed: readonly string[]
  /** As the layer saw it. */
  readonly before: SlowFrame
  /** As the layer left it. */
  readonly after: SlowFrame
}

/** The connection that a stateful rule's decision makes, in a layer of this version. */
export const pairFor = (by: Initiator, rule: SlowRule, idleUs: number, decision: Decision, version: number): SlowPair => {
  const { words, depth } = reparse(by.before)
  return {
    direction: by.direction,
    initial: by.before,
    flowHash: by.flowHash,
    handed: by.handed,
    identity: identityOf(by.before),
    answer: answerTo(identityOf(by.after)),
    decision,
    reverse: invert(decision.transposition, words, depth),
    rule,
    idleUs,
    lastUsedUs: by.nowUs,
    checked: version,
  }
}

/** Whether less than its idle time has passed since a packet of it passed. */
export const isAlive = (pair: SlowPair, nowUs: number): boolean => nowUs - pair.lastUsedUs < pair.idleUs

/** How packets of this direction and identity stand to a connection; `undefined` if they are none of its. */
export const sideOf = (pair: SlowPair, direction: Direction, identity: Identity): 'forward' | 'reverse' | undefined =>
  sameIdentity(pair.direction, pair.identity, direction, identity)
    ? 'forward'
    : sameIdentity(opposite(pair.direction), pair.answer, direction, identity) ? 'reverse' : undefined
