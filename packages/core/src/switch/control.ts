/**
 * The control side of one port: the snapshot in force, and the changes that make the next one.
 *
 * One reference holds the snapshot, one the compiled form; both are swapped together at the end of a change that
 * nothing refused. Layer handles are closures over a layer's key, so a controller reaches its own layer and no other.
 */
import * as E from 'fp-ts/lib/Either.js'
import { List } from 'immutable'
import { badOptions, checked } from '../check/checked.js'
import { showValue } from '../check/show.js'
import { foreignCore } from '../copies.js'
import { formatCondition } from '../policy/match-text.js'
import type { PortIdentity } from '../policy/flow-context.js'
import { isPolicy, type LayerEnvironment, type LayerType, type Policy } from '../policy/layer.js'
import type { PolicyError } from '../policy/policy-error.js'
import {
  emptyPolicy, findLayer, type Generation, type GroupInForce, insertLayer, type Place, type PortPolicy, removeLayer, replaceGroups,
} from '../policy/port-policy.js'
import type { AnyResource } from '../policy/resource.js'
import type { CompiledRule, CompiledPort } from '../pipeline/compiled-port.js'
import { publish } from '../pipeline/publish.js'
import type { GroupHandle, LayerHandle, RuleReport } from './layer-handle.js'
import type { PortError } from './port-error.js'
import { GroupPlaceCodec, LayerTypeCodec, PlaceCodec } from './switch-options.js'
import { type DisposeFailure, disposeGone, prepare, type PreparedGroup, start } from './transaction.js'

/** What the control side needs of its surroundings. */
export interface ControlSurroundings {
  readonly port: PortIdentity
  readonly resource: (name: string) => AnyResource | undefined
  readonly resourceNames: readonly string[]
  readonly isGone: () => boolean
  /** Most connections a layer keeps. */
  readonly maxConnections: number
  /** Puts a compiled policy into force. */
  readonly swap: (compiled: CompiledPort) => void
  /** Told of rules that could not be disposed of. */
  readonly disposeFailed: (layer: string, failures: readonly DisposeFailure[]) => void
}

/** Policy and handles of one port. */
export class Control {
  #policy: PortPolicy = emptyPolicy
  #compiled: CompiledPort
  #nextKey = 1
  readonly #around: ControlSurroundings

  constructor(around: ControlSurroundings, initial: CompiledPort) {
    this.#around = around
    this.#compiled = initial
  }

  /** The snapshot in force. */
  get policy(): PortPolicy {
    return this.#policy
  }

