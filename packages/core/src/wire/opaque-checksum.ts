/**
 * Checksums of protocols that are opaque to the library, but whose checksum covers a pseudo header: an edit of an address must
 * correct it, or the receiver drops the packet.
 *
 * | Protocol | over IPv4 | over IPv6 | becomes the other version |
 * |---|---|---|---|
 * | DCCP (33) | corrected at 6 | corrected at 6 | corrected: both pseudo headers have the same rest (RFC 4340 §9.1) |
 * | UDP-Lite (136) | corrected at 6 | corrected at 6 | corrected; never 0 (RFC 3828 §3.1) |
 * | HIP (139) | corrected at 4 | corrected at 4 | corrected (RFC 7401 §5.1.1) |
 * | OSPF (89) | version 2: no pseudo header | version 3: corrected at 12 (RFC 5340 §A.3.1) | refused |
 * | PIM (103) | no pseudo header | corrected at 2 (RFC 7761 §4.9) | refused |
 * | VRRP (112) | version 2: no pseudo header; version 3: refused | corrected at 6 | refused |
 * | Mobility (135) | – | corrected at 4 (RFC 6275 §6.1.1) | refused |
 *
 * What the checksum covers besides the pseudo header (the coverage fields of DCCP and UDP-Lite, the header alone of a PIM Register)
 * does not matter: a correction counts the addresses only. VRRP version 3 over IPv4 is refused because the packet does not say
 * whether its checksum covers a pseudo header: senders by RFC 5798 §5.2.8 include it, RFC 9568 §5.2.8 excludes it. Messages of OSPF,
 * PIM, VRRP and mobility of one IP version have no meaning in the other.
 *
 * Protocols without a pseudo header (SCTP, GRE, IGMP, ESP, RSVP, …) pass. The authentication header is a case of its own: its
 * integrity check covers both addresses and cannot be corrected without its key (RFC 4302 §3.3.3).
 */

/** Numbers of the protocols in the table. */
export const PseudoHeadered = {
  /** DCCP. */
  Dccp: 33,
  /** OSPF, versions 2 and 3. */
  Ospf: 89,
  /** PIM. */
  Pim: 103,
  /** VRRP, versions 2 and 3. */
  Vrrp: 112,
  /** Mobility header of IPv6. */
  Mobility: 135,
  /** UDP-Lite. */
  UdpLite: 136,
  /** HIP. */
  Hip: 139
} as const

/** Result of {@link opaqueChecksumAt}: the message has no checksum that covers a pseudo header. */
export const NO_CHECKSUM = -1
/** Result of {@link opaqueChecksumAt}: the message does not say whether its checksum covers a pseudo header. */
export const UNTOLD_CHECKSUM = -2

/**
 * Returns the offset of the checksum that covers a pseudo header, in the message of `protocol` from `at` to `end`, over IPv6 if `is6`;
 * the message is whole or a first fragment. Returns {@link NO_CHECKSUM}, also for a message too short to have one, or
 * {@link UNTOLD_CHECKSUM}.
 */
export const opaqueChecksumAt = (bytes: Uint8Array, is6: boolean, protocol: number, at: number, end: number): number => {
  const field = fieldOf(bytes, is6, protocol, at, end)
  return field < 0 ? field : at + field + 2 <= end ? at + field : NO_CHECKSUM
}

/** Returns whether messages of the protocol have no meaning over the other version of IP. */
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
