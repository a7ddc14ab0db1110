/**
 * Groups: the unit in which rules are replaced.
 *
 * @see VFP §5.4
 */
import type { Direction } from '../flow/flow-id.js'
import type { FieldRef } from '../flow/field.js'
import type { Condition } from './condition.js'
import type { TunnelEnd } from '../wire/tunnel-ends.js'
import type { Rule } from './rule.js'

/** How the rule of a group is chosen among those that match. */
export type Matching =
  /** The best priority; equal ones by insertion order. */
  | 'priority'
  /** The longest prefix on one field; equal ones by priority, then insertion order. */
  | {
      /** Name of the field whose longest matching prefix decides. */
      readonly longestPrefix: FieldRef
    }

/** Rules that belong together and change together. */
export interface Group {
  /** Unique in its layer and direction. */
  readonly name: string
  /** Direction of the packets that the group judges. */
  readonly direction: Direction
  /** Groups of a layer are walked by ascending order, equal ones in the order they came; 0 unless given. */
  readonly order?: number
  /** A group whose conditions do not all hold is skipped. */
  readonly when?: readonly Condition[]
  /** How the rule is chosen among those that match; `'priority'` unless given. */
  readonly match?: Matching
  /** Rules of the group; among equal ones the earlier is preferred. */
  readonly rules: readonly Rule[]
  /**
   * Where tunnels end that the group judges although none of its rules removes them. Beside these there are the ends that rules make
   * (`RuleTypeSpec.tunnels`).
   */
  readonly tunnelEnds?: readonly TunnelEnd[]
}
