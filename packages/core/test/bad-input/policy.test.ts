/** Wrong groups, rules and conditions made by code: refused with the policy, with path and value, and nothing half applied. */
import test from 'ava'
import * as io from 'io-ts'
import {
  allow, anyOf, between, block, type Condition, defineLayer, describeError, type Group, inPrefix, ipv4, is, oneOf, orThrow, rule, type RuleOptions, rulesLayer,
} from '../../src/index.js'
import { builtIn, observed, onePort } from '../switch/support.js'

const raw = defineLayer({ name: 'raw', codec: io.unknown, groups: (groups) => groups as readonly Group[] })
const group = (change: object): Group => ({ name: 'g', direction: 'outbound', rules: [], ...change })
const withRule = (options: unknown): Group => group({ rules: [rule(block, {}, options as RuleOptions)] })
const when = (condition: unknown): Group => withRule({ when: [condition as Condition] })
const ip = ipv4(1)

/** Groups, the path that is told, and the value that is shown. */
const GROUPS: readonly (readonly [Group, string, string?])[] = [
  [when(oneOf('dstPort', [])), '/outbound/g/rules/block-1/when/0/dstPort', '[]'], [when({ field: 'dstPort', values: [] }), '/outbound/g/rules/block-1/when/0/dstPort', '[]'],
  [when(anyOf('srcIp', [])), '/outbound/g/rules/block-1/when/0/srcIp', '[]'], [group({ when: [oneOf('dstIp', [])] }), '/outbound/g/when/0/dstIp', '[]'],
  [when(oneOf('dstPort', undefined as never)), '/outbound/g/rules/block-1/when/0/dstPort'], [when(is('dstPort', Number.NaN)), '/outbound/g/rules/block-1/when/0/dstPort/0', 'NaN'],
  [when(is('dstPort', 1.5)), '/outbound/g/rules/block-1/when/0/dstPort/0', '1.5'], [when(is('dstPort', '5' as never)), '/outbound/g/rules/block-1/when/0/dstPort/0', '"5"'],
  [when(is('dstPort', -1)), '/outbound/g/rules/block-1/when/0/dstPort/0', '-1'], [when(is('dstPort', undefined as never)), '/outbound/g/rules/block-1/when/0/dstPort/0'],
  [when(is('srcIp', '10.0.0.1' as never)), '/outbound/g/rules/block-1/when/0/srcIp/0', '"10.0.0.1"'], [when(is('srcIp', null as never)), '/outbound/g/rules/block-1/when/0/srcIp/0', 'null'],
  [when(is('srcIp', { version: 4 } as never)), '/outbound/g/rules/block-1/when/0/srcIp/0', '{"version"'], [when(is('srcIp', { version: 4, words: [0, 0, 0, 2 ** 32] })), '/outbound/g/rules/block-1/when/0/srcIp/0', '4294967296'],
  [when(between('dstPort', 9, 1)), '/outbound/g/rules/block-1/when/0/dstPort/0', '9'], [when(between('dstPort', Number.NaN, 1)), '/outbound/g/rules/block-1/when/0/dstPort/0', 'NaN'],
  [when(inPrefix('dstIp', ip, 33)), '/outbound/g/rules/block-1/when/0/dstIp/0', '33'], [when(inPrefix('dstIp', ip, Number.NaN)), '/outbound/g/rules/block-1/when/0/dstIp/0', 'NaN'],
  [when(is('dstport' as 'dstPort', 1)), '/outbound/g/rules/block-1/when/0/dstport', 'dstPort'], [when(is(7 as never, 1 as never)), '/outbound/g/rules/block-1/when/0/field', '7'],
  [when(null), '/outbound/g/rules/block-1/when/0', 'null'], [when({ field: 'dstPort', values: [null] }), '/outbound/g/rules/block-1/when/0/dstPort/0', 'null'],
  [withRule({ priority: Number.NaN }), '/outbound/g/rules/block-1/priority', 'NaN'], [withRule({ priority: -1 }), '/outbound/g/rules/block-1/priority', '-1'],
  [withRule({ priority: 2 ** 32 }), '/outbound/g/rules/block-1/priority', '4294967296'], [withRule({ priority: '1' }), '/outbound/g/rules/block-1/priority', '"1"'],
  [withRule({ stateful: { idleUs: Number.NaN } }), '/outbound/g/rules/block-1/stateful/idleUs', 'NaN'], [withRule({ stateful: { idleUs: 0 } }), '/outbound/g/rules/block-1/stateful/idleUs', '0'],
  [withRule({ stateful: 'yes' }), '/outbound/g/rules/block-1/stateful', '"yes"'], [withRule({ terminating: 1 }), '/outbound/g/rules/block-1/terminating', '1'],
  [withRule({ id: 7 }), '/outbound/g/rules/block-1/id', '7'], [withRule({ when: is('dstPort', 1) }), '/outbound/g/rules/block-1/when', '{"field"'],
  [withRule({ prioirty: 1 }), '/outbound/g/rules/block-1/prioirty', 'priority'], [withRule(null), '/outbound/g/rules/block-1', 'null'],
  [withRule({ get id(): never { throw new Error('no') } }), '/outbound/g/rules/block-1'], [group({ rules: [{ ...rule(allow, {}), priority: Number.NaN }] }), '/outbound/g/rules/allow-1/priority', 'NaN'],
  [group({ order: Number.NaN }), '/outbound/g/order', 'NaN'], [group({ order: 0.5 }), '/outbound/g/order', '0.5'], [group({ order: '1' }), '/outbound/g/order', '"1"'],
  [group({ direction: 'sideways' }), '/sideways/g/direction', '"sideways"'], [group({ name: 7 }), '/outbound/7/name', '7'], [group({ match: 'longest' }), '/outbound/g/match', '"longest"'],
  [group({ match: { longestPrefix: 'dstIpp' } }), '/outbound/g/match/longestPrefix', 'dstIp'], [group({ when: 7 }), '/outbound/g/when', '7'],
]

