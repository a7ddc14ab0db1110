/**
 * Conditions as JSON: an object from field names to values, all of which must hold.
 *
 * ```json
 * { "dstPort": [80, "8000-8080"], "srcIp": "10.0.0.0/8", "inner.dstMac": "00:15:5d:00:00:01", "proto": "tcp" }
 * ```
 *
 * A list of values has at least one: an empty one would match no packet, and a rule that denies would deny none.
 *
 * Two conditions on one field cannot stand in one object; they are written as an array of such objects, ANDed.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { FIELD_REFS, type FieldRef, type ResolvedField, resolveField } from '../flow/field.js'
import { renderPath } from '../check/codec-errors.js'
import { type Problems, toldOf } from '../check/problem.js'
import { suggestion } from '../check/suggest.js'
import { type Condition, conditionProblem, EMPTY, type Match } from './condition.js'
import { matchToJson, parseMatch } from './match-text.js'

/** The JSON form of one object of conditions. */
export type ConditionsObject = { readonly [F in FieldRef]?: number | string | readonly (number | string)[] }

/** The JSON form of conditions: one object, or several that must all hold. */
export type ConditionsJson = ConditionsObject | readonly ConditionsObject[]

/**
 * The codec of a list of conditions. Decoding refuses, with the path of each mistake: unknown fields, values beyond
 * a field's range, inverted ranges, prefixes with bits behind their length, empty lists. Encoding gives one object unless a field
 * occurs twice, a bare value for lists of one, and names where there are any; decoding that gives the conditions back.
 */
export const Conditions: t.Type<readonly Condition[], ConditionsJson> = new t.Type<readonly Condition[], ConditionsJson>(
  'conditions',
  (u): u is readonly Condition[] => Array.isArray(u) && u.every(isCondition),
  (u, context) => {
    if (!Array.isArray(u)) return validateObject(u, context)
    const parts = u.map((item: unknown, i) => validateObject(item, t.appendContext(context, String(i), Conditions, item)))
    const errors = parts.flatMap((part) => (part._tag === 'Left' ? part.left : []))
    return errors.length > 0 ? t.failures(errors) : t.success(parts.flatMap((part) => (part._tag === 'Right' ? part.right : [])))
  },
  (conditions) => {
    const objects: { [F in FieldRef]?: number | string | (number | string)[] }[] = []
    for (const condition of conditions) {
      let object = objects.find((o) => !Object.hasOwn(o, condition.field))
      if (object === undefined) objects.push((object = {}))
      object[condition.field] = valuesToJson(condition)
    }
    const [only = {}, ...others] = objects
    return others.length === 0 ? only : objects
  },
)

/** Why an object of conditions was refused. */
export interface BadConditions extends Problems {
  readonly _tag: 'BadConditions'
}

/** Conditions from the same object as in JSON: `conditions({ proto: 'tcp', dstPort: [80, '8000-8999'] })`. */
export const conditions = (object: ConditionsJson): E.Either<BadConditions, readonly Condition[]> =>
  E.mapLeft((errors: t.Errors): BadConditions => ({ _tag: 'BadConditions', ...toldOf(renderPath(errors)) }))(Conditions.decode(object))

const validateObject = (u: unknown, context: t.Context): t.Validation<readonly Condition[]> => {
  if (typeof u !== 'object' || u === null || Array.isArray(u)) {
    return t.failure(u, context, 'conditions are an object from field names to values, as {"dstPort": 443}')
  }
  const errors: t.ValidationError[] = []
  const conditions: Condition[] = []
  for (const [name, value] of Object.entries(u)) {
    const inner = t.appendContext(context, name, Conditions, value)
    const resolved = resolveField(name)
    if (resolved === undefined) errors.push({ value, context: inner, message: `there is no field ${name}${suggestion(name, FIELD_REFS)}` })
    else conditions.push({ field: name as FieldRef, values: validateValues(resolved, value, inner, errors) })
  }
  return errors.length > 0 ? t.failures(errors) : t.success(conditions)
}

const validateValues = ({ field }: ResolvedField, u: unknown, context: t.Context, errors: t.ValidationError[]): readonly Match[] => {
  if (Array.isArray(u) && (u.length === 0 || Object.keys(u).length < u.length)) {
    errors.push({ value: u, context, message: u.length === 0 ? EMPTY : 'expected a list without holes' })
    return []
  }
  const list: readonly unknown[] = Array.isArray(u) ? u : [u]
  return list.flatMap((value, i) => {
    const inner = Array.isArray(u) ? t.appendContext(context, String(i), Conditions, value) : context
    if (typeof value !== 'number' && typeof value !== 'string') {
      errors.push({ value, context: inner, message: `a value of ${field.name} is ${field.kind === 'number' ? 'a number or text' : 'text'}, or a list of such` })
      return []
    }
    const match = parseMatch(field, value)
    if (match._tag === 'Right') return [match.right]
    errors.push({ value, context: inner, message: match.left })
    return []
  })
}

const valuesToJson = (condition: Condition): number | string | (number | string)[] => {
  const field = resolveField(condition.field)?.field
  const values = field === undefined ? [] : condition.values.map((match) => matchToJson(field, match))
  const [only, ...others] = values
  return only === undefined || others.length > 0 ? values : only
}

const isCondition = (u: unknown): u is Condition => {
  if (typeof u !== 'object' || u === null || !('field' in u) || !('values' in u)) return false
  if (typeof u.field !== 'string' || resolveField(u.field) === undefined || !Array.isArray(u.values)) return false
  return u.values.every(isMatch) && conditionProblem({ field: u.field as FieldRef, values: u.values }) === undefined
}

const isMatch = (u: unknown): u is Match => {
  if (typeof u !== 'object' || u === null || !('_tag' in u)) return false
  if (u._tag === 'Range') return 'from' in u && isScalar(u.from) && 'to' in u && isScalar(u.to)
  if (u._tag === 'Prefix') return 'value' in u && isScalar(u.value) && 'length' in u && typeof u.length === 'number'
  return u._tag === 'Value' && 'value' in u && isScalar(u.value)
}

const isScalar = (u: unknown): boolean =>
  typeof u === 'number' ||
  (typeof u === 'object' && u !== null && 'version' in u && (u.version === 4 || u.version === 6) && 'words' in u && Array.isArray(u.words) && u.words.length === 4)
