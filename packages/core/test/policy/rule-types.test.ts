import test from 'ava'
import type { Direction, Port, RuleJson } from '../../src/index.js'
import { describeError, orThrow } from '../../src/index.js'
import { frame, builtIn, groupOf, hostOf, macOf, onePort, tell } from '../switch/support.js'

const DIRECTIONS: readonly Direction[] = ['outbound', 'inbound']

/** A port with one rule in both directions. */
const withRule = (rule: RuleJson, port: Port = onePort()): Port => {
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(layer.updateJson({ outbound: [groupOf('g', [rule])], inbound: [groupOf('g', [rule])] }))
  return port
}

/** Where a frame that passes goes. */
const out = (direction: Direction): string => (direction === 'outbound' ? 'network' : 'vm')

for (const direction of DIRECTIONS) {
  test(`allow: passes the frame as it is, ${direction}`, (t) => {
    const { outcome, outputs } = withRule({ do: 'allow' }).process(direction, frame())
    t.deepEqual(outcome, { _tag: 'Passed' })
    t.deepEqual(outputs, [{ to: out(direction), why: 'forward', frame: frame() }])
  })

  test(`block: drops the frame under its reason, ${direction}`, (t) => {
    const denied = withRule({ do: 'block' })
    t.deepEqual(denied.process(direction, frame()), { outcome: { _tag: 'Dropped', reason: 'Denied' }, outputs: [] })
    t.deepEqual(denied.counters().drops, { Denied: 1 })
    const named = withRule({ do: 'block', with: { reason: 'Quarantine' } })
    t.deepEqual(named.process(direction, frame()).outcome, { _tag: 'Dropped', reason: 'Quarantine' })
  })

  test(`nat: rewrites addresses and ports of the outermost group, ${direction}`, (t) => {
    const port = withRule({ do: 'nat', with: { srcIp: '10.9.9.9', dstPort: 8080 } })
    t.is(tell(port.process(direction, frame())), `passed; ${out(direction)}: tcp 10.9.9.9:1000 > 10.0.0.2:8080`)
  })

  test(`nat: drops, and does not half rewrite, what does not have the fields, ${direction}`, (t) => {
    const port = withRule({ do: 'nat', with: { srcIp: '10.9.9.9', dstPort: 8080 } })
    t.is(tell(port.process(direction, frame({ proto: 'icmp' }))), 'ShapeMismatch')
  })

  test(`encap: puts a VXLAN tunnel around the frame, ${direction}`, (t) => {
    const port = withRule({ do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 5001 } })
    t.is(tell(port.process(direction, frame())), `passed; ${out(direction)}: tcp 10.0.0.1:1000 > 10.0.0.2:80 in vxlan 5001 192.0.2.1 > 192.0.2.2`)
  })

  test(`decap: removes the outermost tunnel, ${direction}`, (t) => {
    const port = withRule({ do: 'decap' }, onePort({ parseDepth: { outbound: 2, inbound: 2 } }))
    const { outputs } = port.process(direction, frame({ tunnel: { vni: 5001 } }))
    t.deepEqual(outputs, [{ to: out(direction), why: 'forward', frame: frame() }])
    t.is(tell(port.process(direction, frame())), 'ShapeMismatch')
  })

  test(`hairpin: sends the frame through another port's outbound path, ${direction}`, (t) => {
    const { ports } = hostOf(2)
    const [first, second] = [withRule({ do: 'hairpin', with: { port: 'vm-2' } }, ports[0]), withRule({ do: 'nat', with: { srcIp: '10.9.9.9' } }, ports[1])]
    t.is(tell(first.process(direction, frame())), 'passed; network: tcp 10.9.9.9:1000 > 10.0.0.2:80')
    t.is(second.counters().packets, 1)
    t.is(second.flows()[0]?.direction, 'outbound')
  })

  test(`mirror: gives a copy away and lets the frame pass, ${direction}`, (t) => {
    const port = withRule({ do: 'mirror', with: { port: 'collector' } })
    t.deepEqual(port.process(direction, frame()).outputs, [
      { to: 'collector', why: 'mirror', frame: frame() },
      { to: out(direction), why: 'forward', frame: frame() },
    ])
  })

  test(`count: counts every packet of the flow and its bytes, cached or not, ${direction}`, (t) => {
    const port = withRule({ do: 'count', id: 'c' })
    for (let i = 0; i < 3; i++) port.process(direction, frame())
    const report = port.rules().find((r) => r.direction === direction)
    t.deepEqual(report?.state, { packets: 3, bytes: 3 * frame().length })
    t.is(report?.walks, 1)
    t.is(report?.packets, 3)
    t.is(port.counters().fast, 2)
  })
}

