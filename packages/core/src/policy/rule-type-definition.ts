/** Reads the documents that define rule types; what they mean is told in `data-rule-type.ts`. */
import * as t from 'io-ts'
import { strictlyPartial } from '../check/codecs.js'
import type { DropReason } from '../drop-reason.js'
import type { RuleTypeJson } from './rule-type-json.js'
import { type Parameter, PARAMETER_TYPES, readParameter } from './rule-type-parameters.js'
import { isComputed, type Names, readValue, type TemplateValue } from './template-value.js'
import { infeasible, misfitAt, readTemplate, type TranspositionTemplate } from './transposition-template.js'
import type { ValueType } from './value-type.js'

/** A definition, read. */
export interface Definition {
  readonly name: string
  /** The document, as it was given. */
  readonly json: RuleTypeJson
  readonly parameters: readonly Parameter[]
  readonly lookups: readonly LookupDefinition[]
  readonly template: TranspositionTemplate | undefined
  readonly verdict: VerdictDefinition
  readonly mirrors: readonly TemplateValue[]
}

/** A lookup, read. */
export interface LookupDefinition {
  readonly name: string
  readonly in: { readonly _tag: 'Constant'; readonly name: string } | { readonly _tag: 'Param'; readonly name: string }
  readonly key: KeyPart
  readonly absent: DropReason
}

/** A part of a lookup's key. */
export type KeyPart =
  | { readonly _tag: 'Plain'; readonly value: unknown }
  | { readonly _tag: 'Computed'; readonly value: TemplateValue }
  | { readonly _tag: 'Object'; readonly entries: readonly (readonly [string, KeyPart])[] }
  | { readonly _tag: 'List'; readonly items: readonly KeyPart[] }

/** A verdict, read. */
export type VerdictDefinition =
  | { readonly _tag: 'Continue' }
  | { readonly _tag: 'Drop'; readonly reason: TemplateValue }
  | { readonly _tag: 'Hairpin'; readonly port: TemplateValue }

const Outline = strictlyPartial({ name: t.string }, {
  parameters: t.unknown, lookups: t.unknown, transposition: t.unknown, verdict: t.unknown, mirrors: t.readonlyArray(t.unknown, 'a list of ports'),
})

/** Reads a definition. */
export const readDefinition = (u: unknown, context: t.Context): t.Validation<Definition> => {
  const outline = Outline.validate(u, context)
  if (outline._tag === 'Left') return outline
  const { name, parameters = {}, lookups = {}, transposition, verdict, mirrors = [] } = outline.right
  if (!isName(name)) return t.failure(name, at(context, 'name', name), BAD_NAME)
  const params = readNamed(parameters, at(context, 'parameters', parameters), readParameter)
  if (params._tag === 'Left') return params
  const names: Names = {
    params: new Map(params.right.map((p): readonly [string, ValueType | 'resource'] => [p.name, p.type === 'resource' ? 'resource' : PARAMETER_TYPES[p.type]])),
    lookups: new Set(typeof lookups === 'object' && lookups !== null ? Object.keys(lookups) : []),
  }
  const looked = readNamed(lookups, at(context, 'lookups', lookups), (lookup, json, inner) => readLookup(lookup, json, names, inner))
  const template = transposition === undefined ? t.success(undefined) : readFeasible(transposition, names, at(context, 'transposition', transposition))
  const judged = readVerdict(verdict, names, at(context, 'verdict', verdict))
  const list = at(context, 'mirrors', mirrors)
  const copies = mirrors.map((mirror, i) => readValue(mirror, TEXT, names, at(list, String(i), mirror)))
  const errors = [looked, template, judged, ...copies].flatMap((part): t.Errors => (part._tag === 'Left' ? part.left : []))
  if (looked._tag === 'Left' || template._tag === 'Left' || judged._tag === 'Left' || errors.length > 0) return t.failures(errors)
  if (judged.right._tag === 'Drop' && (transposition !== undefined || mirrors.length > 0)) {
    return t.failure(verdict, at(context, 'verdict', verdict), 'a packet that is dropped is neither changed nor mirrored')
  }
  return t.success({
    name, json: JSON.parse(JSON.stringify(u)) as RuleTypeJson, parameters: params.right, lookups: looked.right, template: template.right, verdict: judged.right,
    mirrors: copies.flatMap((copy) => (copy._tag === 'Right' ? [copy.right] : [])),
  })
}

const TEXT: ValueType = { kind: 'text' }
const BAD_NAME = 'a name is a letter, followed by letters, digits, - and _'

const at = (context: t.Context, key: string, value: unknown): t.Context => t.appendContext(context, key, t.unknown, value)

const isName = (name: string): boolean => /^[A-Za-z][\w-]*$/.test(name)

