/**
 * What a controller holds: the one layer it programs, and no way to any other.
 *
 * Handles have function properties and policies carry their layer type's name, so that a policy for one layer type
 * does not type-check on the handle of another (methods would be compared bivariantly).
 *
 * @see VFP §5.2
 */
import type { Either } from 'fp-ts/lib/Either.js'
import type { Direction } from '../flow/flow-id.js'
import type { Policy } from '../policy/layer.js'
import type { PolicyError } from '../policy/policy-error.js'
import type { Generation } from '../policy/port-policy.js'
import type { PortError } from './port-error.js'

/** A rule's place and what it has done. */
export interface RuleReport {
  /** Name of its layer on the port. */
  readonly layer: string
  /** Direction of its group. */
  readonly direction: Direction
  /** Name of its group. */
  readonly group: string
  /** Its id, unique in its group. */
  readonly rule: string
  /** Name of its rule type. */
  readonly type: string
  /** Its configuration as JSON, as a policy has it under `with`. */
  readonly config: unknown
  /** Conditions in words; empty for a rule that matches everything. */
  readonly when: string
  /** Smaller is better. */
  readonly priority: number
  /** Whether a match decides at once, before later groups are looked at. */
  readonly terminating: boolean
  /** Whether a match makes a connection. */
  readonly stateful: boolean
  /** Packets whose walk it decided. */
  readonly walks: number
  /** Packets it decided, walked or cached. */
  readonly packets: number
  /** Their bytes, as they entered the port. */
  readonly bytes: number
  /** What its type reports of its state, if it has one. */
  readonly state: unknown
}

/** Changes one group of a layer, in both directions at once. */
export interface GroupHandle<L extends string> {
  /** Replaces the group by the one of that name in the policy; generation on success. */
  readonly update: (policy: Policy<L>) => Either<PolicyError, Generation>
  /** As `update`, with the configuration as JSON. */
  readonly updateJson: (config: unknown) => Either<PolicyError, Generation>
  /** Removes the group. */
  readonly remove: () => Either<PolicyError, Generation>
}

/**
 * Changes one layer. Every change is atomic and is seen by the very next packet. An exception in a layer type's own code
 * refuses the change as `LayerFailed`, one in a rule's start-up as `RuleFailed`. Once a change is in force nothing undoes
 * it: rules that then fail to end are told to `Environment.disposeFailed`, and the answer is the new generation all the same.
 */
export interface LayerHandle<L extends string> {
  /** The layer's name on its port. */
  readonly name: string
  /** Replaces all groups of the layer. */
  readonly update: (policy: Policy<L>) => Either<PolicyError, Generation>
  /** As `update`, with the configuration as JSON. */
  readonly updateJson: (config: unknown) => Either<PolicyError, Generation>
  /**
   * Replaces or (with `null`) removes several groups in one transaction; the others stay. New groups of one `order` go in
   * the order of the object's own keys, and JavaScript puts names that look like whole numbers first, ascending: where
   * order matters, give it by `order` in the policy or by `group(name, { order })`.
   */
  readonly updateGroups: (changes: Readonly<Record<string, Policy<L> | null>>) => Either<PolicyError, Generation>
  /**
   * One group of the layer. Groups are walked by ascending `order`, and among equals in the order they were first added.
   * The order is the one given here, else the one the policy gives, else the one the group had, else 0.
   */
  readonly group: (name: string, at?: { readonly order: number }) => GroupHandle<L>
  /** Takes the layer out of the port; the handle is of no further use. */
  readonly remove: () => Either<PortError, Generation>
  /** Rules in force and what they have done, in the order they are walked. */
  readonly rules: () => readonly RuleReport[]
}
