/**
 * Carrying out a transposition on the bytes of a frame, in place.
 *
 * The frame lies in a buffer with room in front of it. Popping moves its start forward, pushing moves it back into
 * that room; not a byte of payload is copied, and with pushes over IPv4 none is read. **All or nothing**: every check comes
 * before the first write, so a refused frame is as it was.
 *
 * In order: checks; values that are functions of the original frame are read, as all that follows may overwrite them
 * (`originals.ts`); tags and translation, which change lengths inside the frame (`restructure.ts`); the packet that an ICMP error
 * quotes (`apply-quote.ts`); fields, innermost group first, because the change of a group's bytes is a change under the
 * checksums around it (`apply-edit.ts`); pushes, innermost first, because a length counts what is inside (`apply-push.ts`).
 *
 * The checks, in order, and thus which refusal is given where several apply: shape (groups, headers, tags, the quote), TTL,
 * congestion, what restructuring asks (translation, tags, lengths around), checksums of unknown cover, depth, headroom, length.
 *
 * Afterwards only `bytes`, `start` and `end` of the view hold; its depth and slots describe the old frame, and it must be
 * parsed again before anything reads them.
 *
 * Cost: no allocation; proportional to the fields and headers touched. A pushed IPv6 group in UDP is the exception: its UDP
 * checksum is computed over the whole frame. What few transpositions have (guards, tags, translation, quotes) costs the others a
 * flag each.
 *
 * @see VFP §6.1.3
 */
import { type FrameView, MAX_GROUPS, QUOTE, Slot, SLOTS } from '../wire/frame-view.js'
import { ApplyCode } from './apply-code.js'
import { applyEdit, spoils } from './apply-edit.js'
import { applyPushes } from './apply-push.js'
import { applyQuote } from './apply-quote.js'
import { offer } from './need.js'
import { ecnAssignment, hopsOf, readOriginals } from './originals.js'
import { PackedNeed, type Program } from './program.js'
import { checkRestructurings, growthInside, restructure } from './restructure.js'

/**
 * Applies a program to the frame in `view`, whose `reason` is `Ok` and whose slots are of these very bytes. Bytes from
 * `floor` on may be used as headroom. Returns `Ok`, or why it refused; then everything is as it was.
 */
export const apply = (program: Program, view: FrameView, floor: number): ApplyCode => {
  if (!program.valid) return ApplyCode.Invalid
  const { popNeeds, editNeeds, restructurings, pushes } = program
  const pops = popNeeds.length
  const edits = editNeeds.length
  for (let g = 0; g < pops; g++) if (lacks(view, g, popNeeds[g]!)) return ApplyCode.Shape
  for (let e = 0; e < edits; e++) if (editNeeds[e] !== 0 && lacks(view, pops + e, editNeeds[e]!)) return ApplyCode.Shape
  if (program.guarded) {
    const code = checkGuards(program, view)
    if (code !== ApplyCode.Ok) return code
  }
  let growth = 0
  if (restructurings.length > 0) {
    const code = checkRestructurings(program, view, pops)
    if (code !== ApplyCode.Ok) return code
    growth = growthInside(program, view, pops, pops - 1)
  }
  for (let e = 0; e < edits; e++) if (program.fields[e] !== 0 && spoils(view, pops + e, program.fields[e]!)) return ApplyCode.UnknownChecksum
  if (view.depth - pops + pushes > MAX_GROUPS || program.crowded) return ApplyCode.TooDeep
  // What a popped group encloses ends with its datagram; surplus, padding and trailers behind that belong to the popped link.
  let inside = pops === 0 ? view.start : view.slots[pops * SLOTS + Slot.L2]!
  const end = pops === 0 ? view.end : view.slots[(pops - 1) * SLOTS + Slot.DATA_END]!
  const start = inside - growth - program.template.length
  if (pushes > 0 || growth > 0) {
    if (start < floor) return ApplyCode.NoHeadroom
    if (end - inside + growth > program.maxInside) return ApplyCode.TooLong
  }
  if (program.reads.codes.length > 0) readOriginals(program.reads, view)

  let frame = view
  let first = pops
  if (restructurings.length > 0) {
    const restructured = restructure(program, view, pops, inside, end)
    if (restructured === undefined) return ApplyCode.Untranslatable
    frame = restructured
    first = 0
    inside = frame.start
  }
  // The sum of the changes inside the group at hand: what the checksums around it must follow.
  let changed = 0
  let top = edits - 1
  if (program.quoteFields !== 0 && frame.quoted) {
    changed = applyQuote(program, frame)
    top = frame.depth - 1 - first
  }
  for (let e = top; e >= 0; e--) {
    const fields = e < edits ? program.fields[e]! : 0
    if (fields !== 0 || changed !== 0) changed = applyEdit(program, e, fields, frame, first + e, changed)
  }
  if (pushes > 0) applyPushes(program, view.bytes, inside, end)
  view.start = start
  view.end = end
  return ApplyCode.Ok
}

/** Whether group `g` is not there or does not offer what is needed, the TTL aside. */
const lacks = (view: FrameView, g: number, need: number): boolean => {
  if (g >= view.depth) return true
  const { slots } = view
  const s = g * SLOTS
  const l4 = slots[s + Slot.L4_KIND]!
  // The first byte behind the IP header is the type where the transport is ICMP; `offer` ignores it elsewhere.
  const offered = offer(slots[s + Slot.L3_KIND]!, l4, slots[s + Slot.FRAG]!, slots[s + Slot.TUNNEL]!, view.bytes[slots[s + Slot.L4]!]!)
  return (need & PackedNeed.ATOMS & ~offered) !== 0 || ((need >>> PackedNeed.TAGS_SHIFT) & PackedNeed.TAGS_MASK) > slots[s + Slot.VLANS]!
}

/** What is asked of the quote, of TTLs and of ECN fields. */
const checkGuards = (program: Program, view: FrameView): ApplyCode => {
  const { popNeeds, editNeeds, quoteL3 } = program
  if (quoteL3 !== 0 && view.quoted && view.slots[QUOTE * SLOTS + Slot.L3_KIND] !== quoteL3) return ApplyCode.Shape
  const pops = popNeeds.length
  for (let g = 0; g < pops; g++) if (hopsOf(view, g) < popNeeds[g]! >>> PackedNeed.TTL_SHIFT) return ApplyCode.TtlExceeded
  for (let e = 0; e < editNeeds.length; e++) {
    if (hopsOf(view, pops + e) < editNeeds[e]! >>> PackedNeed.TTL_SHIFT) return ApplyCode.TtlExceeded
  }
  if ((program.dropsLow | program.dropsHigh) === 0) return ApplyCode.Ok
  const at = ecnAssignment(view)
  const drops = at < 32 ? program.dropsLow : program.dropsHigh
  return ((drops >>> (at & 31)) & 1) !== 0 ? ApplyCode.CongestionLost : ApplyCode.Ok
}
