/**
 * Pairing: which two unified flows are the directions of one connection.
 *
 * The reverse of a unified flow cannot be had by reversing its key: a connection may come in through a tunnel and go
 * out without one. Both directions meet on the **VM side**: what the inbound flow leaves there, reversed, is what the
 * VM will send. So when an inbound flow is made, its reversed result is looked up among the outbound flows, and if the
 * VM has not spoken yet, the outbound flow is simulated and installed at once: the answer is a hit from its first packet.
 * An outbound flow made first waits for its inbound one to find it.
 *
 * Only what a real reverse packet could not decide otherwise is installed: no simulation that made a connection of its
 * own, nor one that looked at TCP flags or DSCP, which a packet that has not come does not have, nor one that missed a key:
 * for a packet that has not come nothing is asked.
 *
 * @see VFP §6.4.1
 */
import { hashFlow, makeUfid, reverseFlow } from '../flow/flow-id.js'
import { Word, WORDS } from '../flow/layout.js'
import type { Walk, Walker } from '../pipeline/walk.js'
import type { CompiledPort } from '../pipeline/compiled-port.js'
import type { UnifiedFlow } from '../tables/unified-flow.js'
import type { UnifiedFlowTable } from '../tables/unified-flow-table.js'
import { compileFlow } from './compile.js'
import type { Holds } from './holds.js'
import type { DropReasons } from './reasons.js'

/** What pairing needs of a datapath. */
export interface Pairable {
  readonly flows: UnifiedFlowTable
  readonly walker: Walker
  readonly policy: CompiledPort
  readonly reasons: DropReasons
  readonly options: { readonly hashSeed: number }
  readonly pending: { readonly holds: Holds }
}

/** Finds or makes the reverse of an inbound flow that was just installed. */
export const pairUp = (port: Pairable, flow: UnifiedFlow, walk: Walk, nowUs: number): void => {
  if (flow.direction === 'outbound' || walk.verdict._tag !== 'Continue') return
  const depth = walk.afterDepth
  const words = makeUfid()
  words.set(walk.after)
  reverseFlow(words, depth)
  const hash = hashFlow(words, depth, port.options.hashSeed)
  const there = port.flows.find(hash, 'outbound', words, depth)
  if (there !== undefined) {
    join(flow, there)
    return
  }
  const back = port.walker.walk(port.policy, 'outbound', words, depth, nowUs)
  port.pending.holds.letGo(back.stray)
  const mayStand = back.mask !== undefined && back.newPairs.length === 0 && back.misses.length === 0 && !looksAtClass(back.mask.at)
  if (!mayStand || back.verdict._tag === 'Drop') port.pending.holds.letGo(back.holds)
  else port.pending.holds.keep(back.holds)
  if (!mayStand) return
  const reverse = compileFlow(back, 'outbound', words, depth, hash, port.policy.generation, nowUs, port.reasons)
  // Both may have one hash, and the reverse flow taken the place of the other.
  if (port.flows.insert(reverse) && flow.installed) join(flow, reverse)
}

const join = (a: UnifiedFlow, b: UnifiedFlow): void => {
  if (b.peer !== undefined) b.peer.peer = undefined
  a.peer = b
  b.peer = a
}

const looksAtClass = (at: Uint16Array): boolean => at.some((i) => i % WORDS === Word.CLASS)
