/** A host over memory pairs: what a change of configuration does to frames that pass. */
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { buildFrame, orThrow } from '@vfp-ts/core'
import { memoryPair } from '@vfp-ts/adapters/memory'
import { type Nic, SendCode } from '@vfp-ts/adapters/nic'
import * as E from 'fp-ts/lib/Either.js'
import type { Config } from '../../host-switch/config.js'
import { type HostSwitch, openHostSwitch } from '../../host-switch/host-switch.js'
import type { Openers } from '../../host-switch/nics.js'
import { decodeConfig } from '../../host-switch/config.js'
import { damaged, type Json } from './a-config.js'

const MACS = { a: '02:00:0a:00:00:04', b: '02:00:0a:00:00:05' }

/** Two VMs of one network on one host. */
const twoVms = (): Json => ({
  name: 'host',
  ports: {
    a: { mac: MACS.a, ip: ['10.0.0.4'], vni: 5001, nic: { tap: { interface: 'a' } }, layers: [{ layer: 'guard' }] },
    b: { mac: MACS.b, ip: ['10.0.0.5'], vni: 5001, nic: { tap: { interface: 'b' } }, layers: [{ layer: 'acl', policy: { otherwise: 'allow' } }] },
  },
})

const changed = (path: string, value: unknown): Config =>
  orThrow(E.mapLeft((problems: readonly object[]) => ({ _tag: 'Bad', problems }))(decodeConfig(damaged(path, value, twoVms()))))

/** The machine of a test: TAP devices are memory pairs, and one of the name `broken` cannot be opened. */
const machine = (): { readonly openers: Openers; readonly vms: Map<string, Nic>; readonly got: Map<string, number>; readonly closed: string[] } => {
  const vms = new Map<string, Nic>()
  const got = new Map<string, number>()
  const closed: string[] = []
  const openers: Openers = {
    port: async ({ tap }, path) => {
      const name = tap?.interface ?? ''
      if (name === 'broken') return E.left({ path, reason: 'there is no such thing' })
      const { a, b } = memoryPair({ names: [name, `vm-${name}`] })
      orThrow(b.start({ frames: (batch) => { got.set(name, (got.get(name) ?? 0) + batch.count) } }))
      vms.set(name, b)
      return E.right({ ...a, close: async () => { closed.push(name); await a.close(); await b.close() } })
    },
    uplink: async ({ interface: name = '' }) => {
      if (name === 'broken') return E.left({ path: '/underlay/interface', reason: 'there is no such thing' })
      const { a, b } = memoryPair({ names: [name, `wire-${name}`], mtu: 1600 })
      orThrow(b.start({ frames: (batch) => { got.set(name, (got.get(name) ?? 0) + batch.count) } }))
      return E.right({ nic: { ...a, close: async () => { closed.push(name); await a.close(); await b.close() } }, neighbours: () => [] })
    },
  }
  return { openers, vms, got, closed }
}

type Machine = ReturnType<typeof machine>

const frame = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp: '10.0.0.5', srcMac: MACS.a, dstMac: MACS.b, dstPort: 53 }))

/** Sends a frame from a's VM; how many b's VM has got when it is through. */
const send = async ({ vms, got }: Machine, from = 'a', to = 'b'): Promise<number> => {
  if (vms.get(from)?.send(frame, 0, frame.length) !== SendCode.Ok) throw new Error(`${from} does not take the frame`)
  // The frame is taken in one turn of the event loop, and given on in the next.
  for (let turn = 0; turn < 8; turn++) await setImmediate()
  return got.get(to) ?? 0
}

const opened = async (here: Machine, config = changed('/name', 'host')): Promise<HostSwitch> =>
  orThrow(E.mapLeft((problems: readonly object[]) => ({ _tag: 'Bad', problems }))(await openHostSwitch(config, here.openers, () => undefined)))

test('unit: frames pass between ports of one network', async (t) => {
  const here = machine()
  const host = await opened(here)
  t.is(await send(here), 1)
  const { ports, configurations } = host.status()
  t.deepEqual(ports.map(({ name, vni, layers }) => [name, vni, layers]), [['a', 5001, ['guard']], ['b', 5001, ['acl']]])
  t.deepEqual(configurations, { taken: 1, refused: 0 })
  t.deepEqual(host.status().flows.filter(({ packets }) => packets > 0).map(({ port, direction }) => [port, direction]), [['a', 'outbound'], ['b', 'inbound']])
  await host.close()
  t.deepEqual(here.closed.sort(), ['a', 'b'])
})

