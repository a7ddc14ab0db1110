/**
 * From the offsets of a parsed frame to its flow id. Only this file turns bytes into metadata.
 *
 * Cost: one pass of loads and shifts over 24 words for each header group, no allocation. The quote, which few frames have, costs
 * the others one load and one compare.
 *
 * @see VFP §6.1.1
 */
import { u16, u32 } from '../wire/bytes.js'
import { EtherType } from '../wire/ethernet.js'
import { type FrameView, L3, L4, QUOTE, Slot, SLOTS, Tunnel } from '../wire/frame-view.js'
import { TCP_LENGTH } from '../wire/tcp.js'
import { tunnelVni } from '../wire/tunnel.js'
import { isEcho, isNdpWithTarget } from './field.js'
import { Shape, Word, WORDS } from './layout.js'
import { linkMarksOf } from './link-marks.js'

/**
 * Fills `words`, a buffer of `makeUfid`, from a view whose `reason` is `Ok`: the stretches of its groups, and that of the quote, which
 * becomes all 0 if nothing is quoted. Words of groups from `view.depth` on keep what they held.
 */
export const extractFlow = (view: FrameView, words: Uint32Array): void => {
  for (let g = 0; g < view.depth; g++) extractGroup(view, g, words)
  if (view.quoted) extractQuote(view, words)
  else clearQuote(words)
}

/** Sets the stretch of the quote to 0. A quote has a network header, so its SHAPE tells whether there is one. */
export const clearQuote = (words: Uint32Array): void => {
  if (words[QUOTE_WORDS + Word.SHAPE] !== 0) words.fill(0, QUOTE_WORDS, QUOTE_WORDS + WORDS)
}

const QUOTE_WORDS = QUOTE * WORDS

const extractGroup = (view: FrameView, g: number, words: Uint32Array): void => {
  const { bytes: b, slots } = view
  const s = g * SLOTS
  const w = g * WORDS
  const l2 = slots[s + Slot.L2]!
  const vlans = slots[s + Slot.VLANS]!
  const tunnel = slots[s + Slot.TUNNEL]!
  words[w + Word.SHAPE] = slots[s + Slot.L3_KIND]! | (slots[s + Slot.L4_KIND]! << Shape.L4_SHIFT) | (slots[s + Slot.FRAG]! << Shape.FRAG_SHIFT) |
    (tunnel << Shape.TUNNEL_SHIFT) | (vlans === 0 ? 0 : (vlans << Shape.VLANS_SHIFT) | serviceTags(b, l2, vlans))
  words[w + Word.MAC_0] = u32(b, l2)
  words[w + Word.MAC_1] = u32(b, l2 + 4)
  words[w + Word.MAC_2] = u32(b, l2 + 8)
  words[w + Word.VLAN] = vlans === 0 ? 0 : (u16(b, l2 + 14) << 16) | (vlans > 1 ? u16(b, l2 + 18) : 0)
  words[w + Word.VNI] = tunnel === Tunnel.None ? 0 : tunnelVni(b, tunnel, slots[s + Slot.TUNNEL_AT]!)
  extractNetwork(view, s, w, words)
}

/** The quote has neither Ethernet header nor tunnel. */
const extractQuote = (view: FrameView, words: Uint32Array): void => {
  const slots = view.slots
  const s = QUOTE * SLOTS
  words[QUOTE_WORDS + Word.SHAPE] =
    slots[s + Slot.L3_KIND]! | (slots[s + Slot.L4_KIND]! << Shape.L4_SHIFT) | (slots[s + Slot.FRAG]! << Shape.FRAG_SHIFT)
  words[QUOTE_WORDS + Word.MAC_0] = 0
  words[QUOTE_WORDS + Word.MAC_1] = 0
  words[QUOTE_WORDS + Word.MAC_2] = 0
  words[QUOTE_WORDS + Word.VLAN] = 0
  words[QUOTE_WORDS + Word.VNI] = 0
  extractNetwork(view, s, QUOTE_WORDS, words)
}

const serviceTags = (b: Uint8Array, l2: number, vlans: number): number =>
  (u16(b, l2 + 12) === EtherType.ServiceVlan ? 1 << Shape.STAGS_SHIFT : 0) |
  (vlans > 1 && u16(b, l2 + 16) === EtherType.ServiceVlan ? 2 << Shape.STAGS_SHIFT : 0)

