/** What a rule took for a packet, while the packet waits. */
import test from 'ava'
import * as t from 'io-ts'
import { defineRuleType, type FlowContext, type Hold, modify, orThrow, proceed, rulesLayer } from '../../src/index.js'
import { BUILT_IN } from './support.js'
import { pendingBench, to } from './pending-support.js'

/** Takes source ports for flows, before a rule that asks. Takes the same one again for as long as it is held. */
const allocating = () => {
  const held = new Map<string, { readonly port: number; readonly hold: Hold }>()
  const released: number[] = []
  let next = 1
  const type = defineRuleType({
    name: 'allocate', config: t.unknown,
    decide: (_, flow: FlowContext) => {
      const who = `${flow.number('srcPort') ?? 0}`
      let mine = held.get(who)
      if (mine === undefined) {
        const port = next++
        mine = { port, hold: { release: () => { released.push(port); held.delete(who) } } }
        held.set(who, mine)
      }
      return proceed(modify({ srcPort: mine.port }), { holds: [mine.hold] })
    },
  })
  return { type, held, released }
}

const natBench = (pending: object = {}) => {
  const { type, held, released: given } = allocating()
  const bench = pendingBench({ pending, late: { neverPercent: 100 } }, [{ do: 'wait' }])
  const nat = orThrow(bench.port.addLayer(rulesLayer('nat', [type, ...BUILT_IN]), { order: 0 }))
  orThrow(nat.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'allocate' }] }] }))
  return { ...bench, nat, held, given }
}

test('holds: what a packet took on the way is kept while it waits, and is the same when it leaves', (c) => {
  const { port, places, told, held, given } = natBench()
  port.process('outbound', to(80, { srcPort: 7000 }))
  port.process('outbound', to(80, { srcPort: 7001 }))
  told()
  places.answer(80)
  c.deepEqual(told(), ['released vm-1 to network: tcp 10.0.0.1:1 > 10.0.0.2:80', 'released vm-1 to network: tcp 10.0.0.1:2 > 10.0.0.2:80'])
  c.deepEqual([held.size, given], [2, []])
})

test('holds: go back when the packet waits too long, overflows, is dropped by its second walk, or its rule is gone', (c) => {
  const late = natBench({ timeoutUs: 1000 })
  late.port.process('outbound', to(80))
  late.clock.advanceUs(1000)
  late.port.settle()
  c.deepEqual(late.given, [1])

  const full = natBench({ frames: 1 })
  full.port.process('outbound', to(80, { srcPort: 7000 }))
  full.port.process('outbound', to(80, { srcPort: 7001 }))
  c.deepEqual(full.given, [2])

  const denied = natBench()
  denied.port.process('outbound', to(80))
  orThrow(denied.layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'block' }] }] }))
  denied.places.answer(80)
  c.deepEqual(denied.given, [1])

  const gone = natBench()
  gone.port.process('outbound', to(80))
  orThrow(gone.nat.updateJson({ outbound: [] }))
  gone.places.answer(80)
  c.deepEqual([gone.given, gone.told().at(-1)], [[1], 'released vm-1 to network: tcp 10.0.0.1:1000 > 10.0.0.2:80'])
})

test('holds: go back at once when a packet that need not wait is dropped, and after an explanation', (c) => {
  const { port, layer, given, held } = natBench()
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'block' }] }] }))
  port.process('outbound', to(80))
  c.deepEqual(given, [1])
  port.explain('outbound', to(80))
  c.deepEqual([given, held.size], [[1, 2], 0])
})

test('holds: of a packet that was let through never go back, even if the next one of its flow is dropped', (c) => {
  const { port, layer, given } = natBench()
  orThrow(layer.updateJson({ outbound: [] }))
  c.is(port.process('outbound', to(80)).outcome._tag, 'Passed')
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'block' }] }] }))
  c.is(port.process('outbound', to(80)).outcome._tag, 'Dropped')
  c.deepEqual(given, [])
})

test('holds: an explanation gives nothing back that a waiting packet holds', (c) => {
  const { port, given } = natBench()
  port.process('outbound', to(80))
  port.explain('outbound', to(80))
  c.deepEqual(given, [])
})
