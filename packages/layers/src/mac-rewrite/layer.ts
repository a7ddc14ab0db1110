/**
 * The MAC-rewrite layer: sets the Ethernet addresses of frames that leave one segment for another.
 *
 * A network that routes between VMs has no wire that they share, so each side has to see addresses that are valid there: outbound the
 * gateway's MAC as destination, inbound the VM's own. A table is one rule for each address, found by hash, so its size costs memory and no time.
 *
 * @see VFP §5.3.2 on header modification, §6.1.2
 */
import {
  allow, type Condition, defineLayer, defineRuleType, formatIp, type Group, is, type LayerEnvironment, type LayerType, type Mac, MacText, modify,
  oneOf, type Policy, type Problem, proceed, rule, type Rule, type RuleType, strictlyPartial,
} from '@vfp-ts/core'
import { toMany } from '../group-macs.js'
import { DIRECTIONS, groupName, repeatedNames } from '../names.js'
import { codec, isTable, type MacEntry, type MacRewriteConfig, type MacRewriteJson, type MacTable, type MacValue } from './config.js'

/** The MACs a rule sets. */
export interface MacChange {
  /** The new source; kept unless said. */
  readonly srcMac?: Mac
  /** The new destination; kept unless said. */
  readonly dstMac?: Mac
}

/** Rule type that sets the MACs of the outermost header group. */
export const rewriteMac: RuleType<'rewrite-mac', MacChange, object, undefined> = defineRuleType({
  name: 'rewrite-mac',
  config: strictlyPartial({}, { srcMac: MacText, dstMac: MacText }, 'MACs to set'),
  decide: (change) => proceed(modify(change)),
})

const TO_MANY = 'to-many'

const groups = (config: MacRewriteConfig, environment: LayerEnvironment): readonly Group[] =>
  DIRECTIONS.map((direction) => ({
    name: groupName(environment),
    direction,
    rules: [
      // Of priority 0 and first in its group: before every entry.
      ...(config.multicast === true ? [] : [rule(allow, {}, { id: TO_MANY, priority: 0, when: [toMany] })]),
      ...(config[direction] ?? []).flatMap((entry, i) => rulesOf(entry, i, environment.port.mac)),
    ],
  }))

const rulesOf = (entry: MacEntry, index: number, own: Mac): readonly Rule[] => {
  const named = (entry.when ?? []).some(({ field }) => field === 'etherType')
  const when = [...(entry.when ?? []), ...(named ? [] : [onlyIp])]
  const priority = entry.priority ?? Math.min(100 + index, 65_534)
  const id = idOf(entry, index)
  const table = isTable(entry.srcMac) ? entry.srcMac : isTable(entry.dstMac) ? entry.dstMac : undefined
  if (table === undefined) return [rule(rewriteMac, changeOf(entry, own), { id, priority, when })]
  return table.table.map((row) =>
    rule(rewriteMac, changeOf(entry, own, row), { id: `${id}/${formatIp(row.ip)}`, priority, when: [is(table.by, row.ip), ...when] }))
}

const onlyIp: Condition = oneOf('etherType', [0x0800, 0x86dd])

const changeOf = ({ srcMac, dstMac }: MacEntry, own: Mac, row?: MacTable['table'][number]): MacChange => ({
  ...(srcMac === undefined ? {} : { srcMac: macOf(srcMac, own, row) }),
  ...(dstMac === undefined ? {} : { dstMac: macOf(dstMac, own, row) }),
})

const macOf = (value: MacValue, own: Mac, row: MacTable['table'][number] | undefined): Mac =>
  value === 'port' ? own : typeof value === 'number' ? value : row?.mac ?? own

const check = (config: MacRewriteConfig): readonly Problem[] =>
  DIRECTIONS.flatMap((direction) =>
    repeatedNames((config[direction] ?? []).map((e, i) => ({ name: idOf(e, i), path: `/${direction}/${i}${e.name === undefined ? '' : '/name'}` })), [TO_MANY]))

const idOf = (entry: MacEntry, index: number): string => entry.name ?? `entry-${index + 1}`

const layer = defineLayer({ name: 'mac-rewrite', codec, groups, check })

/**
 * Rewrites Ethernet addresses, in both directions, by conditions or by tables of IP addresses. It stands on the VM's side of a layer that puts
 * tunnels around frames, such as at order 35, else it changes the tunnel's addresses.
 *
 * The first entry that matches sets source, destination or both; a packet that no entry matches stays as it is. The layer keeps no
 * connections: each direction has its own entries. Three kinds of packet stay as they are unless an entry asks for them:
 *
 * - ARP and other frames that are not IP, whose payload repeats the addresses of the header (an entry that names `etherType` may match);
 * - frames for broadcast and multicast MACs, because an entry for a gateway would send a DHCP discovery to one station (unless `multicast`);
 * - packets with an address that an entry's table does not hold: the next entries are tried.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { macRewrite } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * orThrow(orThrow(vm.addLayer(macRewrite.layer, { order: 35 })).update(macRewrite.policy({
 *   outbound: [{ dstMac: { by: 'dstIp', table: { '10.0.1.5': '00:15:5d:00:00:05' } } }, { dstMac: '12:34:56:78:9a:bc' }],
 *   inbound: [{ srcMac: '12:34:56:78:9a:bc', dstMac: 'port' }],
 * })))
 *
 * const to = (dstIp: string) => orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.1.4', dstIp, dstMac: '02:00:00:00:00:01' }))
 * console.log(vm.explain('outbound', to('10.0.1.5')).transposition)
 * console.log(vm.explain('outbound', to('198.51.100.7')).transposition)
 * ```
 *
 * ```text output
 * 0: dstMac=00:15:5d:00:00:05
 * 0: dstMac=12:34:56:78:9a:bc
 * ```
 *
 * Drops: none.
 *
 * Refused: an entry that sets nothing or has two tables, malformed addresses, one address twice in a table, a name twice.
 *
 * @see VFP §5.3.2
 */
export const macRewrite: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'mac-rewrite', MacRewriteConfig, MacRewriteJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: MacRewriteJson) => Policy<'mac-rewrite'>
} = { layer, policy: layer.policy }
