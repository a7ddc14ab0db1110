/**
 * Ports: what a program and its controllers work with. All policy hangs on a port.
 *
 * @see VFP §4.1, §5.1
 */
import type { Either } from 'fp-ts/lib/Either.js'
import type { DropCounts, DropReason } from '../drop-reason.js'
import type { Direction } from '../flow/flow-id.js'
import type { LayerType } from '../policy/layer.js'
import type { PortIdentity } from '../policy/flow-context.js'
import type { Generation, Place } from '../policy/port-policy.js'
import type { DatapathCounters } from '../datapath/datapath-options.js'
import type { MtuOptions } from '../datapath/mtu-options.js'
import type { Explanation } from '../pipeline/explain.js'
import type { FlowReport } from './flow-report.js'
import type { LayerHandle, RuleReport } from './layer-handle.js'
import type { Batch, Processed, Sink } from './output.js'
import type { PortError } from './port-error.js'

/** What a port is to be. Addresses are text. */
export interface PortSpec {
  /** Unique on the switch. */
  readonly name: string
  /** The VM's MAC: frames for it are bridged here. */
  readonly mac: string
  /** The VM's addresses; rules may use them, the switch does not. */
  readonly ip?: readonly string[]
  /**
   * Virtual network of the port, 24 bits: tunnelled frames are taken only if they carry it, and frames for a group address
   * only if they are known to be of it, by their tunnel or by the port that sent them. Needed where two ports have the same
   * MAC in different networks. Without it the port takes its MAC and group addresses from any network.
   */
  readonly vni?: number
  /** What the physical network takes of this port, in place of what the switch says of all. */
  readonly mtu?: MtuOptions
}

/** Where a port is in its life. */
export type PortState = 'created' | 'connected' | 'deleted'

/** What a port counts. */
export interface PortCounters extends Readonly<DatapathCounters> {
  /** Drops by reason. */
  readonly drops: DropCounts
  /** Unified flows held. */
  readonly flows: number
  /** Layer-flow pairs held, by layer. */
  readonly connections: Readonly<Record<string, number>>
  /** Packets that wait, or waited, for resources. */
  readonly pending: PendingReport
}

/** What a port counts of packets that wait for resources. */
export interface PendingReport {
  /** Packets that wait now. */
  readonly waiting: number
  /** Their bytes. */
  readonly waitingBytes: number
  /** Keys in question now. */
  readonly keys: number
  /** Times that a key was asked for. */
  readonly asked: number
  /** Packets that waited and were then let through. */
  readonly released: number
  /** Packets that waited too long, among the dropped. */
  readonly timedOut: number
}

/** A port of the switch. */
export interface Port {
  /** Name and addresses of the port. */
  readonly identity: PortIdentity
  /** Where the port is in its life. */
  readonly state: () => PortState
  /** Lets traffic through; a port just added is connected already. */
  readonly connect: () => Either<PortError, void>
  /** Stops traffic; policy and state stay. Frames meanwhile, and those that wait for a resource, are dropped as `PortDisconnected`. */
  readonly disconnect: () => Either<PortError, void>
  /** Takes the port off the switch for good; rules that fail to end are told to `Environment.disposeFailed`. */
  readonly remove: () => Either<PortError, void>
  /**
   * Adds a layer. Its name is the type's unless `name` says otherwise; with no policy yet it lets everything pass.
   */
  readonly addLayer: <L extends string, C, O>(
    type: LayerType<L, C, O>, at: Place & { readonly name?: string },
  ) => Either<PortError, LayerHandle<L>>
  /** Layer names from the VM side to the network side. */
  readonly layers: () => readonly string[]
  /** Number of the policy in force. */
  readonly generation: () => Generation
  /**
   * Takes one frame through the port. The frame is copied, and so is what comes out: for scripts and tests;
   * `processBatch` is the way for traffic. A frame that waits for a resource leaves later, by the switch's environment.
   *
   * @throws VfpError with a `BadOptions` if the direction is none or the frame is no Uint8Array
   */
  readonly process: (direction: Direction, frame: Uint8Array) => Processed
  /**
   * Takes a batch through the port, rewriting the frames in place. Frames that are not in ascending order are dropped as
   * `BadBatch`.
   *
   * @throws RangeError if an array of the batch has fewer than `count` elements; no frame has been touched then
   */
  readonly processBatch: (direction: Direction, batch: Batch, sink: Sink) => void
  /**
   * Returns what would become of the frame and why, layer by layer, under today's policy and connections. Nothing is counted, cached or
   * remembered.
   */
  readonly explain: (direction: Direction, frame: Uint8Array) => Explanation
  /** The name of a drop reason's number, as batches carry it; empty for 0 and for numbers never given. */
  readonly reasonName: (reason: number) => DropReason
  /** What the port has counted since it was added. */
  readonly counters: () => PortCounters
  /** Rules of all layers, from the VM side to the network side. */
  readonly rules: () => readonly RuleReport[]
  /** The unified flows held. */
  readonly flows: () => readonly FlowReport[]
  /**
   * Forgets what has been idle too long, and drops packets that waited too long; returns the number of unified flows forgotten. Idle flows
   * are never used, only held. With a `budget`, looks at no more than that number of unified flows, and goes on from there at the next
   * call.
   */
  readonly expire: (budget?: number) => number
  /**
   * Sends on their way the packets whose answers have come, and drops those that waited too long; returns the number let through.
   * A resource that can be watched has it done by itself, and so has a packet that would join others whose answer has come;
   * call it where neither is the case, and for exact timeouts. Within another call on the switch it is done after that, and the
   * result is 0.
   */
  readonly settle: () => number
}
