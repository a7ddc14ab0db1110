import test from 'ava'
import * as t from 'io-ts'
import { isLeft } from 'fp-ts/lib/Either.js'
import {
  allow, between, block, defineLayer, defineRuleType, type Group, inPrefix, is, nat, orThrow, type PolicyError, type Port, proceed, rule, rulesLayer,
} from '../../src/index.js'
import { ipv4 } from '../../src/wire/address.js'
import { builtIn, frame, groupOf, observed, onePort, tell } from './support.js'

/** A layer that is given its groups as they are. */
const raw = defineLayer({ name: 'raw', codec: t.unknown as t.Type<readonly Group[], readonly Group[]>, groups: (groups) => groups })

/** A port with two groups in its layer and a connection in its tables. */
const inUse = () => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(layer.updateJson({
    outbound: [groupOf('first', [{ do: 'count', id: 'c' }]), groupOf('second', [{ do: 'nat', id: 'n', with: { srcIp: '198.51.100.1' }, stateful: true }])],
    inbound: [groupOf('first', [{ do: 'block', id: 'b' }])],
  }))
  port.process('outbound', frame())
  port.process('outbound', frame())
  port.process('inbound', frame())
  return { port, layer }
}

const names = (port: Port): readonly string[] => port.rules().map((r) => `${r.direction} ${r.group}/${r.rule}`)

/** Makes sure that a call was refused, that nothing changed, and that packets are treated as before. */
const refuses = (c: { readonly deepEqual: (a: unknown, b: unknown) => boolean }, port: Port, call: () => { readonly _tag: string }, error: PolicyError): void => {
  const before = observed(port)
  const now = () => [port.explain('outbound', frame()), port.explain('inbound', frame())].map(String)
  const explained = now()
  c.deepEqual(call(), { _tag: 'Left', left: error })
  c.deepEqual(observed(port), before)
  c.deepEqual(now(), explained)
}

test('update: replaces all groups of the layer', (c) => {
  const { port, layer } = inUse()
  const generation = orThrow(layer.update(builtIn.policy({ inbound: [groupOf('third', [{ do: 'allow', id: 'a' }])] })))
  c.is(generation, port.generation())
  c.deepEqual(names(port), ['inbound third/a'])
})

test('update: raises the generation by one and is seen by the very next packet', (c) => {
  const { port, layer } = inUse()
  const before = port.generation()
  c.is(orThrow(layer.updateJson({ outbound: [groupOf('first', [{ do: 'block' }])] })), before + 1)
  c.is(tell(port.process('outbound', frame())), 'Denied')
})

test('group: replaces the group of its name in both directions and leaves the others', (c) => {
  const { port, layer } = inUse()
  orThrow(layer.group('first').updateJson({ outbound: [groupOf('first', [{ do: 'allow', id: 'x' }])] }))
  c.deepEqual(names(port), ['outbound first/x', 'outbound second/n'])
})

test('group: adds a group that is new behind the others', (c) => {
  const { port, layer } = inUse()
  orThrow(layer.group('new').updateJson({ outbound: [groupOf('new', [{ do: 'allow', id: 'x' }])] }))
  c.deepEqual(names(port), ['outbound first/c', 'outbound second/n', 'outbound new/x', 'inbound first/b'])
})

test('group: walks groups by ascending order, equal ones as they were first added', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  const one = (name: string) => ({ outbound: [groupOf(name, [{ do: 'allow', id: 'r' }])] })
  orThrow(layer.group('a', { order: 5 }).updateJson(one('a')))
  orThrow(layer.group('b').updateJson(one('b')))
  orThrow(layer.group('c', { order: -1 }).updateJson(one('c')))
  orThrow(layer.group('d').updateJson(one('d')))
  c.deepEqual(names(port), ['outbound c/r', 'outbound b/r', 'outbound d/r', 'outbound a/r'])
  orThrow(layer.group('b').updateJson(one('b')))
  c.deepEqual(names(port), ['outbound c/r', 'outbound b/r', 'outbound d/r', 'outbound a/r'])
  orThrow(layer.group('a').updateJson(one('a')))
  c.deepEqual(names(port), ['outbound c/r', 'outbound b/r', 'outbound d/r', 'outbound a/r'])
  orThrow(layer.group('a', { order: -2 }).updateJson(one('a')))
  c.deepEqual(names(port), ['outbound a/r', 'outbound c/r', 'outbound b/r', 'outbound d/r'])
})

