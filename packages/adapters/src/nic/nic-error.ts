/** What a NIC can fail with, as data. */

/** Why a NIC failed: one name for each reason that a program may want to treat apart. */
export type NicFailure =
  /** An option is not what it may be; `reason` says which and why. */
  | 'BadOptions'
  /** The process lacks a privilege; `hint` says which it takes. */
  | 'NeedsPrivilege'
  /** The optional package that reaches the system's calls is not installed or does not load; `hint` says how to get it. */
  | 'NeedsKoffi'
  /** This operating system or kernel does not have it. */
  | 'Unsupported'
  /** There is no interface, file or socket of that name. */
  | 'NotFound'
  /** Another program has the device, port or socket. */
  | 'Busy'
  /** The interface is down. */
  | 'LinkDown'
  /** The other end of the medium went away, or has not come yet. */
  | 'PeerGone'
  /** The other end, or the capture, sent what is no frame. A connection is given up; a replay ends. */
  | 'BadPeer'
  /** The interface was deleted. */
  | 'Gone'
  /** The NIC was closed, or started twice. */
  | 'BadState'
  /** Any other error of the system, named in `reason`. */
  | 'System'

/** A failure of a NIC: what opening returns as `Left`, and what `Receiver.failed` is called with later. {@link renderNicError} prints it. */
export interface NicError {
  readonly _tag: 'NicError'
  /** Name of the NIC that failed, `Nic.name`. */
  readonly nic: string
  /** What the NIC was doing; `link` is anything that happened to its medium or interface by itself. */
  readonly operation: 'open' | 'start' | 'receive' | 'send' | 'link' | 'close'
  /** Why it failed, for programs. */
  readonly code: NicFailure
  /** Why it failed as one phrase for people, with the system's own name of the error where there is one. */
  readonly reason: string
  /**
   * Whether the same may succeed later although nothing is changed in this program. After a retryable failure a started NIC goes on by
   * itself as soon as it can; any other failure has closed it.
   */
  readonly retryable: boolean
  /** What a person can do about it, where that is known. */
  readonly hint?: string
}

/** Returns a failure as one line: the NIC, the operation, the code, the reason, and the hint in parentheses. */
export const renderNicError = ({ nic, operation, code, reason, hint }: NicError): string =>
  `${nic}: ${operation}: ${code}: ${reason}${hint === undefined ? '' : ` (${hint})`}`
