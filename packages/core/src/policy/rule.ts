/**
 * Rules and rule types.
 *
 * A **rule type** is a name, a codec for its configuration and a function from a flow to a decision; the
 * built-in ones (`rule-types.ts`) are made with the same function as those of a program. A **rule** is a rule type with a
 * configuration, conditions, a priority, and whether it is terminating or stateful.
 *
 * A type with state (`init`) gets one state per rule. An update that brings a rule of the same id and type keeps the
 * state, so counters survive policy changes; a rule that is gone has its state disposed of. Decisions are cached: one that
 * rests on state names a cell for it, which the state has (`makeCell`) and hands on with the rest of itself.
 *
 * @see VFP §5.3
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { checked, required } from '../check/checked.js'
import { amount, callable, codec, flag, integer, plain, strictlyPartial, text } from '../check/codecs.js'
import { marked, partsOf } from '../copies.js'
import type { Problem } from '../check/problem.js'
import type { Condition } from './condition.js'
import type { Decision } from './decision.js'
import type { FlowContext } from './flow-context.js'
import type { TunnelUse } from './tunnel-use.js'

/** A rule type whose parameters do not matter: what a list of different ones holds. */
export interface AnyRuleType {
  /** Name that rules refer to the type by, under `do`. */
  readonly name: string
  /** Reads a configuration from JSON; the result makes rules of it. */
  readonly read: (config: unknown, context: t.Context) => t.Validation<(options: RuleOptions) => Rule>
}

/** A kind of rule. `N` its name, `C` its configuration, `O` that configuration as JSON, `S` its state. */
export interface RuleType<N extends string, C, O, S> extends AnyRuleType {
  /** Name that rules refer to the type by, under `do`. */
  readonly name: N
  /** Reads a configuration from JSON and writes it back. */
  readonly config: t.Type<C, O>
  /** Makes the state of a rule when its policy is published. */
  readonly init: (config: C) => S
  /** Called when the rule is gone and its state was not taken over by another of the same id and type. */
  readonly dispose: (state: S) => void
  /**
   * Decides on a flow, from what `flow` tells, the configuration and the state. Called for the first packet of a flow and whenever
   * something that the decision rests on has changed, also for an explanation: so how often is no measure of traffic, and what is to
   * happen for each packet belongs into action contexts. It may take things for the flow, if it lists them as
   * {@link Decision.holds}; decides alike for the same flow while nothing has changed; and must not throw.
   */
  readonly decide: (config: C, flow: FlowContext, state: S) => Decision
  /** The state as JSON, for tables and save files. */
  readonly report: (state: S) => unknown
  /** What rules with this configuration have to do with tunnels. */
  readonly tunnels: (config: C) => TunnelUse | undefined
}

/** The parts of a rule type, for {@link defineRuleType}. */
export interface RuleTypeSpec<N extends string, C, O, S> {
  /** Name that rules refer to the type by, under `do`. Unique among the types of a layer. */
  readonly name: N
  /** Reads a configuration from JSON, as rules have it under `with`, and writes it back. */
  readonly config: t.Type<C, O>
  /**
   * Decides on a flow, from what `flow` tells, the configuration and the state. Called for the first packet of a flow and whenever
   * something that the decision rests on has changed, also for an explanation: so how often is no measure of traffic, and what is to
   * happen for each packet belongs into action contexts. It may take things for the flow, if it lists them as
   * {@link Decision.holds}; decides alike for the same flow while nothing has changed; and must not throw.
   */
  readonly decide: (config: C, flow: FlowContext, state: S) => Decision
  /** Makes the state of a rule when its policy is published; what it throws refuses the policy. */
  readonly init: (config: C) => S
  /** Called when the rule is gone and its state was not taken over. */
  readonly dispose?: (state: S) => void
  /** The state as JSON, for tables and programs. */
  readonly report?: (state: S) => unknown
  /**
   * For types whose decisions pop or push tunnels: where those end that a rule removes, and those in which answers come to a stateful one. What is not
   * declared here, nor by another rule or the switch's `tunnelEnds`, is no tunnel of the switch: it is not looked into, and a decision that pops
   * it does not fit the packet (`ShapeMismatch`).
   */
  readonly tunnels?: (config: C) => TunnelUse | undefined
}

