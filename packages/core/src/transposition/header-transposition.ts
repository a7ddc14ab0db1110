/**
 * Header transpositions: the only way a packet changes.
 *
 * A transposition speaks of a frame's stack of header groups, outermost first. In its normal form it
 * **pops** the outermost groups, **edits** fields of groups that stay, and **pushes** new groups on the outside,
 * in that order. Indices are counted from the outside, so the form does not depend on how deep the frame is and
 * two of them compose without knowing it: `edit[0]` is the outermost group that stays.
 *
 * What a chain did to a group it later popped is gone, but what it *needed* of that group is not: a popped group
 * keeps its {@link Need}, so that a composed transposition refuses exactly the frames the chain would have refused.
 *
 * Normal form (what the constructors and `compose` produce, and what equality compares): no trailing edits that
 * neither set nor need anything; a `Need` never weaker than what the set fields imply, and without properties that
 * its other properties imply.
 *
 * Invariant: **an edit never changes the shape of the stack**. Only pops and pushes do. The one field that could is
 * UDP's destination port, because it says whether a tunnel follows; hence {@link Need.udp}.
 *
 * @see VFP §6.1.2, tables 2 and 3
 */
import type { IpAddress, Mac } from '../wire/address.js'

/** What a transposition requires of a group it pops or edits. An absent property requires nothing. */
export interface Need {
  /** Network header that must be there. */
  readonly l3?: 'ipv4' | 'ipv6' | 'ip'
  /** Transport header that must be there; never required of a later fragment, whose L4 part is left alone. */
  readonly l4?: 'ports' | 'echo'
  /** The group must encapsulate another one (required of every popped group). It implies IP and ports. */
  readonly tunnel?: true
  /**
   * Which UDP headers an edit of the destination port admits; TCP and later fragments pass always. To set the port of
   * the tunnel protocol takes a group that is a `tunnel` already, any other port one that is `plain`; a chain that
   * did both admits `none`. So a group never becomes a tunnel, or stops being one, by an edit.
   */
  readonly udp?: 'tunnel' | 'plain' | 'none'
}

/** Fields of a staying group that are set to constants; an absent property keeps the field. */
export interface Changes {
  readonly dstMac?: Mac
  readonly srcMac?: Mac
  readonly srcIp?: IpAddress
  readonly dstIp?: IpAddress
  /** 0–63. */
  readonly dscp?: number
  /** 0–3. */
  readonly ecn?: number
  /** TTL or hop limit, 0–255. */
  readonly ttl?: number
  readonly srcPort?: number
  readonly dstPort?: number
  /** Identifier of an ICMP or ICMPv6 echo. */
  readonly icmpId?: number
  /** Network identifier of the tunnel this group carries, 24 bits. */
  readonly vni?: number
}

/** What happens to one staying group. */
export interface Edit {
  readonly need: Need
  readonly set: Changes
}

/**
 * A value that is either a constant or the same field of a group of the *original* frame, counted from the
 * outside; the original's value is 0 where that group has no IP header.
 */
export type Value = number | { readonly original: number }

/** A group that is put around the frame: Ethernet, IP, UDP and the tunnel header. */
export interface Push {
  readonly dstMac: Mac
  readonly srcMac: Mac
  /** Both addresses are of one version. */
  readonly srcIp: IpAddress
  readonly dstIp: IpAddress
  readonly dscp: Value
  readonly ecn: Value
  readonly ttl: number
  /** UDP source port, the entropy of the flow inside. */
  readonly srcPort: number
  readonly tunnel: 'vxlan'
  /** Network identifier, 24 bits. */
  readonly vni: number
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
}

/** The absorbing element: a chain whose shapes contradict each other, with the reason of the first contradiction. */
export interface Invalid {
  readonly _tag: 'Invalid'
  readonly reason: string
}

/** A value of the language. With `compose` and `identity` it is a Monoid. */
export type HeaderTransposition = Transposition | Invalid
