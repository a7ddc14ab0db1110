/** Reading a capture from a file or a stream, packet by packet. */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { piecesOf } from './byte-stream.js'
import { captureDecoder } from './decoder.js'
import type { CaptureError } from './error.js'
import type { CapturePacket } from './packet.js'
import { openSource } from './source.js'
import type { DecodeOptions } from './step.js'

/** A path, or chunks of any size; a chunk is done with when the next one is asked for. */
export type CaptureSource = string | AsyncIterable<Uint8Array>

/** Options of {@link readCapture}. */
export type ReadOptions = DecodeOptions

/**
 * Reads a capture: pcap or pcapng, either byte order, compressed with gzip or not, by its content.
 *
 * Yields every whole packet as a `Right`, in file order; if the capture is damaged or cannot be read, one `Left`
 * follows them and ends the iteration. Never throws. Memory is constant: the longest accepted packet, and a chunk.
 * Leaving the loop early closes the file or returns the source's iterator.
 *
 * By default each packet's `data` is a copy, the caller's to keep; with `{ data: 'view' }` it is valid until the next
 * packet is asked for.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng
 *
 * @example
 * ```ts
 * import { isLeft } from 'fp-ts/lib/Either.js'
 * import { LinkType, readCapture, renderCaptureError } from '@vfp-ts/adapters/pcap'
 *
 * for await (const item of readCapture('missing.pcapng.gz')) {
 *   if (isLeft(item)) console.log(renderCaptureError(item.left).startsWith('Io at byte 0'))
 *   else if (item.right.linkType === LinkType.Ethernet) console.log(item.right.data.length)
 * }
 * ```
 *
 * ```text output
 * true
 * ```
 */
export async function* readCapture(
  source: CaptureSource,
  options: ReadOptions = {},
): AsyncGenerator<Either<CaptureError, CapturePacket>, void> {
  const decoder = captureDecoder(options)
  for await (const chunk of openSource(source)) {
    if (E.isLeft(chunk)) {
      decoder.end(chunk.left)
      break
    }
    for (const piece of piecesOf(chunk.right, PIECE_BYTES)) {
      decoder.push(piece)
      for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
        yield item
        if (E.isLeft(item)) return
      }
    }
  }
  decoder.end()
  for (let item = decoder.next(); item !== undefined; item = decoder.next()) yield item
}

/**
 * Reads a whole capture into memory: its packets, and the error if it is damaged. For small captures and tests.
 */
export const readWholeCapture = async (
  source: CaptureSource,
  options: Omit<ReadOptions, 'data'> = {},
): Promise<{
  /** All whole packets, in file order. */
  readonly packets: readonly CapturePacket[]
  /** The error that ended the reading; `undefined` if the capture is whole. */
  readonly error: CaptureError | undefined
}> => {
  const packets: CapturePacket[] = []
  for await (const item of readCapture(source, { ...options, data: 'copy' })) {
    if (E.isLeft(item)) return { packets, error: item.left }
    packets.push(item.right)
  }
  return { packets, error: undefined }
}

/** Bytes decoded at a time; with one huge chunk, what bounds the decoder's buffer. */
const PIECE_BYTES = 64 * 1024
