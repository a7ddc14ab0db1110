/** What every error of the library has in common, and how one is turned into an exception at the edge of a program. */
import type { Either } from 'fp-ts/lib/Either.js'

/** Errors are data: a tag, and the facts. Each folder of the library has one union of them. */
export interface TaggedError {
  readonly _tag: string
}

/** What {@link orThrow} throws: an ordinary `Error` whose `cause` is the typed error. */
export class VfpError extends Error {
  override readonly name = 'VfpError'
  /** The error as data. */
  override readonly cause: TaggedError
  constructor(cause: TaggedError) {
    super(describeError(cause))
    this.cause = cause
  }
}

/**
 * The value of a `Right`, or an exception that carries the `Left`: for scripts, examples and tests, where a refusal
 * is a bug. Programs that can go on match on the `Either`.
 *
 * @throws VfpError if the value is a `Left`
 */
export const orThrow = <A>(value: Either<TaggedError, A>): A => {
  if (value._tag === 'Right') return value.right
  throw new VfpError(value.left)
}

/** One readable line for any error of the library. */
export const describeError = (error: TaggedError): string => {
  const facts = Object.entries(error).filter(([key]) => key !== '_tag')
  if (facts.length === 0) return error._tag
  return `${error._tag}: ${facts.map(([key, value]) => `${key} ${describeFact(value)}`).join(', ')}`
}

const describeFact = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.map(describeListed).join('; ') : JSON.stringify(value)

const describeListed = (value: unknown): string =>
  typeof value === 'object' && value !== null ? Object.values(value).map(String).join(': ') : String(value)
