/**
 * The slow oracle's own reading of conditions, rules and groups: one after the other, as the documentation says it.
 */
import { isPresent, readMac, readNumber, resolveField } from '../../flow/field.js'
import type { FieldRef } from '../../flow/field.js'
import type { Condition, Match, Scalar } from '../../policy/condition.js'
import { addressAt, type Parsed } from './slow-frame.js'
import type { SlowGroup, SlowRule } from './slow-policy.js'

/** The rule of these groups that decides on a packet: the last group's, unless an earlier one is terminating. */
export const decidingRule = (groups: readonly SlowGroup[], packet: Parsed): SlowRule | undefined => {
  let last: SlowRule | undefined
  for (const { group, rules } of groups) {
    if (!holdAll(group.when ?? [], packet)) continue
    const field = group.match === undefined || group.match === 'priority' ? undefined : group.match.longestPrefix
    const best = bestRule(rules, field, packet)
    if (best?.rule.terminating === true) return best
    last = best ?? last
  }
  return last
}

/** Longest prefix first where a field decides by it, then smallest priority, then the first written. */
const bestRule = (rules: readonly SlowRule[], field: FieldRef | undefined, packet: Parsed): SlowRule | undefined => {
  let best: { readonly rule: SlowRule; readonly length: number } | undefined
  for (const rule of rules) {
    if (!holdAll(rule.rule.conditions, packet)) continue
    const length = field === undefined ? 0 : longestPrefix(rule.rule.conditions, field, packet)
    const better = best === undefined || length > best.length || (length === best.length && rule.rule.priority < best.rule.rule.priority)
    if (better) best = { rule, length }
  }
  return best?.rule
}

const holdAll = (conditions: readonly Condition[], packet: Parsed): boolean => conditions.every((c) => holds(c, packet))

const holds = (condition: Condition, packet: Parsed): boolean => {
  const value = valueOf(condition.field, packet)
  return value !== undefined && condition.values.some((match) => isMatch(match, value))
}

/** A rule's length on the field: of the longest prefix that matches there, an address counting as one of full length. */
const longestPrefix = (conditions: readonly Condition[], field: FieldRef, packet: Parsed): number => {
  const value = valueOf(field, packet)
  const condition = conditions.find((c) => c.field === field)
  if (condition === undefined || value === undefined) return 0
  return Math.max(0, ...condition.values.filter((m) => isMatch(m, value)).map((m) => (m._tag === 'Prefix' ? m.length : widthOf(value))))
}

/** A value with its IP version, 0 for numbers. */
interface Value {
  readonly version: 0 | 4 | 6
  readonly bits: bigint
}

const valueOf = (ref: FieldRef, packet: Parsed): Value | undefined => {
  const at = resolveField(ref)
  if (at === undefined || !isPresent(at.field.presence, packet.words, at.group, packet.depth)) return undefined
  switch (at.field.kind) {
    case 'number': return valueFrom(readNumber(at.field, packet.words, at.group))
    case 'mac': return valueFrom(readMac(at.field, packet.words, at.group))
    case 'ip': return valueFrom(addressAt(packet.words, at))
  }
}

const valueFrom = (scalar: Scalar): Value =>
  typeof scalar === 'number'
    ? { version: 0, bits: BigInt(scalar) }
    : { version: scalar.version, bits: scalar.words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n) }

const widthOf = ({ version }: Value): number => (version === 4 ? 32 : 128)

const isMatch = (match: Match, value: Value): boolean => {
  if (match._tag === 'Range') {
    const from = valueFrom(match.from)
    const to = valueFrom(match.to)
    return from.version === value.version && from.bits <= value.bits && value.bits <= to.bits
  }
  const wanted = valueFrom(match.value)
  if (wanted.version !== value.version) return false
  if (match._tag === 'Value') return wanted.bits === value.bits
  if (value.version === 0) throw new Error('the oracle knows prefixes of addresses only')
  const behind = BigInt(widthOf(value) - match.length)
  return wanted.bits >> behind === value.bits >> behind
}
