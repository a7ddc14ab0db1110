/**
 * What rules have to do with tunnels, and the tunnel ends that follow from it.
 *
 * A rule that removes tunnels makes an end of its port: its conditions say to which address, on which UDP port and in which kind of
 * tunnel a frame has to come. So does a stateful rule that puts tunnels around what leaves, as the answers come back in tunnels of
 * their own. A rule type says so in its `tunnels`; here that and the rule's conditions become {@link TunnelEnd}s, when policy is published.
 *
 * Conditions of the rule and of its group narrow an end by fields of the tunnel's own outer header: `dstIp`, `dstPort`, `tunnel`, `proto`,
 * `vni` (which plain GRE has not). `tunnel` and `dstPort` together name a kind on another UDP port than its standard one. All else about them narrows the rule, not the end: what comes to an end and meets no rule is
 * a tunnel that nobody takes.
 */
import { type FieldName, resolveField } from '../flow/field.js'
import type { Direction } from '../flow/flow-id.js'
import type { IpPrefix } from '../wire/address.js'
import { IpProtocol } from '../wire/ip-protocol.js'
import type { TunnelEnd } from '../wire/tunnel-ends.js'
import { Tunnel } from '../wire/tunnel-kind.js'
import { UdpPort } from '../wire/udp.js'
import { commonPrefixes, prefixesOf } from './address-set.js'
import { type Condition, compareWords, type Match, matchSpan, scalarWords } from './condition.js'

/** What rules of a type have to do with tunnels. */
export interface TunnelUse {
  /**
   * The tunnels that the rule removes from a packet it decides on, outermost first; each as far as the rule's configuration says
   * where it ends. Counts for inbound rules, whose conditions narrow it.
   */
  readonly removes?: readonly TunnelEnd[]
  /** Where the answers to packets end that the rule puts into tunnels: at its own addresses. Counts for stateful outbound rules. */
  readonly answers?: readonly TunnelEnd[]
}

/** A rule, as far as tunnels are concerned. */
export interface TunnelRule {
  readonly conditions: readonly Condition[]
  readonly stateful: object | undefined
  readonly tunnels: TunnelUse | undefined
}

/** The tunnel ends that a rule makes of its port, in a group of this direction with these conditions. */
export const tunnelEndsOf = (rule: TunnelRule, direction: Direction, when: readonly Condition[]): readonly TunnelEnd[] => {
  const { tunnels, stateful } = rule
  if (tunnels === undefined) return []
  if (direction === 'outbound') return stateful === undefined ? [] : tunnels.answers ?? []
  const conditions = [...when, ...rule.conditions]
  return (tunnels.removes ?? []).flatMap((end, group) => narrowed(end, conditionsOn(conditions, group)))
}

type Narrow = (field: FieldName) => readonly (readonly Match[])[]

/** The values that conditions on fields of one header group ask for, by field. */
const conditionsOn = (conditions: readonly Condition[], group: number): Narrow => (name) =>
  conditions.flatMap(({ field, values }) => {
    const resolved = resolveField(field)
    return resolved?.group === group && resolved.field.name === name ? [values] : []
  })

const narrowed = (end: TunnelEnd, on: Narrow): readonly TunnelEnd[] => {
  const kinds = KINDS.filter((kind) => (end.kind ?? kind) === kind && (end.udpPort === undefined || end.kind !== undefined || IN_UDP[kind]) && admits(kind, on))
  const ports = portsOf(end, kinds, on)
  const given = end.ip === undefined ? undefined : [prefixOf(end.ip)]
  const addresses = on('dstIp').reduce<readonly IpPrefix[] | undefined>((soFar, values) => commonPrefixes(soFar, prefixesOf(values)), given)
  return ports.flatMap((port) => (addresses === undefined ? [port] : addresses.map((ip) => ({ ...port, ip }))))
}

const admits = (kind: Kind, on: Narrow): boolean =>
  allows(on('tunnel'), 'tunnel', NUMBERS[kind]) && allows(on('proto'), 'proto', IN_UDP[kind] ? IpProtocol.Udp : IpProtocol.Gre) &&
  !(kind === 'gre' && on('vni').length > 0) && !(!IN_UDP[kind] && on('dstPort').length > 0)

/**
 * The kinds that are left, each with the UDP ports that are: the standard ones as far as the conditions admit them, and of one kind alone
 * those that are named. A port without a kind beside it opens nothing, as it would not say what is behind it.
 */
const portsOf = (end: TunnelEnd, kinds: readonly Kind[], on: Narrow): readonly TunnelEnd[] => {
  const asked = on('dstPort')
  if (asked.length === 0) return kinds.map((kind) => (IN_UDP[kind] && end.udpPort !== undefined ? { kind, udpPort: end.udpPort } : { kind }))
  const named = asked.flat().flatMap((match) => (match._tag === 'Value' && typeof match.value === 'number' ? [match.value] : []))
  return kinds.flatMap((kind) => {
    const standard = kind === 'geneve' ? UdpPort.Geneve : UdpPort.Vxlan
    const candidates = end.udpPort !== undefined ? [end.udpPort] : new Set([standard, ...(kinds.length === 1 ? named : [])])
    return [...candidates].filter((port) => allows(asked, 'dstPort', port)).map((udpPort) => ({ kind, udpPort }))
  })
}

/** Whether every one of these conditions, if there are any, has this number among its values. */
const allows = (all: readonly (readonly Match[])[], name: FieldName, value: number): boolean => {
  const field = resolveField(name)?.field
  const words = scalarWords(value)
  return field !== undefined && all.every((values) => values.some((match) => {
    const span = matchSpan(field, match)
    return span !== undefined && compareWords(span.from, words) <= 0 && compareWords(words, span.to) <= 0
  }))
}

const prefixOf = (ip: NonNullable<TunnelEnd['ip']>): IpPrefix => ('words' in ip ? { address: ip, length: ip.version === 4 ? 32 : 128 } : ip)

type Kind = NonNullable<TunnelEnd['kind']>
const KINDS: readonly Kind[] = ['vxlan', 'nvgre', 'geneve', 'gre']
const NUMBERS: Readonly<Record<Kind, number>> = { vxlan: Tunnel.Vxlan, nvgre: Tunnel.Nvgre, geneve: Tunnel.Geneve, gre: Tunnel.Gre }
const IN_UDP: Readonly<Record<Kind, boolean>> = { vxlan: true, geneve: true, nvgre: false, gre: false }
