/** What a port's datapath is told, and what it tells: limits and lifetimes, and counters. */
import type { Direction } from '../flow/flow-id.js'
import type { MtuOptions } from './mtu-options.js'
import type { NetworkMtu } from './network-mtu.js'
import type { PendingOptions } from './waiting-room.js'

/** Limits and lifetimes of a port's datapath. */
export interface DatapathOptions {
  /** Most unified flows held; a flow beyond is decided by a walk each time. */
  readonly maxFlows: number
  /** Microseconds without a packet after which a unified flow is forgotten. */
  readonly flowIdleUs: number
  /** Header groups parsed of frames from the VM and from the network, 1–3. */
  readonly parseDepth: Readonly<Record<Direction, number>>
  /** Datagrams whose first fragment is remembered, of each direction. */
  readonly maxFragments: number
  /** Geneve options that policy knows how to live with, as `class << 8 | type`: other critical ones close a tunnel. */
  readonly geneveOptions: readonly number[]
  /** Mixed into the hash of flows, so that senders cannot choose colliding ones. */
  readonly hashSeed: number
  /** Bounds of waiting for resources; those of {@link DEFAULT_PENDING} unless given. */
  readonly pending?: PendingOptions
  /** What becomes of packets too long for the physical network, and a limit of the port's own. */
  readonly mtu?: MtuOptions
  /** What the physical network takes, for all ports of a switch; everything unless given. */
  readonly network?: NetworkMtu
}

/** What a port counts. */
export interface DatapathCounters {
  /** Packets that came in; one that waited counts once. */
  packets: number
  /** Their bytes, from the Ethernet header on, as they came in. */
  bytes: number
  /** Packets decided by a cached flow as it stood. */
  fast: number
  /** Packets for which the layers were walked. */
  slow: number
  /** Of those, packets whose cached flow was found right again. */
  reconciled: number
  /** Frames that could not be parsed, among the dropped. */
  malformed: number
}
