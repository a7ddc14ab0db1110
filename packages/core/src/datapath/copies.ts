/** Mirrors: copies of a frame for other ports, each as its layer left it. */
import type { FlowMirror } from '../tables/unified-flow.js'
import { apply } from '../transposition/apply.js'
import { ApplyCode } from '../transposition/apply-code.js'
import { type FrameView, makeFrameView } from '../wire/frame-view.js'
import { parseFrame } from '../wire/parse.js'

/**
 * Where copies for other ports go; the view is valid until the call returns. `popped` and `pushed` are the tunnels that the copy's
 * own transposition has taken off and put around it, whatever becomes of the frame it was copied from.
 */
export type MirrorSink = (port: string, bytes: Uint8Array, start: number, end: number, popped: number, pushed: number) => void

/** Room behind which a mirrored copy starts, for what its layers have pushed. */
const COPY_HEADROOM = 256

/** Makes and sends the copies of one port. */
export class Copies {
  readonly #sink: MirrorSink
  /** Made when the first copy is: most ports mirror nothing. */
  #copy: Uint8Array | undefined

  constructor(sink: MirrorSink) {
    this.#sink = sink
  }

  /** Sends those of the copies that are to be made after so many transformations of the payload; the view is as before. */
  send(mirrors: readonly FlowMirror[], view: FrameView, transforms: number): void {
    const { bytes, start, end, depth } = view
    if (this.#copy === undefined || this.#copy.length < COPY_HEADROOM + end - start) {
      this.#copy = new Uint8Array(COPY_HEADROOM + Math.max(0x1_0000, end - start))
    }
    const copy = this.#copy
    for (const mirror of mirrors) {
      if (mirror.transforms !== transforms) continue
      copy.set(bytes.subarray(start, end), COPY_HEADROOM)
      MIRROR_VIEW.knownOptions = view.knownOptions
      MIRROR_VIEW.ends = view.ends.anywhere
      parseFrame(MIRROR_VIEW, copy, COPY_HEADROOM, COPY_HEADROOM + end - start, depth)
      if (apply(mirror.program, MIRROR_VIEW, 0) !== ApplyCode.Ok) continue
      this.#sink(mirror.port, copy, MIRROR_VIEW.start, MIRROR_VIEW.end, mirror.program.popNeeds.length, mirror.program.pushes)
    }
    // A collector that answers at once sends through this very port, and the view is filled anew for each frame.
    parseFrame(view, bytes, start, end, depth)
  }
}

const MIRROR_VIEW = makeFrameView()
