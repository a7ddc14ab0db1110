/** How packets that waited leave: in which order, to whom, through which ports, and what becomes of the others if that throws. */
import test from 'ava'
import { type Batch, openSwitch, orThrow, rulesLayer } from '../../src/index.js'
import { lateResource } from '../../src/testing/late-resource.js'
import { manualClock } from '../../src/clock.js'
import { BUILT_IN, frame, macOf, tell } from './support.js'
import { lookingUp, pendingBench, programOutbound, released, to, truth } from './pending-support.js'

test('pending: one that comes when the answer is there, but the others have not left, joins them and has them sent on', (c) => {
  const { port, places, told } = pendingBench({ late: { watchable: false } })
  port.process('outbound', to(80, { bytes: 1 }))
  told()
  places.answer(80)
  c.deepEqual([told(), port.counters().pending.waiting], [[], 1])
  c.is(port.process('outbound', to(80, { bytes: 2 })).outcome._tag, 'Pending')
  c.deepEqual([told().length, port.counters().pending.waiting], [2, 0])
})

test('pending: hairpins and mirrors happen when the packet leaves, and once', (c) => {
  const { port, places, told, ports } = pendingBench({ ports: 2 }, [])
  const types = rulesLayer('around', [...BUILT_IN])
  const add = (order: number, rule: object): void => {
    orThrow(orThrow(port.addLayer(types, { order, name: `l${order}` })).updateJson({ outbound: [{ name: 'g', rules: [rule] }] }))
  }
  add(0, { do: 'mirror', with: { port: 'vm-2' } })
  orThrow(orThrow(port.addLayer(rulesLayer('late', [lookingUp('route', places)]), { order: 2, name: 'ask' })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'route' }] }] }))
  add(3, { do: 'hairpin', with: { port: 'vm-2' } })
  c.deepEqual(port.process('outbound', to(80)).outputs, [])
  told()
  places.answer(80)
  c.deepEqual(told(), ['mirror vm-1 to vm-2: tcp 10.0.0.1:1000 > 10.0.0.2:80', 'released vm-2 to network: tcp 10.0.0.1:10080 > 10.0.0.2:80'])
  c.deepEqual(ports.map((p) => p.counters().packets), [1, 1])
})

test('pending: a packet may wait in the port it was turned to, and its turns and misses count on', (c) => {
  const bench = pendingBench({ ports: 3, pending: { misses: 2 } }, [{ do: 'route', when: { dstPort: 80 } }])
  const { port, ports, places, told } = bench
  programOutbound(bench, 0, [{ do: 'hairpin', with: { port: 'vm-2' } }])
  programOutbound(bench, 1, [{ do: 'nat', with: { dstPort: 82 } }])
  const second = (rules: readonly object[], name: string, order: number): void => {
    orThrow(orThrow(ports[1]!.addLayer(rulesLayer('late', [...BUILT_IN, lookingUp('route', places)]), { order, name })).updateJson({ outbound: [{ name: 'g', rules }] }))
  }
  second([{ do: 'route' }], 'again', 3)
  port.process('outbound', to(80))
  c.deepEqual(ports.map((p) => p.counters().pending.waiting), [1, 0, 0])
  places.answer(80)
  c.deepEqual(ports.map((p) => [p.counters().pending.waiting, p.counters().pending.released]), [[0, 1], [1, 0], [0, 0]])
  told()
  places.answer(82)
  c.deepEqual(told(), ['released vm-2 to network: tcp 10.0.0.1:10082 > 10.0.0.2:82'])
})

test('pending: misses on the way through several ports add up', (c) => {
  const bench = pendingBench({ ports: 2, pending: { misses: 1 } }, [{ do: 'route', when: { dstPort: 80 } }])
  const { port, ports, places } = bench
  programOutbound(bench, 0, [{ do: 'hairpin', with: { port: 'vm-2' } }])
  programOutbound(bench, 1, [{ do: 'nat', with: { dstPort: 82 } }])
  orThrow(orThrow(ports[1]!.addLayer(rulesLayer('late', [lookingUp('route', places)]), { order: 3, name: 'again' })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'route' }] }] }))
  port.process('outbound', to(80))
  places.answer(80)
  c.deepEqual(ports.map((p) => p.counters().drops), [{}, { PendingLoops: 1 }])
  c.deepEqual(ports.map((p) => p.counters().pending.waiting), [0, 0])
})

test('pending: without a place of their own to go to, they are bridged as the frames of fromVm are', (c) => {
  const { host, port, places, told, ports } = pendingBench({ ports: 2, bridged: true })
  c.is(host.fromVm('vm-1', to(80, { toMac: macOf(2) }))._tag, 'Pending')
  port.process('outbound', to(80, { toMac: macOf(2) }))
  told()
  places.answer(80)
  c.deepEqual(told(), ['vm-2 < tcp 10.0.0.1:10080 > 10.0.0.2:80', 'vm-2 < tcp 10.0.0.1:10080 > 10.0.0.2:80'])
  c.is(ports[1]!.counters().packets, 2)
})

