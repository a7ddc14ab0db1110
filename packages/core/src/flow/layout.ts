/**
 * How a flow id lies in memory: the parsed fields of one header group as packed 32-bit words.
 *
 * A **unified flow id** (UFID) is one stretch of {@link WORDS} words for each header group, outermost first, in
 * one `Uint32Array`. Everything that decides on packets (conditions, classifiers, tables, transpositions of
 * metadata) works on these words and never on bytes.
 *
 * The words fall into three classes, by how long their values hold:
 * - **always** (`0 … FIRST_NAMED - 1`): they tell one connection from another. Every table lookup compares them.
 * - **named** (`FIRST_NAMED … FIRST_VOLATILE - 1`): mostly constant in a flow, but compared only if some rule
 *   looked at them (MACs, tags, DSCP, TCP flags, ICMP type), so that they do not split connections needlessly.
 * - **volatile** (`FIRST_VOLATILE …`): different in each packet. A decision that looked at one is not cached.
 *
 * An absent field is 0; only the SHAPE word tells whether it is absent. The stretch of the quote is all 0 if nothing is
 * quoted; frames with a quote are never looked up, so no lookup compares it.
 *
 * @see VFP §6.1.1
 */
import { MAX_GROUPS } from '../wire/frame-view.js'

/** Index of each word inside a group's stretch. */
export const Word = {
  /**
   * `L3 kind | L4 kind << 4 | Frag << 8 | Tunnel << 12 | VLAN tags << 16 | service tags << 20`; of the service tags bit 0 is set
   * where the outer tag's TPID is 0x88a8, bit 1 where the inner one's is.
   */
  SHAPE: 0,
  /** `EtherType << 16 | IP protocol`. */
  PROTO: 1,
  /** `source port << 16 | destination port`; for ICMP echo the identifier in both halves; else 0. */
  PORTS: 2,
  /** Four words of source address, IPv4 (and ARP sender) in the last. */
  SRC_IP: 3,
  /** Four words of destination address, IPv4 (and ARP target) in the last. */
  DST_IP: 7,
  /** The tunnel's 24-bit network identifier; 0 for plain GRE, which has none. */
  VNI: 11,
  /** `type << 8 | code` of ICMP and ICMPv6; the operation of ARP. */
  ICMP: 12,
  /** Destination MAC, upper 32 bits. */
  MAC_0: 13,
  /** Destination MAC lower 16 bits `<< 16 |` source MAC upper 16 bits. */
  MAC_1: 14,
  /** Source MAC, lower 32 bits. */
  MAC_2: 15,
  /** Outer tag control information `<< 16 |` inner tag control information; `tenantTags` says which VLANs these are. */
  VLAN: 16,
  /** `DSCP << 16 | TCP flags` (nine bits, NS to FIN). */
  CLASS: 17,
  /** `TTL or hop limit << 8 | source link-layer address << 3 | router alert << 2 | ECN`; see `link-marks.ts`. */
  TTL_ECN: 18,
  /** `IP length field << 16 | IPv4 identification`. */
  LENGTH_ID: 19,
  /** TCP sequence number. Of ICMPv6 neighbour solicitations, advertisements and redirects, here and in the next three: the target. */
  SEQ: 20,
  /** TCP acknowledgement number. */
  ACK: 21,
  /** `TCP window << 16`. */
  WINDOW: 22,
} as const

/** Index of the first word of the *named* class. */
export const FIRST_NAMED = Word.ICMP
/** Index of the first word of the *volatile* class. */
export const FIRST_VOLATILE = Word.TTL_ECN
/** Words of one header group. */
export const WORDS = 24
/** Words of a whole UFID buffer: the header groups, and behind them the packet an ICMP error quotes (see `QUOTE`). */
export const UFID_WORDS = WORDS * (MAX_GROUPS + 1)

/** Shifts of the parts of the SHAPE word, and the mask of each part behind its shift. */
export const Shape = { L3_SHIFT: 0, L4_SHIFT: 4, FRAG_SHIFT: 8, TUNNEL_SHIFT: 12, VLANS_SHIFT: 16, STAGS_SHIFT: 20, PART_MASK: 0xf } as const

/**
 * Bits of SHAPE that are always compared: all but the number and kinds of VLAN tags and the fragment, which are compared only if a
 * rule looked at them. (A later fragment gets the ports of its first one, so all fragments of a connection are one flow unless a rule
 * looks at `fragment`.)
 */
export const SHAPE_ALWAYS = 0xf0ff
