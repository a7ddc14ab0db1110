/** What TAP devices and packet sockets do differently: the system's side of a NIC. */
import type { Either } from 'fp-ts/lib/Either.js'
import type { FrameBatch } from '../nic/frame-batch.js'
import type { Offloads } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import type { SendQueue } from './send-queue.js'

/** An open descriptor and the interface behind it. */
export interface Device {
  readonly name: string
  readonly fd: number
  readonly mac: string | undefined
  readonly offloads: Offloads
  /** Begins to take in frames. */
  readonly start: () => Either<NicError, void>
  /** What its interface is like; `undefined` when it was deleted, or taken where it cannot be reached. */
  readonly state: () => DeviceState | undefined
  /** Frames that wait; the batch may be empty though there are more. `undefined`: none. */
  readonly receive: (drops: Drops) => FrameBatch | undefined
  /** Takes back the memory of the last batch. */
  readonly release: () => void
  /** Hands frames to the system until all are gone (0) or an error stops it at the first of those left (`errno`). */
  readonly transmit: (queue: SendQueue) => number
  /** Adds what the system dropped since the last time. */
  readonly addDrops: (drops: Drops) => void
  /** Asks for the error that a watch told of, which makes it go away. */
  readonly clearError: () => void
  readonly close: () => void
}

/** A device's interface at present. */
export interface DeviceState {
  /** Up, and with a carrier. */
  readonly up: boolean
  /** Bytes of network packet. */
  readonly mtu: number
  /** Whether the descriptor becomes writable when the link comes up. */
  readonly writableWhenUp?: boolean
}

/** Counts by reason. */
export type Drops = Record<string, number>

/** Counts. */
export const drop = (drops: Drops, reason: string, count = 1): void => {
  if (count > 0) drops[reason] = (drops[reason] ?? 0) + count
}