test('group: keeps the order of each direction, and takes one that the policy itself gives', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  const one = (name: string, order?: number) => groupOf(name, [{ do: 'allow' as const, id: 'r' }], order === undefined ? {} : { order })
  orThrow(layer.updateJson({ outbound: [one('a', 1), one('b', 2)], inbound: [one('a', 4), one('b', 3)] }))
  const before = names(port)
  c.deepEqual(before, ['outbound a/r', 'outbound b/r', 'inbound b/r', 'inbound a/r'])
  orThrow(layer.group('a').updateJson({ outbound: [one('a')], inbound: [one('a')] }))
  c.deepEqual(names(port), before)
  orThrow(layer.group('a').updateJson({ outbound: [one('a', 9)], inbound: [one('a')] }))
  c.deepEqual(names(port), ['outbound b/r', 'outbound a/r', 'inbound b/r', 'inbound a/r'])
})

test('group: refuses a policy that holds another group', (c) => {
  const { port, layer } = inUse()
  refuses(c, port, () => layer.group('first').updateJson({ outbound: [groupOf('other', [])] }), {
    _tag: 'BadGroup', layer: 'built-in', group: 'other', reason: 'the policy is for the group first and may hold no other',
  })
})

test('group: remove takes the group out, once', (c) => {
  const { port, layer } = inUse()
  orThrow(layer.group('first').remove())
  c.deepEqual(names(port), ['outbound second/n'])
  refuses(c, port, () => layer.group('first').remove(), { _tag: 'NoSuchGroup', layer: 'built-in', group: 'first' })
})

test('updateGroups: replaces, adds and removes groups in one transaction', (c) => {
  const { port, layer } = inUse()
  const before = port.generation()
  const generation = orThrow(layer.updateGroups({
    first: null,
    second: builtIn.policy({ outbound: [groupOf('second', [{ do: 'allow', id: 'x' }])] }),
    third: builtIn.policy({ inbound: [groupOf('third', [{ do: 'allow', id: 'y' }])] }),
  }))
  c.is(generation, before + 1)
  c.deepEqual(names(port), ['outbound second/x', 'inbound third/y'])
})

test('updateGroups: changes nothing if one of its changes is refused', (c) => {
  const { port, layer } = inUse()
  const fine = builtIn.policy({ outbound: [groupOf('second', [{ do: 'allow', id: 'x' }])] })
  refuses(c, port, () => layer.updateGroups({ first: null, second: fine, nobody: null }), { _tag: 'NoSuchGroup', layer: 'built-in', group: 'nobody' })
  refuses(c, port, () => layer.updateGroups({ first: null, other: fine }), {
    _tag: 'BadGroup', layer: 'built-in', group: 'second', reason: 'the policy is for the group other and may hold no other',
  })
  refuses(c, port, () => layer.updateGroups({ first: null, second: builtIn.policy({ outbound: [groupOf('second', [{ do: 'nope' }])] }) }), {
    _tag: 'BadPolicy', layer: 'built-in',
    problems: [{ path: '/outbound/0/rules/0/do', reason: 'no such rule type; known are allow, block, nat, encap, decap, hairpin, mirror, count', value: '"nope"' }],
  })
})

test('update: refuses two groups of one name in one direction, and allows them in two', (c) => {
  const { port, layer } = inUse()
  refuses(c, port, () => layer.updateJson({ outbound: [groupOf('g', []), groupOf('g', [])] }), {
    _tag: 'Duplicate', layer: 'built-in', what: 'group', name: 'outbound g',
  })
  orThrow(layer.updateJson({ outbound: [groupOf('g', [])], inbound: [groupOf('g', [])] }))
})

test('update: refuses two rules of one id in a group, and allows them in two groups', (c) => {
  const { port, layer } = inUse()
  const twice = [{ do: 'allow', id: 'r' }, { do: 'block', id: 'r' }]
  refuses(c, port, () => layer.updateJson({ inbound: [groupOf('g', twice)] }), { _tag: 'Duplicate', layer: 'built-in', what: 'rule', name: 'inbound g/r' })
  orThrow(layer.updateJson({ inbound: [groupOf('g', [twice[0]!]), groupOf('h', [twice[1]!])] }))
})