test('count: counts no packet that a later layer drops', (t) => {
  const port = withRule({ do: 'count' })
  const last = orThrow(port.addLayer(builtIn, { order: 2, name: 'last' }))
  orThrow(last.updateJson({ outbound: [groupOf('g', [{ do: 'block' }])] }))
  port.process('outbound', frame())
  t.deepEqual(port.rules()[0]?.state, { packets: 0, bytes: 0 })
})

test('count: sees the frame as long as its layer left it', (t) => {
  const port = onePort()
  const before = orThrow(port.addLayer(builtIn, { order: 1, name: 'before' }))
  const tunnel = orThrow(port.addLayer(builtIn, { order: 2, name: 'tunnel' }))
  const behind = orThrow(port.addLayer(builtIn, { order: 3, name: 'behind' }))
  orThrow(before.updateJson({ outbound: [groupOf('g', [{ do: 'count' }])] }))
  orThrow(tunnel.updateJson({ outbound: [groupOf('g', [{ do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 1 } }])] }))
  orThrow(behind.updateJson({ outbound: [groupOf('g', [{ do: 'count' }])] }))
  for (let i = 0; i < 2; i++) port.process('outbound', frame())
  const [first, , last] = port.rules()
  t.deepEqual(first?.state, { packets: 2, bytes: 2 * frame().length })
  t.deepEqual(last?.state, { packets: 2, bytes: 2 * (frame().length + 14 + 20 + 8 + 8) })
})

test('encap: sets the inner MACs it is given and takes its source port from the dynamic range', (t) => {
  const port = withRule({ do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 1, innerDstMac: macOf(9), innerSrcMac: macOf(8), ttl: 7 } })
  const bytes = port.process('outbound', frame()).outputs[0]!.frame
  t.deepEqual([...bytes.subarray(50, 62)], [0, 0x15, 0x5d, 0, 0, 9, 0, 0x15, 0x5d, 0, 0, 8])
  t.is(bytes[22], 7)
  t.true(((bytes[34]! << 8) | bytes[35]!) >= 49_152)
})

test('nat: is undone for the answers of a stateful rule', (t) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(layer.updateJson({ outbound: [groupOf('g', [{ do: 'nat', with: { srcIp: '198.51.100.1', srcPort: 4000 }, stateful: true }])] }))
  t.is(tell(port.process('outbound', frame())), 'passed; network: tcp 198.51.100.1:4000 > 10.0.0.2:80')
  const answer = frame({ from: '10.0.0.2', srcPort: 80, to: '198.51.100.1', dstPort: 4000 })
  t.is(tell(port.process('inbound', answer)), 'passed; vm: tcp 10.0.0.2:80 > 10.0.0.1:1000')
})

test('nat, encap: refuse what no frame could become, when the policy is given', (t) => {
  const layer = orThrow(onePort().addLayer(builtIn, { order: 1 }))
  const refused: readonly RuleJson[] = [
    { do: 'nat', with: { srcIp: '10.0.0.1', dstIp: 'fd00::1' } },
    { do: 'nat', with: { dstPort: 80, icmpId: 1 } },
    { do: 'encap', with: { srcIp: '10.0.0.1', dstIp: 'fd00::1', vni: 1 } },
  ]
  for (const rule of refused) {
    const answer = layer.updateJson({ inbound: [groupOf('g', [{ do: 'allow' }, rule])] })
    if (answer._tag === 'Right') {
      t.fail(`${JSON.stringify(rule)} was accepted`)
      continue
    }
    t.regex(describeError(answer.left), /^BadPolicy: layer built-in, problems \/inbound\/0\/rules\/1\/with: ./)
  }
})
