import test from 'ava'
import { isLeft } from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import {
  allow, defineLayer, defineRuleType, type Direction, type Generation, type GroupHandle, type LayerHandle, orThrow, type Place,
  type Policy, type Port, type PortError, proceed, rule, rulesLayer,
} from '../../src/index.js'
import { builtIn, frame, groupOf, hostOf, observed, onePort, tell } from './support.js'

/** Whether the types say so: the compiler refuses to build this file if they do not. */
type Is<A extends boolean, B extends A> = B
type Takes<H extends (policy: never) => unknown, P> = P extends Parameters<H>[0] ? true : false

const mine = rulesLayer('mine', [])
const theirs = rulesLayer('theirs', [])

/** What a handle of one layer type accepts, as the types have it. */
export type TypeTests = [
  Is<true, Takes<LayerHandle<'a'>['update'], Policy<'a'>>>,
  Is<false, Takes<LayerHandle<'a'>['update'], Policy<'b'>>>,
  Is<false, Takes<LayerHandle<'a'>['update'], Policy<string>>>,
  Is<true, Takes<GroupHandle<'a'>['update'], Policy<'a'>>>,
  Is<false, Takes<GroupHandle<'a'>['update'], Policy<'b'>>>,
  Is<false, Takes<LayerHandle<'a'>['updateGroups'], { readonly g: Policy<'b'> }>>,
  Is<true, Takes<LayerHandle<'a'>['updateGroups'], { readonly g: Policy<'a'>; readonly h: null }>>,
  Is<true, Takes<LayerHandle<'mine'>['update'], ReturnType<typeof mine.policy>>>,
  Is<false, Takes<LayerHandle<'mine'>['update'], ReturnType<typeof theirs.policy>>>,
  Is<false, Takes<LayerHandle<'mine'>['update'], { readonly outbound: readonly [] }>>,
  Is<false, LayerHandle<'a'> extends LayerHandle<'b'> ? true : false>,
  Is<false, LayerHandle<'a'> extends LayerHandle<'a' | 'b'> ? true : false>,
  Is<true, ReturnType<LayerHandle<'a'>['update']> extends { readonly _tag: 'Right'; readonly right: Generation } | { readonly _tag: 'Left' } ? true : false>,
]

const names = (port: Port): readonly string[] => port.layers()

/** A layer whose rule writes its name down whenever it decides. */
const recording = () => {
  const log: string[] = []
  const note = defineRuleType({ name: 'note', config: t.string, decide: (name) => {
    log.push(name)
    return proceed()
  } })
  const type = defineLayer({
    name: 'recording',
    codec: t.string,
    groups: (name) => (['outbound', 'inbound'] as const).map((direction) => ({ name: 'g', direction, rules: [rule(note, name)] })),
  })
  const add = (port: Port, name: string, at: Place): LayerHandle<'recording'> => {
    const layer = orThrow(port.addLayer(type, { ...at, name }))
    orThrow(layer.update(type.policy(name)))
    return layer
  }
  return { add, told: (): readonly string[] => log.splice(0) }
}

test('addLayer: layers are walked from the VM outbound and towards it inbound', (c) => {
  const port = onePort()
  const { add, told } = recording()
  add(port, 'far', { order: 30 })
  add(port, 'near', { order: 10 })
  add(port, 'middle', { after: 'near' })
  add(port, 'nearest', { before: 'near' })
  c.deepEqual(names(port), ['nearest', 'near', 'middle', 'far'])
  port.process('outbound', frame())
  c.deepEqual(told().slice(0, 4), ['nearest', 'near', 'middle', 'far'])
  port.process('inbound', frame({ from: '10.0.0.9' }))
  c.deepEqual(told().slice(0, 4), ['far', 'middle', 'near', 'nearest'])
})

