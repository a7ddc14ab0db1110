/** From what a configuration says of NICs to NICs that are open. */
import type { Nic, NicError } from '@vfp-ts/adapters/nic'
import { renderNicError } from '@vfp-ts/adapters/nic'
import { openAfPacket } from '@vfp-ts/adapters/af-packet'
import { openQemuNic } from '@vfp-ts/adapters/qemu'
import { openTap } from '@vfp-ts/adapters/tap'
import { openUdpOverlay } from '@vfp-ts/adapters/udp-overlay'
import { type NeighbourReport, openUnderlay } from '@vfp-ts/adapters/underlay'
import * as E from 'fp-ts/lib/Either.js'
import type { NicConfig, UnderlayConfig } from './config.js'
import type { ConfigProblem } from './config-problem.js'
import { withoutLength } from './program.js'

/** The host's way to the physical network. */
export interface Uplink {
  readonly nic: Nic
  /** Whom it knows there; nobody where the kernel does that. */
  readonly neighbours: () => readonly NeighbourReport[]
}

/** How a host comes by its NICs. */
export interface Openers {
  readonly port: (nic: NicConfig, path: string) => Promise<E.Either<ConfigProblem, Nic>>
  readonly uplink: (underlay: UnderlayConfig) => Promise<E.Either<ConfigProblem, Uplink>>
}

/** Opens what stands behind a port. `path` is that of the NIC in the configuration. */
const openPortNic: Openers['port'] = async (nic, path) => {
  const { afPacket, tap, qemu } = nic
  if (afPacket !== undefined) return located(`${path}/afPacket`, await openAfPacket({ interface: afPacket.interface, offloads: true }))
  if (tap !== undefined) return located(`${path}/tap`, await openTap({ up: true, ...tap }))
  const address = qemu?.path === undefined ? { host: qemu?.host ?? '127.0.0.1', port: qemu?.port ?? 0 } : { path: qemu.path }
  return located(`${path}/qemu`, await openQemuNic({ address, ...(qemu?.mtu === undefined ? {} : { mtu: qemu.mtu }) }))
}

const openUplink: Openers['uplink'] = async (underlay) =>
  underlay.interface === undefined ? openSockets(underlay, underlay.udp ?? []) : openInterface(underlay, underlay.interface)

const openInterface = async ({ addresses, routes }: UnderlayConfig, device: string): Promise<E.Either<ConfigProblem, Uplink>> => {
  const nic = located('/underlay/interface', await openAfPacket({ interface: device }))
  if (E.isLeft(nic)) return nic
  const underlay = openUnderlay(nic.right, { addresses, ...(routes === undefined ? {} : { routes }) })
  if (E.isRight(underlay)) return E.right({ nic: underlay.right, neighbours: () => underlay.right.neighbours() })
  await nic.right.close()
  return located('/underlay', underlay)
}

const openSockets = async (
  { addresses: [address = ''], mtu }: UnderlayConfig, tunnels: readonly ('vxlan' | 'geneve')[],
): Promise<E.Either<ConfigProblem, Uplink>> => {
  const tunnel = tunnels.includes('vxlan') ? (tunnels.includes('geneve') ? 'both' : 'vxlan') : 'geneve'
  const nic = located('/underlay/udp', await openUdpOverlay({ tunnel, local: withoutLength(address), ...(mtu === undefined ? {} : { mtu }) }))
  return E.isLeft(nic) ? nic : E.right({ nic: nic.right, neighbours: () => [] })
}

const located = <A>(path: string, result: E.Either<NicError, A>): E.Either<ConfigProblem, A> =>
  E.mapLeft((error: NicError): ConfigProblem => ({ path, reason: renderNicError(error) }))(result)

/** The machine's own interfaces and sockets. */
export const MACHINE: Openers = { port: openPortNic, uplink: openUplink }
