/**
 * A NIC that delivers the frames of a capture.
 *
 * Frames are read ahead by one batch and no more, so a capture of any size needs little memory. A batch is delivered when the first of its frames
 * is due, with all that are due by then; at full speed batches follow each other, one a turn of the event loop.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { systemTimers, type Timers } from '../nic/timers.js'
import { makeFrameQueue } from '../memory/frame-queue.js'
import { makeFrameBatch, slotStart } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD, type Nic, type Receiver, SendCode } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import { type CaptureSink, type CaptureTotals, type CaptureWriteError, openCaptureWriter, renderCaptureWriteError } from '../pcap/index.js'
import { recordTo } from './recorder.js'
import { type PacketReader, packetReader, type ReadPacket, type ReplayPacket, type ReplaySource, unfit } from './replay-source.js'
import { sentFrames, type SentFramesOptions } from './sent-frames.js'

/** Options of {@link replayNic}; all but `source` may be left out. */
export interface ReplayOptions {
  /** Name of the NIC in errors and reports, and of the interface in the recording; `replay` unless given. */
  readonly name?: string
  /** What is replayed: the path of a capture, or packets. */
  readonly source: ReplaySource
  /**
   * When frames come: at the times recorded (the default), this number of times as fast (more than 0), or at full speed, which is one batch a turn
   * of the event loop.
   */
  readonly speed?: 'recorded' | 'full' | number
  /** How often the source is replayed: a whole number from 1, or `Infinity`; 1 unless given. Packets given by a program must be iterable as often. */
  readonly rounds?: number
  /** MTU: largest network packet in bytes, 68–65,535; 65,535 unless given, so that any frame passes. */
  readonly mtu?: number
  /** Where to record what is sent, in pcapng: a path or a function. Each frame gets the time of the latest frame delivered before it. */
  readonly record?: string | CaptureSink
  /** Called with each frame that is sent, at `start`–`end` of `bytes`, in order. The bytes are valid until it returns. */
  readonly onSent?: (bytes: Uint8Array, start: number, end: number) => void
  /** Time at which frames come due; {@link systemTimers} unless given. */
  readonly timers?: Timers
}

/** A NIC that replays. */
export interface ReplayNic extends Nic {
  /** Resolves when the last frame was delivered, or the NIC was closed before; with `Left` if the source or the recording failed. Never rejects. */
  readonly ended: Promise<Either<NicError, void>>
  /** Resolves when the NIC was closed: to what the recording holds, `undefined` without one, or `Left` if it is not whole. Never rejects. */
  readonly recorded: Promise<Either<CaptureWriteError, CaptureTotals | undefined>>
}

/**
 * Opens a NIC that delivers the frames of a capture, at the times recorded or as fast as they are taken. It delivers nothing before it is started.
 * What is given to `send` is counted, given to `onSent`, and recorded if `record` is given.
 *
 * Fails as `BadOptions` if an option is not what it may be, `NotFound` or `System` if the capture or the recording cannot be opened, `BadPeer` if the
 * file does not begin as a capture does.
 *
 * - **End.** When the capture is over, {@link ReplayNic.ended} resolves. The link stays up, and frames are taken and recorded until `close`.
 * - **Failure.** A damaged capture is reported to `Receiver.failed` as `BadPeer`, a failed recording as `System`; neither is retryable, and the NIC is closed.
 * - **Drops.** What is not Ethernet (`LinkType`), was cut by the capture (`Truncated`), is too short (`Malformed`) or too long for the MTU (`TooLong`)
 *   is not delivered, and counted in `receiveDrops`.
 *
 * @example
 * ```ts
 * import { replayNic } from '@vfp-ts/adapters/replay'
 * import { buildFrame, orThrow } from '@vfp-ts/core'
 *
 * const data = orThrow(buildFrame({ proto: 'icmp', srcIp: '10.0.0.4', dstIp: '10.0.0.5' }))
 * const nic = orThrow(await replayNic({ source: [{ data, timestampNs: 0n }], rounds: 3, speed: 'full' })) // or source: 'trace.pcapng.gz'
 * orThrow(nic.start({ frames: () => undefined }))
 * await nic.ended
 * console.log(nic.counters().received)
 * await nic.close()
 * ```
 *
 * ```text output
 * 3
 * ```
 */
