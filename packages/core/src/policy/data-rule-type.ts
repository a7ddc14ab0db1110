/**
 * Rule types as data: a JSON document that defines a new kind of rule, without a line of code.
 *
 * ```json
 * { "name": "vnet",
 *   "parameters": { "underlay": "ip", "vni": "vni", "table": { "type": "resource", "default": "directory" } },
 *   "lookups": { "home": { "in": { "param": "table" }, "key": { "vni": { "param": "vni" }, "ip": { "field": "dstIp" } }, "absent": "NoMapping" } },
 *   "transposition": {
 *     "edit": [{ "set": { "dstMac": { "lookup": "home", "take": "endpoints.0.mac" } } }],
 *     "push": [{ "vni": { "param": "vni" }, "srcIp": { "param": "underlay" }, "dstIp": { "lookup": "home", "take": "endpoints.0.pa" },
 *                "srcMac": "00:00:00:00:00:00", "dstMac": "00:00:00:00:00:00", "srcPort": { "hash": 16 } }] } }
 * ```
 *
 * It has typed **parameters**, which a rule gives under `with`; **lookups** in resources of the switch, all made for each flow, in
 * their order, before anything else; a **template** of the transposition, whose values may be computed (see
 * `template-value.ts`); and a **verdict**, `"continue"` unless it says `{"drop": reason}` or `{"hairpin": port}`, with **mirrors**.
 *
 * Drops: a lookup that finds nothing under its `absent` reason (`NoMapping` unless said), a packet without a field as
 * `FieldAbsent`, a resource's value of another type than its place as `BadResourceValue`.
 *
 * Everything else is refused when the definition or a rule's parameters are given: names that do not exist, values that can never be
 * of their place's type, transpositions that no frame could undergo. Only which resources there are is known to the layer's
 * environment alone: a rule of such a type is {@link UnboundRule | unbound} until `bind` gave it its resources.
 *
 * @see VFP §5.3.3
 */
import * as E from 'fp-ts/lib/Either.js'
import { isNone } from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import { marked } from '../copies.js'
import type { DropReason } from '../drop-reason.js'
import { resolveField } from '../flow/field.js'
import { type IpAddress, ipv4, ipv6 } from '../wire/address.js'
import { renderPath } from '../check/codec-errors.js'
import { type Decision, hairpinTo, proceed, refuse } from './decision.js'
import type { FlowContext } from './flow-context.js'
import { type Problems, toldOf } from '../check/problem.js'
import type { AnyResource, Resource } from './resource.js'
import { type AnyRuleType, defineRuleType, type Rule, rule, type RuleOptions } from './rule.js'
import { type Definition, type KeyPart, type LookupDefinition, readDefinition } from './rule-type-definition.js'
import type { RuleTypeJson } from './rule-type-json.js'
import { type ParamsJson, paramsCodec, type Params } from './rule-type-parameters.js'
import { BAD_RESOURCE_VALUE, type Computed, compute, FIELD_ABSENT, type Sources } from './template-value.js'
import { infeasible, instantiate, misfitAt, tunnelsOfTemplate } from './transposition-template.js'
import { type TypedValue, typeOfField, type ValueType, valueOfType } from './value-type.js'

/** A rule type that was defined by data. */
export interface DataRuleType extends AnyRuleType {
  /** The document it was defined by. */
  readonly definition: RuleTypeJson
  readonly read: (config: unknown, context: t.Context) => t.Validation<(options: RuleOptions) => UnboundRule>
}

/** Finds a resource by its name. */
export type FindResource = (name: string) => AnyResource | undefined

/** A rule whose resources are not found yet. Started like this it refuses, unless it needs none. */
export interface UnboundRule extends Rule {
  /** Resources it needs, one entry a lookup. */
  readonly resources: readonly {
    /** Name of the resource. */
    readonly name: string
    /** Name of the lookup that needs it. */
    readonly lookup: string
    /** Name of the parameter that gave the resource; `undefined` where the definition names it. */
    readonly param: string | undefined
    /** A key of the shape that will be looked up, with 0 for what only a packet tells. */
    readonly sampleKey: unknown
  }[]
  /** The rule with its resources; what is not found refuses when the rule starts. */
  readonly bind: (find: FindResource) => Rule
}

