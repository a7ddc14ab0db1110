import test from 'ava'
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { directory, type Environment, openSwitch, orThrow, type PortError, type PortSpec } from '../../src/index.js'
import { defineLayer } from '../../src/policy/layer.js'
import { builtIn, ELSEWHERE, frame, groupOf, hostOf, macOf, onePort, show, tell } from './support.js'
import * as t from 'io-ts'

/** An environment that writes down what it is told and refuses when it is asked to. */
const watching = (refuse: { create?: string; connect?: string } = {}) => {
  const log: string[] = []
  const answer = (what: 'create' | 'connect', name: string): Either<string, void> => {
    log.push(`${what} ${name}`)
    const why = refuse[what]
    return why === undefined ? right(undefined) : left(why)
  }
  const environment: Environment = {
    createPort: (p) => answer('create', p.name),
    connectPort: (p) => answer('connect', p.name),
    disconnectPort: (p) => { log.push(`disconnect ${p.name}`) },
    deletePort: (p) => { log.push(`delete ${p.name}`) },
    toVm: (p, bytes) => { log.push(`${p.name} < ${show(bytes)}`) },
    toNetwork: (bytes) => { log.push(`network < ${show(bytes)}`) },
  }
  return { environment, refuse, told: (): readonly string[] => log.splice(0) }
}

const refused = (error: PortError) => ({ _tag: 'Left', left: error })

test('addPort: creates and connects, and tells the environment in that order', (c) => {
  const { environment, told } = watching()
  const host = openSwitch({ environment })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: macOf(1), ip: ['10.0.0.1', 'fd00::1'] }))
  c.deepEqual(told(), ['create vm-1', 'connect vm-1'])
  c.is(port.state(), 'connected')
  c.is(port.generation(), 0)
  c.deepEqual([port.identity.name, port.identity.mac, port.identity.ips.length], ['vm-1', 0x00155d000001, 2])
  c.is(host.port('vm-1'), port)
  c.deepEqual(host.ports(), [port])
})

test('addPort: an environment that refuses to create leaves nothing behind', (c) => {
  const { environment, told, refuse } = watching({ create: 'no slots' })
  const host = openSwitch({ environment })
  c.deepEqual(host.addPort({ name: 'vm-1', mac: macOf(1) }), refused({ _tag: 'EnvironmentRefused', port: 'vm-1', reason: 'no slots' }))
  c.deepEqual(told(), ['create vm-1'])
  c.deepEqual([host.ports(), host.port('vm-1')], [[], undefined])
  delete refuse.create
  orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
})

test('addPort: an environment that refuses to connect is told to delete again, and nothing is left behind', (c) => {
  const { environment, told, refuse } = watching({ connect: 'no carrier' })
  const host = openSwitch({ environment })
  c.deepEqual(host.addPort({ name: 'vm-1', mac: macOf(1) }), refused({ _tag: 'EnvironmentRefused', port: 'vm-1', reason: 'no carrier' }))
  c.deepEqual(told(), ['create vm-1', 'connect vm-1', 'delete vm-1'])
  c.deepEqual([host.ports(), host.fromNetwork(frame({ toMac: macOf(1) }))], [[], { _tag: 'Dropped', reason: 'NoPortForMac' }])
  delete refuse.connect
  orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
})

test('addPort: refuses a description that makes no sense, with the path of what is wrong', (c) => {
  const host = openSwitch()
  const cases: readonly (readonly [Partial<PortSpec>, string])[] = [
    [{ name: '' }, '/name'], [{ name: 'vm' }, '/name'], [{ name: 'network' }, '/name'], [{ mac: 'x' }, '/mac'], [{ mac: '01:00:5e:00:00:01' }, '/mac'],
    [{ mac: 'ff:ff:ff:ff:ff:ff' }, '/mac'], [{ ip: ['10.0.0.1', '10.0.0.256'] }, '/ip/1'], [{ vni: -1 }, '/vni'], [{ vni: 0x100_0000 }, '/vni'], [{ vni: 1.5 }, '/vni'],
  ]
  for (const [spec, path] of cases) {
    const answer = host.addPort({ name: 'p', mac: macOf(1), ...spec })
    if (answer._tag === 'Right' || answer.left._tag !== 'BadPort') c.fail(JSON.stringify(spec))
    else {
      c.is(answer.left.path, path)
      c.true(answer.left.reason.length > 0)
    }
  }
  c.deepEqual(host.ports(), [])
})

test('addPort: refuses a name or a MAC that is taken, and allows one MAC in several virtual networks', (c) => {
  const { host } = hostOf(1, {}, () => ({ vni: 1 }))
  c.deepEqual(host.addPort({ name: 'vm-1', mac: macOf(2) }), refused({ _tag: 'NameTaken', port: 'vm-1' }))
  c.deepEqual(host.addPort({ name: 'b', mac: macOf(1), vni: 1 }), refused({ _tag: 'MacTaken', mac: macOf(1), port: 'vm-1' }))
  c.deepEqual(host.addPort({ name: 'b', mac: macOf(1) }), refused({ _tag: 'MacTaken', mac: macOf(1), port: 'vm-1' }))
  orThrow(host.addPort({ name: 'b', mac: macOf(1), vni: 2 }))
  c.deepEqual(host.ports().map((p) => p.identity.name), ['vm-1', 'b'])
})

