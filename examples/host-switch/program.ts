/**
 * Ports of a switch as a configuration wants them.
 *
 * The same code serves twice: on a switch of no use to anybody, to learn whether all would be taken ({@link rehearse}), and on the
 * one that carries traffic.
 */
import { directory, type Directory, openSwitch, parseIp, type PolicyError, type Port, type PortError, type PortSpec } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import { pointer } from '../main-job/json-pointer.js'
import type { Config, LayerConfig, MappingConfig, NicConfig, PortConfig } from './config.js'
import { type ConfigProblem, problemsOfSwitch } from './config-problem.js'
import { type AnyLayerHandle, LAYER_TYPES } from './layer-types.js'

/** The resource that mappings make; policies may name it. */
export const MAPPINGS = 'mappings'

/** A port as the switch is to have it: what a configuration says of it, and what it says elsewhere that concerns it. */
export interface WantedPort {
  readonly spec: PortSpec
  readonly nic: NicConfig
  /** From the VM's side to the network's. */
  readonly layers: readonly WantedLayer[]
}

/** A layer as a port is to have it. */
export interface WantedLayer {
  readonly layer: string
  readonly name: string | undefined
  readonly policy: unknown
}

/** By name. */
export type WantedPorts = Readonly<Record<string, WantedPort>>

/** The ports of a configuration. What the underlay takes, the host tells their switch. */
export const wantedPorts = (config: Config): WantedPorts => {
  const mtu = config.mtu === undefined ? {} : { mtu: config.mtu }
  return Object.fromEntries(Object.entries(config.ports).map(([name, port]): [string, WantedPort] => {
    const { mac, ip, vni, nic, layers = [] } = port
    return [name, {
      spec: { name, mac, ...(ip === undefined ? {} : { ip }), ...(vni === undefined ? {} : { vni }), ...mtu },
      nic,
      layers: layers.map((layer) => ({ layer: layer.layer, name: layer.name, policy: policyOf(config, port, layer) })),
    }]
  }))
}

/**
 * A layer's policy with what the configuration says elsewhere: a `vnet` has its port's VNI, the host's addresses and its mappings, the
 * `neighbours` of a `responder` its port's VNI and the mappings; what the policy says itself counts.
 */
const policyOf = (config: Config, { vni }: PortConfig, { layer, policy = {} }: LayerConfig): unknown => {
  const ofNetwork = { ...(vni === undefined ? {} : { vni }), directory: MAPPINGS }
  if (layer === 'vnet' && isObject(policy)) {
    const addresses = config.underlay?.addresses.map(withoutLength)
    return { ...ofNetwork, ...(addresses === undefined ? {} : { underlay: addresses }), ...policy }
  }
  if (layer === 'responder' && isObject(policy) && 'neighbours' in policy && isObject(policy.neighbours)) {
    return { ...policy, neighbours: { ...ofNetwork, ...policy.neighbours } }
  }
  return policy
}

const isObject = (u: unknown): u is object => typeof u === 'object' && u !== null && !Array.isArray(u)

/** Gives a port its layers; all that is refused. */
export const addLayers = (port: Port, layers: readonly WantedLayer[]): E.Either<readonly ConfigProblem[], readonly AnyLayerHandle[]> => {
  const problems: ConfigProblem[] = []
  const handles: AnyLayerHandle[] = []
  for (const [i, { layer, name, policy }] of layers.entries()) {
    const path = pointer('ports', port.identity.name, 'layers', i)
    const added = LAYER_TYPES.get(layer)?.(port, { order: i, ...(name === undefined ? {} : { name }) })
    if (added === undefined) problems.push({ path, reason: `there is no layer ${layer}` })
    else if (E.isLeft(added)) problems.push(...problemsOfSwitch(added.left, path))
    else {
      handles.push(added.right)
      const updated: E.Either<PolicyError | PortError, unknown> = added.right.updateJson(policy)
      if (E.isLeft(updated)) problems.push(...problemsOfSwitch(updated.left, `${path}/policy`))
    }
  }
  return problems.length === 0 ? E.right(handles) : E.left(problems)
}

/** Makes a directory say what the list says, touching only what differs. */
export const fillDirectory = (target: Directory, before: readonly MappingConfig[], after: readonly MappingConfig[]): readonly ConfigProblem[] => {
  const old = new Map(before.map((mapping) => [keyOf(mapping), JSON.stringify(mapping)]))
  const problems: ConfigProblem[] = []
  for (const [i, mapping] of after.entries()) {
    const known = old.get(keyOf(mapping))
    old.delete(keyOf(mapping))
    if (known === JSON.stringify(mapping)) continue
    const added = target.add(mapping)
    if (E.isLeft(added)) problems.push({ path: pointer('mappings', i), reason: added.left.reason })
  }
  for (const gone of before.filter((mapping) => old.has(keyOf(mapping)))) {
    const ip = parseIp(gone.ip)
    if (E.isRight(ip)) target.remove({ vni: gone.vni, ip: ip.right })
  }
  return problems
}

/** Everything that a switch would refuse of a configuration, found on one that has no traffic. */
export const rehearse = (config: Config): readonly ConfigProblem[] => {
  const mappings = directory(MAPPINGS)
  const problems = [...fillDirectory(mappings, [], config.mappings ?? [])]
  const scratch = openSwitch({ resources: { [MAPPINGS]: mappings } })
  for (const [name, { spec, layers }] of Object.entries(wantedPorts(config))) {
    const port = scratch.addPort(spec)
    if (E.isLeft(port)) problems.push(...problemsOfSwitch(port.left, pointer('ports', name)))
    else {
      const added = addLayers(port.right, layers)
      if (E.isLeft(added)) problems.push(...added.left)
    }
  }
  return problems
}


const keyOf = ({ vni, ip }: MappingConfig): string => `${vni} ${ip}`

/** `192.0.2.1/24` without its length. */
export const withoutLength = (address: string): string => address.slice(0, address.indexOf('/'))