export const replayNic = async (options: ReplayOptions): Promise<Either<NicError, ReplayNic>> => {
  const name = options.name ?? 'replay'
  const complaint = badOptions(options)
  if (complaint !== undefined) return E.left(failure(name, 'open', 'BadOptions', complaint))
  const reader = packetReader(options.source, options.rounds ?? 1)
  // A file is read from now, so that opening fails for what is no capture. A program's first packet may be a long time coming.
  const first = typeof options.source === 'string' ? await reader.next() : undefined
  if (first !== undefined && E.isLeft(first)) {
    await reader.close()
    return E.left(failure(name, 'open', first.left.includes('ENOENT') ? 'NotFound' : first.left.startsWith('Io') ? 'System' : 'BadPeer', first.left))
  }
  if (options.record === undefined) return E.right(replaying(name, options, reader, first, () => undefined))
  const writer = await openCaptureWriter(options.record, { interfaces: [{ name }] })
  if (E.isLeft(writer)) {
    await reader.close()
    return E.left(failure(name, 'open', 'System', renderCaptureWriteError(writer.left)))
  }
  return E.right(replaying(name, options, reader, first, (ready, failed) => recordTo(writer.right, ready, (error) => failed(renderCaptureWriteError(error)))))
}

/** `failed` is called with the reason, once, if the recording fails. */
type OpenRecorder = (ready: () => void, failed: (reason: string) => void) => ReturnType<SentFramesOptions['openRecorder']>