/**
 * Makes a rule type. Without `init` the type is stateless. Write `init` before the functions that take the state: its type is inferred in
 * that order.
 *
 * ```ts
 * import * as t from 'io-ts'
 * import { buildFrame, defineRuleType, openSwitch, orThrow, proceed, refuse, rulesLayer } from '@vfp-ts/core'
 *
 * // Drops packets from ports below a bound.
 * const unprivileged = defineRuleType({
 *   name: 'unprivileged',
 *   config: t.strict({ below: t.number }),
 *   decide: ({ below }, flow) => ((flow.number('srcPort') ?? 0) < below ? refuse('Denied') : proceed()),
 * })
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
 * const layer = orThrow(vm.addLayer(rulesLayer('ports', [unprivileged]), { order: 10 }))
 * orThrow(layer.updateJson({ outbound: [{ name: 'all', rules: [{ do: 'unprivileged', with: { below: 1024 } }] }] }))
 * const frame = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp: '10.0.0.5', srcPort: 53 }))
 * console.log(vm.explain('outbound', frame).verdict)
 * ```
 *
 * ```text output
 * drop Denied
 * ```
 *
 * @throws VfpError with a `BadOptions` if a part is missing, unknown or of another type
 */
export function defineRuleType<N extends string, C, O, S>(spec: RuleTypeSpec<N, C, O, S>): RuleType<N, C, O, S>
export function defineRuleType<N extends string, C, O>(
  spec: Pick<RuleTypeSpec<N, C, O, undefined>, 'name' | 'config' | 'decide' | 'tunnels'>,
): RuleType<N, C, O, undefined>
export function defineRuleType<N extends string, C, O, S>(
  spec: Omit<RuleTypeSpec<N, C, O, S | undefined>, 'init'> & { readonly init?: (config: C) => S },
): RuleType<N, C, O, S | undefined> {
  required(Spec, spec, 'defineRuleType')
  const type: RuleType<N, C, O, S | undefined> = marked({
    init: () => undefined,
    dispose: () => undefined,
    report: () => undefined,
    tunnels: () => undefined,
    ...spec,
    read: (u, context) => E.map((config: C) => (options: RuleOptions) => rule(type, config, options))(spec.config.validate(u, context)),
  })
  return type
}

const Spec = strictlyPartial({ name: text('a name'), config: codec, decide: callable() }, {
  init: callable(), dispose: callable(), report: callable(), tunnels: callable(),
} satisfies Readonly<Record<Exclude<keyof RuleTypeSpec<string, unknown, unknown, unknown>, 'name' | 'config' | 'decide'>, t.Mixed>>)

/** How long an unused connection of a stateful rule is remembered. */
export interface Stateful {
  /** Microseconds without a packet in either direction, at least 1. */
  readonly idleUs: number
}

/** Idle time of a stateful rule that names none: four minutes, as Azure's default for flows. */
export const DEFAULT_IDLE_US = 240_000_000

/** What a rule is beside its type and configuration. */
export interface RuleOptions {
  /** Unique in its group; by default made from the rule's position. */
  readonly id?: string
  /** Smaller is better, 0–4294967295; 100 unless given. */
  readonly priority?: number
  /** All must hold; none means every packet. */
  readonly when?: readonly Condition[]
  /** Whether a match here decides at once, before later groups are looked at; `false` unless given. */
  readonly terminating?: boolean
  /**
   * Whether a match makes a connection whose reverse direction gets the inverse action; `false` unless given. `true` takes {@link
   * DEFAULT_IDLE_US}.
   */
  readonly stateful?: boolean | Stateful
  /**
   * Name under which what the rule lets go on has to be taken: by a rule of a layer behind this one with the same name in `takes`. A packet
   * that nothing takes is dropped as `NotTaken`, be that layer missing, without policy, in the wrong place, or without a rule for the packet.
   */
  readonly handsTo?: string
  /**
   * The name under which the rule takes what another one handed over. Packets that were not handed over it decides on all the same.
   * If it is stateful, what answers its connections is handed back: the layers behind see `flow.handed(name)`, and can tell such a packet
   * from one that only claims to be an answer.
   */
  readonly takes?: string
}

