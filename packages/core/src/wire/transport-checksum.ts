/** The checksum of a parsed transport header: where it lies, what it covers, and whether it is right. */
import { u16 } from './bytes.js'
import { fold, sumWords } from './checksum.js'
import { L3, L4, Slot, type FrameView } from './frame-view.js'
import { pseudoDestinationAt, pseudoHeaderSum, pseudoSourceAt } from './pseudo-header.js'
import { TcpAt } from './tcp.js'
import { UdpAt, UdpPort } from './udp.js'

/** Returns the offset of the checksum inside a transport header of an `L4` kind, or −1 for `L4.None`. */
export const transportChecksumAt = (kind: number): number =>
  kind === L4.Tcp ? TcpAt.CHECKSUM : kind === L4.Udp ? UdpAt.CHECKSUM : kind === L4.Icmp || kind === L4.Icmpv6 ? 2 : -1

/**
 * Returns the unfolded sum of the pseudo header, the transport header with its stored checksum, and its data, of the group whose
 * first slot is `base`: it folds to 0xffff if the checksum is right. The group must be `Whole` and have a transport.
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
      : pseudoHeaderSum(bytes, slots[base + Slot.L3_KIND] === L3.Ipv6, ip, at, protocol, end - at)
  return sumWords(bytes, at, end, pseudo)
}

/** Returns whether the checksum of a `Whole` group with a transport header is right, or one that passes; see `Verify`. */
export const transportChecksumHolds = (view: FrameView, base: number): boolean => {
  const { bytes, slots } = view
  const v6 = slots[base + Slot.L3_KIND] === L3.Ipv6
  if (slots[base + Slot.L4_KIND] === L4.Udp) {
    const at = slots[base + Slot.L4]!
    if (u16(bytes, at + UdpAt.CHECKSUM) === 0) {
      const port = u16(bytes, at + UdpAt.DESTINATION)
      return !v6 || port === UdpPort.Vxlan || port === UdpPort.Geneve || view.ends.ports.includes(port)
    }
  }
  return fold(transportSum(view, base)) === 0xffff || isUntold(view, base, v6)
}

/** Returns whether the transport has a pseudo header with an address that cannot be found. */
const isUntold = ({ bytes, slots }: FrameView, base: number, v6: boolean): boolean => {
  const ip = slots[base + Slot.L3]!
  const at = slots[base + Slot.L4]!
  return slots[base + Slot.L4_KIND] !== L4.Icmp && (pseudoDestinationAt(bytes, v6, ip, at) < 0 || pseudoSourceAt(bytes, v6, ip, at) < 0)
}
