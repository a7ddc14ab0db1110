/**
 * What was sent lately, so that an error of the network can be told from one that somebody made up.
 *
 * Kept is the flow of each long packet with UDP or GRE in it, the only ones a path may refuse: outer addresses, ports or GRE's first word,
 * the VNI or key, and the length of the longest. A quote of eight bytes behind the IP header holds all of that but the VNI of a
 * UDP tunnel, which is compared where the quote reaches that far.
 *
 * Strength: who does not see the packets has to guess which two hosts speak, and of a live flow with long packets its source port, of
 * 14 bits for VXLAN and Geneve here, or for GRE its key or the first bytes of the frame inside. Guesses are limited (`network-errors.ts`). Who
 * does see them can lower the path's MTU, as anywhere on the Internet.
 *
 * An open-addressing table in one typed array: {@link FLOWS} flows, of which a new one replaces the oldest of the {@link REACH} that lie where its hash
 * points. So a VM that opens many flows may make others be forgotten, and then an error about these is not believed until
 * a later packet of theirs is refused.
 *
 * Cost: nothing for packets that every path takes; else one hash, some comparisons, and one look at the clock. No allocation.
 */
import { wire } from '@vfp-ts/core'

const { u16, u24, u32 } = wire.bytes
const { Ipv4At } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6

/** Flows kept. */
const FLOWS = 2_048
/** Slots that a flow may be in. */
const REACH = 4
/** Milliseconds after which it is not lately any more: many times the way to the farthest router and back. */
const LATELY_MS = 30_000

/** Words of a flow: version and protocol, source, destination, first word, key; longest packet; when it was sent. */
const WORDS = 13
const KEY_WORDS = 11
const LONGEST = 11
const SENT = 12

const PROTOCOL_UDP = 17
const PROTOCOL_GRE = 47

/** No packet up to this length is refused by a path that is believed in. */
const SHORT4 = 552
const SHORT6 = 1_280

/** Where the VNI of VXLAN and of Geneve lies, from the UDP header on. */
const VNI = 12
const GRE_CHECKSUM = 0x8000
const GRE_KEY = 0x2000
const GRE_SEQUENCE = 0x1000

/** The memory. */
export class SentMemory {
  readonly #nowMs: () => number
  readonly #flows = new Int32Array(FLOWS * WORDS)
  /** The flow in hand, as it lies in a slot. */
  readonly #key = new Int32Array(KEY_WORDS)
  /** Whether the key of the flow in hand is known: a short quote may not reach it. */
  #hasKey = false

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** A frame leaves whose IPv4 or IPv6 header is at `l3`; no packet of it is longer than `most` bytes. */
  note(bytes: Uint8Array, l3: number, end: number, version: 4 | 6, most: number): void {
    const length = end - l3
    if (length <= (version === 4 ? SHORT4 : SHORT6)) return
    // Tunnels have neither options nor extension headers.
    if (version === 4 && bytes[l3] !== 0x45) return
    const protocol = bytes[l3 + (version === 4 ? Ipv4At.PROTOCOL : Ipv6At.NEXT_HEADER)] ?? 0
    if (!this.#read(bytes, l3, l3 + (version === 4 ? 20 : IPV6_LENGTH), end, version, protocol)) return
    const flows = this.#flows
    const first = this.#first()
    const now = this.#now()
    let slot = first
    for (let i = 0; i < REACH; i++) {
      const at = (first + i) % FLOWS
      if (this.#isAt(at)) {
        slot = at
        break
      }
      if (((flows[at * WORDS + SENT] ?? 0) - (flows[slot * WORDS + SENT] ?? 0) | 0) < 0 || flows[at * WORDS] === 0) slot = at
    }
    const base = slot * WORDS
    const known = this.#isAt(slot) && (now - (flows[base + SENT] ?? 0) | 0) <= LATELY_MS ? flows[base + LONGEST] ?? 0 : 0
    flows.set(this.#key, base)
    flows[base + LONGEST] = Math.max(known, Math.min(length, most))
    flows[base + SENT] = now
  }

  /**
   * Length of the longest packet that was sent lately of the flow that is quoted: its IP header is at `l3`, what that carries from `l4` to
   * `end`. 0 if none was.
   */
  longest(bytes: Uint8Array, l3: number, l4: number, end: number, version: 4 | 6, protocol: number): number {
    if (!this.#read(bytes, l3, l4, end, version, protocol)) return 0
    const first = this.#first()
    const now = this.#now()
    for (let i = 0; i < REACH; i++) {
      const at = (first + i) % FLOWS
      const base = at * WORDS
      if (this.#isAt(at) && (now - (this.#flows[base + SENT] ?? 0) | 0) <= LATELY_MS) return this.#flows[base + LONGEST] ?? 0
    }
    return 0
  }

  /** Reads the flow of a packet; whether it is of a kind that is kept. */
  #read(bytes: Uint8Array, l3: number, l4: number, end: number, version: 4 | 6, protocol: number): boolean {
    if (end - l4 < 8 || (protocol !== PROTOCOL_UDP && protocol !== PROTOCOL_GRE)) return false
    const key = this.#key
    key.fill(0)
    key[0] = (version << 8) | protocol
    const words = version === 4 ? 1 : 4
    const source = l3 + (version === 4 ? Ipv4At.SOURCE : Ipv6At.SOURCE)
    for (let i = 0; i < 2 * words; i++) key[(i < words ? 1 : 5 - words) + i] = u32(bytes, source + 4 * i)
    key[9] = u32(bytes, l4)
    this.#hasKey = true
    if (protocol === PROTOCOL_UDP) {
      this.#hasKey = end - l4 >= VNI + 3
      key[10] = this.#hasKey ? u24(bytes, l4 + VNI) : 0
    } else {
      const flags = u16(bytes, l4)
      // Checksum and sequence number differ from packet to packet.
      const isFixed = (flags & GRE_CHECKSUM) === 0 && ((flags & GRE_KEY) !== 0 || (flags & GRE_SEQUENCE) === 0)
      key[10] = isFixed ? u32(bytes, l4 + 4) : 0
    }
    return true
  }

  /** Where the flow in hand may be, whatever its key. */
  #first(): number {
    const key = this.#key
    let h = 0x9e37_79b1
    for (let i = 0; i < KEY_WORDS - 1; i++) h = Math.imul(h ^ (h >>> 15) ^ (key[i] ?? 0), 0x85eb_ca6b)
    return ((h ^ (h >>> 13)) >>> 1) % FLOWS
  }

  #isAt(slot: number): boolean {
    const base = slot * WORDS
    const words = this.#hasKey ? KEY_WORDS : KEY_WORDS - 1
    for (let i = 0; i < words; i++) if (this.#flows[base + i] !== this.#key[i]) return false
    return true
  }

  #now(): number {
    return this.#nowMs() | 0
  }
}
