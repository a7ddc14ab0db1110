/** What the parts of a configuration say to each other; each alone is well formed. */
import { pointer } from '../main-job/json-pointer.js'
import { type Config, NIC_KINDS, type NicConfig, type UnderlayConfig } from './config.js'
import type { ConfigProblem } from './config-problem.js'

/** All contradictions of a configuration, in the order of the file. */
export const crossCheck = (config: Config): readonly ConfigProblem[] => [
  ...(config.underlay === undefined ? [] : inUnderlay(config.underlay)),
  ...(config.mtu !== undefined && config.underlay === undefined ? [{ path: '/mtu', reason: 'goes with an "underlay"' }] : []),
  ...repeated((config.mappings ?? []).map(({ vni, ip }, i) => ({ key: `the mapping of ${ip} in ${vni}`, path: pointer('mappings', i) }))),
  ...Object.entries(config.ports).flatMap(([name, { nic, layers = [], vni }]) => [
    ...inNic(nic, pointer('ports', name, 'nic')),
    ...repeated(layers.map((layer, i) => ({ key: `a layer named ${layer.name ?? layer.layer}`, path: pointer('ports', name, 'layers', i) }))),
    ...layers.flatMap(({ layer, policy }, i) => (layer === 'vnet' ? inVnet(config, vni, policy, pointer('ports', name, 'layers', i)) : [])),
  ]),
  ...repeated([
    ...(config.underlay?.interface === undefined ? [] : [{ key: `the interface ${config.underlay.interface}`, path: '/underlay/interface' }]),
    ...Object.entries(config.ports).flatMap(([name, { nic }]) => places(nic, pointer('ports', name, 'nic'))),
  ]),
]

const inUnderlay = ({ interface: device, udp, addresses, routes, mtu }: UnderlayConfig): readonly ConfigProblem[] => [
  ...((device === undefined) === (udp === undefined) ? [{ path: '/underlay', reason: 'needs one of "interface" and "udp"' }] : []),
  ...(udp !== undefined && addresses.length > 1 ? [{ path: '/underlay/addresses/1', reason: 'with "udp" there is one address, that of the sockets' }] : []),
  ...(udp !== undefined && routes !== undefined ? [{ path: '/underlay/routes', reason: 'with "udp" the kernel routes' }] : []),
  ...(device !== undefined && mtu !== undefined ? [{ path: '/underlay/mtu', reason: 'is that of the interface: set it there, as by ip link set mtu' }] : []),
]

const inNic = (nic: NicConfig, path: string): readonly ConfigProblem[] => {
  const kinds = NIC_KINDS.filter((kind) => nic[kind] !== undefined)
  if (kinds.length !== 1) {
    return [{ path, reason: `needs one of ${NIC_KINDS.map((kind) => `"${kind}"`).join(', ')}, and has ${kinds.length === 0 ? 'none' : kinds.join(' and ')}` }]
  }
  const { qemu } = nic
  if (qemu === undefined) return []
  if ((qemu.path === undefined) === (qemu.port === undefined)) return [{ path: `${path}/qemu`, reason: 'needs a "path", or a "port" and perhaps a "host"' }]
  return qemu.host !== undefined && qemu.port === undefined ? [{ path: `${path}/qemu/host`, reason: 'goes with a "port"' }] : []
}

/** What `withDefaults` would put into a policy has to be there. */
const inVnet = (config: Config, vni: number | undefined, policy: unknown, path: string): readonly ConfigProblem[] => {
  if (typeof policy !== 'object' || policy === null) return []
  return [
    ...(!('vni' in policy) && vni === undefined ? [{ path: `${path}/policy/vni`, reason: 'is missing, and the port has no "vni" to take instead' }] : []),
    ...(!('underlay' in policy) && config.underlay === undefined
      ? [{ path: `${path}/policy/underlay`, reason: 'is missing, and the host has no "underlay" to take its addresses from' }]
      : []),
  ]
}

/** What of the machine a NIC takes, which nobody else can have. */
const places = ({ afPacket, tap, qemu }: NicConfig, path: string): readonly { readonly key: string; readonly path: string }[] => [
  ...(afPacket === undefined ? [] : [{ key: `the interface ${afPacket.interface}`, path: `${path}/afPacket/interface` }]),
  ...(tap === undefined ? [] : [{ key: `the interface ${tap.interface}`, path: `${path}/tap/interface` }]),
  ...(qemu === undefined ? [] : [{ key: `the socket ${qemu.path ?? `${qemu.host ?? ''}:${qemu.port ?? ''}`}`, path: `${path}/qemu` }]),
]

const repeated = (named: readonly { readonly key: string; readonly path: string }[]): readonly ConfigProblem[] => {
  const first = new Map<string, string>()
  return named.flatMap(({ key, path }) => {
    const before = first.get(key)
    if (before !== undefined) return [{ path, reason: `${key} is taken already, by ${before}` }]
    first.set(key, path)
    return []
  })
}
