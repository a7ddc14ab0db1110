/**
 * One edit on the bytes of one header group, checksums kept.
 *
 * Checksums are corrected, never recomputed: each overwritten 16-bit word adds m' + ~m to a sum, and the sum is added to the
 * stored checksum (RFC 1624, equation 3). So a checksum that was right stays right, one that was wrong stays wrong by the
 * same difference, and the payload is never read. A first fragment's transport checksum, which covers data that are
 * elsewhere, needs nothing special.
 *
 * **What changes where.** Address changes reach the IPv4 header checksum and, through the pseudo header, those of TCP, UDP
 * and ICMPv6 (not ICMP's). TTL and traffic class reach the IPv4 header checksum alone. Everything behind the IP
 * header reaches the transport checksum, and everything in the group reaches the UDP checksum of the group around it, if
 * it has one. Towards the outside a checksummed stretch cancels itself out, because its checksum changes by the opposite:
 * an IPv4 header adds nothing, a checksummed TCP segment only the opposite of the change of its pseudo header.
 * All words here lie at even distances from the enclosing UDP header, since every header between has an even length.
 *
 * **One zero of two.** In one's complement 0x0000 and 0xffff are equal, and a chain of edits and its composite may meet
 * them differently. All updates are therefore brought to the value a full computation gives: never 0xffff, but for UDP, where 0
 * means that there is no checksum, and for an ICMP message of nothing but zeros.
 *
 * @see RFC 1624 §3
 */
import { fold } from '../wire/checksum.js'
import { putU16, u16 } from '../wire/bytes.js'
import { type FrameView, L3, L4, Slot, SLOTS } from '../wire/frame-view.js'
import { isFinalDestination } from '../wire/transport-checksum.js'
import { FieldBit, type Program, ValueAt, VALUES } from './program.js'

/**
 * Carries out edit `e` of a program on group `g`, whose shape was checked. `inside` is the sum of the changes in the
 * groups it encloses; the result is that of the changes in this group and all inside it.
 */
export const applyEdit = (program: Program, e: number, view: FrameView, g: number, inside: number): number => {
  const { bytes, slots } = view
  const { values } = program
  const fields = program.fields[e]!
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

  let network = 0
  // What of the address changes is in the pseudo header, too.
  let addresses = 0
  if ((fields & (FieldBit.SrcIp | FieldBit.DstIp)) !== 0) {
    const words = l3 === L3.Ipv4 ? 2 : 8
    const src = l3 === L3.Ipv4 ? ip + 12 : ip + 8
    if ((fields & FieldBit.SrcIp) !== 0) addresses = network = replaceWords(bytes, src, values, v + ValueAt.SRC_IP, words)
    if ((fields & FieldBit.DstIp) !== 0) {
      const destination = replaceWords(bytes, src + words * 2, values, v + ValueAt.DST_IP, words)
      network += destination
      if (l3 === L3.Ipv4 || isFinalDestination(bytes, ip, slots[s + Slot.L4]!)) addresses += destination
    }
  }

  if ((fields & (FieldBit.Dscp | FieldBit.Ecn | FieldBit.Ttl)) !== 0) network += editClassAndTtl(fields, values, v, bytes, ip, l3)

  if (l3 === L3.Ipv4 && (fields & IN_IP) !== 0) {
    putU16(bytes, ip + 10, ~nonZero((~u16(bytes, ip + 10) & 0xffff) + network) & 0xffff)
    network = 0
  }

  // Without a transport header, as in a later fragment, its fields are not there to be edited.
  if (l4 === L4.None) return link + network + inside
  const at = slots[s + Slot.L4]!
  let transport = inside
  if ((fields & FieldBit.SrcPort) !== 0) transport += replaceWord(bytes, at, values[v + ValueAt.SRC_PORT]!)
  if ((fields & FieldBit.DstPort) !== 0) transport += replaceWord(bytes, at + 2, values[v + ValueAt.DST_PORT]!)
  if ((fields & FieldBit.IcmpId) !== 0) transport += replaceWord(bytes, at + 4, values[v + ValueAt.ICMP_ID]!)
  if ((fields & FieldBit.Vni) !== 0) {
    const vni = slots[s + Slot.TUNNEL_AT]! + 4
    transport += replaceWord(bytes, vni, values[v + ValueAt.VNI]!)
    transport += replaceWord(bytes, vni + 2, values[v + ValueAt.VNI + 1]! | bytes[vni + 3]!)
  }
  // No pseudo header with ICMP: addresses do not reach its checksum.
  if (l4 === L4.Icmp) return link + network + ((fields & FieldBit.IcmpId) === 0 ? 0 : updateIcmp(bytes, at, slots[s + Slot.END]!, transport))
  const written = (fields & IN_TRANSPORT) !== 0 || inside !== 0
  return link + network + (written ? updateTransport(bytes, at, l4, transport, addresses) : 0)
}