test('update: refuses a longest-prefix group with a range on its field', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(raw, { order: 1 }))
  const group = (rules: Group['rules']): Group => ({ name: 'routes', direction: 'outbound', match: { longestPrefix: 'dstIp' }, rules })
  orThrow(layer.update(raw.policy([group([rule(allow, {}, { when: [inPrefix('dstIp', ipv4(0x0a000000), 8)] })])])))
  port.process('outbound', frame())
  const before = observed(port)
  const answer = layer.update(raw.policy([group([rule(allow, {}, { when: [between('dstIp', ipv4(1), ipv4(9))] })])]))
  c.true(isLeft(answer) && answer.left._tag === 'BadGroup' && answer.left.layer === 'raw' && answer.left.group === 'routes' && answer.left.reason !== '')
  c.deepEqual(observed(port), before)
})

test('update: refuses conditions made in code that could never be met as they are written', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(raw, { order: 1 }))
  const bad = is('dstPort', 70_000)
  const inRule: Group = { name: 'g', direction: 'inbound', rules: [rule(allow, {}), rule(block, {}, { when: [bad] })] }
  const reason = 'dstPort is a whole number from 0 to 65535, not 70000'
  refuses(c, port, () => layer.update(raw.policy([inRule])), {
    _tag: 'BadGroup', layer: 'raw', group: 'g', reason, problems: [{ path: '/inbound/g/rules/block-2/when/0/dstPort/0', reason, value: '70000' }],
  })
  refuses(c, port, () => layer.update(raw.policy([{ ...inRule, rules: [], when: [bad] }])), {
    _tag: 'BadGroup', layer: 'raw', group: 'g', reason, problems: [{ path: '/inbound/g/when/0/dstPort/0', reason, value: '70000' }],
  })
})

test('update: refuses a policy of another layer type at run time too', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1, name: 'mine' }))
  const other = rulesLayer('other', [allow])
  const foreign = other.policy({}) as { readonly layer: string; readonly config: unknown } as ReturnType<typeof builtIn.policy>
  const error: PolicyError = { _tag: 'ForeignPolicy', layer: 'mine', policyOf: 'other' }
  refuses(c, port, () => layer.update(foreign), error)
  refuses(c, port, () => layer.group('g').update(foreign), error)
  refuses(c, port, () => layer.updateGroups({ g: foreign }), error)
})

test('update: two layers of one type take the same policy and are told apart by their names', (c) => {
  const port = onePort()
  const policy = builtIn.policy({ outbound: [groupOf('g', [{ do: 'allow', id: 'r' }])] })
  const [a, b] = ['a', 'b'].map((name) => orThrow(port.addLayer(builtIn, { order: 1, name })))
  orThrow(a!.update(policy))
  orThrow(b!.update(policy))
  c.deepEqual(port.rules().map((r) => r.layer), ['a', 'b'])
})

test('check: an objection of the layer type refuses the policy with its paths', (c) => {
  const picky = defineLayer({
    name: 'picky', codec: t.number, groups: () => [],
    check: (n, { port, group, resource }) => [{ path: '/n', reason: `${n} on ${port.name} for ${String(group)}, ${String(resource('r')?.name)}` }],
  })
  const port = onePort()
  const layer = orThrow(port.addLayer(picky, { order: 1 }))
  const problem = (reason: string): PolicyError => ({ _tag: 'BadPolicy', layer: 'picky', problems: [{ path: '/n', reason }] })
  refuses(c, port, () => layer.update(picky.policy(3)), problem('3 on vm-1 for undefined, undefined'))
  refuses(c, port, () => layer.group('g').update(picky.policy(3)), problem('3 on vm-1 for g, undefined'))
})

/** A rule type whose states tell of their lives; `explode` fails to start. */
const witness = () => {
  const log: string[] = []
  const type = defineRuleType({
    name: 'witness',
    config: t.string,
    init: (name) => {
      if (name === 'explode') throw new Error('no more memory')
      log.push(`init ${name}`)
      return { name }
    },
    dispose: (state) => { log.push(`dispose ${state.name}`) },
    report: (state) => state.name,
    decide: () => proceed(),
  })
  const port = onePort()
  const layer = orThrow(port.addLayer(raw, { order: 1 }))
  const group = (name: string, rules: readonly (readonly [string, string])[]): Group =>
    ({ name, direction: 'outbound', rules: rules.map(([id, config]) => rule(type, config, { id })) })
  const told = (): readonly string[] => log.splice(0)
  return { type, port, layer, group, told, update: (...groups: readonly Group[]) => layer.update(raw.policy(groups)) }
}

