/**
 * Carrying out a transposition on the bytes of a frame, in place.
 *
 * The frame lies in a buffer with room in front of it. Popping moves its start forward, pushing moves it back into
 * that room; not a byte of payload is copied, and with pushes over IPv4 none is read. **All or nothing**: every check comes
 * before the first write, so a refused frame is as it was.
 *
 * In order: checks; copied values are read, as edits and pushes may overwrite them; edits, innermost group first, because
 * the change of a group's bytes is a change under the checksums around it (see `apply-edit.ts`); pushes, innermost
 * first, because a length counts what is inside (`apply-push.ts`).
 *
 * Afterwards only `bytes`, `start` and `end` of the view hold; its depth and slots describe the old frame, and it must be
 * parsed again before anything reads them.
 *
 * Cost: no allocation; proportional to the fields and headers touched. A pushed IPv6 group is the exception: its UDP
 * checksum is computed over the whole frame.
 *
 * @see VFP §6.1.3
 */
import { type FrameView, MAX_GROUPS, Slot, SLOTS } from '../wire/frame-view.js'
import { ApplyCode } from './apply-code.js'
import { applyEdit } from './apply-edit.js'
import { applyPushes, readClasses } from './apply-push.js'
import { offer } from './need.js'
import type { Program } from './program.js'

/**
 * Applies a program to the frame in `view`, whose `reason` is `Ok` and whose slots are of these very bytes. Bytes from
 * `floor` on may be used as headroom. Answers `Ok`, or why it refused and left everything as it was.
 */
export const apply = (program: Program, view: FrameView, floor: number): ApplyCode => {
  if (!program.valid) return ApplyCode.Invalid
  const { popNeeds, editNeeds, pushes } = program
  const pops = popNeeds.length
  const edits = editNeeds.length
  for (let g = 0; g < pops; g++) if (lacks(view, g, popNeeds[g]!)) return ApplyCode.Shape
  for (let e = 0; e < edits; e++) {
    if ((editNeeds[e] !== 0 || program.fields[e] !== 0) && lacks(view, pops + e, editNeeds[e]!)) return ApplyCode.Shape
  }
  if (view.depth - pops + pushes > MAX_GROUPS) return ApplyCode.TooDeep
  // What a popped group encloses ends with its datagram; padding and trailers behind that belong to the popped link.
  const inside = pops === 0 ? view.start : view.slots[pops * SLOTS + Slot.L2]!
  const end = pops === 0 ? view.end : view.slots[(pops - 1) * SLOTS + Slot.END]!
  const start = inside - program.template.length
  if (pushes > 0) {
    if (start < floor) return ApplyCode.NoHeadroom
    if (end - inside > program.maxInside) return ApplyCode.TooLong
    readClasses(program, view)
  }

  // The sum of the changes inside the group at hand: what the checksums around it must follow.
  let changed = 0
  for (let e = edits - 1; e >= 0; e--) {
    if (program.fields[e] !== 0 || changed !== 0) changed = applyEdit(program, e, view, pops + e, changed)
  }
  if (pushes > 0) applyPushes(program, view.bytes, inside, end)
  view.start = start
  view.end = end
  return ApplyCode.Ok
}

/** Whether group `g` is not there or does not offer the needed atoms. */
const lacks = (view: FrameView, g: number, need: number): boolean => {
  if (g >= view.depth) return true
  const { slots } = view
  const s = g * SLOTS
  const l4 = slots[s + Slot.L4_KIND]!
  // The first byte behind the IP header is the type where the transport is ICMP; `offer` ignores it elsewhere.
  return (need & ~offer(slots[s + Slot.L3_KIND]!, l4, slots[s + Slot.FRAG]!, slots[s + Slot.TUNNEL]!, view.bytes[slots[s + Slot.L4]!]!)) !== 0
}
