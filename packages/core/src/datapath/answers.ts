/**
 * Where a port's answers are written, see `Reply` in `decision.ts`.
 *
 * An answer leaves while its buffer is in use by whoever sends it, who may give the port another packet to answer meanwhile. So the
 * buffer is taken for as long, and another is made if one is needed before it is back. In the steady state there is one, and
 * nothing is allocated.
 */
import { ANSWER_ROOM, NO_ANSWER } from '../policy/responder.js'
import type { UnifiedFlow } from '../tables/unified-flow.js'
import { type FrameView, makeFrameView } from '../wire/frame-view.js'
import { parseFrame } from '../wire/parse.js'
import { Reason } from '../wire/reason.js'

/** Bytes in front of an answer, into which headers may grow: three IPv6 encapsulations and a little. */
export const ANSWER_HEADROOM = 256

/** Answers of one port. */
export class Answers {
  #buffer: Uint8Array = NOTHING
  /** The packet as the layers left it: what was parsed of it before does not describe it any more. */
  readonly #view: FrameView

  constructor(geneveOptions: readonly number[]) {
    this.#view = makeFrameView(geneveOptions)
  }

  /**
   * The answer to the packet that lies at `start .. end` of `changed` now that the program of its flow was applied: its length, or
   * `NO_ANSWER` or `TAKEN`. It lies in the buffer that {@link take} gives, from {@link ANSWER_HEADROOM} on. No deeper is looked
   * into the packet than the layers did.
   */
  make({ verdict, program }: UnifiedFlow, changed: FrameView, nowUs: number): number {
    const view = this.#view
    const { bytes, start, end } = changed
    if (verdict._tag !== 'Reply') return NO_ANSWER
    view.ends = changed.ends.anywhere
    if (parseFrame(view, bytes, start, end, changed.depth - program.popNeeds.length + program.pushes) !== Reason.Ok) return NO_ANSWER
    const needed = ANSWER_HEADROOM + end - start + ANSWER_ROOM
    if (this.#buffer.length < needed) this.#buffer = new Uint8Array(Math.max(4096, needed))
    return verdict.by.answer(view, this.#buffer, ANSWER_HEADROOM, nowUs)
  }

  /** The buffer of the answer just made. It is the caller's until it gives it back. */
  take(): Uint8Array {
    const buffer = this.#buffer
    this.#buffer = NOTHING
    return buffer
  }

  /** Takes back a buffer that nobody reads any more. */
  giveBack(buffer: Uint8Array): void {
    if (buffer.length > this.#buffer.length) this.#buffer = buffer
  }
}

const NOTHING = new Uint8Array(0)
