/** Where a capture's bytes go: a file or a function, through gzip if asked. One write at a time, each awaited. */
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/**
 * Takes the next bytes of the file; a promise given back holds up the writer until it is settled, and its rejection
 * ends the capture. The bytes are the sink's to keep.
 */
export type CaptureSink = (bytes: Uint8Array) => void | Promise<void>

/** A destination with an end. Both reject if the bytes cannot be taken. */
export interface ByteSink {
  readonly write: (bytes: Uint8Array) => Promise<void>
  /** Called once, after the last write was awaited, also if that failed: releases what the sink holds. */
  readonly close: () => Promise<void>
}

/** Creates or empties the file. */
export const fileSink = async (path: string): Promise<ByteSink> => {
  const file = await open(path, 'w')
  return {
    write: async (bytes) => {
      // One call may write less than it was given.
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten
    },
    close: () => file.close(),
  }
}

/** A function as a sink; nothing happens to it at the end. */
export const functionSink = (sink: CaptureSink): ByteSink => ({
  write: async (bytes) => {
    await sink(bytes)
  },
  close: async () => undefined,
})

/** Compresses on the way to another sink, at the pace at which that one takes the bytes. */
export const gzipSink = (inner: ByteSink): ByteSink => {
  const compressor = createGzip()
  let failure: { readonly reason: unknown } | undefined
  // A compressor that is torn down while it waits for room never calls back, so a broken pipeline wakes the writer too.
  let wake = (): void => undefined
  const finished = pipeline(compressor, async (compressed: AsyncIterable<Uint8Array>) => {
    for await (const bytes of compressed) await inner.write(bytes)
  }).catch((reason: unknown) => {
    failure = { reason }
    wake()
  })
  const check = (): void => {
    if (failure !== undefined) throw failure.reason
  }
  return {
    write: async (bytes) => {
      check()
      await new Promise<void>((resolve) => {
        wake = resolve
        compressor.write(bytes, () => resolve())
      })
      check()
    },
    close: async () => {
      compressor.end()
      await finished
      await inner.close()
      check()
    },
  }
}
