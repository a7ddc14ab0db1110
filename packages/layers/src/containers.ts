/**
 * The container layer: one group for each container, under the condition that the VM's side of the packet is one of its addresses.
 *
 * Containers share the VM's NIC, and so its port; the address tells them apart. A group whose condition fails is skipped whole: a
 * container's entries name only the far side, and cost packets of other containers one comparison. The group is also the unit that changes
 * alone: each container has a handle.
 *
 * @see VFP §5.4
 */
import {
  allow, block, defineLayer, type Direction, formatIp, type Group, Ip, type IpAddress, type LayerEnvironment, type LayerType, oneOf, type Policy, type Problem,
  rule, type Rule, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import {
  type AclEntry, type AclEntryJson, denyTheRest, Entry, type EntryDefaults, entryProblems, entryRule, Idle, LAST_PRIORITY, OTHERWISE, statefulness,
} from './acl-entries.js'
import { Name, type Objection, oneOrMore, refined, word } from './codecs.js'
import { DIRECTIONS, groupName, repeatedNames } from './names.js'

/** One container as written. */
export interface ContainerJson {
  /** The container's address, or several, of either IP version. No two containers of a policy have the same. */
  readonly ip: string | readonly string[]
  /** Entries for what the container sends; none unless said. */
  readonly outbound?: readonly AclEntryJson[]
  /** Entries for what is sent to the container; none unless said. */
  readonly inbound?: readonly AclEntryJson[]
  /** What happens to packets of this container that no entry matches; `deny` unless said. */
  readonly otherwise?: 'allow' | 'deny'
  /** Whether what is allowed is stateful where an entry does not say; the policy's unless said, and `true` where that says nothing. */
  readonly stateful?: boolean
  /**
   * Idle time of stateful entries that have none of their own, milliseconds from 1; the policy's unless said, and core's default (240,000)
   * where that says nothing.
   */
  readonly idleMs?: number
}

/** The configuration as written: a list of all containers for the whole layer, or one container for the handle of its group. */
export type ContainersJson =
  | {
      /** All containers; each address and each name once. */
      readonly containers: readonly (ContainerJson & {
        /** Name of the container's group, by which a handle updates the container alone. Not `otherwise`. */
        readonly name: string
      })[]
      /** What happens to packets of no container, of either direction, IP or not; `deny` unless said. ARP passes in both cases. */
      readonly otherwise?: 'allow' | 'deny'
      /** Whether what is allowed is stateful where neither a container nor an entry says; `true` unless said. */
      readonly stateful?: boolean
      /** Idle time where neither a container nor an entry has one, milliseconds from 1; core's default (240,000) unless said. */
      readonly idleMs?: number
      /** Absent: addresses belong to one of `containers`. */
      readonly ip?: never
      /** Absent: entries belong to one of `containers`. */
      readonly outbound?: never
      /** Absent: entries belong to one of `containers`. */
      readonly inbound?: never
    }
  | (ContainerJson & {
      /** Absent: this is one container, with the name of its group. */
      readonly containers?: never
    })

/** One container as read. */
export interface Container {
  /** Addresses of the container, at least one. */
  readonly ip: readonly IpAddress[]
  /** Entries for what the container sends; none unless said. */
  readonly outbound?: readonly AclEntry[]
  /** Entries for what is sent to the container; none unless said. */
  readonly inbound?: readonly AclEntry[]
  /** What happens to packets of this container that no entry matches; `deny` unless said. */
  readonly otherwise?: 'allow' | 'deny'
  /** Whether what is allowed is stateful where an entry does not say; the policy's unless said. */
  readonly stateful?: boolean
  /** Idle time of stateful entries that have none of their own, milliseconds from 1; the policy's unless said. */
  readonly idleMs?: number
}

/** The configuration as read: that of the whole layer has `containers`, that of one container `ip`. */
export interface ContainersConfig extends Omit<Container, 'ip'> {
  /** All containers; absent for one container's group. */
  readonly containers?: readonly (Container & {
    /** Name of the container's group. */
    readonly name: string
  })[]
  /** Addresses of the one container, at least one; absent for the whole layer. */
  readonly ip?: readonly IpAddress[]
}

const FIREWALL = {
  outbound: t.readonlyArray(Entry), inbound: t.readonlyArray(Entry), otherwise: word('allow', 'deny'), stateful: t.boolean, idleMs: Idle,
}

const objection = (config: ContainersConfig): Objection | undefined => {
  if (config.containers === undefined) return config.ip === undefined ? { reason: 'has neither "containers" nor, for one of them, "ip"' } : undefined
  const stray = (['ip', 'outbound', 'inbound'] as const).find((key) => config[key] !== undefined)
  return stray === undefined ? undefined : { at: stray, reason: 'belongs into one of "containers"' }
}

const codec: t.Type<ContainersConfig, ContainersJson> = refined<ContainersConfig, object, ContainersJson>(
  strictlyPartial({}, {
    containers: t.readonlyArray(strictlyPartial({ name: Name, ip: oneOrMore(Ip) }, FIREWALL, 'a container')), ip: oneOrMore(Ip), ...FIREWALL,
  }, 'a container policy'),
  objection,
)

const groups = (config: ContainersConfig, environment: LayerEnvironment): readonly Group[] => {
  const { containers, ip } = config
  if (containers === undefined) return ip === undefined ? [] : groupsOf(groupName(environment), { ...config, ip }, config)
  return [...containers.flatMap((container) => groupsOf(container.name, container, config)), ...rest(config.otherwise ?? 'deny')]
}

const groupsOf = (name: string, container: Container, config: ContainersConfig): readonly Group[] =>
  DIRECTIONS.map((direction) => ({
    name,
    direction,
    when: [oneOf(OWN_SIDE[direction], container.ip)],
    rules: rulesOf(container, direction, defaultsOf(container, config)),
  }))

/** The field with the VM's side of a packet. */
const OWN_SIDE = { outbound: 'srcIp', inbound: 'dstIp' } as const

const rulesOf = (container: Container, direction: Direction, defaults: EntryDefaults): readonly Rule[] => [
  ...(container[direction] ?? []).map((e, i) => entryRule(e, i, defaults, true)),
  container.otherwise === 'allow'
    ? rule(allow, {}, { id: OTHERWISE, priority: LAST_PRIORITY, terminating: true, stateful: statefulness(defaults) })
    : rule(block, {}, { id: OTHERWISE, priority: LAST_PRIORITY, terminating: true }),
]

/** Behind all containers, whatever order they are given. */
const LAST_ORDER = 0x7fff_ffff

const rest = (otherwise: 'allow' | 'deny'): readonly Group[] =>
  DIRECTIONS.map((direction) => ({
    name: OTHERWISE,
    direction,
    order: LAST_ORDER,
    rules: otherwise === 'deny' ? denyTheRest : [rule(allow, {}, { id: OTHERWISE, priority: LAST_PRIORITY })],
  }))

const defaultsOf = (container: Omit<Container, 'ip'>, config: ContainersConfig): EntryDefaults => {
  const idleMs = container.idleMs ?? config.idleMs
  return { stateful: container.stateful ?? config.stateful ?? true, ...(idleMs === undefined ? {} : { idleMs }) }
}

const check = (config: ContainersConfig, { group }: LayerEnvironment): readonly Problem[] => {
  const { containers } = config
  if (containers === undefined) {
    return [
      ...(group === undefined ? [{ path: '/ip', reason: 'one container alone is for the handle of its group; list it in "containers"' }] : []),
      ...(group === OTHERWISE ? [{ path: '', reason: `"${OTHERWISE}" is the group of packets of no container, and is updated with the whole layer` }] : []),
      ...problemsOf(config, '', config),
    ]
  }
  return [
    ...repeatedNames(containers.map(({ name }, i) => ({ name, path: `/containers/${i}/name` })), [OTHERWISE], 'group'),
    ...repeatedNames(containers.flatMap(({ ip }, i) => ip.map((a) => ({ name: formatIp(a), path: `/containers/${i}/ip` })))),
    ...containers.flatMap((container, i) => problemsOf(container, `/containers/${i}`, config)),
  ]
}

const problemsOf = (container: Omit<Container, 'ip'>, path: string, config: ContainersConfig): readonly Problem[] =>
  DIRECTIONS.flatMap((direction) => entryProblems(container[direction] ?? [], `${path}/${direction}`, defaultsOf(container, config)))

const layer = defineLayer({ name: 'containers', codec, groups, check })

/**
 * A firewall for each container of a VM, at the place of {@link acl}: order 20 in the paper's stack.
 *
 * Entries are those of {@link acl}, and each is terminating: the first that matches decides for its container. Packets of no container, from or
 * to an unknown address or not IP, come to the group `otherwise` behind all others, whatever their order. IPv6 neighbour discovery from
 * link-local addresses is there, unless a container's `ip` names them.
 *
 * The handle of a group updates one container. Update the whole layer first, with no containers if there are none yet: only that adds the
 * group `otherwise`.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { containers } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * const layer = orThrow(vm.addLayer(containers.layer, { order: 20 }))
 * orThrow(layer.update(containers.policy({
 *   containers: [{ name: 'web', ip: ['10.0.1.10', 'fd00::10'], inbound: [{ allow: { proto: 'tcp', dstPort: 443 } }] }],
 * })))
 * orThrow(layer.group('db').update(containers.policy({ ip: '10.0.1.11', inbound: [{ allow: { srcIp: '10.0.1.10', dstPort: 5432 } }] })))
 *
 * const to = (dstIp: string, dstPort: number) => orThrow(buildFrame({ proto: 'tcp', srcIp: '198.51.100.7', dstIp, dstPort }))
 * console.log(vm.explain('inbound', to('10.0.1.10', 443)).verdict)
 * console.log(vm.explain('inbound', to('10.0.1.11', 5432)).verdict)
 * ```
 *
 * ```text output
 * continue
 * drop Denied
 * ```
 *
 * Drops: `Denied`.
 *
 * Refused: what {@link acl} refuses of entries, a name or an address twice, a container named `otherwise`, one container given for the whole
 * layer.
 *
 * @see VFP §5.4
 */
export const containers: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'containers', ContainersConfig, ContainersJson>
  /** Returns the policy of a configuration, for `update` of the layer or of one container's group, which checks it. */
  readonly policy: (config: ContainersJson) => Policy<'containers'>
} = { layer, policy: layer.policy }
