import test from 'ava'
import * as t from 'io-ts'
import { manualClock } from '../../src/clock.js'
import { buildFrame, defineRuleType, openSwitch, orThrow, proceed, refuse, rulesLayer } from '../../src/index.js'

/** Blocks from a time on. */
const until = defineRuleType({
  name: 'until',
  config: t.type({ us: t.number }),
  decide: ({ us }, flow) => (flow.nowUs < us ? proceed() : refuse('TooLate')),
})

test('flow tracker: a decision that rests on the time is good for that moment only', (t) => {
  const clock = manualClock()
  const port = orThrow(openSwitch({ clock }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  const layer = orThrow(port.addLayer(rulesLayer('timed', [until]), { order: 1 }))
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'until', with: { us: 10 } }] }] }))
  const frame = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp: '10.0.1.5' }))
  t.is(port.process('outbound', frame).outcome._tag, 'Passed')
  clock.advanceUs(10)
  t.deepEqual(port.process('outbound', frame).outcome, { _tag: 'Dropped', reason: 'TooLate', by: { port: 'vm-1', layer: 'timed', group: 'g', rule: 'until-1' } })
  t.is(port.counters().flows, 0)
})
