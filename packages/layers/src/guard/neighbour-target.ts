/**
 * The rules of a guard about addresses that a message names inside: the target of neighbour discovery, and the sender and target of an ARP announcement.
 *
 * They are rule types and not conditions because a target differs from packet to packet, and no condition compares two fields.
 * A condition on a target would be consulted for every packet of its group, and none of them could be cached; what a rule reads when it
 * decides concerns only the packets it decides about.
 *
 * @see RFC 4861 §4.3, §4.4; RFC 5227 §3
 */
import { defineRuleType, type IpPrefix, Prefix, prefixContains, proceed, refuse, type RuleType, sameIp, strictly, strictlyPartial } from '@vfp-ts/core'
import * as t from 'io-ts'

/** The addresses that a target may be. */
export interface NeighbourTargetConfig {
  /** Prefixes that the target has to lie in one of. */
  readonly own: readonly IpPrefix[]
  /** Reason by which others are dropped; `SpoofedNdp` unless said. */
  readonly reason?: string
}

/**
 * Rule type that passes a neighbour solicitation or advertisement whose target lies in one of `own`. Drops others, and packets without a
 * target, by `reason`.
 */
export const neighbourTarget: RuleType<'neighbour-target', NeighbourTargetConfig, object, undefined> = defineRuleType({
  name: 'neighbour-target',
  config: strictlyPartial({ own: t.readonlyArray(Prefix) }, { reason: t.string }, 'addresses of the sender'),
  decide: ({ own, reason = 'SpoofedNdp' }, flow) => {
    const target = flow.ip('ndpTarget')
    return target !== undefined && own.some((prefix) => prefixContains(prefix, target)) ? proceed() : refuse(reason)
  },
})

/**
 * Rule type that passes an ARP packet whose sender and target are the same address: it announces that address to hosts that have it in their caches.
 * Drops other packets by `reason`.
 *
 * @see RFC 5227 §3
 */
export const arpAnnouncement: RuleType<'arp-announcement', {
  /** Reason by which other packets are dropped. */
  readonly reason: string
}, object, undefined> = defineRuleType({
  name: 'arp-announcement',
  config: strictly({ reason: t.string }, 'why others are dropped'),
  decide: ({ reason }, flow) => {
    const sender = flow.ip('arpSender')
    const target = flow.ip('arpTarget')
    return sender !== undefined && target !== undefined && sameIp(sender, target) ? proceed() : refuse(reason)
  },
})
