/** Wrong options through the doors of the switch: typed, with path and value, and nothing half applied. */
import test from 'ava'
import {
  allow, type Batch, defineLayer, defineRuleType, directory, openSwitch, type Port, type PortSpec, rulesLayer, type SwitchOptions, tryOpenSwitch, VfpError,
} from '../../src/index.js'
import { frame, observed, onePort } from '../switch/support.js'

const throws = (): never => { throw new Error('no') }
const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic
const SPARSE: unknown[] = []
SPARSE.length = 2 ** 32 - 1
const HUGE = 'x'.repeat(1_000_000)
class Hooks {
  readonly state = 1
  toVm = 7
}

/** Options, the path that is told, and the value that is shown. */
const SWITCHES: readonly (readonly [unknown, string, string?])[] = [
  [null, '', 'null'], [7, '', '7'], ['x', '', '"x"'], [[], '', '[]'], [Symbol('s'), '', 'Symbol(s)'], [5n, '', '5n'],
  [{ maxFlow: 5 }, '/maxFlow'], [JSON.parse('{"__proto__": {"maxFlows": 1}}'), '/__proto__'], [{ constructor: 1 }, '/constructor'],
  ...(['maxFlows', 'maxConnections', 'maxFragments'] as const).flatMap((name) => [
    [{ [name]: Number.NaN }, `/${name}`, 'NaN'], [{ [name]: Infinity }, `/${name}`, 'Infinity'], [{ [name]: -1 }, `/${name}`, '-1'], [{ [name]: 1.5 }, `/${name}`, '1.5'],
    [{ [name]: 2 ** 53 }, `/${name}`, '9007199254740992'], [{ [name]: '5' }, `/${name}`, '"5"'], [{ [name]: null }, `/${name}`, 'null'], [{ [name]: 5n }, `/${name}`, '5n'],
  ] as const),
  [{ flowIdleUs: Number.NaN }, '/flowIdleUs', 'NaN'], [{ flowIdleUs: -1 }, '/flowIdleUs', '-1'], [{ flowIdleUs: [] }, '/flowIdleUs', '[]'],
  [{ hashSeed: Number.NaN }, '/hashSeed', 'NaN'], [{ hashSeed: 2 ** 32 }, '/hashSeed', '4294967296'], [{ hashSeed: 0.5 }, '/hashSeed', '0.5'], [{ hashSeed: HUGE }, '/hashSeed', '…'],
  [{ parseDepth: 2 }, '/parseDepth', '2'], [{ parseDepth: { outbound: 1 } }, '/parseDepth/inbound'], [{ parseDepth: { outbound: 0, inbound: 2 } }, '/parseDepth/outbound', '0'],
  [{ parseDepth: { outbound: 1, inbound: 4 } }, '/parseDepth/inbound', '4'], [{ parseDepth: { outbound: 1, inbound: Number.NaN } }, '/parseDepth/inbound', 'NaN'],
  [{ parseDepth: { outbund: 1, inbound: 2 } }, '/parseDepth/outbund'],
  [{ geneveOptions: 5 }, '/geneveOptions', '5'], [{ geneveOptions: [Number.NaN] }, '/geneveOptions/0', 'NaN'], [{ geneveOptions: [1, '2'] }, '/geneveOptions/1', '"2"'],
  [{ geneveOptions: [2 ** 24] }, '/geneveOptions/0', '16777216'], [{ geneveOptions: SPARSE }, '/geneveOptions', '[undefined'],
  [{ tunnelEnds: {} }, '/tunnelEnds', '{}'], [{ tunnelEnds: [{ kind: 'vxlam' }] }, '/tunnelEnds/0/kind', '"vxlam"'], [{ tunnelEnds: [{ udpPort: Number.NaN }] }, '/tunnelEnds/0/udpPort', 'NaN'],
  [{ tunnelEnds: [{ ip: '192.0.2.1' }] }, '/tunnelEnds/0/ip', '"192.0.2.1"'], [{ tunnelEnds: [{}, { port: 4789 }] }, '/tunnelEnds/1/port'],
  [{ pending: { frames: Number.NaN } }, '/pending/frames', 'NaN'], [{ pending: { bytes: -1 } }, '/pending/bytes', '-1'], [{ pending: { timeoutUs: Number.NaN } }, '/pending/timeoutUs', 'NaN'],
  [{ pending: { misses: 0.5 } }, '/pending/misses', '0.5'], [{ pending: { keys: '1' } }, '/pending/keys', '"1"'], [{ pending: { framesPerKey: null } }, '/pending/framesPerKey', 'null'],
  [{ pending: { frame: 1 } }, '/pending/frame'], [{ pending: [] }, '/pending', '[]'],
  [{ clock: 5 }, '/clock', '5'], [{ clock: {} }, '/clock/nowUs'], [{ clock: { nowUs: 5 } }, '/clock/nowUs', '5'], [{ clock: () => 5 }, '/clock', 'the function clock'],
  [{ environment: 5 }, '/environment', '5'], [{ environment: { toVm: 5 } }, '/environment/toVm', '5'], [{ environment: { deliver: {} } }, '/environment/deliver', '{}'],
  [{ environment: { toVM: () => undefined } }, '/environment/toVM'], [{ environment: new Hooks() }, '/environment/toVm', '7'], [{ environment: { createPort: null } }, '/environment/createPort', 'null'],
  [{ resources: [] }, '/resources', '[]'], [{ resources: { directory: 5 } }, '/resources/directory', '5'], [{ resources: { 'a/b': {} } }, '/resources/a~1b/lookup'],
  [{ resources: { d: { ...directory(), watch: true } } }, '/resources/d/watch', 'true'], [{ resources: { d: cyclic } }, '/resources/d/lookup'],
  [{ mtu: 1500 }, '/mtu', '1500'], [{ mtu: { network: 67 } }, '/mtu/network', '67'], [{ mtu: { network: 65_536 } }, '/mtu/network', '65536'], [{ mtu: { network: Number.NaN } }, '/mtu/network', 'NaN'],
  [{ mtu: { network: 1500, oversize: 'shred' } }, '/mtu/oversize', '"shred"'], [{ mtu: { network: 1500, clampMss: 1 } }, '/mtu/clampMss', '1'],
  [{ mtu: { network: 1500, errors: { perSecond: -1, burst: 1 } } }, '/mtu/errors/perSecond', '-1'], [{ mtu: { network: 1500, errors: { perSecond: 1 } } }, '/mtu/errors/burst'],
  [{ mtu: { network: 1500, errors: null } }, '/mtu/errors', 'null'], [{ mtu: { network: 1500, errors: { perSecond: Number.NaN, burst: 1 } } }, '/mtu/errors/perSecond', 'NaN'],
  [{ get maxFlows(): never { return throws() } }, ''], [new Proxy({}, { ownKeys: throws }), ''], [new Proxy({}, { get: throws }), ''],
]

