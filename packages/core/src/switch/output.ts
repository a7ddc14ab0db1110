/** Frames that leave a port, and what became of those that came in. */
import { badOptions } from '../check/checked.js'
import { showValue } from '../check/show.js'
import { VfpError } from '../errors.js'
import type { Direction } from '../flow/flow-id.js'

import { Outcome } from '../datapath/outcome.js'
import type { DropReason } from '../drop-reason.js'
import type { DroppedBy } from './decided-by.js'

/** A frame that left. */
export interface Output {
  /** `'network'`, `'vm'` for the VM of the port that processed it, or the name of another port. */
  readonly to: string
  /**
   * `released` is a frame that waited for a resource and is forwarded now; `reply` and `fragment` are frames that the port
   * made itself.
   */
  readonly why: 'forward' | 'mirror' | 'reply' | 'fragment' | 'released'
  /** The frame, from the Ethernet header on; a copy. */
  readonly frame: Uint8Array
}

/** What became of a frame. */
export type FrameOutcome =
  | { readonly _tag: 'Passed' }
  /** A responder took it: what it said, if anything, left as `reply`. Not a drop. `reason` says so in words. */
  | {
      readonly _tag: 'Answered'
      /** The outcome in words. */
      readonly reason: string
    }
  /** Counted under this reason; `by` names the rule that decided so, and is absent where none did. */
  | {
      readonly _tag: 'Dropped'
      /** Name that the drop is counted under. */
      readonly reason: DropReason
      /** The rule that decided so; absent where none did. */
      readonly by?: DroppedBy
    }
  /**
   * Waits until a resource knows about a key (in its words); a copy is kept. It leaves later, or is counted as dropped.
   * `reason` says so in words.
   */
  | {
      readonly _tag: 'Pending'
      /** Name of the resource that is asked. */
      readonly resource: string
      /** The key in its resource's words. */
      readonly key: string
      /** The outcome in words. */
      readonly reason: string
    }

/** What became of a frame, and all that left because of it. The frames are copies. */
export interface Processed {
  /** What became of the frame itself. */
  readonly outcome: FrameOutcome
  /** Frames that left because of it, in the order they left: the frame, copies, answers, fragments. */
  readonly outputs: readonly Output[]
}

/**
 * Frames of a batch, in one buffer: frame `i` lies at `start[i]`, `length[i]` bytes long. Room in front of each frame
 * up to the end of the one before (or the buffer's start) serves as headroom for encapsulation.
 *
 * So frames lie in **ascending** order and do not overlap. One that begins before the end of a frame in front of it, or
 * ends behind the buffer, is dropped as `BadBatch` without being looked at; the others go on as if it were not there, and
 * may take its bytes for headroom. Arrays with fewer than `count` elements are a bug of the caller: a `RangeError`.
 */
export interface Batch {
  /** The buffer that the frames lie in, with room in front of each. */
  readonly bytes: Uint8Array
  /** Offset of each frame; changed when its start moves. */
  readonly start: Uint32Array
  /** Length of each frame in bytes; changed when it grows or shrinks. One that was cut (`SwitchOptions.mtu`) is its first fragment. */
  readonly length: Uint32Array
  /**
   * Set per frame: 0 passed; 1 dropped; 2 pending: a copy waits for a resource, and the frame here is as it was; 3 answered: a responder
   * took it, and the answer is not in this buffer.
   */
  readonly verdict: Uint8Array
  /** Set per frame: a number that `port.reasonName` names; 0 where it was not dropped. */
  readonly reason: Uint16Array
  /**
   * What the sender of each frame left to the hardware, see `OFFLOAD_PARTIAL`: it travels with the frame. Without it all are finished. Words that
   * name a place (`OFFLOAD_PLACE`) take a `Float64Array`.
   */
  readonly offload?: Uint32Array | Float64Array
  /** Frames in the batch. */
  readonly count: number
}

