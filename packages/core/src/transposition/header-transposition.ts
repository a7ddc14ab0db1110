/**
 * Header transpositions: the only way a packet changes.
 *
 * A transposition acts on a frame's stack of header groups, outermost first. In its normal form it **pops** the outermost
 * groups, **edits** groups that stay, and **pushes** new groups on the outside, in that order. Indices are counted from
 * the outside, so the form does not depend on how deep the frame is and two of them compose without knowing it: `edit[0]`
 * is the outermost group that stays.
 *
 * An edit of a group, in the order in which its parts act: its stack of VLAN tags is popped and pushed; its IP header is
 * replaced by one of the other version (only in a group that encapsulates nothing: an outer header is exchanged by pop and push);
 * fields are set. The **quote** is the edit of the packet that an ICMP error quotes; it says nothing of frames that quote nothing.
 *
 * A value is a constant or a function of the *original* frame: the same field of one of its groups, a TTL less a number, the
 * combination of two ECN fields of RFC 6040. `compose` substitutes, so the language is closed.
 *
 * What a chain did to a group it later popped is gone, but what it *needed* of that group is not: a popped group keeps its
 * {@link Need}, and combinations of ECN whose result was overwritten keep their place in `guard`, so that a composed
 * transposition refuses exactly the frames the chain would have refused.
 *
 * Normal form (what the constructors and `compose` produce, and what equality compares): no trailing edits that neither do
 * nor need anything; a `Need` never weaker than what the edit implies, and without properties that its other properties
 * imply; no ECN combination that is equal to one of its operands.
 *
 * Invariant: **an edit never changes how deep the stack is**. Only pops and pushes do. The one field that could is UDP's
 * destination port, because it says whether a tunnel follows; hence {@link Need.udp}.
 *
 * @see VFP §6.1.2, tables 2 and 3
 */
import type { IpAddress, Mac } from '../wire/address.js'
import type { VlanTag } from '../wire/vlan.js'

/** What a transposition requires of a group it pops or edits, as the original frame has it. An absent property requires nothing. */
export interface Need {
  /** Network header that must be there. */
  readonly l3?: 'ipv4' | 'ipv6' | 'ip' | 'arp'
  /** Transport header that must be there; never required of a later fragment, whose L4 part is left alone. */
  readonly l4?: 'ports' | 'tcp' | 'echo'
  /** The group must encapsulate another one (required of every popped group): `true` any way, `'vni'` with a network identifier. It implies IP. */
  readonly tunnel?: true | 'vni'
  /** The group must encapsulate nothing, so that its IP header can be replaced. */
  readonly leaf?: true
  /**
   * Which UDP headers an edit of the destination port admits; TCP and later fragments pass always. To set the port of a
   * tunnel protocol takes a group that is such a `vxlan` or `geneve` tunnel already, any other port one that is `plain`; a
   * chain that did two of them admits `none`. So a group never becomes a tunnel, or another, or stops being one, by an edit.
   */
  readonly udp?: 'vxlan' | 'geneve' | 'plain' | 'none'
  /** VLAN tags there must be at least. */
  readonly tags?: 1 | 2
  /** The TTL or hop limit must be greater than this, 0–255: otherwise the packet's way ends here. */
  readonly hops?: number
}

/** A DSCP: a constant, or that of a group of the original frame, counted from the outside; 0 where that group has no IP header. */
export type Value = number | {
  /** Group of the original frame whose DSCP is copied, counted from the outside; 0 is the outermost. */
  readonly original: number
}

/** A TTL or hop limit: a constant, or that of a group of the original frame less `minus`. The group then needs more `hops`. */
export type TtlValue = number | {
  /** Group of the original frame whose TTL is read, counted from the outside; 0 is the outermost. */
  readonly original: number
  /** What is subtracted from it, 0–255. A frame whose TTL is not greater is dropped as `TtlExceeded`. */
  readonly minus: number
}

/**
 * An ECN field: a constant, that of a group of the original frame (0 where it has no IP header), or what a decapsulator makes of
 * an outer and an inner one.
 *
 * @see RFC 6040 §4.2, figure 4
 */
export type EcnValue = number | {
  /** Group of the original frame whose ECN field is copied, counted from the outside; 0 is the outermost. */
  readonly original: number
} | EcnCombination

/** An outer and an inner ECN field that meet when a tunnel is removed. CE over Not-ECT has no result: the frame is dropped. */
export interface EcnCombination {
  /** ECN field of the tunnel's outer header. */
  readonly outer: EcnValue
  /** ECN field of the header inside the tunnel. */
  readonly inner: EcnValue
}

/** Fields of a staying group that are set; an absent property keeps the field. */
export interface Changes {
  /** Destination MAC. */
  readonly dstMac?: Mac
  /** Source MAC. */
  readonly srcMac?: Mac
  /** Source address. The group's IP header must have the same version. */
  readonly srcIp?: IpAddress
  /** Destination address. The group's IP header must have the same version. */
  readonly dstIp?: IpAddress
  /** Differentiated services codepoint, 0–63. */
  readonly dscp?: Value
  /** ECN field, 0–3. A combination of two fields leaves a group without an IP header alone; any other value needs an IP header. */
  readonly ecn?: EcnValue
  /** TTL or hop limit, 0–255. */
  readonly ttl?: TtlValue
  /** Source port of TCP or UDP, 0–65535. */
  readonly srcPort?: number
  /** Destination port of TCP or UDP, 0–65535. It never makes a tunnel of a UDP datagram nor ends one: see {@link Need.udp}. */
  readonly dstPort?: number
  /** TCP flags, nine bits from NS (256) to FIN (1). */
  readonly tcpFlags?: number
  /** Identifier of an ICMP or ICMPv6 echo message, 0–65535. */
  readonly icmpId?: number
  /** Makes an ICMP or ICMPv6 echo message a request or a reply. */
  readonly echo?: 'request' | 'reply'
  /** Network identifier of the tunnel that this group carries, 24 bits. */
  readonly vni?: number
  /** Operation of an ARP packet, 16 bits: 1 is a request, 2 a reply. */
  readonly arpOperation?: number
  /** Sender's hardware address of an ARP packet. */
  readonly arpSenderMac?: Mac
  /** Sender's protocol address of an ARP packet; IPv4. */
  readonly arpSender?: IpAddress
  /** Target's hardware address of an ARP packet. */
  readonly arpTargetMac?: Mac
  /** Target's protocol address of an ARP packet; IPv4. */
  readonly arpTarget?: IpAddress
}

