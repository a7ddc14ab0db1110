/**
 * What is wrong with groups as a layer type's code made them. Groups, rules and conditions are data that anybody may have put
 * together, so they are looked over where a policy is published, whatever made them; those that came as JSON pass by construction.
 */
import { isList } from '../check/codecs.js'
import { pointer } from '../check/codec-errors.js'
import type { Problem } from '../check/problem.js'
import { showValue } from '../check/show.js'
import { suggestion } from '../check/suggest.js'
import { FIELD_REFS, resolveField } from '../flow/field.js'
import { type Condition, EMPTY, matchProblem } from './condition.js'
import type { Group } from './group.js'
import type { Rule } from './rule.js'

/** All that is wrong with a group; paths begin with its direction and name, as `/outbound/web/rules/allow-1/priority`. */
export const groupProblems = (group: Group): readonly Problem[] => {
  const found: Problem[] = []
  const at = (...keys: (number | string)[]): string => pointer([group.direction, group.name, ...keys])
  if (typeof group.name !== 'string') found.push(wrong(at('name'), 'expected a text', group.name))
  const direction: unknown = group.direction
  if (direction !== 'outbound' && direction !== 'inbound') found.push(wrong(at('direction'), 'expected one of "outbound", "inbound"', direction))
  if (group.order !== undefined && !isWhole(group.order, -0x8000_0000, 0x7fff_ffff)) found.push(wrong(at('order'), 'expected an order: a whole number from -2147483648 to 2147483647', group.order))
  matchingProblem(group, at('match'), found)
  conditionProblems(group.when ?? [], at('when'), found)
  for (const [i, rule] of group.rules.entries()) ruleProblems(rule, (...keys) => at('rules', rule.id ?? i, ...keys), found)
  return found
}

const matchingProblem = ({ match }: Group, path: string, found: Problem[]): void => {
  if (match === undefined || match === 'priority') return
  const field: unknown = typeof match === 'object' ? match.longestPrefix : undefined
  if (typeof field !== 'string') found.push(wrong(path, 'expected "priority", or an object with longestPrefix', match))
  else if (resolveField(field) === undefined) found.push(wrong(`${path}/longestPrefix`, `there is no field ${field}${suggestion(field, FIELD_REFS)}`, field))
}

const ruleProblems = (rule: Rule, at: (...keys: string[]) => string, found: Problem[]): void => {
  for (const problem of rule.problems ?? []) found.push({ ...problem, path: `${at()}${problem.path}` })
  if (rule.id !== undefined && typeof rule.id !== 'string') found.push(wrong(at('id'), 'expected a text', rule.id))
  if (!isWhole(rule.priority, 0, 0xffff_ffff)) found.push(wrong(at('priority'), 'expected a priority: a whole number from 0 to 4294967295', rule.priority))
  if (typeof rule.terminating !== 'boolean') found.push(wrong(at('terminating'), 'expected true or false', rule.terminating))
  const idle: unknown = rule.stateful?.idleUs
  if (rule.stateful !== undefined && !(typeof idle === 'number' && idle >= 1)) found.push(wrong(at('stateful', 'idleUs'), 'expected microseconds: a number of at least 1', idle))
  conditionProblems(rule.conditions, at('when'), found)
}

const conditionProblems = (conditions: readonly Condition[], path: string, found: Problem[]): void => {
  if (!isList(conditions)) {
    found.push(wrong(path, 'expected a list of conditions', conditions))
    return
  }
  for (const [i, condition] of conditions.entries()) {
    const given: unknown = condition
    if (typeof given !== 'object' || given === null) {
      found.push(wrong(`${path}/${i}`, 'expected a condition: a field and its values', given))
      continue
    }
    if (typeof condition.field !== 'string') {
      found.push(wrong(`${path}/${i}/field`, 'expected the name of a field', condition.field))
      continue
    }
    const field = resolveField(condition.field)?.field
    const here = `${path}/${i}${pointer([condition.field])}`
    if (field === undefined) found.push(wrong(here, `there is no field ${condition.field}${suggestion(condition.field, FIELD_REFS)}`, condition.field))
    else if (!isList(condition.values)) found.push(wrong(here, 'expected a list of values', condition.values))
    else if (condition.values.length === 0) found.push(wrong(here, EMPTY, condition.values))
    else for (const [k, match] of condition.values.entries()) {
      const reason = matchProblem(field, match)
      if (reason !== undefined) found.push(wrong(`${here}/${k}`, reason, reason.startsWith('a prefix length') && match._tag === 'Prefix' ? match.length : shownOf(match)))
    }
  }
}

/** The part of a match that says what it stands for. */
const shownOf = (match: unknown): unknown => (typeof match === 'object' && match !== null && '_tag' in match && match._tag === 'Value' && 'value' in match ? match.value : match)

const wrong = (path: string, reason: string, value: unknown): Problem => ({ path, reason, ...(value === undefined ? {} : { value: showValue(value) }) })

const isWhole = (u: unknown, low: number, high: number): boolean => typeof u === 'number' && Number.isInteger(u) && u >= low && u <= high
