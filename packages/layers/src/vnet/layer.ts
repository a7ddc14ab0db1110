/**
 * The VNET layer, as VL2 has it on every host: a tenant's own address space over a network that knows nothing of it.
 *
 * Customer addresses (CA) stand on the VM's side of the layer, physical ones (PA) on the network's. Inbound, a group is either by priority or by
 * longest prefix; here the length of a route is made the priority, because tunnels are judged before it.
 *
 * @see VFP §1.1, §5.2, §5.4, §5.5; RFC 7348; RFC 7637; RFC 8926; RFC 6040; RFC 3704 on taking packets only from where one could send
 */
import {
  allow, anyOf, between, block, type Condition, decap, defineLayer, formatPrefix, type Group, inPrefix, type IpPrefix, is, type LayerEnvironment, type LayerType, oneOf,
  type Policy, type Problem, rule, type Rule,
} from '@vfp-ts/core'
import { handedBack, SERVICE } from '../handed.js'
import { groupName, repeatedNames } from '../names.js'
import { inTunnel, outerHeaderOf } from '../underlay.js'
import { codec, type VnetConfig, type VnetDirectory, type VnetJson, type VnetRoute } from './config.js'
import { cutOut, cutOutName } from './link-scope.js'
import { vnetRoute, type VnetRouteConfig } from './route.js'

const NO_ROUTE = 'no-route'
const NOT_IP = 'not-ip'

const groups = (config: VnetConfig, environment: LayerEnvironment): readonly Group[] => {
  const directory = directoryOf(config, environment)
  const name = groupName(environment)
  return [
    { name, direction: 'inbound', rules: inbound(config) },
    {
      name,
      direction: 'outbound',
      match: { longestPrefix: 'dstIp' },
      rules: directory === undefined ? [] : [
        ...config.routes.map((route) => outbound(config, route, directory)),
        ...(config.arp === true ? config.routes.filter(answersArp).map((route) => arp(config, route, directory)) : []),
        ...cutOut(config.routes).map((prefix) => rule(block, { reason: 'NoRoute' }, { id: cutOutName(prefix), when: [inPrefix('dstIp', prefix.address, prefix.length)] })),
        // Without a prefix these two are as long as a default route, and give way to one by their priority.
        rule(block, { reason: 'NoRoute' }, { id: NO_ROUTE, priority: 65_534, when: [oneOf('etherType', [0x0800, 0x86dd])] }),
        rule(block, { reason: 'NotIp' }, { id: NOT_IP, priority: 65_535 }),
      ],
    },
  ]
}

const outbound = (config: VnetConfig, route: VnetRoute, directory: VnetDirectory): Rule => {
  const options = { id: idOf(route), when: [inPrefix('dstIp', route.prefix.address, route.prefix.length)] }
  switch (route.to ?? 'vnet') {
    case 'internet': return rule(allow, {}, options)
    case 'service': return rule(allow, {}, { ...options, handsTo: SERVICE })
    case 'drop': return rule(block, { reason: 'RouteDrop' }, options)
    case 'vnet': return rule(vnetRoute, intoNetwork(config, route, directory), options)
  }
}

const intoNetwork = (config: VnetConfig, route: VnetRoute, directory: VnetDirectory): VnetRouteConfig => ({
  vni: config.vni,
  underlay: config.underlay,
  directory,
  ...(route.vni === undefined ? {} : { lookupVni: route.vni }),
  ...(route.via === undefined ? {} : { via: route.via }),
  ...(config.encap === undefined ? {} : { encap: config.encap }),
  ...outerHeaderOf(config),
})

/** Whether ARP can be asked and answered along a route: on the network itself, and of IPv4. */
const answersArp = ({ to, via, prefix }: VnetRoute): boolean => (to === undefined || to === 'vnet') && via === undefined && prefix.address.version === 4

/** Answers to ARP go where a packet to who asked would. ARP has no destination address, so that here, too, length is made the priority. */
const arp = (config: VnetConfig, route: VnetRoute, directory: VnetDirectory): Rule =>
  rule(vnetRoute, intoNetwork(config, route, directory), {
    id: arpIdOf(route), priority: 1000 - route.prefix.length, when: [is('arpOperation', ARP_REPLY), inPrefix('arpTarget', route.prefix.address, route.prefix.length)],
  })

const ARP_REPLY = 2

const arpIdOf = (route: VnetRoute): string => `arp to ${idOf(route)}`

const anyTunnel: Condition = between('vni', 0, 0xff_ffff)

/** Tunnels of the network are removed whatever their kind; where UDP ports are said, each kind has a rule, since not all have a port. */
const removal = (config: VnetConfig): readonly Rule[] => {
  const { vni, underlay, ports } = config
  if (ports === undefined) return [rule(decap, {}, { id: 'decap', priority: 100, when: [is('vni', vni), oneOf('dstIp', underlay)] })]
  return (['vxlan', 'geneve', 'nvgre'] as const).map((kind) => rule(decap, {}, { id: `decap ${kind}`, priority: 100, when: inTunnel(kind, vni, config) }))
}

const inbound = (config: VnetConfig): readonly Rule[] => [
  ...removal(config),
  rule(block, { reason: 'WrongTenant' }, { id: 'wrong-tenant', priority: 200, when: [anyTunnel] }),
  ...(config.routes.some(isPlain) ? config.routes.map(plain) : []),
  ...linkScope(cutOut(config.routes)),
  rule(block, { reason: 'NotTunnelled' }, { id: 'not-tunnelled', priority: 65_535 }),
]

