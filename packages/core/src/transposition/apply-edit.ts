/**
 * The fields of one header group on its bytes, checksums kept (see `wire/correct-checksum.ts`).
 *
 * **What changes where.** Address changes reach the IPv4 header checksum and, through the pseudo header, those of TCP, UDP
 * and ICMPv6 (not ICMP's), and of what is not taken apart (`wire/opaque-checksum.ts`). TTL and traffic class reach the IPv4 header checksum alone. Everything behind the IP
 * header reaches the transport checksum, and everything in the group reaches the UDP checksum of the group around it, if
 * it has one. Towards the outside a checksummed stretch cancels itself out, because its checksum changes by the opposite:
 * an IPv4 header adds nothing, a checksummed TCP segment only the opposite of the change of its pseudo header. GRE as the engine
 * reads it has no checksum: what is inside it is passed on.
 *
 * All words here lie at even distances from the enclosing UDP header, since every header between has an even length.
 */
import { u16 } from '../wire/bytes.js'
import { Frag, type FrameView, L3, L4, Slot, SLOTS } from '../wire/frame-view.js'
import { ArpAt } from '../wire/arp.js'
import { IcmpType } from '../wire/icmp.js'
import { Icmpv6Type } from '../wire/icmpv6.js'
import { opaqueChecksumAt, PseudoHeadered, UNTOLD_CHECKSUM } from '../wire/opaque-checksum.js'
import { TcpAt } from '../wire/tcp.js'
import { isPseudoDestination, isPseudoSource } from '../wire/pseudo-header.js'
import { correctIcmp, correctIpv4, correctOpaque, correctTransport, replaceWord, replaceWords } from '../wire/correct-checksum.js'
import { ARP_FIELDS, FieldBit, ValueAt, VALUES } from './edit-values.js'
import { valueOf } from './originals.js'
import type { Program } from './program.js'

/**
 * Writes the `fields` of edit `e` of a program into group `g`, whose shape was checked. `inside` is the sum of the changes in
 * what it encloses; the result is that of the changes in this group and all inside it.
 */
export const applyEdit = (program: Program, e: number, fields: number, view: FrameView, g: number, inside: number): number => {
  const { bytes, slots } = view
  const { values } = program
  const v = e * VALUES
  const s = g * SLOTS
  const ip = slots[s + Slot.L3]!
  const l3 = slots[s + Slot.L3_KIND]!
  const l4 = slots[s + Slot.L4_KIND]!

  let link = 0
  if ((fields & (FieldBit.DstMac | FieldBit.SrcMac)) !== 0) {
    const l2 = slots[s + Slot.L2]!
    if ((fields & FieldBit.DstMac) !== 0) link += replaceWords(bytes, l2, values, v + ValueAt.DST_MAC, 3)
    if ((fields & FieldBit.SrcMac) !== 0) link += replaceWords(bytes, l2 + 6, values, v + ValueAt.SRC_MAC, 3)
  }
  if ((fields & ARP_FIELDS) !== 0) return link + editArp(fields, values, v, bytes, ip)

  let network = 0
  // What of the address changes is in the pseudo header, too: that may have others than the IP header.
  let addresses = 0
  if ((fields & (FieldBit.SrcIp | FieldBit.DstIp)) !== 0) {
    const words = l3 === L3.Ipv4 ? 2 : 8
    const src = l3 === L3.Ipv4 ? ip + 12 : ip + 8
    const is6 = l3 === L3.Ipv6
    if ((fields & FieldBit.SrcIp) !== 0) {
      network = replaceWords(bytes, src, values, v + ValueAt.SRC_IP, words)
      if (isPseudoSource(bytes, is6, ip, slots[s + Slot.L4]!)) addresses = network
    }
    if ((fields & FieldBit.DstIp) !== 0) {
      const destination = replaceWords(bytes, src + words * 2, values, v + ValueAt.DST_IP, words)
      network += destination
      if (isPseudoDestination(bytes, is6, ip, slots[s + Slot.L4]!)) addresses += destination
    }
  }

  // ECN is asked of groups without IP, too, such as an ARP packet from a tunnel, which have none.
  if ((fields & IN_CLASS) !== 0 && l3 >= L3.Ipv4) network += editClassAndTtl(fields, values, v, bytes, ip, l3)

  if (l3 === L3.Ipv4 && (fields & IN_IP) !== 0) {
    correctIpv4(bytes, ip, network)
    network = 0
  }

  let transport = inside
  if ((fields & FieldBit.Vni) !== 0) {
    // At the same place in all tunnel headers that have one.
    const vni = slots[s + Slot.TUNNEL_AT]! + 4
    transport += replaceWord(bytes, vni, values[v + ValueAt.VNI]!)
    transport += replaceWord(bytes, vni + 2, values[v + ValueAt.VNI + 1]! | bytes[vni + 3]!)
  }
  // Without a transport header, as in GRE or a later fragment, its fields are not there to be edited.
  if (l4 === L4.None) return link + network + transport + (addresses === 0 ? 0 : correctUnknown(view, s, addresses))
  const at = slots[s + Slot.L4]!
  if ((fields & FieldBit.SrcPort) !== 0) transport += replaceWord(bytes, at, values[v + ValueAt.SRC_PORT]!)
  if ((fields & FieldBit.DstPort) !== 0) transport += replaceWord(bytes, at + 2, values[v + ValueAt.DST_PORT]!)
  if ((fields & RARE) !== 0) transport += editRare(fields, values, v, bytes, at, l4)
  const written = (fields & IN_TRANSPORT) !== 0 || inside !== 0
  // No pseudo header with ICMP: addresses do not reach its checksum.
  if (l4 === L4.Icmp) {
    if ((fields & IN_ICMP) !== 0 || inside !== 0) correctIcmp(bytes, at, slots[s + Slot.END]!, transport)
    return link + network
  }
  return link + network + (written ? correctTransport(bytes, at, l4, transport, addresses) : 0)
}

