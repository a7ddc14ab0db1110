/**
 * The security-group layer: one group of rules for each stage.
 *
 * A VM stands under several authorities at once: the operator of the cloud, the owner of the virtual network, the owner of the subnet or the
 * VM. The stages are VFP's own rule for groups (the last match decides unless one is terminating), with the four actions of DASH's stages
 * (permit and deny, each with or without continuing).
 *
 * @see VFP §5.2, §5.4; SONiC-DASH, SDN features and packet transforms, ACL
 */
import {
  allow, defineLayer, type Direction, type Group, integer, type LayerEnvironment, type LayerType, type Policy, type Problem, rule, type Rule, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import {
  type AclEntry, type AclEntryJson, denyTheRest, ENTRY, type EntryDefaults, entryObjection, entryProblems, entryRule, Idle, LAST_PRIORITY, OTHERWISE,
  statefulness,
} from './acl-entries.js'
import { Name, type Objection, refined, word } from './codecs.js'
import { DIRECTIONS, groupName, repeatedNames } from './names.js'

/** An entry of a stage as written. */
export type SecurityEntryJson = AclEntryJson & {
  /** Whether later stages are not asked any more; `true` for `deny` and `false` for `allow` unless said. */
  readonly terminating?: boolean
}

/**
 * What a stage says of packets that none of its entries matches: `deny` is terminating but lets ARP pass, `allow` is not terminating,
 * `abstain` leaves the decision to the other stages.
 */
export type StageOtherwise = 'deny' | 'allow' | 'abstain'

/** One stage as written. */
export interface SecurityStageJson {
  /** Entries for what the VM sends; none unless said. */
  readonly outbound?: readonly SecurityEntryJson[]
  /** Entries for what is sent to the VM; none unless said. */
  readonly inbound?: readonly SecurityEntryJson[]
  /** What the stage says of packets of either direction, IP or not, that no entry matches; `deny` unless said. */
  readonly otherwise?: StageOtherwise
  /** Whether what is allowed is stateful where an entry does not say; the policy's unless said, and `true` where that says nothing. */
  readonly stateful?: boolean
  /**
   * Idle time of stateful entries that have none of their own, milliseconds from 1; the policy's unless said, and core's default (240,000)
   * where that says nothing.
   */
  readonly idleMs?: number
}

/** One stage in the list of all, as written. */
export interface NamedStageJson extends SecurityStageJson {
  /** Name of the stage's group, unique in the layer, by which a handle updates the stage alone. */
  readonly name: string
  /** Smaller is walked earlier, −2^31 to 2^31 − 1, and equal ones as listed; 0 unless said. */
  readonly order?: number
}

/** The configuration as written: a list of all stages for the whole layer, or one stage for the handle of its group. */
export type SecurityGroupsJson =
  | {
      /** All stages, each name once, not all of which abstain. */
      readonly stages: readonly NamedStageJson[]
      /** Absent: entries belong to one of `stages`. */
      readonly outbound?: never
      /** Absent: entries belong to one of `stages`. */
      readonly inbound?: never
      /** Absent: it belongs to one of `stages`. */
      readonly otherwise?: never
      /** Whether what is allowed is stateful where neither a stage nor an entry says; `true` unless said. */
      readonly stateful?: boolean
      /** Idle time where neither a stage nor an entry has one, milliseconds from 1; core's default (240,000) unless said. */
      readonly idleMs?: number
    }
  | (SecurityStageJson & {
      /** Absent: this is one stage, with the name of its group. */
      readonly stages?: never
    })

/** An entry of a stage as read. */
export interface SecurityEntry extends AclEntry {
  /** Whether later stages are not asked; `true` for `deny` and `false` for `allow` unless said. */
  readonly terminating?: boolean
}

/** One stage as read. */
export interface SecurityStage {
  /** Entries for what the VM sends; none unless said. */
  readonly outbound?: readonly SecurityEntry[]
  /** Entries for what is sent to the VM; none unless said. */
  readonly inbound?: readonly SecurityEntry[]
  /** What the stage says of packets that no entry matches; `deny` unless said. */
  readonly otherwise?: StageOtherwise
  /** Whether what is allowed is stateful where an entry does not say; the policy's unless said. */
  readonly stateful?: boolean
  /** Idle time of stateful entries that have none of their own, milliseconds from 1; the policy's unless said. */
  readonly idleMs?: number
}

/** The configuration as read: that of the whole layer has `stages`, and neither entries nor `otherwise` of its own. */
export interface SecurityGroupsConfig extends SecurityStage {
  /** All stages; absent for one stage's group. */
  readonly stages?: readonly (SecurityStage & {
    /** Name of the stage's group. */
    readonly name: string
    /** Smaller is walked earlier, and equal ones as listed; 0 unless said. */
    readonly order?: number
  })[]
}

const entry = refined<SecurityEntry, object, SecurityEntryJson>(strictlyPartial({}, { ...ENTRY, terminating: t.boolean }, 'an entry'), entryObjection)

const STAGE = {
  outbound: t.readonlyArray(entry), inbound: t.readonlyArray(entry), otherwise: word('deny', 'allow', 'abstain'), stateful: t.boolean, idleMs: Idle,
}

const objection = (config: SecurityGroupsConfig): Objection | undefined => {
  const stray = config.stages && (['outbound', 'inbound', 'otherwise'] as const).find((key) => config[key] !== undefined)
  return stray === undefined ? undefined : { at: stray, reason: 'belongs into one of "stages"' }
}

const codec: t.Type<SecurityGroupsConfig, SecurityGroupsJson> = refined<SecurityGroupsConfig, object, SecurityGroupsJson>(
  strictlyPartial({}, {
    stages: t.readonlyArray(strictlyPartial({ name: Name }, { order: integer(-0x8000_0000, 0x7fff_ffff, 'an order'), ...STAGE }, 'a stage')), ...STAGE,
  }, 'a security-group policy'),
  objection,
)

const groups = (config: SecurityGroupsConfig, environment: LayerEnvironment): readonly Group[] => {
  const { stages = [{ ...config, name: groupName(environment) }] } = config
  return stages.flatMap((stage) => DIRECTIONS.map((direction): Group => ({
    name: stage.name,
    direction,
    ...('order' in stage ? { order: stage.order } : {}),
    rules: rulesOf(stage, direction, defaultsOf(stage, config)),
  })))
}

const rulesOf = (stage: SecurityStage, direction: Direction, defaults: EntryDefaults): readonly Rule[] => [
  ...(stage[direction] ?? []).map((e, i) => entryRule(e, i, defaults, e.terminating ?? e.deny !== undefined)),
  ...otherwiseOf(stage.otherwise ?? 'deny', defaults),
]

const otherwiseOf = (otherwise: StageOtherwise, defaults: EntryDefaults): readonly Rule[] => {
  switch (otherwise) {
    case 'deny': return denyTheRest
    // Of all packets, not of IP alone: an earlier stage may have denied them softly.
    case 'allow': return [rule(allow, {}, { id: OTHERWISE, priority: LAST_PRIORITY, stateful: statefulness(defaults) })]
    case 'abstain': return []
  }
}

const defaultsOf = (stage: SecurityStage, config: SecurityGroupsConfig): EntryDefaults => {
  const idleMs = stage.idleMs ?? config.idleMs
  return { stateful: stage.stateful ?? config.stateful ?? true, ...(idleMs === undefined ? {} : { idleMs }) }
}

const check = (config: SecurityGroupsConfig, environment: LayerEnvironment): readonly Problem[] => {
  const { stages } = config
  const listed = stages?.map((stage, i) => ({ stage, path: `/stages/${i}` })) ?? [{ stage: config, path: '' }]
  return [
    ...listed.flatMap(({ stage, path }) =>
      DIRECTIONS.flatMap((direction) => entryProblems(stage[direction] ?? [], `${path}/${direction}`, defaultsOf(stage, config)))),
    ...repeatedNames((stages ?? []).map(({ name }, i) => ({ name, path: `/stages/${i}/name` }))),
    // One stage of several may abstain; who updates it by its handle does not show the others.
    ...(environment.group === undefined && listed.every(({ stage }) => stage.otherwise === 'abstain')
      ? [{ path: stages === undefined ? '/otherwise' : '/stages', reason: NOBODY }]
      : []),
  ]
}

const NOBODY = 'every stage abstains: what no entry matches would pass; let one say "otherwise": "deny" or "allow"'

const layer = defineLayer({ name: 'security-groups', codec, groups, check })

/**
 * A stateful firewall in stages, at the place of {@link acl}: order 20 in the paper's stack.
 *
 * Each authority over a VM has a stage, a list of entries for either direction, and updates it alone by the handle of its group. Stages are walked in
 * order, and in each the first entry that matches says one of four things:
 *
 * | Entry | Says | If a later stage matches too |
 * |---|---|---|
 * | `allow` | may pass | that one decides |
 * | `allow`, `terminating: true` | passes | is not asked |
 * | `deny`, `terminating: false` | may not pass | that one decides |
 * | `deny` | does not pass | is not asked |
 *
 * A stage of which no entry matches says `deny` (terminating), `allow` (not terminating), or abstains, and then the other stages decide. A policy whose
 * stages all abstain is refused: a packet that no entry matches would pass. With handles the caller has to see to it that one stage does not
 * abstain.
 *
 * With {@link acl} every group must allow, in any order, and no group can exempt a packet from the next. Here an early stage can let through
 * packets that no later one may stop, such as the platform's probes, and can deny packets that a later one may allow. What is allowed is stateful
 * unless an entry says no. The rule that decided says whether the connection is remembered; its packets then skip all stages until one
 * of them changes.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { securityGroups } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * const security = orThrow(vm.addLayer(securityGroups.layer, { order: 20 }))
 * orThrow(security.update(securityGroups.policy({
 *   stages: [
 *     { name: 'platform', outbound: [{ allow: { dstIp: '168.63.129.16' }, terminating: true }], otherwise: 'allow' },
 *     { name: 'vm', outbound: [{ allow: { proto: 'tcp', dstPort: 443 } }] },
 *   ],
 * })))
 *
 * const to = (dstIp: string) => orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.4', dstIp, dstPort: 80 }))
 * console.log(vm.explain('outbound', to('168.63.129.16')).verdict)
 * console.log(vm.explain('outbound', to('198.51.100.7')).verdict)
 * ```
 *
 * ```text output
 * continue
 * drop Denied
 * ```
 *
 * Drops: `Denied`.
 *
 * Refused: an entry with both or neither of `allow` and `deny`, unknown fields and bad values in conditions, a name twice in one list, an idle time on
 * an entry that is not stateful, entries beside `stages`, stages that all abstain.
 *
 * @see VFP §5.4
 */
export const securityGroups: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'security-groups', SecurityGroupsConfig, SecurityGroupsJson>
  /** Returns the policy of a configuration, for `update` of the layer or of one stage's group, which checks it. */
  readonly policy: (config: SecurityGroupsJson) => Policy<'security-groups'>
} = { layer, policy: layer.policy }
