/**
 * What is known of destinations, for the per-packet path: an open-addressing table whose keys lie in one typed array, so that a
 * look-up makes no text, no object and no number beyond 32 bits.
 *
 * It only remembers what routes and neighbours say and may forget at any time. A key stands at most {@link REACH} slots behind where
 * its hash points; if these are taken, a new key replaces the first of them. So look-ups are bounded whatever is put in.
 */

/** Slots that are looked at for a key. */
const REACH = 8

/** 32-bit words of a key: the version, and the address. */
const WORDS = 5

/** Destinations with what is known of each. */
export class DestinationCache<V> {
  readonly #mask: number
  readonly #keys: Int32Array
  readonly #values: (V | undefined)[]

  /** For about so many destinations, rounded up to a power of two. */
  constructor(destinations = 4_096) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(REACH, destinations)))
    this.#mask = slots - 1
    this.#keys = new Int32Array(slots * WORDS)
    this.#values = new Array<V | undefined>(slots).fill(undefined)
  }

  /** What is known of the address of this version with these words, an IPv4 address in the last; `undefined` if nothing is. */
  find(version: number, a: number, b: number, c: number, d: number): V | undefined {
    const slot = this.#slotOf(version, a | 0, b | 0, c | 0, d | 0)
    return slot < 0 ? undefined : this.#values[slot]
  }

  /** Remembers, in the place of whatever was known of the address. */
  set(version: number, a: number, b: number, c: number, d: number, value: V): void {
    const known = this.#slotOf(version, a | 0, b | 0, c | 0, d | 0)
    const slot = known < 0 ? this.#free(hash(version, a | 0, b | 0, c | 0, d | 0)) : known
    this.#keys.set([version, a | 0, b | 0, c | 0, d | 0], slot * WORDS)
    this.#values[slot] = value
  }

  /** Forgets everything. */
  clear(): void {
    this.#keys.fill(0)
    this.#values.fill(undefined)
  }

  #slotOf(version: number, a: number, b: number, c: number, d: number): number {
    const keys = this.#keys
    const first = hash(version, a, b, c, d)
    for (let i = 0; i < REACH; i++) {
      const slot = (first + i) & this.#mask
      const at = slot * WORDS
      // A version of 0 marks an empty slot; nothing is ever taken out but all at once, so the search ends there.
      if (keys[at] === 0) return -1
      if (keys[at + 4] === d && keys[at + 3] === c && keys[at + 2] === b && keys[at + 1] === a && keys[at] === version) return slot
    }
    return -1
  }

  #free(first: number): number {
    for (let i = 0; i < REACH; i++) {
      const slot = (first + i) & this.#mask
      if (this.#keys[slot * WORDS] === 0) return slot
    }
    return first & this.#mask
  }
}

/** Multiply and shift a word: enough for addresses, which nobody gains by choosing here. */
const hash = (version: number, a: number, b: number, c: number, d: number): number => {
  let h = Math.imul(version ^ d, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 15) ^ c, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13) ^ b, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16) ^ a, 0x27d4eb2f)
  return (h ^ (h >>> 15)) >>> 1
}
