/** io-ts codecs of what policies are made of; every refusal says what would have been right. */
import type * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import {
  type BadAddress, formatIp, formatMac, formatPrefix, type IpAddress, type IpPrefix, type Mac, parseIp, parseMac, parsePrefix,
} from '../wire/address.js'
import { integer } from '../check/codecs.js'

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

/** A transport port. */
export const PortNumber: t.Type<number> = integer(0, 65_535, 'a port')
/** A virtual network identifier, 24 bits. */
export const Vni: t.Type<number> = integer(0, 0xff_ffff, 'a VNI')
