import test from 'ava'
import * as t from 'io-ts'
import { type CustomerAddress, defineLayer, defineRuleType, type Directory, directory, type FlowContext, orThrow, proceed, refuse, rule } from '../../src/index.js'
import { modify } from '../../src/transposition/construct.js'
import { ipv4 } from '../../src/wire/address.js'
import { frame, onePort, tell } from './support.js'

/** A port whose one rule sends a packet to the MAC that a directory has for its destination, and drops the unmapped. */
const looking = () => {
  const places = directory('places')
  let asked = 0
  const route = defineRuleType({
    name: 'route',
    config: t.unknown,
    decide: (_, flow: FlowContext) => {
      asked++
      const ip = flow.ip('dstIp')
      const found = ip === undefined ? undefined : flow.lookup(places, { vni: 1, ip })
      return found?._tag === 'Some' ? proceed(modify({ dstMac: found.value.endpoints[0].mac })) : refuse('NoMapping')
    },
  })
  const layer = defineLayer({ name: 'route', codec: t.unknown, groups: () => [{ name: 'g', direction: 'outbound', rules: [rule(route, 0)] }] })
  const port = onePort()
  orThrow(orThrow(port.addLayer(layer, { order: 1 })).updateJson(0))
  const send = (to: string): string => {
    const done = port.process('outbound', frame({ to }))
    return done.outcome._tag === 'Passed' ? String(done.outputs[0]?.frame[5]) : tell(done)
  }
  return { places, port, send, asked: () => asked }
}

const at = (ip: number): CustomerAddress => ({ vni: 1, ip: ipv4(ip) })
const place = (mac: number): Parameters<Directory['set']>[1] => ({ endpoints: [{ pa: ipv4(1), mac }] })

test('resources: a changed entry is seen by the next packet of the flows that used it, and by no other', (c) => {
  const { places, port, send, asked } = looking()
  places.set(at(0x0a000002), place(2))
  places.set(at(0x0a000003), place(3))
  c.deepEqual([send('10.0.0.2'), send('10.0.0.3')], ['2', '3'])
  const generation = port.generation()
  const before = asked()
  places.set(at(0x0a000002), place(9))
  c.deepEqual([send('10.0.0.3'), asked() - before], ['3', 0])
  c.deepEqual([send('10.0.0.2'), asked() - before], ['9', 1])
  c.deepEqual([send('10.0.0.2'), asked() - before], ['9', 1])
  c.is(port.generation(), generation)
})

test('resources: an entry that comes is seen by flows that found none, one that goes by those that found it', (c) => {
  const { places, send } = looking()
  c.is(send('10.0.0.2'), 'NoMapping')
  places.set(at(0x0a000002), place(2))
  c.is(send('10.0.0.2'), '2')
  c.true(places.remove(at(0x0a000002)))
  c.is(send('10.0.0.2'), 'NoMapping')
  places.set(at(0x0a000002), place(4))
  c.is(send('10.0.0.2'), '4')
})

test('resources: a flow whose entry changed to the same is kept', (c) => {
  const { places, port, send } = looking()
  places.set(at(0x0a000002), place(2))
  send('10.0.0.2')
  places.set(at(0x0a000002), place(2))
  c.is(send('10.0.0.2'), '2')
  c.deepEqual([port.counters().reconciled, port.flows().length, port.flows()[0]?.packets], [1, 1, 2])
})
