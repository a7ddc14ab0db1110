/** io-ts codecs of what options and policies are made of; every refusal says what would have been right. */
import * as t from 'io-ts'
import { wordsOf } from './codec-errors.js'
import { nearest, suggestion } from './suggest.js'

/** A codec of values that are read as they are. */
export const plain = <A>(name: string, is: (u: unknown) => u is A, expected = `expected ${name}`): t.Type<A> =>
  new t.Type<A>(name, is, (u, context) => (is(u) ? t.success(u) : t.failure(u, context, expected)), (a) => a)

/** A whole number from `low` to `high`, both included. */
export const integer = (low: number, high: number, what = 'a number'): t.Type<number> =>
  plain(`${what} from ${low} to ${high}`, (u): u is number => typeof u === 'number' && Number.isInteger(u) && u >= low && u <= high,
    `expected ${what}: a whole number from ${low} to ${high}`)

/** A number from `low` to `high`, both included, whole or not; `high` may be `Infinity`. */
export const amount = (low: number, high: number, what = 'a number'): t.Type<number> =>
  plain(`${what} from ${low} to ${high}`, (u): u is number => typeof u === 'number' && u >= low && u <= high,
    high === Infinity ? `expected ${what}: a number of at least ${low}` : `expected ${what}: a number from ${low} to ${high}`)

/** `true` or `false`. */
export const flag: t.Type<boolean> = plain('true or false', (u): u is boolean => typeof u === 'boolean')

/** A text that is not empty. */
export const text = (what = 'a text'): t.Type<string> =>
  plain(what, (u): u is string => typeof u === 'string' && u !== '', `expected ${what}: a text that is not empty`)

/** A function; what it takes and answers is not known before it is called. */
export const callable = <F>(what = 'a function'): t.Type<F> => plain(what, (u): u is F => typeof u === 'function')

/** An object, of whatever class. */
export const object = <A extends object>(what: string): t.Type<A> => plain(what, (u): u is A => typeof u === 'object' && u !== null && !Array.isArray(u))

/** An io-ts codec, of this copy of io-ts or another. */
export const codec: t.Type<object> = plain('an io-ts codec', (u): u is object => typeof u === 'object' && u !== null && 'validate' in u && typeof u.validate === 'function' && 'decode' in u)

/** Bytes. */
export const bytes: t.Type<Uint8Array> = plain('a Uint8Array', (u): u is Uint8Array => u instanceof Uint8Array)

/** One of a few words, or of a few numbers. */
export const choice = <const V extends string | number | boolean>(...values: readonly V[]): t.Type<V> => {
  const known = values.map((v) => JSON.stringify(v)).join(', ')
  const words = values.filter((v) => typeof v === 'string')
  const is = (u: unknown): u is V => values.some((v) => v === u)
  return new t.Type<V>(`one of ${known}`, is, (u, context) => (is(u) ? t.success(u) : t.failure(u, context, `expected one of ${known}${suggestion(u, words)}`)), (a) => a)
}

/** `Array.isArray`, but for what it makes of read-only lists. */
export const isList = (u: unknown): u is readonly unknown[] => Array.isArray(u)

/** A list without holes. */
export const list = <A, O>(one: t.Type<A, O>, what = 'a list', least = 0): t.Type<readonly A[], readonly O[]> => {
  const inner = t.readonlyArray(one, what)
  return new t.Type<readonly A[], readonly O[]>(
    what,
    inner.is,
    (u, context) => {
      if (!Array.isArray(u)) return t.failure(u, context, u === undefined ? `is missing: expected ${what}` : `expected ${what}`)
      if (u.length < least) return t.failure(u, context, `expected at least ${least}`)
      // A hole may be billions of elements wide.
      return Object.keys(u).length < u.length ? t.failure(u, context, `expected ${what} without holes`) : inner.validate(u, context)
    },
    inner.encode,
  )
}

/** A codec for an object whose every other property is refused by name, so that misspelt options do not vanish. */
export const strictly = <P extends t.Props>(props: P, name?: string): t.Type<t.TypeOf<t.TypeC<P>>, t.OutputOf<t.TypeC<P>>> =>
  closed(t.type(props, name), props, {})

/** As {@link strictly}, with optional properties; one that is `undefined` is not there. */
export const strictlyPartial = <R extends t.Props, P extends t.Props>(
  required: R, optional: P, name?: string,
): t.Type<t.TypeOf<t.TypeC<R>> & t.TypeOf<t.PartialC<P>>, t.OutputOf<t.TypeC<R>> & t.OutputOf<t.PartialC<P>>> =>
  closed(t.intersection([t.type(required), t.partial(optional)], name), required, optional)

/** All that is wrong is told, and each property is read once: a getter cannot answer differently later. */
const closed = <A, O>(inner: t.Type<A, O>, required: t.Props, optional: t.Props): t.Type<A, O> => {
  const props = Object.entries({ ...required, ...optional })
  const keys = props.map(([key]) => key)
  const known = keys.length === 0 ? 'there are none here' : `known are ${keys.join(', ')}`
  return new t.Type<A, O>(
    inner.name,
    inner.is,
    (u, context) => {
      if (typeof u !== 'object' || u === null || Array.isArray(u)) return t.failure(u, context, `expected an object; of its properties, ${known}`)
      const errors: t.ValidationError[] = []
      const read: Record<string, unknown> = {}
      const unknown = Object.keys(u).filter((key) => !keys.includes(key))
      // What is misspelt is not missing as well.
      const meant = unknown.map((key) => nearest(key, keys))
      for (const [key, codec] of props) {
        const value: unknown = Reflect.get(u, key)
        if (value === undefined && Object.hasOwn(optional, key)) continue
        const one = codec.validate(value, t.appendContext(context, key, codec, value))
        if (one._tag === 'Right') read[key] = one.right
        else if (value !== undefined) errors.push(...one.left)
        else if (!meant.includes(key)) errors.push(missing(context, key, codec, one.left))
      }
      for (const key of unknown) errors.push({ value: undefined, context: t.appendContext(context, key, t.never), message: `unknown property; ${known}${suggestion(key, keys)}` })
      // What was read has each property with its codec's type.
      return errors.length === 0 ? t.success(read as A) : t.failures(errors)
    },
    inner.encode,
  )
}

/** One error for a property that is not there, in place of what its codec says of `undefined`. */
const missing = (context: t.Context, key: string, codec: t.Mixed, errors: t.Errors): t.ValidationError => {
  const own = errors.find((error) => error.message !== undefined)?.message ?? `expected ${wordsOf(codec)}`
  return { value: undefined, context: t.appendContext(context, key, codec), message: own.startsWith('is missing') ? own : `is missing: ${own}` }
}
