/**
 * Which flow the fragments of a datagram belong to.
 *
 * Only the first fragment has the transport header, and so only it can be matched by ports. Its flow id is kept here
 * under the datagram's identity, and later fragments are decided as the first one was. A later fragment whose first
 * was not seen has nobody to follow; the caller drops it, counted: passing it by rules that cannot see its ports
 * would be a way around them.
 *
 * Bounded: the oldest datagram gives way when the table is full; each is forgotten after 30 s, as reassembly would
 * (Linux `ipfrag_time`; RFC 8200 §4.5 has 60 s).
 */
import type { Direction } from '../flow/flow-id.js'
import { Shape, Word, WORDS } from '../flow/layout.js'
import { type FrameView, L3, Slot, SLOTS } from '../wire/frame-view.js'

/** Microseconds a datagram's first fragment is remembered. */
export const FRAGMENT_LIFETIME_US = 30_000_000

/** What is known of a datagram by its first fragment. */
export interface FirstFragment {
  readonly words: Uint32Array
  readonly depth: number
  readonly seenUs: number
}

/** First fragments by datagram. */
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

  /** Remembers the first fragment that `view` and `words` describe. */
  remember(direction: Direction, view: FrameView, words: Uint32Array, nowUs: number): void {
    const key = datagramKey(direction, view, words)
    this.#firsts.delete(key)
    if (this.#firsts.size >= this.#capacity) {
      for (const oldest of this.#firsts.keys()) {
        this.#firsts.delete(oldest)
        break
      }
    }
    this.#firsts.set(key, { words: words.slice(0, view.depth * WORDS), depth: view.depth, seenUs: nowUs })
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
  find(direction: Direction, view: FrameView, words: Uint32Array, nowUs: number): FirstFragment | undefined {
    const key = datagramKey(direction, view, words)
    const first = this.#firsts.get(key)
    if (first === undefined || nowUs - first.seenUs < FRAGMENT_LIFETIME_US) return first
    this.#firsts.delete(key)
    return undefined
  }
}

/** Direction, tenants, addresses, protocol and identification (RFC 791 §3.2, RFC 8200 §4.5). */
const datagramKey = (direction: Direction, view: FrameView, words: Uint32Array): string => {
  let key = direction
  for (let g = 0; g < view.depth - 1; g++) key += `/${words[g * WORDS + Word.VNI]!}`
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
