/**
 * Where a capture's bytes come from: a file or a stream of chunks, through gzip if it starts like gzip.
 *
 * Failures travel as values beside the chunks, in order, so that what came before them is used first.
 */
import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'
import { piecesOf } from './byte-stream.js'
import { messageOf } from './error.js'

/** Why no more bytes come. */
export interface SourceFailure {
  readonly _tag: 'Gzip' | 'Io'
  readonly reason: string
}

/** Chunks, ended by at most one failure. A chunk may be reused by its source once the next one is asked for. */
export type Chunks = AsyncGenerator<Either<SourceFailure, Uint8Array>, void>

/** The bytes of a file, or of a stream made by others, decompressed if need be. */
export const openSource = (source: string | AsyncIterable<Uint8Array>): Chunks =>
  decompressed(typeof source === 'string' ? fileChunks(source) : foreignChunks(source))

const FILE_CHUNK_BYTES = 64 * 1024

/**
 * Compressed bytes given to the inflater at a time. Deflate expands at most about a thousandfold, so this bounds what
 * a hostile file makes us hold: 4 MiB.
 */
const GZIP_PIECE_BYTES = 4096

async function* fileChunks(path: string): Chunks {
  const opened = await attempt(() => open(path, 'r'))
  if (E.isLeft(opened)) {
    yield opened
    return
  }
  const file = opened.right
  try {
    const buffer = new Uint8Array(FILE_CHUNK_BYTES)
    for (;;) {
      const read = await attempt(() => file.read(buffer, 0, buffer.length))
      if (E.isLeft(read)) {
        yield read
        return
      }
      if (read.right.bytesRead === 0) return
      yield E.right(buffer.subarray(0, read.right.bytesRead))
    }
  } finally {
    await attempt(() => file.close())
  }
}

async function* foreignChunks(source: AsyncIterable<Uint8Array>): Chunks {
  // Only what the source throws is caught, not what the consumer of this generator throws into it.
  const opened = await attempt(async () => source[Symbol.asyncIterator]())
  if (E.isLeft(opened)) {
    yield opened
    return
  }
  const iterator = opened.right
  let exhausted = false
  try {
    for (;;) {
      const result = await attempt(() => iterator.next())
      if (E.isLeft(result) || result.right.done === true) {
        exhausted = true
        if (E.isLeft(result)) yield result
        return
      }
      const chunk = result.right.value
      // A stream opened with an encoding yields strings, whatever its type says.
      if (!ArrayBuffer.isView(chunk)) {
        yield E.left({ _tag: 'Io', reason: `the source yielded a ${typeof chunk} instead of bytes` })
        return
      }
      yield E.right(chunk)
    }
  } finally {
    if (!exhausted) await attempt(async () => iterator.return?.())
  }
}

/** Passes the chunks on, through gunzip if the first two bytes are gzip's (RFC 1952 §2.3.1). */
async function* decompressed(chunks: Chunks): Chunks {
  let head: Uint8Array = new Uint8Array(0)
  let failure: Either<SourceFailure, never> | undefined
  try {
    while (head.length < 2) {
      const result = await chunks.next()
      if (result.done === true) break
      if (E.isLeft(result.value)) {
        failure = result.value
        break
      }
      const chunk = result.value.right
      // What is too short to tell by must be copied: asking for the next chunk may overwrite it.
      head = chunk.length >= 2 && head.length === 0 ? chunk : joined(head, chunk)
    }
    const all = prepended(head, failure, chunks)
    yield* head[0] === 0x1f && head[1] === 0x8b ? gunzipped(all) : all
  } finally {
    await chunks.return()
  }
}

async function* prepended(head: Uint8Array, failure: Either<SourceFailure, never> | undefined, rest: Chunks): Chunks {
  yield E.right(head)
  if (failure === undefined) yield* rest
  else yield failure
}

/**
 * Decompresses, member after member. All that a truncated stream holds comes out before its failure; of a corrupt one
 * the last 16 KiB before the damage may be missing, which is what the inflater holds back.
 */
async function* gunzipped(chunks: Chunks): Chunks {
  const inflater = createGunzip({ chunkSize: 16 * 1024 })
  let inflated: Uint8Array[] = []
  let failure: SourceFailure | undefined
  const progress: { ended: boolean } = { ended: false }
  // After an error the callback of a write may never come, so the wait for it is woken by either. One variable rather
  // than a race of promises: each race would leave a reaction behind for as long as the file lasts.
  let wake = (): void => undefined
  inflater.on('data', (bytes: Uint8Array) => inflated.push(bytes))
  inflater.on('error', (error) => {
    failure = { _tag: 'Gzip', reason: error.message }
    wake()
  })
  inflater.on('end', () => {
    progress.ended = true
    wake()
  })
  const drained = function* (): Generator<Either<SourceFailure, Uint8Array>> {
    const ready = inflated
    inflated = []
    for (const bytes of ready) yield E.right(bytes)
    if (failure !== undefined) yield E.left(failure)
  }

  try {
    for await (const chunk of chunks) {
      if (E.isLeft(chunk)) {
        yield chunk
        return
      }
      for (const piece of piecesOf(chunk.right, GZIP_PIECE_BYTES)) {
        await new Promise<void>((resolve) => {
          wake = resolve
          inflater.write(piece, () => resolve())
        })
        yield* drained()
        // It ends by itself before a tail of zeros, which gzip ignores as padding (of tapes, once).
        if (failure !== undefined || progress.ended) return
      }
    }
    await new Promise<void>((resolve) => {
      wake = resolve
      inflater.end()
    })
    yield* drained()
  } finally {
    inflater.destroy()
  }
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

const attempt = async <A>(action: () => Promise<A>): Promise<Either<SourceFailure, A>> => {
  try {
    return E.right(await action())
  } catch (thrown) {
    return E.left({ _tag: 'Io', reason: messageOf(thrown) })
  }
}
