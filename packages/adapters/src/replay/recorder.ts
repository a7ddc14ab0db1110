/** Writes what was sent to a replaying NIC to a capture. */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { CaptureTotals, CaptureWriteError, CaptureWriter } from '../pcap/index.js'

/** A capture that frames are written to, at its own pace. */
export interface Recorder {
  /** Copies and writes the frame. */
  readonly write: (bytes: Uint8Array, start: number, end: number, timestampNs: bigint) => void
  /** Returns whether more bytes are on their way than should be, so that no more frames should be given for now. */
  readonly isBusy: () => boolean
  readonly close: () => Promise<Either<CaptureWriteError, CaptureTotals>>
}

/**
 * Makes a recorder on a capture. `ready` is called when the recorder is busy no more, `failed` once if the capture cannot be written; both in a
 * later turn.
 */
export const recordTo = (writer: CaptureWriter, ready: () => void, failed: (error: CaptureWriteError) => void): Recorder => {
  let pending = 0
  let hasFailed = false
  const settled = (bytes: number, written: Either<CaptureWriteError, void>): void => {
    const wasBusy = pending >= BUSY_BYTES
    pending -= bytes
    if (E.isLeft(written) && !hasFailed) {
      hasFailed = true
      failed(written.left)
    }
    if (wasBusy && pending < BUSY_BYTES) ready()
  }
  return {
    write: (bytes, start, end, timestampNs) => {
      pending += end - start
      void writer.write({ data: bytes.subarray(start, end), timestampNs }).then((written) => settled(end - start, written))
    },
    isBusy: () => pending >= BUSY_BYTES,
    close: writer.close,
  }
}

/** Bytes given to the writer and not yet taken by the file. */
const BUSY_BYTES = 1024 * 1024
