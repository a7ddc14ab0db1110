/**
 * Which transport the fragments of a datagram belong to.
 *
 * Only the first fragment has the transport header, and so only it can be matched by ports. What its flow id says of the
 * transport is kept here under the datagram's identity, and lent to the later fragments. Everything else a later
 * fragment says itself, and it is decided by that: its MACs, tags, DSCP and TTL and the tunnel around it are what leaves,
 * so they are what rules have to see. A later fragment whose first did not pass has no transport to be judged by; the caller drops
 * it, counted: passing it by rules that cannot see its ports would be a way around them.
 *
 * **Overlaps.** A later fragment that reaches into what its first one holds is dropped, too: a receiver that lets later bytes win would put
 * together a packet whose header was never judged (RFC 1858 §4, RFC 5722 §4). A first fragment holds all that is judged, so what later
 * ones do to each other, or another first one to this one, is the receiver's to see.
 *
 * Bounded: the oldest datagram gives way when the table is full; each is forgotten after 30 s, as reassembly would
 * (Linux `ipfrag_time`; RFC 8200 §4.5 has 60 s). A port has a table for each direction, and only passed fragments get in,
 * so that what one side sends does not push out what the other waits for.
 */
import { Shape, Word, WORDS } from '../flow/layout.js'
import { tenantTags } from '../flow/tenant-tags.js'
import { type FrameView, L3, Slot, SLOTS } from '../wire/frame-view.js'
import { ipv4FragmentOffset } from '../wire/ipv4.js'
import { FRAGMENT_LENGTH, ipv6FragmentOffset } from '../wire/ipv6-extension.js'

/** Microseconds a datagram's first fragment is remembered. */
export const FRAGMENT_LIFETIME_US = 30_000_000

/** What is known of a datagram by its first fragment. */
export interface FirstFragment {
  /** The datagram's identity. */
  readonly key: string
  /** The flow id of the innermost group. */
  readonly words: Uint32Array
  /** Bytes of the datagram that it holds, from the first one that fragments divide: later ones begin behind them. */
  readonly heldBytes: number
  /** Monotonic microseconds. */
  readonly seenUs: number
}

/** Why a later fragment is decided by no first one. */
export type FragmentRefusal = 'FragmentWithoutFirst' | 'FragmentOverlap'

/** What there is to remember of the first fragment that `view` and `words` describe. */
export const firstFragment = (view: FrameView, words: Uint32Array, nowUs: number): FirstFragment => ({
  key: datagramKey(view, words), words: words.slice((view.depth - 1) * WORDS, view.depth * WORDS), heldBytes: heldBytes(view), seenUs: nowUs,
})

const heldBytes = ({ slots, depth }: FrameView): number => {
  const s = (depth - 1) * SLOTS
  const header = slots[s + Slot.FRAG_HEADER]!
  return slots[s + Slot.END]! - (header === 0 ? slots[s + Slot.L4]! : header + FRAGMENT_LENGTH)
}

/** Whether the later fragment in `view` begins inside of its datagram's first one. */
const overlaps = (first: FirstFragment, { bytes, slots, depth }: FrameView): boolean => {
  const s = (depth - 1) * SLOTS
  const header = slots[s + Slot.FRAG_HEADER]!
  return (header === 0 ? ipv4FragmentOffset(bytes, slots[s + Slot.L3]!) : ipv6FragmentOffset(bytes, header)) < first.heldBytes
}

/** Gives the later fragment in `view` the transport of its first one; returns the refusal, or `''` if it did. */
export const follow = (first: FirstFragment | undefined, view: FrameView, words: Uint32Array): FragmentRefusal | '' => {
  if (first === undefined) return 'FragmentWithoutFirst'
  if (overlaps(first, view)) return 'FragmentOverlap'
  lendTransport(first, words, view.depth)
  return ''
}

/**
 * Gives the flow id of a later fragment what only its first one has: transport kind, protocol (which behind IPv6 extension
 * headers is not the one the fragment header names), ports, ICMP type, TCP flags and numbers, the target of neighbour discovery.
 */