/** Whether a rule still has to find its resources. */
export const isUnbound = (r: Rule): r is UnboundRule => 'bind' in r

/** Why a document defines no rule type. */
export interface BadRuleType extends Problems {
  readonly _tag: 'BadRuleType'
}

/** Defines a rule type by a document; its `definition` is the document again. */
export const ruleTypeFromJson = (u: unknown): E.Either<BadRuleType, DataRuleType> =>
  E.mapLeft((errors: t.Errors): BadRuleType => ({ _tag: 'BadRuleType', ...toldOf(renderPath(errors)) }))(DataRuleTypeCodec.decode(u))

/** The codec of rule types that are defined by data. */
export const DataRuleTypeCodec: t.Type<DataRuleType, RuleTypeJson> = new t.Type<DataRuleType, RuleTypeJson>(
  'a rule type',
  (u): u is DataRuleType => typeof u === 'object' && u !== null && 'definition' in u,
  (u, context) => E.map(makeType)(readDefinition(u, context)),
  (type) => type.definition,
)

const makeType = (definition: Definition): DataRuleType => {
  const codec = feasibleParams(definition)
  const boundType = (find: FindResource) =>
    defineRuleType<string, Params, ParamsJson>({
      name: definition.name,
      config: codec,
      tunnels: (params) => definition.template && tunnelsOfTemplate(definition.template, params),
      decide: (params, flow) => decide(definition, params, flow, find),
    })
  return marked({
    name: definition.name,
    definition: definition.json,
    read: (config, context) =>
      E.map((params: Params) => {
        const resources = definition.lookups.map((l) => ({
          lookup: l.name, name: resourceName(l, params), param: l.in._tag === 'Param' ? l.in.name : undefined, sampleKey: sampleKey(l.key, params),
        }))
        return (options: RuleOptions): UnboundRule => {
          const bind = (find: FindResource): Rule => {
            const bound = rule(boundType(find), params, options)
            return {
              ...bound,
              start: (previous) => {
                const missing = resources.find(({ name }) => find(name) === undefined)
                if (missing !== undefined) throw new Error(`there is no resource ${missing.name} for the lookup ${missing.lookup}`)
                return bound.start(previous)
              },
            }
          }
          return { ...bind(() => undefined), resources, bind }
        }
      })(codec.validate(config, context)),
  })
}

/** The parameters' codec, which also refuses those with which no frame could undergo the transposition. */
const feasibleParams = ({ parameters, template }: Definition): t.Type<Params, ParamsJson> => {
  const codec = paramsCodec(parameters)
  return new t.Type<Params, ParamsJson>(
    codec.name,
    codec.is,
    (u, context) => {
      const read = codec.validate(u, context)
      if (read._tag === 'Left' || template === undefined) return read
      const misfit = infeasible(template, read.right)
      return misfit === undefined ? read : misfitAt({ path: [], reason: `${misfit.path.join('/')}: ${misfit.reason}` }, u, context)
    },
    codec.encode,
  )
}

const resourceName = ({ in: where }: LookupDefinition, params: Params): string =>
  where._tag === 'Constant' ? where.name : textOf(params.get(where.name))

const decide = (definition: Definition, params: Params, flow: FlowContext, find: FindResource): Decision => {
  const found = new Map<string, unknown>()
  const from: Sources = {
    param: (name) => ({ value: params.get(name) ?? 0 }),
    field: (ref, type) => fieldOf(flow, ref, type),
    lookup: (name, take, type) => takeOut(found.get(name), take, type, flow.flowHash),
    flowHash: flow.flowHash,
  }
  for (const lookup of definition.lookups) {
    const key = keyOf(lookup.key, from)
    if ('drop' in key) return refuse(key.drop)
    // The resource's own types are not known here: the key is what the definition says, the value is looked at when it is used.
    const resource = find(resourceName(lookup, params)) as Resource<unknown, unknown> | undefined
    const answer = resource === undefined ? undefined : flow.lookup(resource, key.key)
    if (answer === undefined || isNone(answer)) return refuse(lookup.absent)
    found.set(lookup.name, answer.value)
  }
  const { verdict } = definition
  if (verdict._tag === 'Drop') {
    const reason = compute(verdict.reason, TEXT, from)
    return refuse('drop' in reason ? reason.drop : textOf(reason.value))
  }
  const mirrors: string[] = []
  for (const mirror of definition.mirrors) {
    const port = compute(mirror, TEXT, from)
    if ('drop' in port) return refuse(port.drop)
    mirrors.push(textOf(port.value))
  }
  const made = definition.template === undefined ? proceed() : instantiate(definition.template, from)
  if ('drop' in made) return refuse(made.drop)
  if (verdict._tag === 'Continue') return proceed(made.transposition, { mirrors })
  const port = compute(verdict.port, TEXT, from)
  return 'drop' in port ? refuse(port.drop) : { ...hairpinTo(textOf(port.value), made.transposition), mirrors }
}

