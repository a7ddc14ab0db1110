/**
 * The private link: a VM that speaks IPv4 uses a service that speaks IPv6, as if it were an address of its own network.
 *
 * The service never sees a tenant's address space, and tenants may all have the same: who asks is in the bits of the IPv6 source
 * address. Each service has a tunnel with a key of its own. Connections begin at the VM only; what comes back in such a tunnel and
 * answers none of them is dropped, and so is a plain frame that claims to be from a service.
 *
 * The layer is nearer the wire than `vnet`, whose policy has a route `{ prefix, to: 'service' }` for the services' addresses: then
 * `vnet` hands over what is for them, and lets in what this layer has made of the answers. An address of the prefix that is no service's goes
 * nowhere (`NotTaken`), and nothing plain comes in from it.
 *
 * ```ts no-run
 * links.update(privateLink.policy({
 *   underlay: '192.0.2.1',
 *   services: [{ ca: '10.2.0.100', pa: '198.51.100.3', source: '2001:db8:20:abc:abc::/96', destination: '2001:db8:100::203', key: 100 }],
 * }))
 * ```
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
const inbound = ({ underlay, services }: PrivateLinkConfig): readonly Rule[] => {
  const tunnels = new Map<string, { readonly encap: NetworkTunnel; readonly key: number }>()
  for (const { encap = 'nvgre', key } of services) tunnels.set(`${encap} ${key}`, { encap, key })
  return [
    ...[...tunnels].map(([name, { encap, key }]) =>
      rule(block, { reason: 'NoConnection' }, { id: `no-connection ${name}`, when: inTunnel(encap, key, underlay) })),
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
 * Links from IPv4 VMs to IPv6 services, order 45: nearer the wire than `vnet`.
 *
 * Drops outbound: those of {@link privateLinkRule}. Inbound: `NoConnection` for what comes in a link's tunnel and answers no
 * connection, `NotTunnelled` for a plain frame from a service's address. Everything else passes as it is.
 *
 * Refused: the same `ca` or name twice, addresses of the wrong IP version, an encoding whose bits are not under its mask.
 */
export const privateLink: {
  /** To be added to a port. */
  readonly layer: LayerType<'private-link', PrivateLinkConfig, PrivateLinkJson>
  /** A configuration, to update the layer with. */
  readonly policy: (config: PrivateLinkJson) => Policy<'private-link'>
} = { layer, policy: layer.policy }
