/**
 * An object's codec that tells of all mistakes at once: the missing properties, the wrong ones and those nobody knows.
 *
 * Core's `strictly` stops at the first unknown property, which is right for a policy that one controller sends. A file that a person
 * wrote is better read to its end.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'

/** The codec of an object with these properties and no others. It has neither unions nor intersections, so the way to an error is the way in the file. */
export const strictObject = <R extends t.Props, P extends t.Props>(
  required: R, optional: P, name: string,
): t.Type<t.TypeOf<t.TypeC<R>> & t.TypeOf<t.PartialC<P>>, t.OutputOf<t.TypeC<R>> & t.OutputOf<t.PartialC<P>>> => {
  type A = t.TypeOf<t.TypeC<R>> & t.TypeOf<t.PartialC<P>>
  const musts = t.type(required, name)
  const mays = t.partial(optional, name)
  const keys = [...Object.keys(required), ...Object.keys(optional)]
  const known = `known are ${keys.join(', ')}`
  return new t.Type<A, t.OutputOf<t.TypeC<R>> & t.OutputOf<t.PartialC<P>>>(
    name,
    (u): u is A => musts.is(u) && mays.is(u),
    (u, context) => {
      if (typeof u !== 'object' || u === null || Array.isArray(u)) return t.failure(u, context, `expected ${name}: an object; of its properties, ${known}`)
      const errors = [musts.validate(u, context), mays.validate(u, context)].flatMap((read) => (E.isLeft(read) ? read.left : []))
      const unknown = Object.keys(u).filter((key) => !keys.includes(key))
        .map((key): t.ValidationError => ({ value: u, context: t.appendContext(context, key, t.never), message: `unknown property; ${known}` }))
      if (errors.length + unknown.length > 0) return t.failures([...errors, ...unknown])
      // Each of the two leaves the other's properties as they are, so the second reads on from the first.
      return E.chain((half: t.TypeOf<t.TypeC<R>>) => mays.validate(half, context) as t.Validation<A>)(musts.validate(u, context))
    },
    (a) => ({ ...musts.encode(a), ...pick(mays.encode(a), Object.keys(optional)) }),
  )
}

const pick = <O extends object>(from: O, keys: readonly string[]): O =>
  Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key))) as O
