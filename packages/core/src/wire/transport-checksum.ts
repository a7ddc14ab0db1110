/** The checksum of a parsed transport header: where it lies, what it covers, and whether it is right. */
import { u16 } from './bytes.js'
import { fold, pseudoSum4, pseudoSum6, pseudoSum6To, sumWords } from './checksum.js'
import { L3, L4, Slot, type FrameView } from './frame-view.js'
import { finalDestinationAt } from './ipv6-routing.js'
import { Ipv6At } from './ipv6.js'
import { TcpAt } from './tcp.js'
import { UdpAt, UdpPort } from './udp.js'

/** Offset of the checksum inside a transport header of the kind, or −1 for `L4.None`. */
export const transportChecksumAt = (kind: number): number =>
  kind === L4.Tcp ? TcpAt.CHECKSUM : kind === L4.Udp ? UdpAt.CHECKSUM : kind === L4.Icmp || kind === L4.Icmpv6 ? 2 : -1

/**
 * The unfolded sum of the pseudo header, the transport header with its stored checksum, and its data, of the group whose
 * first slot is `base`: it folds to 0xffff where the checksum is right. The group must be `Whole` and have a transport.
 */
export const transportSum = (view: FrameView, base: number): number => {
  const { bytes, slots } = view
  const kind = slots[base + Slot.L4_KIND]!
  const ip = slots[base + Slot.L3]!
  const at = slots[base + Slot.L4]!
  // The length in the pseudo header is UDP's own: its checksum does not cover the surplus area (RFC 9868 §5).
  const end = slots[base + Slot.DATA_END]!
  const protocol = slots[base + Slot.PROTO]!
  const pseudo =
    kind === L4.Icmp
      ? 0
      : slots[base + Slot.L3_KIND] === L3.Ipv4
        ? pseudoSum4(bytes, ip, protocol, end - at)
        : finalPseudoSum6(bytes, ip, at, protocol, end - at)
  return sumWords(bytes, at, end, pseudo)
}

/** Whether nothing speaks against the checksum of a `Whole` group with a transport header; see `Verify` for what passes. */
export const transportChecksumHolds = (view: FrameView, base: number): boolean => {
  const { bytes, slots } = view
  const v6 = slots[base + Slot.L3_KIND] === L3.Ipv6
  if (slots[base + Slot.L4_KIND] === L4.Udp) {
    const at = slots[base + Slot.L4]!
    if (u16(bytes, at + UdpAt.CHECKSUM) === 0) {
      const port = u16(bytes, at + UdpAt.DESTINATION)
      return !v6 || port === UdpPort.Vxlan || port === UdpPort.Geneve
    }
  }
  return fold(transportSum(view, base)) === 0xffff || (v6 && finalDestinationAt(bytes, slots[base + Slot.L3]!, slots[base + Slot.L4]!) < 0)
}

/**
 * The sum of the pseudo header of a transport at `l4` in the IPv6 packet at `ip`, whose extension headers lie whole between
 * them, with the final destination; where that cannot be told, with the one in the IPv6 header. `length` is that of the transport
 * header and its data in bytes.
 *
 * @see RFC 8200 §8.1
 */
export const finalPseudoSum6 = (bytes: Uint8Array, ip: number, l4: number, protocol: number, length: number): number => {
  const final = finalDestinationAt(bytes, ip, l4)
  return final < 0 || final === ip + Ipv6At.DESTINATION
    ? pseudoSum6(bytes, ip, protocol, length)
    : pseudoSum6To(bytes, ip, final, protocol, length)
}

/**
 * Whether the destination in an IPv6 header at `ip` is the one in the pseudo header: it is not where a routing header between
 * it and the transport at `l4` has segments left. So an edit of that field reaches the checksum only where this is true.
 *
 * @see RFC 8200 §8.1
 */
export const isFinalDestination = (bytes: Uint8Array, ip: number, l4: number): boolean =>
  finalDestinationAt(bytes, ip, l4) === ip + Ipv6At.DESTINATION
