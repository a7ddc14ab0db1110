/** Codecs that the layers' languages share: for checks between properties, short forms, words and names. */
import * as t from 'io-ts'

/** The reason why a value is refused whose properties are fine one by one. */
export interface Objection {
  /** The property to blame, or `undefined` for the value as a whole. */
  readonly at?: string
  /** Why, in words. */
  readonly reason: string
}

/**
 * Returns a codec that reads what `shape` reads unless `object` returns an objection. `P` is the part of the shape's written form that
 * passes, as the type from which TypeScript makes completions and errors.
 */
export const refined = <A, O, P extends O>(shape: t.Type<A, O>, object: (value: A) => Objection | undefined): t.Type<A, P> =>
  new t.Type<A, P>(
    shape.name,
    (u): u is A => shape.is(u) && object(u) === undefined,
    (u, context) => {
      const read = shape.validate(u, context)
      if (read._tag === 'Left') return read
      const objection = object(read.right)
      if (objection === undefined) return read
      const { at } = objection
      return t.failure(u, at === undefined ? context : t.appendContext(context, at, t.unknown), objection.reason)
    },
    // A value of this codec has no objections, so its written form is in P.
    (a) => shape.encode(a) as P,
  )

/** Returns a codec that reads a text as well as an object, and writes the text where it says everything. */
export const orText = <A, O, S>(
  long: t.Type<A, O>, text: t.Type<S, string>, fromText: (value: S) => A, toText: (value: A) => S | undefined,
): t.Type<A, O | string> =>
  new t.Type<A, O | string>(
    long.name,
    long.is,
    (u, context) => {
      if (typeof u === 'string') {
        const read = text.validate(u, context)
        return read._tag === 'Left' ? read : t.success(fromText(read.right))
      }
      const object = typeof u === 'object' && u !== null && !Array.isArray(u)
      return object ? long.validate(u, context) : t.failure(u, context, `expected ${text.name} as text, or an object`)
    },
    (a) => {
      const short = toText(a)
      return short === undefined ? long.encode(a) : text.encode(short)
    },
  )

/** Returns a codec of one value, written without brackets, or of several, at least one. */
export const oneOrMore = <A>(one: t.Type<A, string>): t.Type<readonly A[], string | readonly string[]> => {
  const several = t.readonlyArray(one)
  return new t.Type<readonly A[], string | readonly string[]>(
    `${one.name} or several`,
    (u): u is readonly A[] => several.is(u) && u.length > 0,
    (u, context) => {
      if (Array.isArray(u)) return u.length > 0 ? several.validate(u, context) : t.failure(u, context, `expected ${one.name}, or a list of at least one`)
      const read = one.validate(u, context)
      return read._tag === 'Left' ? read : t.success([read.right])
    },
    (values) => {
      const texts = several.encode(values)
      return texts.length === 1 && texts[0] !== undefined ? texts[0] : texts
    },
  )
}

/** Returns a codec of one of these words. */
export const word = <W extends string>(...words: readonly W[]): t.Type<W> => {
  const is = (u: unknown): u is W => words.some((w) => w === u)
  return new t.Type<W>(
    words.map((w) => `"${w}"`).join(' or '),
    is,
    (u, context) => (is(u) ? t.success(u) : t.failure(u, context, `expected ${words.map((w) => `"${w}"`).join(' or ')}`)),
    (a) => a,
  )
}

/** The codec of a name: a text that is not empty. */
export const Name: t.Type<string> = new t.Type<string>(
  'a name',
  (u): u is string => typeof u === 'string' && u !== '',
  (u, context) => (typeof u === 'string' && u !== '' ? t.success(u) : t.failure(u, context, 'expected a name: a text that is not empty')),
  (a) => a,
)
