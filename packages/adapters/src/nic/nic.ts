/**
 * The contract of every adapter that carries live frames.
 *
 * A NIC delivers frames in batches to one {@link Receiver} and takes frames one by one, to be sent in batches:
 *
 * - **In.** `receiver.frames(batch)` is called with frames in the order they came. The batch is the NIC's own: it may be
 *   rewritten in place during the call, headroom included, and must not be kept. A NIC calls it from the event loop only, never
 *   from within `send`, `flush` or `start`, and never twice at a time.
 *   What a receiver throws is an uncaught exception of the process; a NIC loses no frame by it and goes on, if the program does.
 * - **Out.** `send` copies the frame into the NIC's queue and `flush` hands the queue to the system; a NIC also flushes by
 *   itself before the event loop goes to sleep, so a forgotten `flush` costs latency, not frames. Frames leave in the order of `send`.
 * - **Back-pressure.** A full queue answers `SendCode.Full` and counts the frame as dropped: the caller decides whether to keep it.
 *   `receiver.drained` is called once when there is room again.
 * - **Offload.** A frame is finished unless its `offload` word says otherwise (`offloadOf`). `send` may be given an unfinished frame
 *   only by whoever looked at {@link Nic.offloads}; any other NIC refuses it as `Unfinished`.
 * - **MTU** is in bytes of network packet, as everywhere: without the Ethernet header and its VLAN tags (at most {@link FRAME_OVERHEAD} bytes in all).
 *   For a frame to be segmented the NIC takes care of each segment, and `send` only of the whole (65,535 and headers at most).
 * - **Failure.** What cannot be opened is a `Left`. Afterwards a failure is told to `receiver.failed`; a retryable one leaves the NIC
 *   open, with its link down until it has mended itself.
 * - **Close.** Sends what is queued, releases everything, and calls the receiver no more; a second `close` is the first one's promise.
 *
 * An idle NIC makes no system calls and holds no timer that fires more than once a second.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import type { FrameBatch } from './frame-batch.js'
import type { NicError } from './nic-error.js'

/** Ethernet header and two VLAN tags: what a frame may be longer than the MTU. */
export const FRAME_OVERHEAD = 22

/** Whether frames can pass at present. */
export type LinkState = 'up' | 'down'

/** What became of a frame given to `send`. A number, for the per-packet path. */
export const SendCode = {
  /** Taken. */
  Ok: 0,
  /** The queue is full. */
  Full: 1,
  /** Longer than the MTU allows. */
  TooLong: 2,
  /** The link is down. */
  LinkDown: 3,
  /** The NIC is closed or not started. */
  Closed: 4,
  /** The frame's `offload` word asks for what this NIC cannot do, or does not fit the frame. */
  Unfinished: 5,
  /** Shorter than an Ethernet header. */
  TooShort: 6,
} as const
/** What became of a frame given to `send`. */
export type SendCode = (typeof SendCode)[keyof typeof SendCode]

/** What a NIC counts since it was opened. */
export interface NicCounters {
  readonly received: number
  readonly receivedBytes: number
  /** Frames handed to the system or the other end. */
  readonly sent: number
  readonly sentBytes: number
  /** Frames that came but were not delivered, by reason: `Overrun` (the system dropped them, as far as it says), `Truncated`, `Malformed` … */
  readonly receiveDrops: Readonly<Record<string, number>>
  /** Frames refused by `send` or lost after it, by reason: the names of {@link SendCode}, and `System`. */
  readonly sendDrops: Readonly<Record<string, number>>
}

/** Who gets the frames. */
export interface Receiver {
  /** Frames came: valid, and theirs to rewrite, until the call returns. */
  readonly frames: (batch: FrameBatch) => void
  /** After `SendCode.Full`: there is room again. */
  readonly drained?: () => void
  /** The link went up or down. */
  readonly link?: (state: LinkState) => void
  /** The MTU changed, to so many bytes of network packet. */
  readonly mtu?: (bytes: number) => void
  /**
   * A router said, about a packet that this NIC sent lately, that the path to an IP address takes no more than so many bytes of network packet;
   * only of NICs that have an address of their own, as an underlay.
   */
  readonly pathMtu?: (destination: string, bytes: number) => void
  /** Something failed. */
  readonly failed?: (error: NicError) => void
}

/** Unfinished frames that a NIC can send. */
export interface Offloads {
  /** Frames whose transport checksum is not computed. */
  readonly checksum: boolean
  /** Frames to be segmented. */
  readonly segmentation: boolean
}

/** A network interface. */
export interface Nic {
  readonly name: string
  /** The address of the interface itself, as `02:00:00:00:00:01`; `undefined` where it has none of its own. */
  readonly mac: string | undefined
  /** Largest network packet in bytes; it may change while the interface exists. */
  readonly mtu: () => number
  /** Whether frames can pass at present; `down` once closed. */
  readonly link: () => LinkState
  readonly offloads: Offloads
  /** Begins to deliver. Once: a second call is refused as `BadState`. */
  readonly start: (receiver: Receiver) => Either<NicError, void>
  /** Queues the frame at `start`–`end` of `bytes` for sending; the bytes are the caller's own again on return. */
  readonly send: (bytes: Uint8Array, start: number, end: number, offload?: number) => SendCode
  /** Hands what is queued to the system. */
  readonly flush: () => void
  /** What it has counted since it was opened, also after it was closed. */
  readonly counters: () => NicCounters
  /** Sends what is queued as far as that goes at once, and releases everything. Never rejects. */
  readonly close: () => Promise<void>
}

/** What makes a NIC: `Left` says why there is none. */
export type OpenNic = () => Promise<Either<NicError, Nic>>
