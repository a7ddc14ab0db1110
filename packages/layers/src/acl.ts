/**
 * The ACL layer: a stateful firewall in the VM's own address space.
 *
 * Entries are tried in order and the first match wins. Whatever denies is terminating, whatever allows is not: so a
 * layer may have several groups, each updated by its own policy, and a packet passes only if **every** group allows
 * it. That is how the infrastructure's list and the customer's stand side by side without knowing each other:
 *
 * ```ts no-run
 * security.group('infrastructure', { order: 0 }).update(acl.policy({ outbound: [{ deny: { dstIp: '168.63.129.16' } }], otherwise: 'allow' }))
 * security.group('customer', { order: 1 }).update(acl.policy({ outbound: [{ allow: { proto: 'tcp', dstPort: 443 }, stateful: true }] }))
 * ```
 *
 * Where several groups allow, the last one's rule decides whether a connection is remembered.
 *
 * A firewall that denies the rest denies **all** the rest, IP or not: what it does not know, as MPLS or a VLAN tag of
 * another kind, may carry what it would have denied. Only ARP passes by a rule of its own, `arp`, unless an entry
 * denies it: without ARP a VM could not send what it is allowed to.
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
 * A stateful firewall, order 20 in the paper's stack. Drops are counted as `Denied`; what is not IP is among them, save ARP.
 *
 * Refused: an entry with both or neither of `allow` and `deny`, unknown fields and bad values in conditions, a name
 * twice in one direction, an idle time on what is not stateful.
 *
 * @see VFP §5.2, §5.4
 */
export const acl: {
  /** To be added to a port. */
  readonly layer: LayerType<'acl', AclConfig, AclJson>
  /** A configuration, to update the layer or one of its groups with. */
  readonly policy: (config: AclJson) => Policy<'acl'>
} = { layer, policy: layer.policy }