for (const [i, [options, path, value]] of SWITCHES.entries()) {
  test(`openSwitch: refuses wrong options ${i + 1}, at ${path}`, (t) => {
    const refused = tryOpenSwitch(options as SwitchOptions)
    if (refused._tag === 'Right' || refused.left._tag !== 'BadOptions') return t.fail(JSON.stringify(refused))
    const { left } = refused
    t.is(left.of, 'tryOpenSwitch')
    const problem = left.problems.find((p) => p.path === path)
    t.truthy(problem, JSON.stringify(left))
    t.true(`${problem?.reason} ${problem?.value}`.includes(value ?? ''), JSON.stringify(left))
    t.true((problem?.value ?? '').length <= 61)
    const thrown = t.throws(() => { openSwitch(options as SwitchOptions) }, { instanceOf: VfpError })
    t.is(thrown.cause._tag, 'BadOptions')
  })
}

test('openSwitch: tells all that is wrong at once, and did you mean', (t) => {
  const refused = tryOpenSwitch({ maxFlow: 1, hashSeed: 'x', environment: { toVM: 1 } } as never)
  t.deepEqual(refused._tag === 'Left' && refused.left._tag === 'BadOptions' ? refused.left.problems.map((p) => `${p.path} ${/did you mean "(\w+)"/.exec(p.reason)?.[1] ?? ''}`) : [], ['/environment/toVM toVm', '/hashSeed ', '/maxFlow maxFlows'])
})

