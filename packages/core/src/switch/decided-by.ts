/** The rule that decided, as outcomes, flow reports and explanations name it. */
import type { Decider } from '../tables/unified-flow.js'

/** A rule, by the names of its layer and group and its own id. */
export interface DecidedBy {
  /** Name of the rule's layer. */
  readonly layer: string
  /** Name of its group. */
  readonly group: string
  /** Its id in the group. */
  readonly rule: string
}

/** The rule that dropped a frame, and the port it did so at: another than the frame was given to after a hairpin. */
export interface DroppedBy extends DecidedBy {
  /** Name of the port. */
  readonly port: string
}

/** The names of a rule. */
export const decidedBy = ({ layer, group, id }: Decider): DecidedBy => ({ layer, group, rule: id })