const TEXT: ValueType = { kind: 'text' }

/** The text of a value that was read for a place of that type. */
const textOf = (value: TypedValue | undefined): string => (typeof value === 'string' ? value : '')

const fieldOf = (flow: FlowContext, ref: Parameters<FlowContext['ip']>[0], type: ValueType | undefined): Computed => {
  const value: IpAddress | number | undefined = FIELD_READERS[resolveField(ref)?.field.kind ?? 'number'](flow, ref)
  if (value === undefined) return { drop: FIELD_ABSENT }
  return type?.kind === 'ip' && type.version !== undefined && typeof value === 'object' && value.version !== type.version ? { drop: FIELD_ABSENT } : { value }
}

const FIELD_READERS = {
  ip: (flow: FlowContext, ref: Parameters<FlowContext['ip']>[0]) => flow.ip(ref),
  mac: (flow: FlowContext, ref: Parameters<FlowContext['mac']>[0]) => flow.mac(ref),
  number: (flow: FlowContext, ref: Parameters<FlowContext['number']>[0]) => flow.number(ref),
} as const

/** What stands at a way into a value; `#` is the element that the flow's hash chooses. */
const takeOut = (value: unknown, take: readonly string[], type: ValueType | undefined, flowHash: number): Computed | 'missing' => {
  let at = value
  for (const key of take) {
    if (typeof at !== 'object' || at === null) return at === undefined ? 'missing' : { drop: BAD_RESOURCE_VALUE }
    if (key === '#') {
      if (!Array.isArray(at)) return { drop: BAD_RESOURCE_VALUE }
      at = at.length === 0 ? undefined : (at as readonly unknown[])[(flowHash >>> 0) % at.length]
    } else at = Object.hasOwn(at, key) ? (at as Readonly<Record<string, unknown>>)[key] : undefined
  }
  if (at === undefined) return 'missing'
  const typed = type === undefined ? undefined : valueOfType(at, type)
  return typed === undefined ? { drop: BAD_RESOURCE_VALUE } : { value: typed }
}

/** A key as `keyOf` makes it, before there is a packet. */
const sampleKey = (part: KeyPart, params: Params): unknown => {
  const key = keyOf(part, {
    param: (name) => ({ value: params.get(name) ?? 0 }),
    field: (ref, type) => {
      const field = resolveField(ref)
      return { value: zeroOf(type ?? (field === undefined ? undefined : typeOfField(field))) }
    },
    lookup: (_name, _take, type) => ({ value: zeroOf(type) }),
    flowHash: 0,
  })
  return 'key' in key ? key.key : undefined
}

const zeroOf = (type: ValueType | undefined): TypedValue => {
  if (type?.kind === 'ip') return type.version === 6 ? ipv6(0, 0, 0, 0) : ipv4(0)
  return type?.kind === 'text' ? '' : 0
}

const keyOf = (part: KeyPart, from: Sources): { readonly key: unknown } | { readonly drop: DropReason } => {
  switch (part._tag) {
    case 'Plain': return { key: part.value }
    case 'Computed': {
      const computed = compute(part.value, undefined, from)
      return 'drop' in computed ? computed : { key: computed.value }
    }
    case 'Object': {
      const entries: [string, unknown][] = []
      for (const [name, inner] of part.entries) {
        const key = keyOf(inner, from)
        if ('drop' in key) return key
        entries.push([name, key.key])
      }
      return { key: Object.fromEntries(entries) }
    }
    case 'List': {
      const keys: unknown[] = []
      for (const inner of part.items) {
        const key = keyOf(inner, from)
        if ('drop' in key) return key
        keys.push(key.key)
      }
      return { key: keys }
    }
  }
}
