import test from 'ava'
import type { RulesJson } from '../../src/policy/rules-layer.js'
import { bench, fate, packet, policy } from '../datapath/support.js'

const FIELDS: readonly object[] = [{ srcIp: '192.0.2.10' }, { dstIp: '192.0.2.11' }, { srcPort: 7 }, { dstPort: 8 }, { dscp: 9 }, { ttl: 10 }]
const TUNNEL: RulesJson = policy({ outbound: [{ do: 'encap', with: { srcIp: '198.51.100.1', dstIp: '198.51.100.2', vni: 5001 } }] })
const UNTUNNEL: RulesJson = policy({ outbound: [{ do: 'decap' }] })

test('walk: the composed transposition does not grow with the number of layers', (t) => {
  const composed = (rounds: number): string => {
    const nats = Array.from({ length: rounds }, () => FIELDS.map((config) => policy({ outbound: [{ do: 'nat', with: config }] }))).flat()
    const tunnels = Array.from({ length: rounds }, () => [TUNNEL, UNTUNNEL]).flat()
    const { port } = bench([...nats, ...tunnels, TUNNEL])
    t.is(fate(port, 'outbound', packet('outbound')), 'passed')
    return port.flows()[0]!.transposition
  }
  const once = composed(1)
  t.regex(once, /^0: .*srcIp=192\.0\.2\.10.*; push vxlan/)
  t.is(composed(2), once)
  t.is(composed(10), once)
})

test('walk: each layer matches the packet as the one before it left it, and layers are reversed inbound', (t) => {
  const becomes = (from: number, to: number) => ({ do: 'nat', with: { dstPort: to }, when: { dstPort: from } })
  const { port } = bench([
    policy({ outbound: [becomes(443, 1)], inbound: [becomes(2, 3)] }),
    policy({ outbound: [becomes(1, 2)], inbound: [becomes(1, 2)] }),
    policy({ outbound: [becomes(2, 3)], inbound: [becomes(80, 1)] }),
  ])
  const dstPort = (direction: 'outbound' | 'inbound'): number => port.process(direction, packet(direction)).outputs[0]!.frame[37]!
  t.is(dstPort('outbound'), 3)
  t.is(dstPort('inbound'), 3)
})

test('walk: a rule that has gone ends its connections, one of the same type keeps them', (t) => {
  const nat = (srcIp: string) => ({ do: 'nat', with: { srcIp }, stateful: true })
  const { port, layers } = bench([policy({ outbound: [nat('192.0.2.10')], inbound: [{ do: 'block' }] })])
  const source = (): readonly number[] => [...port.process('outbound', packet('outbound')).outputs[0]!.frame.slice(26, 30)]
  t.deepEqual(source(), [192, 0, 2, 10])
  layers[0]!.updateJson(policy({ outbound: [nat('192.0.2.11')], inbound: [{ do: 'block' }] }))
  // A binding is not moved under a connection's feet.
  t.deepEqual(source(), [192, 0, 2, 10])
  layers[0]!.updateJson(policy({ outbound: [{ do: 'allow', stateful: true }], inbound: [{ do: 'block' }] }))
  t.deepEqual(source(), [10, 0, 0, 4])
  t.is(port.counters().connections.l0, 1)
})

test('walk: connections outlive changes of other layers', (t) => {
  const { port, layers } = bench([policy({ outbound: [{ do: 'allow', stateful: true }], inbound: [{ do: 'block' }] }), policy({})])
  fate(port, 'outbound', packet('outbound'))
  layers[1]!.updateJson(policy({ inbound: [{ do: 'count' }] }))
  t.is(fate(port, 'inbound', packet('inbound')), 'passed')
  layers[1]!.remove()
  t.is(fate(port, 'inbound', packet('inbound')), 'passed')
})

test('walk: a connection that is idle too long for its new rule has ended', (t) => {
  const nat = (srcIp: string, idleMs: number) => policy({ outbound: [{ do: 'nat', with: { srcIp }, stateful: { idleMs } }] })
  const { port, clock, layers } = bench([nat('192.0.2.10', 1000)])
  const source = (): number => port.process('outbound', packet('outbound')).outputs[0]!.frame[29]!
  t.is(source(), 10)
  clock.advanceUs(5000)
  layers[0]!.updateJson(nat('192.0.2.11', 6))
  t.is(source(), 10)
  clock.advanceUs(5000)
  layers[0]!.updateJson(nat('192.0.2.11', 5))
  t.is(source(), 11)
})
