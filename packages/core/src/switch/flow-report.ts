/** Unified flows as tables and programs read them. */
import { type FlowGroup, flowToJson, formatFlow } from '../flow/format-flow.js'
import type { Direction } from '../flow/flow-id.js'
import { formatVerdict } from '../policy/decision.js'
import type { UnifiedFlow } from '../tables/unified-flow.js'
import { format } from '../transposition/notation.js'
import { toJson, type TranspositionJson } from '../transposition/notation-json.js'
import { type DecidedBy, decidedBy } from './decided-by.js'

/** One unified flow. */
export interface FlowReport {
  /** Direction of its packets. */
  readonly direction: Direction
  /** Its key in words. */
  readonly key: string
  /** Its key as data, outermost header group first. */
  readonly groups: readonly FlowGroup[]
  /** `continue`, `drop Reason`, `hairpin to port` or `reply by responder`. */
  readonly verdict: string
  /** The rule that the verdict is of; absent where it is `continue`, and where no rule alone decided. */
  readonly by?: DecidedBy
  /** The composed transposition in words. */
  readonly transposition: string
  /** The composed transposition as data. */
  readonly transpositionJson: TranspositionJson
  /** Packets decided by the flow since it was made. */
  readonly packets: number
  /** Bytes of its packets as they entered the port. */
  readonly bytes: number
  /** Whether the flow of the other direction is known. */
  readonly paired: boolean
  /** Microseconds since its last packet. */
  readonly idleUs: number
}

/** Reports a flow at a time. */
export const reportFlow = (flow: UnifiedFlow, nowUs: number): FlowReport => ({
  direction: flow.direction,
  key: formatFlow(flow.words, flow.depth),
  groups: flowToJson(flow.words, flow.depth),
  verdict: formatVerdict(flow.verdict),
  ...(flow.by === undefined ? {} : { by: decidedBy(flow.by) }),
  transposition: format(flow.transposition),
  transpositionJson: toJson(flow.transposition),
  packets: flow.packets,
  bytes: flow.bytes,
  paired: flow.peer !== undefined,
  idleUs: nowUs - flow.lastHitUs,
})
