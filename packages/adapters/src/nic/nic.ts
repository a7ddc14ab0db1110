/** The contract of every adapter that carries live frames; it stands on {@link Nic}. `testing` holds the suite that every adapter passes. */
import type { Either } from 'fp-ts/lib/Either.js'
import type { FrameBatch } from './frame-batch.js'
import type { NicError } from './nic-error.js'

/** Bytes by which a frame may be longer than the MTU: an Ethernet header and two VLAN tags. */
export const FRAME_OVERHEAD = 22

/** Whether frames can pass a NIC at present. */
export type LinkState = 'up' | 'down'

/** What {@link Nic.send} returns: what became of the frame. Numbers, since the per-packet path returns them. */
export const SendCode = {
  /** The NIC took the frame. */
  Ok: 0,
  /** The queue is full; `Receiver.drained` is called once there is room. */
  Full: 1,
  /** The frame is longer than the MTU allows. */
  TooLong: 2,
  /** The link is down. */
  LinkDown: 3,
  /** The NIC is closed or not started. */
  Closed: 4,
  /** The frame's `offload` word asks for what this NIC cannot do, or does not fit the frame. */
  Unfinished: 5,
  /** The frame is shorter than an Ethernet header. */
  TooShort: 6,
} as const
/** One of the codes that {@link Nic.send} returns. */
export type SendCode = (typeof SendCode)[keyof typeof SendCode]

/** What a NIC has counted since it was opened. Bytes are those of whole frames, Ethernet header included. */
export interface NicCounters {
  /** Frames delivered to the receiver. */
  readonly received: number
  /** Bytes of the frames in `received`. */
  readonly receivedBytes: number
  /** Frames handed to the system or to the other end. */
  readonly sent: number
  /** Bytes of the frames in `sent`. */
  readonly sentBytes: number
  /** Frames that came but were not delivered, by reason: `Overrun` (the system dropped them, as far as it says), `Truncated`, `Malformed` … */
  readonly receiveDrops: Readonly<Record<string, number>>
  /** Frames refused by `send` or lost after it, by reason: the names of {@link SendCode}, and `System`. */
  readonly sendDrops: Readonly<Record<string, number>>
}

/** The calls that a NIC makes after it was started. All come from the event loop, one at a time, and none after `close`. */
export interface Receiver {
  /** Frames came, in order. The batch may be rewritten in place until the call returns, headroom included, and must not be kept. */
  readonly frames: (batch: FrameBatch) => void
  /** There is room in the queue again; called once after one or more `SendCode.Full`. */
  readonly drained?: () => void
  /** The link went up or down. */
  readonly link?: (state: LinkState) => void
  /** The MTU changed; `bytes` is the new one, in bytes of network packet. */
  readonly mtu?: (bytes: number) => void
  /**
   * A router refused a packet that this NIC sent lately: the path to the IP address `destination` takes network packets of at most `bytes`
   * bytes. Only a NIC with an IP address of its own calls it, such as an underlay.
   */
  readonly pathMtu?: (destination: string, bytes: number) => void
  /** The NIC failed. After a retryable failure it stays open, with its link down until it has mended itself; any other one has closed it. */
  readonly failed?: (error: NicError) => void
}

/** Which unfinished frames a NIC takes for sending. */
export interface Offloads {
  /** Whether it takes frames whose transport checksum is not computed. */
  readonly checksum: boolean
  /** Whether it takes frames that are to be segmented. */
  readonly segmentation: boolean
}

