/**
 * Flow masks: which bits of a flow id a decision depended on.
 *
 * Everything a walk looks at is collected here, by the header groups of the frame as it *entered*: a layer behind a
 * decapsulation sees the inner group as its outermost, and a field that an earlier layer overwrote no longer
 * depends on the frame. The unified flow compares the always-words and, besides those, exactly these bits:
 * the decision is the same for any two packets that agree in them.
 *
 * Bits of the quote are collected but never compared: a frame with a quote is not looked up, and all others have none.
 */
import { Tunnel } from '../wire/frame-view.js'
import { type Field, fieldBits, type Presence } from './field.js'
import { FIRST_NAMED, FIRST_VOLATILE, Shape, SHAPE_ALWAYS, Word, WORDS } from './layout.js'

/** Bits of the SHAPE word that tell whether a field is present. */
const PRESENCE_BITS: Readonly<Record<Presence, number>> = {
  always: 0,
  mac: 0,
  ip: 0xf << Shape.L3_SHIFT,
  ipv4: 0xf << Shape.L3_SHIFT,
  arp: 0xf << Shape.L3_SHIFT,
  ports: 0xf << Shape.L4_SHIFT,
  tcp: 0xf << Shape.L4_SHIFT,
  icmp: 0xf << Shape.L4_SHIFT,
  'icmp-echo': 0xf << Shape.L4_SHIFT,
  ndp: 0xf << Shape.L4_SHIFT,
  vni: 0xf << Shape.TUNNEL_SHIFT,
  tunnel: 0xf << Shape.TUNNEL_SHIFT,
  vlan: 0xf << Shape.VLANS_SHIFT,
  vlan2: 0xf << Shape.VLANS_SHIFT,
}

/** Adds the bits of a field of a group, and those that tell its presence, to a mask of {@link UFID_WORDS} words. */
export const addField = (mask: Uint32Array, field: Field, group: number): void => {
  const base = group * WORDS
  mask[base] = mask[base]! | PRESENCE_BITS[field.presence]
  for (let w = 0; w < WORDS; w++) mask[base + w] = mask[base + w]! | fieldBits(field, w)
  // The type of an ICMP message tells whether it has an identifier or a target.
  if (field.presence === 'icmp-echo' || field.presence === 'ndp') mask[base + Word.ICMP] = mask[base + Word.ICMP]! | 0xff00
}

/** What a lookup must compare besides the always-words. */
export interface FlowMask {
  /** Indices of the words in the flow id. */
  readonly at: Uint16Array
  /** Bits to compare: element `i` is of the word at `at[i]`. */
  readonly bits: Uint32Array
}

/**
 * Returns the mask to compare for a decision that looked at the bits of `consulted`, about a packet with flow id `words`. Returns
 * `undefined` if it looked at something that changes from packet to packet, so that it must not be cached.
 */
export const maskOf = (consulted: Uint32Array, words: Uint32Array, depth: number): FlowMask | undefined => {
  let count = 0
  for (let g = 0; g < depth; g++) {
    const base = g * WORDS
    const encapsulates = ((words[base]! >>> Shape.TUNNEL_SHIFT) & 0xf) !== Tunnel.None
    for (let w = 0; w < WORDS; w++) {
      const bits = consulted[base + w]!
      if (bits === 0) continue
      if (w >= FIRST_VOLATILE) return undefined
      // The source port of a tunnel is its entropy: it may change at any time.
      if (encapsulates && w === Word.PORTS && bits >>> 16 !== 0) return undefined
      scratchBits[count] = encapsulates || w >= FIRST_NAMED ? bits : w === Word.SHAPE ? bits & ~SHAPE_ALWAYS : 0
      scratchAt[count] = base + w
      if (scratchBits[count] !== 0) count++
    }
  }
  return { at: scratchAt.slice(0, count), bits: scratchBits.slice(0, count) }
}

const scratchAt = new Uint16Array(256)
const scratchBits = new Uint32Array(256)

/** Returns whether two flow ids agree in every bit of a mask. */
export const agrees = (mask: FlowMask, a: Uint32Array, b: Uint32Array): boolean => {
  const { at, bits } = mask
  for (let i = 0; i < at.length; i++) {
    const w = at[i]!
    if (((a[w]! ^ b[w]!) & bits[i]!) !== 0) return false
  }
  return true
}
