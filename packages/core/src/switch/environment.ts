/**
 * What a program implements to put the switch into its environment.
 *
 * The switch knows ports, not NICs: whoever embeds it connects a port to a virtual machine's NIC, to a TAP device, to
 * a replayed capture. The hooks tell it of a port's life; each may refuse, and then the call on the switch fails and
 * nothing has changed. Frames leave through `toVm` and `toNetwork`.
 *
 * @see VFP §4.1
 */
import type { Either } from 'fp-ts/lib/Either.js'
import type { Direction } from '../flow/flow-id.js'
import type { PortIdentity } from '../policy/flow-context.js'
import type { Output } from './output.js'

/** A refusal in words. */
export type Refusal = string

/** A key that a rule asked for and its resource does not know about yet. */
export interface MissEvent {
  /** The port whose packet missed the key. */
  readonly port: PortIdentity
  /** The layer whose rule asked first. */
  readonly layer: string
  /** Direction of the packet it was asked for. */
  readonly direction: Direction
  /** The resource's name. */
  readonly resource: string
  /** The key as the rule gave it. */
  readonly key: unknown
  /** The key in its resource's words. */
  readonly keyText: string
  /** Packets that wait for it now; 0 where they go a default way. */
  readonly waiting: number
}

/** The surroundings of a switch. Every member may be left out. */
export interface Environment {
  /** A port is about to exist. */
  readonly createPort?: (port: PortIdentity) => Either<Refusal, void>
  /** A port is about to carry traffic. */
  readonly connectPort?: (port: PortIdentity) => Either<Refusal, void>
  /** A port carries no traffic any more. */
  readonly disconnectPort?: (port: PortIdentity) => void
  /** A port is gone. */
  readonly deletePort?: (port: PortIdentity) => void
  /**
   * Rules that a change took out of force threw when they were to let go of their state: which, as `group/rule`, and why.
   * The change itself stands, and its caller is told so; what is left behind is the rule types' own.
   */
  readonly disposeFailed?: (port: PortIdentity, layer: string, failures: readonly { readonly rule: string; readonly reason: string }[]) => void
  /**
   * A frame for a port's VM. The bytes are valid until the call returns. It may be a mirrored copy, while the frame itself
   * is still in its port: an answer is given back to the switch after the call, not within it.
   */
  readonly toVm?: (port: PortIdentity, frame: Uint8Array) => void
  /** A frame for the physical network. The bytes are valid until the call returns. */
  readonly toNetwork?: (frame: Uint8Array) => void
  /**
   * A frame for a port's VM, or for the physical network where `to` is not given: called instead of `toVm` and `toNetwork`, without making a view. The bytes are valid until
   * the call returns and may be changed by it. `offload` says what is left to do to the frame (`OFFLOAD_PARTIAL`, `OFFLOAD_SEGMENT`); it is 0 for all frames unless
   * some came in with it.
   */
  readonly deliver?: (to: PortIdentity | undefined, bytes: Uint8Array, start: number, end: number, offload: number) => void
  /**
   * A frame that was taken by `port.process` or `processBatch`, waited for a resource, and leaves now: as a batch's sink is told.
   * The bytes are valid until the call returns. Without it such a frame is bridged, as those of `fromVm` and `fromNetwork`
   * always are.
   */
  readonly released?: (port: PortIdentity, to: string, why: Output['why'], frame: Uint8Array, tunnels: number, offload: number) => void
  /**
   * A resource does not know about a key: told once, after the packet that missed it, and again each time the port's patience
   * is over (`pending.timeoutUs`) and a packet or flow still needs it. The answer may be given to the resource within the call.
   */
  readonly onMiss?: (miss: MissEvent) => void
}
