/** How many packets wait, for how long, and for how many keys. */
import test from 'ava'
import * as t from 'io-ts'
import { type AnyRuleType, defineRuleType, type FlowContext, openSwitch, orThrow, pend, proceed, type Resource, rulesLayer } from '../../src/index.js'
import { lateResource } from '../../src/testing/late-resource.js'
import { manualClock } from '../../src/clock.js'
import { macOf, tell } from './support.js'
import { lookingUp, pendingBench, to, truth } from './pending-support.js'

test('pending: more than may wait for a key or on a port is dropped, counted', (c) => {
  for (const [pending, fits] of [[{ framesPerKey: 2 }, 2], [{ frames: 3 }, 3], [{ bytes: 4 * to(80).length + 1 }, 4], [{ framesPerKey: 0 }, 0]] as const) {
    const { port } = pendingBench({ pending })
    const ends = [1, 2, 3, 1, 2].map((srcPort) => tell(port.process('outbound', to(80, { srcPort }))))
    c.deepEqual(ends, ends.map((_, i) => (i < fits ? 'waits for places 80' : 'PendingOverflow')))
    c.deepEqual(port.counters().drops, { PendingOverflow: 5 - fits })
    c.is(port.counters().pending.waiting, fits)
  }
})

test('pending: more keys than may be in question are not asked for; what would wait is dropped, what need not goes on', (c) => {
  const { port, places, layer } = pendingBench({ pending: { keys: 1 } })
  port.process('outbound', to(80))
  c.is(tell(port.process('outbound', to(82))), 'PendingOverflow')
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'gateway' }] }] }))
  const passes = (): string => tell(port.process('outbound', to(84)))
  c.is(passes(), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:84')
  passes()
  c.deepEqual([places.requests(), port.counters().fast], [['80'], 1])
  places.answer(80)
  passes()
  c.deepEqual(places.requests(), ['80', '84'], 'as soon as there is room')
})

test('pending: a packet waits to the microsecond as long as it may, and its key is asked for again while others wait', (c) => {
  const { port, places, told, clock } = pendingBench({ late: { neverPercent: 100 }, pending: { timeoutUs: 1000 } })
  port.process('outbound', to(80))
  clock.advanceUs(600)
  port.process('outbound', to(80, { srcPort: 2000 }))
  clock.advanceUs(399)
  port.settle()
  c.deepEqual([port.counters().pending.waiting, port.counters().drops], [2, {}])
  clock.advanceUs(1)
  port.settle()
  c.deepEqual([port.counters().pending, port.counters().drops], [{ waiting: 1, waitingBytes: to(80).length, keys: 1, asked: 2, released: 0, timedOut: 1 }, { PendingTimeout: 1 }])
  c.deepEqual([places.requests(), told().length], [['80', '80'], 2])
  clock.advanceUs(600)
  places.answer(80)
  c.deepEqual([told(), port.counters().drops], [[], { PendingTimeout: 2 }], 'an answer at the last instant is too late')
  c.is(port.counters().pending.keys, 0)
})

test('pending: also a packet that comes has those before it dropped whose time is over, and waits for itself', (c) => {
  const { port, clock } = pendingBench({ late: { neverPercent: 100 }, pending: { timeoutUs: 1000 } })
  port.process('outbound', to(80))
  clock.advanceUs(1000)
  port.process('outbound', to(80))
  c.deepEqual([port.counters().pending.waiting, port.counters().drops], [1, { PendingTimeout: 1 }])
})

test('pending: those that are over make room for others of their key', (c) => {
  const { port, clock } = pendingBench({ late: { neverPercent: 100 }, pending: { timeoutUs: 1000, framesPerKey: 2 } })
  const send = (srcPort: number): string => port.process('outbound', to(80, { srcPort })).outcome._tag
  send(1)
  clock.advanceUs(600)
  c.deepEqual([send(2), send(3)], ['Pending', 'Dropped'])
  clock.advanceUs(400)
  c.deepEqual([send(3), send(4)], ['Pending', 'Dropped'])
})

test('pending: a packet that misses one key after the other waits for each, a bounded number of times', (c) => {
  for (const misses of [2, 3]) {
    const chain = (places: Parameters<typeof lookingUp>[1]): AnyRuleType => defineRuleType({
      name: 'chain', config: t.unknown,
      decide: (_, flow: FlowContext) => ([80, 82, 84].every((key) => flow.ask(places, key)._tag === 'Found') ? proceed() : pend()),
    })
    const clock = manualClock()
    const places = lateResource('places', truth, clock, { seed: 1 })
    const left: number[] = []
    const host = openSwitch({ clock, pending: { misses }, environment: { released: (_p, _to, _why, f) => { left.push(f.length) } } })
    const port = orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
    orThrow(orThrow(port.addLayer(rulesLayer('late', [chain(places)]), { order: 1 })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'chain' }] }] }))
    port.process('outbound', to(80))
    port.process('outbound', to(80, { bytes: 9 }))
    places.answer(80)
    c.deepEqual([places.requests(), port.counters().pending.waiting], [['80', '82'], 2])
    places.answer(82)
    places.answer(84)
    c.deepEqual(places.requests(), ['80', '82', '84'])
    // The one behind has missed nothing while it only stood there.
    const lengths = [to(80).length, to(80, { bytes: 9 }).length]
    c.deepEqual<unknown, unknown>([left, port.counters().drops], misses === 2 ? [lengths.slice(1), { PendingLoops: 1 }] : [lengths, {}])
  }
})

test('pending: a packet whose key shares its cell with another goes on waiting when that is answered, and has missed no other key', (c) => {
  const known = new Set<number>()
  const cell = { version: 0 }
  const shared: Resource<number, number> = {
    name: 'shared',
    lookup: (key) => (known.has(key) ? { _tag: 'Found', value: 7, cell: { version: 0 } } : { _tag: 'Unknown', cell }),
  }
  const { port, told, layer } = pendingBench({ more: [lookingUp('shared', shared)], pending: { misses: 1 } }, [{ do: 'shared' }])
  c.is(layer.rules()[0]?.walks, 0)
  port.process('outbound', to(80))
  port.process('outbound', to(82))
  told()
  known.add(82)
  cell.version++
  c.is(port.settle(), 1)
  c.deepEqual([told(), port.counters().pending.waiting, layer.rules()[0]?.walks], [['released vm-1 to network: tcp 10.0.0.1:7 > 10.0.0.2:82'], 1, 3])
  known.add(80)
  cell.version++
  c.is(port.settle(), 1)
})

test('pending: those of a port that is disconnected or removed are dropped, counted, and nobody is asked or watched any more', (c) => {
  for (const end of ['disconnect', 'remove'] as const) {
    const { port, places, told } = pendingBench()
    port.process('outbound', to(80))
    port.process('outbound', to(80))
    c.is(places.watchers(), 1)
    orThrow(port[end]())
    c.deepEqual([port.counters().drops, port.counters().pending.waiting, port.counters().pending.keys, places.watchers()], [{ PortDisconnected: 2 }, 0, 0, 0])
    told()
    places.answer(80)
    c.deepEqual(told(), [])
  }
})
