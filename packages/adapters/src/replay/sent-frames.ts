/** Frames given to a replaying NIC: queued, then given to `onSent` and to the recorder. */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { FrameQueue } from '../memory/frame-queue.js'
import { type NicCounters, SendCode } from '../nic/nic.js'
import type { CaptureTotals, CaptureWriteError } from '../pcap/index.js'
import type { Recorder } from './recorder.js'

/** The way out of a replaying NIC. */
export interface SentFrames {
  readonly send: (bytes: Uint8Array, start: number, end: number) => SendCode
  /** Counts a refusal, and returns it. */
  readonly refused: (code: SendCode) => SendCode
  readonly flush: () => void
  readonly counters: () => Pick<NicCounters, 'sent' | 'sentBytes' | 'sendDrops'>
  /** Passes on what is queued and ends the recording; returns what it holds, `undefined` if there is none. */
  readonly close: () => Promise<Either<CaptureWriteError, CaptureTotals | undefined>>
}

/** Options of {@link sentFrames}. */
export interface SentFramesOptions {
  readonly queue: FrameQueue
  /** Returns the time to be recorded with a frame. */
  readonly timeNs: () => bigint
  /** Called when there is room again after `Full`. */
  readonly drained: () => void
  readonly onSent: ((bytes: Uint8Array, start: number, end: number) => void) | undefined
  /** Makes the recorder; `ready` has to be called when it is busy no more. */
  readonly openRecorder: (ready: () => void) => Recorder | undefined
}

/** Makes a way out that is flushed in the next turn of the event loop at the latest. A recording that cannot keep up fills the queue. */
export const sentFrames = ({ queue, timeNs, drained, onSent, openRecorder }: SentFramesOptions): SentFrames => {
  const drops = new Map<SendCode, number>()
  let sent = 0
  let sentBytes = 0
  let scheduled = false
  let wasFull = false

  const pass = (isHeldUp: () => boolean): void => {
    while (!isHeldUp()) {
      const batch = queue.take()
      if (batch === undefined) return
      try {
        for (let i = 0; i < batch.count; i++) {
          const start = batch.start[i] ?? 0
          const end = start + (batch.length[i] ?? 0)
          sent++
          sentBytes += end - start
          recorder?.write(batch.bytes, start, end, timeNs())
          onSent?.(batch.bytes, start, end)
        }
      } finally {
        // Where `onSent` threw, the rest of its batch is lost; the queue goes on.
        queue.release()
      }
    }
  }
  const turn = (): void => {
    scheduled = false
    pass(isBusy)
    if (!wasFull || queue.size() > queue.capacity / 2) return
    wasFull = false
    drained()
  }
  const recorder = openRecorder(turn)
  const isBusy = (): boolean => recorder?.isBusy() ?? false
  const refused = (code: SendCode): SendCode => {
    drops.set(code, (drops.get(code) ?? 0) + 1)
    return code
  }

  return {
    refused,
    send: (bytes, start, end) => {
      const isTaken = queue.push(bytes, start, end, 0)
      if (!scheduled) {
        scheduled = true
        setImmediate(turn)
      }
      if (isTaken) return SendCode.Ok
      wasFull = true
      return refused(SendCode.Full)
    },
    flush: () => pass(isBusy),
    counters: () => ({ sent, sentBytes, sendDrops: Object.fromEntries([...drops].map(([code, count]) => [CODE_NAMES[code] ?? '', count])) }),
    close: async () => {
      pass(() => false)
      return recorder === undefined ? E.right(undefined) : recorder.close()
    },
  }
}

const CODE_NAMES = Object.keys(SendCode)
