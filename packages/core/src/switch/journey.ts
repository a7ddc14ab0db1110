/** Frames on their way through ports: where they come from, where they are, and what it takes to send one that waited on again. */
import type { DropReason } from '../drop-reason.js'
import type { Direction } from '../flow/flow-id.js'
import type { Decider } from '../tables/unified-flow.js'
import type { FrameOutcome, Sink } from './output.js'

/** Where a frame on its way comes from, and so where an answer to it goes: the VM or the network; or it is an answer to the network. */
export type Origin = Direction | 'answer'

/** What it takes to send a frame that waits in a port on its way again. */
export interface Journey<P> {
  /** The port it was given to, which it reached this one from by hairpins. */
  readonly first: P
  readonly later: Sink
  readonly origin: Origin
  readonly hairpins: number
  /** Tunnels that policy has put around it. */
  readonly tunnels: number
  /** Header groups that may be looked into, as for `SwitchPort.forward`. */
  readonly groups: number
  readonly offload: number
}

/** Where the frame last taken by `forward` is, or why it is nowhere. */
export interface Left<P> {
  /** The port it left by: the one it was given to, unless it was hairpinned. */
  port: P
  start: number
  end: number
  /** Bytes from here to the frame's start are headroom still. */
  floor: number
  /** Why it was dropped, by which rule if by one, and in which port. */
  reason: DropReason
  by: Decider | undefined
  where: P
  /** What it waits for, or that it was answered. */
  waitsFor: FrameOutcome
}
