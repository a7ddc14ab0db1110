/** Why a change of policy was refused. A refused change has changed nothing. */

import type { ForeignCore } from '../copies.js'
import type { BadOptions } from '../check/checked.js'
import type { Problems } from '../check/problem.js'

/** Why a change of policy was refused. */
export type PolicyError =
  /** The policy does not say what its layer type understands. */
  | ({
      readonly _tag: 'BadPolicy'
      /** Name of the layer on its port. */
      readonly layer: string
    } & Problems)
  /** The policy was made for another layer type. */
  | {
      readonly _tag: 'ForeignPolicy'
      /** Name of the layer that was to take the policy. */
      readonly layer: string
      /** Name of the layer type that the policy is for. */
      readonly policyOf: string
    }
  /** Two groups of one layer and direction, or two rules of one group, have the same name; `others` are more such names. */
  | {
      readonly _tag: 'Duplicate'
      /** Name of the layer on its port. */
      readonly layer: string
      /** Whether groups or rules share the name. */
      readonly what: 'group' | 'rule'
      /** The first name that occurs twice. */
      readonly name: string
      /** Further names that occur twice; absent if there are none. */
      readonly others?: readonly string[]
    }
  /**
   * A group as a layer type's code made it is none: an order or a priority out of range, a condition that could match nothing, rules that contradict its way
   * of matching. Paths begin with direction and group,
   * as `/outbound/web/rules/allow-1/when/0/dstPort`; `group` and `reason` are those of the first problem.
   */
  | ({
      readonly _tag: 'BadGroup'
      /** Name of the layer on its port. */
      readonly layer: string
      /** Name of the first group that is wrong. */
      readonly group: string
      /** What is wrong with it, as a sentence. */
      readonly reason: string
    } & Partial<Problems>)
  /** What the function was told beside the policy is not what it should be. */
  | BadOptions
  /** The policy, a rule or a resource was made with another copy of `@vfp-ts/core`. */
  | ForeignCore
  /** The layer has no such group. */
  | {
      readonly _tag: 'NoSuchGroup'
      /** Name of the layer on its port. */
      readonly layer: string
      /** The name that no group of the layer has. */
      readonly group: string
    }
  /** A rule's own start-up code refused. */
  | {
      readonly _tag: 'RuleFailed'
      /** Name of the layer on its port. */
      readonly layer: string
      /** Name of the group. */
      readonly group: string
      /** Id of the rule in its group. */
      readonly rule: string
      /** What the start-up code threw, in words. */
      readonly reason: string
    }
  /** The layer type's own code threw while it read, checked or laid out the configuration. */
  | {
      readonly _tag: 'LayerFailed'
      /** Name of the layer on its port. */
      readonly layer: string
      /** What the code threw, in words. */
      readonly reason: string
    }
  /** The handle's layer has been removed. */
  | {
      readonly _tag: 'LayerGone'
      /** Name that the layer had. */
      readonly layer: string
    }
  /** The handle's port has been deleted. */
  | {
      readonly _tag: 'PortGone'
      /** Name that the port had. */
      readonly port: string
    }
