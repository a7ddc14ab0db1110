/**
 * Publishing: from a snapshot of a port's policy to what walks read.
 *
 * Group by group: one that the change did not touch is taken over as it is, counters of a rule that stays under its
 * id stay with it, and the connections of a layer outlive every change of it.
 */
import * as E from 'fp-ts/lib/Either.js'
import { compileCondition } from '../classify/compiled-condition.js'
import { addField } from '../flow/flow-mask.js'
import { type FieldRef, resolveField } from '../flow/field.js'
import { UFID_WORDS } from '../flow/layout.js'
import type { Condition } from '../policy/condition.js'
import type { GroupInForce, LayerPolicy, PortPolicy, RuleInForce } from '../policy/port-policy.js'
import { DEFAULT_MAX_CONNECTIONS, LayerFlowTable } from '../tables/layer-flow-table.js'
import { classifierFor } from './amend.js'
import { tunnelEndsOf } from '../policy/tunnel-use.js'
import { type TunnelEnd, tunnelEndKey } from '../wire/tunnel-ends.js'
import type { CompiledGroup, CompiledLayer, CompiledPort, CompiledRule, RuleCounters } from './compiled-port.js'

/** A group's rules cannot be classified as it wants. */
export interface BadGroup {
  readonly group: string
  readonly reason: string
}

/** Compiles a snapshot whose layers keep `maxConnections` connections each, taking over from `previous` whatever has not changed. */
export const publish = (policy: PortPolicy, previous: CompiledPort, maxConnections: number = DEFAULT_MAX_CONNECTIONS): E.Either<BadGroup, CompiledPort> => {
  const layers: CompiledLayer[] = []
  for (const layer of policy.layers) {
    const compiled = compileLayer(layer, previous.layers.find((l) => l.key === layer.key), maxConnections)
    if (E.isLeft(compiled)) return compiled
    layers.push(compiled.right)
  }
  const tunnelEnds = layers.flatMap((layer) => [...layer.outbound, ...layer.inbound].flatMap((group) => group.tunnelEnds))
  return E.right({ generation: policy.generation, layers, tunnelEnds })
}

const compileLayer = (layer: LayerPolicy, previous: CompiledLayer | undefined, maxConnections: number): E.Either<BadGroup, CompiledLayer> => {
  if (previous?.version === layer.version) return E.right(previous)
  const directions = { outbound: [] as CompiledGroup[], inbound: [] as CompiledGroup[] }
  const ordered = layer.groups.sortBy((g) => g.group.order ?? 0)
  for (const inForce of ordered) {
    const { direction, name } = inForce.group
    const compiled = compileGroup(layer.name, inForce, previous?.[direction].find((g) => g.name === name))
    if (E.isLeft(compiled)) return compiled
    directions[direction].push(compiled.right)
  }
  return E.right({
    key: layer.key, name: layer.name, version: layer.version, ...directions,
    stateful: layer.groups.some((g) => g.rules.some((r) => r.rule.stateful !== undefined)),
    flows: previous?.flows ?? new LayerFlowTable<CompiledRule>(maxConnections),
  })
}

const compileGroup = (layer: string, source: GroupInForce, previous: CompiledGroup | undefined): E.Either<BadGroup, CompiledGroup> => {
  if (previous?.source === source) return E.right(previous)
  const { group } = source
  const before = new Map(previous?.rules.map((r) => [r.id, r]))
  const rules = source.rules.map((inForce): CompiledRule => ({
    id: inForce.id,
    priority: inForce.rule.priority,
    conditions: inForce.rule.conditions,
    inForce,
    counters: keptCounters(before.get(inForce.id), inForce),
    layer,
    group: group.name,
    direction: group.direction,
  }))
  const classifier = classifierFor(rules, prefixField(source), previous === undefined ? undefined : {
    classifier: previous.classifier, longestPrefix: prefixField(previous.source),
  })
  if (E.isLeft(classifier)) return E.left({ group: group.name, reason: classifier.left.reason })
  return E.right({
    source,
    name: group.name,
    conditions: (group.when ?? []).map(compileCondition),
    classifier: classifier.right,
    rules,
    tunnelEnds: endsOf(source),
    byId: new Map(rules.map((r) => [r.id, r])),
    consultsToEnter: consulted([group.when ?? []]),
    consultsToMatch: consulted(rules.map((r) => r.conditions)),
  })
}

/** Each end once: rules of one network on one host name the same. */
const endsOf = ({ group, rules }: GroupInForce): readonly TunnelEnd[] => {
  const ends = new Map((group.tunnelEnds ?? []).map((end): [string, TunnelEnd] => [tunnelEndKey(end), end]))
  for (const { rule } of rules) {
    if (rule.tunnels !== undefined) for (const end of tunnelEndsOf(rule, group.direction, group.when ?? [])) ends.set(tunnelEndKey(end), end)
  }
  return [...ends.values()]
}

const prefixField = ({ group }: GroupInForce): FieldRef | undefined =>
  group.match === undefined || group.match === 'priority' ? undefined : group.match.longestPrefix

const keptCounters = (before: CompiledRule | undefined, now: RuleInForce): RuleCounters =>
  before !== undefined && before.inForce.rule.type === now.rule.type ? before.counters : { walks: 0, packets: 0, bytes: 0 }

const consulted = (lists: readonly (readonly Condition[])[]): Uint32Array => {
  const mask = new Uint32Array(UFID_WORDS)
  const seen = new Set<string>()
  for (const conditions of lists) {
    for (const { field } of conditions) {
      if (seen.has(field)) continue
      seen.add(field)
      const resolved = resolveField(field)
      if (resolved !== undefined) addField(mask, resolved.field, resolved.group)
    }
  }
  return mask
}