/** Whether frames leave this layer plain by a route, and so come back. */
const isPlain = ({ to }: VnetRoute): boolean => to === 'internet' || to === 'service'

/** Plain frames of the underlay's own links: from their addresses, or to what would be all of them. */
const linkScope = (prefixes: readonly IpPrefix[]): readonly Rule[] => (prefixes.length === 0 ? [] : [
  rule(block, { reason: 'NotTunnelled' }, { id: 'to link', priority: 300, when: [anyOf('dstIp', prefixes.map(({ address, length }) => ({ _tag: 'Prefix', value: address, length })))] }),
  ...prefixes.map((prefix) => rule(block, { reason: 'NotTunnelled' }, {
    id: `from ${cutOutName(prefix)}`, priority: 1000 - prefix.length, when: [inPrefix('srcIp', prefix.address, prefix.length)],
  })),
])

/** What a route says of plain frames from its prefix. A group is either by priority or by prefix: here length is made the priority. */
const plain = (route: VnetRoute): Rule => {
  const options = {
    id: `from ${idOf(route)}`,
    priority: 1000 - route.prefix.length,
    when: [inPrefix('srcIp', route.prefix.address, route.prefix.length)],
  }
  switch (route.to ?? 'vnet') {
    case 'internet': return rule(allow, {}, options)
    case 'service': return rule(handedBack, { to: SERVICE }, { ...options, takes: SERVICE })
    case 'vnet':
    case 'drop': return rule(block, { reason: 'NotTunnelled' }, options)
  }
}

const check = (config: VnetConfig, environment: LayerEnvironment): readonly Problem[] => {
  const twice = repeatedNames(config.routes.map((r, i) => ({ name: formatPrefix(r.prefix), path: `/routes/${i}` })))
  const names = repeatedNames(
    config.routes.map((r, i) => ({ name: idOf(r), path: `/routes/${i}${r.name === undefined ? '' : '/name'}` })),
    [NO_ROUTE, NOT_IP, ...cutOut(config.routes).map(cutOutName), ...(config.arp === true ? config.routes.filter(answersArp).map(arpIdOf) : [])],
  )
  const { directory } = config
  const missing = typeof directory === 'string' && environment.resource(directory) === undefined
    ? [{ path: '/directory', reason: `the switch was not opened with a resource named "${directory}"` }]
    : []
  return [...missing, ...(twice.length > 0 ? twice : names)]
}

const idOf = (route: VnetRoute): string => route.name ?? formatPrefix(route.prefix)

const directoryOf = ({ directory }: VnetConfig, environment: LayerEnvironment): VnetDirectory | undefined => {
  if (typeof directory !== 'string') return directory
  // A resource known by name only may hold anything. Whoever named it here vouches that it takes customer addresses; what it
  // answers is looked at by the route.
  return environment.resource(directory) as VnetDirectory | undefined
}

const layer = defineLayer({ name: 'vnet', codec, groups, check })

/**
 * A tenant's virtual network, order 40 in the paper's stack, nearest the wire.
 *
 * Outbound, the longest prefix decides: into the virtual network through a tunnel (see {@link vnetRoute}), out unchanged, to a service, or nowhere.
 * Inbound, a tunnel of this network that ends at this host is removed, whatever its encapsulation; other tunnels are dropped. A plain frame gets
 * in only if its source is routed to the internet, or to a service whose layer has brought it back: otherwise any host on the underlay could
 * pretend to be a member of the network.
 *
 * A packet to a service leaves this layer plain and is handed over: it leaves the port only if a layer nearer the wire takes it. A route to the internet
 * does not hold addresses that are valid on one link alone (such as fe80::/10), unless it or another route names just that prefix or a longer one.
 *
 * ```ts
 * import { buildFrame, directory, openSwitch, orThrow } from '@vfp-ts/core'
 * import { vnet } from '@vfp-ts/layers'
 *
 * const ca = directory('ca-to-pa')
 * orThrow(ca.add({ vni: 5001, ip: '10.0.1.5', at: [{ pa: '192.0.2.5', mac: '00:15:5d:00:00:05' }] }))
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4'] }))
 * orThrow(orThrow(vm.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({
 *   vni: 5001,
 *   underlay: '192.0.2.1',
 *   routes: ['10.0.0.0/16', { prefix: '10.0.5.0/24', to: 'drop' }, { prefix: '0.0.0.0/0', to: 'internet' }],
 *   directory: ca,
 * })))
 *
 * const to = (dstIp: string) => vm.explain('outbound', orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.4', dstIp })))
 * console.log(to('10.0.1.5').after)
 * console.log(to('10.0.5.1').verdict)
 * console.log(to('198.51.100.7').after)
 * ```
 *
 * ```text output
 * tcp 10.0.1.4:49152 > 10.0.1.5:80 in vxlan 5001 192.0.2.1 > 192.0.2.5
 * drop RouteDrop
 * tcp 10.0.1.4:49152 > 198.51.100.7:80
 * ```
 *
 * Drops outbound: `NoRoute`, `NotIp`, `RouteDrop`, those of {@link vnetRoute}, and `NotTaken` for a packet to a service that no layer behind takes. Inbound:
 * `WrongTenant` for a tunnel of another network or to another host, `NotTunnelled` for a plain frame from where none may come.
 *
 * Refused: a directory that the switch does not know, the same prefix or name twice.
 *
 * @see VFP §5.2, §5.4, §5.5
 */
export const vnet: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'vnet', VnetConfig, VnetJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: VnetJson) => Policy<'vnet'>
} = { layer, policy: layer.policy }
