/** Resources in the layers' languages: as an object, or by the name under which the switch was opened with it. */
import * as t from 'io-ts'
import { isForeign } from '@vfp-ts/core'
import { Name } from './codecs.js'

/** Returns whether a value is a resource. One that another copy of core made is none; the switch's error says so by name. */
const isResource = <R>(u: unknown): u is R =>
  typeof u === 'object' && u !== null && 'name' in u && typeof u.name === 'string' && 'lookup' in u && typeof u.lookup === 'function' && !isForeign(u)

/**
 * Returns a codec of a resource as an object; its written form is its name, which only a switch can turn back into the object. `what` names
 * it in errors, such as `a directory`.
 */
export const resourceObject = <R extends { readonly name: string }>(what: string): t.Type<R, string> =>
  new t.Type<R, string>(
    what,
    isResource<R>,
    (u, context) => (isResource<R>(u) ? t.success(u) : t.failure(u, context, `expected ${what}: an object with a name and a lookup function`)),
    (resource) => resource.name,
  )

/** Returns a codec of a resource as an object or by name, written as it was read. `what` names it in errors. */
export const resourceOrName = <R extends { readonly name: string }>(what: string): t.Type<R | string> => {
  const is = (u: unknown): u is R | string => Name.is(u) || isResource<R>(u)
  return new t.Type<R | string>(
    `${what} or its name`,
    is,
    (u, context) =>
      is(u) ? t.success(u) : t.failure(u, context, `expected ${what}: the name of a resource of the switch, or an object with a name and a lookup function`),
    (a) => a,
  )
}
