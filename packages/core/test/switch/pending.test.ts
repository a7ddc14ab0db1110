/** A packet whose rule asks what is not known yet: it waits, it is asked for, and it is decided by the answer. */
import test from 'ava'
import * as t from 'io-ts'
import { type AnyRuleType, defineRuleType, type FlowContext, modify, openSwitch, orThrow, pend, proceed, refuse, rulesLayer } from '../../src/index.js'
import { lateResource } from '../../src/testing/late-resource.js'
import { manualClock } from '../../src/clock.js'
import { macOf, tell } from './support.js'
import { type lookingUp, pendingBench, released, to, truth } from './pending-support.js'

test('pending: a packet whose key is not known waits, and the key is asked for once', (c) => {
  const { port, places, told } = pendingBench()
  const sent = port.process('outbound', to(80))
  c.deepEqual(sent, { outcome: { _tag: 'Pending', resource: 'places', key: '80', reason: 'waits for places 80' }, outputs: [] })
  port.process('outbound', to(80))
  port.process('outbound', to(80, { srcPort: 2000 }))
  c.deepEqual(told(), ['missed 80 of places by late of vm-1 outbound, 1 waiting'])
  c.deepEqual(places.requests(), ['80'])
  const { pending, packets, drops, slow, fast } = port.counters()
  c.deepEqual(pending, { waiting: 3, waitingBytes: 3 * to(80).length, keys: 1, asked: 1, released: 0, timedOut: 0 })
  c.deepEqual([packets, drops, slow, fast], [3, {}, 0, 0])
})

test('pending: the answer sends them on, changed by what was found, each flow in its order', (c) => {
  const { port, places, told } = pendingBench()
  for (const srcPort of [1000, 2000, 1000]) port.process('outbound', to(80, { srcPort, bytes: srcPort === 2000 ? 5 : 20 }))
  told()
  places.answer(80)
  c.deepEqual(told(), [released(80), released(80), released(80)])
  const { pending, packets, slow, fast } = port.counters()
  c.deepEqual(pending, { waiting: 0, waitingBytes: 0, keys: 0, asked: 1, released: 3, timedOut: 0 })
  c.deepEqual([packets, slow, fast], [3, 2, 1])
  c.deepEqual(port.rules().map((r) => r.packets), [3])
  c.is(port.process('outbound', to(80)).outcome._tag, 'Passed')
})

test('pending: an answer that there is nothing lets the rule decide what that means', (c) => {
  const { port, places, told } = pendingBench()
  port.process('outbound', to(81))
  told()
  places.answer(81)
  c.deepEqual(told(), [])
  c.deepEqual(port.counters().drops, { NoRoute: 1 })
  c.is(port.counters().pending.waiting, 0)
})

test('pending: a rule that took "not known" for "not there" and let the packet through is not taken at its word', (c) => {
  const careless = (places: Parameters<typeof lookingUp>[1]): AnyRuleType =>
    defineRuleType({ name: 'careless', config: t.unknown, decide: (_, flow: FlowContext) => proceed(flow.lookup(places, 80)._tag === 'None' ? undefined : modify({ dscp: 3 })) })
  const clock = manualClock()
  const places = lateResource('places', truth, clock, { seed: 1 })
  const port = orThrow(openSwitch({ clock }).addPort({ name: 'vm-1', mac: macOf(1) }))
  orThrow(orThrow(port.addLayer(rulesLayer('late', [careless(places)]), { order: 1 })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'careless' }] }] }))
  c.is(port.process('outbound', to(80)).outcome._tag, 'Pending')
})

test('pending: a rule may wait of its own accord, but not for nothing', (c) => {
  const idle = defineRuleType({ name: 'idle', config: t.unknown, decide: () => pend() })
  const { port, places, told, layer } = pendingBench({ more: [idle] }, [{ do: 'wait' }])
  c.is(port.process('outbound', to(80)).outcome._tag, 'Pending')
  places.answer(80)
  c.is(told().at(-1), 'released vm-1 to network: tcp 10.0.0.1:1000 > 10.0.0.2:80')
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'idle' }] }] }))
  c.is(tell(port.process('outbound', to(80))), 'PendingForNothing')
})

test('pending: the policy of then decides, not that of when the packet came', (c) => {
  const { port, places, told, layer } = pendingBench()
  port.process('outbound', to(80))
  port.process('outbound', to(82))
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'block', when: { dstPort: 82 } }, { do: 'nat', with: { dscp: 7 } }] }] }))
  told()
  places.answer(80)
  places.answer(82)
  c.deepEqual([told(), port.counters().drops], [['released vm-1 to network: tcp 10.0.0.1:1000 > 10.0.0.2:80'], { Denied: 1 }])
})

test('refuse: a rule that drops for another reason after a key was unknown waits too', (c) => {
  const stern = (places: Parameters<typeof lookingUp>[1]): AnyRuleType =>
    defineRuleType({ name: 'stern', config: t.unknown, decide: (_, flow: FlowContext) => { flow.lookup(places, 80); return refuse('Other') } })
  const clock = manualClock()
  const places = lateResource('places', truth, clock, { seed: 1 })
  const port = orThrow(openSwitch({ clock }).addPort({ name: 'vm-1', mac: macOf(1) }))
  orThrow(orThrow(port.addLayer(rulesLayer('late', [stern(places)]), { order: 1 })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'stern' }] }] }))
  c.is(port.process('outbound', to(80)).outcome._tag, 'Pending')
  places.answer(80)
  c.deepEqual(port.counters().drops, { Other: 1 })
})

