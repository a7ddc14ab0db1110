/** What every error of the library has in common, and how one is turned into an exception at the edge of a program. */
import type { Either } from 'fp-ts/lib/Either.js'

/** An error of the library: data with a tag that tells errors apart, and facts beside it. */
export interface TaggedError {
  readonly _tag: string
}

/**
 * What {@link orThrow} throws: an ordinary `Error` whose `cause` is the typed error. `instanceof` knows those of this copy of the package alone;
 * `cause._tag` tells what was refused, whichever copy refused it.
 */
export class VfpError extends Error {
  /** The name that stack traces print: `VfpError`. */
  override readonly name = 'VfpError'
  /** The error as data. */
  override readonly cause: TaggedError
  constructor(cause: TaggedError) {
    super(describeError(cause))
    this.cause = cause
  }
}

/**
 * Returns the value of a `Right`; throws an exception that carries a `Left`. For scripts, examples and tests, where a refusal
 * is a bug. Programs that can go on match on the `Either`.
 *
 * @throws VfpError if the value is a `Left`
 */
export const orThrow = <A>(value: Either<TaggedError, A>): A => {
  if (value._tag === 'Right') return value.right
  throw new VfpError(value.left)
}

/** Returns one readable line for any error of the library: its tag and its facts; problems with their paths, reasons and values. */
export const describeError = (error: TaggedError): string => {
  const { problems, more, ...others } = error as TaggedError & { readonly problems?: unknown; readonly more?: unknown }
  // The reason and the place of an error with problems are those of the first.
  const facts = Object.entries(problems === undefined ? { ...others, ...(more === undefined ? {} : { more }) } : others)
    .filter(([key]) => key !== '_tag' && (problems === undefined || !OF_FIRST.has(key)))
    .map(([key, value]) => `${key} ${describeFact(value)}`)
  if (problems !== undefined) facts.push(`problems ${describeFact(problems)}${typeof more === 'number' ? `; and ${more} more` : ''}`)
  return facts.length === 0 ? error._tag : `${error._tag}: ${facts.join(', ')}`
}

const OF_FIRST: ReadonlySet<string> = new Set(['path', 'reason', 'value'])

const describeFact = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.map(describeListed).join('; ') : JSON.stringify(value)

const describeListed = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value)
  if (!('path' in value && 'reason' in value)) return Object.values(value).map(String).join(': ')
  const reason = String(value.reason)
  const shown = 'value' in value && !reason.includes(String(value.value)) ? `, not ${String(value.value)}` : ''
  return `${String(value.path)}: ${reason}${shown}`
}
