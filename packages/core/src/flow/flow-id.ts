/**
 * Unified flow ids: the hash and comparison of lookups, and reversal. `extract-flow.ts` makes them from frames.
 *
 * @see VFP §6.1.1
 */
import { Frag, L3, L4, Tunnel } from '../wire/frame-view.js'
import { clearQuote } from './extract-flow.js'
import { isEcho } from './field.js'
import { Shape, SHAPE_ALWAYS, UFID_WORDS, Word, WORDS } from './layout.js'

/** The direction of a packet, from the VM's point of view: `outbound` comes from the VM, `inbound` goes to it (VFP §4.1). */
export type Direction = 'outbound' | 'inbound'

/** Returns the other direction. */
export const opposite = (direction: Direction): Direction => (direction === 'outbound' ? 'inbound' : 'outbound')

/** Makes an empty buffer for a unified flow id, of `UFID_WORDS` words. */
export const makeUfid = (): Uint32Array => new Uint32Array(UFID_WORDS)

export { extractFlow } from './extract-flow.js'

/**
 * Returns a hash, a signed 32-bit number, of what tells connections apart: the tenant of each encapsulation, and the five-tuple of the
 * innermost group. Named and volatile words are left out, so all packets of one direction of a connection have the same hash.
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
 * Returns whether two flow ids of one depth agree in what every lookup compares: tunnel kinds and tenants of the encapsulations, and
 * shape, protocol, ports and addresses of the innermost group.
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
 * Turns a flow id, in place, into that of packets of the reverse direction: MACs, addresses and ports are exchanged, an echo request
 * becomes a reply and the other way round; tags, tenants and DSCP stay. TCP flags, volatile words and the quote become 0, as those of
 * a reverse packet are not known.
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
    // An encapsulating group's destination port says which tunnel it is: it stays. (GRE has none, and 0 here.)
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
  clearQuote(words)
}

/** Returns whether the innermost group is a later fragment, which has no transport header of its own. */
export const isLaterFragment = (words: Uint32Array, depth: number): boolean =>
  ((words[(depth - 1) * WORDS]! >>> Shape.FRAG_SHIFT) & 0xf) === Frag.Later

/** Returns an unsigned 32-bit hash of the innermost five-tuple, for spreading load; all packets of one direction of a connection have the same. */
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