const IN_IP = FieldBit.SrcIp | FieldBit.DstIp | FieldBit.Dscp | FieldBit.Ecn | FieldBit.Ttl
/** Fields that a transport checksum covers, itself or through the pseudo header. */
const IN_TRANSPORT = FieldBit.SrcIp | FieldBit.DstIp | FieldBit.SrcPort | FieldBit.DstPort | FieldBit.IcmpId | FieldBit.Vni

/** DSCP and ECN are parts of one byte, which IPv6 does not align; TTL and hop limit halves of different words. */
const editClassAndTtl = (fields: number, values: Uint16Array, v: number, bytes: Uint8Array, ip: number, l3: number): number => {
  const shift = l3 === L3.Ipv4 ? 0 : 4
  let sum = 0
  if ((fields & (FieldBit.Dscp | FieldBit.Ecn)) !== 0) {
    let word = u16(bytes, ip)
    if ((fields & FieldBit.Dscp) !== 0) word = (word & ~(0xfc << shift)) | (values[v + ValueAt.DSCP]! << (2 + shift))
    if ((fields & FieldBit.Ecn) !== 0) word = (word & ~(3 << shift)) | (values[v + ValueAt.ECN]! << shift)
    sum += replaceWord(bytes, ip, word)
  }
  if ((fields & FieldBit.Ttl) !== 0) {
    const ttl = values[v + ValueAt.TTL]!
    sum += l3 === L3.Ipv4 ? replaceWord(bytes, ip + 8, (ttl << 8) | bytes[ip + 9]!) : replaceWord(bytes, ip + 6, (bytes[ip + 6]! << 8) | ttl)
  }
  return sum
}

/**
 * Corrects the checksum of TCP, UDP (unless it has none) or ICMPv6 and answers the sum of the changes from the transport
 * header on, the checksum's own included.
 */
const updateTransport = (bytes: Uint8Array, at: number, l4: number, transport: number, addresses: number): number => {
  const field = at + (l4 === L4.Tcp ? 16 : l4 === L4.Udp ? 6 : 2)
  const stored = u16(bytes, field)
  if (l4 === L4.Udp && stored === 0) return transport
  const updated = ~nonZero((~stored & 0xffff) + transport + addresses) & 0xffff
  putU16(bytes, field, updated === 0 && l4 === L4.Udp ? 0xffff : updated)
  return addresses === 0 ? 0 : ~fold(addresses) & 0xffff
}

const updateIcmp = (bytes: Uint8Array, at: number, end: number, transport: number): number => {
  const sum = nonZero((~u16(bytes, at + 2) & 0xffff) + transport)
  putU16(bytes, at + 2, sum === 0xffff && allZeroBut(bytes, at, at + 2, end) ? 0xffff : ~sum & 0xffff)
  return 0
}

/** A sum with its carries added back, zero as 0xffff: as a sum over data that are not all zero always comes out. */
const nonZero = (sum: number): number => {
  const folded = fold(sum)
  return folded === 0 ? 0xffff : folded
}

/** Whether all bytes of `from .. to` but the two of the checksum are 0. Only asked where the sum of the data is zero. */
const allZeroBut = (bytes: Uint8Array, from: number, checksumAt: number, to: number): boolean => {
  for (let at = from; at < to; at++) if (bytes[at] !== 0 && at !== checksumAt && at !== checksumAt + 1) return false
  return true
}

/** Writes a 16-bit word and answers what that adds to a sum: the new one and the complement of the old. */
const replaceWord = (bytes: Uint8Array, at: number, word: number): number => {
  const old = (bytes[at]! << 8) | bytes[at + 1]!
  bytes[at] = word >>> 8
  bytes[at + 1] = word
  return word + (old ^ 0xffff)
}

const replaceWords = (bytes: Uint8Array, at: number, values: Uint16Array, from: number, count: number): number => {
  let sum = 0
  for (let i = 0; i < count; i++) sum += replaceWord(bytes, at + 2 * i, values[from + i]!)
  return sum
}