/**
 * A network interface: delivers frames in batches to one {@link Receiver}, and takes frames one by one, to be sent in batches. All adapters
 * keep this contract, so what works over one works over any other:
 *
 * - **In.** `receiver.frames(batch)` is called with frames in the order they came. The batch is the NIC's own: it may be
 *   rewritten in place during the call, headroom included, and must not be kept. A NIC calls its receiver from the event loop only, never
 *   from within `send`, `flush` or `start`, and never twice at a time.
 *   What a receiver throws is an uncaught exception of the process; a NIC loses no frame by it and goes on, if the program does.
 * - **Out.** `send` copies the frame into the NIC's queue and `flush` hands the queue to the system. A NIC also flushes by
 *   itself before the event loop sleeps, so a forgotten `flush` costs latency, not frames. Frames leave in the order of `send`.
 * - **Back-pressure.** When the queue is full, `send` returns `SendCode.Full` and counts the frame as dropped; the caller decides whether to keep
 *   it. `receiver.drained` is called once when there is room again.
 * - **Offload.** A frame is finished unless its `offload` word says otherwise ({@link offloadOf}). Look at {@link Nic.offloads} before giving
 *   `send` an unfinished frame: a NIC that does not take it returns `Unfinished`. A `Finisher` (`@vfp-ts/adapters/offload`) does both.
 * - **MTU** is in bytes of network packet: without the Ethernet header and its VLAN tags (at most {@link FRAME_OVERHEAD} bytes in all).
 *   Of a frame to be segmented each segment has to fit the MTU, and the whole is at most 65,535 bytes and headers.
 * - **Failure.** What cannot be opened is a `Left`. Later failures go to `receiver.failed`; after a retryable one the NIC stays
 *   open, with its link down until it has mended itself.
 * - **Close.** Sends what is queued, releases everything, and calls the receiver no more. A second `close` returns the first one's promise.
 *
 * Cost: an idle NIC makes no system calls and has no timer that fires more than once a second.
 *
 * @example
 * ```ts
 * import { memoryPair } from '@vfp-ts/adapters/memory'
 * import { type Nic, SendCode } from '@vfp-ts/adapters/nic'
 * import { buildFrame, orThrow } from '@vfp-ts/core'
 *
 * const hello = (nic: Nic): boolean => {
 *   const frame = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.1', dstIp: '10.0.0.2' }))
 *   const code = nic.send(frame, 0, frame.length)
 *   nic.flush()
 *   return code === SendCode.Ok
 * }
 *
 * const { a, b } = memoryPair()
 * orThrow(a.start({ frames: () => undefined }))
 * orThrow(b.start({ frames: ({ count, length }) => console.log(`${count} frame of ${length[0]} bytes`) }))
 * console.log(hello(a))
 * await a.close()
 * await b.close()
 * ```
 *
 * ```text output
 * true
 * 1 frame of 42 bytes
 * ```
 */
export interface Nic {
  /** Name of the NIC in errors and reports. It need not be unique. */
  readonly name: string
  /** The interface's own MAC, as `02:00:00:00:00:01`; `undefined` where it has none. */
  readonly mac: string | undefined
  /** Returns the largest network packet in bytes. It may change while the interface exists. */
  readonly mtu: () => number
  /** Returns whether frames can pass at present; `down` once the NIC is closed. */
  readonly link: () => LinkState
  /** Which unfinished frames `send` takes. It does not change. */
  readonly offloads: Offloads
  /** Begins to deliver frames to `receiver`. A second call, and one after `close`, is refused as `BadState`. */
  readonly start: (receiver: Receiver) => Either<NicError, void>
  /**
   * Queues the frame at `start`–`end` of `bytes` for sending; returns what became of it. The bytes are copied before it returns. `offload`
   * says what is left to do to the frame (`offloadOf` makes it); 0, a finished frame, unless given.
   */
  readonly send: (bytes: Uint8Array, start: number, end: number, offload?: number) => SendCode
  /** Hands the queued frames to the system. */
  readonly flush: () => void
  /** Returns what the NIC has counted since it was opened, also after it was closed. */
  readonly counters: () => NicCounters
  /** Sends the queued frames, as far as that goes at once, and releases everything. Never rejects. */
  readonly close: () => Promise<void>
}

/** Opens a NIC; `Left` says why there is none. */
export type OpenNic = () => Promise<Either<NicError, Nic>>
