/**
 * Layer types and the policies that program them.
 *
 * A **layer type** is a codec for its configuration and a function from a configuration to groups of rules. A
 * controller adds a layer of a type to a port, gets a handle to that one layer, and updates it with **policies** of
 * the type. A policy carries the type's name in its own type, so one for another layer does not type-check.
 *
 * @see VFP §5.2
 */
import type * as t from 'io-ts'
import { required } from '../check/checked.js'
import { callable, codec, strictlyPartial, text } from '../check/codecs.js'
import { marked } from '../copies.js'
import type { Group } from './group.js'
import type { PortIdentity } from './flow-context.js'
import type { Problem } from '../check/problem.js'
import type { AnyResource } from './resource.js'

/** Key of the brand: no other module can make a policy, so none can be made for a layer type it was not read by. */
const layerOf: unique symbol = Symbol('layerOf')

/** A configuration for layers of the type named `L`. */
export interface Policy<L extends string> {
  /** Keeps a policy of one layer type from another's handle. */
  readonly [layerOf]: L
  /** The layer type's name. */
  readonly layer: L
  /** What the type's codec will read. */
  readonly config: unknown
}

/** Whether something is a policy: callers may not have a compiler. */
export const isPolicy = (u: unknown): boolean => typeof u === 'object' && u !== null && layerOf in u

/** What a layer type may know of the place its configuration is for. */
export interface LayerEnvironment {
  /** The port that the layer is on. */
  readonly port: PortIdentity
  /** The group that is being updated, or `undefined` when the whole layer is. */
  readonly group: string | undefined
  /** A resource the switch was opened with, by name. */
  readonly resource: (name: string) => AnyResource | undefined
  /** The names of those resources, for suggestions where a name is none; not there where they are not known. */
  readonly resourceNames?: readonly string[]
}

/**
 * A kind of layer: how its policies are read, and which groups of rules they mean. `L` is its name, `C` its configuration as read, `O`
 * that configuration as it is written. {@link defineLayer} makes one.
 */
export interface LayerType<L extends string, C, O> {
  /** Name of the type; a layer on a port has it too, unless it is added under another one. */
  readonly name: L
  /** Reads a configuration from JSON and writes it back. */
  readonly codec: t.Type<C, O>
  /** Returns the groups for a configuration that `check` had no objection to. */
  readonly groups: (config: C, environment: LayerEnvironment) => readonly Group[]
  /** Returns objections that the codec cannot have, such as a resource that does not exist; empty if there are none. */
  readonly check: (config: C, environment: LayerEnvironment) => readonly Problem[]
  /** Returns a policy for layers of this type; it is read when a handle is updated with it. */
  readonly policy: (config: O) => Policy<L>
}

/**
 * Makes a layer type from a name, a codec of its configuration and a function from a configuration to groups of rules.
 *
 * ```ts
 * import * as t from 'io-ts'
 * import { allow, block, buildFrame, defineLayer, is, openSwitch, orThrow, PortNumber, rule } from '@vfp-ts/core'
 *
 * // Lets the VM reach one TCP port and nothing else.
 * const onlyPort = defineLayer({
 *   name: 'only-port',
 *   codec: t.strict({ port: PortNumber }),
 *   groups: ({ port }) => [{
 *     name: 'all',
 *     direction: 'outbound',
 *     rules: [rule(allow, {}, { priority: 1, when: [is('proto', 6), is('dstPort', port)] }), rule(block, {})],
 *   }],
 * })
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
 * const layer = orThrow(vm.addLayer(onlyPort, { order: 10 }))
 * orThrow(layer.update(onlyPort.policy({ port: 443 })))
 * const frame = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.0.5', dstPort: 80 }))
 * console.log(vm.explain('outbound', frame).verdict)
 * ```
 *
 * ```text output
 * drop Denied
 * ```
 *
 * @throws VfpError with a `BadOptions` if a part is missing, unknown or of another type
 */
export const defineLayer = <L extends string, C, O>(spec: {
  readonly name: L
  readonly codec: t.Type<C, O>
  readonly groups: (config: C, environment: LayerEnvironment) => readonly Group[]
  readonly check?: (config: C, environment: LayerEnvironment) => readonly Problem[]
}): LayerType<L, C, O> => {
  required(Spec, spec, 'defineLayer')
  return marked({
    name: spec.name,
    codec: spec.codec,
    groups: spec.groups,
    check: spec.check ?? (() => []),
    policy: (config) => marked({ [layerOf]: spec.name, layer: spec.name, config }),
  })
}

const Spec = strictlyPartial({ name: text('a name'), codec, groups: callable() }, { check: callable() })
