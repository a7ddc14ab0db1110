/**
 * Transactions: from a policy somebody wrote to groups in force, or a reason why not.
 *
 * In order, each step may refuse and the earlier ones have changed nothing: the codec reads the configuration, the
 * layer type's `check` looks at it, its groups are made, named and looked over, the rules are started, the snapshot is
 * compiled. Only then is the one reference swapped; rules started in vain are disposed of.
 *
 * Codecs, layer types and rules are other people's code and may throw. Before the swap an exception is a refusal; after
 * it, or while rules started in vain are disposed of, it is collected: one rule that cannot end must neither keep the
 * others from ending nor hide from the caller what is in force.
 *
 * @see VFP §5.4
 */
import * as E from 'fp-ts/lib/Either.js'
import { List } from 'immutable'
import { type ForeignCore, foreignCore, partsOf } from '../copies.js'
import { renderPath } from '../check/codec-errors.js'
import { toldOf } from '../check/problem.js'
import type { Group } from '../policy/group.js'
import { groupProblems } from '../policy/group-problems.js'
import type { LayerEnvironment, LayerType } from '../policy/layer.js'
import type { PolicyError } from '../policy/policy-error.js'
import type { GroupInForce, RuleInForce } from '../policy/port-policy.js'
import type { Rule } from '../policy/rule.js'

/** Groups with named rules, not yet started. */
export type PreparedGroup = Omit<Group, 'rules'> & { readonly rules: readonly (Rule & { readonly id: string })[] }

/** Reads a configuration and turns it into groups. */
export const prepare = <L extends string, C, O>(
  type: LayerType<L, C, O>, layer: string, config: unknown, environment: LayerEnvironment,
): E.Either<PolicyError, readonly PreparedGroup[]> => {
  const laidOut = layOut(type, layer, config, environment)
  if (E.isLeft(laidOut)) return laidOut
  const groups = laidOut.right
  const [name, ...others] = duplicates(groups.map((g) => `${g.direction} ${g.name}`))
  if (name !== undefined) return E.left({ _tag: 'Duplicate', layer, what: 'group', name, ...(others.length === 0 ? {} : { others }) })
  const [rule, ...rules] = groups.flatMap((group) => duplicates(group.rules.map((r) => r.id)).map((id) => `${group.direction} ${group.name}/${id}`))
  if (rule !== undefined) return E.left({ _tag: 'Duplicate', layer, what: 'rule', name: rule, ...(rules.length === 0 ? {} : { others: rules }) })
  const problems = groups.map((group) => ({ group, found: groupProblems(group) })).filter(({ found }) => found.length > 0)
  const [first] = problems
  if (first === undefined) return E.right(groups)
  return E.left({ _tag: 'BadGroup', layer, group: first.group.name, reason: first.found[0]?.reason ?? '', ...toldOf(problems.flatMap(({ found }) => found)) })
}

/** Starts the rules of groups; those of the same id in a group of the same name hand their state over. */
export const start = (
  layer: string, groups: readonly PreparedGroup[], before: List<GroupInForce>,
): E.Either<PolicyError, List<GroupInForce>> => {
  const started: RuleInForce[] = []
  const inForce: GroupInForce[] = []
  for (const group of groups) {
    const old = before.find((g) => g.group.name === group.name && g.group.direction === group.direction)
    const olds = new Map(old?.rules.map((r) => [r.id, r.running]))
    const rules: RuleInForce[] = []
    for (const rule of group.rules) {
      try {
        const made: RuleInForce = { id: rule.id, rule, running: rule.start(olds.get(rule.id)) }
        rules.push(made)
        if (olds.get(rule.id)?.lineage !== made.running.lineage) started.push(made)
      } catch (thrown) {
        // What refused is told; that a rule started in vain also failed to end would only hide it.
        for (const s of started) disposalProblem(s)
        return E.left({ _tag: 'RuleFailed', layer, group: group.name, rule: rule.id, reason: reasonOf(thrown) })
      }
    }
    inForce.push({ group, rules })
  }
  return E.right(List(inForce))
}

/** A rule that threw when it was to let go of its state. */
export interface DisposeFailure {
  /** `group/rule`. */
  readonly rule: string
  readonly reason: string
}

/** Disposes of the rules of `before` whose state `after` did not take over, all of them; those that threw. */
export const disposeGone = (before: List<GroupInForce>, after: List<GroupInForce>): readonly DisposeFailure[] => {
  const kept = new Set<object>()
  for (const group of after) for (const rule of group.rules) kept.add(rule.running.lineage)
  const failures: DisposeFailure[] = []
  for (const { group, rules } of before) {
    for (const rule of rules) {
      const reason = kept.has(rule.running.lineage) ? undefined : disposalProblem(rule)
      if (reason !== undefined) failures.push({ rule: `${group.name}/${rule.id}`, reason })
    }
  }
  return failures
}

/** The groups of a configuration, by the layer type's own code. */
const layOut = <L extends string, C, O>(
  type: LayerType<L, C, O>, layer: string, config: unknown, environment: LayerEnvironment,
): E.Either<PolicyError, readonly PreparedGroup[]> => {
  try {
    const read = type.codec.decode(config)
    // A codec may refuse what another copy made as it refuses everything else; that it did is what the caller has to know.
    const foreign = foreignAmong(`a part of the policy for ${layer}`, E.isLeft(read) ? read.left.map((error) => error.value) : partsOf(read.right))
    if (foreign !== undefined) return E.left(foreign)
    if (E.isLeft(read)) return E.left({ _tag: 'BadPolicy', layer, ...toldOf(renderPath(read.left)) })
    const problems = type.check(read.right, environment)
    if (problems.length > 0) return E.left({ _tag: 'BadPolicy', layer, ...toldOf(problems) })
    const groups = type.groups(read.right, environment)
    const foreignRule = foreignAmong(`a rule of ${layer}, its rule type or a part of its configuration`, groups.flatMap(({ rules }) => rules))
    return foreignRule === undefined ? E.right(groups.map(named)) : E.left(foreignRule)
  } catch (thrown) {
    return E.left({ _tag: 'LayerFailed', layer, reason: reasonOf(thrown) })
  }
}

const foreignAmong = (what: string, things: readonly unknown[]): ForeignCore | undefined => {
  for (const thing of things) {
    const foreign = foreignCore(what, thing)
    if (foreign !== undefined) return foreign
  }
  return undefined
}

const disposalProblem = ({ running }: RuleInForce): string | undefined => {
  try {
    running.dispose()
    return undefined
  } catch (thrown) {
    return reasonOf(thrown)
  }
}

const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

const named = (group: Group): PreparedGroup =>
  ({ ...group, rules: group.rules.map((r, i) => ({ ...r, id: r.id ?? `${r.type}-${i + 1}` })) })

/** Names that occur more than once, each once. */
const duplicates = (names: readonly string[]): readonly string[] => {
  const seen = new Set<string>()
  return [...new Set(names.filter((name) => seen.size === seen.add(name).size))]
}
