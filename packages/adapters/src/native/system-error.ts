/** Errors of the system's calls, as NICs tell them. */
import type { NicError, NicFailure } from '../nic/nic-error.js'
import { Errno, errnoName } from './layout.js'

/** The error of one call: `what` names what was tried. `hints` adds what would help. */
export const systemError = (
  nic: string,
  operation: NicError['operation'],
  errno: number,
  what: string,
  hints: Partial<Readonly<Record<NicFailure, string>>> = {},
): NicError => {
  const [code, retryable] = FAILURES.get(errno) ?? (['System', false] as const)
  const hint = hints[code]
  return { _tag: 'NicError', nic, operation, code, reason: `${what}: ${errnoName(errno)}`, retryable, ...(hint === undefined ? {} : { hint }) }
}

/** Options that make no sense. */
export const badOptions = (nic: string, reason: string): NicError => ({ _tag: 'NicError', nic, operation: 'open', code: 'BadOptions', reason, retryable: false })

const FAILURES = new Map<number, readonly [NicFailure, boolean]>([
  [Errno.EPERM, ['NeedsPrivilege', false]],
  [Errno.EACCES, ['NeedsPrivilege', false]],
  [Errno.ENODEV, ['NotFound', false]],
  [Errno.ENXIO, ['NotFound', false]],
  [Errno.ENOENT, ['Unsupported', false]],
  [Errno.EBUSY, ['Busy', true]],
  [Errno.EOPNOTSUPP, ['Unsupported', false]],
  [Errno.ENETDOWN, ['LinkDown', true]],
  [Errno.ENOMEM, ['System', true]],
  [Errno.ENOBUFS, ['System', true]],
])
