/** io-ts codecs of what policies are made of; every refusal says what would have been right. */
import type * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import {
  type BadAddress, formatIp, formatMac, formatPrefix, type IpAddress, type IpPrefix, type Mac, parseIp, parseMac, parsePrefix,
} from '../wire/address.js'

const fromText = <A extends IpAddress | IpPrefix | Mac>(
  name: string, is: (u: unknown) => u is A, parse: (s: string) => E.Either<BadAddress, A>, format: (a: A) => string,
): t.Type<A, string> =>
  new t.Type<A, string>(
    name,
    is,
    (u, context) => {
      if (typeof u !== 'string') return t.failure(u, context, `expected ${name} as text`)
      const parsed = parse(u)
      return parsed._tag === 'Right' ? t.success(parsed.right) : t.failure(u, context, parsed.left.reason)
    },
    format,
  )

const isIp = (u: unknown): u is IpAddress => typeof u === 'object' && u !== null && 'version' in u && 'words' in u
const isPrefix = (u: unknown): u is IpPrefix => typeof u === 'object' && u !== null && 'address' in u && isIp(u.address) && 'length' in u

/** An IPv4 or IPv6 address as text. */
export const Ip: t.Type<IpAddress, string> = fromText('an IP address', isIp, parseIp, formatIp)
/** `address/length` as text. */
export const Prefix: t.Type<IpPrefix, string> = fromText('an IP prefix', isPrefix, parsePrefix, formatPrefix)
/** A MAC address as text. */
export const MacText: t.Type<Mac, string> = fromText('a MAC address', (u): u is Mac => typeof u === 'number', parseMac, formatMac)

/** A whole number from `low` to `high`, both included. */
export const integer = (low: number, high: number, what = 'a number'): t.Type<number> => {
  const is = (u: unknown): u is number => typeof u === 'number' && Number.isInteger(u) && u >= low && u <= high
  return new t.Type(
    `${what} from ${low} to ${high}`,
    is,
    (u, context) => (is(u) ? t.success(u) : t.failure(u, context, `expected ${what}: a whole number from ${low} to ${high}`)),
    (a) => a,
  )
}

/** A transport port. */
export const PortNumber: t.Type<number> = integer(0, 65_535, 'a port')
/** A virtual network identifier, 24 bits. */
export const Vni: t.Type<number> = integer(0, 0xff_ffff, 'a VNI')

/** A codec for an object whose every other property is refused by name, so that misspelt options do not vanish. */
export const strictly = <P extends t.Props>(props: P, name?: string): t.Type<t.TypeOf<t.TypeC<P>>, t.OutputOf<t.TypeC<P>>> =>
  closed(t.type(props, name), Object.keys(props))

/** As {@link strictly}, with optional properties. */
export const strictlyPartial = <R extends t.Props, P extends t.Props>(
  required: R, optional: P, name?: string,
): t.Type<t.TypeOf<t.TypeC<R>> & t.TypeOf<t.PartialC<P>>, t.OutputOf<t.TypeC<R>> & t.OutputOf<t.PartialC<P>>> =>
  closed(t.intersection([t.type(required), t.partial(optional)], name), [...Object.keys(required), ...Object.keys(optional)])

const closed = <A, O>(inner: t.Type<A, O>, keys: readonly string[]): t.Type<A, O> => {
  const known = keys.length === 0 ? 'there are none here' : `known are ${keys.join(', ')}`
  return new t.Type<A, O>(
    inner.name,
    inner.is,
    (u, context) => {
      if (typeof u !== 'object' || u === null || Array.isArray(u)) return t.failure(u, context, `expected an object; of its properties, ${known}`)
      const unknown = Object.keys(u).find((k) => !keys.includes(k))
      return unknown === undefined
        ? inner.validate(u, context)
        : t.failure(u, t.appendContext(context, unknown, t.never), `unknown property; ${known}`)
    },
    inner.encode,
  )
}
