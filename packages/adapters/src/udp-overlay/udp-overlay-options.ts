/** What an overlay in UDP sockets is opened with, and how the system's errors are told. */
import { formatIp, type IpAddress, parseIp, wire } from '@vfp-ts/core'
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { NicError, NicFailure } from '../nic/nic-error.js'

/** The overlay's own MAC: destination of every frame it delivers. */
export const OVERLAY_MAC = '02:00:00:00:00:01'

/** Source MAC of every frame it delivers, since a socket does not tell the sender's. */
export const OVERLAY_PEER_MAC = '02:00:00:00:00:02'

/** Options of {@link openUdpOverlay}. */
export interface UdpOverlayOptions {
  /** Name of the NIC; `udp` and the address unless given. */
  readonly name?: string
  /** Which tunnels: a socket for each. */
  readonly tunnel: 'vxlan' | 'geneve' | 'both'
  /** The host's address on the underlay, IPv4 or IPv6, without zone: the source of all that is sent. */
  readonly local: string
  /**
   * UDP ports on the wire, of this host and of its peers, where they are not 4789 and 6081. The engine knows tunnels by the
   * well-known ports, so frames bear these in any case.
   */
  readonly ports?: {
    /** UDP port of VXLAN on the wire, 1–65,535; 4789 unless given. */
    readonly vxlan?: number
    /** UDP port of Geneve on the wire, 1–65,535; 6081 unless given. */
    readonly geneve?: number
  }
  /** Largest outer packet in bytes, 1,280–65,535; 1,500 unless given. Longer ones than the way takes, the system fragments. */
  readonly mtu?: number
  /**
   * Sockets to send from beside those that receive, 0–64; none unless given. Without them all that is sent bears the tunnel's port as its
   * source, and a network that spreads flows by ports takes one way for all. With them, the source port of a frame as the engine
   * chose it selects one of these sockets, whose ports the system chose.
   */
  readonly sources?: number
  /** Frames that wait to be sent at most, 1–65,536; 256 unless given. As many again may be with the system. */
  readonly queueFrames?: number
  /** Bytes of received packets that the system is asked to hold, 1 MiB unless given; it takes no more than `net.core.rmem_max`. */
  readonly receiveBufferBytes?: number
  /** Milliseconds of a clock that only goes forward; `performance.now` unless given. */
  readonly now?: () => number
}

/** Options with everything filled in. */
export interface UdpOverlaySettings {
  readonly name: string
  readonly local: IpAddress
  readonly localText: string
  /** The tunnels' ports: as frames bear them, and on the wire. */
  readonly tunnels: readonly { readonly known: number; readonly wire: number }[]
  readonly mtu: number
  readonly sources: number
  readonly queueFrames: number
  readonly receiveBufferBytes: number
  readonly now: () => number
}

/** The options, checked: `BadOptions` says which is wrong. */
export const readOptions = (options: UdpOverlayOptions): Either<NicError, UdpOverlaySettings> => {
  const { tunnel, ports = {}, mtu = 1500, sources = 0, queueFrames = 256, receiveBufferBytes = 1 << 20, now = () => performance.now() } = options
  const name = options.name ?? `udp ${options.local}`
  const bad = (reason: string): Either<NicError, never> =>
    left({ _tag: 'NicError', nic: name, operation: 'open', code: 'BadOptions', reason, retryable: false })
  const local = parseIp(options.local)
  if (isLeft(local)) return bad(`local: ${local.left.reason}`)
  // A frame has to say where it came from, and nobody but the system knows which address it would choose.
  if (local.right.words.every((word) => word === 0)) return bad('local is one address, not any')
  const vxlan = { known: wire.udp.UdpPort.Vxlan, wire: ports.vxlan ?? wire.udp.UdpPort.Vxlan }
  const geneve = { known: wire.udp.UdpPort.Geneve, wire: ports.geneve ?? wire.udp.UdpPort.Geneve }
  const tunnels = tunnel === 'both' ? [vxlan, geneve] : [tunnel === 'vxlan' ? vxlan : geneve]
  if (!tunnels.every(({ wire: port }) => isWhole(port, 1, 65_535))) return bad('a port is a whole number from 1 to 65535')
  if (tunnels.length === 2 && vxlan.wire === geneve.wire) return bad('the two tunnels need two ports')
  if (!isWhole(mtu, 1280, 65_535)) return bad('mtu is a whole number from 1280 to 65535')
  if (!isWhole(sources, 0, 64)) return bad('sources is a whole number from 0 to 64')
  if (!isWhole(queueFrames, 1, 65_536)) return bad('queueFrames is a whole number from 1 to 65536')
  if (!isWhole(receiveBufferBytes, 1, 2 ** 30)) return bad('receiveBufferBytes is a whole number from 1 to 2^30')
  return right({ name, local: local.right, localText: formatIp(local.right), tunnels, mtu, sources, queueFrames, receiveBufferBytes, now })
}

/** What an error of a socket means: the failure, under what a frame it cost is counted, and whether it may pass. */
export const meaningOf = (thrown: unknown): { readonly code: NicFailure; readonly drop: string; readonly retryable: boolean } => {
  const name = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
  const [code, drop, retryable] = MEANINGS[name] ?? (['System', 'System', false] as const)
  return { code, drop, retryable }
}

/** A failure as a NIC tells it. */
export const failureOf = (nic: string, operation: NicError['operation'], thrown: unknown, retryable: boolean): NicError => ({
  _tag: 'NicError', nic, operation, code: meaningOf(thrown).code, reason: thrown instanceof Error ? thrown.message : String(thrown), retryable,
})

const MEANINGS: Readonly<Record<string, readonly [code: NicFailure, drop: string, retryable: boolean]>> = {
  EADDRINUSE: ['Busy', 'System', true],
  EADDRNOTAVAIL: ['NotFound', 'Unreachable', true],
  EACCES: ['NeedsPrivilege', 'Forbidden', false],
  EPERM: ['NeedsPrivilege', 'Forbidden', false],
  EAFNOSUPPORT: ['Unsupported', 'System', false],
  EMSGSIZE: ['System', 'TooLong', true],
  ENETUNREACH: ['PeerGone', 'Unreachable', true],
  EHOSTUNREACH: ['PeerGone', 'Unreachable', true],
  ENETDOWN: ['LinkDown', 'Unreachable', true],
  ECONNREFUSED: ['PeerGone', 'Unreachable', true],
  ENOBUFS: ['System', 'NoBuffers', true],
  ENOMEM: ['System', 'NoBuffers', true],
}

const isWhole = (value: number, least: number, most: number): boolean => Number.isInteger(value) && value >= least && value <= most
