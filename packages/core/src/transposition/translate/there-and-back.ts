/**
 * Translation there and back again, what a chain of two translators composes to: one after the other, on a copy of the group.
 *
 * Why not in place: the packet in between may be longer than the one before and after, and need room in front of the frame that
 * nobody checked. Why not one clever step: what the first translation loses (options, extension headers, codes and pointers that share
 * an equivalent) and the second one refuses is the sum of both, and nothing says it more surely than doing both. The price is a copy of the
 * packet for each of the three questions, in a case that is rare.
 */
import { type FrameView, makeFrameView, Slot, SLOTS } from '../../wire/frame-view.js'
import { parseFrame, Verify } from '../../wire/parse.js'
import { Reason } from '../../wire/reason.js'
import { ApplyCode } from '../apply-code.js'
import { moveFront } from './front.js'
import { checkOneWay, translateOneWay } from './one-way.js'

/** Whether the group can be translated from version `from` and back. Reads only. */
export const checkThereAndBack = (view: FrameView, g: number, from: 4 | 6): ApplyCode => run(view, g, from)

/** Bytes by which the frame grows; the group was checked. */
export const thereAndBackGrowth = (view: FrameView, g: number, from: 4 | 6): number => {
  run(view, g, from)
  return copy.end - copy.start - groupLength(view, g)
}

/** Translates the group in place; it was checked. */
export const translateThereAndBack = (view: FrameView, g: number, from: 4 | 6): void => {
  run(view, g, from)
  const to = view.slots[g * SLOTS + Slot.END]! - (copy.end - copy.start)
  moveFront(view, view.slots[g * SLOTS + Slot.L2]!, to)
  for (let i = copy.start; i < copy.end; i++) view.bytes[to + i - copy.start] = copy.bytes[i]!
}

/** Room in front of the copy: more than any translation adds. */
const HEADROOM = 256
/** The longest group: an Ethernet header with two tags, and an IPv6 packet. */
const LONGEST = 22 + 40 + 0xffff

const copy = makeFrameView()
copy.bytes = new Uint8Array(HEADROOM + LONGEST)

const groupLength = (view: FrameView, g: number): number => view.slots[g * SLOTS + Slot.END]! - view.slots[g * SLOTS + Slot.L2]!

/** Leaves the translated group in `copy`, or answers why it cannot be. */
const run = (view: FrameView, g: number, from: 4 | 6): ApplyCode => {
  const l2 = view.slots[g * SLOTS + Slot.L2]!
  const length = groupLength(view, g)
  for (let i = 0; i < length; i++) copy.bytes[HEADROOM + i] = view.bytes[l2 + i]!
  const there = step(HEADROOM, HEADROOM + length, from)
  return there === ApplyCode.Ok ? step(copy.start, copy.end, from === 4 ? 6 : 4) : there
}

const step = (start: number, end: number, from: 4 | 6): ApplyCode => {
  // One group only: it encapsulates nothing, or nothing that is looked into.
  if (parseFrame(copy, copy.bytes, start, end, 1, Verify.None) !== Reason.Ok) return ApplyCode.Untranslatable
  const code = checkOneWay(copy, 0, from)
  if (code === ApplyCode.Ok) translateOneWay(copy, 0, from)
  return code
}
