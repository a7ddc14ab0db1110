/**
 * The meter layer: one counting rule for each prefix and direction, matched by longest prefix.
 *
 * @see VFP §3, §5.2, §6.2
 */
import {
  count, defineLayer, formatPrefix, type Group, inPrefix, type IpPrefix, type LayerEnvironment, type LayerType, type Policy, Prefix,
  type Problem, rule, strictly, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { groupName, repeatedNames } from './names.js'
import { Name, orText } from './codecs.js'

/** A prefix with counters of its own, as written: an object, or the prefix alone, which then is the name as well. */
export type MeteredPrefixJson = string | {
  /** The remote addresses that are counted, IPv4 or IPv6, such as `10.0.0.0/16`. */
  readonly prefix: string
  /** Name of its rules and their counters, once a policy; the prefix unless said. Counters go on through updates while the name stays. */
  readonly name?: string
}

/** The meter's configuration as written. */
export interface MeterJson {
  /** Prefixes with counters of their own, each once; the longest that holds a packet's remote address counts the packet. */
  readonly prefixes: readonly MeteredPrefixJson[]
}

/** A prefix with counters of its own, as read. */
export interface MeteredPrefix {
  /** The remote addresses that are counted. */
  readonly prefix: IpPrefix
  /** Name of its rules; the prefix unless said. */
  readonly name?: string
}

/** The meter's configuration as read. */
export interface MeterConfig {
  /** Prefixes with counters of their own, each once. */
  readonly prefixes: readonly MeteredPrefix[]
}

const metered: t.Type<MeteredPrefix, MeteredPrefixJson> = orText(
  strictlyPartial({ prefix: Prefix }, { name: Name }, 'a metered prefix'),
  Prefix,
  (prefix): MeteredPrefix => ({ prefix }),
  (m) => (m.name === undefined ? m.prefix : undefined),
)

const codec: t.Type<MeterConfig, MeterJson> = strictly({ prefixes: t.readonlyArray(metered) }, 'a meter policy')

/**
 * The counter is chosen by the remote address: the destination of what the VM sends, the source of what it gets.
 * A counter keeps its state across updates while its name stays.
 */
const groups = (config: MeterConfig, environment: LayerEnvironment): readonly Group[] =>
  ([['outbound', 'dstIp'], ['inbound', 'srcIp']] as const).map(([direction, remote]) => ({
    name: groupName(environment),
    direction,
    match: { longestPrefix: remote },
    rules: config.prefixes.map((metered) =>
      rule(count, {}, { id: idOf(metered), when: [inPrefix(remote, metered.prefix.address, metered.prefix.length)] })),
  }))

const check = (config: MeterConfig): readonly Problem[] => {
  const twice = repeatedNames(config.prefixes.map((m, i) => ({ name: formatPrefix(m.prefix), path: `/prefixes/${i}` })))
  return twice.length > 0 ? twice : repeatedNames(config.prefixes.map((m, i) => ({ name: idOf(m), path: `/prefixes/${i}${m.name === undefined ? '' : '/name'}` })))
}

const idOf = (metered: MeteredPrefix): string => metered.name ?? formatPrefix(metered.prefix)

const layer = defineLayer({ name: 'meter', codec, groups, check })

/**
 * Counts packets and bytes per remote prefix, for billing, nearest the VM: order 10 in the paper's stack.
 *
 * It counts what the VM itself sees: lengths without any tunnel, addresses before NAT outbound and after it inbound. The remote address is the
 * destination of packets that the VM sends and the source of those that it gets; the longest prefix that holds it counts the packet.
 * Packets without an IP header, and those that no prefix holds, pass uncounted. A counter goes on through updates while its name stays.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { meter } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * const billing = orThrow(vm.addLayer(meter.layer, { order: 10 }))
 * orThrow(billing.update(meter.policy({ prefixes: [{ name: 'peers', prefix: '10.0.0.0/16' }, '0.0.0.0/0', '::/0'] })))
 * vm.process('outbound', orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.4', dstIp: '10.0.1.5' })))
 * console.log(billing.rules().filter(({ packets }) => packets > 0).map(({ rule, state }) => `${rule}: ${JSON.stringify(state)}`).join())
 * ```
 *
 * Drops: none.
 *
 * Refused: malformed prefixes, the same prefix or name twice.
 *
 * @see VFP §5.2, §6.2
 */
export const meter: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'meter', MeterConfig, MeterJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: MeterJson) => Policy<'meter'>
} = { layer, policy: layer.policy }
