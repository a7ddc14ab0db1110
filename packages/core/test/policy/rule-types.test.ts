import test from 'ava'
import type { Direction, Port, RuleJson } from '../../src/index.js'
import { decap, describeError, encap, orThrow, retag, rulesLayer, translate, transpose, vlan } from '../../src/index.js'
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
    t.deepEqual(denied.process(direction, frame()), { outcome: { _tag: 'Dropped', reason: 'Denied', by: { port: 'vm-1', layer: 'built-in', group: 'g', rule: 'block-1' } }, outputs: [] })
    t.deepEqual(denied.counters().drops, { Denied: 1 })
    const named = withRule({ do: 'block', with: { reason: 'Quarantine' } })
    t.deepEqual(named.process(direction, frame()).outcome, { _tag: 'Dropped', reason: 'Quarantine', by: { port: 'vm-1', layer: 'built-in', group: 'g', rule: 'block-1' } })
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

/** A port with one rule of the types that the common layer of these tests does not have. */
const withNew = (rule: RuleJson, port: Port = onePort()): Port => {
  const layer = orThrow(port.addLayer(rulesLayer('new', [encap, decap, retag, translate, transpose, vlan]), { order: 1 }))
  orThrow(layer.updateJson({ outbound: [groupOf('g', [rule])], inbound: [groupOf('g', [rule])] }))
  return port
}

const told = (rule: RuleJson, said: Parameters<typeof frame>[0] = {}): string => {
  const { transposition, verdict } = withNew(rule).explain('outbound', frame(said))
  return verdict === 'continue' ? transposition : verdict
}

test('encap: takes the kind of tunnel, and DSCP, ECN and TTL as numbers or copied', (t) => {
  const base = { srcIp: '192.0.2.1', dstIp: '192.0.2.2' }
  const macs = '00:00:00:00:00:00>00:00:00:00:00:00'
  t.regex(told({ do: 'encap', with: { ...base, vni: 7, tunnel: 'nvgre' } }), /^push nvgre\(vni=7 192\.0\.2\.1>192\.0\.2\.2 .* sport=\d{1,3} dscp=copy ecn=copy ttl=64\)$/)
  t.regex(told({ do: 'encap', with: { ...base, vni: 7, tunnel: 'geneve', options: '00010200' } }), /^push geneve\(.* options=00010200\)$/)
  t.is(told({ do: 'encap', with: { ...base, tunnel: 'gre', dscp: 46, ecn: 0, ttl: 'copy' } }), `push gre(192.0.2.1>192.0.2.2 ${macs} dscp=46 ecn=0 ttl=ttl(0))`)
  const layer = orThrow(onePort().addLayer(rulesLayer('new', [encap]), { order: 1 }))
  for (const [config, path] of [[{ ...base, tunnel: 'geneve' }, '/vni'], [{ ...base, tunnel: 'gre', vni: 7 }, ''], [{ ...base, vni: 7, options: '00010200' }, ''], [{ ...base, vni: 7, dscp: 'keep' }, '/dscp']] as const) {
    const answer = layer.updateJson({ outbound: [groupOf('g', [{ do: 'encap', with: config }])] })
    t.deepEqual(answer._tag === 'Left' && answer.left._tag === 'BadPolicy' ? answer.left.problems.map((p) => p.path) : answer, [`/outbound/0/rules/0/with${path}`])
  }
})

test('decap: the inner ECN field becomes what both make', (t) => {
  const port = withNew({ do: 'decap' }, onePort({ parseDepth: { outbound: 2, inbound: 2 } }))
  t.is(port.explain('outbound', frame({ tunnel: { vni: 1 } })).transposition, 'pop; 0: ecn=combine(0,1)')
})

test('vlan, retag: pop and push the tags of the outermost group', (t) => {
  t.is(told({ do: 'vlan', with: { push: [{ vid: 100, pcp: 5 }] } }), '0: vlans +8100:100:5')
  t.is(told({ do: 'vlan', with: { pop: 'all', push: [{ vid: 7, tpid: 0x88a8 }, { vid: 8, dei: true }] } }), '0: vlans -all +88a8:7:0 +8100:8:0:dei')
  t.is(told({ do: 'vlan', with: { pop: 1 } }), 'drop ShapeMismatch')
  t.is(told({ do: 'retag', with: { vid: 9 } }), 'drop ShapeMismatch')
  t.regex(describeError((orThrow(onePort().addLayer(rulesLayer('new', [vlan]), { order: 1 })).updateJson({ outbound: [groupOf('g', [{ do: 'vlan', with: { push: [{ vid: 1 }, { vid: 2 }, { vid: 3 }] } }])] }) as { left: { _tag: string } }).left), /at most two VLAN tags/)
})

test('translate: makes addresses of prefixes, in both directions, and takes a hop', (t) => {
  t.is(told({ do: 'translate', with: { to: 6, src: '64:ff9b::/96', dst: '2001:db8::1' } }), '0: translate 4>6 srcIp=64:ff9b::a00:1 dstIp=2001:db8::1 ttl=ttl(0)-1; quote: refused')
  const back: RuleJson = { do: 'translate', with: { to: 4, src: '192.0.2.1', dst: '64:ff9b::/96', hops: 0 } }
  t.is(told(back, { from: '2001:db8::1', to: '64:ff9b::c000:221' }), '0: translate 6>4 srcIp=192.0.2.1 dstIp=192.0.2.33; quote: refused')
  t.is(told(back, { from: '2001:db8::1', to: '2001:db8::2' }), 'drop NotInPrefix')
  t.is(told(back), 'drop NotInPrefix')
  const layer = orThrow(onePort().addLayer(rulesLayer('new', [translate]), { order: 1 }))
  for (const [config, path] of [
    [{ to: 6, src: '10.0.0.1', dst: '::1' }, '/src'], [{ to: 6, src: '::1', dst: '64:ff9b::/95' }, '/dst'], [{ to: 5, src: '::1', dst: '::1' }, '/to'], [{ to: 4, src: '10.0.0.0/8', dst: '10.0.0.1' }, '/src'],
  ] as const) {
    const answer = layer.updateJson({ outbound: [groupOf('g', [{ do: 'translate', with: config }])] })
    t.deepEqual(answer._tag === 'Left' && answer.left._tag === 'BadPolicy' ? answer.left.problems.map((p) => p.path) : answer, [`/outbound/0/rules/0/with${path}`])
  }
})

test('transpose: does what its document or text says, and is refused where no frame could undergo it', (t) => {
  t.is(tell(withNew({ do: 'transpose', with: '0: dstIp=10.9.9.9 dstPort=8080' }).process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.9.9.9:8080')
  t.is(tell(withNew({ do: 'transpose', with: { edit: [{ set: { srcPort: 7 } }] } }).process('inbound', frame())), 'passed; vm: tcp 10.0.0.1:7 > 10.0.0.2:80')
  const layer = orThrow(onePort().addLayer(rulesLayer('new', [transpose]), { order: 1 }))
  for (const config of ['0: dstPort=80 icmpId=1', 'invalid: no', '0: vlans +8100:1:0 +8100:2:0 +8100:3:0', { edit: [{ set: { srcIp: '10.0.0.1', dstIp: '::1' } }] }]) {
    const answer = layer.updateJson({ outbound: [groupOf('g', [{ do: 'transpose', with: config }])] })
    t.true(answer._tag === 'Left' && answer.left._tag === 'BadPolicy' && answer.left.problems[0]?.path.startsWith('/outbound/0/rules/0/with'), JSON.stringify(answer))
  }
})
