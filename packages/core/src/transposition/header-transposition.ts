/**
 * Header transpositions: the only way a packet changes.
 *
 * A transposition speaks of a frame's stack of header groups, outermost first. In its normal form it **pops** the outermost
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
export type Value = number | { readonly original: number }

/** A TTL or hop limit: a constant, or that of a group of the original frame less `minus`, 0–255. The group then needs more `hops`. */
export type TtlValue = number | { readonly original: number; readonly minus: number }

/**
 * An ECN field: a constant, that of a group of the original frame (0 where it has no IP header), or what a decapsulator makes of
 * an outer and an inner one.
 *
 * @see RFC 6040 §4.2, figure 4
 */
export type EcnValue = number | { readonly original: number } | EcnCombination

/** An outer and an inner ECN field that meet when a tunnel is removed. CE over Not-ECT has no result: the frame is dropped. */
export interface EcnCombination {
  readonly outer: EcnValue
  readonly inner: EcnValue
}

/** Fields of a staying group that are set; an absent property keeps the field. */
export interface Changes {
  readonly dstMac?: Mac
  readonly srcMac?: Mac
  readonly srcIp?: IpAddress
  readonly dstIp?: IpAddress
  /** 0–63. */
  readonly dscp?: Value
  /** 0–3. What a decapsulator makes of both fields is left alone in a group without an IP header; any other value needs one. */
  readonly ecn?: EcnValue
  /** TTL or hop limit, 0–255. */
  readonly ttl?: TtlValue
  readonly srcPort?: number
  readonly dstPort?: number
  /** Nine bits, NS to FIN. */
  readonly tcpFlags?: number
  /** Identifier of an ICMP or ICMPv6 echo. */
  readonly icmpId?: number
  /** Makes an ICMP or ICMPv6 echo a request or a reply. */
  readonly echo?: 'request' | 'reply'
  /** Network identifier of the tunnel this group carries, 24 bits. */
  readonly vni?: number
  /** 16 bits: 1 request, 2 reply. */
  readonly arpOperation?: number
  readonly arpSenderMac?: Mac
  /** IPv4. */
  readonly arpSender?: IpAddress
  readonly arpTargetMac?: Mac
  /** IPv4. */
  readonly arpTarget?: IpAddress
}

/**
 * What happens to the VLAN tags of a group: the `pop` outermost ones go, those in `push` come to stand outside of the rest,
 * outermost first. A frame whose tags would become more than two is refused.
 */
export interface VlanEdit {
  readonly pop: 0 | 1 | 2 | 'all'
  readonly push: readonly VlanTag[]
}

/**
 * The IP header is translated from one version into the other. `from` and `to` are the same where it is translated there and
 * back, which is not the identity: options are lost. Both addresses must be set beside it.
 *
 * @see RFC 7915
 */
export interface Translation {
  readonly from: 4 | 6
  readonly to: 4 | 6
}

/** What happens to one staying group. */
export interface Edit {
  readonly need: Need
  readonly vlans?: VlanEdit
  readonly translate?: Translation
  readonly set: Changes
}

/** Fields of the packet that an ICMP error quotes. */
export type QuoteChanges = Pick<Changes, 'srcIp' | 'dstIp' | 'srcPort' | 'dstPort' | 'icmpId'>

/**
 * What happens to the packet that an ICMP error of the innermost group quotes. What the quote does not have, ports of a
 * packet that was cut short for one, is left alone; but its IP version must be that of the addresses. Where the innermost group is
 * translated the quote is translated with it, and both its addresses must be set here.
 */
export interface QuoteEdit {
  /** Version that the quoted packet must have before; absent where it does not matter. */
  readonly version?: 4 | 6
  readonly set: QuoteChanges
}

/** How a pushed group encapsulates. */
export type TunnelKind = 'vxlan' | 'nvgre' | 'geneve' | 'gre'

/** A group that is put around the frame: Ethernet, IP, UDP where the tunnel is in UDP, and the tunnel header. */
export interface Push {
  readonly dstMac: Mac
  readonly srcMac: Mac
  /** Outermost first, at most two. */
  readonly vlans: readonly VlanTag[]
  /** Both addresses are of one version. */
  readonly srcIp: IpAddress
  readonly dstIp: IpAddress
  readonly dscp: Value
  readonly ecn: EcnValue
  readonly ttl: TtlValue
  /** The entropy of the flow inside: UDP source port; its low eight bits are the flow id of NVGRE; plain GRE has none, and 0 here. */
  readonly srcPort: number
  readonly tunnel: TunnelKind
  /** Network identifier, 24 bits; 0 for plain GRE, which has none. */
  readonly vni: number
  /** Geneve options as on the wire, a multiple of 4 up to 252 bytes; empty for the others. */
  readonly options: Uint8Array
}

/** A transposition in normal form. */
export interface Transposition {
  readonly _tag: 'Transposition'
  /** One entry per popped group, outermost first. */
  readonly pop: readonly Need[]
  /** One entry per staying group, outermost first; shorter than the stack when the rest is left alone. */
  readonly edit: readonly Edit[]
  /** Groups put on the outside, outermost first. */
  readonly push: readonly Push[]
  /** Absent where quoted packets are left alone; `'refused'` where no frame that quotes a packet passes. */
  readonly quote?: QuoteEdit | 'refused'
  /** Every combination of ECN fields made on the way, whether or not its result is still in use: none may be CE over Not-ECT. */
  readonly guard: readonly EcnCombination[]
}

/** The absorbing element: a chain whose shapes contradict each other, with the reason of the first contradiction. */
export interface Invalid {
  readonly _tag: 'Invalid'
  readonly reason: string
}

/** A value of the language. With `compose` and `identity` it is a Monoid. */
export type HeaderTransposition = Transposition | Invalid
