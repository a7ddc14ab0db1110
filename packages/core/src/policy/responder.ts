/**
 * Responders: answers that a rule gives in the place of whoever a packet was for.
 *
 * A rule sees metadata, an answer needs bytes: who asks for a MAC wants it in an ARP packet, who pings wants his payload back. So
 * a rule that answers names a responder, the verdict is cached as any other, and the responder is called with the bytes of every
 * packet of the flow.
 *
 * It runs per packet: it reads offsets and writes bytes, allocates nothing and does not throw. It must not keep the view or the
 * buffers, nor take frames through the switch.
 *
 * @see VFP §10.2 on auto-responders as rule actions
 */
import type { FrameView } from '../wire/frame-view.js'

/** Makes answers to packets. */
export interface Responder {
  /** Its name in explanations. */
  readonly name: string
  /**
   * Writes the answer to the packet in `view` as a whole Ethernet frame to `out`, from `at` on, its checksums finished, and answers
   * its length in bytes. There is room for {@link ANSWER_ROOM} bytes more than the packet has. The packet is as the layers
   * before left it, the transposition of the rule's own decision included, and must be left so.
   *
   * {@link NO_ANSWER} says that there is none: the packet is dropped as `NoReply`. {@link TAKEN} says that the packet has
   * arrived where it was to go and nothing is said to it. `nowUs` are monotonic microseconds.
   */
  readonly answer: (view: FrameView, out: Uint8Array, at: number, nowUs: number) => number
}

/** What {@link Responder.answer} answers where it has nothing to say to such a packet. */
export const NO_ANSWER = 0

/** What {@link Responder.answer} answers where the packet was for the responder itself. */
export const TAKEN = -1

/** Bytes by which an answer may be longer than its packet: more than any frame of fixed form has. */
export const ANSWER_ROOM = 512
