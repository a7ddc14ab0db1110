/**
 * io-ts errors as people and programs want them: where in the document, why, and what stood there.
 *
 * io-ts records the way to an error as a context that also names the branches of unions and the members of
 * intersections (`/rules/0/1/dstPort`). Those say how the codec was built, not where the mistake stands, and are dropped.
 */
import type * as t from 'io-ts'
import type { Problem } from './problem.js'
import { showValue } from './show.js'

/**
 * Renders io-ts errors, the most specific first: deeper paths before shallower ones, otherwise in the codec's order.
 * Branches of a union that failed at the same place are joined to one reason. Never empty for a non-empty input.
 */
export const renderPath = (errors: t.Errors): readonly Problem[] => {
  const byPath = new Map<string, { readonly depth: number; readonly failures: t.ValidationError[] }>()
  for (const error of errors) {
    const keys = pathKeys(error.context)
    const path = pointer(keys)
    const found = byPath.get(path) ?? { depth: keys.length, failures: [] }
    found.failures.push(error)
    byPath.set(path, found)
  }
  return [...byPath]
    .sort(([, a], [, b]) => b.depth - a.depth)
    .map(([path, { failures }]) => ({ path, reason: reasonOf(failures), ...shown(failures[0]) }))
}

/** A JSON pointer of keys. @see RFC 6901 §3 */
export const pointer = (keys: readonly (number | string)[]): string =>
  keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

const pathKeys = (context: t.Context): readonly string[] =>
  context.slice(1).filter((entry, i) => !isArtefact(context[i], entry)).map((entry) => entry.key)

/**
 * Whether an entry stands for a branch of its parent's codec. A branch looks at the very value its parent looked at,
 * which a property never is; the tag covers branches behind a codec that transformed the value first. Where the parent
 * recorded no value, or there was none, a number is taken for a branch.
 */
const isArtefact = (parent: t.ContextEntry | undefined, entry: t.ContextEntry): boolean => {
  if (parent === undefined) return false
  const tag = tagOf(parent.type)
  if (tag === 'UnionType' || tag === 'IntersectionType') return true
  return parent.actual === undefined ? /^\d+$/.test(entry.key) : Object.is(parent.actual, entry.actual)
}

/** The value that is wrong; nothing where a name is. */
const shown = (failure: t.ValidationError | undefined): { readonly value?: string } =>
  failure === undefined || isName(failure.context.at(-1)) || valueOf(failure) === undefined ? {} : { value: showValue(valueOf(failure)) }

/** A codec may blame a property of the value it looked at, and have that recorded as the value. */
const valueOf = ({ value, context }: t.ValidationError): unknown => {
  const last = context.at(-1)
  if (last === undefined || context.length < 2 || typeof value !== 'object' || value === null || Object.is(last.actual, value)) return value
  return Object.hasOwn(value, last.key) ? (value as Readonly<Record<string, unknown>>)[last.key] : undefined
}

const isName = (entry: t.ContextEntry | undefined): boolean => entry !== undefined && tagOf(entry.type) === 'NeverType'

/** The messages that codecs gave, if any; they know more than the names of the types. */
const reasonOf = (failures: readonly t.ValidationError[]): string => {
  const messages = [...new Set(failures.flatMap((failure) => failure.message ?? []))]
  if (messages.length > 0) return messages.join('; or ')
  const expected = [...new Set(failures.map((failure) => wordsOf(failure.context.at(-1)?.type)))].join(' or ')
  return failures[0]?.value === undefined ? `is missing: expected ${expected}` : `expected ${expected}`
}

/** What a codec reads, in words: those it was named with, if it was. */
export const wordsOf = (type: t.Decoder<unknown, unknown> | undefined): string => {
  if (type === undefined) return 'another value'
  const plain = PLAIN[tagOf(type) ?? '']
  return plain === undefined || !/[<>{}|&()]|^(string|number|boolean|bigint|null|undefined|void|object|unknown|never|Array|UnknownArray|UnknownRecord|Function|Int)$/.test(type.name) ? type.name : plain
}

const tagOf = (type: t.Decoder<unknown, unknown>): string | undefined => ('_tag' in type && typeof type._tag === 'string' ? type._tag : undefined)

/** What io-ts's own codecs read. */
const PLAIN: Readonly<Record<string, string>> = {
  StringType: 'a text', NumberType: 'a number', BooleanType: 'true or false', BigIntType: 'a bigint', NullType: 'null', UndefinedType: 'nothing', VoidType: 'nothing',
  UnknownType: 'a value', AnyType: 'a value', NeverType: 'nothing', FunctionType: 'a function', ArrayType: 'a list', AnyArrayType: 'a list', ReadonlyArrayType: 'a list',
  TupleType: 'a list', InterfaceType: 'an object', PartialType: 'an object', ExactType: 'an object', StrictType: 'an object', DictionaryType: 'an object',
  AnyDictionaryType: 'an object', ObjectType: 'an object', IntersectionType: 'an object', ReadonlyType: 'an object', KeyofType: 'one of a few words',
  UnionType: 'one of several forms', RefinementType: 'another value', RecursiveType: 'another value',
}
