/** Parameters of rule types that are defined by data: their types, and the codec of what a rule gives for them. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { formatIp, formatMac } from '../wire/address.js'
import { strictlyPartial } from '../check/codecs.js'
import { suggestion } from '../check/suggest.js'
import { type TypedValue, typeName, type ValueType, valueOfType } from './value-type.js'

/** The types a parameter can have. A resource is given by its name. */
export const PARAMETER_TYPES = {
  ip: { kind: 'ip' }, ipv4: { kind: 'ip', version: 4 }, ipv6: { kind: 'ip', version: 6 }, mac: { kind: 'mac' }, text: { kind: 'text' }, resource: { kind: 'text' },
  port: { kind: 'number', max: 0xffff }, vni: { kind: 'number', max: 0xff_ffff }, vlan: { kind: 'number', max: 4095 }, dscp: { kind: 'number', max: 63 },
  ecn: { kind: 'number', max: 3 }, ttl: { kind: 'number', max: 255 }, number: { kind: 'number', max: 0xffff_ffff },
} as const satisfies { readonly [name: string]: ValueType }
/** Name of a parameter's type. */
export type ParameterType = keyof typeof PARAMETER_TYPES

/** A parameter as JSON: its type, or with the value that is taken where a rule gives none. */
export type ParameterJson = ParameterType | {
  /** Name of the parameter's type. */
  readonly type: ParameterType
  /** Value where a rule gives none, as it would be written there; without it every rule has to give one. */
  readonly default?: number | string
}

/** A parameter of a rule type. */
export interface Parameter {
  readonly name: string
  readonly type: ParameterType
  readonly default: TypedValue | undefined
}

/** The parameters of one rule, by name. */
export type Params = ReadonlyMap<string, TypedValue>

/** The parameters of one rule as JSON. */
export type ParamsJson = Readonly<Record<string, number | string>>

const isTypeName = (u: unknown): u is ParameterType => typeof u === 'string' && Object.hasOwn(PARAMETER_TYPES, u)
const TypeName: t.Type<ParameterType> = new t.Type<ParameterType>(
  'a type of parameters',
  isTypeName,
  (u, context) => (isTypeName(u) ? t.success(u) : t.failure(u, context, `expected a type: one of ${Object.keys(PARAMETER_TYPES).join(', ')}`)),
  (a) => a,
)

/** Reads the definition of a parameter. */
export const readParameter = (name: string, u: unknown, context: t.Context): t.Validation<Parameter> => {
  if (typeof u === 'string') return E.map((type: ParameterType): Parameter => ({ name, type, default: undefined }))(TypeName.validate(u, context))
  const read = strictlyPartial({ type: TypeName }, { default: t.unknown }).validate(u, context)
  if (read._tag === 'Left') return read
  const { type } = read.right
  if (read.right.default === undefined) return t.success({ name, type, default: undefined })
  const value = fromJson(read.right.default, PARAMETER_TYPES[type])
  return value === undefined
    ? t.failure(read.right.default, t.appendContext(context, 'default', t.unknown), `expected ${typeName(PARAMETER_TYPES[type])}`)
    : t.success({ name, type, default: value })
}

/** The codec of what a rule gives; what it does not give is its default, and is written too. */
export const paramsCodec = (parameters: readonly Parameter[]): t.Type<Params, ParamsJson> =>
  new t.Type<Params, ParamsJson>(
    'parameters',
    (u): u is Params => u instanceof Map,
    (u, context) => {
      if (typeof u !== 'object' || u === null || Array.isArray(u)) return t.failure(u, context, `expected an object; of its properties, ${known(parameters)}`)
      const errors: t.ValidationError[] = []
      for (const key of Object.keys(u)) {
        if (!parameters.some((p) => p.name === key)) errors.push({ value: u, context: t.appendContext(context, key, t.never), message: `unknown parameter; ${known(parameters)}${suggestion(key, parameters.map((p) => p.name))}` })
      }
      const values = new Map<string, TypedValue>()
      for (const { name, type, default: otherwise } of parameters) {
        const given = Object.hasOwn(u, name) ? (u as Readonly<Record<string, unknown>>)[name] : undefined
        const value = given === undefined ? otherwise : fromJson(given, PARAMETER_TYPES[type])
        if (value !== undefined) values.set(name, value)
        else errors.push({ value: given, context: t.appendContext(context, name, t.unknown, given), message: `${given === undefined ? 'is missing: ' : ''}expected ${typeName(PARAMETER_TYPES[type])}` })
      }
      return errors.length > 0 ? t.failures(errors) : t.success(values)
    },
    (values) => Object.fromEntries(parameters.flatMap(({ name, type }) => {
      const value = values.get(name)
      return value === undefined ? [] : [[name, toJson(value, PARAMETER_TYPES[type])]]
    })),
  )

const known = (parameters: readonly Parameter[]): string => (parameters.length === 0 ? 'there are none here' : `known are ${parameters.map((p) => p.name).join(', ')}`)

/** As JSON has them, MACs and addresses are text. */
const fromJson = (u: unknown, type: ValueType): TypedValue | undefined =>
  (type.kind === 'number') === (typeof u === 'number') && typeof u !== 'object' ? valueOfType(u, type) : undefined

const toJson = (value: TypedValue, type: ValueType): number | string =>
  typeof value === 'object' ? formatIp(value) : type.kind === 'mac' ? formatMac(Number(value)) : value
