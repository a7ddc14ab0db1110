/**
 * Unified flow ids: extraction from a parsed frame, the hash and comparison of lookups, and reversal.
 *
 * Extraction is the one place where bytes become metadata; everything that decides works on its result.
 * Cost: one pass of loads and shifts over 24 words a header group, no allocation.
 *
 * @see VFP §6.1.1
 */
import { u16, u32 } from '../wire/bytes.js'
import { Frag, type FrameView, L3, L4, Slot, SLOTS, Tunnel } from '../wire/frame-view.js'
import { isEcho } from './field.js'
import { Shape, SHAPE_ALWAYS, UFID_WORDS, Word, WORDS } from './layout.js'

/** The two directions, from the VM's point of view (VFP §4.1). */
export type Direction = 'outbound' | 'inbound'

/** The other direction. */
export const opposite = (direction: Direction): Direction => (direction === 'outbound' ? 'inbound' : 'outbound')

/** An empty UFID buffer. */
export const makeUfid = (): Uint32Array => new Uint32Array(UFID_WORDS)

/** Fills `words` from a view whose `reason` is `Ok`; words of groups beyond `view.depth` keep what they held. */
export const extractFlow = (view: FrameView, words: Uint32Array): void => {
  for (let g = 0; g < view.depth; g++) extractGroup(view, g, words)
}

const extractGroup = (view: FrameView, g: number, words: Uint32Array): void => {
  const { bytes: b, slots } = view
  const s = g * SLOTS
  const w = g * WORDS
  const l2 = slots[s + Slot.L2]!
  const vlans = slots[s + Slot.VLANS]!
  const l3 = slots[s + Slot.L3_KIND]!
  const l4 = slots[s + Slot.L4_KIND]!
  const frag = slots[s + Slot.FRAG]!
  const tunnel = slots[s + Slot.TUNNEL]!
  words[w + Word.SHAPE] = l3 | (l4 << Shape.L4_SHIFT) | (frag << Shape.FRAG_SHIFT) |
    (tunnel << Shape.TUNNEL_SHIFT) | (vlans << Shape.VLANS_SHIFT)
  words[w + Word.PROTO] = (slots[s + Slot.ETHERTYPE]! << 16) | slots[s + Slot.PROTO]!
  words[w + Word.MAC_0] = u32(b, l2)
  words[w + Word.MAC_1] = u32(b, l2 + 4)
  words[w + Word.MAC_2] = u32(b, l2 + 8)
  words[w + Word.VLAN] = vlans === 0 ? 0 : (u16(b, l2 + 14) << 16) | (vlans > 1 ? u16(b, l2 + 18) : 0)

  const ip = slots[s + Slot.L3]!
  let dscp = 0
  let ttl = 0
  let ecn = 0
  let lengthId = 0
  let icmp = 0
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

  const at = slots[s + Slot.L4]!
  let ports = 0
  let flags = 0
  let seq = 0
  let ack = 0
  let window = 0
  if (l4 === L4.Tcp) {
    ports = u32(b, at)
    seq = u32(b, at + 4)
    ack = u32(b, at + 8)
    flags = u16(b, at + 12) & 0x1ff
    window = u16(b, at + 14) << 16
  } else if (l4 === L4.Udp) {
    ports = u32(b, at)
  } else if (l4 !== L4.None) {
    icmp = u16(b, at)
    if (isEcho(l4, icmp >>> 8)) ports = u16(b, at + 4) * 0x1_0001
  }
  words[w + Word.PORTS] = ports
  words[w + Word.ICMP] = icmp
  words[w + Word.CLASS] = (dscp << 16) | flags
  words[w + Word.TTL_ECN] = (ttl << 8) | ecn
  words[w + Word.LENGTH_ID] = lengthId
  words[w + Word.SEQ] = seq
  words[w + Word.ACK] = ack
  words[w + Word.WINDOW] = window
  words[w + Word.WINDOW + 1] = 0
  words[w + Word.VNI] = tunnel === Tunnel.Vxlan ? u32(b, slots[s + Slot.TUNNEL_AT]! + 4) >>> 8 : 0
}

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

/**
 * Hash of what tells connections apart: tenant of each encapsulation, and the innermost group's
 * five-tuple. Named and volatile words stay out, so two packets of one connection always hash alike.
 */
export const hashFlow = (words: Uint32Array, depth: number, seed: number): number => {
  let h = seed ^ depth
  for (let g = 0; g < depth - 1; g++) h = mix(h, words[g * WORDS + Word.VNI]!)
  const w = (depth - 1) * WORDS
  h = mix(h, words[w + Word.PORTS]!)
  h = mix(h, words[w + Word.SRC_IP + 3]!)
  h = mix(h, words[w + Word.DST_IP + 3]!)
  h = mix(h, words[w + Word.PROTO]! ^ ((words[w + Word.SHAPE]! & SHAPE_ALWAYS) << 8))
  if ((words[w + Word.SHAPE]! & Shape.PART_MASK) === L3.Ipv6) {
    for (let i = 0; i < 3; i++) {
      h = mix(h, words[w + Word.SRC_IP + i]!)
      h = mix(h, words[w + Word.DST_IP + i]!)
    }
  }
  return finish(h)
}