/**
 * Receives what leaves while a batch is processed. Views are valid until the call returns. `tunnels` says how many
 * tunnels policy, of this port and of those the frame came from by hairpins, has put around this very frame or copy: where it is 0
 * an outermost tunnel is the VM's own. Called for a mirrored copy, a sink must not take frames through the same port:
 * the frame that was copied is still in it. `index` is the frame's in its batch, −1 for one that leaves later.
 * `offload` is the frame's word of `Batch.offload`: whoever sends it finishes it.
 */
export type Sink = (
  to: string, why: Output['why'], bytes: Uint8Array, start: number, end: number, index: number, tunnels: number, offload: number,
) => void

/**
 * Makes sure that a batch's arrays are of their types and as long as it says.
 *
 * @throws VfpError with a `BadOptions` if one is of another type, or `count` is no whole number
 * @throws RangeError if one has fewer than `count` elements
 */
export const requireLengths = ({ bytes, start, length, verdict, reason, offload, count }: Batch, ...directions: readonly Direction[]): void => {
  for (const direction of directions) requireDirection(direction, 'processBatch')
  if (!(Number.isInteger(count) && count >= 0)) wrongPart('count', 'a whole number', count)
  if (!(bytes instanceof Uint8Array)) wrongPart('bytes', 'a Uint8Array', bytes)
  if (!(start instanceof Uint32Array)) wrongPart('start', 'a Uint32Array', start)
  if (!(length instanceof Uint32Array)) wrongPart('length', 'a Uint32Array', length)
  if (!(verdict instanceof Uint8Array)) wrongPart('verdict', 'a Uint8Array', verdict)
  if (!(reason instanceof Uint16Array)) wrongPart('reason', 'a Uint16Array', reason)
  if (offload !== undefined && !(offload instanceof Uint32Array || offload instanceof Float64Array)) wrongPart('offload', 'a Uint32Array or a Float64Array', offload)
  if (start.length < count) tooShort('start', start.length, count)
  if (length.length < count) tooShort('length', length.length, count)
  if (verdict.length < count) tooShort('verdict', verdict.length, count)
  if (reason.length < count) tooShort('reason', reason.length, count)
  if (offload !== undefined && offload.length < count) tooShort('offload', offload.length, count)
}

const wrongPart = (name: string, expected: string, given: unknown): never => {
  throw new VfpError(badOptions('batch', `/${name}`, `expected ${expected}`, showValue(given)))
}

/**
 * Makes sure that what is to be a frame is one, its bytes, and what is to be its direction too.
 *
 * @throws VfpError with a `BadOptions` of the function `of`
 */
export const requireFrame = (frame: Uint8Array, of: string, ...directions: readonly Direction[]): void => {
  for (const direction of directions) requireDirection(direction, of)
  if (!(frame instanceof Uint8Array)) throw new VfpError(badOptions(of, '/frame', 'expected a Uint8Array', showValue(frame)))
  if (frame.length === 0 && isDetached(frame)) throw new VfpError(badOptions(of, '/frame', 'its buffer has been given away', showValue(frame)))
}

const isDetached = (frame: Uint8Array): boolean => {
  try {
    frame.subarray(0)
    return false
  } catch {
    return true
  }
}

const requireDirection = (direction: Direction, of: string): void => {
  const given: unknown = direction
  if (given !== 'outbound' && given !== 'inbound') throw new VfpError(badOptions(of, '/direction', 'expected one of "outbound", "inbound"', showValue(given)))
}

const tooShort = (name: string, there: number, count: number): never => {
  throw new RangeError(`batch.${name} has ${there} elements, but the batch counts ${count} frames`)
}

/** How a batch says what became of a frame. */
export const verdictOf = (outcome: Outcome): number =>
  outcome === Outcome.Dropped ? 1 : outcome === Outcome.Pending ? 2 : outcome === Outcome.Answered ? 3 : 0

/** The outcome of a frame that passed. */
export const PASSED: FrameOutcome = { _tag: 'Passed' }
/** The outcome of a frame that a responder took. */
export const ANSWERED: FrameOutcome = { _tag: 'Answered', reason: 'answered' }