/** A rule as groups hold it; its type's parameters are hidden inside. */
export interface Rule {
  /** Undefined until its group names it. */
  readonly id: string | undefined
  /** Smaller is better. */
  readonly priority: number
  /** Conditions that must all hold; none means every packet. */
  readonly conditions: readonly Condition[]
  /** Whether a match decides at once, before later groups are looked at. */
  readonly terminating: boolean
  /** How long its connections are remembered; `undefined` if it makes none. */
  readonly stateful: Stateful | undefined
  /** The name that has to take what it lets go on; see {@link RuleOptions}. */
  readonly handsTo: string | undefined
  /** The name under which it takes what was handed over. */
  readonly takes: string | undefined
  /** Name of its type. */
  readonly type: string
  /** What is wrong with the options it was made from; a policy that holds it is refused for it. */
  readonly problems?: readonly Problem[]
  /** Its configuration as JSON. */
  readonly configJson: () => unknown
  /** What it has to do with tunnels; `undefined` if nothing. */
  readonly tunnels: TunnelUse | undefined
  /** Starts the rule, taking over the state of the rule it replaces if that was of the same type. */
  readonly start: (previous: RunningRule | undefined) => RunningRule
}

/** A rule in force. */
export interface RunningRule {
  /** The type it was started from and its state, as the type's own code sees them. */
  readonly type: object
  /** The state, as the type's `init` made it; `undefined` for a stateless type. */
  readonly state: unknown
  /** The same object for as long as one state is handed on from rule to rule; states themselves may be equal by chance. */
  readonly lineage: object
  /** Decides on a flow. */
  readonly decide: (flow: FlowContext) => Decision
  /** Ends the rule and its state. */
  readonly dispose: () => void
  /** The state as JSON; `undefined` for a rule without. */
  readonly report: () => unknown
}

/** Conditions are looked over with the whole policy, whatever made them. */
const Options: t.Type<RuleOptions, unknown> = strictlyPartial({}, {
  id: t.string, priority: integer(0, 0xffff_ffff, 'a priority'), when: plain('a list of conditions', (u): u is readonly Condition[] => Array.isArray(u)), terminating: flag,
  stateful: t.union([flag, strictlyPartial({ idleUs: amount(1, Infinity, 'microseconds') }, {})]),
  handsTo: t.string, takes: t.string,
} satisfies Readonly<Record<keyof RuleOptions, t.Mixed>>)

/**
 * Makes a rule of a type. It refuses nothing: what is wrong with the options is told when a policy holds the rule, as `BadGroup`.
 */
export const rule = <N extends string, C, O, S>(type: RuleType<N, C, O, S>, config: C, options: RuleOptions = {}): Rule => {
  const read = checked(Options, options, 'rule')
  return read._tag === 'Right' ? made(type, config, read.right) : { ...made(type, config, {}), problems: read.left.problems }
}

const made = <N extends string, C, O, S>(type: RuleType<N, C, O, S>, config: C, options: RuleOptions): Rule => marked({
  id: options.id,
  priority: options.priority ?? 100,
  conditions: options.when ?? [],
  terminating: options.terminating ?? false,
  stateful: options.stateful === true ? { idleUs: DEFAULT_IDLE_US } : options.stateful === false ? undefined : options.stateful,
  handsTo: options.handsTo,
  takes: options.takes,
  type: type.name,
  configJson: () => type.config.encode(config),
  tunnels: type.tunnels(config),
  start: (previous) => {
    // The type object is the proof that the state is an S.
    const heir = previous?.type === type ? previous : undefined
    const state = heir === undefined ? type.init(config) : (heir.state as S)
    return {
      type,
      state,
      lineage: heir?.lineage ?? {},
      decide: (flow) => type.decide(config, flow, state),
      dispose: () => { type.dispose(state) },
      report: () => type.report(state),
    }
  },
}, type, ...partsOf(config))
