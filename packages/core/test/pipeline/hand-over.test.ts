import test from 'ava'
import { answerTo, bench, fate, packet, policy, through } from '../datapath/support.js'

const GIVES = policy({ outbound: [{ do: 'allow', handsTo: 'service' }], inbound: [{ do: 'handed', with: { to: 'service' }, takes: 'service' }] })
const TAKES = policy({ outbound: [{ do: 'nat', with: { dstPort: 8080 }, when: { dstPort: 443 }, takes: 'service', stateful: true }] })
const OTHER = policy({ outbound: [{ do: 'allow', takes: 'another' }] })
const EMPTY = policy({})

for (const { name, layers, expected } of [
  { name: 'nothing behind', layers: [GIVES], expected: 'NotTaken' },
  { name: 'a layer behind without policy', layers: [GIVES, EMPTY], expected: 'NotTaken' },
  { name: 'a layer behind that takes another name', layers: [GIVES, OTHER], expected: 'NotTaken' },
  { name: 'the taker in front', layers: [TAKES, GIVES], expected: 'NotTaken' },
  { name: 'the taker behind', layers: [GIVES, TAKES], expected: 'passed' },
  { name: 'the taker behind others', layers: [GIVES, EMPTY, OTHER, TAKES], expected: 'passed' },
  { name: 'the taker behind, and another who hands it over', layers: [GIVES, TAKES, GIVES], expected: 'NotTaken' },
  { name: 'a taker to whom nothing was handed', layers: [TAKES], expected: 'passed' },
] as const) {
  test(`walk: what is handed over, with ${name}: ${expected}`, (t) => {
    const { port } = bench(layers)
    // Walked, then cached.
    for (let i = 0; i < 3; i++) t.is(fate(port, 'outbound', packet('outbound')), expected)
    t.like(port.counters(), { fast: 2 })
  })
}

test('walk: a packet that the taker has no rule for is not taken, and begins no connection', (t) => {
  const { port } = bench([GIVES, TAKES, policy({ outbound: [{ do: 'allow', stateful: true }] })])
  t.is(fate(port, 'outbound', packet('outbound', { ports: [0, 2] })), 'NotTaken')
  t.deepEqual(port.counters().connections, { l0: 0, l1: 0, l2: 0 })
})

test('walk: a packet that was handed over goes to no other port either', (t) => {
  const { port } = bench([GIVES, policy({ outbound: [{ do: 'hairpin', with: { port: 'a' } }] })])
  t.is(fate(port, 'outbound', packet('outbound')), 'NotTaken')
})

test('walk: a taker that goes or changes while traffic runs leaves nothing untaken', (t) => {
  const { port, layers } = bench([GIVES, TAKES])
  t.is(fate(port, 'outbound', packet('outbound')), 'passed')
  layers[1]!.updateJson(EMPTY)
  t.is(fate(port, 'outbound', packet('outbound')), 'NotTaken')
  layers[1]!.updateJson(TAKES)
  t.is(fate(port, 'outbound', packet('outbound')), 'passed')
  layers[1]!.remove()
  t.is(fate(port, 'outbound', packet('outbound')), 'NotTaken')
})

test('walk: answers of what was taken are handed back, and nothing else is', (t) => {
  const { port, layers } = bench([GIVES, TAKES])
  t.is(fate(port, 'inbound', packet('inbound')), 'NotHanded')
  const answer = answerTo(through(port, 'outbound', packet('outbound')))
  for (let i = 0; i < 2; i++) t.is(fate(port, 'inbound', answer), 'passed')
  // As the answer will look behind the taker, but from the network.
  t.is(fate(port, 'inbound', packet('inbound')), 'NotHanded')
  layers[1]!.updateJson(EMPTY)
  t.is(fate(port, 'inbound', answer), 'NotHanded')
})

test('walk: answers go back through whoever handed their connection over', (t) => {
  const stateful = policy({ outbound: [{ do: 'allow', handsTo: 'service', stateful: true }], inbound: [{ do: 'block' }] })
  const { port } = bench([stateful, TAKES])
  const answer = answerTo(through(port, 'outbound', packet('outbound')))
  t.is(fate(port, 'inbound', answer), 'passed')
})

test('walk: a stateful rule that asks whether its packet was handed over is asked again with the answer it had', (t) => {
  const asks = (stateful: boolean) => policy({ outbound: [{ do: 'handed', with: { to: 'service' }, takes: 'service', stateful }] })
  const { port, layers } = bench([GIVES, asks(true)])
  const answer = answerTo(through(port, 'outbound', packet('outbound')))
  layers[1]!.updateJson(asks(true))
  t.is(fate(port, 'inbound', answer), 'passed')
  t.is(port.counters().connections.l1, 1)
})

test('walk: an explanation says that nothing took a packet', (t) => {
  t.is(bench([GIVES]).port.explain('outbound', packet('outbound')).verdict, 'drop NotTaken')
})
