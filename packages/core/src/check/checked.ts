/**
 * The one way in which options are validated.
 *
 * A public function that takes options reads them by one codec, once, before it does anything. What comes of it is a fresh object
 * of its own: who keeps the one that was given can change nothing afterwards. A refusal is a {@link BadOptions}: functions that
 * answer an `Either` answer it, the others throw a `VfpError` whose `cause` it is.
 *
 * Frames, batches and what else comes per packet are not read this way; their functions say what they look at.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'
import { VfpError } from '../errors.js'
import { renderPath } from './codec-errors.js'
import { type Problems, toldOf } from './problem.js'

/** Options that make no sense. Nothing has been done. */
export interface BadOptions extends Problems {
  readonly _tag: 'BadOptions'
  /** The function that was called. */
  readonly of: string
}

/** Options as the codec reads them, or all that is wrong with them. It does not throw, whatever was given. */
export const checked = <A>(codec: t.Decoder<unknown, A>, options: unknown, of: string): Either<BadOptions, A> => {
  try {
    const read = codec.decode(options)
    return read._tag === 'Right' ? right(read.right) : left({ _tag: 'BadOptions', of, ...toldOf(renderPath(read.left)) })
  } catch (thrown) {
    return left(badOptions(of, '', `reading it threw: ${reasonOf(thrown)}`))
  }
}

/**
 * As {@link checked}, for functions that do not answer an `Either`.
 *
 * @throws VfpError with a {@link BadOptions}
 */
export const required = <A>(codec: t.Decoder<unknown, A>, options: unknown, of: string): A => {
  const read = checked(codec, options, of)
  if (read._tag === 'Left') throw new VfpError(read.left)
  return read.right
}

/** A {@link BadOptions} with one problem. */
export const badOptions = (of: string, path: string, reason: string, value?: string): BadOptions =>
  ({ _tag: 'BadOptions', of, problems: [{ path, reason, ...(value === undefined ? {} : { value }) }] })

const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : 'something that is no Error')
