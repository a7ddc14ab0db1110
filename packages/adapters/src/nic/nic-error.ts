/** What a NIC can fail with, as data. */

/** Why. */
export type NicFailure =
  /** The options make no sense; `reason` says which and why. */
  | 'BadOptions'
  /** The process may not do this; `hint` says what it takes. */
  | 'NeedsPrivilege'
  /** The optional package that reaches the system's calls is not installed or does not load; `hint` says how to get it. */
  | 'NeedsKoffi'
  /** Not on this operating system or kernel. */
  | 'Unsupported'
  /** No interface, file or socket of that name. */
  | 'NotFound'
  /** Somebody else has it. */
  | 'Busy'
  /** The interface is down. */
  | 'LinkDown'
  /** The other end went away, or has not come yet. */
  | 'PeerGone'
  /** What came from the other end is no frame; the connection is given up. */
  | 'BadPeer'
  /** The interface was deleted. */
  | 'Gone'
  /** It was closed, or started twice. */
  | 'BadState'
  /** Any other error of the system, named in `reason`. */
  | 'System'

/** A failure of a NIC. */
export interface NicError {
  readonly _tag: 'NicError'
  /** The NIC's name. */
  readonly nic: string
  /** What was being done: `open`, `start`, `receive`, `send`, `link`, `close`. */
  readonly operation: 'open' | 'start' | 'receive' | 'send' | 'link' | 'close'
  readonly code: NicFailure
  /** One phrase for people, with the system's own name of the error where there is one. */
  readonly reason: string
  /**
   * Whether the same may succeed later without anything being changed here. A NIC that reports a retryable failure after it
   * was started goes on by itself as soon as it can; any other failure has closed it.
   */
  readonly retryable: boolean
  /** What would help, where that is known. */
  readonly hint?: string
}

/** A failure as one line. */
export const renderNicError = ({ nic, operation, code, reason, hint }: NicError): string =>
  `${nic}: ${operation}: ${code}: ${reason}${hint === undefined ? '' : ` (${hint})`}`