  /** Adds an empty layer and hands it out. */
  addLayer<L extends string, C, O>(type: LayerType<L, C, O>, at: Place & { readonly name?: string }): E.Either<PortError, LayerHandle<L>> {
    if (this.#around.isGone()) return E.left({ _tag: 'PortGone', port: this.#around.port.name })
    const place = checked(PlaceCodec, at, 'addLayer')
    if (E.isLeft(place)) return place
    const known = checked(LayerTypeCodec, type, 'addLayer')
    if (E.isLeft(known)) return known
    const foreign = foreignCore(`the layer type ${type.name}`, type)
    if (foreign !== undefined) return E.left(foreign)
    const name = place.right.name ?? type.name
    if (this.#policy.layers.some((l) => l.name === name)) return E.left({ _tag: 'LayerExists', layer: name })
    const key = this.#nextKey++
    const next = insertLayer(this.#policy, { key, name, type: type.name, version: 0, groups: List<GroupInForce>() }, place.right)
    if (E.isLeft(next)) return E.left({ _tag: 'NoSuchLayer', layer: next.left })
    this.#publishLayers(next.right)
    return E.right(this.#handle(key, name, type))
  }

  /** Rules in force, from the VM side to the network side. */
  rules(): readonly RuleReport[] {
    return this.#compiled.layers.flatMap((layer) => [...layer.outbound, ...layer.inbound].flatMap((g) => g.rules.map(report)))
  }

  /** Ends all rules, when the port is deleted. */
  dispose(): void {
    for (const layer of this.#policy.layers) this.#end(layer.name, layer.groups, List<GroupInForce>())
  }

  #handle<L extends string, C, O>(key: number, name: string, type: LayerType<L, C, O>): LayerHandle<L> {
    const mine = (policy: Policy<L>): E.Either<PolicyError, unknown> => {
      const foreign = foreignCore(`the policy for ${name}`, policy)
      if (foreign !== undefined) return E.left(foreign)
      if (!isPolicy(policy)) return E.left(badOptions('update', '', 'expected a policy, as a layer type makes it; JSON is for updateJson', showValue(policy)))
      return policy.layer === type.name ? E.right(policy.config) : E.left({ _tag: 'ForeignPolicy', layer: name, policyOf: policy.layer })
    }
    const prepared = (config: unknown, group: string | undefined): E.Either<PolicyError, readonly PreparedGroup[]> =>
      prepare(type, name, config, this.#environment(group))
    const whole = (config: unknown): E.Either<PolicyError, Generation> =>
      this.#change(key, name, () => prepared(config, undefined))
    const part = (group: string, config: unknown, at: { readonly order: number } | undefined): E.Either<PolicyError, Generation> => {
      const place = at === undefined ? E.right(undefined) : checked(GroupPlaceCodec, at, 'group')
      return E.isLeft(place) ? place : placed(group, config, place.right?.order)
    }
    const placed = (group: string, config: unknown, order: number | undefined): E.Either<PolicyError, Generation> =>
      this.#change(key, name, (now) => E.map((groups: readonly PreparedGroup[]) => merge(now, group, groups, order))(onlyOf(name, group, prepared(config, group))))

    return {
      name,
      update: (policy) => E.chain(whole)(mine(policy)),
      updateJson: whole,
      updateGroups: (changes) => this.#change(key, name, (now) => {
        let groups: readonly PreparedGroup[] = now
        for (const [group, policy] of Object.entries(changes)) {
          if (policy === null) {
            if (!groups.some((g) => g.name === group)) return E.left({ _tag: 'NoSuchGroup', layer: name, group })
            groups = groups.filter((g) => g.name !== group)
            continue
          }
          const config = mine(policy)
          if (E.isLeft(config)) return config
          const made = onlyOf(name, group, prepared(config.right, group))
          if (E.isLeft(made)) return made
          groups = merge(groups, group, made.right, undefined)
        }
        return E.right(groups)
      }),
      group: (group, at): GroupHandle<L> => ({
        update: (policy) => E.chain((config) => part(group, config, at))(mine(policy)),
        updateJson: (config) => part(group, config, at),
        remove: () => this.#change(key, name, (now) =>
          now.some((g) => g.name === group)
            ? E.right(now.filter((g) => g.name !== group))
            : E.left({ _tag: 'NoSuchGroup', layer: name, group })),
      }),
      remove: () => {
        if (this.#around.isGone()) return E.left({ _tag: 'PortGone', port: this.#around.port.name })
        const layer = findLayer(this.#policy, key)
        if (layer === undefined) return E.left({ _tag: 'LayerGone', layer: name })
        this.#publishLayers(removeLayer(this.#policy, key))
        const { generation } = this.#policy
        this.#end(name, layer.groups, List<GroupInForce>())
        return E.right(generation)
      },
      rules: () => {
        const layer = this.#compiled.layers.find((l) => l.key === key)
        return layer === undefined ? [] : [...layer.outbound, ...layer.inbound].flatMap((g) => g.rules.map(report))
      },
    }
  }

  /** One transaction on a layer's groups. */
  #change(
    key: number, name: string, next: (now: readonly PreparedGroup[]) => E.Either<PolicyError, readonly PreparedGroup[]>,
  ): E.Either<PolicyError, Generation> {
    if (this.#around.isGone()) return E.left({ _tag: 'PortGone', port: this.#around.port.name })
    const layer = findLayer(this.#policy, key)
    if (layer === undefined) return E.left({ _tag: 'LayerGone', layer: name })
    const groups = next(layer.groups.toArray().map((g) => g.group as PreparedGroup))
    if (E.isLeft(groups)) return groups
    const started = start(name, groups.right, layer.groups)
    if (E.isLeft(started)) return started
    const policy = replaceGroups(this.#policy, key, started.right)
    const compiled = publish(policy, this.#compiled, this.#around.maxConnections)
    if (E.isLeft(compiled)) {
      this.#end(name, started.right, layer.groups)
      return E.left({ _tag: 'BadGroup', layer: name, ...compiled.left })
    }
    this.#put(policy, compiled.right)
    this.#end(name, layer.groups, started.right)
    return E.right(policy.generation)
  }

  /** Publishes a snapshot whose groups are all compiled already. */
  #publishLayers(policy: PortPolicy): void {
    const compiled = publish(policy, this.#compiled, this.#around.maxConnections)
    if (E.isRight(compiled)) this.#put(policy, compiled.right)
  }

  #put(policy: PortPolicy, compiled: CompiledPort): void {
    this.#policy = policy
    this.#compiled = compiled
    this.#around.swap(compiled)
  }

  #end(layer: string, before: List<GroupInForce>, after: List<GroupInForce>): void {
    const failures = disposeGone(before, after)
    if (failures.length > 0) this.#around.disposeFailed(layer, failures)
  }

  #environment(group: string | undefined): LayerEnvironment {
    return { port: this.#around.port, resource: this.#around.resource, resourceNames: this.#around.resourceNames, group }
  }
}

/** The groups a policy makes when it is for one group: all must have that name. */
const onlyOf = (
  layer: string, name: string, groups: E.Either<PolicyError, readonly PreparedGroup[]>,
): E.Either<PolicyError, readonly PreparedGroup[]> =>
  E.chain((all: readonly PreparedGroup[]): E.Either<PolicyError, readonly PreparedGroup[]> => {
    const stray = all.find((g) => g.name !== name)
    return stray === undefined
      ? E.right(all)
      : E.left({ _tag: 'BadGroup', layer, group: stray.name, reason: `the policy is for the group ${name} and may hold no other` })
  })(groups)

/**
 * The groups with those of one name replaced, each in the place of the one it replaces, new ones behind. A group's order
 * is the one asked for, else the one its policy gives, else the one it had.
 */
const merge = (now: readonly PreparedGroup[], name: string, made: readonly PreparedGroup[], order: number | undefined): readonly PreparedGroup[] => {
  const olds = now.filter((g) => g.name === name)
  const placed = made.map((g) => {
    const old = olds.find((o) => o.direction === g.direction) ?? olds[0]
    return { ...g, order: order ?? g.order ?? old?.order ?? 0 }
  })
  const index = olds[0] === undefined ? now.length : now.indexOf(olds[0])
  return [...now.slice(0, index), ...placed, ...now.slice(index).filter((g) => g.name !== name)]
}

const report = (r: CompiledRule): RuleReport => ({
  layer: r.layer,
  direction: r.direction,
  group: r.group,
  rule: r.id,
  type: r.inForce.rule.type,
  config: r.inForce.rule.configJson(),
  when: r.conditions.map(formatCondition).join(' and '),
  priority: r.priority,
  terminating: r.inForce.rule.terminating,
  stateful: r.inForce.rule.stateful !== undefined,
  walks: r.counters.walks,
  packets: r.counters.packets,
  bytes: r.counters.bytes,
  state: r.inForce.running.report(),
})
