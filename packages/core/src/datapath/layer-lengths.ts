/** How long a frame is where its contexts stand. */
import type { UnifiedFlow } from '../tables/unified-flow.js'
import { translationGrowth } from '../transposition/translate/translate.js'
import { type FrameView, Slot, SLOTS } from '../wire/frame-view.js'

/** Notes in `lengths` how long the frame, which ends at `end`, is at each context's layer, while the view still describes it as it came. */
export const measureLayers = (contexts: UnifiedFlow['contexts'], view: FrameView, end: number, lengths: number[]): void => {
  for (let i = 0; i < contexts.length; i++) {
    const { popped, addedBytes, translated } = contexts[i]!
    const length = popped === 0 ? end - view.start : view.slots[(popped - 1) * SLOTS + Slot.DATA_END]! - view.slots[popped * SLOTS + Slot.L2]!
    lengths[i] = length + addedBytes + (translated === undefined ? 0 : translationGrowth(view, translated.group, translated.how))
  }
}
