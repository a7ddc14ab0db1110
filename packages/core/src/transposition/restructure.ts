/**
 * What changes the length of a frame inside: VLAN tags that come and go, and translation between IPv4 and IPv6.
 *
 * Everything in front of a change moves, everything behind it stays where it is: the payload is never copied. What shrinks
 * the frame is done before what makes it grow, so that on the way it never reaches further forward than before or after.
 *
 * Around a change, in the groups that enclose it, the length fields of IP and UDP follow, and so do checksums, by correction:
 * the IPv4 header's by its length; UDP's by the length, which counts twice, as the pseudo header has it too, and by what changed
 * in the frame inside. That is the sum of the rewritten stretch as it is now less that of what was there before. What merely
 * moved adds nothing, since tags and headers have even lengths. GRE knows neither lengths nor, here, checksums.
 *
 * The result is a view of its own, of the staying groups alone; the view of the frame as it came is left as it is. Offsets
 * are kept up by shifting; only a translated frame, whose headers are others, is parsed again.
 *
 * Cost: no allocation; the bytes in front of the change are moved, and the length of an ICMP error that is translated inside a
 * tunnel with a UDP checksum is read twice.
 */
import { u16 } from '../wire/bytes.js'
import { fold, sumWords } from '../wire/checksum.js'
import { type FrameView, L3, L4, makeFrameView, MAX_GROUPS, Slot, SLOTS } from '../wire/frame-view.js'
import { Ipv4At } from '../wire/ipv4.js'
import { Ipv6At } from '../wire/ipv6.js'
import { parseFrame, Verify } from '../wire/parse.js'
import { Reason } from '../wire/reason.js'
import { UdpAt } from '../wire/udp.js'
import { MAX_VLANS, VLAN_LENGTH } from '../wire/vlan.js'
import { ApplyCode } from './apply-code.js'
import { correctIpv4, correctTransport, replaceWord } from '../wire/correct-checksum.js'
import type { Program, Restructuring } from './program.js'
import { checkTranslation, translateGroup, translationGrowth } from './translate/translate.js'

/**
 * Whether all restructurings of a program can be carried out on the frame in `view`, of which `pops` groups go. Returns `Ok`, why a group
 * cannot be translated, `TooDeep` for too many tags, or `TooLong` where a staying length field cannot follow. Reads only; needs
 * are met.
 */
export const checkRestructurings = (program: Program, view: FrameView, pops: number): ApplyCode => {
  const { restructurings } = program
  for (let i = 0; i < restructurings.length; i++) {
    const { edit, translate } = restructurings[i]!
    const code = translate === undefined ? ApplyCode.Ok : checkTranslation(view, pops + edit, translate)
    if (code !== ApplyCode.Ok) return code
  }
  for (let i = 0; i < restructurings.length; i++) {
    const r = restructurings[i]!
    if (view.slots[(pops + r.edit) * SLOTS + Slot.VLANS]! * VLAN_LENGTH + tagGrowth(r, view, pops + r.edit) > MAX_VLANS * VLAN_LENGTH) return ApplyCode.TooDeep
  }
  for (let g = pops; g < view.depth - 1; g++) {
    const field = view.slots[g * SLOTS + Slot.L3]! + (view.slots[g * SLOTS + Slot.L3_KIND] === L3.Ipv4 ? Ipv4At.LENGTH : Ipv6At.LENGTH)
    if (u16(view.bytes, field) + growthInside(program, view, pops, g) > 0xffff) return ApplyCode.TooLong
  }
  return ApplyCode.Ok
}

/** Bytes by which restructuring makes the staying groups inside group `g` of the frame longer, or shorter; of all of them for `pops - 1`. */
export const growthInside = (program: Program, view: FrameView, pops: number, g: number): number => {
  const { restructurings } = program
  let growth = 0
  for (let i = 0; i < restructurings.length; i++) {
    const r = restructurings[i]!
    if (pops + r.edit > g) growth += tagGrowth(r, view, pops + r.edit) + translationOf(r, view, pops + r.edit)
  }
  return growth
}

/**
 * Carries out the restructurings on the groups of `view` from `pops` on, which lie in `inside .. end`. Returns a view of these
 * groups, valid until the next call, or `undefined` if a translated frame cannot be read, which translation promises not to
 * happen.
 */
export const restructure = (program: Program, view: FrameView, pops: number, inside: number, end: number): FrameView | undefined => {
  const { restructurings } = program
  take(view, pops, inside, end)
  for (let i = 0; i < restructurings.length; i++) remember(restructurings[i]!)
  for (let i = 0; i < restructurings.length; i++) change(restructurings[i]!, true)
  for (let i = 0; i < restructurings.length; i++) change(restructurings[i]!, false)
  followAround()
  for (let i = 0; i < restructurings.length; i++) {
    if (restructurings[i]!.translate === undefined) continue
    return parseFrame(staying, staying.bytes, staying.start, end, staying.depth, Verify.None) === Reason.Ok ? staying : undefined
  }
  return staying
}

/** The groups that stay, as they are by now. */
const staying = makeFrameView()
/** Of each of them, by how many bytes its tags and its translation make it longer. */
const tagBytes = new Int32Array(MAX_GROUPS)
const translationBytes = new Int32Array(MAX_GROUPS)
/** Of each of them, where what is rewritten ends, 0 where nothing is, and the sum of it before. */
const rewrittenTo = new Int32Array(MAX_GROUPS)
const sumBefore = new Int32Array(MAX_GROUPS)

