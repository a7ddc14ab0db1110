/**
 * The packet that an ICMP error quotes, on its bytes.
 *
 * The receiver of an error finds the connection it speaks of by the quoted headers, so what was done to the packet on its
 * way there must be undone in the quote. What a short quote does not have is left alone: mostly the checksum of TCP, which lies
 * behind the eight bytes that RFC 792 asks for. The length of the message does not change.
 *
 * Checksums are corrected as everywhere (see `wire/correct-checksum.ts`): those of the quoted headers where they are inside the quote,
 * though receivers may never check them (a quoted transport checksum covers data that are mostly not there), and then, by the
 * caller, that of the message itself. A quoted checksum was often wrong before, as routers lower the TTL before they quote; then
 * it stays so by the same difference.
 *
 * @see RFC 5508 for what address translation owes to a quoted packet
 */
import { isEcho } from '../flow/field.js'
import { Frag, type FrameView, L3, L4, QUOTE, Slot, SLOTS } from '../wire/frame-view.js'
import { opaqueChecksumAt, PseudoHeadered } from '../wire/opaque-checksum.js'
import { isPseudoDestination, isPseudoSource } from '../wire/pseudo-header.js'
import { transportChecksumAt } from '../wire/transport-checksum.js'
import { correctIpv4, correctOpaque, correctTransport, replaceWord, replaceWords } from '../wire/correct-checksum.js'
import { FieldBit, ValueAt, VALUES } from './edit-values.js'
import type { Program } from './program.js'

/** Writes the fields of the quote into the quoted packet of `view`, whose version was checked; the sum of the changes in it. */
export const applyQuote = (program: Program, view: FrameView): number => {
  const { bytes, slots } = view
  const { values, quoteFields: fields } = program
  const v = program.editNeeds.length * VALUES
  const s = QUOTE * SLOTS
  const ip = slots[s + Slot.L3]!
  const is4 = slots[s + Slot.L3_KIND] === L3.Ipv4
  const at = slots[s + Slot.L4]!

  const words = is4 ? 2 : 8
  const src = is4 ? ip + 12 : ip + 8
  const source = (fields & FieldBit.SrcIp) === 0 ? 0 : replaceWords(bytes, src, values, v + ValueAt.SRC_IP, words)
  const destination = (fields & FieldBit.DstIp) === 0 ? 0 : replaceWords(bytes, src + words * 2, values, v + ValueAt.DST_IP, words)
  const network = is4 ? 0 : source + destination
  if (is4 && source + destination !== 0) correctIpv4(bytes, ip, source + destination)
  const addresses = (source !== 0 && isPseudoSource(bytes, !is4, ip, at) ? source : 0) + (destination !== 0 && isPseudoDestination(bytes, !is4, ip, at) ? destination : 0)
  return network + editTransport(fields, values, v, view, addresses)
}

const editTransport = (fields: number, values: Uint16Array, v: number, { bytes, slots }: FrameView, addresses: number): number => {
  const s = QUOTE * SLOTS
  const l4 = slots[s + Slot.L4_KIND]!
  const at = slots[s + Slot.L4]!
  // What a quote holds of a transport that is not taken apart follows as in a packet; what cannot be told is left alone.
  if (l4 === L4.None) {
    const protocol = slots[s + Slot.PROTO]!
    const found = slots[s + Slot.FRAG] === Frag.Later ? -1 : opaqueChecksumAt(bytes, slots[s + Slot.L3_KIND] === L3.Ipv6, protocol, at, slots[s + Slot.END]!)
    return found < 0 || addresses === 0 ? 0 : correctOpaque(bytes, found, addresses, protocol === PseudoHeadered.UdpLite)
  }
  let changed = 0
  if (l4 === L4.Tcp || l4 === L4.Udp) {
    if ((fields & FieldBit.SrcPort) !== 0) changed += replaceWord(bytes, at, values[v + ValueAt.SRC_PORT]!)
    if ((fields & FieldBit.DstPort) !== 0) changed += replaceWord(bytes, at + 2, values[v + ValueAt.DST_PORT]!)
  } else if ((fields & FieldBit.IcmpId) !== 0 && isEcho(l4, bytes[at]!)) {
    changed += replaceWord(bytes, at + 4, values[v + ValueAt.ICMP_ID]!)
  }
  const pseudo = l4 === L4.Icmp ? 0 : addresses
  const field = at + transportChecksumAt(l4)
  if (changed + pseudo === 0 || field + 2 > slots[s + Slot.END]!) return changed
  return correctTransport(bytes, at, l4, changed, pseudo)
}