test('openSwitch: is not changed by whoever keeps the options', (t) => {
  const options = { parseDepth: { outbound: 1, inbound: 2 }, mtu: { network: 1500 } } as const
  const host = openSwitch(options)
  Object.assign(options.mtu, { network: Number.NaN })
  t.is(host.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' })._tag, 'Right')
  for (const good of [{}, { hashSeed: -1 }, { maxFlows: 0 }, { flowIdleUs: Infinity }, { maxConnections: undefined }, { environment: new (class { toVm(): void { /* a method */ } })() }]) {
    t.is(tryOpenSwitch(good as SwitchOptions)._tag, 'Right', JSON.stringify(good))
  }
})

const MAC = '00:15:5d:00:00:02'
const PORTS: readonly (readonly [unknown, string, string?])[] = [
  [undefined, ''], [null, '', 'null'], ['vm-2', '', '"vm-2"'], [{}, '/mac'], [{ mac: MAC }, '/name'], [{ name: 'a' }, '/mac'], [{ name: '', mac: MAC }, '/name', '""'],
  [{ name: 'network', mac: MAC }, '/name', '"network"'], [{ name: 7, mac: MAC }, '/name', '7'], [{ name: 'a', mac: 'x' }, '/mac', '"x"'], [{ name: 'a', mac: 7 }, '/mac', '7'],
  [{ name: 'a', mac: '01:00:5e:00:00:01' }, '/mac', '01:00:5e'], [{ name: 'a', mac: MAC, vni: Number.NaN }, '/vni', 'NaN'], [{ name: 'a', mac: MAC, vni: '5' }, '/vni', '"5"'],
  [{ name: 'a', mac: MAC, vni: 2 ** 24 }, '/vni', '16777216'], [{ name: 'a', mac: MAC, vni: null }, '/vni', 'null'], [{ name: 'a', mac: MAC, ip: '10.0.0.1' }, '/ip', '"10.0.0.1"'],
  [{ name: 'a', mac: MAC, ip: ['10.0.0.1', '10.0.0.256'] }, '/ip/1', '"10.0.0.256"'], [{ name: 'a', mac: MAC, ip: [7] }, '/ip/0', '7'], [{ name: 'a', mac: MAC, ip: new Array(3) }, '/ip', '[undefined'],
  [{ name: 'a', mac: MAC, ips: [] }, '/ips'], [{ name: 'a', mac: MAC, mtu: { network: 1 } }, '/mtu/network', '1'], [{ name: 'a', mac: MAC, mtu: {}, vnis: 1 }, '/vnis'],
  [{ name: 'a', get mac(): never { return throws() } }, ''],
]

for (const [i, [spec, path, value]] of PORTS.entries()) {
  test(`addPort: refuses wrong port ${i + 1}, at ${path}, and has no port more`, (t) => {
    let created = 0
    const host = openSwitch({ environment: { createPort: () => { created++; return { _tag: 'Right', right: undefined } } } })
    const refused = host.addPort(spec as PortSpec)
    if (refused._tag === 'Right' || refused.left._tag !== 'BadPort') return t.fail(JSON.stringify(refused))
    const problem = refused.left.problems.find((p) => p.path === path)
    t.true(problem !== undefined && `${problem.reason} ${problem.value}`.includes(value ?? ''), JSON.stringify(refused.left))
    t.true(refused.left.path === refused.left.problems[0]?.path)
    t.is(created, 0)
    t.deepEqual(host.ports(), [])
  })
}

const any = rulesLayer('any', [allow])
const PLACES: readonly (readonly [unknown, unknown, string, string?])[] = [
  [any, undefined, ''], [any, {}, '', '{}'], [any, 5, '', '5'], [any, { order: Number.NaN }, '/order', 'NaN'], [any, { order: Infinity }, '/order', 'Infinity'], [any, { order: 0.5 }, '/order', '0.5'],
  [any, { order: '1' }, '/order', '"1"'], [any, { order: 2 ** 31 }, '/order', '2147483648'], [any, { oder: 1 }, '/oder'], [any, { before: 7 }, '/before', '7'], [any, { after: '' }, '/after', '""'],
  [any, { order: 1, before: 'x' }, '', '{"order"'], [any, { order: 1, name: 7 }, '/name', '7'], [any, { order: 1, name: '' }, '/name', '""'], [undefined, { order: 1 }, ''], [{}, { order: 1 }, '', '{}'],
  [{ name: 'x' }, { order: 1 }, '', '{"name"'],
]

for (const [i, [type, place, path, value]] of PLACES.entries()) {
  test(`addLayer: refuses wrong layer ${i + 1}, at ${path}, and the port is as it was`, (t) => {
    const port = onePort()
    const before = observed(port)
    const refused = (port.addLayer as (type: unknown, place: unknown) => ReturnType<Port['addLayer']>)(type, place)
    if (refused._tag === 'Right' || refused.left._tag !== 'BadOptions') return t.fail(JSON.stringify(refused))
    t.is(refused.left.of, 'addLayer')
    const problem = refused.left.problems.find((p) => p.path === path)
    t.true(problem !== undefined && `${problem.reason} ${problem.value}`.includes(value ?? ''), JSON.stringify(refused.left))
    t.deepEqual(observed(port), before)
  })
}

test('process, explain, fromVm and fromNetwork: refuse what is no frame or no direction, and count nothing', (t) => {
  const host = openSwitch()
  const added = host.addPort({ name: 'vm-1', mac: MAC })
  if (added._tag === 'Left') return t.fail()
  const port = added.right
  const before = [observed(port), host.drops()]
  for (const wrong of [undefined, null, 'x', 7, [], [1, 2], {}, new ArrayBuffer(64), new Uint16Array(64), new DataView(new ArrayBuffer(64))] as never[]) {
    for (const call of [() => port.process('outbound', wrong), () => port.explain('inbound', wrong), () => host.fromVm('vm-1', wrong), () => host.fromNetwork(wrong)]) {
      const thrown = t.throws(call, { instanceOf: VfpError })
      t.like(thrown.cause, { _tag: 'BadOptions', problems: [{ path: '/frame', reason: 'expected a Uint8Array' }] })
    }
  }
  for (const wrong of [undefined, 'in', 7, null] as never[]) {
    for (const call of [() => port.process(wrong, frame()), () => port.explain(wrong, frame())]) t.like(t.throws(call, { instanceOf: VfpError }).cause, { problems: [{ path: '/direction' }] })
  }
  t.deepEqual([observed(port), host.drops()], before)
  const bytes = frame()
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] })
  for (const call of [() => port.process('outbound', bytes), () => host.fromNetwork(bytes)]) t.like(t.throws(call, { instanceOf: VfpError }).cause, { problems: [{ path: '/frame' }] })
})

