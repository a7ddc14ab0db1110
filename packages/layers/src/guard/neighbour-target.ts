/**
 * The rule of a guard about IPv6 neighbour discovery: the address that a message is about must be one of the sender's own.
 *
 * It is a rule type and not a condition because the target differs from packet to packet. A condition on it would be
 * consulted for every packet of its group, and none of them could be cached; what a rule reads when it decides concerns
 * only the packets it decides about.
 *
 * @see RFC 4861 §4.3, §4.4
 */
import { defineRuleType, type IpPrefix, Prefix, prefixContains, proceed, refuse, type RuleType, strictly } from '@vfp-ts/core'
import * as t from 'io-ts'

/** Whose the target may be. */
export interface NeighbourTargetConfig {
  readonly own: readonly IpPrefix[]
}

/** Passes a neighbour solicitation or advertisement whose target lies in one of `own`; drops others, and those without a target, as `SpoofedNdp`. */
export const neighbourTarget: RuleType<'neighbour-target', NeighbourTargetConfig, object, undefined> = defineRuleType({
  name: 'neighbour-target',
  config: strictly({ own: t.readonlyArray(Prefix) }, 'addresses of the sender'),
  decide: ({ own }, flow) => {
    const target = flow.ip('ndpTarget')
    return target !== undefined && own.some((prefix) => prefixContains(prefix, target)) ? proceed() : refuse('SpoofedNdp')
  },
})
