/** TCP headers with options, for the tests of the segment size. */
import { checksum } from '../../src/wire/checksum.js'
import { readTcpOptions } from '../../src/wire/tcp-options.js'
import { right } from './hex.js'

/** A TCP header with these options, and a right checksum, over no pseudo header. */
export const header = (options: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(20 + options.length)
  bytes.set([0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 0, ((20 + options.length) / 4) << 4, 2])
  bytes.set(options, 20)
  const sum = checksum(bytes, 0, bytes.length)
  bytes[16] = sum >>> 8
  bytes[17] = sum
  return bytes
}

/** The segment sizes that a header tells. */
export const told = (bytes: Uint8Array): readonly number[] =>
  right(readTcpOptions(bytes.subarray(20))).flatMap((o) => (o.kind === 'mss' ? [o.bytes] : []))