const take = (view: FrameView, pops: number, inside: number, end: number): void => {
  staying.bytes = view.bytes
  staying.start = inside
  staying.end = end
  staying.depth = view.depth - pops
  staying.quoted = view.quoted
  staying.knownOptions = view.knownOptions
  staying.ends = view.ends.anywhere
  const { slots } = staying
  slots.set(view.slots)
  slots.copyWithin(0, pops * SLOTS, view.depth * SLOTS)
  tagBytes.fill(0)
  translationBytes.fill(0)
  rewrittenTo.fill(0)
}

/** Notes what must be known of a group before it is changed. */
const remember = (r: Restructuring): void => {
  const { bytes, slots } = staying
  const g = r.edit
  const s = g * SLOTS
  tagBytes[g] = tagGrowth(r, staying, g)
  translationBytes[g] = translationOf(r, staying, g)
  rewrittenTo[g] = slots[s + (r.translate === undefined ? Slot.L3 : staying.quoted ? Slot.END : Slot.PAYLOAD)]!
  // Nothing is around the outermost group that could have a checksum over it.
  sumBefore[g] = g === 0 ? 0 : fold(sumWords(bytes, slots[s + Slot.L2]! + TAGS_AT, rewrittenTo[g]))
}

/** Does of a restructuring what shrinks the frame, or what does not. */
const change = (r: Restructuring, shrinking: boolean): void => {
  const g = r.edit
  if ((r.popTags !== 0 || r.pushTags.length > 0) && tagBytes[g]! < 0 === shrinking) editTags(r)
  if (r.translate !== undefined && translationBytes[g]! < 0 === shrinking) {
    translateGroup(staying, g, r.translate)
    shift(g, -translationBytes[g]!)
  }
}

const editTags = (r: Restructuring): void => {
  const { bytes, slots, start } = staying
  const g = r.edit
  const by = -tagBytes[g]!
  const at = slots[g * SLOTS + Slot.L2]! + TAGS_AT
  if (by !== 0) bytes.copyWithin(start + by, start, at)
  bytes.set(r.pushTags, at + by)
  staying.start = start + by
  shift(g, by)
}

/** Moves the offsets of what lies in front of a change in group `g`. */
const shift = (g: number, by: number): void => {
  const { slots } = staying
  for (let k = 0; k < g; k++) {
    const s = k * SLOTS
    slots[s + Slot.L2] = slots[s + Slot.L2]! + by
    slots[s + Slot.L3] = slots[s + Slot.L3]! + by
    slots[s + Slot.L4] = slots[s + Slot.L4]! + by
    slots[s + Slot.PAYLOAD] = slots[s + Slot.PAYLOAD]! + by
    slots[s + Slot.TUNNEL_AT] = slots[s + Slot.TUNNEL_AT]! + by
    if (rewrittenTo[k] !== 0) rewrittenTo[k] = rewrittenTo[k]! + by
  }
  slots[g * SLOTS + Slot.L2] = slots[g * SLOTS + Slot.L2]! + by
}

/** Lets lengths and checksums follow in the groups around what was changed, from the inside out. */
const followAround = (): void => {
  const { bytes, slots, depth } = staying
  let growth = 0
  let changed = 0
  for (let g = depth - 1; g > 0; g--) {
    if (rewrittenTo[g] !== 0) {
      growth += tagBytes[g]! + translationBytes[g]!
      changed += fold(sumWords(bytes, slots[g * SLOTS + Slot.L2]! + TAGS_AT, rewrittenTo[g]!)) + (sumBefore[g]! ^ 0xffff)
    }
    if (changed !== 0) changed = follow(g - 1, growth, changed)
  }
}

/** One group around: its lengths grow, and `inside` changed within it. The sum of the changes in it, its own included. */
const follow = (g: number, growth: number, inside: number): number => {
  const { bytes, slots } = staying
  const s = g * SLOTS
  const ip = slots[s + Slot.L3]!
  let network = 0
  if (growth !== 0) {
    const is4 = slots[s + Slot.L3_KIND] === L3.Ipv4
    const field = ip + (is4 ? Ipv4At.LENGTH : Ipv6At.LENGTH)
    network = replaceWord(bytes, field, u16(bytes, field) + growth)
    if (is4) {
      correctIpv4(bytes, ip, network)
      network = 0
    }
  }
  if (slots[s + Slot.L4_KIND] !== L4.Udp) return network + inside
  const udp = slots[s + Slot.L4]!
  const field = udp + UdpAt.LENGTH
  const length = growth === 0 ? 0 : replaceWord(bytes, field, u16(bytes, field) + growth)
  return network + correctTransport(bytes, udp, L4.Udp, inside + length, length)
}

/** Offset of the tags, or of the EtherType, inside an Ethernet header. */
const TAGS_AT = 12

const tagGrowth = (r: Restructuring, view: FrameView, g: number): number =>
  r.pushTags.length - VLAN_LENGTH * (r.popTags < 0 ? view.slots[g * SLOTS + Slot.VLANS]! : r.popTags)

const translationOf = (r: Restructuring, view: FrameView, g: number): number => (r.translate === undefined ? 0 : translationGrowth(view, g, r.translate))
