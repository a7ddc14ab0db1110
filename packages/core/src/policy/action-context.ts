/**
 * Action contexts: what a rule does beyond changing headers.
 *
 * A transposition is pure; counting, metering and work on the payload are not. A rule attaches contexts to its
 * decision, the unified flow keeps them, and they run for **every** packet of the flow that is passed on, cached
 * or not, even though the rule itself matched only the first. A packet that a later layer drops runs none.
 *
 * @see VFP §6.2
 */

/** Something that runs for each passed packet of the flows whose decision carries it. */
export interface ActionContext {
  /** What it is, in explanations. */
  readonly label: string
  /**
   * Called per packet, so it must be quick and must not keep what it is given.
   *
   * @param lengthBytes length of the frame as the context's layer left it
   * @param nowUs time of the packet, monotonic microseconds
   */
  readonly onPacket: (lengthBytes: number, nowUs: number) => void
}
