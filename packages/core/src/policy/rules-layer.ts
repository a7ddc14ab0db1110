/**
 * A layer whose policy is written out rule by rule, in TypeScript or JSON: the general case, from which the
 * ready-made layers differ only in having a shorter language of their own.
 *
 * A policy may bring rule types of its own as data, under `types`; they are known in that policy only. A rule of such a type needs
 * resources, which the layer's environment has: `check` objects to those it has not and to keys that can be none of theirs, `groups` gives the
 * rules the others.
 */
import * as t from 'io-ts'
import type { Condition } from './condition.js'
import { Conditions, type ConditionsJson } from './condition-codec.js'
import { integer, strictlyPartial } from '../check/codecs.js'
import type { Group } from './group.js'
import { type DataRuleType, DataRuleTypeCodec, isUnbound } from './data-rule-type.js'
import { marked } from '../copies.js'
import { defineLayer, type LayerEnvironment, type LayerType } from './layer.js'
import type { Problem } from '../check/problem.js'
import { allow } from './rule-types.js'
import { type AnyRuleType, rule, type Rule, type RuleOptions } from './rule.js'
import type { RuleTypeJson } from './rule-type-json.js'
import { suggestion } from '../check/suggest.js'
import { FIELD_REFS, resolveField, type FieldRef } from '../flow/field.js'

/** A rule as JSON: `do` names its type, `with` is its configuration. */
export interface RuleJson {
  /** Unique in its group; made from the position unless given. */
  readonly id?: string
  /** Smaller is better, 0–4294967295; 100 unless given. */
  readonly priority?: number
  /** Conditions that must all hold, by field, as `{ "proto": "tcp", "dstPort": [80, 443] }`; every packet unless given. */
  readonly when?: ConditionsJson | undefined
  /** Name of the rule type. */
  readonly do: string
  /** Configuration, in the JSON form of the rule type that `do` names; `{}` unless given. */
  readonly with?: unknown
  /** Whether a match decides at once, before later groups are looked at; `false` unless given. */
  readonly terminating?: boolean
  /** Whether a match makes a connection; `true` takes the default idle time of four minutes. `false` unless given. */
  readonly stateful?: boolean | {
    /** Milliseconds without a packet in either direction, 0.001–4294967295, after which a connection is forgotten. */
    readonly idleMs: number
  }
  /** Name under which a rule of a layer behind has to take the packet, else it is dropped as `NotTaken`. */
  readonly handsTo?: string
  /** Name under which the rule takes what another one handed over. */
  readonly takes?: string
}

/** A group as JSON. */
export interface GroupJson {
  /** Unique in its direction. */
  readonly name: string
  /** Groups are walked by ascending order, equal ones as listed; 0 unless given. */
  readonly order?: number
  /** Conditions of the whole group: where they do not all hold, it is skipped. None unless given. */
  readonly when?: ConditionsJson | undefined
  /** Name of a field: among the rules that match, the one with the longest prefix on it is chosen. By priority unless given. */
  readonly longestPrefix?: FieldRef
  /** Rules of the group. */
  readonly rules: readonly RuleJson[]
}

/** The policy of a rules layer as JSON. */
export interface RulesJson {
  /** Definitions of rule types that the rules of this policy may name beside those of the layer; none unless given. */
  readonly types?: readonly RuleTypeJson[]
  /** Groups that packets from the VM pass; none unless given. */
  readonly outbound?: readonly GroupJson[]
  /** Groups that packets to the VM pass; none unless given. */
  readonly inbound?: readonly GroupJson[]
}

interface ReadGroup {
  readonly name: string
  readonly order?: number
  readonly when?: readonly Condition[]
  readonly longestPrefix?: FieldRef
  readonly rules: readonly Rule[]
}

/** Rules and groups, as read. */
export interface RulesConfig {
  /** Definitions of rule types that the rules of this policy may name beside those of the layer; none unless given. */
  readonly types?: readonly DataRuleType[]
  /** Groups that packets from the VM pass; none unless given. */
  readonly outbound?: readonly ReadGroup[]
  /** Groups that packets to the VM pass; none unless given. */
  readonly inbound?: readonly ReadGroup[]
}

/**
 * Returns a layer type whose policies are groups of rules of the given types.
 *
 * ```ts
 * import { allow, block, buildFrame, openSwitch, orThrow, rulesLayer } from '@vfp-ts/core'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
 * const firewall = orThrow(vm.addLayer(rulesLayer('firewall', [allow, block]), { order: 20 }))
 * orThrow(firewall.updateJson({
 *   inbound: [{ name: 'web', rules: [{ do: 'allow', when: { proto: 'tcp', dstPort: 443 }, priority: 1 }, { do: 'block', priority: 2 }] }],
 * }))
 * const frame = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.5', dstIp: '10.0.0.4', dstPort: 22 }))
 * console.log(vm.explain('inbound', frame).verdict)
 * ```
 *
 * ```text output
 * drop Denied
 * ```
 *
 * @param name Name of the layer type.
 * @param types Rule types that its policies may name, built in or one's own.
 */
