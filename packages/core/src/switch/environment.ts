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
import type { PortIdentity } from '../policy/flow-context.js'

/** A refusal in words. */
export type Refusal = string

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
}
