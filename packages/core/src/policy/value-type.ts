/** Types of the values that rule types given as data work with: of parameters, fields, values found in resources, and places they go to. */
import type { ResolvedField } from '../flow/field.js'
import type { Changes } from '../transposition/header-transposition.js'
import { type IpAddress, parseIp, parseMac } from '../wire/address.js'

/** A type of values. */
export type ValueType =
  | { readonly kind: 'ip'; readonly version?: 4 | 6 }
  | { readonly kind: 'mac' }
  /** Whole numbers from 0 to `max`. */
  | { readonly kind: 'number'; readonly max: number }
  | { readonly kind: 'text' }

/** A value of one of these types; MACs are numbers. */
export type TypedValue = IpAddress | number | string

/** A type in words. */
export const typeName = (type: ValueType): string => {
  switch (type.kind) {
    case 'ip': return type.version === undefined ? 'an IP address' : `an IPv${type.version} address`
    case 'mac': return 'a MAC address'
    case 'number': return `a number from 0 to ${type.max}`
    case 'text': return 'text'
  }
}

/** Why values of one type cannot be taken for another, or `undefined` if some can. Versions of IP are known when the packet is. */
export const mismatch = (given: ValueType, wanted: ValueType): string | undefined => {
  if (given.kind === 'ip' && wanted.kind === 'ip' && (given.version === undefined || wanted.version === undefined || given.version === wanted.version)) return undefined
  if (given.kind === 'number' && wanted.kind === 'number' && given.max <= wanted.max) return undefined
  return given.kind === wanted.kind && given.kind !== 'ip' && given.kind !== 'number' ? undefined : `${typeName(given)} is given where ${typeName(wanted)} is wanted`
}

/** A value from outside, an address or its text, if it is of a type. */
export const valueOfType = (u: unknown, type: ValueType): TypedValue | undefined => {
  switch (type.kind) {
    case 'ip': {
      const ip = typeof u === 'string' ? ipOf(u) : isIp(u) ? u : undefined
      return ip !== undefined && (type.version === undefined || ip.version === type.version) ? ip : undefined
    }
    case 'mac': {
      if (typeof u !== 'string') return isWithin(u, 2 ** 48 - 1) ? u : undefined
      const mac = parseMac(u)
      return mac._tag === 'Right' ? mac.right : undefined
    }
    case 'number': return isWithin(u, type.max) ? u : undefined
    case 'text': return typeof u === 'string' ? u : undefined
  }
}

/** The type of a field's values. */
export const typeOfField = ({ field }: ResolvedField): ValueType =>
  field.kind === 'ip' ? { kind: 'ip' } : field.kind === 'mac' ? { kind: 'mac' } : { kind: 'number', max: 2 ** field.bits - 1 }

/** Types of the places of a transposition that a value can be put in, by the name of the property. */
export const PLACES: { readonly [K in keyof Changes | 'vid' | 'pcp']?: ValueType } = {
  srcMac: { kind: 'mac' }, dstMac: { kind: 'mac' }, arpSenderMac: { kind: 'mac' }, arpTargetMac: { kind: 'mac' },
  srcIp: { kind: 'ip' }, dstIp: { kind: 'ip' }, arpSender: { kind: 'ip', version: 4 }, arpTarget: { kind: 'ip', version: 4 },
  dscp: { kind: 'number', max: 63 }, ecn: { kind: 'number', max: 3 }, ttl: { kind: 'number', max: 255 },
  srcPort: { kind: 'number', max: 0xffff }, dstPort: { kind: 'number', max: 0xffff }, tcpFlags: { kind: 'number', max: 0x1ff },
  icmpId: { kind: 'number', max: 0xffff }, vni: { kind: 'number', max: 0xff_ffff }, arpOperation: { kind: 'number', max: 0xffff },
  vid: { kind: 'number', max: 4095 }, pcp: { kind: 'number', max: 7 },
}

const isWithin = (u: unknown, max: number): u is number => typeof u === 'number' && Number.isInteger(u) && u >= 0 && u <= max

const ipOf = (text: string): IpAddress | undefined => {
  const ip = parseIp(text)
  return ip._tag === 'Right' ? ip.right : undefined
}

/** Whether something is an address, as data: its version and four 32-bit words. */
export const isIp = (u: unknown): u is IpAddress => {
  if (typeof u !== 'object' || u === null || !('version' in u) || !('words' in u) || !Array.isArray(u.words)) return false
  const words: readonly unknown[] = u.words
  if (words.length !== 4 || !words.every((word) => isWithin(word, 0xffff_ffff))) return false
  return u.version === 6 || (u.version === 4 && words.slice(0, 3).every((word) => word === 0))
}