export const rulesLayer = <L extends string>(name: L, types: readonly AnyRuleType[]): LayerType<L, RulesConfig, RulesJson> =>
  marked(defineLayer({
    name,
    codec: policyCodec(types),
    check: (config, environment) => [...new Map(DIRECTIONS.flatMap((direction) => badLookups(direction, config, environment)).map((p) => [`${p.path} ${p.reason}`, p])).values()],
    groups: (config, environment) => [...toGroups('outbound', config.outbound ?? [], environment), ...toGroups('inbound', config.inbound ?? [], environment)],
  }), ...types)

/** Two steps, because what a rule may name depends on the types before it. */
const policyCodec = (types: readonly AnyRuleType[]): t.Type<RulesConfig, RulesJson> => {
  const whole = (known: readonly AnyRuleType[]): t.Type<RulesConfig, RulesJson> => {
    const groups = t.readonlyArray(groupCodec(ruleCodec(known)), 'a list of groups')
    const codec: t.Type<RulesConfig, RulesJson> = strictlyPartial({}, { types: DataTypes, outbound: groups, inbound: groups })
    return codec
  }
  const without = whole(types)
  return new t.Type<RulesConfig, RulesJson>(
    without.name,
    without.is,
    (u, context) => {
      if (typeof u !== 'object' || u === null || !('types' in u)) return without.validate(u, context)
      const inside = t.appendContext(context, 'types', DataTypes, u.types)
      const own = DataTypes.validate(u.types, inside)
      // Whatever is wrong with the types, the rules are read: a rule of a type that is wrong is not wrong itself.
      if (own._tag === 'Left') return whole([...types, ...namesOf(u.types).map(standIn)]).validate(u, context)
      const names = types.map((type) => type.name)
      const errors: t.ValidationError[] = []
      for (const [i, type] of own.right.entries()) {
        if (names.includes(type.name)) {
          const at = t.appendContext(t.appendContext(inside, String(i), DataRuleTypeCodec, type.definition), 'name', t.string, type.name)
          errors.push({ value: type.name, context: at, message: `there is a rule type ${type.name} already` })
        }
        names.push(type.name)
      }
      const read = whole([...types, ...own.right]).validate(u, context)
      return errors.length === 0 ? read : t.failures([...errors, ...(read._tag === 'Left' ? read.left : [])])
    },
    without.encode,
  )
}

/** Names of definitions, those that are wrong included. */
const namesOf = (definitions: unknown): readonly string[] =>
  Array.isArray(definitions) ? definitions.flatMap((d: unknown) => (typeof d === 'object' && d !== null && 'name' in d && typeof d.name === 'string' ? [d.name] : [])) : []

/** Takes the place of a type whose definition was refused. */
const standIn = (name: string): AnyRuleType => ({ name, read: () => t.success((options) => rule(allow, {}, options)) })

const DataTypes: t.Type<readonly DataRuleType[], readonly RuleTypeJson[]> = t.readonlyArray(DataRuleTypeCodec, 'a list of rule types')

const DIRECTIONS = ['outbound', 'inbound'] as const

/** Objections to rules whose resources are not there, or take no such keys. */
const badLookups = (direction: 'outbound' | 'inbound', config: RulesConfig, environment: LayerEnvironment): readonly Problem[] =>
  (config[direction] ?? []).flatMap(({ rules }, g) => rules.flatMap((rule, r) => {
    const resources = isUnbound(rule) ? rule.resources : []
    return resources.flatMap(({ name, lookup, param, sampleKey }): readonly Problem[] => {
      const resource = environment.resource(name)
      const badKey = resource?.checkKey?.(sampleKey)
      if (resource !== undefined && badKey === undefined) return []
      const type = config.types?.findIndex((t) => t.name === rule.type) ?? -1
      if (badKey !== undefined) return [{ path: type >= 0 ? `/types/${type}/lookups/${lookup}/key` : `/${direction}/${g}/rules/${r}/do`, reason: `no key of ${name}: ${badKey}` }]
      const path = param !== undefined ? `/${direction}/${g}/rules/${r}/with/${param}` : type >= 0 ? `/types/${type}/lookups/${lookup}/in` : `/${direction}/${g}/rules/${r}/do`
      return [{ path, reason: `there is no resource ${name}${suggestion(name, environment.resourceNames ?? [])}` }]
    })
  }))