test('pending: what leaves is forwarded by the rules for what never waited: not back to its own sender', (c) => {
  const { host, places, told } = pendingBench({ bridged: true })
  host.fromVm('vm-1', to(80, { toMac: macOf(1) }))
  told()
  places.answer(80)
  c.deepEqual([told(), host.drops()], [[], { OwnMac: 1 }])
})

test('pending: a batch tells of it by verdict 2, and keeps no hold of its buffer', (c) => {
  const { port, places, told } = pendingBench()
  const f = to(80)
  const bytes = new Uint8Array(400)
  bytes.set(f, 100)
  bytes.set(f, 300)
  const batch: Batch = { bytes, start: Uint32Array.of(100, 300), length: Uint32Array.of(f.length, f.length), verdict: new Uint8Array(2), reason: new Uint16Array(2).fill(9), count: 2 }
  const before = bytes.slice()
  port.processBatch('outbound', batch, () => { c.fail() })
  c.deepEqual([[...batch.verdict], [...batch.reason], [...batch.start]], [[2, 2], [0, 0], [100, 300]])
  c.deepEqual(bytes, before)
  bytes.fill(0)
  told()
  places.answer(80)
  c.deepEqual(told(), [released(80), released(80)])
})

test('pending: the later fragments of a datagram wait behind its first one', (c) => {
  const { port, places, told } = pendingBench({}, [{ do: 'route', when: { proto: 'udp' } }])
  const part = (offset: number, more: boolean): Uint8Array => frame({ proto: 'udp', dstPort: 80, bytes: 24, fragment: { offset, more, id: 5 } })
  c.is(port.process('outbound', part(0, true)).outcome._tag, 'Pending')
  c.is(port.process('outbound', part(32, false)).outcome._tag, 'Pending')
  told()
  places.answer(80)
  c.deepEqual([told().length, port.counters().drops], [2, {}])
})

test('pending: a later fragment whose first neither passed nor waits is dropped while others wait', (c) => {
  const { port } = pendingBench()
  port.process('outbound', to(80))
  c.is(tell(port.process('outbound', frame({ proto: 'udp', dstPort: 80, bytes: 24, fragment: { offset: 32, more: false, id: 6 } }))), 'FragmentWithoutFirst')
})

test('pending: a frame that is sent in while others leave stays behind those of its flow', (c) => {
  const clock = manualClock()
  const places = lateResource('places', truth, clock, { seed: 1 })
  const left: number[] = []
  const host = openSwitch({
    clock,
    environment: {
      released: (_p, _to, _why, f) => {
        left.push(f.length)
        if (left.length === 1) c.is(port.process('outbound', to(80, { bytes: 3 })).outcome._tag, 'Pending')
      },
    },
  })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
  orThrow(orThrow(port.addLayer(rulesLayer('late', [lookingUp('route', places)]), { order: 1 })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'route' }] }] }))
  for (const bytes of [1, 2]) port.process('outbound', to(80, { bytes }))
  places.answer(80)
  c.deepEqual(left, [1, 2, 3].map((bytes) => to(80, { bytes }).length))
})

test('pending: what throws where a packet is handed on loses none of those behind it', (c) => {
  const clock = manualClock()
  const places = lateResource('places', truth, clock, { seed: 1, watchable: false })
  let left = 0
  const host = openSwitch({ clock, environment: { released: () => { if (left++ === 0) throw new Error('no') } } })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
  orThrow(orThrow(port.addLayer(rulesLayer('late', [lookingUp('route', places)]), { order: 1 })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'route' }] }] }))
  for (let i = 0; i < 3; i++) port.process('outbound', to(80))
  places.answer(80)
  c.throws(() => port.settle(), { message: 'no' })
  c.is(port.counters().pending.waiting, 2)
  port.settle()
  c.deepEqual([left, port.counters().pending.waiting, port.counters().pending.keys], [3, 0, 0])
})

test('pending: a flow whose last packet something threw at does not keep those that follow waiting', (c) => {
  const clock = manualClock()
  const places = lateResource('places', truth, clock, { seed: 1, watchable: false })
  const host = openSwitch({ clock, environment: { released: () => { throw new Error('no') } } })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
  orThrow(orThrow(port.addLayer(rulesLayer('late', [lookingUp('route', places)]), { order: 1 })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'route' }] }] }))
  port.process('outbound', to(80))
  places.answer(80)
  c.throws(() => port.settle(), { message: 'no' })
  c.is(port.process('outbound', to(80)).outcome._tag, 'Passed')
})