export const lendTransport = (first: FirstFragment, words: Uint32Array, depth: number): void => {
  const from = first.words
  const w = (depth - 1) * WORDS
  words[w] = (words[w]! & ~L4_BITS) | (from[Word.SHAPE]! & L4_BITS)
  words[w + Word.PROTO] = (words[w + Word.PROTO]! & 0xffff0000) | (from[Word.PROTO]! & 0xffff)
  words[w + Word.PORTS] = from[Word.PORTS]!
  words[w + Word.ICMP] = from[Word.ICMP]!
  words[w + Word.CLASS] = (words[w + Word.CLASS]! & 0xffff0000) | (from[Word.CLASS]! & 0xffff)
  words[w + Word.SEQ] = from[Word.SEQ]!
  words[w + Word.ACK] = from[Word.ACK]!
  words[w + Word.WINDOW] = from[Word.WINDOW]!
  words[w + Word.WINDOW + 1] = from[Word.WINDOW + 1]!
}

const L4_BITS = Shape.PART_MASK << Shape.L4_SHIFT
const TUNNEL_BITS = Shape.PART_MASK << Shape.TUNNEL_SHIFT

/** First fragments of one direction, by datagram. */
export class FragmentTable {
  readonly #firsts = new Map<string, FirstFragment>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Datagrams remembered. */
  get size(): number {
    return this.#firsts.size
  }

  /** Remembers a first fragment; an earlier one of the same datagram is forgotten. */
  remember(first: FirstFragment): void {
    this.#firsts.delete(first.key)
    if (this.#firsts.size >= this.#capacity) {
      for (const oldest of this.#firsts.keys()) {
        this.#firsts.delete(oldest)
        break
      }
    }
    this.#firsts.set(first.key, first)
  }

  /** Forgets the datagrams whose time is over. */
  expire(nowUs: number): void {
    for (const [key, first] of this.#firsts) {
      // In the order they were remembered: the rest is younger.
      if (nowUs - first.seenUs < FRAGMENT_LIFETIME_US) return
      this.#firsts.delete(key)
    }
  }

  /** The first fragment of the datagram that the later fragment in `view` belongs to. */
  find(view: FrameView, words: Uint32Array, nowUs: number): FirstFragment | undefined {
    const key = datagramKey(view, words)
    const first = this.#firsts.get(key)
    if (first === undefined || nowUs - first.seenUs < FRAGMENT_LIFETIME_US) return first
    this.#firsts.delete(key)
    return undefined
  }
}

/** Tenants, VLANs among them, and how they are reached, addresses, protocol and identification (RFC 791 §3.2, RFC 8200 §4.5). */
const datagramKey = (view: FrameView, words: Uint32Array): string => {
  let key = ''
  for (let g = 0; g < view.depth; g++) {
    const tags = tenantTags(words[g * WORDS]!, words[g * WORDS + Word.VLAN]!)
    if (tags !== 0) key += `v${g}.${tags}`
  }
  for (let g = 0; g < view.depth - 1; g++) key += `/${words[g * WORDS]! & TUNNEL_BITS}.${words[g * WORDS + Word.VNI]!}`
  const last = view.depth - 1
  const w = last * WORDS
  const l3 = words[w]! & Shape.PART_MASK
  for (let i = l3 === L3.Ipv6 ? 0 : 3; i < 4; i++) key += `/${words[w + Word.SRC_IP + i]!}/${words[w + Word.DST_IP + i]!}`
  const { bytes: b, slots } = view
  const at = l3 === L3.Ipv6 ? slots[last * SLOTS + Slot.FRAG_HEADER]! + 4 : slots[last * SLOTS + Slot.L3]! + 4
  const high = l3 === L3.Ipv6 ? ((b[at]! << 8) | b[at + 1]!) : 0
  const low = l3 === L3.Ipv6 ? ((b[at + 2]! << 8) | b[at + 3]!) : ((b[at]! << 8) | b[at + 1]!)
  // The upper-layer protocol tells datagrams apart only over IPv4: an IPv6 identification is unique per address pair.
  return `${key}/${high}/${low}/${l3 === L3.Ipv4 ? words[w + Word.PROTO]! & 0xff : 6}`
}
