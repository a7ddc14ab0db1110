/**
 * The load balancer's NAT layer, as Ananta has it on every host: inbound rules only, whose stateful flows bring replies back.
 *
 * Layers nearer the VM see only the VM's own address (DIP), layers nearer the network only the virtual one (VIP).
 *
 * @see VFP §1.1, §5.2, §6.4.1
 */
import {
  type Condition, defineLayer, formatIp, type Group, integer, Ip, type IpAddress, is, type LayerEnvironment, type LayerType, nat,
  type Policy, type PortIdentity, PortNumber, type Problem, type Rule, rule, strictlyPartial, strictly,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { groupName, repeatedNames } from './names.js'
import { Name, type Objection, refined, word } from './codecs.js'

/** One entry as written: a VIP, or one protocol or one port of it, and the address that packets to it are sent on to. */
export interface VipJson {
  /** The address that clients use, IPv4 or IPv6. */
  readonly vip: string
  /** `icmp` means echo requests, of either IP version; every packet unless said. */
  readonly proto?: 'tcp' | 'udp' | 'icmp'
  /** The port that clients use, 0–65535; all ports unless said. Only with `proto` `tcp` or `udp`. */
  readonly port?: number
  /** The VM's address, of the VIP's IP version; the port's first address of that version unless said. */
  readonly dip?: string
  /** The port that the VM listens on, 0–65535; that of the client unless said. Only with `port`. */
  readonly dipPort?: number
  /** Name of the entry's rule, once a policy; such as `10.0.9.80:80/tcp` unless said. */
  readonly name?: string
  /** Milliseconds without a packet after which a connection is forgotten, from 1; core's default (240,000) unless said. */
  readonly idleMs?: number
}

/** The load balancer's configuration as written. */
export interface LoadBalancerJson {
  /** Entries, the most specific that matches first: with `port`, then with `proto`, then whole addresses. Each VIP, protocol and port once. */
  readonly vips: readonly VipJson[]
}

/** One entry as read. */
export interface Vip {
  /** The address that clients use. */
  readonly vip: IpAddress
  /** `icmp` means echo requests, of either IP version; every packet unless said. */
  readonly proto?: 'tcp' | 'udp' | 'icmp'
  /** The port that clients use; all ports unless said. Only with `tcp` or `udp`. */
  readonly port?: number
  /** The VM's address, of the VIP's version; the port's first address of that version unless said. */
  readonly dip?: IpAddress
  /** The port that the VM listens on; that of the client unless said. Only with `port`. */
  readonly dipPort?: number
  /** Name of the rule; such as `10.0.9.80:80/tcp` unless said. */
  readonly name?: string
  /** Milliseconds without a packet after which a connection is forgotten, from 1; core's default (240,000) unless said. */
  readonly idleMs?: number
}

/** The load balancer's configuration as read. */
export interface LoadBalancerConfig {
  /** Entries, each VIP, protocol and port once. */
  readonly vips: readonly Vip[]
}

const objection = (v: Vip): Objection | undefined => {
  if (v.port !== undefined && v.proto !== 'tcp' && v.proto !== 'udp') return { at: 'port', reason: 'ports belong to a protocol: say "proto": "tcp" or "udp"' }
  if (v.dipPort !== undefined && v.port === undefined) return { at: 'dipPort', reason: 'only one port can be changed into one: say which by "port"' }
  if (v.dip !== undefined && v.dip.version !== v.vip.version) {
    return { at: 'dip', reason: `a VIP of IPv${v.vip.version} needs a DIP of IPv${v.vip.version}: headers are rewritten, not translated` }
  }
  return undefined
}

const vip: t.Type<Vip, VipJson> = refined(
  strictlyPartial({ vip: Ip }, {
    proto: word('tcp', 'udp', 'icmp'), port: PortNumber, dip: Ip, dipPort: PortNumber, name: Name, idleMs: integer(1, 0xffff_ffff, 'milliseconds'),
  }, 'a VIP'),
  objection,
)

const codec: t.Type<LoadBalancerConfig, LoadBalancerJson> = strictly({ vips: t.readonlyArray(vip) }, 'a load balancer policy')

/** Only inbound: the other direction is made of connections, by the engine. */
const groups = (config: LoadBalancerConfig, environment: LayerEnvironment): readonly Group[] => [{
  name: groupName(environment),
  direction: 'inbound',
  rules: config.vips.flatMap((v) => {
    const dip = dipOf(v, environment.port)
    return dip === undefined ? [] : [ruleOf(v, dip)]
  }),
}]

const ruleOf = (v: Vip, dip: IpAddress): Rule =>
  rule(nat, v.dipPort === undefined ? { dstIp: dip } : { dstIp: dip, dstPort: v.dipPort }, {
    id: idOf(v),
    priority: v.port !== undefined ? 100 : v.proto !== undefined ? 200 : 300,
    when: conditions(v),
    stateful: v.idleMs === undefined ? true : { idleUs: v.idleMs * 1000 },
  })

const conditions = (v: Vip): readonly Condition[] => {
  const onVip = is('dstIp', v.vip)
  if (v.proto === undefined) return [onVip]
  switch (v.proto) {
    case 'icmp': return v.vip.version === 4 ? [onVip, is('proto', 1), is('icmpType', 8)] : [onVip, is('proto', 58), is('icmpType', 128)]
    case 'tcp':
    case 'udp': {
      const onProto = [onVip, is('proto', v.proto === 'tcp' ? 6 : 17)]
      return v.port === undefined ? onProto : [...onProto, is('dstPort', v.port)]
    }
  }
}

const check = (config: LoadBalancerConfig, environment: LayerEnvironment): readonly Problem[] => {
  const homeless = config.vips.flatMap((v, i) =>
    dipOf(v, environment.port) === undefined
      ? [{ path: `/vips/${i}/dip`, reason: `is missing, and the port ${environment.port.name} has no IPv${v.vip.version} address to take instead` }]
      : [])
  const twice = repeatedNames(config.vips.map((v, i) => ({ name: describe(v), path: `/vips/${i}` })))
  const names = repeatedNames(config.vips.map((v, i) => ({ name: idOf(v), path: `/vips/${i}${v.name === undefined ? '' : '/name'}` })))
  return [...homeless, ...(twice.length > 0 ? twice : names)]
}

const idOf = (v: Vip): string => v.name ?? describe(v)

const dipOf = (v: Vip, port: PortIdentity): IpAddress | undefined => v.dip ?? port.ips.find((ip) => ip.version === v.vip.version)

/** `10.0.9.80:80/tcp`, `10.0.9.80/icmp`, `10.0.9.80`: what the entry matches. @see RFC 3986 §3.2.2 for the brackets */
const describe = (v: Vip): string => {
  const address = v.port === undefined || v.vip.version === 4 ? formatIp(v.vip) : `[${formatIp(v.vip)}]`
  return `${address}${v.port === undefined ? '' : `:${v.port}`}${v.proto === undefined ? '' : `/${v.proto}`}`
}

const layer = defineLayer({ name: 'load-balancer', codec, groups, check })

/**
 * The host's part of a load balancer, order 30 in the paper's stack: destination NAT from a virtual IP and port (VIP) to the VM's own address
 * (DIP), and back for the replies.
 *
 * A multiplexer in the network chooses this VM for a connection and forwards the packet unchanged. Replies leave with the VIP as source,
 * straight for the client and not through the multiplexer (direct server return). Connections that the VM begins itself are left alone. An
 * entry with a port is tried before one with a protocol only, and that before a whole VIP.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { loadBalancer } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * const balancer = orThrow(vm.addLayer(loadBalancer.layer, { order: 30 }))
 * orThrow(balancer.update(loadBalancer.policy({ vips: [{ vip: '10.0.9.80', proto: 'tcp', port: 80, dipPort: 8080 }] })))
 * console.log(vm.explain('inbound', orThrow(buildFrame({ proto: 'tcp', srcIp: '198.51.100.7', dstIp: '10.0.9.80', dstPort: 80 }))).after)
 * ```
 *
 * ```text output
 * tcp 198.51.100.7:49152 > 10.0.1.4:8080
 * ```
 *
 * Drops: none.
 *
 * Refused: VIP and DIP of different IP versions, a VIP for which the port has no address, the same VIP, protocol and port twice, a name twice.
 *
 * @see VFP §5.2, §6.4.1, table 3
 */
export const loadBalancer: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'load-balancer', LoadBalancerConfig, LoadBalancerJson>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: LoadBalancerJson) => Policy<'load-balancer'>
} = { layer, policy: layer.policy }