for (const [i, [bad, path, value]] of GROUPS.entries()) {
  test(`update: refuses wrong group ${i + 1}, at ${path}, and the port is as it was`, (t) => {
    const port = onePort()
    const layer = orThrow(port.addLayer(raw, { order: 1 }))
    orThrow(layer.update(raw.policy([group({ name: 'before', rules: [rule(block, {})] })])))
    const before = observed(port)
    const refused = layer.update(raw.policy([bad]))
    if (refused._tag === 'Right' || refused.left._tag !== 'BadGroup') return t.fail(JSON.stringify(refused))
    const problem = refused.left.problems?.find((p) => p.path === path)
    t.true(problem !== undefined && `${problem.reason} ${problem.value}`.includes(value ?? ''), JSON.stringify(refused.left))
    t.deepEqual(observed(port), before)
  })
}

test('update: refuses what is no policy, and a group whose place is none', (t) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  const before = observed(port)
  for (const wrong of [undefined, null, 7, {}, { outbound: [] }]) {
    const refused = (layer.update as (policy: unknown) => ReturnType<typeof layer.update>)(wrong)
    t.like(refused, { left: { _tag: 'BadOptions', of: 'update' } })
  }
  for (const order of [Number.NaN, 0.5, '1', null]) {
    t.like(layer.group('g', { order } as { order: number }).updateJson({}), { left: { _tag: 'BadOptions', of: 'group', problems: [{ path: '/order' }] } })
  }
  t.deepEqual(observed(port), before)
})

test('updateJson: an empty list of values is refused wherever conditions stand', (t) => {
  const layer = orThrow(onePort().addLayer(builtIn, { order: 1 }))
  const refused = layer.updateJson({
    outbound: [{ name: 'g', when: { srcIp: [] }, rules: [{ do: 'block', when: { dstPort: [] } }, { do: 'block', when: [{ dstPort: 1 }, { 'inner.vni': [] }] }] }],
  })
  t.deepEqual(refused._tag === 'Left' && refused.left._tag === 'BadPolicy' ? refused.left.problems.map(({ path }) => path).sort() : refused, [
    '/outbound/0/rules/0/when/dstPort', '/outbound/0/rules/1/when/1/inner.vni', '/outbound/0/when/srcIp',
  ])
})

test('updateJson: tells all problems at once, at most twenty in full and the number of the rest', (t) => {
  const layer = orThrow(onePort().addLayer(rulesLayer('few', [allow, block]), { order: 1 }))
  const refused = layer.updateJson({
    types: [{ name: 'own', lookup: {} }],
    outbound: [{ name: 'g', rules: [{ do: 'alow', prioirty: 1 }, { do: 'own' }, { do: 'block', when: { dstPrt: 1, srcPort: 'x' }, with: { reson: 'a' } }] }],
  })
  t.deepEqual(refused._tag === 'Left' && refused.left._tag === 'BadPolicy' ? refused.left.problems.map(({ path, reason }) => `${path} ${/did you mean "(\w+)"/.exec(reason)?.[1] ?? ''}`).sort() : refused, [
    '/outbound/0/rules/0/do allow', '/outbound/0/rules/0/prioirty priority', '/outbound/0/rules/2/when/dstPrt dstPort', '/outbound/0/rules/2/when/srcPort ',
    '/outbound/0/rules/2/with/reson reason', '/types/0/lookup lookups',
  ])
  const many = layer.updateJson({ outbound: [{ name: 'g', rules: Array.from({ length: 50 }, () => ({ do: 'nope' })) }] })
  if (many._tag === 'Right' || many.left._tag !== 'BadPolicy') return t.fail()
  t.is(many.left.problems.length, 20)
  t.is(many.left.more, 30)
  t.regex(describeError(many.left), /; and 30 more$/)
})
