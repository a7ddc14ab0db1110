/**
 * Unified flows: the whole decision of the layers about one flow, ready to be carried out.
 *
 * @see VFP §6.1.4
 */
import type { Direction } from '../flow/flow-id.js'
import type { FlowMask } from '../flow/flow-mask.js'
import type { ActionContext } from '../policy/action-context.js'
import type { Verdict } from '../policy/decision.js'
import type { Generation } from '../policy/port-policy.js'
import type { Cell } from '../policy/resource.js'
import type { HeaderTransposition, Translation } from '../transposition/header-transposition.js'
import type { Program } from '../transposition/program.js'

/** Something a flow's decision rests on that can end it: a layer-flow pair. */
export interface Lifeline {
  lastUsedUs: number
  readonly idleUs: number
  readonly alive: boolean
}

/** A context with the way from the original frame's length to the one its layer saw. */
export interface FlowContextRun {
  readonly context: ActionContext
  /** Outermost groups gone by then. */
  readonly popped: number
  /** Bytes of headers and tags put in by then, less those taken out. */
  readonly addedBytes: number
  /** Group whose IP header was exchanged by then. */
  readonly translated: { readonly group: number; readonly how: Translation } | undefined
}

/** A copy for another port. */
export interface FlowMirror {
  readonly port: string
  readonly transposition: HeaderTransposition
  readonly program: Program
  /** Transformations of the payload that have been made by then. */
  readonly transforms: number
}

/** The rule whose decision a flow carries out, by its names. */
export interface Decider {
  readonly layer: string
  readonly group: string
  readonly id: string
}

/** What a flow counts into beside its own counters: the rules that decided it. */
export interface Tally {
  packets: number
  bytes: number
}

/** The decision about one flow. The table compares `words` under `mask`; everything else is the datapath's. */
export interface UnifiedFlow {
  readonly direction: Direction
  /** The flow id of the packet that made it, `depth` groups. */
  readonly words: Uint32Array
  readonly depth: number
  readonly hash: number
  mask: FlowMask
  verdict: Verdict
  transposition: HeaderTransposition
  program: Program
  contexts: readonly FlowContextRun[]
  mirrors: readonly FlowMirror[]
  /** Counters of the rules that decided, in the order of their layers. */
  tallies: readonly Tally[]
  /** Interned drop reason where the verdict is a drop, else 0. */
  reason: number
  /** The rule that the verdict is of, where that is one to end here. */
  by: Decider | undefined
  /** The generation it was last found right under. */
  generation: Generation
  /** Resource cells read, and their versions then. */
  cells: readonly Cell[]
  versions: readonly number[]
  lifelines: readonly Lifeline[]
  /** The flow of the reverse direction, once both are known. */
  peer: UnifiedFlow | undefined
  /** Monotonic microseconds. */
  readonly createdUs: number
  lastHitUs: number
  packets: number
  bytes: number
  installed: boolean
}

/** Counts a packet of the flow, for the flow and for the rules that decided it. */
export const countHit = (flow: UnifiedFlow, lengthBytes: number, nowUs: number): void => {
  flow.lastHitUs = nowUs
  flow.packets++
  flow.bytes += lengthBytes
  const { tallies } = flow
  for (let i = 0; i < tallies.length; i++) {
    tallies[i]!.packets++
    tallies[i]!.bytes += lengthBytes
  }
}