test('state: is made when a rule comes, kept while its id and type stay, disposed of when it is gone', (c) => {
  const { update, group, told, port } = witness()
  orThrow(update(group('g', [['a', '1'], ['b', '2']])))
  c.deepEqual(told(), ['init 1', 'init 2'])
  orThrow(update(group('g', [['b', '9'], ['c', '3']])))
  c.deepEqual(told(), ['init 3', 'dispose 1'])
  c.deepEqual(port.rules().map((r) => r.state), ['2', '3'])
})

test('state: does not survive a change of the rule\'s type, group or direction', (c) => {
  const { update, group, told } = witness()
  orThrow(update(group('g', [['a', '1']])))
  orThrow(update({ ...group('g', []), rules: [rule(allow, {}, { id: 'a' })] }))
  c.deepEqual(told(), ['init 1', 'dispose 1'])
  orThrow(update(group('g', [['a', '2']])))
  orThrow(update(group('h', [['a', '3']])))
  c.deepEqual(told(), ['init 2', 'init 3', 'dispose 2'])
  orThrow(update({ ...group('h', [['a', '4']]), direction: 'inbound' }))
  c.deepEqual(told(), ['init 4', 'dispose 3'])
})

test('state: of equal but separate rules ends one by one', (c) => {
  let ended = 0
  const numbered = defineRuleType({ name: 'numbered', config: t.number, init: () => 0, dispose: () => { ended++ }, decide: () => proceed() })
  const layer = orThrow(onePort().addLayer(raw, { order: 1 }))
  const group = (...ids: readonly string[]): Group => ({ name: 'g', direction: 'outbound', rules: ids.map((id) => rule(numbered, 1, { id })) })
  orThrow(layer.update(raw.policy([group('a', 'b')])))
  orThrow(layer.update(raw.policy([group('b')])))
  c.is(ended, 1)
  orThrow(layer.update(raw.policy([])))
  c.is(ended, 2)
})

test('RuleFailed: disposes of the rules started before it, of no others, and changes nothing', (c) => {
  const { update, group, told, port } = witness()
  orThrow(update(group('g', [['a', '1']])))
  told()
  refuses(c, port, () => update(group('f', [['x', '2']]), group('g', [['a', '9'], ['b', '3'], ['bad', 'explode'], ['c', '4']])), {
    _tag: 'RuleFailed', layer: 'raw', group: 'g', rule: 'bad', reason: 'no more memory',
  })
  c.deepEqual(told(), ['init 2', 'init 3', 'dispose 2', 'dispose 3'])
})

test('BadGroup: disposes of the rules that were started for it', (c) => {
  const { update, group, told, type } = witness()
  orThrow(update(group('g', [['a', '1']])))
  told()
  const range = [between('dstIp', ipv4(1), ipv4(9))]
  const bad: Group = { name: 'bad', direction: 'outbound', match: { longestPrefix: 'dstIp' }, rules: [rule(type, '2', { id: 'x', when: range })] }
  const answer = update(group('g', [['a', '1']]), bad)
  c.true(isLeft(answer) && answer.left._tag === 'BadGroup')
  c.deepEqual(told(), ['init 2', 'dispose 2'])
})

test('LayerFailed: an exception in a layer type\'s codec, check or groups refuses the policy and changes nothing', (c) => {
  const fail = (): never => { throw new Error('bug') }
  const throwing = new t.Type<number, number>('throwing', t.number.is, fail, (n) => n)
  const types = [
    defineLayer({ name: 'l', codec: throwing, groups: () => [] }),
    defineLayer({ name: 'l', codec: t.number, groups: () => [], check: fail }),
    defineLayer({ name: 'l', codec: t.number, groups: fail }),
  ]
  for (const type of types) {
    const { port } = inUse()
    const layer = orThrow(port.addLayer(type, { order: 2 }))
    const error: PolicyError = { _tag: 'LayerFailed', layer: 'l', reason: 'bug' }
    refuses(c, port, () => layer.updateJson(1), error)
    refuses(c, port, () => layer.group('g').updateJson(1), error)
    refuses(c, port, () => layer.updateGroups({ g: type.policy(1) }), error)
  }
})

