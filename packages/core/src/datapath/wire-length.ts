/**
 * How long the packet will be that leaves, before a byte of it is changed: the outermost IP packet of the frame, by the flow's
 * program and the offsets of the frame as it came.
 *
 * Nothing is allocated. Where the frame lacks what the program asks for, the numbers mean nothing; `apply` refuses such a frame.
 */
import type { Program } from '../transposition/program.js'
import { growthInside } from '../transposition/restructure.js'
import { translationGrowth } from '../transposition/translate/translate.js'
import { OFFLOAD_SEGMENT, OFFLOAD_UDP, offloadPlace } from '../wire/offload.js'
import { type FrameView, Slot, SLOTS } from '../wire/frame-view.js'
import { tcpHeaderLength } from '../wire/tcp.js'
import { UDP_LENGTH } from '../wire/udp.js'

/** Bytes of the outermost IP packet when the frame leaves, `added` of them put into its payload; of other frames, what is behind the EtherType. */
export const wireLength = (program: Program, view: FrameView, added: number): number => {
  const { pushed, popNeeds } = program
  const { slots } = view
  const pops = popNeeds.length
  if (pushed.length === 0) return slots[pops * SLOTS + Slot.END]! - slots[pops * SLOTS + Slot.L3]! + outermostGrowth(program, view, pops) + added
  const end = pops === 0 ? view.end : slots[(pops - 1) * SLOTS + Slot.DATA_END]!
  return end - insideAt(view, pops) + pushedBytes(program, view, pops) + added
}

/**
 * Bytes from the outermost IP header, when the frame leaves, to what its innermost TCP header carries, options of that header not
 * counted: what each segment of the connection takes beside its payload.
 */
export const headersLength = (program: Program, view: FrameView): number => {
  const { pushed, popNeeds } = program
  const { slots, bytes } = view
  const last = (view.depth - 1) * SLOTS
  const tcp = slots[last + Slot.L4]!
  const payload = slots[last + Slot.PAYLOAD]! - (tcpHeaderLength(bytes, tcp) - TCP_MINIMUM)
  const pops = popNeeds.length
  if (pushed.length === 0) return payload - slots[pops * SLOTS + Slot.L3]! + outermostGrowth(program, view, pops)
  return payload - insideAt(view, pops) + pushedBytes(program, view, pops)
}

/** Bytes of the outermost packet that are not in its longest segment, where the frame is to be segmented (see `OFFLOAD_SEGMENT`). */
export const beyondSegment = (view: FrameView, offload: number): number => {
  const segment = offload & OFFLOAD_SEGMENT
  if (segment === 0) return 0
  const place = offloadPlace(offload)
  const last = place === 0 ? (view.depth - 1) * SLOTS : 0
  const payload = place === 0 ? view.slots[last + Slot.PAYLOAD]! : placedPayload(view, offload, place)
  return Math.max(0, view.slots[last + Slot.END]! - payload - segment)
}

/** Where the payload of the transport header begins that a word names by its place. */
const placedPayload = ({ bytes, end }: FrameView, offload: number, place: number): number => {
  const at = end - place
  return at + ((offload & OFFLOAD_UDP) !== 0 ? UDP_LENGTH : tcpHeaderLength(bytes, at))
}

/** Whether the program makes IPv6 of an IPv4 packet: a fragment then takes a header more than a whole packet. */
export const translatesTo6 = ({ restructurings }: Program): boolean => restructurings.some((r) => r.translate?.to === 6)

const TCP_MINIMUM = 20

const insideAt = (view: FrameView, pops: number): number => (pops === 0 ? view.start : view.slots[pops * SLOTS + Slot.L2]!)

/** Bytes from the outermost pushed IP header on that the frame does not have yet. */
const pushedBytes = (program: Program, view: FrameView, pops: number): number =>
  program.template.length - program.pushed[0]!.ip + growthInside(program, view, pops, pops - 1)

/** Bytes by which the outermost staying IP packet grows. */
const outermostGrowth = (program: Program, view: FrameView, pops: number): number => {
  const { restructurings } = program
  if (restructurings.length === 0) return 0
  let growth = growthInside(program, view, pops, pops)
  for (let i = 0; i < restructurings.length; i++) {
    const { edit, translate } = restructurings[i]!
    if (edit === 0 && translate !== undefined) growth += translationGrowth(view, pops, translate)
  }
  return growth
}
