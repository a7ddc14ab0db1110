/**
 * A port's policy in the form that walks read: classifiers instead of rules, and per group the fields it looks at.
 */
import type { CompiledCondition } from '../classify/compiled-condition.js'
import type { Condition } from '../policy/condition.js'
import type { Direction } from '../flow/flow-id.js'
import type { Generation, GroupInForce, RuleInForce } from '../policy/port-policy.js'
import type { Numbered } from './amend.js'
import type { LayerFlowTable } from '../tables/layer-flow-table.js'
import type { TunnelEnd } from '../wire/tunnel-ends.js'

/** What a rule has done. */
export interface RuleCounters {
  /** Packets decided by the rule in a walk of the layers. */
  walks: number
  /** Packets decided by the rule, walked or cached, and passed or dropped since. */
  packets: number
  bytes: number
}

/** A rule as decisions refer to it. */
export interface CompiledRule {
  readonly id: string
  readonly priority: number
  readonly conditions: readonly Condition[]
  readonly inForce: RuleInForce
  readonly counters: RuleCounters
  readonly layer: string
  readonly group: string
  readonly direction: Direction
}

/** A group as walks read it. */
export interface CompiledGroup {
  readonly source: GroupInForce
  readonly name: string
  readonly conditions: readonly CompiledCondition[]
  /** Finds the id of the rule; the rules themselves are replaced more often than what the classifier is built of. */
  readonly classifier: Numbered
  readonly rules: readonly CompiledRule[]
  /** Where tunnels end by its rules. */
  readonly tunnelEnds: readonly TunnelEnd[]
  readonly byId: ReadonlyMap<string, CompiledRule>
  /** Bits that testing the group's own conditions looks at. */
  readonly consultsToEnter: Uint32Array
  /** Bits that finding its rule looks at. */
  readonly consultsToMatch: Uint32Array
}

/** A layer as walks read it. */
export interface CompiledLayer {
  readonly key: number
  readonly name: string
  readonly version: number
  readonly outbound: readonly CompiledGroup[]
  readonly inbound: readonly CompiledGroup[]
  /** Whether a rule of it makes connections. */
  readonly stateful: boolean
  /** Survives changes of the layer's policy. */
  readonly flows: LayerFlowTable<CompiledRule>
}

/** A port as walks read it. */
export interface CompiledPort {
  readonly generation: Generation
  /** From the VM to the network. */
  readonly layers: readonly CompiledLayer[]
  /** Where tunnels end by the rules of all layers. */
  readonly tunnelEnds: readonly TunnelEnd[]
}

/** A port without layers. */
export const emptyPort: CompiledPort = { generation: 0, layers: [], tunnelEnds: [] }
