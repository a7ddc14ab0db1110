/** The sum of a segment's payload, four bytes at a time: where most of the time of segmenting goes. */
import { wire } from '@vfp-ts/core'

const { fold, sumWords } = wire.checksum
const { u16 } = wire.bytes

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/**
 * The folded sum of the 16-bit words in `from .. to` of `bytes`; an odd last byte counts as padded with 0. `words` is the same
 * memory from its first byte on. Several times as fast as `sumWords` from an even `from` on, and the same from an odd one.
 *
 * @see RFC 1071 §2 B: in the machine's own byte order the sum is the same with its bytes exchanged
 */
export const sumPayload = (bytes: Uint8Array, words: Int32Array, from: number, to: number): number => {
  if ((from & 1) !== 0) return fold(sumWords(bytes, from, to))
  let at = from
  let sum = 0
  if ((at & 2) !== 0 && to - at >= 2) {
    sum = u16(bytes, at)
    at += 2
  }
  const last = to >>> 2
  let low = 0
  let high = 0
  let i = at >>> 2
  // four at a time takes less than half as long
  for (; i + 3 < last; i += 4) {
    const a = words[i]!
    const b = words[i + 1]!
    const c = words[i + 2]!
    const d = words[i + 3]!
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff)
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)
  }
  for (; i < last; i++) {
    const word = words[i]!
    low += word & 0xffff
    high += word >>> 16
  }
  const native = fold(low + high)
  if (at < last * 4) at = last * 4
  return fold(sumWords(bytes, at, to, sum + (LITTLE_ENDIAN ? ((native & 0xff) << 8) | (native >>> 8) : native)))
}
