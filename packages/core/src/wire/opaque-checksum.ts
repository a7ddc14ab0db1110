/**
 * Checksums of transports that the library does not take apart, but whose sum has a pseudo header: an edit of an address must reach
 * them, or the packet is spoiled.
 *
 * | Protocol | over IPv4 | over IPv6 | becomes the other version |
 * |---|---|---|---|
 * | DCCP (33) | corrected at 6 | corrected at 6 | corrected: both pseudo headers have the same rest (RFC 4340 §9.1) |
 * | UDP-Lite (136) | corrected at 6 | corrected at 6 | corrected likewise; never 0 (RFC 3828 §3.1) |
 * | HIP (139) | corrected at 4 | corrected at 4 | corrected likewise (RFC 7401 §5.1.1) |
 * | OSPF (89) | version 2: no pseudo header | version 3: corrected at 12 (RFC 5340 §A.3.1) | refused |
 * | PIM (103) | no pseudo header | corrected at 2 (RFC 7761 §4.9) | refused |
 * | VRRP (112) | version 2: no pseudo header; version 3: refused | corrected at 6 | refused |
 * | Mobility (135) | – | corrected at 4 (RFC 6275 §6.1.1) | refused |
 *
 * What the checksum covers beside the pseudo header (DCCP's and UDP-Lite's coverage, PIM's header alone in a Register) does not
 * matter: a correction counts the addresses only. VRRP version 3 over IPv4 is refused because implementations differ on
 * whether its sum has a pseudo header (RFC 5798 §5.2.8), and what cannot be told cannot be corrected. OSPF, PIM, VRRP and mobility
 * are of one IP version each, and their messages of one version mean nothing in the other.
 *
 * Protocols without a pseudo header (SCTP, GRE, IGMP, ESP, RSVP, …) pass. The authentication header is none of these: its integrity check covers
 * both addresses, and nobody on the way can correct it (RFC 4302 §3.3.3).
 */

/** Numbers of the protocols in the table. */
export const PseudoHeadered = { Dccp: 33, Ospf: 89, Pim: 103, Vrrp: 112, Mobility: 135, UdpLite: 136, Hip: 139 } as const

/** There is no checksum with a pseudo header. */
export const NO_CHECKSUM = -1
/** There may be one, and it cannot be told. */
export const UNTOLD_CHECKSUM = -2

/**
 * Offset of the checksum that covers a pseudo header, of the message of `protocol` at `at` over IPv6 if `is6`, which is whole or a first
 * fragment and ends at `end`; {@link NO_CHECKSUM}, also of a message too short to have one, or {@link UNTOLD_CHECKSUM}.
 */
export const opaqueChecksumAt = (bytes: Uint8Array, is6: boolean, protocol: number, at: number, end: number): number => {
  const field = fieldOf(bytes, is6, protocol, at, end)
  return field < 0 ? field : at + field + 2 <= end ? at + field : NO_CHECKSUM
}

/** Whether a message of the protocol has no equivalent over the other version of IP. */
export const isOfOneVersion = (protocol: number): boolean =>
  protocol === PseudoHeadered.Ospf || protocol === PseudoHeadered.Pim || protocol === PseudoHeadered.Vrrp || protocol === PseudoHeadered.Mobility

const fieldOf = (bytes: Uint8Array, is6: boolean, protocol: number, at: number, end: number): number => {
  switch (protocol) {
    case PseudoHeadered.Dccp:
    case PseudoHeadered.UdpLite:
      return 6
    case PseudoHeadered.Hip:
      return 4
    case PseudoHeadered.Ospf:
      return is6 ? 12 : NO_CHECKSUM
    case PseudoHeadered.Pim:
      return is6 ? 2 : NO_CHECKSUM
    case PseudoHeadered.Mobility:
      return is6 ? 4 : NO_CHECKSUM
    case PseudoHeadered.Vrrp:
      return is6 ? 6 : at < end && bytes[at]! >>> 4 >= 3 ? UNTOLD_CHECKSUM : NO_CHECKSUM
    default:
      return NO_CHECKSUM
  }
}