test('remove: frees name and MAC, tells the environment, and is final', (c) => {
  const { environment, told } = watching()
  const { host, ports } = hostOf(2, { environment })
  told()
  const port = ports[0]!
  orThrow(port.remove())
  c.deepEqual(told(), ['disconnect vm-1', 'delete vm-1'])
  c.is(port.state(), 'deleted')
  c.deepEqual(host.ports(), [ports[1]])
  const gone = refused({ _tag: 'PortGone', port: 'vm-1' })
  for (const call of [port.remove, port.connect, port.disconnect]) c.deepEqual(call(), gone)
  c.deepEqual(port.process('outbound', frame()).outcome, { _tag: 'Dropped', reason: 'PortDisconnected' })
  c.deepEqual(host.fromVm('vm-1', frame()), { _tag: 'Dropped', reason: 'NoSuchPort' })
  c.deepEqual(host.drops(), { NoSuchPort: 1 })
  orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
  c.deepEqual(told(), ['create vm-1', 'connect vm-1'])
})

test('remove: a port that was disconnected is only deleted', (c) => {
  const { environment, told } = watching()
  const port = hostOf(1, { environment }).ports[0]!
  orThrow(port.disconnect())
  told()
  orThrow(port.remove())
  c.deepEqual(told(), ['delete vm-1'])
})

test('disconnect: stops traffic and keeps policy, flows and counters; connect lets it on', (c) => {
  const { environment, told, refuse } = watching()
  const { host, ports } = hostOf(1, { environment })
  const port = ports[0]!
  orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [{ do: 'nat', with: { srcIp: '198.51.100.1' }, stateful: true }])] }))
  host.fromVm('vm-1', frame())
  told()
  const kept = () => [port.layers(), port.rules(), port.flows(), port.counters().connections, port.generation()]
  const before = kept()
  orThrow(port.disconnect())
  orThrow(port.disconnect())
  c.deepEqual(told(), ['disconnect vm-1'])
  c.is(port.state(), 'created')
  c.deepEqual(host.fromVm('vm-1', frame()), { _tag: 'Dropped', reason: 'PortDisconnected' })
  c.deepEqual(host.fromNetwork(frame({ toMac: macOf(1) })), { _tag: 'Dropped', reason: 'PortDisconnected' })
  c.is(port.explain('outbound', frame()).verdict, 'drop PortDisconnected')
  c.deepEqual(port.counters().drops, { PortDisconnected: 2 })
  c.deepEqual(kept(), before)
  c.deepEqual(told(), [])
  refuse.connect = 'not now'
  c.deepEqual(port.connect(), refused({ _tag: 'EnvironmentRefused', port: 'vm-1', reason: 'not now' }))
  c.is(port.state(), 'created')
  delete refuse.connect
  orThrow(port.connect())
  orThrow(port.connect())
  c.deepEqual(told(), ['connect vm-1', 'connect vm-1'])
  c.is(tell(port.process('outbound', frame())), 'passed; network: tcp 198.51.100.1:1000 > 10.0.0.2:80')
  c.is(port.counters().fast, 1)
})

test('addPort: policy may be programmed while a port is disconnected', (c) => {
  const port = onePort()
  orThrow(port.disconnect())
  orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [{ do: 'block' }])] }))
  orThrow(port.connect())
  c.is(tell(port.process('outbound', frame())), 'Denied')
})

test('fromVm: a frame for a MAC that no port has goes to the network', (c) => {
  const { environment, told } = watching()
  const { host } = hostOf(1, { environment })
  told()
  c.deepEqual(host.fromVm('vm-1', frame({ toMac: ELSEWHERE })), { _tag: 'Passed' })
  c.deepEqual(told(), ['network < tcp 10.0.0.1:1000 > 10.0.0.2:80'])
})

test('mirror: a copy is handed to the other port\'s VM as it is, and not while that is disconnected', (c) => {
  const { environment, told } = watching()
  const { host, ports } = hostOf(2, { environment })
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [{ do: 'mirror', with: { port: 'vm-2' } }])] }))
  orThrow(orThrow(ports[1]!.addLayer(builtIn, { order: 1 })).updateJson({ inbound: [groupOf('g', [{ do: 'block' }])] }))
  told()
  host.fromVm('vm-1', frame())
  const flow = 'tcp 10.0.0.1:1000 > 10.0.0.2:80'
  c.deepEqual(told(), [`vm-2 < ${flow}`, `network < ${flow}`])
  orThrow(ports[1]!.disconnect())
  told()
  host.fromVm('vm-1', frame())
  c.deepEqual(told(), [`network < ${flow}`])
  c.deepEqual(host.drops(), { PortDisconnected: 1 })
  orThrow(ports[1]!.remove())
  told()
  host.fromVm('vm-1', frame())
  c.deepEqual(told(), [`network < ${flow}`])
  c.deepEqual(host.drops(), { PortDisconnected: 1, NoSuchPort: 1 })
})

test('resources: a layer type finds those the switch was opened with, by name', (c) => {
  const places = directory('places')
  const seen: unknown[] = []
  const curious = defineLayer({ name: 'curious', codec: t.string, groups: (name, { resource }) => {
    seen.push(resource(name))
    return []
  } })
  const layer = orThrow(onePort({ resources: { places } }).addLayer(curious, { order: 1 }))
  orThrow(layer.updateJson('places'))
  orThrow(layer.updateJson('toString'))
  c.deepEqual(seen, [places, undefined])
})

test('switches: two of them share nothing', (c) => {
  const [a, b] = [hostOf(1), hostOf(1)]
  orThrow(orThrow(a.ports[0]!.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [{ do: 'block' }])] }))
  c.is(tell(a.ports[0]!.process('outbound', frame())), 'Denied')
  c.is(tell(b.ports[0]!.process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80')
  c.deepEqual(b.ports[0]!.counters().drops, {})
})
