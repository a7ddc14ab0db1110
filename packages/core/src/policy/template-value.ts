/**
 * Values that rule types given as data compute when a flow comes: the leaves of their templates.
 *
 * ```text
 * 5001, "10.0.0.1"                                      itself
 * {"param": "vni"}                                      a parameter of the rule
 * {"field": "inner.srcIp"}                              a field of the packet
 * {"lookup": "home", "take": "endpoints.0.pa"}          out of what a lookup found; `#` takes the element the flow's hash chooses,
 *                                                       and "or" gives the value where there is none
 * {"hash": 16}                                          of the flow: 16 a source port from 49152–65535, 1–14 that many bits
 * {"prefix": …, "length": 96, "embed": …}               an IPv4 address behind a prefix (RFC 6052 §2.2)
 * {"embedded": …, "length": 96}                         the IPv4 address behind a prefix
 * {"base": …, "mask": …, "bits": …}                     an address with the bits under a mask replaced by those of another
 * {"constant": "10.0.0.1", "as": "ip"}                  where no place tells the type, as in the key of a lookup
 * ```
 *
 * A value is read for a place of a known type and refused where it could never be of it. What only the packet or a resource
 * can tell is found out when the value is computed: the answer is then the reason under which the packet is dropped.
 */
import * as t from 'io-ts'
import type { BuiltInDropReason, DropReason } from '../drop-reason.js'
import { type FieldRef, resolveField } from '../flow/field.js'
import type { IpAddress } from '../wire/address.js'
import { strictlyPartial } from '../check/codecs.js'
import { suggestion } from '../check/suggest.js'
import { EMBEDDING_LENGTHS, embeddedIpv4, embedIpv4, type EmbeddingLength, isEmbeddingLength, maskedAddress } from './embedded-ipv4.js'
import { entropyPort } from './rule-types.js'
import { mismatch, type TypedValue, typeName, typeOfField, type ValueType, valueOfType } from './value-type.js'

/** A value that is computed for a flow. */
export type TemplateValue =
  | { readonly _tag: 'Constant'; readonly value: TypedValue }
  | { readonly _tag: 'Param'; readonly name: string; readonly type: ValueType }
  | { readonly _tag: 'Field'; readonly ref: FieldRef }
  | { readonly _tag: 'Lookup'; readonly name: string; readonly take: readonly string[]; readonly or: TemplateValue | undefined }
  | { readonly _tag: 'Hash'; readonly bits: number }
  | { readonly _tag: 'Embed'; readonly prefix: TemplateValue; readonly length: EmbeddingLength; readonly embed: TemplateValue }
  | { readonly _tag: 'Embedded'; readonly from: TemplateValue; readonly length: EmbeddingLength }
  | { readonly _tag: 'Masked'; readonly base: TemplateValue; readonly mask: TemplateValue; readonly bits: TemplateValue }

/** What values can name. */
export interface Names {
  readonly params: ReadonlyMap<string, ValueType | 'resource'>
  readonly lookups: ReadonlySet<string>
}

/** Where computed values come from; each answers with the value or with the reason for a drop. */
export interface Sources {
  readonly param: (name: string, type: ValueType | undefined) => Computed
  readonly field: (ref: FieldRef, type: ValueType | undefined) => Computed
  /** What stands at a way into what a lookup found; `missing` where there is nothing. */
  readonly lookup: (name: string, take: readonly string[], type: ValueType | undefined) => Computed | 'missing'
  readonly flowHash: number
}

/** A value, or the reason for which there is none. */
export type Computed = { readonly value: TypedValue } | { readonly drop: DropReason }

/** Whether a part of a document is a value to compute and not a constant. */
export const isComputed = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === 'object' && u !== null && !Array.isArray(u) && KEYS.some((key) => Object.hasOwn(u, key))

const KEYS = ['param', 'field', 'lookup', 'hash', 'prefix', 'embed', 'embedded', 'base', 'mask', 'bits', 'constant'] as const

/** Levels that values can be nested in one another. */
const MAX_LEVELS = 8

