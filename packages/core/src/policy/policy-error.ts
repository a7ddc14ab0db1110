/** Why a change of policy was refused. A refused change has changed nothing. */

/** One fault in a policy given as data. */
export interface Problem {
  /** Where: a JSON-pointer-like path into the policy, as `/outbound/0/allow/dstPort`. */
  readonly path: string
  /** Why, in words. */
  readonly reason: string
}

/** Why a change of policy was refused. */
export type PolicyError =
  /** The policy does not say what its layer type understands. */
  | { readonly _tag: 'BadPolicy'; readonly layer: string; readonly problems: readonly Problem[] }
  /** The policy was made for another layer type. */
  | { readonly _tag: 'ForeignPolicy'; readonly layer: string; readonly policyOf: string }
  /** Two groups of one layer and direction, or two rules of one group, have the same name. */
  | { readonly _tag: 'Duplicate'; readonly layer: string; readonly what: 'group' | 'rule'; readonly name: string }
  /** A group's rules contradict its way of matching. */
  | { readonly _tag: 'BadGroup'; readonly layer: string; readonly group: string; readonly reason: string }
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