const toGroups = (direction: 'outbound' | 'inbound', groups: readonly ReadGroup[], environment: LayerEnvironment): readonly Group[] =>
  groups.map((g) => ({
    name: g.name,
    direction,
    ...(g.order === undefined ? {} : { order: g.order }),
    when: g.when ?? [],
    match: g.longestPrefix === undefined ? 'priority' as const : { longestPrefix: g.longestPrefix },
    rules: g.rules.map((rule) => (isUnbound(rule) ? rule.bind(environment.resource) : rule)),
  }))

const Priority = integer(0, 0xffff_ffff, 'a priority')
const Milliseconds: t.Type<number> = new t.Type<number>(
  'milliseconds',
  t.number.is,
  (u, context) =>
    typeof u === 'number' && u >= 0.001 && u <= 0xffff_ffff ? t.success(u) : t.failure(u, context, 'expected milliseconds: a number from 0.001 to 4294967295'),
  (ms) => ms,
)
const Idle = strictlyPartial({ idleMs: Milliseconds }, {})

const ruleCodec = (types: readonly AnyRuleType[]): t.Type<Rule, RuleJson> => {
  const known = strictlyPartial({ do: t.string }, {
    id: t.string, priority: Priority, when: Conditions, terminating: t.boolean, stateful: t.union([t.boolean, Idle]), with: t.unknown,
    handsTo: t.string, takes: t.string,
  })
  return new t.Type<Rule, RuleJson>(
    'a rule',
    (u): u is Rule => typeof u === 'object' && u !== null && 'start' in u,
    (u, context) => {
      const read = known.validate(u, context)
      const made = readAction(types, u, context)
      if (read._tag === 'Left' || made._tag === 'Left') return t.failures([...(read._tag === 'Left' ? read.left : []), ...(made._tag === 'Left' ? made.left : [])])
      const json = read.right
      const stateful = typeof json.stateful === 'object' ? { idleUs: Math.round(json.stateful.idleMs * 1000) } : json.stateful ?? false
      return t.success(made.right({
        ...(json.id === undefined ? {} : { id: json.id }),
        ...(json.priority === undefined ? {} : { priority: json.priority }),
        when: json.when ?? [],
        terminating: json.terminating ?? false,
        stateful,
        ...(json.handsTo === undefined ? {} : { handsTo: json.handsTo }),
        ...(json.takes === undefined ? {} : { takes: json.takes }),
      }))
    },
    ruleToJson,
  )
}

/** What `do` and `with` say, if they are there at all: what else is wrong with the rule does not hide what is wrong with them. */
const readAction = (types: readonly AnyRuleType[], u: unknown, context: t.Context): t.Validation<(options: RuleOptions) => Rule> => {
  if (typeof u !== 'object' || u === null || !('do' in u) || typeof u.do !== 'string') return t.failures([])
  const name = u.do
  const config = 'with' in u ? u.with ?? {} : {}
  const type = types.find((x) => x.name === name)
  if (type !== undefined) return type.read(config, t.appendContext(context, 'with', t.unknown, config))
  const names = types.map((x) => x.name)
  return t.failure(name, t.appendContext(context, 'do', t.string, name), `no such rule type; known are ${names.join(', ')}${suggestion(name, names)}`)
}

/** Returns a rule as JSON, of whatever type it is. */
export const ruleToJson = (r: Rule): RuleJson => ({
  ...(r.id === undefined ? {} : { id: r.id }),
  priority: r.priority,
  when: Conditions.encode(r.conditions),
  do: r.type,
  with: r.configJson(),
  terminating: r.terminating,
  stateful: r.stateful === undefined ? false : { idleMs: r.stateful.idleUs / 1000 },
  ...(r.handsTo === undefined ? {} : { handsTo: r.handsTo }),
  ...(r.takes === undefined ? {} : { takes: r.takes }),
})

const FieldName: t.Type<FieldRef> = new t.Type<FieldRef>(
  'a field',
  (u): u is FieldRef => typeof u === 'string' && resolveField(u) !== undefined,
  (u, context) =>
    typeof u === 'string' && resolveField(u) !== undefined ? t.success(u as FieldRef) : t.failure(u, context, `no such field${suggestion(u, FIELD_REFS)}`),
  (a) => a,
)

const groupCodec = (rules: t.Type<Rule, RuleJson>): t.Type<ReadGroup, GroupJson> => {
  const inner: t.Type<ReadGroup, GroupJson> = strictlyPartial(
    { name: t.string, rules: t.readonlyArray(rules, 'a list of rules') },
    { order: integer(-0x8000_0000, 0x7fff_ffff, 'an order'), when: Conditions, longestPrefix: FieldName },
  )
  return inner
}
