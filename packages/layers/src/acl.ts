/**
 * The ACL layer: a stateful firewall in the VM's own address space.
 *
 * Entries are tried in order and the first match wins. Whatever denies is terminating, whatever allows is not: so a
 * layer may have several groups, each updated by its own policy, and a packet passes only if **every** group allows
 * it. That is how the infrastructure's list and the customer's stand side by side without knowing each other:
 *
 * ```ts
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
  allow, block, type Condition, Conditions, type ConditionsJson, defineLayer, type Direction, type Group, integer, is, type LayerEnvironment,
  type LayerType, oneOf, type Policy, type Problem, rule, type Rule, type Stateful, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { groupName, repeatedNames } from './names.js'
import { Name, type Objection, refined, word } from './codecs.js'

/** One entry as written: it allows or denies the packets that meet all its conditions. */
export type AclEntryJson =
  | {
      readonly allow: ConditionsJson
      readonly deny?: never
      /** Name of the rule; by default `allow-1`, the verb and the position from 1. */
      readonly name?: string
      /** 0–65534, smaller is tried first; by default 100 for the first entry, 101 for the second and so on. */
      readonly priority?: number
      /** Whether replies are let through whatever the other direction's entries say; by default as the policy says. */
      readonly stateful?: boolean
      /** Milliseconds without a packet after which a connection is forgotten, from 1. */
      readonly idleMs?: number
    }
  | { readonly deny: ConditionsJson; readonly allow?: never; readonly name?: string; readonly priority?: number }

/** The ACL's configuration as written. */
export interface AclJson {
  /** Entries for what the VM sends; none unless said. */
  readonly outbound?: readonly AclEntryJson[]
  /** Entries for what the VM gets; none unless said. */
  readonly inbound?: readonly AclEntryJson[]
  /** What happens to packets of either direction, IP or not, that no entry matches; `deny` unless said. ARP passes either way. */
  readonly otherwise?: 'allow' | 'deny'
  /** Whether what allows is stateful where an entry does not say; `false` unless said. */
  readonly stateful?: boolean
  /** Idle time of stateful entries that name none, milliseconds from 1; core's default (four minutes) unless said. */
  readonly idleMs?: number
}

/** One entry as read: exactly one of `allow` and `deny` is there. */
export interface AclEntry {
  readonly allow?: readonly Condition[]
  readonly deny?: readonly Condition[]
  readonly name?: string
  readonly priority?: number
  readonly stateful?: boolean
  readonly idleMs?: number
}

/** The ACL's configuration as read. */
export interface AclConfig {
  readonly outbound?: readonly AclEntry[]
  readonly inbound?: readonly AclEntry[]
  readonly otherwise?: 'allow' | 'deny'
  readonly stateful?: boolean
  readonly idleMs?: number
}

const FIRST_PRIORITY = 100
const LAST_PRIORITY = 65_535

const Idle = integer(1, 0xffff_ffff, 'milliseconds')

const objection = (entry: AclEntry): Objection | undefined => {
  if ((entry.allow === undefined) === (entry.deny === undefined)) return { reason: 'an entry either allows or denies: it has one of "allow" and "deny"' }
  if (entry.deny === undefined) return undefined
  if (entry.stateful !== undefined) return { at: 'stateful', reason: 'what is denied makes no connection: only "allow" can be stateful' }
  return entry.idleMs === undefined ? undefined : { at: 'idleMs', reason: 'what is denied makes no connection and has no idle time' }
}

const entry = refined<AclEntry, object, AclEntryJson>(
  strictlyPartial({}, {
    allow: Conditions, deny: Conditions, name: Name, priority: integer(0, LAST_PRIORITY - 1, 'a priority'), stateful: t.boolean, idleMs: Idle,
  }, 'an entry'),
  objection,
)

const codec: t.Type<AclConfig, AclJson> = strictlyPartial({}, {
  outbound: t.readonlyArray(entry), inbound: t.readonlyArray(entry), otherwise: word('allow', 'deny'), stateful: t.boolean, idleMs: Idle,
}, 'an ACL policy')

const groups = (config: AclConfig, environment: LayerEnvironment): readonly Group[] =>
  DIRECTIONS.map((direction) => ({
    name: groupName(environment),
    direction,
    rules: [...(config[direction] ?? []).map((e, i) => ruleOf(config, e, i)), ...remainder(config)],
  }))

const DIRECTIONS: readonly Direction[] = ['outbound', 'inbound']
const OTHERWISE = 'otherwise'
const ARP = 'arp'
/** Names of the rules that the layer adds, whichever of them a policy needs: so that `otherwise` may change alone. */
const OWN_NAMES = [ARP, OTHERWISE]

const ruleOf = (config: AclConfig, e: AclEntry, index: number): Rule => {
  // Equal priorities go by position, so the cap changes nothing.
  const common = { id: idOf(e, index), priority: e.priority ?? Math.min(FIRST_PRIORITY + index, LAST_PRIORITY - 1) }
  return e.deny === undefined
    ? rule(allow, {}, { ...common, when: e.allow ?? [], stateful: statefulness(config, e) })
    : rule(block, {}, { ...common, when: e.deny, terminating: true })
}

/** What catches the rest, behind all entries; of equal priorities the first wins. */
const remainder = (config: AclConfig): readonly Rule[] =>
  config.otherwise === 'allow'
    // Only IP has connections to remember; what no rule matches passes anyway.
    ? [rule(allow, {}, { id: OTHERWISE, priority: LAST_PRIORITY, when: [oneOf('etherType', [0x0800, 0x86dd])], stateful: statefulness(config, {}) })]
    : [
        rule(allow, {}, { id: ARP, priority: LAST_PRIORITY, when: [is('etherType', 0x0806)] }),
        rule(block, {}, { id: OTHERWISE, priority: LAST_PRIORITY, terminating: true }),
      ]

const statefulness = (config: AclConfig, e: AclEntry): boolean | Stateful => {
  const idleMs = e.idleMs ?? config.idleMs
  const stateful = e.stateful ?? config.stateful ?? false
  return stateful && idleMs !== undefined ? { idleUs: idleMs * 1000 } : stateful
}

const check = (config: AclConfig): readonly Problem[] =>
  DIRECTIONS.flatMap((direction) => {
    const entries = config[direction] ?? []
    return [
      ...repeatedNames(entries.map((e, i) => ({ name: idOf(e, i), path: `/${direction}/${i}${e.name === undefined ? '' : '/name'}` })), OWN_NAMES),
      ...entries.flatMap((e, i) =>
        e.idleMs !== undefined && statefulness(config, e) === false
          ? [{ path: `/${direction}/${i}/idleMs`, reason: 'only a stateful entry has an idle time' }]
          : []),
    ]
  })

const idOf = (e: AclEntry, index: number): string => e.name ?? `${e.deny === undefined ? 'allow' : 'deny'}-${index + 1}`

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
