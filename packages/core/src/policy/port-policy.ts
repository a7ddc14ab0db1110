/**
 * The policy of one port as an immutable snapshot.
 *
 * Every change makes a new snapshot with the next generation number; whoever holds the old one keeps reading it
 * undisturbed, and a refused change is a snapshot that was not published.
 *
 * @see VFP §6.3 for generations
 */
import * as E from 'fp-ts/lib/Either.js'
import { List } from 'immutable'
import type { Group } from './group.js'
import type { Rule, RunningRule } from './rule.js'

/** Number of the policy in force on a port; each change raises it by one. */
export type Generation = number

/** A rule of a group, started. */
export interface RuleInForce {
  /** Unique in its group. */
  readonly id: string
  readonly rule: Rule
  readonly running: RunningRule
}

/** A group with its rules started. */
export interface GroupInForce {
  readonly group: Group
  readonly rules: readonly RuleInForce[]
}

/** One layer of a port. */
export interface LayerPolicy {
  /** Unique on the port for all time: a removed layer's key is not used again. */
  readonly key: number
  readonly name: string
  /** Name of its layer type. */
  readonly type: string
  /** Smaller is nearer the VM. */
  readonly order: number
  /** Grows with each change of this layer. */
  readonly version: number
  readonly groups: List<GroupInForce>
}

/** All layers of a port, from the VM side to the network side. */
export interface PortPolicy {
  readonly generation: Generation
  readonly layers: List<LayerPolicy>
}

/** A port without layers. */
export const emptyPolicy: PortPolicy = { generation: 0, layers: List<LayerPolicy>() }

/** Where a new layer goes. */
export type Place =
  /** Behind all layers of the same or a smaller order, before those of a larger one. */
  | {
      /** Place in the walk: a smaller order is nearer the VM. */
      readonly order: number
    }
  /** Right on the VM side of the named layer. */
  | {
      /** Name of a layer of the port. */
      readonly before: string
    }
  /** Right on the network side of the named layer. */
  | {
      /** Name of a layer of the port. */
      readonly after: string
    }

/** The snapshot with a layer put in its place, or the name of the layer that `place` refers to and that is not there. */
export const insertLayer = (
  policy: PortPolicy, layer: Omit<LayerPolicy, 'order'>, place: Place,
): E.Either<string, PortPolicy> => {
  const found = locate(policy, place)
  return typeof found === 'string'
    ? E.left(found)
    : E.right({ generation: policy.generation + 1, layers: policy.layers.insert(found.index, { ...layer, order: found.order }) })
}

/** The snapshot without a layer. */
export const removeLayer = (policy: PortPolicy, key: number): PortPolicy =>
  ({ generation: policy.generation + 1, layers: policy.layers.filter((l) => l.key !== key) })

/** The snapshot with other groups in a layer. */
export const replaceGroups = (policy: PortPolicy, key: number, groups: List<GroupInForce>): PortPolicy => ({
  generation: policy.generation + 1,
  layers: policy.layers.map((l) => (l.key === key ? { ...l, groups, version: l.version + 1 } : l)),
})

/** The layer of a key, unless it has been removed. */
export const findLayer = (policy: PortPolicy, key: number): LayerPolicy | undefined => policy.layers.find((l) => l.key === key)

const locate = (policy: PortPolicy, place: Place): { readonly index: number; readonly order: number } | string => {
  if ('order' in place) {
    const index = policy.layers.findIndex((l) => l.order > place.order)
    return { index: index < 0 ? policy.layers.size : index, order: place.order }
  }
  const name = 'before' in place ? place.before : place.after
  const index = policy.layers.findIndex((l) => l.name === name)
  const there = policy.layers.get(index)
  if (index < 0 || there === undefined) return name
  return { index: 'before' in place ? index : index + 1, order: there.order }
}
