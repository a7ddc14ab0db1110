/**
 * An identification for an IPv4 packet that comes from an unfragmented IPv6 packet, which has none.
 *
 * RFC 7915 §5.1 leaves it to a generator at the translator. A counter would be state, and would give a frame that is translated twice,
 * by the slow path and by the fast one, two identifications. So it is a hash of what the packet carries: **a pure function of the
 * frame**. Two packets that carry the same share an identification, and to mix up fragments of those does no harm. Others share one by
 * chance, one pair in 65536, which hurts only if a router on the way fragments both within the time of reassembly. That
 * is weaker than the uniqueness that RFC 6864 §4.3 asks of a source, and the price of having no state.
 *
 * The hash depends on nothing that an edit can set: no addresses, ports, identifiers or flags. So it does not matter whether a
 * chain edits a packet before or after it translates it. Of the data the first bytes are read; for the rest of them, which may be
 * long, stands the transport checksum with everything that an edit can set taken out of it. That also holds for a checksum that is wrong, as
 * edits leave it wrong by the same difference.
 *
 * @see RFC 6864 §4.3
 */
import { u16 } from '../../wire/bytes.js'
import { fold } from '../../wire/checksum.js'
import { L4, Slot } from '../../wire/frame-view.js'

/**
 * The identification, 16 bits, for the packet whose first slot is `s`; `carried` bytes stand behind its IP header. Its transport
 * is translated already: the checksum is that of addresses 0.
 */
export const identify = (bytes: Uint8Array, slots: Int32Array, s: number, carried: number): number => {
  const at = slots[s + Slot.L4]!
  const end = slots[s + Slot.END]!
  const seed = FNV_OFFSET ^ carried
  switch (slots[s + Slot.L4_KIND]) {
    case L4.Tcp: {
      // Without ports and flags; the sequence and acknowledgement numbers; options and data.
      const rest = remaining(u16(bytes, at + 16), u16(bytes, at) + u16(bytes, at + 2) + u16(bytes, at + 12))
      return halved(mix(mix(seed ^ rest, bytes, at + 4, at + 12), bytes, at + 20, end))
    }
    case L4.Udp:
      return halved(mix(seed ^ remaining(u16(bytes, at + 6), u16(bytes, at) + u16(bytes, at + 2)), bytes, at + 8, end))
    case L4.Icmp:
    case L4.Icmpv6:
      // Without type and identifier.
      return halved(mix(seed ^ remaining(u16(bytes, at + 2), u16(bytes, at) + u16(bytes, at + 4)), bytes, at + 6, end))
    default:
      return halved(mix(seed, bytes, at, end))
  }
}

/**
 * The same for an ICMP error whose quote has its first slot at `q`. What makes one error differ from another is what it quotes: of TCP the
 * sequence number, of echo its own, which even the shortest quote holds.
 */
export const identifyError = (bytes: Uint8Array, slots: Int32Array, q: number, carried: number): number => {
  const at = slots[q + Slot.L4]!
  const kind = slots[q + Slot.L4_KIND]
  const from = kind === L4.Tcp ? at + 4 : at + 6
  return halved(mix(FNV_OFFSET ^ carried, bytes, from, kind === L4.None || kind === L4.Udp ? from : at + 8))
}

/** What a stored checksum says of the words it covers but those whose sum is `known`: 1–65535, one number for both zeros. */
const remaining = (stored: number, known: number): number => {
  const sum = fold((~stored & 0xffff) + (~fold(known) & 0xffff))
  return sum === 0 ? 0xffff : sum
}

const halved = (hash: number): number => (hash >>> 16) ^ (hash & 0xffff)

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193
/** Of one stretch only so much is read: enough to tell most packets apart, at a price that does not depend on their length. */
const READ_AT_MOST = 32

/** FNV-1a by words; an odd last byte is not read. */
const mix = (seed: number, bytes: Uint8Array, from: number, to: number): number => {
  const stop = Math.min(to, from + READ_AT_MOST) - 1
  let hash = seed
  for (let at = from; at < stop; at += 2) hash = Math.imul(hash ^ u16(bytes, at), FNV_PRIME)
  return hash
}
