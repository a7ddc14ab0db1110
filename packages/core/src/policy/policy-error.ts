/** Why a change of policy was refused. A refused change has changed nothing. */

import type { ForeignCore } from '../copies.js'
import type { BadOptions } from '../check/checked.js'
import type { Problems } from '../check/problem.js'

/** Why a change of policy was refused. */
export type PolicyError =
  /** The policy does not say what its layer type understands. */
  | ({ readonly _tag: 'BadPolicy'; readonly layer: string } & Problems)
  /** The policy was made for another layer type. */
  | { readonly _tag: 'ForeignPolicy'; readonly layer: string; readonly policyOf: string }
  /** Two groups of one layer and direction, or two rules of one group, have the same name; `others` are more such names. */
  | { readonly _tag: 'Duplicate'; readonly layer: string; readonly what: 'group' | 'rule'; readonly name: string; readonly others?: readonly string[] }
  /**
   * A group as a layer type's code made it is none: an order or a priority out of range, a condition that could match nothing, rules that contradict its way
   * of matching. Paths begin with direction and group,
   * as `/outbound/web/rules/allow-1/when/0/dstPort`; `group` and `reason` are those of the first problem.
   */
  | ({ readonly _tag: 'BadGroup'; readonly layer: string; readonly group: string; readonly reason: string } & Partial<Problems>)
  /** What the function was told beside the policy is not what it should be. */
  | BadOptions
  /** The policy, a rule or a resource was made with another copy of `@vfp-ts/core`. */
  | ForeignCore
  /** The layer has no such group. */
  | { readonly _tag: 'NoSuchGroup'; readonly layer: string; readonly group: string }
  /** A rule's own start-up code refused. */
  | { readonly _tag: 'RuleFailed'; readonly layer: string; readonly group: string; readonly rule: string; readonly reason: string }
  /** The layer type's own code threw while it read, checked or laid out the configuration. */
  | { readonly _tag: 'LayerFailed'; readonly layer: string; readonly reason: string }
  /** The handle's layer has been removed. */
  | { readonly _tag: 'LayerGone'; readonly layer: string }
  /** The handle's port has been deleted. */
  | { readonly _tag: 'PortGone'; readonly port: string }
