/**
 * The ACL layer: entries become terminating rules that deny and rules that allow and do not end the walk of the groups.
 *
 * @see VFP §5.2, §5.4
 */
import {
  allow, defineLayer, type Group, type LayerEnvironment, type LayerType, oneOf, type Policy, type Problem, rule, type Rule, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import {
  type AclEntry, type AclEntryJson, denyTheRest, Entry, entryProblems, entryRule, Idle, LAST_PRIORITY, OTHERWISE, statefulness,
} from './acl-entries.js'
import { word } from './codecs.js'
import { DIRECTIONS, groupName } from './names.js'

/** The ACL's configuration as written. */
export interface AclJson {
  /** Entries for what the VM sends; none unless said. */
  readonly outbound?: readonly AclEntryJson[]
  /** Entries for what is sent to the VM; none unless said. */
  readonly inbound?: readonly AclEntryJson[]
  /** What happens to packets of either direction, IP or not, that no entry matches; `deny` unless said. ARP passes in both cases, unless an entry denies it. */
  readonly otherwise?: 'allow' | 'deny'
  /** Whether what is allowed is stateful where an entry does not say; `false` unless said. */
  readonly stateful?: boolean
  /** Idle time of stateful entries that have none of their own, milliseconds from 1; core's default (240,000) unless said. */
  readonly idleMs?: number
}

/** The ACL's configuration as read. */
export interface AclConfig {
  /** Entries for what the VM sends; none unless said. */
  readonly outbound?: readonly AclEntry[]
  /** Entries for what is sent to the VM; none unless said. */
  readonly inbound?: readonly AclEntry[]
  /** What happens to packets that no entry matches; `deny` unless said. */
  readonly otherwise?: 'allow' | 'deny'
  /** Whether what is allowed is stateful where an entry does not say; `false` unless said. */
  readonly stateful?: boolean
  /** Idle time of stateful entries that have none of their own, milliseconds from 1; core's default (240,000) unless said. */
  readonly idleMs?: number
}

const codec: t.Type<AclConfig, AclJson> = strictlyPartial({}, {
  outbound: t.readonlyArray(Entry), inbound: t.readonlyArray(Entry), otherwise: word('allow', 'deny'), stateful: t.boolean, idleMs: Idle,
}, 'an ACL policy')

const groups = (config: AclConfig, environment: LayerEnvironment): readonly Group[] =>
  DIRECTIONS.map((direction) => ({
    name: groupName(environment),
    direction,
    rules: [...(config[direction] ?? []).map((e, i) => entryRule(e, i, config, e.deny !== undefined)), ...remainder(config)],
  }))

/** What catches the rest, behind all entries. */
const remainder = (config: AclConfig): readonly Rule[] =>
  config.otherwise === 'allow'
    // Only IP has connections to remember; what no rule matches passes anyway.
    ? [rule(allow, {}, { id: OTHERWISE, priority: LAST_PRIORITY, when: [oneOf('etherType', [0x0800, 0x86dd])], stateful: statefulness(config) })]
    : denyTheRest

const check = (config: AclConfig): readonly Problem[] =>
  DIRECTIONS.flatMap((direction) => entryProblems(config[direction] ?? [], `/${direction}`, config))

const layer = defineLayer({ name: 'acl', codec, groups, check })

/**
 * A stateful firewall on the addresses that the VM sees, order 20 in the paper's stack.
 *
 * Entries are tried in order, and the first that matches decides. An entry that denies is terminating, one that allows is not. So a layer may
 * have several groups, each updated by its own controller, and a packet passes only if **every** group allows it. If all allow, the rule of
 * the last group says whether the connection is remembered.
 *
 * `otherwise: 'deny'` denies everything that no entry matches, IP or not: MPLS or an unknown VLAN tag may carry packets that an entry denies. Only
 * ARP passes, by a rule named `arp`, unless an entry denies it. IPv6 neighbour discovery is ICMPv6 and needs an entry.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { acl } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * const security = orThrow(vm.addLayer(acl.layer, { order: 20 }))
 * orThrow(security.group('infrastructure', { order: 0 }).update(acl.policy({ outbound: [{ deny: { dstIp: '168.63.129.16' } }], otherwise: 'allow' })))
 * orThrow(security.group('customer', { order: 1 }).update(acl.policy({ outbound: [{ allow: { proto: 'tcp', dstPort: 443 }, stateful: true }] })))
 *
 * const to = (dstIp: string) => orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.4', dstIp, dstPort: 443 }))
 * console.log(vm.explain('outbound', to('198.51.100.7')).verdict)
 * console.log(vm.explain('outbound', to('168.63.129.16')).verdict)
 * ```
 *
 * ```text output
 * continue
 * drop Denied
 * ```
 *
 * Drops: `Denied`.
 *
 * Refused: an entry with both or neither of `allow` and `deny`, unknown fields and bad values in conditions, a name twice in one direction, an
 * idle time on an entry that is not stateful.
 *
 * @see VFP §5.2, §5.4
 */
export const acl: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'acl', AclConfig, AclJson>
  /** Returns the policy of a configuration, for `update` of the layer or of one of its groups, which checks it. */
  readonly policy: (config: AclJson) => Policy<'acl'>
} = { layer, policy: layer.policy }
