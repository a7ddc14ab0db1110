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
  /**
   * Work on the payload: what lies behind the innermost transport header, up to the end of its datagram. Called for each
   * packet that is to pass, before its headers change; may be empty. Writes the new payload to `out` and answers its length,
   * or −1 to drop the packet as `PayloadRefused`. The engine puts lengths and checksums right; TCP sequence numbers it does
   * not, so a transformation that changes the length is not for TCP. Contexts of this and of later layers see the new length.
   *
   * Fragments and frames without a transport header the library knows are dropped as `PayloadRefused`, not passed as they are.
   *
   * @param payload the bytes; not to be kept or changed
   * @param out room for `payload.length + growthBytes` bytes; not to be kept
   */
  readonly transform?: (payload: Uint8Array, out: Uint8Array, nowUs: number) => number
  /** Most bytes that `transform` adds; 0 unless given. A packet without headroom for them is dropped as `NoHeadroom`. */
  readonly growthBytes?: number
}
