/**
 * The private link: a VM that speaks IPv4 uses a service that speaks IPv6, as if the service were an address of the VM's own network.
 *
 * Connections begin at the VM only, so inbound rules are there for packets that answer none. `vnet` hands over packets to services, and takes
 * back what this layer has made of their answers (`handed.ts`).
 *
 * @see RFC 7915; RFC 7637; VFP §5.2
 */
import {
  block, defineLayer, formatIp, type Group, is, type LayerEnvironment, type LayerType, type NetworkTunnel, oneOf, type Policy, type Problem, rule, type Rule,
} from '@vfp-ts/core'
import { SERVICE } from '../handed.js'
import { groupName, repeatedNames } from '../names.js'
import { inTunnel, outerHeaderOf } from '../underlay.js'
import { codec, type PrivateLinkConfig, type PrivateLinkJson, type Service } from './config.js'
import { privateLinkRule } from './link.js'

const NOT_TUNNELLED = 'not-tunnelled'

const groups = (config: PrivateLinkConfig, environment: LayerEnvironment): readonly Group[] => {
  const name = groupName(environment)
  return [
    { name, direction: 'outbound', rules: config.services.map((service) => outbound(config, service)) },
    { name, direction: 'inbound', rules: inbound(config) },
  ]
}

const outbound = (config: PrivateLinkConfig, { ca, name, ...service }: Service): Rule =>
  rule(privateLinkRule, {
    ...service,
    underlay: config.underlay,
    ...(config.encoding === undefined ? {} : { encoding: config.encoding }),
    ...outerHeaderOf(config),
  }, {
    id: name ?? formatIp(ca),
    when: [is('dstIp', ca)],
    takes: SERVICE,
    stateful: config.idleMs === undefined ? true : { idleUs: config.idleMs * 1000 },
  })

/** Answers belong to connections and never get here. */
const inbound = (config: PrivateLinkConfig): readonly Rule[] => {
  const { services } = config
  const tunnels = new Map<string, { readonly encap: NetworkTunnel; readonly key: number }>()
  for (const { encap = 'nvgre', key } of services) tunnels.set(`${encap} ${key}`, { encap, key })
  return [
    ...[...tunnels].map(([name, { encap, key }]) =>
      rule(block, { reason: 'NoConnection' }, { id: `no-connection ${name}`, when: inTunnel(encap, key, config) })),
    ...(services.length === 0 ? [] : [rule(block, { reason: 'NotTunnelled' }, { id: NOT_TUNNELLED, priority: 200, when: [oneOf('srcIp', services.map(({ ca }) => ca))] })]),
  ]
}

const check = ({ services }: PrivateLinkConfig): readonly Problem[] => {
  const twice = repeatedNames(services.map(({ ca }, i) => ({ name: formatIp(ca), path: `/services/${i}/ca` })))
  return twice.length > 0
    ? twice
    : repeatedNames(services.map(({ ca, name }, i) => ({ name: name ?? formatIp(ca), path: `/services/${i}${name === undefined ? '' : '/name'}` })))
}

const layer = defineLayer({ name: 'private-link', codec, groups, check })

/**
 * Links from IPv4 VMs to IPv6 services, nearer the wire than {@link vnet}, such as at order 45.
 *
 * A packet to a service's IPv4 address is translated and tunnelled by {@link privateLinkRule}, and answers are translated back. The service
 * never sees a tenant's address space, and all tenants may have the same one: bits of the IPv6 source address say which VM asks.
 *
 * The policy of {@link vnet} needs a route `{ prefix, to: 'service' }` for the services' addresses: by it packets to them are handed over, and answers
 * let in. An address of the prefix that no service has goes nowhere (`NotTaken`), and no plain frame comes in from it.
 *
 * ```ts
 * import { buildFrame, directory, openSwitch, orThrow } from '@vfp-ts/core'
 * import { privateLink, vnet } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4'] }))
 * orThrow(orThrow(vm.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({
 *   vni: 5001, underlay: '192.0.2.1', directory: directory(), routes: [{ prefix: '10.2.0.0/16', to: 'service' }],
 * })))
 * orThrow(orThrow(vm.addLayer(privateLink.layer, { order: 45 })).update(privateLink.policy({
 *   underlay: '192.0.2.1',
 *   services: [{ ca: '10.2.0.100', pa: '198.51.100.3', source: '2001:db8:20:abc:abc::/96', destination: '2001:db8:100::203', key: 100 }],
 * })))
 * console.log(vm.explain('outbound', orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.4', dstIp: '10.2.0.100' }))).after)
 * ```
 *
 * ```text output
 * tcp [2001:db8:20:abc:abc:0:a00:104]:49152 > [2001:db8:100::203]:80 in nvgre 100 192.0.2.1 > 198.51.100.3
 * ```
 *
 * Drops outbound: those of {@link privateLinkRule}. Inbound: `NoConnection` for a packet in a link's tunnel that answers no connection,
 * `NotTunnelled` for a plain frame from a service's `ca`. All other packets pass unchanged.
 *
 * Refused: the same `ca` or name twice, addresses of the wrong IP version, an encoding with bits outside its mask.
 */
export const privateLink: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'private-link', PrivateLinkConfig, PrivateLinkJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: PrivateLinkJson) => Policy<'private-link'>
} = { layer, policy: layer.policy }