test('batches: refuse arrays of other types and counts that are none, and touch nothing', (t) => {
  const port = onePort()
  const before = observed(port)
  const good: Batch = { bytes: new Uint8Array(64), start: new Uint32Array(1), length: new Uint32Array(1), verdict: new Uint8Array(1).fill(9), reason: new Uint16Array(1), count: 1 }
  for (const [change, path] of [
    [{ count: Number.NaN }, '/count'], [{ count: -1 }, '/count'], [{ count: '1' }, '/count'], [{ bytes: [] }, '/bytes'], [{ start: [0] }, '/start'], [{ length: new Uint8Array(1) }, '/length'],
    [{ verdict: undefined }, '/verdict'], [{ reason: new Uint8Array(1) }, '/reason'], [{ offload: [0] }, '/offload'],
  ] as const) {
    const thrown = t.throws(() => { port.processBatch('outbound', { ...good, ...change } as Batch, () => undefined) }, { instanceOf: VfpError })
    t.like(thrown.cause, { _tag: 'BadOptions', of: 'batch', problems: [{ path }] })
  }
  t.throws(() => { port.processBatch('outbound', { ...good, count: 2 }, () => undefined) }, { instanceOf: RangeError })
  t.deepEqual(observed(port), before)
  t.is(good.verdict[0], 9)
})

test('defineLayer and defineRuleType: refuse what is no definition', (t) => {
  const { codec, groups } = any
  for (const [spec, path] of [
    [undefined, ''], [{}, '/name'], [{ name: '', codec, groups }, '/name'], [{ name: 'x', codec: {}, groups }, '/codec'], [{ name: 'x', codec, groups: [] }, '/groups'],
    [{ name: 'x', codec, groups, chek: groups }, '/chek'], [{ name: 'x', codec, groups, check: 1 }, '/check'],
  ] as const) {
    const { cause } = t.throws(() => { (defineLayer as (spec: unknown) => void)(spec) }, { instanceOf: VfpError })
    t.true('problems' in cause && JSON.stringify(cause.problems).includes(`"path":"${path}"`), JSON.stringify(cause))
  }
  const { config, decide } = allow
  for (const [spec, path] of [
    [undefined, ''], [{ name: 7, config, decide }, '/name'], [{ name: 'x', decide }, '/config'], [{ name: 'x', config }, '/decide'], [{ name: 'x', config, decide, inti: decide }, '/inti'],
  ] as const) {
    const { cause } = t.throws(() => { (defineRuleType as (spec: unknown) => void)(spec) }, { instanceOf: VfpError })
    t.true('problems' in cause && JSON.stringify(cause.problems).includes(`"path":"${path}"`), JSON.stringify(cause))
  }
})