/** Rules of which those configured as `stuck` throw when they are to end. */
const stuck = () => {
  const log: string[] = []
  const type = defineRuleType({
    name: 'stuck', config: t.string, init: (name) => ({ name }), decide: () => proceed(),
    dispose: (state) => {
      if (state.name === 'stuck') throw new Error('still in use')
      log.push(`dispose ${state.name}`)
    },
  })
  const port = onePort({ environment: {
    disposeFailed: (p, layer, failures) => { log.push(...failures.map((f) => `${p.name} ${layer} ${f.rule}: ${f.reason}`)) },
    deletePort: (p) => { log.push(`delete ${p.name}`) },
  } })
  const layer = orThrow(port.addLayer(raw, { order: 1 }))
  const group = (name: string, ...configs: readonly string[]): Group =>
    ({ name, direction: 'outbound', rules: configs.map((config) => rule(type, config, { id: config })) })
  return { port, layer, group, told: (): readonly string[] => log.splice(0), update: (...groups: readonly Group[]) => layer.update(raw.policy(groups)) }
}

const FAILURE = 'vm-1 raw g/stuck: still in use'

test('dispose: one that throws does not hide the change that is in force, nor keep other rules from ending', (c) => {
  const { port, layer, group, told, update } = stuck()
  orThrow(update(group('g', 'stuck', 'b')))
  const before = port.generation()
  c.is(orThrow(update(group('g', 'c'))), before + 1)
  c.deepEqual([port.generation(), names(port), told()], [before + 1, ['outbound g/c'], ['dispose b', FAILURE]])
  orThrow(update(group('g', 'stuck', 'b')))
  told()
  c.is(orThrow(layer.remove()), port.generation())
  c.deepEqual([port.layers(), told()], [[], ['dispose b', FAILURE]])
})

test('dispose: one that throws does not keep a port from being removed', (c) => {
  const { port, group, told, update } = stuck()
  orThrow(update(group('g', 'stuck', 'b')))
  orThrow(port.remove())
  c.deepEqual([port.state(), told()], ['deleted', ['dispose b', FAILURE, 'delete vm-1']])
})

test('dispose: one that throws does not hide why a change was refused', (c) => {
  const { port, group, told, update } = stuck()
  orThrow(update(group('g', 'a')))
  const fails = defineRuleType({ name: 'fails', config: t.string, init: (): never => { throw new Error('no more memory') }, decide: () => proceed() })
  const bad: Group = { ...group('h'), rules: [rule(fails, '', { id: 'bad' })] }
  refuses(c, port, () => update(group('g', 'a', 'stuck', 'b'), bad), { _tag: 'RuleFailed', layer: 'raw', group: 'h', rule: 'bad', reason: 'no more memory' })
  c.deepEqual(told(), ['dispose b'])
})

test('state: ends with its layer and with its port', (c) => {
  const first = witness()
  orThrow(first.update(first.group('g', [['a', '1']])))
  orThrow(first.layer.remove())
  c.deepEqual(first.told(), ['init 1', 'dispose 1'])
  const second = witness()
  orThrow(second.update(second.group('g', [['a', '1']])))
  orThrow(second.port.remove())
  c.deepEqual(second.told(), ['init 1', 'dispose 1'])
})

test('counters: of a rule stay with its id and type across updates', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(raw, { order: 1 }))
  const group = (r: Group['rules'][number]): Group => ({ name: 'g', direction: 'outbound', rules: [r] })
  const packets = () => port.rules()[0]?.packets
  orThrow(layer.update(raw.policy([group(rule(allow, {}, { id: 'r' }))])))
  port.process('outbound', frame())
  orThrow(layer.update(raw.policy([group(rule(allow, {}, { id: 'r', priority: 3 }))])))
  c.is(packets(), 1)
  port.process('outbound', frame())
  c.is(packets(), 2)
  orThrow(layer.update(raw.policy([group(rule(block, {}, { id: 'r' }))])))
  c.is(packets(), 0)
})

test('ids: are made from type and position where none is given', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(raw, { order: 1 }))
  orThrow(layer.update(raw.policy([{ name: 'g', direction: 'outbound', rules: [rule(allow, {}), rule(nat, {}), rule(allow, {}, { id: 'mine' })] }])))
  c.deepEqual(port.rules().map((r) => r.rule), ['allow-1', 'nat-2', 'mine'])
})
