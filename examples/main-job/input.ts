/** The capture as a file that can be read twice: a stream, which can be read once only, is kept in a temporary file first. */
import { constants, createReadStream, createWriteStream, existsSync, openSync, type Stats, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TaggedError } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'

/** What `--in` and `--out` call standard input and output. */
export const STREAM = '-'

/** A capture to be read. */
export interface Input {
  readonly file: string
  /** What it is called in messages. */
  readonly name: string
  /** Removes what was kept. */
  readonly done: () => Promise<void>
}

/** A capture that cannot be opened or kept. */
export interface InputError extends TaggedError {
  readonly _tag: 'Input'
  readonly reason: string
}

/** Opens `path`, or `stdin` if that is {@link STREAM}. `signal` ends the keeping of a stream, which then fails. */
export const openInput = async (path: string, stdin: Readable, signal: AbortSignal): Promise<E.Either<InputError, Input>> => {
  const name = path === STREAM ? 'standard input' : path
  const failed = (reason: string): E.Either<InputError, never> => E.left({ _tag: 'Input', reason: `${name}: ${reason}` })
  if (path !== STREAM && !existsSync(path)) return failed('no such file')
  const stat = path === STREAM ? undefined : statSync(path)
  if (stat?.isDirectory() === true) return failed('this is a folder, not a capture')
  if (stat?.isFile() === true) return E.right({ file: path, name, done: () => Promise.resolve() })
  const folder = await mkdtemp(join(tmpdir(), 'vfp-main-job-'))
  const done = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const file = join(folder, 'capture')
  try {
    await pipeline(stat === undefined ? stdin : streamOf(path, stat), createWriteStream(file, { mode: 0o600 }), { signal })
  } catch (thrown) {
    await done()
    return failed(thrown instanceof Error ? thrown.message : String(thrown))
  }
  return E.right({ file, name, done })
}

/** A named pipe is opened without waiting for its writer, as that wait could not be interrupted; it is polled for bytes instead. */
const streamOf = (path: string, stat: Stats): Readable =>
  stat.isFIFO() ? new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false }) : createReadStream(path)
