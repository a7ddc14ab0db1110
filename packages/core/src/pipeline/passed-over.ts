/**
 * Why rules did not match: for explanations of a rule that was expected to decide.
 *
 * Asked of the conditions themselves, not of the classifier, which finds a rule without looking at the others. Cost: linear in
 * the group's rules, so never part of a packet's way.
 */
import { compileCondition } from '../classify/compiled-condition.js'
import { isPresent, resolveField } from '../flow/field.js'
import type { Condition } from '../policy/condition.js'
import { formatCondition } from '../policy/match-text.js'
import type { CompiledGroup, CompiledRule } from './compiled-port.js'

/** A rule that did not match, and why. */
export interface PassedOverRule {
  /** Id of the rule, unique in its group. */
  readonly rule: string
  /** The first of its conditions that does not hold, in words. */
  readonly because: string
}

/** Rules that did not match. */
export interface PassedOver {
  /** The first of them, in the order they would have been preferred. */
  readonly rules: readonly PassedOverRule[]
  /** Number of further rules that did not match. */
  readonly more: number
}

/** Most rules that are listed; the rest is counted. */
const TOLD = 5

/**
 * The rules of a group that do not match a flow: by priority those better than the one that does, by longest prefix all.
 */
export const passedOver = (group: CompiledGroup, matched: CompiledRule | undefined, words: Uint32Array, depth: number): PassedOver => {
  const byPriority = group.source.group.match === undefined || group.source.group.match === 'priority'
  const ordered = [...group.rules].sort((a, b) => a.priority - b.priority)
  const candidates = byPriority && matched !== undefined ? ordered.slice(0, ordered.indexOf(matched)) : ordered
  const rules: PassedOverRule[] = []
  let more = 0
  for (const rule of candidates) {
    const because = failing(rule.conditions, words, depth)
    if (because === undefined) continue
    if (rules.length < TOLD) rules.push({ rule: rule.id, because })
    else more++
  }
  return { rules, more }
}

/** The first condition that does not hold, in words; `undefined` if all do. */
export const failing = (conditions: readonly Condition[], words: Uint32Array, depth: number): string | undefined => {
  const failed = conditions.find((c) => !compileCondition(c).matches(words, depth))
  if (failed === undefined) return undefined
  const at = resolveField(failed.field)
  return at === undefined || isPresent(at.field.presence, words, at.group, depth)
    ? `not ${formatCondition(failed)}`
    : `the packet has no ${failed.field}`
}
