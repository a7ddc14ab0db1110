/**
 * The transport checksums of a whole frame, from the inside out.
 *
 * A completed transport has a property that saves summing the payload once per tunnel: header, checksum and data add up to the
 * complement of the sum of the pseudo header. So a UDP checksum around it needs only the headers between, and that complement.
 * What the checksum fields held before is of no account: neither the inner one, which the engine may have "corrected" without
 * knowing that it was not computed, nor the outer ones, which covered it.
 *
 * All headers have even lengths, so that sums from any of them to the next add up; only what lies behind an odd end must be added with
 * its bytes exchanged.
 *
 * @see RFC 1071 §2 for the sum's freedom of order and of byte order
 */
import { type FrameView, L3, L4, MAX_GROUPS, Slot, SLOTS, wire } from '@vfp-ts/core'

const { fold, sumWords } = wire.checksum
const { pseudoHeaderSum } = wire.pseudoHeader
const { transportChecksumAt } = wire.transportChecksum
const { putU16, u16 } = wire.bytes

/** The first slot of the innermost group of a parsed frame. */
export const innermost = (view: FrameView): number => (view.depth - 1) * SLOTS

/**
 * Whether one more tunnel seems to lie behind the last header that a parser looks at: a VM's own tunnels, with the engine's around
 * them. Then what the sender left unfinished is a transport that nobody here finds, and to finish another in its place would be to break the frame.
 */
export const hidesTransport = (view: FrameView): boolean => {
  if (view.depth < MAX_GROUPS) return false
  const s = innermost(view)
  if (view.slots[s + Slot.L4_KIND] !== L4.Udp) return false
  const port = u16(view.bytes, view.slots[s + Slot.L4]! + wire.udp.UdpAt.DESTINATION)
  return port === wire.udp.UdpPort.Vxlan || port === wire.udp.UdpPort.Geneve
}

/** The unfolded sum of the pseudo header of the group whose first slot is `s`, for `length` bytes of transport header and data; 0 for ICMP, which has none. */
export const pseudoSum = (view: FrameView, s: number, length: number): number => {
  const { bytes, slots } = view
  const ip = slots[s + Slot.L3]!
  const protocol = slots[s + Slot.PROTO]!
  if (slots[s + Slot.L4_KIND] === L4.Icmp) return 0
  return pseudoHeaderSum(bytes, slots[s + Slot.L3_KIND] === L3.Ipv6, ip, slots[s + Slot.L4]!, protocol, length)
}

/**
 * Writes the checksum of the innermost transport and of all UDP headers around it that have one. `payloadSum` is the sum of the
 * bytes behind the innermost transport header. The innermost group has a transport header and is whole.
 */
export const writeTransportChecksums = (view: FrameView, payloadSum: number): void => {
  const { bytes, slots } = view
  const s = innermost(view)
  const kind = slots[s + Slot.L4_KIND]!
  const l4 = slots[s + Slot.L4]!
  const field = l4 + transportChecksumAt(kind)
  const pseudo = fold(pseudoSum(view, s, slots[s + Slot.DATA_END]! - l4))
  putU16(bytes, field, 0)
  const sum = ~fold(sumWords(bytes, l4, slots[s + Slot.PAYLOAD]!, pseudo + payloadSum)) & 0xffff
  putU16(bytes, field, sum === 0 && kind === L4.Udp ? 0xffff : sum)
  writeOuterChecksums(view, ~pseudo & 0xffff)
}

/**
 * The UDP checksums around the innermost group, of those that have one. `inside` is the sum of all that lies behind the innermost
 * network header, to the end of its datagram.
 */
export const writeOuterChecksums = (view: FrameView, inside: number): void => {
  const { bytes, slots } = view
  if (!outerChecksums(view)) return
  let sum = inside
  for (let s = innermost(view) - SLOTS; s >= 0; s -= SLOTS) {
    const l4 = slots[s + Slot.L4]!
    const end = slots[s + Slot.DATA_END]!
    const innerL4 = slots[s + SLOTS + Slot.L4]!
    const innerEnd = slots[s + SLOTS + Slot.DATA_END]!
    const trailer = fold(sumWords(bytes, innerEnd, end))
    sum += ((innerEnd - innerL4) & 1) === 0 ? trailer : ((trailer & 0xff) << 8) | (trailer >>> 8)
    if (slots[s + Slot.L4_KIND] === L4.Udp && u16(bytes, l4 + wire.udp.UdpAt.CHECKSUM) !== 0) {
      const pseudo = fold(pseudoSum(view, s, end - l4))
      putU16(bytes, l4 + wire.udp.UdpAt.CHECKSUM, 0)
      const computed = ~fold(sumWords(bytes, l4, innerL4, sum + pseudo)) & 0xffff
      putU16(bytes, l4 + wire.udp.UdpAt.CHECKSUM, computed === 0 ? 0xffff : computed)
      sum = ~pseudo & 0xffff
    } else sum = fold(sumWords(bytes, l4, innerL4, sum))
  }
}

/** Whether any UDP header around the innermost group has a checksum. */
const outerChecksums = (view: FrameView): boolean => {
  const { bytes, slots } = view
  for (let s = innermost(view) - SLOTS; s >= 0; s -= SLOTS) {
    if (slots[s + Slot.L4_KIND] === L4.Udp && u16(bytes, slots[s + Slot.L4]! + wire.udp.UdpAt.CHECKSUM) !== 0) return true
  }
  return false
}