/** Extracts everything from the network header inwards, of the group with its first slot at `s` and its first word at `w`. */
const extractNetwork = (view: FrameView, s: number, w: number, words: Uint32Array): void => {
  const { bytes: b, slots } = view
  const l3 = slots[s + Slot.L3_KIND]!
  const ip = slots[s + Slot.L3]!
  let dscp = 0
  let ttl = 0
  let ecn = 0
  let lengthId = 0
  let icmp = 0
  words[w + Word.PROTO] = (slots[s + Slot.ETHERTYPE]! << 16) | slots[s + Slot.PROTO]!
  if (l3 === L3.Ipv4) {
    narrowAddresses(words, w, u32(b, ip + 12), u32(b, ip + 16))
    dscp = b[ip + 1]! >>> 2
    ecn = b[ip + 1]! & 3
    ttl = b[ip + 8]!
    lengthId = (u16(b, ip + 2) << 16) | u16(b, ip + 4)
  } else if (l3 === L3.Ipv6) {
    for (let i = 0; i < 4; i++) {
      words[w + Word.SRC_IP + i] = u32(b, ip + 8 + 4 * i)
      words[w + Word.DST_IP + i] = u32(b, ip + 24 + 4 * i)
    }
    const trafficClass = (u16(b, ip) >>> 4) & 0xff
    dscp = trafficClass >>> 2
    ecn = trafficClass & 3
    ttl = b[ip + 7]!
    lengthId = u16(b, ip + 4) << 16
  } else if (l3 === L3.Arp) {
    narrowAddresses(words, w, u32(b, ip + 14), u32(b, ip + 24))
    icmp = u16(b, ip + 6)
  } else {
    narrowAddresses(words, w, 0, 0)
  }

  const l4 = slots[s + Slot.L4_KIND]!
  const at = slots[s + Slot.L4]!
  let target = 0
  let ports = 0
  let flags = 0
  let seq = 0
  let ack = 0
  let window = 0
  if (l4 === L4.Tcp) {
    ports = u32(b, at)
    seq = u32(b, at + 4)
    // of a quoted segment often no more than eight bytes are there
    if (slots[s + Slot.PAYLOAD]! - at >= TCP_LENGTH) {
      ack = u32(b, at + 8)
      flags = u16(b, at + 12) & 0x1ff
      window = u16(b, at + 14) << 16
    }
  } else if (l4 === L4.Udp) {
    ports = u32(b, at)
  } else if (l4 !== L4.None) {
    icmp = u16(b, at)
    if (isEcho(l4, icmp >>> 8)) ports = u16(b, at + 4) * 0x1_0001
    else if (isNdpWithTarget(l4, icmp >>> 8) && at + NDP_TARGET + 16 <= slots[s + Slot.END]!) target = at + NDP_TARGET
  }
  words[w + Word.PORTS] = ports
  words[w + Word.ICMP] = icmp
  words[w + Word.CLASS] = (dscp << 16) | flags
  words[w + Word.TTL_ECN] = (ttl << 8) | linkMarksOf(view, s) | ecn
  words[w + Word.LENGTH_ID] = lengthId
  words[w + Word.SEQ] = seq
  words[w + Word.ACK] = ack
  words[w + Word.WINDOW] = window
  words[w + Word.WINDOW + 1] = 0
  if (target !== 0) for (let i = 0; i < 4; i++) words[w + Word.SEQ + i] = u32(b, target + 4 * i)
}

/** Offset of the target from the start of an ICMPv6 solicitation, advertisement or redirect (RFC 4861 §4.3 to §4.5). */
const NDP_TARGET = 8

/** Stores addresses of one word each. Eight plain stores: `fill` costs more than all of them. */
const narrowAddresses = (words: Uint32Array, w: number, source: number, destination: number): void => {
  words[w + Word.SRC_IP] = 0
  words[w + Word.SRC_IP + 1] = 0
  words[w + Word.SRC_IP + 2] = 0
  words[w + Word.SRC_IP + 3] = source
  words[w + Word.DST_IP] = 0
  words[w + Word.DST_IP + 1] = 0
  words[w + Word.DST_IP + 2] = 0
  words[w + Word.DST_IP + 3] = destination
}