/** Reads a value for a place that takes one of this type; `undefined` where any type will do. */
export const readValue = (u: unknown, wanted: ValueType | undefined, names: Names, context: t.Context, levels = MAX_LEVELS): t.Validation<TemplateValue> => {
  if (levels === 0) return t.failure(u, context, `values are nested more than ${MAX_LEVELS} deep`)
  const inner = (key: string, value: unknown, type: ValueType | undefined) => readValue(value, type, names, t.appendContext(context, key, t.unknown, value), levels - 1)
  const fits = (given: ValueType, value: TemplateValue, key: string): t.Validation<TemplateValue> => {
    const why = wanted === undefined ? undefined : mismatch(given, wanted)
    return why === undefined ? t.success(value) : t.failure(u, t.appendContext(context, key, t.unknown), why)
  }
  if (!isComputed(u)) {
    const value = wanted === undefined ? (typeof u === 'number' || typeof u === 'string' ? u : undefined) : valueOfType(isText(u) ? u : undefined, wanted)
    return value === undefined ? t.failure(u, context, `expected ${wanted === undefined ? 'a number or text' : typeName(wanted)}, or how it is computed`) : t.success({ _tag: 'Constant', value })
  }
  if (Object.hasOwn(u, 'param')) {
    const read = strictlyPartial({ param: t.string }, {}).validate(u, context)
    if (read._tag === 'Left') return read
    const given = names.params.get(read.right.param)
    if (given === undefined) return unknownName('parameter', names.params.keys(), 'param', u, context)
    return given === 'resource' ? t.failure(u, t.appendContext(context, 'param', t.unknown), 'a resource is no value') : fits(given, { _tag: 'Param', name: read.right.param, type: given }, 'param')
  }
  if (Object.hasOwn(u, 'field')) {
    const read = strictlyPartial({ field: t.string }, {}).validate(u, context)
    if (read._tag === 'Left') return read
    const field = resolveField(read.right.field)
    if (field === undefined) return t.failure(u, t.appendContext(context, 'field', t.unknown), `there is no field ${read.right.field}`)
    return fits(typeOfField(field), { _tag: 'Field', ref: read.right.field as FieldRef }, 'field')
  }
  if (Object.hasOwn(u, 'lookup')) {
    const read = strictlyPartial({ lookup: t.string }, { take: t.string, or: t.unknown }).validate(u, context)
    if (read._tag === 'Left') return read
    const { lookup: name, take, or } = read.right
    if (!names.lookups.has(name)) return unknownName('lookup', names.lookups.values(), 'lookup', u, context)
    if (wanted === undefined) return t.failure(u, context, 'the type of what was found is not known here')
    const alternative = or === undefined ? undefined : inner('or', or, wanted)
    if (alternative?._tag === 'Left') return alternative
    return t.success({ _tag: 'Lookup', name, take: take === undefined || take === '' ? [] : take.split('.'), or: alternative?.right })
  }
  if (Object.hasOwn(u, 'hash')) {
    const read = strictlyPartial({ hash: t.number }, {}).validate(u, context)
    if (read._tag === 'Left') return read
    const bits = read.right.hash
    return bits === 16 || (Number.isInteger(bits) && bits >= 1 && bits <= 14)
      ? fits({ kind: 'number', max: 2 ** bits - 1 }, { _tag: 'Hash', bits }, 'hash')
      : t.failure(u, t.appendContext(context, 'hash', t.unknown), 'a hash is of 16 bits, a source port from 49152 to 65535, or of 1 to 14')
  }
  if (Object.hasOwn(u, 'constant')) {
    const read = strictlyPartial({ constant: t.unknown, as: t.keyof({ ip: null, mac: null }) }, {}).validate(u, context)
    if (read._tag === 'Left') return read
    const type: ValueType = { kind: read.right.as }
    const value = valueOfType(isText(read.right.constant) ? read.right.constant : undefined, type)
    return value === undefined ? t.failure(u, t.appendContext(context, 'constant', t.unknown), `expected ${typeName(type)} as text`) : fits(type, { _tag: 'Constant', value }, 'constant')
  }
  return readAddress(u, context, wanted, inner, fits)
}