test('addLayer: an added layer is seen by the very next packet of a flow under way', (c) => {
  const port = onePort()
  const { add, told } = recording()
  add(port, 'first', { order: 1 })
  port.process('outbound', frame())
  port.process('outbound', frame())
  c.deepEqual(told(), ['first'])
  add(port, 'second', { order: 2 })
  port.process('outbound', frame())
  c.deepEqual(told(), ['first', 'second'])
})

test('addLayer: a layer without policy lets everything pass', (c) => {
  const port = onePort()
  orThrow(port.addLayer(builtIn, { order: 1 }))
  c.is(tell(port.process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80')
})

test('addLayer: refuses a name that is taken and a neighbour that is not there, and changes nothing', (c) => {
  const port = onePort()
  const { add } = recording()
  add(port, 'a', { order: 1 })
  port.process('outbound', frame())
  const before = observed(port)
  const left = (error: PortError) => ({ _tag: 'Left', left: error })
  c.deepEqual(port.addLayer(builtIn, { order: 1, name: 'a' }), left({ _tag: 'LayerExists', layer: 'a' }))
  c.deepEqual(port.addLayer(builtIn, { before: 'nobody' }), left({ _tag: 'NoSuchLayer', layer: 'nobody' }))
  c.deepEqual(port.addLayer(builtIn, { after: 'nobody' }), left({ _tag: 'NoSuchLayer', layer: 'nobody' }))
  c.deepEqual(observed(port), before)
})

test('remove: takes the layer out of the way of the very next packet, and its rules with it', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(layer.updateJson({ outbound: [groupOf('g', [{ do: 'block' }])] }))
  c.is(tell(port.process('outbound', frame())), 'Denied')
  const before = port.generation()
  c.is(orThrow(layer.remove()), before + 1)
  c.is(tell(port.process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80')
  c.deepEqual([port.rules(), layer.rules(), names(port)], [[], [], []])
})

test('remove: a handle of a removed layer is of no further use, even when another takes its name', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(layer.remove())
  const heir = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(heir.updateJson({ outbound: [groupOf('g', [{ do: 'allow' }])] }))
  const before = observed(port)
  const gone = { _tag: 'Left', left: { _tag: 'LayerGone', layer: 'built-in' } }
  c.deepEqual(layer.updateJson({}), gone)
  c.deepEqual(layer.update(builtIn.policy({})), gone)
  c.deepEqual(layer.updateGroups({ g: null }), gone)
  c.deepEqual(layer.group('g').remove(), gone)
  c.deepEqual(layer.group('g').updateJson({}), gone)
  c.deepEqual(layer.remove(), gone)
  c.deepEqual(layer.rules(), [])
  c.deepEqual(observed(port), before)
})

test('remove: connections of a removed layer go with it, those of others stay', (c) => {
  const port = onePort()
  const policy = { outbound: [groupOf('g', [{ do: 'nat' as const, with: { srcIp: '198.51.100.1' }, stateful: true }])] }
  const inner = orThrow(port.addLayer(builtIn, { order: 1, name: 'inner' }))
  const outer = orThrow(port.addLayer(builtIn, { order: 2, name: 'outer' }))
  orThrow(inner.updateJson(policy))
  orThrow(outer.updateJson({ outbound: [groupOf('g', [{ do: 'nat', with: { srcPort: 4000 }, stateful: true }])] }))
  port.process('outbound', frame())
  c.deepEqual(port.counters().connections, { inner: 1, outer: 1 })
  const answer = frame({ from: '10.0.0.2', srcPort: 80, to: '198.51.100.1', dstPort: 4000 })
  c.is(tell(port.process('inbound', answer)), 'passed; vm: tcp 10.0.0.2:80 > 10.0.0.1:1000')
  orThrow(inner.remove())
  c.deepEqual(port.counters().connections, { outer: 1 })
  c.is(tell(port.process('inbound', answer)), 'passed; vm: tcp 10.0.0.2:80 > 198.51.100.1:1000')
})

test('handles: those of a deleted port say so', (c) => {
  const { host, ports } = hostOf(1)
  const port = ports[0]!
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(port.remove())
  const gone = { _tag: 'Left', left: { _tag: 'PortGone', port: 'vm-1' } }
  c.deepEqual(layer.updateJson({}), gone)
  c.deepEqual(layer.group('g').updateJson({}), gone)
  c.deepEqual(layer.updateGroups({}), gone)
  c.deepEqual(layer.remove(), gone)
  c.deepEqual(port.addLayer(builtIn, { order: 1 }), gone)
  c.is(host.port('vm-1'), undefined)
})

test('rules: tell of each rule where it stands and what it has done', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(layer.updateJson({
    inbound: [groupOf('in', [{ do: 'count', id: 'c', stateful: true, priority: 7 }])],
    outbound: [groupOf('out', [{ do: 'allow', id: 'a', terminating: true, when: { dstPort: 80, proto: 'tcp' } }])],
  }))
  port.process('outbound', frame())
  port.process('outbound', frame())
  const length = frame().length
  c.deepEqual(port.rules(), [
    {
      layer: 'built-in', direction: 'outbound', group: 'out', rule: 'a', type: 'allow', config: {}, when: 'dstPort = 80 and proto = tcp', priority: 100,
      terminating: true, stateful: false, walks: 1, packets: 2, bytes: 2 * length, state: undefined,
    },
    {
      layer: 'built-in', direction: 'inbound', group: 'in', rule: 'c', type: 'count', config: {}, when: '', priority: 7,
      terminating: false, stateful: true, walks: 0, packets: 0, bytes: 0, state: { packets: 0, bytes: 0 },
    },
  ])
  c.deepEqual(layer.rules(), port.rules())
})

test('a layer of one\'s own: five lines, a codec and a function to groups', (c) => {
  const quarantine = defineLayer({
    name: 'quarantine',
    codec: t.boolean,
    groups: (on, { port }) => (on ? [{ name: port.name, direction: 'outbound', rules: [rule(allow, {}, { terminating: true })] }] : []),
  })
  const layer = orThrow(onePort().addLayer(quarantine, { order: 1 }))
  orThrow(layer.update(quarantine.policy(true)))
  c.deepEqual(layer.rules().map((r) => r.group), ['vm-1'])
  c.true(isLeft(layer.updateJson('yes')))
})

test('a rule type of one\'s own: is asked for the flow as its layer sees it', (c) => {
  const seen: unknown[] = []
  const look = defineRuleType({ name: 'look', config: t.unknown, decide: (_, flow) => {
    seen.push([flow.direction, flow.port.name, flow.depth, flow.number('dstPort'), flow.ip('srcIp')?.words[3], flow.mac('dstMac'), flow.number('ttl'), flow.number('vni'), flow.number('srcIp'), flow.nowUs])
    return proceed()
  } })
  const layerOf = defineLayer({ name: 'look', codec: t.unknown, groups: () => (['outbound', 'inbound'] as readonly Direction[]).map((direction) => ({ name: 'g', direction, rules: [rule(look, 0)] })) })
  const port = onePort()
  const before = orThrow(port.addLayer(builtIn, { order: 1 }))
  const tunnel = { do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 7, dstMac: '00:00:00:00:00:05', ttl: 9 } }
  orThrow(before.updateJson({ outbound: [groupOf('g', [tunnel])] }))
  orThrow(orThrow(port.addLayer(layerOf, { order: 2 })).updateJson(0))
  port.process('outbound', frame())
  c.deepEqual(seen, [['outbound', 'vm-1', 2, 4789, 0xc0000201, 5, 9, 7, undefined, 0]])
})

test('handles: of layers of two types differ at compile time, as TypeTests says, and at run time', (c) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(mine, { order: 1 }))
  c.is(orThrow(layer.update(mine.policy({}))), 2)
  const foreign: Pick<Policy<string>, 'layer' | 'config'> = theirs.policy({})
  c.deepEqual(layer.update(foreign as Policy<'mine'>), { _tag: 'Left', left: { _tag: 'ForeignPolicy', layer: 'mine', policyOf: 'theirs' } })
})