/** Reads the properties of an object, each by its name. */
const readNamed = <A>(u: unknown, context: t.Context, read: (name: string, u: unknown, context: t.Context) => t.Validation<A>): t.Validation<readonly A[]> => {
  if (typeof u !== 'object' || u === null || Array.isArray(u)) return t.failure(u, context, 'expected an object by name')
  const all = Object.entries(u).map(([name, value]): t.Validation<A> => {
    const inner = at(context, name, value)
    return isName(name) ? read(name, value, inner) : t.failure(value, inner, BAD_NAME)
  })
  const errors = all.flatMap((one): t.Errors => (one._tag === 'Left' ? one.left : []))
  return errors.length > 0 ? t.failures(errors) : t.success(all.flatMap((one) => (one._tag === 'Right' ? [one.right] : [])))
}

const readLookup = (name: string, u: unknown, names: Names, context: t.Context): t.Validation<LookupDefinition> => {
  const read = strictlyPartial({ in: t.unknown, key: t.unknown }, { absent: t.string }).validate(u, context)
  if (read._tag === 'Left') return read
  const { in: where, key, absent = 'NoMapping' } = read.right
  const inside = at(context, 'in', where)
  const source = typeof where === 'string' ? t.success({ _tag: 'Constant' as const, name: where }) : readResourceParam(where, names, inside)
  if (source._tag === 'Left') return source
  if (key === undefined) return t.failure(key, at(context, 'key', key), 'is missing: expected the key that is looked up')
  const part = readKey(key, names, at(context, 'key', key), MAX_LEVELS)
  return part._tag === 'Left' ? part : t.success({ name, in: source.right, key: part.right, absent })
}

const readResourceParam = (u: unknown, names: Names, context: t.Context): t.Validation<LookupDefinition['in']> => {
  const read = strictlyPartial({ param: t.string }, {}).validate(u, context)
  if (read._tag === 'Left') return t.failure(u, context, 'expected the name of a resource, or {"param": …} that gives it')
  return names.params.get(read.right.param) === 'resource'
    ? t.success({ _tag: 'Param', name: read.right.param })
    : t.failure(u, at(context, 'param', read.right.param), 'there is no parameter of this name and of the type resource')
}

/** Levels that a key can be nested. */
const MAX_LEVELS = 8

const readKey = (u: unknown, names: Names, context: t.Context, levels: number): t.Validation<KeyPart> => {
  if (levels === 0) return t.failure(u, context, `a key is nested more than ${MAX_LEVELS} deep`)
  if (isComputed(u)) {
    const value = readValue(u, undefined, names, context)
    return value._tag === 'Left' ? value : t.success({ _tag: 'Computed', value: value.right })
  }
  if (typeof u !== 'object' || u === null) {
    // What JSON cannot express could not be saved with the policy.
    const plain = u === null || typeof u === 'string' || typeof u === 'boolean' || (typeof u === 'number' && Number.isFinite(u))
    return plain ? t.success({ _tag: 'Plain', value: u }) : t.failure(u, context, 'expected a value of JSON')
  }
  const parts = Object.entries(u).map(([name, one]) => ({ name, part: readKey(one, names, at(context, name, one), levels - 1) }))
  const errors = parts.flatMap(({ part }): t.Errors => (part._tag === 'Left' ? part.left : []))
  if (errors.length > 0) return t.failures(errors)
  const entries = parts.flatMap(({ name, part }) => (part._tag === 'Right' ? [[name, part.right] as const] : []))
  return t.success(Array.isArray(u) ? { _tag: 'List', items: entries.map(([, part]) => part) } : { _tag: 'Object', entries })
}

const readFeasible = (u: unknown, names: Names, context: t.Context): t.Validation<TranspositionTemplate> => {
  const template = readTemplate(u, names, context)
  if (template._tag === 'Left') return template
  const misfit = infeasible(template.right, new Map())
  return misfit === undefined ? template : misfitAt(misfit, u, context)
}

const readVerdict = (u: unknown, names: Names, context: t.Context): t.Validation<VerdictDefinition> => {
  if (u === undefined || u === 'continue') return t.success({ _tag: 'Continue' })
  const [key, ...more] = typeof u === 'object' && u !== null ? Object.entries(u) : []
  if (key === undefined || more.length > 0 || (key[0] !== 'drop' && key[0] !== 'hairpin')) return t.failure(u, context, 'a verdict is "continue", {"drop": reason} or {"hairpin": port}')
  const value = readValue(key[1], TEXT, names, at(context, key[0], key[1]))
  if (value._tag === 'Left') return value
  return t.success(key[0] === 'drop' ? { _tag: 'Drop', reason: value.right } : { _tag: 'Hairpin', port: value.right })
}
