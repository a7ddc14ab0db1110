/** The state of a header group of which nothing has been read yet: no slot keeps a value of the packet before. */
import { Frag, L3, L4, Slot, Tunnel } from './frame-view.js'

/** Clears the slots of the group whose first is `base`: it starts at `at`, has no header yet, and ends at `end`. */
export const clearGroup = (slots: Int32Array, base: number, at: number, end: number): void => {
  // one by one: a loop would cost a fifth of the whole parse
  slots[base + Slot.L2] = at
  slots[base + Slot.VLANS] = 0
  slots[base + Slot.ETHERTYPE] = 0
  slots[base + Slot.L3_KIND] = L3.None
  slots[base + Slot.L3] = at
  slots[base + Slot.PROTO] = 0
  slots[base + Slot.FRAG] = Frag.Whole
  slots[base + Slot.FRAG_HEADER] = 0
  slots[base + Slot.L4_KIND] = L4.None
  slots[base + Slot.L4] = at
  slots[base + Slot.PAYLOAD] = at
  slots[base + Slot.END] = end
  slots[base + Slot.TUNNEL] = Tunnel.None
  slots[base + Slot.TUNNEL_AT] = 0
  slots[base + Slot.DATA_END] = end
}