const replaying = (name: string, options: ReplayOptions, reader: PacketReader, first: ReadPacket | undefined, openRecorder: OpenRecorder): ReplayNic => {
  const mtu = options.mtu ?? 0xffff
  const frameBytes = mtu + FRAME_OVERHEAD
  const timers = options.timers ?? systemTimers
  const factor = options.speed === 'full' ? Infinity : typeof options.speed === 'number' ? options.speed : 1
  const batch = makeFrameBatch(BATCH_FRAMES, frameBytes)
  const receiveDrops: Record<string, number> = {}
  let state: 'opened' | 'started' | 'closed' = 'opened'
  let receiver: Receiver | undefined
  let received = 0
  let receivedBytes = 0
  let latestNs = 0n
  let callOff: (() => void) | undefined
  let end: (how: Either<NicError, void>) => void = () => undefined
  let closing: Promise<void> | undefined
  let keep: (totals: Either<CaptureWriteError, CaptureTotals | undefined>) => void = () => undefined
  const ended = new Promise<Either<NicError, void>>((resolve) => (end = resolve))
  const recorded = new Promise<Either<CaptureWriteError, CaptureTotals | undefined>>((resolve) => (keep = resolve))
  const isStarted = (): boolean => state === 'started'

  const fail = (code: NicError['code'], operation: NicError['operation'], reason: string): void => {
    const to = receiver
    if (to === undefined) return
    const error = failure(name, operation, code, reason)
    end(E.left(error))
    void nic.close()
    to.failed?.(error)
  }
  const out = sentFrames({
    queue: makeFrameQueue(Math.min(1_024, Math.floor(QUEUE_BYTES / frameBytes)), frameBytes, BATCH_FRAMES),
    timeNs: () => latestNs,
    drained: () => receiver?.drained?.(),
    onSent: options.onSent,
    openRecorder: (ready) => openRecorder(ready, (reason) => fail('System', 'send', reason)),
  })

  const deliver = (): void => {
    if (receiver === undefined || batch.count === 0) return
    received += batch.count
    for (let i = 0; i < batch.count; i++) receivedBytes += batch.length[i] ?? 0
    try {
      receiver.frames(batch)
    } catch (thrown) {
      // Thrown here it would end the replay silently. So it is thrown where Node deals with it, and what follows is delivered.
      setImmediate(() => {
        throw thrown
      })
    }
    batch.count = 0
  }

  const add = ({ data, timestampNs }: ReplayPacket): void => {
    const i = batch.count
    const at = slotStart(i, frameBytes)
    batch.bytes.set(data, at)
    batch.start[i] = at
    batch.length[i] = data.length
    batch.offload[i] = 0
    batch.count = i + 1
    latestNs = timestampNs
  }

  const until = (due: number): Promise<void> =>
    new Promise((resolve) => {
      const off = timers.after(Math.max(0, due - timers.nowMs()), resolve)
      callOff = () => {
        off()
        resolve()
      }
    })

  /** Adds the packet to the batch when it is due, after delivering what was due before. */
  const bring = async (packet: ReplayPacket, due: number): Promise<void> => {
    if (batch.count === BATCH_FRAMES) {
      deliver()
      await turn()
    }
    if (due > timers.nowMs()) {
      deliver()
      await until(due)
    }
    add(packet)
  }

  const awaited = async (next: Promise<ReadPacket>): Promise<ReadPacket> => {
    // A program may give the next one at any time, so what is there is delivered first. A file gives it soon.
    if (typeof options.source !== 'string') deliver()
    return next
  }

  /** Reads, waits until the packet is due, and delivers, until there are no more. */
  const run = async (): Promise<void> => {
    await turn()
    let read = first ?? (await reader.next())
    const begun = timers.nowMs()
    const beginNs = E.isRight(read) ? (read.right?.timestampNs ?? 0n) : 0n
    let dropped = 0
    while (E.isRight(read) && read.right !== undefined && isStarted()) {
      const why = unfit(read.right, frameBytes)
      if (why !== undefined) {
        receiveDrops[why] = (receiveDrops[why] ?? 0) + 1
        // A source may hold nothing else, for ever: the rest of the program has its turns all the same.
        if (++dropped % BATCH_FRAMES === 0) await turn()
      } else await bring(read.right, factor === Infinity ? -Infinity : begun + Number(read.right.timestampNs - beginNs) / 1e6 / factor)
      const next: ReadPacket | Promise<ReadPacket> = reader.next()
      read = next instanceof Promise ? await awaited(next) : next
    }
    deliver()
    if (E.isLeft(read)) fail('BadPeer', 'receive', read.left)
    else end(E.right(undefined))
  }

  const nic: ReplayNic = {
    name,
    mac: undefined,
    mtu: () => mtu,
    link: () => (state === 'closed' ? 'down' : 'up'),
    offloads: { checksum: false, segmentation: false },
    ended,
    recorded,
    start: (to) => {
      if (state !== 'opened') return E.left(failure(name, 'start', 'BadState', `it was ${state} before`))
      state = 'started'
      receiver = to
      void run()
      return E.right(undefined)
    },
    send: (bytes, start, to, offload = 0) => {
      if (state !== 'started') return out.refused(SendCode.Closed)
      if (to - start < ETHERNET_BYTES) return out.refused(SendCode.TooShort)
      if (offload !== 0) return out.refused(SendCode.Unfinished)
      if (to - start > frameBytes) return out.refused(SendCode.TooLong)
      return out.send(bytes, start, to)
    },
    flush: out.flush,
    counters: () => ({ received, receivedBytes, receiveDrops: { ...receiveDrops }, ...out.counters() }),
    close: () => {
      if (closing !== undefined) return closing
      state = 'closed'
      receiver = undefined
      callOff?.()
      closing = Promise.all([out.close(), reader.close()]).then(([totals]) => {
        end(E.right(undefined))
        keep(totals)
      })
      return closing
    },
  }
  return nic
}

const BATCH_FRAMES = 64
const QUEUE_BYTES = 16 * 1024 * 1024
const ETHERNET_BYTES = 14

const failure = (nic: string, operation: NicError['operation'], code: NicError['code'], reason: string): NicError => ({
  _tag: 'NicError', nic, operation, code, reason, retryable: false,
})

const badOptions = ({ speed, rounds = 1, mtu = 0xffff }: ReplayOptions): string | undefined => {
  if (typeof speed === 'number' && !(speed > 0)) return `speed has to be more than 0, is ${speed}`
  if (rounds !== Infinity && (!Number.isInteger(rounds) || rounds < 1)) return `rounds has to be a whole number from 1, or Infinity, is ${rounds}`
  return Number.isInteger(mtu) && mtu >= 68 && mtu <= 0xffff ? undefined : `mtu has to be a whole number from 68 to 65535, is ${mtu}`
}