/** The checksum of a transport that is not taken apart, where it covers the addresses; what that adds to a sum. */
const correctUnknown = ({ bytes, slots }: FrameView, s: number, addresses: number): number => {
  if (slots[s + Slot.FRAG] === Frag.Later) return 0
  const protocol = slots[s + Slot.PROTO]!
  const field = opaqueChecksumAt(bytes, slots[s + Slot.L3_KIND] === L3.Ipv6, protocol, slots[s + Slot.L4]!, slots[s + Slot.END]!)
  return field < 0 ? 0 : correctOpaque(bytes, field, addresses, protocol === PseudoHeadered.UdpLite)
}

/** Whether edits of the group would spoil a checksum of which it cannot be told whether it covers the addresses. */
export const spoils = ({ bytes, slots }: FrameView, g: number, fields: number): boolean => {
  const s = g * SLOTS
  if ((fields & (FieldBit.SrcIp | FieldBit.DstIp)) === 0 || slots[s + Slot.L4_KIND] !== L4.None || slots[s + Slot.FRAG] === Frag.Later) return false
  return opaqueChecksumAt(bytes, slots[s + Slot.L3_KIND] === L3.Ipv6, slots[s + Slot.PROTO]!, slots[s + Slot.L4]!, slots[s + Slot.END]!) === UNTOLD_CHECKSUM
}

const IN_CLASS = FieldBit.Dscp | FieldBit.Ecn | FieldBit.Ttl
const IN_IP = FieldBit.SrcIp | FieldBit.DstIp | IN_CLASS
const IN_ICMP = FieldBit.IcmpId | FieldBit.Echo
const RARE = IN_ICMP | FieldBit.TcpFlags
/** Fields that a transport checksum covers, itself or through the pseudo header. */
const IN_TRANSPORT = FieldBit.SrcIp | FieldBit.DstIp | FieldBit.SrcPort | FieldBit.DstPort | RARE | FieldBit.Vni

/** DSCP and ECN are parts of one byte, which IPv6 does not align; TTL and hop limit halves of different words. */
const editClassAndTtl = (fields: number, values: Uint16Array, v: number, bytes: Uint8Array, ip: number, l3: number): number => {
  const shift = l3 === L3.Ipv4 ? 0 : 4
  let sum = 0
  if ((fields & (FieldBit.Dscp | FieldBit.Ecn)) !== 0) {
    let word = u16(bytes, ip)
    if ((fields & FieldBit.Dscp) !== 0) word = (word & ~(0xfc << shift)) | (valueOf(values[v + ValueAt.DSCP]!) << (2 + shift))
    if ((fields & FieldBit.Ecn) !== 0) word = (word & ~(3 << shift)) | (valueOf(values[v + ValueAt.ECN]!) << shift)
    sum += replaceWord(bytes, ip, word)
  }
  if ((fields & FieldBit.Ttl) !== 0) {
    const ttl = valueOf(values[v + ValueAt.TTL]!)
    sum += l3 === L3.Ipv4 ? replaceWord(bytes, ip + 8, (ttl << 8) | bytes[ip + 9]!) : replaceWord(bytes, ip + 6, (bytes[ip + 6]! << 8) | ttl)
  }
  return sum
}

/** Flags are the low nine bits of their word; the type of an ICMP message the high byte of its first. */
const editRare = (fields: number, values: Uint16Array, v: number, bytes: Uint8Array, at: number, l4: number): number => {
  let sum = 0
  if ((fields & FieldBit.TcpFlags) !== 0) {
    const flags = at + TcpAt.DATA_OFFSET
    sum += replaceWord(bytes, flags, (u16(bytes, flags) & 0xfe00) | values[v + ValueAt.TCP_FLAGS]!)
  }
  if ((fields & FieldBit.IcmpId) !== 0) sum += replaceWord(bytes, at + 4, values[v + ValueAt.ICMP_ID]!)
  if ((fields & FieldBit.Echo) !== 0) {
    const request = values[v + ValueAt.ECHO] === 1
    const type = l4 === L4.Icmp ? (request ? IcmpType.Echo : IcmpType.EchoReply) : request ? Icmpv6Type.EchoRequest : Icmpv6Type.EchoReply
    sum += replaceWord(bytes, at, (type << 8) | bytes[at + 1]!)
  }
  return sum
}

/** ARP has no checksum of its own. */
const editArp = (fields: number, values: Uint16Array, v: number, bytes: Uint8Array, arp: number): number => {
  let sum = 0
  if ((fields & FieldBit.ArpOperation) !== 0) sum += replaceWord(bytes, arp + ArpAt.OPERATION, values[v + ValueAt.ARP_OPERATION]!)
  if ((fields & FieldBit.ArpSenderMac) !== 0) sum += replaceWords(bytes, arp + ArpAt.SENDER_MAC, values, v + ValueAt.ARP_SENDER_MAC, 3)
  if ((fields & FieldBit.ArpSender) !== 0) sum += replaceWords(bytes, arp + ArpAt.SENDER_IP, values, v + ValueAt.ARP_SENDER, 2)
  if ((fields & FieldBit.ArpTargetMac) !== 0) sum += replaceWords(bytes, arp + ArpAt.TARGET_MAC, values, v + ValueAt.ARP_TARGET_MAC, 3)
  if ((fields & FieldBit.ArpTarget) !== 0) sum += replaceWords(bytes, arp + ArpAt.TARGET_IP, values, v + ValueAt.ARP_TARGET, 2)
  return sum
}
