/**
 * Keys: the value of one field as big-endian words, left-aligned, so that prefixes of all kinds of fields are leading
 * bits. As signed 32-bit integers, which engines keep unboxed.
 */
import { type Field, isPresent, readMac, readNumber, type ResolvedField } from '../flow/field.js'
import { WORDS } from '../flow/layout.js'
import { spanWidth, type Words } from '../policy/condition.js'
import { L3 } from '../wire/frame-view.js'

/** One field of one group in one IP version: what tells the key spaces of a classifier apart. */
export interface KeyField extends ResolvedField {
  /** 4 or 6 for addresses, 0 for numbers and MACs. */
  readonly version: 0 | 4 | 6
  /** Words a key has: 1, 2 for MACs, 4 for IPv6. */
  readonly keyWords: 1 | 2 | 4
}

/** Describes the keys of a field. */
export const keyField = ({ field, group }: ResolvedField, version: 0 | 4 | 6): KeyField => ({
  field, group, version, keyWords: version === 6 ? 4 : field.kind === 'mac' ? 2 : 1,
})

/**
 * Loads a packet's key into `key` from `at` on.
 *
 * @returns whether the packet has the field, in the right IP version; otherwise `key` is untouched
 */
export const loadKey = (of: KeyField, words: Uint32Array, depth: number, key: Int32Array, at: number): boolean => {
  const { field, group, version } = of
  if (!isPresent(field.presence, words, group, depth)) return false
  if (version === 0) {
    if (field.kind === 'mac') {
      const mac = readMac(field, words, group)
      key[at] = mac / 0x1_0000
      key[at + 1] = mac << 16
    } else key[at] = readNumber(field, words, group) << (32 - field.bits)
    return true
  }
  const base = group * WORDS
  if (((words[base]! & 0xf) === L3.Ipv6) !== (version === 6)) return false
  if (version === 4) key[at] = words[base + field.word + 3]!
  else for (let i = 0; i < 4; i++) key[at + i] = words[base + field.word + i]!
  return true
}

/** The key of a value given as the words of a span. */
export const spanKey = (field: Field, version: 0 | 4 | 6, words: Words): Int32Array => {
  if (version === 6) return Int32Array.from(words, (w) => w | 0)
  const shift = 32 - spanWidth(field, version)
  if (shift >= 0) return Int32Array.of(words[3] << shift)
  return Int32Array.of((words[2] << 16) | (words[3] >>> 16), words[3] << 16)
}
