/** The checksum of a parsed transport header: where it lies, what it covers, and whether it is right. */
import { u16 } from './bytes.js'
import { fold, pseudoSum4, pseudoSum6, sumWords } from './checksum.js'
import { L3, L4, Slot, type FrameView } from './frame-view.js'
import { IpProtocol } from './ip-protocol.js'
import { extensionLength } from './ipv6-extension.js'
import { IPV6_LENGTH, Ipv6At } from './ipv6.js'
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
  const end = slots[base + Slot.END]!
  const protocol = slots[base + Slot.PROTO]!
  const pseudo =
    kind === L4.Icmp
      ? 0
      : slots[base + Slot.L3_KIND] === L3.Ipv4
        ? pseudoSum4(bytes, ip, protocol, end - at)
        : pseudoSum6(bytes, ip, protocol, end - at)
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
  return fold(transportSum(view, base)) === 0xffff || (v6 && !isFinalDestination(bytes, slots[base + Slot.L3]!, slots[base + Slot.L4]!))
}

/**
 * Whether the destination in an IPv6 header at `ip` is the one in the pseudo header: it is not where a routing header between
 * it and the transport at `l4` has segments left (RFC 8200 §8.1).
 */
export const isFinalDestination = (bytes: Uint8Array, ip: number, l4: number): boolean => {
  let protocol = bytes[ip + Ipv6At.NEXT_HEADER]!
  for (let at = ip + IPV6_LENGTH; at < l4; ) {
    if (protocol === IpProtocol.Routing && bytes[at + 3] !== 0) return false
    const length = extensionLength(bytes, at, protocol)
    protocol = bytes[at]!
    at += length
  }
  return true
}
