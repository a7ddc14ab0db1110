/**
 * Conditions, rules and flows that meet: values are drawn from small neighbourhoods, and flows from the edges of the
 * rules' values, so that most questions put to a classifier are close ones.
 */
import fc from 'fast-check'
import { type FieldRef, FIELDS, resolveField, type ResolvedField } from '../flow/field.js'
import { WORDS } from '../flow/layout.js'
import { anyOf, type Condition, maxOf, type Match, matchSpan, type Scalar, type Span } from '../policy/condition.js'
import { type IpAddress, ipv4, ipv6 } from '../wire/address.js'
import { L3 } from '../wire/frame-view.js'
import type { ClassifierRule } from '../classify/classifier.js'
import { type Flow, GROUP_KINDS, type GroupSpec, makeFlow, writeField } from './flow-arbitraries.js'

/** Generates well-formed matches of a field, in canonical form; with `ranges: false` no ranges. */
export const matchArbitrary = (ref: FieldRef, options: { readonly ranges: boolean } = { ranges: true }): fc.Arbitrary<Match> => {
  const { field } = resolveField(ref)!
  const scalar = field.kind === 'ip' ? address(field.name.startsWith('arp')) : number(maxOf(field))
  const width = (s: Scalar): number => (typeof s === 'number' ? field.bits : s.version === 4 ? 32 : 128)
  const value = scalar.map((v): Match => ({ _tag: 'Value', value: v }))
  const prefix = fc.tuple(scalar, fc.oneof({ weight: 3, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(128) }))
    .map(([v, behind]): Match => ({ _tag: 'Prefix', value: v, length: Math.max(0, width(v) - behind) }))
  const range = fc.tuple(scalar, scalar).filter(([a, b]) => version(a) === version(b))
    .map(([a, b]): Match => (matchSpan(field, { _tag: 'Range', from: a, to: b }) === undefined ? { _tag: 'Range', from: b, to: a } : { _tag: 'Range', from: a, to: b }))
  const any = options.ranges ? fc.oneof(value, prefix, range) : fc.oneof(value, prefix)
  return any.map((match) => anyOf(ref, [match]).values[0]!)
}

/** Generates well-formed conditions on one of the fields. */
export const conditionArbitrary = (
  refs: readonly FieldRef[] = ALL_FIELDS, options: { readonly ranges: boolean } = { ranges: true },
): fc.Arbitrary<Condition> =>
  fc.constantFrom(...refs).chain((ref) => fc.array(matchArbitrary(ref, options), { minLength: 1, maxLength: 3 }).map((values) => anyOf(ref, values)))

/** Generates conditions on different fields, as rules have them. */
export const conditionsArbitrary = (
  refs: readonly FieldRef[] = ALL_FIELDS, options: { readonly ranges: boolean } = { ranges: true },
): fc.Arbitrary<readonly Condition[]> =>
  fc.uniqueArray(conditionArbitrary(refs, options), { maxLength: 4, selector: (c) => c.field })

/** Every name a condition can use: each field in the outermost group, and some in the inner ones. */
export const ALL_FIELDS: readonly FieldRef[] = [
  ...Object.values(FIELDS).map((field) => field.name), 'inner.srcIp', 'inner.dstPort', 'inner.dstMac', 'inner2.dstIp', 'inner2.proto',
]

/** The fields of access lists and routes: few, so that rules overlap and share tables. */
export const COMMON_FIELDS: readonly FieldRef[] = ['srcIp', 'dstIp', 'proto', 'srcPort', 'dstPort', 'inner.dstIp', 'dstMac']

/** Generates rules with ids `r0`, `r1`, …, priorities from 0 to 5, and sequence numbers by position. */
export const rulesArbitrary = (conditions: fc.Arbitrary<readonly Condition[]>, maxLength: number): fc.Arbitrary<readonly ClassifierRule[]> =>
  fc.array(fc.tuple(fc.nat(5), conditions), { maxLength })
    .map((rules) => rules.map(([priority, conds], i) => ({ id: `r${i}`, priority, sequence: i, conditions: conds })))

/** Generates flows whose fields lie in, at the edge of, or one beside values that the conditions name, in groups that mostly have the fields. */
export const flowNear = (lists: readonly (readonly Condition[])[]): fc.Arbitrary<Flow> =>
  fc.tuple(lists.length === 0 ? fc.constant([]) : fc.constantFrom(...lists), fc.array(fc.nat(0xffff), { minLength: 16, maxLength: 16 }))
    .map(([conditions, choices]) => nearFlow(conditions, choices))

/** Returns a flow near one rule's conditions; `choices` are the random decisions, used in turn. */
export const nearFlow = (conditions: readonly Condition[], choices: readonly number[]): Flow => {
  let at = 0
  const choose = (n: number): number => choices[at++ % choices.length]! % n
  const wanted = conditions.flatMap((condition) => {
    const resolved = resolveField(condition.field)
    const span = resolved === undefined ? undefined : spanOf(condition, resolved, choose)
    return resolved === undefined || span === undefined ? [] : [{ resolved, span }]
  })
  const depth = Math.max(1 + choose(8) % 3 % 2, ...wanted.map(({ resolved }) => resolved.group + 1))
  const groups = Array.from({ length: depth }, (_, g) =>
    g < depth - 1 ? outerKind(wanted, g, choose) : kindFor(wanted.filter(({ resolved }) => resolved.group === g), choose))
  const flow = makeFlow(...groups)
  for (const { resolved, span } of wanted) {
    if (choose(12) > 0) writeField(flow.words, resolved.field, resolved.group, fitted(near(span, resolved, choose), flow, resolved.group))
  }
  return flow
}