test('pending: an answer given twice, or not asked for, does no harm', (c) => {
  const { port, places, told } = pendingBench()
  places.answer(82)
  port.process('outbound', to(80))
  told()
  places.answer(80)
  places.answer(80)
  c.deepEqual(told(), [released(80)])
  c.is(tell(port.process('outbound', to(82))), 'passed; network: tcp 10.0.0.1:10082 > 10.0.0.2:82')
})

test('pending: an answer that comes within the request is taken after the packet', (c) => {
  const { port, places, told } = pendingBench({ late: { maxDelayUs: 0 } })
  const request = places.request!
  Object.assign(places, { request: (key: number) => { request(key); places.deliver() } })
  c.is(port.process('outbound', to(80)).outcome._tag, 'Pending')
  c.deepEqual(told(), ['missed 80 of places by late of vm-1 outbound, 1 waiting', released(80)])
})

test('pending: without anybody watching, settle sends them on and says how many', (c) => {
  const { port, host, places, told } = pendingBench({ late: { watchable: false } })
  for (const dstPort of [80, 82, 84, 81]) port.process('outbound', to(dstPort))
  told()
  for (const key of [82, 80]) places.answer(key)
  c.is(port.settle(), 2)
  c.deepEqual(told(), [released(80), released(82)])
  places.answer(84)
  places.answer(81)
  c.is(host.settle(), 1)
  c.is(host.settle(), 0)
})

test('pending: a resource is watched only while keys of it are in question', (c) => {
  const { port, places } = pendingBench()
  c.is(places.watchers(), 0)
  port.process('outbound', to(80))
  port.process('outbound', to(82))
  places.answer(80)
  c.is(places.watchers(), 1)
  places.answer(82)
  c.is(places.watchers(), 0)
})

test('pending: a default way is taken until the answer comes, cached, and asked about once', (c) => {
  const { port, places, told, layer } = pendingBench({}, [{ do: 'gateway' }])
  const sourcePort = (): string => tell(port.process('outbound', to(80)))
  c.is(sourcePort(), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80')
  c.deepEqual(told(), ['missed 80 of places by late of vm-1 outbound, 0 waiting'])
  sourcePort()
  c.deepEqual([port.counters().fast, places.requests()], [1, ['80']])
  const generation = port.generation()
  places.answer(80)
  c.is(sourcePort(), 'passed; network: tcp 10.0.0.1:10080 > 10.0.0.2:80')
  c.deepEqual([port.generation(), layer.rules()[0]?.walks, port.counters().pending.keys], [generation, 2, 0])
  c.deepEqual(told(), [])
})

test('pending: a default way whose answer got lost is asked about again when patience is over, if a packet still takes it', (c) => {
  const { port, places, told, clock } = pendingBench({ late: { neverPercent: 100 }, pending: { timeoutUs: 500 } }, [{ do: 'gateway' }])
  port.process('outbound', to(80))
  clock.advanceUs(499)
  port.expire()
  port.process('outbound', to(80))
  c.is(places.requests().length, 1)
  clock.advanceUs(1)
  port.expire()
  c.deepEqual([places.requests().length, port.counters().pending.keys], [1, 0])
  port.process('outbound', to(80))
  c.is(places.requests().length, 2)
  c.is(told().length, 2)
})

test('pending: a connection whose rule does not know its key any more is kept, asked about, and judged when the answer comes', (c) => {
  const { port, places, told } = pendingBench({}, [{ do: 'route', stateful: true }])
  places.answer(80)
  const passes = (): string => tell(port.process('outbound', to(80)))
  c.is(passes(), 'passed; network: tcp 10.0.0.1:10080 > 10.0.0.2:80')
  places.forget(80)
  told()
  c.is(passes(), 'passed; network: tcp 10.0.0.1:10080 > 10.0.0.2:80')
  c.deepEqual(told(), ['missed 80 of places by late of vm-1 outbound, 0 waiting'])
  c.is(port.counters().connections['late'], 1)
  places.answer(80)
  passes()
  c.deepEqual([port.counters().connections['late'], port.counters().pending.keys], [1, 0])
})

test('pending: nothing is asked for the sake of a reverse flow that has not come', (c) => {
  const { port, layer, places } = pendingBench()
  orThrow(layer.updateJson({ inbound: [{ name: 'g', rules: [{ do: 'allow' }] }], outbound: [{ name: 'g', rules: [{ do: 'gateway' }] }] }))
  c.is(port.process('inbound', to(80)).outcome._tag, 'Passed')
  c.deepEqual([places.requests(), port.counters().flows], [[], 1])
})

test('explain: shows which resource and key a packet would wait for, and asks nobody', (c) => {
  const { port, places, told } = pendingBench()
  const said = port.explain('outbound', to(80))
  c.deepEqual([said.verdict, said.unknown, said.after, said.cacheable], ['pending on places 80', ['places 80'], 'nothing yet', false])
  c.regex(String(said), /result: pending on places 80\n.*\n.*leaves as: nothing yet\n {2}not known yet: places 80\n {2}not cached: it is decided anew/)
  c.deepEqual([told(), places.requests(), port.counters().pending.keys, port.counters().pending.waiting], [[], [], 0, 0])
})

test('explain: shows the key that a default way stands in for', (c) => {
  const { port, places } = pendingBench({}, [{ do: 'gateway' }])
  const said = port.explain('outbound', to(80))
  c.deepEqual([said.verdict, said.unknown, said.cacheable, places.requests()], ['continue', ['places 80'], true, []])
})