/**
 * Whether two UFIDs of one depth agree in every *always* word: tunnel kinds and tenants of the encapsulations, the
 * innermost group's shape, protocol, ports and addresses.
 */
export const sameFlow = (a: Uint32Array, b: Uint32Array, depth: number): boolean => {
  const last = (depth - 1) * WORDS
  for (let g = 0; g < last; g += WORDS) {
    if (a[g + Word.VNI] !== b[g + Word.VNI] || ((a[g]! ^ b[g]!) & TUNNEL_BITS) !== 0) return false
  }
  if (((a[last]! ^ b[last]!) & SHAPE_ALWAYS) !== 0) return false
  if (a[last + Word.PORTS] !== b[last + Word.PORTS] || a[last + Word.SRC_IP + 3] !== b[last + Word.SRC_IP + 3] ||
    a[last + Word.DST_IP + 3] !== b[last + Word.DST_IP + 3] || a[last + Word.PROTO] !== b[last + Word.PROTO]) return false
  // Last, as they differ only between IPv6 addresses.
  for (let i = 0; i < 3; i++) {
    if (a[last + Word.SRC_IP + i] !== b[last + Word.SRC_IP + i] || a[last + Word.DST_IP + i] !== b[last + Word.DST_IP + i]) return false
  }
  return true
}

const TUNNEL_BITS = Shape.PART_MASK << Shape.TUNNEL_SHIFT

/**
 * Turns a UFID into that of the reverse direction's packets, in place: MACs, addresses and ports change places;
 * an echo request becomes a reply and the other way round; tags, tenants and DSCP stay. TCP flags and volatile
 * words become 0: what a reverse packet has there is not known.
 */
export const reverseFlow = (words: Uint32Array, depth: number): void => {
  for (let g = 0; g < depth; g++) {
    const w = g * WORDS
    for (let i = 0; i < 4; i++) {
      const src = words[w + Word.SRC_IP + i]!
      words[w + Word.SRC_IP + i] = words[w + Word.DST_IP + i]!
      words[w + Word.DST_IP + i] = src
    }
    const ports = words[w + Word.PORTS]!
    // An encapsulating group's destination port says which tunnel it is: it stays.
    if (((words[w]! >>> Shape.TUNNEL_SHIFT) & 0xf) === Tunnel.None) words[w + Word.PORTS] = (ports << 16) | (ports >>> 16)
    const m0 = words[w + Word.MAC_0]!
    const m1 = words[w + Word.MAC_1]!
    const m2 = words[w + Word.MAC_2]!
    words[w + Word.MAC_0] = (m1 << 16) | (m2 >>> 16)
    words[w + Word.MAC_1] = (m2 << 16) | (m0 >>> 16)
    words[w + Word.MAC_2] = (m0 << 16) | (m1 >>> 16)
    const l4 = (words[w]! >>> Shape.L4_SHIFT) & 0xf
    const icmp = words[w + Word.ICMP]!
    if (isEcho(l4, icmp >>> 8)) words[w + Word.ICMP] = icmp ^ (l4 === L4.Icmp ? 0x800 : 0x100)
    words[w + Word.CLASS] = words[w + Word.CLASS]! & 0xffff0000
    words.fill(0, w + Word.TTL_ECN, w + WORDS)
  }
}

/** Whether the innermost group is a later fragment, which has no transport header of its own. */
export const isLaterFragment = (words: Uint32Array, depth: number): boolean =>
  ((words[(depth - 1) * WORDS]! >>> Shape.FRAG_SHIFT) & 0xf) === Frag.Later

/** An unsigned 32-bit hash of the innermost five-tuple for load spreading; equal for all packets of a connection's direction. */
export const entropyHash = (words: Uint32Array, depth: number): number => hashFlow(words.subarray((depth - 1) * WORDS), 1, 0x9e3779b9) >>> 0

const mix = (h: number, k: number): number => {
  let x = Math.imul(k, 0xcc9e2d51)
  x = (x << 15) | (x >>> 17)
  const y = h ^ Math.imul(x, 0x1b873593)
  return (Math.imul((y << 13) | (y >>> 19), 5) + 0xe6546b64) | 0
}

const finish = (h: number): number => {
  let x = h ^ (h >>> 16)
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  // Signed: half of the unsigned ones would not be small integers, and each cost an object.
  return (x ^ (x >>> 16)) | 0
}