interface Wanted {
  readonly resolved: ResolvedField
  readonly span: Span
}

const spanOf = (condition: Condition, { field }: ResolvedField, choose: (n: number) => number): Span | undefined =>
  condition.values.length === 0 ? undefined : matchSpan(field, condition.values[choose(condition.values.length)]!)

/** A group that most likely has all the wanted fields. */
const kindFor = (wanted: readonly Wanted[], choose: (n: number) => number): GroupSpec => {
  const fits = GROUP_KINDS.filter((kind) => wanted.every(({ resolved: { field }, span }) => {
    if (span.version === 6 && kind.l3 !== 'ipv6') return false
    if (span.version === 4 && kind.l3 === 'ipv6') return false
    switch (field.presence) {
      case 'ip': return kind.l3 === 'ipv4' || kind.l3 === 'ipv6'
      case 'ipv4': return kind.l3 === 'ipv4'
      case 'arp': return kind.l3 === 'arp'
      case 'ports': return kind.l4 === 'tcp' || kind.l4 === 'udp'
      case 'tcp': return kind.l4 === 'tcp'
      case 'icmp':
      case 'icmp-echo': return kind.l4 === 'icmp' || kind.l4 === 'icmpv6'
      default: return true
    }
  }))
  const kinds = fits.length > 0 && choose(16) > 0 ? fits : GROUP_KINDS
  const kind = kinds[choose(kinds.length)]!
  const vlans = wanted.some(({ resolved }) => resolved.field.presence.startsWith('vlan')) ? 2 : choose(3)
  return { ...kind, vlans: vlans === 0 ? 0 : vlans === 1 ? 1 : 2, icmpType: kind.l4 === 'icmpv6' ? 128 : 8, srcPort: choose(8), dstPort: choose(8) }
}

const outerKind = (wanted: readonly Wanted[], g: number, choose: (n: number) => number): GroupSpec => {
  const version = wanted.find(({ resolved, span }) => resolved.group === g && span.version !== 0)?.span.version ?? 4
  return { l3: version === 6 ? 'ipv6' : 'ipv4', l4: 'udp', vni: choose(8), vlans: 1, srcPort: choose(8), dstPort: choose(8) }
}

/** A value in a span, mostly, or one beside it. */
const near = (span: Span, { field }: ResolvedField, choose: (n: number) => number): Scalar => {
  const from = wide(span.from)
  const to = wide(span.to)
  const inside = [from, to, (from + to) / 2n, from + ((to - from) * BigInt(choose(256))) / 255n]
  const beside = [from - 1n, to + 1n]
  const value = choose(8) === 0 ? beside[choose(2)]! : inside[choose(4)]!
  const bits = BigInt(span.version === 4 ? 32 : field.bits)
  const wrapped = BigInt.asUintN(Number(bits), value)
  if (span.version === 0) return Number(wrapped)
  const word = (i: bigint): number => Number((wrapped >> (32n * i)) & 0xffffffffn)
  return span.version === 4 ? ipv4(word(0n)) : ipv6(word(3n), word(2n), word(1n), word(0n))
}

/** No packet has a wide address in a group that is not IPv6: the upper words are 0 there. */
const fitted = (value: Scalar, { words }: Flow, group: number): Scalar =>
  typeof value === 'number' || (words[group * WORDS]! & 0xf) === L3.Ipv6 ? value : ipv4(value.words[3])

const wide = (words: readonly number[]): bigint => words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n)

const version = (scalar: Scalar): number => (typeof scalar === 'number' ? 0 : scalar.version)

/** Numbers near each other and near the places where comparisons go wrong. */
const number = (max: number): fc.Arbitrary<number> =>
  fc.tuple(fc.constantFrom(0, 80, 0x7fff_fffe, 0x8000_0000, 0xffff_fffe, 2 ** 47, max), fc.nat(6)).map(([base, plus]) => Math.min(max, base + plus))

const address = (onlyV4: boolean): fc.Arbitrary<IpAddress> => {
  const v4 = fc.tuple(fc.constantFrom(0x0a00_0000, 0x7fff_fff8, 0xc000_0200), fc.nat(15)).map(([base, plus]) => ipv4(base + plus))
  const v6 = fc.tuple(fc.constantFrom(0, 0xffff_ffff), fc.constantFrom(0, 0x8000_0000), fc.nat(7)).map(([b, c, plus]) => ipv6(0x2001_0db8, b, c, plus))
  return onlyV4 ? v4 : fc.oneof({ weight: 3, arbitrary: v4 }, { weight: 1, arbitrary: v6 })
}
