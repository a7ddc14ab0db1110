/** What a walk reports of how it came to its decision. */
import type { Direction } from '../flow/flow-id.js'
import type { Decision } from '../policy/decision.js'
import type { CompiledGroup, CompiledLayer, CompiledRule } from './compiled-port.js'

/** How a layer found what applies to the packet. */
export type Source =
  /** A rule matched. */
  | { readonly _tag: 'Rule'; readonly rule: CompiledRule }
  /** The packet belongs to a connection that a stateful rule made earlier. */
  | { readonly _tag: 'Pair'; readonly rule: CompiledRule; readonly side: 'forward' | 'reverse' }
  /** The packet is an ICMP error about a packet of the other direction of such a connection; `side` is the direction of its answers. */
  | { readonly _tag: 'Related'; readonly rule: CompiledRule; readonly side: 'forward' | 'reverse' }
  /** No rule matched: the packet passes the layer as it is. */
  | { readonly _tag: 'None' }

/** Listens to a walk. Views given are valid only during the call. */
export interface Trace {
  readonly enterLayer: (layer: CompiledLayer, words: Uint32Array, depth: number) => void
  /** A group was skipped (`entered` false) or searched; `rule` is the match. */
  readonly group: (group: CompiledGroup, entered: boolean, rule: CompiledRule | undefined) => void
  readonly leaveLayer: (source: Source, decision: Decision | undefined, words: Uint32Array, depth: number) => void
  /** The walk went through layers in this order. */
  readonly begin: (direction: Direction, words: Uint32Array, depth: number) => void
}
