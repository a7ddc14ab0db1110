/**
 * What a translation changes behind the IP header: the checksums that cover a pseudo header, and the type of ICMP.
 *
 * The pseudo headers of both versions sum up the same protocol and length for TCP and UDP, so only the addresses differ; since the
 * new header has addresses 0, what is left is to take the old ones out. ICMP has no pseudo header and ICMPv6 has one. All
 * this is done incrementally (RFC 1624): the payload is not read, a fragment needs nothing special, and a wrong checksum stays
 * wrong by the same difference. The one exception is a UDP datagram without a checksum: IPv6 demands one, and it is computed
 * in full. In the other direction, where only a tunnel may lack it (RFC 6935 §5), it is computed all the same, so that
 * there, back and there is the same as there.
 *
 * Protocols other than these are carried as they are, as RFC 7915 demands, but for the checksums among them that cover a pseudo
 * header (`wire/opaque-checksum.ts`).
 *
 * @see RFC 7915 §4.5, §5.5
 */
import { putU16, u16 } from '../../wire/bytes.js'
import { checksum, fold } from '../../wire/checksum.js'
import { Frag, L4, Slot } from '../../wire/frame-view.js'
import { IpProtocol } from '../../wire/ip-protocol.js'
import { opaqueChecksumAt, PseudoHeadered } from '../../wire/opaque-checksum.js'
import { pseudoAddressSum } from '../../wire/pseudo-header.js'
import { TcpAt } from '../../wire/tcp.js'
import { UdpAt } from '../../wire/udp.js'
import { correctIcmp, correctOpaque, correctTransport, replaceWord } from '../../wire/correct-checksum.js'
import { translatedIcmp } from './icmp.js'

/**
 * Rewrites the transport header of the group whose first slot is `s`, where it lies, as the translation from version `from` needs it;
 * the old IP header must still be in front of it. ICMP must be an echo. Of a `quoted` packet only what is there is rewritten, and UDP
 * without a checksum stays so: the data it would cover are not there. `carried` is the length in the pseudo header of ICMPv6.
 */
export const translateTransport = (bytes: Uint8Array, slots: Int32Array, s: number, from: 4 | 6, carried: number, quoted: boolean): void => {
  const ip = slots[s + Slot.L3]!
  const at = slots[s + Slot.L4]!
  const end = slots[s + Slot.END]!
  const dataEnd = slots[s + Slot.DATA_END]!
  switch (slots[s + Slot.L4_KIND]) {
    case L4.Tcp:
      if (at + TcpAt.CHECKSUM + 2 <= end) correctTransport(bytes, at, L4.Tcp, 0, minus(pseudoAddressSum(bytes, from === 6, ip, at)))
      return
    case L4.Udp:
      if (u16(bytes, at + UdpAt.CHECKSUM) !== 0) correctTransport(bytes, at, L4.Udp, 0, minus(pseudoAddressSum(bytes, from === 6, ip, at)))
      else if (!quoted) putU16(bytes, at + UdpAt.CHECKSUM, checksum(bytes, at, dataEnd, IpProtocol.Udp + dataEnd - at) || 0xffff)
      return
    case L4.Icmp:
    case L4.Icmpv6:
      translateEcho(bytes, at, end, from, IpProtocol.Icmpv6 + carried + (from === 4 ? 0 : pseudoAddressSum(bytes, true, ip, at)))
      return
    default:
      translateUnknown(bytes, slots, s, from)
  }
}

/** Where the transport is not taken apart: its checksum follows the addresses if it covers them. */
const translateUnknown = (bytes: Uint8Array, slots: Int32Array, s: number, from: 4 | 6): void => {
  if (slots[s + Slot.FRAG] === Frag.Later) return
  const at = slots[s + Slot.L4]!
  const protocol = slots[s + Slot.PROTO]!
  const field = opaqueChecksumAt(bytes, from === 6, protocol, at, slots[s + Slot.END]!)
  if (field >= 0) correctOpaque(bytes, field, minus(pseudoAddressSum(bytes, from === 6, slots[s + Slot.L3]!, at)), protocol === PseudoHeadered.UdpLite)
}

/** `pseudo` is the sum of the pseudo header of ICMPv6: with addresses 0 where it is the new one. */
const translateEcho = (bytes: Uint8Array, at: number, end: number, from: 4 | 6, pseudo: number): void => {
  const typeChange = replaceWord(bytes, at, translatedIcmp(from, u16(bytes, at)))
  correctIcmp(bytes, at, end, typeChange + (from === 4 ? fold(pseudo) : minus(pseudo)))
}

/** What is added to a sum to take one away from it, in one's complement. */
const minus = (sum: number): number => ~fold(sum) & 0xffff
