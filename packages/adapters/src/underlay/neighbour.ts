/** A neighbour: a host on the same link, whose MAC is asked for and remembered. */
import type { IpAddress } from '@vfp-ts/core'

/**
 * Where a neighbour is in its life. The states are those of RFC 4861, for ARP as well, less `DELAY`: nobody above tells
 * that answers come, so a stale neighbour that is used is asked at the next tick.
 *
 * - `incomplete`: its MAC is being asked for; frames wait;
 * - `reachable`: it answered not long ago;
 * - `stale`: its MAC is known, but not whether it still holds; asked about when it is used;
 * - `probe`: used, and being asked at the MAC that is known, or by then of everybody;
 * - `failed`: it did not answer; frames to it are dropped for a while;
 * - `static`: its MAC was given, and stays.
 *
 * @see RFC 4861 §7.3.2
 */
export type NeighbourState = 'incomplete' | 'reachable' | 'stale' | 'probe' | 'failed' | 'static'

/** A neighbour as reports show it. */
export interface NeighbourReport {
  /** The neighbour's IP address. */
  readonly ip: string
  /** Its MAC, as `02:00:00:00:00:01`; `undefined` until it is known. */
  readonly mac: string | undefined
  /** Where it is in its life. */
  readonly state: NeighbourState
  /** Frames that wait for its MAC. */
  readonly waiting: number
  /** Milliseconds since it was last heard of, first asked for, or given up. */
  readonly ageMs: number
}

/** A frame that waits. */
export interface Waiting {
  readonly frame: Uint8Array
  readonly offload: number
}

/** A neighbour as the table keeps it. */
export interface Neighbour {
  readonly ip: IpAddress
  /** The host's own address that asks. */
  readonly source: IpAddress
  /** Six bytes; they count where `resolved`. */
  readonly mac: Uint8Array
  /** Whether frames can be sent: the state is neither `incomplete` nor `failed`. */
  resolved: boolean
  state: NeighbourState
  /** Whether a frame was sent to it, or wanted to be, since the last tick: set per packet, so that no clock is read there. */
  used: boolean
  /** When it last was, to within a tick. */
  usedMs: number
  /** When it was last heard of, first asked for, or given up. */
  sinceMs: number
  /** Questions asked in this state. */
  asked: number
  waiting: Waiting[]
}
