/**
 * io-ts errors as people and programs want them: where in the document, and why.
 *
 * io-ts records the way to an error as a context that also names the branches of unions and the members of
 * intersections (`/rules/0/1/dstPort`). Those say how the codec was built, not where the mistake stands, and are dropped.
 */
import type { Context, ContextEntry, Errors, ValidationError } from 'io-ts'

/** One mistake in a document. */
export interface CodecError {
  /** A JSON pointer into the document: `/groups/0/rules/2/conditions/dstPort/1`; the document itself is the empty text. @see RFC 6901 §3 */
  readonly path: string
  /** What is wrong there, in words. */
  readonly reason: string
}

/**
 * Renders io-ts errors, the most specific first: deeper paths before shallower ones, otherwise in the codec's order.
 * Branches of a union that failed at the same place are joined to one reason. Never empty for a non-empty input.
 */
export const renderPath = (errors: Errors): readonly CodecError[] => {
  const byPath = new Map<string, { readonly depth: number; readonly failures: ValidationError[] }>()
  for (const error of errors) {
    const keys = pathKeys(error.context)
    const path = keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
    const found = byPath.get(path) ?? { depth: keys.length, failures: [] }
    found.failures.push(error)
    byPath.set(path, found)
  }
  return [...byPath]
    .sort(([, a], [, b]) => b.depth - a.depth)
    .map(([path, { failures }]) => ({ path, reason: reasonOf(failures) }))
}

const pathKeys = (context: Context): readonly string[] =>
  context.slice(1).filter((entry, i) => !isArtefact(context[i], entry)).map((entry) => entry.key)

/**
 * Whether an entry stands for a branch of its parent's codec. A branch looks at the very value its parent looked at,
 * which a property never is; the tag covers branches behind a codec that transformed the value first. Where the parent
 * recorded no value, or there was none, a number is taken for a branch.
 */
const isArtefact = (parent: ContextEntry | undefined, entry: ContextEntry): boolean => {
  if (parent === undefined) return false
  const tag = '_tag' in parent.type ? parent.type._tag : undefined
  if (tag === 'UnionType' || tag === 'IntersectionType') return true
  return parent.actual === undefined ? /^\d+$/.test(entry.key) : Object.is(parent.actual, entry.actual)
}

/** The messages that codecs gave, if any; they know more than the names of the types. */
const reasonOf = (failures: readonly ValidationError[]): string => {
  const messages = [...new Set(failures.flatMap((failure) => failure.message ?? []))]
  if (messages.length > 0) return messages.join('; or ')
  const expected = [...new Set(failures.map((failure) => failure.context.at(-1)?.type.name ?? 'another value'))].join(' or ')
  const value = failures[0]?.value
  return value === undefined ? `is missing: expected ${expected}` : `expected ${expected}, got ${shorten(value)}`
}

const shorten = (value: unknown): string => {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return typeof value
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
