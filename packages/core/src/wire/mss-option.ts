/**
 * The maximum segment size that one end of a TCP connection tells the other in its SYN, lowered on the way.
 *
 * The option is lowered, never raised and never inserted: without it the other end takes 536 (IPv6: 1220). If the options cannot be
 * read to their end, all of them are left alone.
 *
 * @see RFC 9293 §3.7.1
 */
import { putU16, u16 } from './bytes.js'
import { correctTransport } from './correct-checksum.js'
import { L4 } from './frame-view.js'
import { TCP_LENGTH, tcpHeaderLength } from './tcp.js'

const END = 0
const NOP = 1
const MSS = 2
const MSS_LENGTH = 4

/**
 * Lowers the maximum segment size in the options of the TCP header at `tcp`, all of which lies in `bytes`, to at most `most` bytes, and
 * corrects the checksum. Returns whether anything changed. If there are several such options, each is lowered.
 */
export const lowerMss = (bytes: Uint8Array, tcp: number, most: number): boolean => {
  const end = tcp + tcpHeaderLength(bytes, tcp)
  if (!isReadable(bytes, tcp + TCP_LENGTH, end)) return false
  let changed = false
  for (let at = tcp + TCP_LENGTH; at < end && bytes[at] !== END; at += stepAt(bytes, at)) {
    if (bytes[at] !== MSS || bytes[at + 1] !== MSS_LENGTH) continue
    const old = u16(bytes, at + 2)
    if (old <= most) continue
    putU16(bytes, at + 2, most)
    // Behind an odd number of padding bytes the value straddles two words of the sum: that of its exchanged bytes is the same.
    const straddles = ((at - tcp) & 1) !== 0
    correctTransport(bytes, tcp, L4.Tcp, straddles ? exchanged(most) + (exchanged(old) ^ 0xffff) : most + (old ^ 0xffff), 0)
    changed = true
  }
  return changed
}

/** Returns whether every option up to the end of the list, or of the header, ends at or before `end`. */
const isReadable = (bytes: Uint8Array, from: number, end: number): boolean => {
  let at = from
  while (at < end && bytes[at] !== END) {
    if (bytes[at] !== NOP && (at + 1 >= end || bytes[at + 1]! < 2)) return false
    at += stepAt(bytes, at)
  }
  return at <= end
}

const stepAt = (bytes: Uint8Array, at: number): number => (bytes[at] === NOP ? 1 : bytes[at + 1]!)

const exchanged = (word: number): number => ((word & 0xff) << 8) | (word >>> 8)