/**
 * What happens to the VLAN tags of a group: the outermost ones are popped, then others are pushed outside of the rest. A frame that would
 * have more than two tags in a group is dropped as `TooDeep`.
 */
export interface VlanEdit {
  /** How many of the outermost tags are removed; a frame with fewer is dropped as `Shape`. `'all'` removes whatever tags there are. */
  readonly pop: 0 | 1 | 2 | 'all'
  /** Tags that are added, outermost first, at most two. */
  readonly push: readonly VlanTag[]
}

/**
 * Replaces the IP header by one of the other version. `from` and `to` are the same where it is translated there and back, which is not the
 * identity: options are lost. Both addresses must be set beside it.
 *
 * @see RFC 7915
 */
export interface Translation {
  /** IP version that the frame must have. */
  readonly from: 4 | 6
  /** IP version of the header that the frame gets. */
  readonly to: 4 | 6
}

/** What happens to one staying group: first its VLAN tags, then its IP header, then its fields. */
export interface Edit {
  /** What the group must be in the original frame. A frame that does not have it is dropped as `Shape`. */
  readonly need: Need
  /** How its VLAN tags change; absent where they stay. */
  readonly vlans?: VlanEdit
  /** Which IP version its header gets; absent where it keeps its own. */
  readonly translate?: Translation
  /** Fields that are set; the others keep their values. */
  readonly set: Changes
}

/** Fields of the packet that an ICMP error quotes. */
export type QuoteChanges = Pick<Changes, 'srcIp' | 'dstIp' | 'srcPort' | 'dstPort' | 'icmpId'>

/**
 * What happens to the packet that an ICMP error of the innermost group quotes. Fields that a shortened quote lacks, such as ports, are
 * left alone; but its IP version must be that of the addresses. Where the innermost group is translated the quote is translated with it,
 * and both its addresses must be set here.
 */
export interface QuoteEdit {
  /** IP version that the quoted packet must have before; absent where it does not matter. */
  readonly version?: 4 | 6
  /** Fields of the quoted packet that are set. The message's checksum follows. */
  readonly set: QuoteChanges
}

/** How a pushed group encapsulates. */
export type TunnelKind = 'vxlan' | 'nvgre' | 'geneve' | 'gre'

/** A group that is put around the frame: Ethernet, IP, UDP where the tunnel is in UDP, and the tunnel header. */
export interface Push {
  /** Destination MAC of the outer frame. */
  readonly dstMac: Mac
  /** Source MAC of the outer frame. */
  readonly srcMac: Mac
  /** VLAN tags of the outer frame, outermost first, at most two. */
  readonly vlans: readonly VlanTag[]
  /** Outer source address, of the same IP version as `dstIp`. */
  readonly srcIp: IpAddress
  /** Outer destination address: where the tunnel ends. */
  readonly dstIp: IpAddress
  /** Outer DSCP, 0–63. */
  readonly dscp: Value
  /** Outer ECN field, 0–3. */
  readonly ecn: EcnValue
  /** Outer TTL or hop limit, 0–255. */
  readonly ttl: TtlValue
  /** Entropy of the flow inside: the UDP source port, or with NVGRE the flow id (its low eight bits). Plain GRE has none, and 0 here. */
  readonly srcPort: number
  /** UDP destination port, which says at the other end what the tunnel is; 0 for the kinds without UDP. */
  readonly dstPort: number
  /** Which tunnel header stands between the outer headers and the frame. */
  readonly tunnel: TunnelKind
  /** Network identifier, 24 bits; 0 for plain GRE, which has none. */
  readonly vni: number
  /** Geneve options as on the wire, a multiple of 4 up to 252 bytes; empty for the others. */
  readonly options: Uint8Array
}

/** A transposition in normal form. */
export interface Transposition {
  readonly _tag: 'Transposition'
  /** What each popped group must be; one entry a group, outermost first. */
  readonly pop: readonly Need[]
  /** One entry per staying group, outermost first; shorter than the stack when the rest is left alone. */
  readonly edit: readonly Edit[]
  /** Groups put on the outside, outermost first. */
  readonly push: readonly Push[]
  /** Absent where quoted packets are left alone; `'refused'` where no frame that quotes a packet passes. */
  readonly quote?: QuoteEdit | 'refused'
  /**
   * Every combination of ECN fields made on the way, whether or not its result is still in use. A frame for which one of them is CE over
   * Not-ECT is dropped as `CongestionLost`.
   */
  readonly guard: readonly EcnCombination[]
}

/** The absorbing element: a chain whose shapes contradict each other, with the reason of the first contradiction. */
export interface Invalid {
  readonly _tag: 'Invalid'
  /** The first contradiction, as a sentence for the reader. Programs should not compare it. */
  readonly reason: string
}

/**
 * What a rule does to the headers of a packet: pops, edits and pushes in normal form, or `Invalid`. With `compose` and `identity` it is a
 * monoid.
 */
export type HeaderTransposition = Transposition | Invalid
