/**
 * Where the headers of one frame lie: the output of the parser, and all that later stages know of a frame.
 *
 * A frame is a stack of **header groups**, outermost first. A group is one Ethernet header with its VLAN tags,
 * at most one network header and at most one transport header; a group that ends in a
 * tunnel header encapsulates the next group. Group 0 is what a wire sees first; the last group is the
 * frame that nothing further encapsulates. In front of the tunnel header stands UDP (VXLAN, Geneve) or nothing but IP (GRE,
 * NVGRE). Where the last group is an ICMP error whose quotation can be read, the packet it quotes is a group of its own, the
 * **quote**: at index {@link QUOTE}, without an Ethernet header, outside of `depth`.
 *
 * The view holds offsets, never copies: reading a field is one load from `bytes`. One view is made per port and
 * filled again for each frame, so parsing allocates nothing. All offsets are absolute indices into `bytes`.
 *
 * Invariants after `parseFrame` has returned `Reason.Ok`:
 * - `1 <= depth <= MAX_GROUPS`; groups `0 .. depth - 2` have `TUNNEL !== Tunnel.None`, the last one has none;
 * - every header that a slot points at lies whole inside `start .. end`, but TCP options of a first fragment that ends in them;
 * - `END` of a group is where its network datagram ends by its own length field, so Ethernet padding and
 *   trailers lie behind it; for a group without a network length it is the end of the enclosing group;
 * - `DATA_END` of a group is at most its `END`, and the end of the group that it encloses.
 *
 * @see VFP §6.1.1
 */
import { Reason } from './reason.js'
import { EVERY_TUNNEL, type TunnelEnds } from './tunnel-ends.js'

export { Tunnel } from './tunnel-kind.js'

/** Deepest stack of header groups the engine parses: a frame inside two encapsulations. */
export const MAX_GROUPS = 3

/** Index of the packet that an ICMP error of the innermost group quotes, behind the groups of the frame itself. */
export const QUOTE = MAX_GROUPS

/** Kinds of network headers. */
export const L3 = {
  /** The EtherType is not supported, or the packet is ARP of other addresses than Ethernet and IPv4. */
  None: 0,
  /** ARP. */
  Arp: 1,
  /** IPv4. */
  Ipv4: 2,
  /** IPv6. */
  Ipv6: 3
} as const
/** One of the {@link L3} numbers. */
export type L3 = (typeof L3)[keyof typeof L3]

/** Kinds of transport headers. */
export const L4 = {
  /** None that is supported; also of a later fragment, which has no transport header. */
  None: 0,
  /** TCP. */
  Tcp: 1,
  /** UDP. */
  Udp: 2,
  /** ICMP over IPv4. */
  Icmp: 3,
  /** ICMPv6 over IPv6. */
  Icmpv6: 4
} as const
/** One of the {@link L4} numbers. */
export type L4 = (typeof L4)[keyof typeof L4]

/** Which part of its datagram a group holds. */
export const Frag = {
  /** The datagram is whole. */
  Whole: 0,
  /** The first fragment: offset 0, and more follow. */
  First: 1,
  /** A fragment with an offset above 0, the last one included. */
  Later: 2
} as const
/** One of the {@link Frag} numbers. */
export type Frag = (typeof Frag)[keyof typeof Frag]

/** Index of each slot inside a group's stretch of {@link FrameView.slots}. */
export const Slot = {
  /** Offset of the Ethernet destination address. */
  L2: 0,
  /** Number of VLAN tags, 0–2; they start at `L2 + 12`. More than two tags are not parsed: `UnsupportedProtocol`. */
  VLANS: 1,
  /** EtherType behind the tags (a length below 0x600 for 802.3 frames). */
  ETHERTYPE: 2,
  /** An {@link L3}. */
  L3_KIND: 3,
  /** Offset of what follows the EtherType: the network header where `L3_KIND` is not `None`. */
  L3: 4,
  /** IPv4 protocol, or the IPv6 next header that ends the extension headers; 0 where `L3_KIND` is not IP. */
  PROTO: 5,
  /** A {@link Frag}. */
  FRAG: 6,
  /** Offset of the IPv6 fragment header, or 0. */
  FRAG_HEADER: 7,
  /** An {@link L4}. */
  L4_KIND: 8,
  /** Offset behind the network header and its options or extension headers; the transport header, if any. */
  L4: 9,
  /** Offset behind the transport header (or `L4` if there is none), at most `END`. */
  PAYLOAD: 10,
  /** Offset where this group's datagram ends by its own length field; of the quote, where what is quoted ends. */
  END: 11,
  /** A {@link Tunnel}. */
  TUNNEL: 12,
  /** Offset of the tunnel header, or 0. */
  TUNNEL_AT: 13,
  /**
   * Offset where what the transport carries ends: `END`, but for a whole UDP datagram whose own length is less. A frame that it
   * carries ends here; the bytes up to `END` are its surplus area (RFC 9868 §5).
   */
  DATA_END: 14,
} as const

/** Slots of a group: a power of two, so that a group's base is a shift. */
export const SLOTS = 16

/** The offsets of one frame; filled by `parseFrame`, read by everything after it. */
export interface FrameView {
  /** The buffer the frame lies in, with whatever head- and tailroom surrounds it. */
  bytes: Uint8Array
  /** Offset of the first byte of the frame. */
  start: number
  /** Offset behind the last byte of the frame. */
  end: number
  /** Header groups parsed, 1–{@link MAX_GROUPS}; meaningless unless `reason` is `Ok`. */
  depth: number
  /** The reason why the frame could not be parsed, or `Ok`. */
  reason: Reason
  /** Offset of the header that `reason` refers to. */
  reasonAt: number
  /**
   * The first protocol inside that was not understood, or 0: `0x1_0000 | ethertype`,
   * `0x2_0000 | IP protocol`, `0x3_0000 | UDP port` of a tunnel that could not be looked into, or `0x4_0000 | protocol type` of
   * what a GRE or Geneve header carries. Such a frame is still parsed, as opaque from there on. GRE and Geneve beyond the last
   * group to look into, or to an address where no tunnel ends, are named too, as IP protocol 47 and port 6081; VXLAN is not, whose port
   * ordinary datagrams may bear.
   */
  unsupported: number
  /** Whether the innermost group is an ICMP error whose quoted packet lies at the slots of {@link QUOTE}. */
  quoted: boolean
  /**
   * Geneve options this reader knows, as `class << 8 | type`. A tunnel with a critical option that is not among them is
   * refused if it would be looked into (`UnknownCriticalOption`), as RFC 8926 §3.5 demands of a tunnel's end.
   */
  knownOptions: readonly number[]
  /** Ends of the tunnels that are looked into. A tunnel whose outer header is addressed to none of them is payload. */
  ends: TunnelEnds
  /** `(MAX_GROUPS + 1) × SLOTS` numbers, indexed `group * SLOTS + Slot.X`; the last stretch is the quote's. */
  readonly slots: Int32Array
}

/**
 * Makes an empty view, which `parseFrame` fills again for each frame. `knownOptions` and `ends` are described at {@link FrameView};
 * unless given, no Geneve option is known, and tunnels on their standard ports are looked into at every address.
 */
export const makeFrameView = (knownOptions: readonly number[] = [], ends: TunnelEnds = EVERY_TUNNEL): FrameView => ({
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
  depth: 0,
  reason: Reason.Truncated,
  reasonAt: 0,
  unsupported: 0,
  quoted: false,
  knownOptions,
  ends,
  slots: new Int32Array((MAX_GROUPS + 1) * SLOTS),
})
