/** What the `offload` word of a frame says once policy was carried out on the frame. */
import { type FrameView, Slot, SLOTS } from '../wire/frame-view.js'
import { movedPlace, OFFLOAD_SEGMENT, offloadPlace } from '../wire/offload.js'

/** Answer of {@link offloadInside} where what is taken out is not one frame. */
export const SEVERAL = -1

/** Whether the frame is unfinished at a transport header inside its payload: nobody would find that once the payload is worked on. */
export const hidesPlace = ({ slots, depth, end }: FrameView, offload: number): boolean => {
  const place = offloadPlace(offload)
  return place !== 0 && end - place >= slots[(depth - 1) * SLOTS + Slot.PAYLOAD]!
}

/**
 * The word for what is inside the first `pops` header groups of the frame. An unfinished header among those goes with them, and nothing is left to do;
 * but where it was to be cut, each piece would have held a frame of its own: `SEVERAL`.
 */
export const offloadInside = ({ slots, end }: FrameView, offload: number, pops: number): number => {
  const place = offloadPlace(offload)
  if (place === 0 || pops === 0) return offload
  if (end - place < slots[pops * SLOTS + Slot.L2]!) return (offload & OFFLOAD_SEGMENT) === 0 ? 0 : SEVERAL
  return movedPlace(offload, slots[(pops - 1) * SLOTS + Slot.END]! - end)
}
