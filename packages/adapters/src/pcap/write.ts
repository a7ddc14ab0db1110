/**
 * Writing a capture to a file or a function, packet by packet.
 *
 * Packets are encoded at once, in the order of the calls, and leave in batches of 64 KiB, one batch at a time. A call
 * that fills a batch is settled when the destination has taken it: awaiting every call keeps memory constant however
 * slow the destination is.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'
import type { CaptureEncoder } from './encode.js'
import { messageOf } from './error.js'
import type { CaptureWriteError } from './error.js'
import type { InterfaceToWrite, PacketToWrite } from './packet.js'
import { pcapEncoder } from './pcap-encoder.js'
import type { PcapEncoderOptions } from './pcap-encoder.js'
import { pcapngEncoder } from './pcapng-encoder.js'
import type { PcapngEncoderOptions } from './pcapng-encoder.js'
import { fileSink, functionSink, gzipSink } from './sink.js'
import type { ByteSink, CaptureSink } from './sink.js'

/** Options of {@link openCaptureWriter}; those of the format's encoder, and: */
export type WriteOptions = {
  /** Compress with gzip; if absent, when the target is a path that ends in `.gz`. */
  readonly gzip?: boolean
} & (
  | ({
      /** The format; pcapng unless given. */
      readonly format?: 'pcapng'
      /** The interfaces to begin with, numbered from 0; one unnamed Ethernet interface if absent. */
      readonly interfaces?: readonly InterfaceToWrite[]
    } & PcapngEncoderOptions)
  | ({
      /** Classic pcap: one interface, no names, directions and comments. */
      readonly format: 'pcap'
    } & PcapEncoderOptions)
)

/** A capture being written. No method rejects. */
export interface CaptureWriter {
  /** Writes one packet. A packet that the format cannot hold is refused, and the capture goes on without it. */
  readonly write: (packet: PacketToWrite) => Promise<Either<CaptureWriteError, void>>
  /** Describes one more interface and returns its number. Only in pcapng. */
  readonly addInterface: (description: InterfaceToWrite) => Promise<Either<CaptureWriteError, number>>
  /**
   * Writes what is pending and closes the file; calls after the first answer the same. Must be called, also after an
   * error. A function given as target is not told of the end otherwise than by this promise.
   */
  readonly close: () => Promise<Either<CaptureWriteError, CaptureTotals>>
}

/** What a closed capture holds. */
export interface CaptureTotals {
  /** Packets written. */
  readonly packets: number
  /** Bytes before compression. */
  readonly bytes: number
}

/**
 * Opens a capture for writing, pcapng unless the options say otherwise. A file at the path is replaced.
 *
 * Fails with `Unwritable` if an interface or a header field does not fit the format (nothing is created then), and
 * with `Io` if the file cannot be opened.
 *
 * @example
 * ```ts
 * import { openCaptureWriter } from '@vfp-ts/adapters/pcap'
 * import { orThrow } from '@vfp-ts/core'
 *
 * let bytes = 0
 * const sink = (chunk: Uint8Array) => { bytes += chunk.length } // or a path: 'wire.pcapng.gz'
 * const out = orThrow(await openCaptureWriter(sink, { interfaces: [{ name: 'vm-1' }, { name: 'underlay' }] }))
 * orThrow(await out.write({ data: new Uint8Array(60), timestampNs: 1_700_000_000_000_000_000n, interfaceId: 1, direction: 'outbound' }))
 * const totals = orThrow(await out.close())
 * console.log(totals.packets, totals.bytes === bytes)
 * ```
 *
 * ```text output
 * 1 true
 * ```
 */
export const openCaptureWriter = async (
  target: string | CaptureSink,
  options: WriteOptions = {},
): Promise<Either<CaptureWriteError, CaptureWriter>> => {
  const begun = begin(options)
  if (E.isLeft(begun)) return begun
  try {
    const plain = typeof target === 'string' ? await fileSink(target) : functionSink(target)
    const gzip = options.gzip ?? (typeof target === 'string' && target.endsWith('.gz'))
    return E.right(writerTo(gzip ? gzipSink(plain) : plain, begun.right))
  } catch (thrown) {
    return E.left(ioError(thrown))
  }
}

const BATCH_BYTES = 64 * 1024

interface Begun {
  readonly encoder: CaptureEncoder
  /** The header and the first interfaces. */
  readonly opening: readonly Uint8Array[]
}

const begin = (options: WriteOptions): Either<CaptureWriteError, Begun> => {
  const made = options.format === 'pcap' ? pcapEncoder(options) : pcapngEncoder(options)
  if (E.isLeft(made)) return made
  const encoder = made.right
  const opening = [encoder.start]
  for (const description of options.format === 'pcap' ? [] : (options.interfaces ?? [{}])) {
    const added = encoder.addInterface(description)
    if (E.isLeft(added)) return added
    opening.push(added.right.bytes)
  }
  return E.right({ encoder, opening })
}

const writerTo = (sink: ByteSink, { encoder, opening }: Begun): CaptureWriter => {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  let packets = 0
  let bytes = 0
  let failure: Either<CaptureWriteError, never> | undefined
  let closing: Promise<Either<CaptureWriteError, CaptureTotals>> | undefined
  /** The writes so far, one after another; never rejects. */
  let written: Promise<void> = Promise.resolve()

  const flush = (): Promise<void> => {
    const batch = concat(pending, pendingBytes)
    pending = []
    pendingBytes = 0
    written = written.then(async () => {
      if (failure !== undefined || batch.length === 0) return
      try {
        await sink.write(batch)
      } catch (thrown) {
        failure = E.left(ioError(thrown))
      }
    })
    return written
  }

  const add = (encoded: Uint8Array): void => {
    pending.push(encoded)
    pendingBytes += encoded.length
    bytes += encoded.length
  }

  const flushed = async <A>(value: A): Promise<Either<CaptureWriteError, A>> => {
    if (pendingBytes >= BATCH_BYTES) await flush()
    return failure ?? E.right(value)
  }

  const unavailable = (): Either<CaptureWriteError, never> | undefined => (closing === undefined ? failure : CLOSED)

  const finish = async (): Promise<Either<CaptureWriteError, CaptureTotals>> => {
    await flush()
    try {
      await sink.close()
    } catch (thrown) {
      failure ??= E.left(ioError(thrown))
    }
    return failure ?? E.right({ packets, bytes })
  }

  opening.forEach(add)
  return {
    write: async (packet) => {
      const refused = unavailable()
      if (refused !== undefined) return refused
      const encoded = encoder.packet(packet)
      if (E.isLeft(encoded)) return encoded
      packets += 1
      add(encoded.right)
      return flushed(undefined)
    },
    addInterface: async (description) => {
      const refused = unavailable()
      if (refused !== undefined) return refused
      const added = encoder.addInterface(description)
      if (E.isLeft(added)) return added
      add(added.right.bytes)
      return flushed(added.right.interfaceId)
    },
    close: () => (closing ??= finish()),
  }
}

const CLOSED: Either<CaptureWriteError, never> = E.left({ _tag: 'Closed' })

const ioError = (thrown: unknown): CaptureWriteError => ({ _tag: 'Io', reason: messageOf(thrown) })

const concat = (parts: readonly Uint8Array[], length: number): Uint8Array => {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