/** Addresses that are put together or taken apart. */
const readAddress = (
  u: Readonly<Record<string, unknown>>, context: t.Context, wanted: ValueType | undefined,
  inner: (key: string, value: unknown, type: ValueType | undefined) => t.Validation<TemplateValue>,
  fits: (given: ValueType, value: TemplateValue, key: string) => t.Validation<TemplateValue>,
): t.Validation<TemplateValue> => {
  if (Object.hasOwn(u, 'base') || Object.hasOwn(u, 'mask') || Object.hasOwn(u, 'bits')) {
    const read = strictlyPartial({ base: t.unknown, mask: t.unknown, bits: t.unknown }, {}).validate(u, context)
    if (read._tag === 'Left') return read
    const type: ValueType = wanted?.kind === 'ip' ? wanted : { kind: 'ip' }
    const base = inner('base', read.right.base, type)
    if (base._tag === 'Left') return base
    const mask = inner('mask', read.right.mask, type)
    if (mask._tag === 'Left') return mask
    const bits = inner('bits', read.right.bits, type)
    return bits._tag === 'Left' ? bits : fits(type, { _tag: 'Masked', base: base.right, mask: mask.right, bits: bits.right }, 'base')
  }
  const embeds = Object.hasOwn(u, 'prefix') || Object.hasOwn(u, 'embed')
  const read = strictlyPartial(embeds ? { prefix: t.unknown, length: t.unknown, embed: t.unknown } : { embedded: t.unknown, length: t.unknown }, {}).validate(u, context)
  if (read._tag === 'Left') return read
  const { length } = u
  if (!isEmbeddingLength(length)) return t.failure(length, t.appendContext(context, 'length', t.unknown), `a prefix length is one of ${EMBEDDING_LENGTHS.join(', ')}`)
  if (!embeds) {
    const from = inner('embedded', u['embedded'], { kind: 'ip', version: 6 })
    return from._tag === 'Left' ? from : fits({ kind: 'ip', version: 4 }, { _tag: 'Embedded', from: from.right, length }, 'embedded')
  }
  const prefix = inner('prefix', u['prefix'], { kind: 'ip', version: 6 })
  if (prefix._tag === 'Left') return prefix
  const embed = inner('embed', u['embed'], { kind: 'ip', version: 4 })
  return embed._tag === 'Left' ? embed : fits({ kind: 'ip', version: 6 }, { _tag: 'Embed', prefix: prefix.right, length, embed: embed.right }, 'prefix')
}

const unknownName = (what: string, known: Iterable<string>, key: string, u: unknown, context: t.Context): t.Validation<never> => {
  const names = [...known]
  return t.failure(u, t.appendContext(context, key, t.unknown), `there is no such ${what}; ${names.length === 0 ? 'there are none' : `known are ${names.join(', ')}${suggestion(typeof u === 'object' && u !== null ? Reflect.get(u, key) : u, names)}`}`)
}

const isText = (u: unknown): u is number | string => typeof u === 'string' || typeof u === 'number'

/** Drop reason of a packet without a field that a value is taken from. */
export const FIELD_ABSENT = 'FieldAbsent' satisfies BuiltInDropReason
/** Drop reason where a resource holds something else than the rule type expects. */
export const BAD_RESOURCE_VALUE = 'BadResourceValue' satisfies BuiltInDropReason

/** Computes a value of a type; `undefined` where any type will do. */
export const compute = (value: TemplateValue, type: ValueType | undefined, from: Sources): Computed => {
  switch (value._tag) {
    case 'Constant': return value
    // The narrower of the two types: a place for any address may be given an IPv6 one.
    case 'Param': return from.param(value.name, type?.kind === 'ip' && type.version !== undefined ? type : value.type)
    case 'Field': return from.field(value.ref, type)
    case 'Hash': return { value: value.bits === 16 ? entropyPort(from.flowHash) : from.flowHash & ((1 << value.bits) - 1) }
    case 'Lookup': {
      const found = from.lookup(value.name, value.take, type)
      if (found !== 'missing') return found
      return value.or === undefined ? { drop: BAD_RESOURCE_VALUE } : compute(value.or, type, from)
    }
    case 'Embed': {
      const prefix = address(value.prefix, { kind: 'ip', version: 6 }, from)
      if ('drop' in prefix) return prefix
      const embed = address(value.embed, { kind: 'ip', version: 4 }, from)
      return 'drop' in embed ? embed : { value: embedIpv4(prefix.value, value.length, embed.value) }
    }
    case 'Embedded': {
      const whole = address(value.from, { kind: 'ip', version: 6 }, from)
      return 'drop' in whole ? whole : { value: embeddedIpv4(whole.value, value.length) }
    }
    case 'Masked': {
      const base = address(value.base, type ?? { kind: 'ip' }, from)
      if ('drop' in base) return base
      const same: ValueType = { kind: 'ip', version: base.value.version }
      const mask = address(value.mask, same, from)
      if ('drop' in mask) return mask
      const bits = address(value.bits, same, from)
      return 'drop' in bits ? bits : { value: maskedAddress(base.value, mask.value, bits.value) }
    }
  }
}

const address = (value: TemplateValue, type: ValueType, from: Sources): { readonly value: IpAddress } | { readonly drop: DropReason } => {
  const computed = compute(value, type, from)
  if ('drop' in computed) return computed
  // Addresses are read for places of that type, but a constant mask may be of the other version than its base.
  return typeof computed.value === 'object' && (type.kind !== 'ip' || type.version === undefined || computed.value.version === type.version)
    ? { value: computed.value }
    : { drop: FIELD_ABSENT }
}