test('unit: another policy counts with the next frame, and nothing else is touched', async (t) => {
  const here = machine()
  const host = await opened(here)
  t.is(await send(here), 1)
  t.deepEqual(await host.change(changed('/ports/b/layers/0/policy/otherwise', 'deny')), E.right(['b: other policy']))
  t.is(await send(here), 1)
  t.is(host.status().ports[1]?.counters.drops['Denied'], 1)
  t.is(host.status().ports[0]?.counters.packets, 2, 'the other port counts on')
  t.deepEqual(here.closed, [])
  await host.close()
})

test('unit: a change that is refused changes nothing', async (t) => {
  const here = machine()
  const host = await opened(here)
  t.is(await send(here), 1)
  const before = host.status().ports.map(({ counters }) => counters)
  for (const [path, value, place] of [
    ['/ports/b/layers/0/policy/otherwise', 'maybe', '/ports/b/layers/0/policy/otherwise'],
    ['/ports/b/mac', '01:00:5e:00:00:01', '/ports/b/mac'],
    ['/name', 'other', '/name'],
    ['/ports/c', { mac: '02:00:0a:00:00:06', nic: { tap: { interface: 'broken' } } }, '/ports/c/nic'],
  ] as const) {
    const next = changed(path, value)
    // Whatever else is in a refused configuration does not come into force either.
    const done = await host.change({ ...next, ports: { ...next.ports, d: { mac: '02:00:0a:00:00:07', nic: { tap: { interface: 'd' } } } } })
    t.deepEqual(E.isLeft(done) ? done.left.map((problem) => problem.path) : [], [place])
  }
  t.deepEqual(host.status().ports.map(({ counters }) => counters), before)
  t.deepEqual(host.status().configurations, { taken: 1, refused: 4 })
  t.deepEqual(here.closed, ['d'], 'what was opened for the refused configuration is closed')
  t.is(await send(here), 2)
  await host.close()
})

test('unit: a port that is replaced keeps its NIC', async (t) => {
  const here = machine()
  const host = await opened(here)
  t.is(await send(here), 1)
  t.deepEqual(await host.change(changed('/ports/b/ip', ['10.0.0.5', '10.0.0.6'])), E.right(['b replaced']))
  t.is(await send(here), 2)
  t.is(host.status().ports.find(({ name }) => name === 'b')?.counters.packets, 1, 'it is another port')
  t.deepEqual(here.closed, [])
  await host.close()
})

test('unit: ports come and go with their NICs', async (t) => {
  const here = machine()
  const host = await opened(here)
  const alone = changed('/ports/b', undefined)
  t.deepEqual(await host.change(alone), E.right(['b removed']))
  t.deepEqual(here.closed, ['b'])
  t.is(await send(here), 0)
  t.deepEqual(await host.change(changed('/name', 'host')), E.right(['b added']))
  t.is(await send(here), 1)
  t.deepEqual(await host.change(changed('/ports/b/nic', { tap: { interface: 'b2' } })), E.right(['b: another NIC']))
  t.deepEqual(here.closed, ['b', 'b'])
  t.is(await send(here, 'a', 'b2'), 1)
  await host.close()
})

test('unit: another underlay takes the place of the old one, and one that cannot be opened does not', async (t) => {
  const here = machine()
  const on = (device: string): Config => {
    const config = changed('/ports/b', undefined)
    return { ...config, underlay: { interface: device, addresses: ['192.0.2.1/24'] } }
  }
  const host = await opened(here, on('eth0'))
  await send(here)
  t.is(here.got.get('eth0'), 1, 'what is for nobody here goes to the network')
  t.is(host.status().uplink?.name, 'eth0')
  t.deepEqual(await host.change(on('broken')), E.left([{ path: '/underlay/interface', reason: 'there is no such thing' }]))
  await send(here)
  t.is(here.got.get('eth0'), 2)
  t.deepEqual(await host.change(on('eth1')), E.right(['another underlay']))
  await send(here)
  t.deepEqual([here.got.get('eth0'), here.got.get('eth1')], [2, 1])
  t.deepEqual(here.closed, ['eth0'])
  t.deepEqual(await host.change(changed('/ports/b', undefined)), E.right(['another underlay']), 'the MTU is the underlay’s, not the ports’')
  t.is(host.status().uplink, null)
  await host.close()
})

test('unit: a host one of whose NICs cannot be opened does not open, and leaves none open', async (t) => {
  const here = machine()
  const done = await openHostSwitch(changed('/ports/b/nic', { tap: { interface: 'broken' } }), here.openers, () => undefined)
  t.deepEqual(done, E.left([{ path: '/ports/b/nic', reason: 'there is no such thing' }]))
  t.deepEqual(here.closed, ['a'])
})
