/**
 * Work on the payload: what an action context with `transform` makes of it, written into the frame.
 *
 * The payload is what lies behind the innermost transport header, up to the end of its datagram. Its **end stays where it is**;
 * the headers in front of it move, into the headroom where it grows. So trailers behind the datagram, and the end of every
 * datagram around it, keep their places, and the buffer needs no tailroom. Then every IP and UDP length around it is put
 * right, and every IP, TCP, UDP and ICMP checksum computed in full, but for UDP checksums of 0, which mean none.
 *
 * What cannot be transformed whole is refused, never passed as it is (the context may be an encryption): fragments, because the
 * places of the others would not fit any more, UDP with a surplus area, which no context is shown, and what has no transport header
 * the parser knows. Room and lengths are checked
 * by the growth that is declared, before the context is called: it may count what it has enciphered.
 *
 * Cost: beside the context's own work two copies of the payload, one of the headers, one parse, one sum over the payload for
 * each checksum; two small objects (the views it is given).
 *
 * @see VFP §6.2
 */
import type { BuiltInDropReason } from '../drop-reason.js'
import type { ActionContext } from '../policy/action-context.js'
import { putU16, u16 } from '../wire/bytes.js'
import { checksum, fold } from '../wire/checksum.js'
import { Frag, type FrameView, L3, L4, Slot, SLOTS } from '../wire/frame-view.js'
import { Ipv4At } from '../wire/ipv4.js'
import { Ipv6At } from '../wire/ipv6.js'
import { parseFrame } from '../wire/parse.js'
import { Reason } from '../wire/reason.js'
import { transportChecksumAt, transportSum } from '../wire/transport-checksum.js'
import { UdpAt } from '../wire/udp.js'

/** Why a payload was not transformed; empty if it was. */
export type TransformRefusal = '' | Extract<BuiltInDropReason, 'PayloadRefused' | 'NoHeadroom' | 'TooLong'>

const MAX_LENGTH = 0xffff

/** Where a context writes; grown to the longest payload seen. */
let scratch = new Uint8Array(2048)

/** Whether any of the contexts works on the payload. */
export const transformsAny = (runs: readonly { readonly context: ActionContext }[]): boolean => {
  for (let i = 0; i < runs.length; i++) if (runs[i]!.context.transform !== undefined) return true
  return false
}

/**
 * Transforms the payload of the frame in `view`, whose slots are of these very bytes; bytes from `floor` on may be used as
 * headroom. The view then describes the new frame. Where it is refused nothing has changed, save after `PayloadRefused` by
 * a parser that does not know the result, when the caller has to put the old bytes back.
 */
export const transformPayload = (view: FrameView, context: ActionContext, floor: number, nowUs: number): TransformRefusal => {
  const { bytes, slots, start, end, depth } = view
  if (context.transform === undefined) return ''
  const last = (depth - 1) * SLOTS
  if (slots[last + Slot.L4_KIND] === L4.None || slots[last + Slot.FRAG] !== Frag.Whole || slots[last + Slot.DATA_END] !== slots[last + Slot.END]) return 'PayloadRefused'
  const growth = context.growthBytes ?? 0
  if (start - growth < floor) return 'NoHeadroom'
  if (!canGrow(view, growth)) return 'TooLong'
  const from = slots[last + Slot.PAYLOAD]!
  const to = slots[last + Slot.END]!
  const room = to - from + growth
  if (scratch.length < room) scratch = new Uint8Array(2 * room)
  const length = context.transform(bytes.subarray(from, to), scratch.subarray(0, room), nowUs)
  if (!Number.isInteger(length) || length < 0 || length > room) return 'PayloadRefused'

  const added = length - (to - from)
  bytes.copyWithin(start - added, start, from)
  bytes.set(scratch.subarray(0, length), to - length)
  if (added !== 0) for (let g = 0; g < depth; g++) lengthen(view, g * SLOTS, added)
  // Always: what an ICMP error quotes is payload, too.
  if (parseFrame(view, bytes, start - added, end, depth) !== Reason.Ok) return 'PayloadRefused'
  for (let g = depth - 1; g >= 0; g--) resum(view, g * SLOTS)
  return ''
}

/** Whether every header can express the length of what it encloses with so many bytes more. */
const canGrow = ({ bytes, slots, depth }: FrameView, growth: number): boolean => {
  for (let base = 0; base < depth * SLOTS; base += SLOTS) {
    const ip = slots[base + Slot.L3]!
    const l3 = slots[base + Slot.L3_KIND]
    if (l3 === L3.Ipv4 && u16(bytes, ip + Ipv4At.LENGTH) + growth > MAX_LENGTH) return false
    if (l3 === L3.Ipv6 && u16(bytes, ip + Ipv6At.LENGTH) + growth > MAX_LENGTH) return false
  }
  return true
}

/** Corrects the lengths in a group's headers, which lie `added` bytes in front of where the slots say. */
const lengthen = ({ bytes, slots }: FrameView, base: number, added: number): void => {
  const ip = slots[base + Slot.L3]! - added
  const l3 = slots[base + Slot.L3_KIND]
  const field = ip + (l3 === L3.Ipv4 ? Ipv4At.LENGTH : Ipv6At.LENGTH)
  putU16(bytes, field, u16(bytes, field) + added)
  if (l3 === L3.Ipv4) {
    putU16(bytes, ip + Ipv4At.CHECKSUM, 0)
    putU16(bytes, ip + Ipv4At.CHECKSUM, checksum(bytes, ip, ip + (bytes[ip]! & 0xf) * 4))
  }
  if (slots[base + Slot.L4_KIND] === L4.Udp) {
    const udp = slots[base + Slot.L4]! - added + UdpAt.LENGTH
    putU16(bytes, udp, u16(bytes, udp) + added)
  }
}

/** Computes a group's transport checksum in full; what is inside must be right by then. */
const resum = (view: FrameView, base: number): void => {
  const { bytes, slots } = view
  const kind = slots[base + Slot.L4_KIND]!
  if (kind === L4.None) return
  const at = slots[base + Slot.L4]! + transportChecksumAt(kind)
  if (kind === L4.Udp && u16(bytes, at) === 0) return
  putU16(bytes, at, 0)
  const sum = ~fold(transportSum(view, base)) & 0xffff
  putU16(bytes, at, kind === L4.Udp && sum === 0 ? 0xffff : sum)
}
