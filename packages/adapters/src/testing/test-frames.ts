/**
 * The suite's own frames: numbered, of any length, recognised among whatever else a medium carries.
 *
 * Destination `02:76:66:70:00:` and the direction, source `02:76:66:` and a number of 24 bits, EtherType 0x88b5 (for local
 * experiments), then a pattern that depends on the number. The number is in the header, so that the shortest frame bears it too.
 */

/** An Ethernet header alone. */
export const HEADER_BYTES = 14

/** Numbers that a frame can bear. */
export const SEQUENCES = 1 << 24

/** Which way a frame goes: out of the NIC that is tried, or into it. */
export type Way = 'out' | 'in'

/** Writes a frame of `length` bytes to the beginning of `bytes`. */
export const writeTestFrame = (bytes: Uint8Array, length: number, way: Way, sequence: number): void => {
  bytes.set(PREFIX, 0)
  bytes[5] = way === 'out' ? OUT : IN
  bytes.set(PREFIX.subarray(0, 3), 6)
  bytes[9] = sequence >>> 16
  bytes[10] = (sequence >>> 8) & 0xff
  bytes[11] = sequence & 0xff
  bytes[12] = 0x88
  bytes[13] = 0xb5
  bytes.set(patternOf(sequence, length), HEADER_BYTES)
}

/** The number of the frame at `start`, −1 if it is none of ours, −2 if it is ours but goes the other way. */
export const sequenceAt = (bytes: Uint8Array, start: number, end: number, way: Way): number => {
  if (end - start < HEADER_BYTES || bytes[start + 12] !== 0x88 || bytes[start + 13] !== 0xb5) return -1
  for (let i = 0; i < 5; i++) if (bytes[start + i] !== PREFIX[i]) return -1
  if (bytes[start + 5] !== (way === 'out' ? OUT : IN)) return -2
  return (bytes[start + 9]! << 16) | (bytes[start + 10]! << 8) | bytes[start + 11]!
}

/** Whether the frame is as {@link writeTestFrame} wrote it, behind its header. */
export const isIntact = (bytes: Uint8Array, start: number, end: number, sequence: number): boolean =>
  Buffer.compare(bytes.subarray(start + HEADER_BYTES, end), patternOf(sequence, end - start)) === 0

const OUT = 0x0a
const IN = 0x0b
const PREFIX = Uint8Array.of(0x02, 0x76, 0x66, 0x70, 0x00)

/** Longer than any frame by the most that a number shifts it. */
const PATTERN = Uint8Array.from({ length: 0x1_0000 + 0x1000 }, (_, i) => (i * 31 + (i >> 8) * 17) & 0xff)

const patternOf = (sequence: number, length: number): Uint8Array => PATTERN.subarray(sequence & 0xff, (sequence & 0xff) + length - HEADER_BYTES)
