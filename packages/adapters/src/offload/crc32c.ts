/**
 * CRC-32C, the checksum of SCTP: the one transport whose hardware checksum is not the Internet checksum.
 *
 * @see RFC 9260 appendix A
 */

/** The CRC-32C of `from .. to`, 32 bits unsigned. */
export const crc32c = (bytes: Uint8Array, from: number, to: number): number => {
  let crc = 0xffff_ffff
  for (let at = from; at < to; at++) crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0)
  return ~crc >>> 0
}

/** The polynomial 0x1EDC6F41 with its bits reversed. */
const REVERSED = 0x82f6_3b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ REVERSED : crc >>> 1
  return crc
})
