import test from 'ava'
import { type Batch, manualClock, orThrow, type Port } from '../../src/index.js'
import { builtIn, frame, groupOf, hostOf, observed, onePort, type Said, show, tell } from './support.js'

/** A batch with `headroom` bytes in front of each frame. */
const batchOf = (frames: readonly Uint8Array[], headroom: number): Batch => {
  const bytes = new Uint8Array(frames.reduce((sum, f) => sum + headroom + f.length, 0))
  const start = new Uint32Array(frames.length)
  let at = 0
  for (const [i, f] of frames.entries()) {
    start[i] = at + headroom
    bytes.set(f, at + headroom)
    at += headroom + f.length
  }
  return {
    bytes, start, length: Uint32Array.from(frames, (f) => f.length), verdict: new Uint8Array(frames.length).fill(9),
    reason: new Uint16Array(frames.length).fill(9), count: frames.length,
  }
}

/** Encapsulates port 80, mirrors port 443, blocks port 22, turns port 25 to a port that is not there, and port 53 to vm-2. */
const mixed = (): Port => {
  const { ports } = hostOf(2)
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 1 })).updateJson({
    outbound: [groupOf('g', [
      { do: 'encap', when: { dstPort: 80 }, with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 7 } },
      { do: 'mirror', when: { dstPort: 443 }, with: { port: 'vm-2' } },
      { do: 'block', when: { dstPort: 22 } },
      { do: 'hairpin', when: { dstPort: 25 }, with: { port: 'nobody' } },
      { do: 'hairpin', when: { dstPort: 53 }, with: { port: 'vm-2' } },
    ])],
    inbound: [groupOf('g', [{ do: 'decap', when: { vni: 7 } }])],
  }))
  orThrow(orThrow(ports[1]!.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [{ do: 'nat', with: { srcPort: 5 } }])] }))
  return ports[0]!
}

const SAID: readonly Said[] = [80, 443, 22, 25, 53, 80, 7].map((dstPort) => ({ dstPort }))

test('processBatch: does to each frame what process does', (t) => {
  const [one, many] = [mixed(), mixed()]
  const frames = [...SAID.map(frame), new Uint8Array(5)]
  const batch = batchOf(frames, 64)
  const seen = frames.map((): { to: string; why: string; frame: Uint8Array }[] => [])
  many.processBatch('outbound', batch, (to, why, bytes, start, end, index) => { seen[index]!.push({ to, why, frame: bytes.slice(start, end) }) })
  for (const [i, f] of frames.entries()) {
    const { outcome, outputs } = one.process('outbound', f)
    t.deepEqual<unknown, unknown>(seen[i], outputs)
    t.is(batch.verdict[i], outcome._tag === 'Passed' ? 0 : 1)
    t.is(many.reasonName(batch.reason[i]!), outcome._tag === 'Passed' ? '' : outcome.reason)
  }
  t.deepEqual(observed(many), observed(one))
})

test('processBatch: leaves the frame that passed in place, its start and length moved', (t) => {
  const port = mixed()
  const batch = batchOf(SAID.map(frame), 64)
  const before = { start: [...batch.start], length: [...batch.length] }
  const forwarded = new Map<number, Uint8Array>()
  port.processBatch('outbound', batch, (_to, why, bytes, start, end, index) => { if (why === 'forward') forwarded.set(index, bytes.slice(start, end)) })
  for (let i = 0; i < batch.count; i++) {
    const grown = SAID[i]!.dstPort === 80 ? 50 : 0
    t.is(batch.start[i], before.start[i]! - grown)
    t.is(batch.length[i], before.length[i]! + grown)
    if (batch.verdict[i] === 0) t.deepEqual(batch.bytes.slice(batch.start[i], batch.start[i]! + batch.length[i]!), forwarded.get(i))
  }
})

test('processBatch: a frame without headroom is refused as it is, and its neighbours are not touched', (t) => {
  const port = mixed()
  const frames = [frame({ dstPort: 7 }), frame({ dstPort: 80 }), frame({ dstPort: 7 })]
  const batch = batchOf(frames, 0)
  const before = batch.bytes.slice()
  port.processBatch('outbound', batch, () => undefined)
  t.deepEqual([...batch.verdict], [0, 1, 0])
  t.is(port.reasonName(batch.reason[1]!), 'NoHeadroom')
  t.deepEqual(batch.bytes, before)
})

test('processBatch: uses the room up to the frame before and no more', (t) => {
  for (const [headroom, passes] of [[49, false], [50, true]] as const) {
    const batch = batchOf([frame({ dstPort: 7 }), frame({ dstPort: 80 })], headroom)
    mixed().processBatch('outbound', batch, () => undefined)
    t.is(batch.verdict[1], passes ? 0 : 1)
    t.deepEqual(batch.bytes.slice(headroom, headroom + frame().length), frame({ dstPort: 7 }))
  }
})

test('processBatch: room left by a popped tunnel can be used again', (t) => {
  const port = mixed()
  const batch = batchOf([frame({ tunnel: { vni: 7 } })], 0)
  port.processBatch('inbound', batch, () => undefined)
  t.deepEqual([batch.start[0], batch.length[0]], [50, frame().length])
  port.processBatch('outbound', batch, () => undefined)
  t.deepEqual([batch.verdict[0], batch.start[0], batch.length[0]], [0, 0, frame().length + 50])
})

test('processBatch: takes no more frames than it is told', (t) => {
  const port = mixed()
  const batch = { ...batchOf([frame(), frame()], 64), count: 1 }
  port.processBatch('outbound', batch, () => undefined)
  t.deepEqual([...batch.verdict], [0, 9])
  t.is(port.counters().packets, 1)
})

test('processBatch: a frame that lies in front of the one before or in it is refused, counted, and nothing is overwritten', (t) => {
  const port = mixed()
  const f = frame({ dstPort: 80 })
  const bytes = new Uint8Array(3000)
  const start = Uint32Array.of(1000, 500, 1000 + f.length - 1, 2000)
  for (const at of [1000, 500, 2000]) bytes.set(f, at)
  const n = start.length
  port.processBatch('outbound', { bytes, start, length: new Uint32Array(n).fill(f.length), verdict: new Uint8Array(n), reason: new Uint16Array(n), count: n }, () => undefined)
  t.deepEqual([...start], [950, 500, 1000 + f.length - 1, 1950])
  t.deepEqual(bytes.slice(500, 500 + f.length), f)
  t.deepEqual(bytes.slice(1014, 1000 + f.length), f.slice(14), 'the frame in front keeps its bytes')
  t.deepEqual(port.counters().drops, { BadBatch: 2 })
  t.is(port.counters().packets, 2)
})

test('processBatch: tells of a refused frame in its verdict and reason, and takes those that follow', (t) => {
  const port = mixed()
  const batch = batchOf([7, 7, 7].map((dstPort) => frame({ dstPort })), 64)
  batch.start[1] = 0
  const seen: number[] = []
  port.processBatch('outbound', batch, (_to, _why, _bytes, _start, _end, index) => { seen.push(index) })
  t.deepEqual([[...batch.verdict], Array.from(batch.reason, port.reasonName), seen], [[0, 1, 0], ['', 'BadBatch', ''], [0, 2]])
})

test('processBatch: a frame that ends behind the buffer is refused', (t) => {
  const port = mixed()
  const batch = batchOf([frame({ dstPort: 7 }), frame({ dstPort: 7 })], 64)
  batch.length[1] = batch.length[1]! + 1
  port.processBatch('outbound', batch, () => undefined)
  t.deepEqual([[...batch.verdict], port.counters().drops], [[0, 1], { BadBatch: 1 }])
})

for (const name of ['start', 'length', 'verdict', 'reason'] as const) {
  test(`processBatch: throws before the first frame where ${name} is shorter than the count`, (t) => {
    const port = mixed()
    const batch = batchOf([frame({ dstPort: 80 }), frame({ dstPort: 80 })], 64)
    const before = batch.bytes.slice()
    const short: Batch = { ...batch, [name]: batch[name].slice(0, 1) }
    t.throws(() => { port.processBatch('outbound', short, () => undefined) }, { instanceOf: RangeError, message: new RegExp(`batch\\.${name} has 1 .* 2 frames`) })
    t.deepEqual(batch.bytes, before)
    t.is(port.counters().packets, 0)
  })
}

test('processBatch: a sink that throws within another\'s frame leaves the port as it was', (t) => {
  const { ports: [tapped, turned] } = hostOf(2)
  for (const [order, name] of ['a', 'b'].entries()) {
    orThrow(orThrow(tapped!.addLayer(builtIn, { order, name })).updateJson({ outbound: [groupOf('g', [{ do: 'mirror', with: { port: name } }])] }))
  }
  orThrow(orThrow(turned!.addLayer(builtIn, { order: 1, name: 'net' })).updateJson({
    outbound: [groupOf('g', [{ do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 7 } }])],
  }))
  orThrow(orThrow(turned!.addLayer(builtIn, { order: 2, name: 'turn' })).updateJson({ outbound: [groupOf('g', [{ do: 'hairpin', with: { port: 'vm-1' } }])] }))
  const full = (): never => { throw new Error('full') }
  const seen: string[] = []
  // While the copy for a is out, another frame comes by vm-2, in a tunnel, and its copy meets a sink that throws.
  tapped!.processBatch('outbound', batchOf([frame({ dstPort: 7 }), frame({ dstPort: 9 })], 64), (to, why, _bytes, _start, _end, index, tunnels) => {
    seen.push(`${index} ${why} ${to} ${tunnels}`)
    if (index === 1 && to === 'a') t.throws(() => { turned!.processBatch('outbound', batchOf([frame()], 64), full) }, { message: 'full' })
  })
  t.deepEqual(seen, [
    '0 mirror a 0', '0 mirror b 0', '0 forward network 0', '1 mirror a 0', '1 mirror b 0', '1 forward network 0',
  ])
})

test('processBatch: a sink may take other frames through the same port', (t) => {
  const port = mixed()
  const batch = batchOf([frame({ dstPort: 80 }), frame({ dstPort: 7 })], 64)
  port.processBatch('outbound', batch, () => { port.process('inbound', frame({ bytes: 100 })) })
  t.deepEqual([...batch.start], [14, 64 + frame().length + 64])
  t.deepEqual([...batch.length], [frame().length + 50, frame().length])
})

test('process: does not touch the frame it is given, nor let its outputs be touched later', (t) => {
  const port = mixed()
  const given = frame({ dstPort: 80 })
  const first = port.process('outbound', given).outputs[0]!.frame
  const kept = first.slice()
  port.process('outbound', frame({ dstPort: 80, bytes: 60 }))
  t.deepEqual(given, frame({ dstPort: 80 }))
  t.deepEqual(first, kept)
})

test('mirror: shows the packet as its layer left it, not as it leaves the port', (t) => {
  const port = onePort()
  const add = (name: string, order: number, rule: Parameters<typeof groupOf>[1][number]): void => {
    orThrow(orThrow(port.addLayer(builtIn, { order, name })).updateJson({ outbound: [groupOf('g', [rule])] }))
  }
  add('nat', 1, { do: 'nat', with: { srcPort: 7 } })
  add('tap', 2, { do: 'mirror', with: { port: 'tap' } })
  add('encap', 3, { do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 7 } })
  const flow = 'tcp 10.0.0.1:7 > 10.0.0.2:80'
  const expected = `passed; mirror tap: ${flow}; network: ${flow} in vxlan 7 192.0.2.1 > 192.0.2.2`
  t.is(tell(port.process('outbound', frame())), expected)
  t.is(tell(port.process('outbound', frame())), expected, 'cached too')
})

test('mirror: shows nothing of a packet that a later layer drops', (t) => {
  const port = onePort()
  orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [{ do: 'mirror', with: { port: 'tap' } }])] }))
  orThrow(orThrow(port.addLayer(builtIn, { order: 2, name: 'deny' })).updateJson({ outbound: [groupOf('g', [{ do: 'block' }])] }))
  t.deepEqual(port.process('outbound', frame()).outputs, [])
})

test('mirror: a sink is told of each frame and copy whether policy put a tunnel around it', (t) => {
  const port = onePort()
  orThrow(orThrow(port.addLayer(builtIn, { order: 1, name: 'tap' })).updateJson({ outbound: [groupOf('g', [{ do: 'mirror', with: { port: 'tap' } }])] }))
  orThrow(orThrow(port.addLayer(builtIn, { order: 2, name: 'net' })).updateJson({
    outbound: [groupOf('g', [{ do: 'encap', when: { dstPort: 80 }, with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 7 } }])],
  }))
  const seen: string[] = []
  port.processBatch('outbound', batchOf([80, 7].map((dstPort) => frame({ dstPort })), 64), (to, _why, _bytes, _start, _end, index, tunnels) => {
    seen.push(`${index} ${to} ${tunnels}`)
  })
  t.deepEqual(seen, ['0 tap 0', '0 network 1', '1 tap 0', '1 network 0'])
})

test('expire: looks at no more flows than its budget and goes on from there', (t) => {
  const clock = manualClock()
  const port = onePort({ clock })
  for (let i = 0; i < 8; i++) port.process('outbound', frame({ srcPort: i }))
  clock.advanceUs(60_000_000)
  t.is(port.expire(2), 2)
  t.is(port.expire(2), 2)
  t.is(port.expire(), 4)
})

test('flows: tell key, decision and counters of each unified flow', (t) => {
  const clock = manualClock(1000)
  const port = onePort({ clock })
  orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [{ do: 'nat', with: { dstPort: 8080 } }])] }))
  port.process('outbound', frame())
  port.process('outbound', frame())
  clock.advanceUs(7)
  const [flow] = port.flows()
  t.is(port.flows().length, 1)
  t.deepEqual(
    [flow?.direction, flow?.key, flow?.verdict, flow?.transposition, flow?.packets, flow?.bytes, flow?.paired, flow?.idleUs],
    ['outbound', 'tcp 10.0.0.1:1000 > 10.0.0.2:80', 'continue', '0: dstPort=8080', 2, 2 * frame().length, false, 7],
  )
  t.is(flow?.groups[0]?.dstPort, 80)
  t.deepEqual(JSON.parse(JSON.stringify(port.flows())), port.flows())
})

test('counters: count packets and bytes as they entered, and tell fast from slow and malformed', (t) => {
  const port = onePort()
  port.process('outbound', frame())
  port.process('outbound', frame())
  port.process('outbound', new Uint8Array(3))
  const { packets, bytes, fast, slow, malformed, drops, flows } = port.counters()
  t.deepEqual({ packets, bytes, fast, slow, malformed, drops, flows }, {
    packets: 3, bytes: 2 * frame().length + 3, fast: 1, slow: 1, malformed: 1, drops: { Truncated: 1 }, flows: 1,
  })
})

test('reasonName: is empty for 0 and for numbers never given', (t) => {
  const port = onePort()
  t.deepEqual([port.reasonName(0), port.reasonName(999)], ['', ''])
})

test('explain: follows a datagram\'s first fragment as process does', (t) => {
  const port = onePort()
  orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson({
    outbound: [groupOf('g', [{ do: 'block', when: { dstPort: 53 } }, { do: 'nat', when: { dstPort: 443 }, with: { srcIp: '198.51.100.1' } }])],
  }))
  const part = (offset: number, more: boolean, dstPort: number, id: number): Uint8Array =>
    frame({ proto: 'udp', dstPort, bytes: 24, fragment: { offset, more, id } })
  t.is(port.explain('outbound', part(32, false, 53, 1)).verdict, 'drop FragmentWithoutFirst')
  t.is(tell(port.process('outbound', part(32, false, 53, 1))), 'FragmentWithoutFirst')
  port.process('outbound', part(0, true, 53, 1))
  port.process('outbound', part(0, true, 80, 2))
  port.process('outbound', part(0, true, 443, 3))
  // A denied first fragment is not remembered: it must not push others' out of a bounded memory.
  t.is(port.explain('outbound', part(32, false, 53, 1)).verdict, 'drop FragmentWithoutFirst')
  t.is(tell(port.process('outbound', part(32, false, 53, 1))), 'FragmentWithoutFirst')
  t.is(port.explain('outbound', part(32, false, 80, 2)).verdict, 'continue')
  t.is(port.process('outbound', part(32, false, 80, 2)).outcome._tag, 'Passed')
  const { verdict, after } = port.explain('outbound', part(32, false, 443, 3))
  t.is(verdict, 'continue')
  t.regex(after, /198\.51\.100\.1/, 'by the rule for the first fragment\'s port')
  const [left] = port.process('outbound', part(32, false, 443, 3)).outputs
  t.deepEqual(left?.frame.slice(26, 30), Uint8Array.of(198, 51, 100, 1))
})

test('explain: does not end a connection that policy forbids now and may permit again before its next packet', (t) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  const permit = { outbound: [groupOf('g', [{ do: 'nat', with: { srcIp: '198.51.100.1' }, stateful: true }])], inbound: [groupOf('g', [{ do: 'block' }])] }
  const answer = frame({ from: '10.0.0.2', srcPort: 80, to: '198.51.100.1', dstPort: 1000 })
  orThrow(layer.updateJson(permit))
  port.process('outbound', frame())
  orThrow(layer.updateJson({ inbound: permit.inbound }))
  t.is(port.explain('inbound', answer).verdict, 'drop Denied')
  t.is(port.counters().connections['built-in'], 1)
  orThrow(layer.updateJson(permit))
  t.is(tell(port.process('inbound', answer)), 'passed; vm: tcp 10.0.0.2:80 > 10.0.0.1:1000')
})

test('explain: does not bring a connection up to date with a policy before a packet does', (t) => {
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  const policy = (id: string) => ({ outbound: [groupOf('g', [{ do: 'count' as const, id, stateful: true }])] })
  orThrow(layer.updateJson(policy('old')))
  port.process('outbound', frame())
  orThrow(layer.updateJson(policy('new')))
  t.regex(port.explain('outbound', frame()).layers[0]!.decidedBy, /g\/new/)
  t.regex(port.explain('outbound', frame()).layers[0]!.decidedBy, /g\/new/)
  port.process('outbound', frame())
  t.deepEqual(port.rules()[0]?.state, { packets: 1, bytes: frame().length })
})

test('explain: a connection that policy has ended does not stand in the way of its own successor', (t) => {
  // What it taught: an explanation that leaves an ended pair in its place must not find it there as another's.
  const port = onePort()
  const layer = orThrow(port.addLayer(builtIn, { order: 1 }))
  orThrow(layer.updateJson({ outbound: [groupOf('g', [{ do: 'allow', stateful: true }])] }))
  port.process('outbound', frame())
  orThrow(layer.updateJson({ outbound: [groupOf('g', [{ do: 'count', stateful: true }])] }))
  t.is(port.explain('outbound', frame()).verdict, 'continue')
  t.is(port.process('outbound', frame()).outcome._tag, 'Passed')
})

test('explain: tells layer by layer what was seen, searched, skipped, matched and done', (t) => {
  const port = onePort()
  const acl = orThrow(port.addLayer(builtIn, { order: 1, name: 'acl' }))
  orThrow(acl.updateJson({ outbound: [
    groupOf('skipped', [{ do: 'block' }], { when: { proto: 'udp' } }), groupOf('searched', [{ do: 'block', when: { dstPort: 22 } }]),
    groupOf('matched', [{ do: 'mirror', id: 'tap', with: { port: 'tap' }, when: { dstPort: 80 }, terminating: true }]), groupOf('never', [{ do: 'block' }]),
  ] }))
  orThrow(orThrow(port.addLayer(builtIn, { order: 2, name: 'empty' })).updateJson({}))
  orThrow(orThrow(port.addLayer(builtIn, { order: 3, name: 'net' })).updateJson({ outbound: [groupOf('g', [{ do: 'nat', id: 'n', with: { dstPort: 8080 } }])] }))
  const explanation = port.explain('outbound', frame())
  const [first, second, third] = explanation.layers
  t.deepEqual(first?.groups, [
    { group: 'skipped', outcome: 'skipped', when: 'proto = udp', because: 'not proto = udp', passedOver: { rules: [], more: 0 } },
    { group: 'searched', outcome: 'searched', when: '', passedOver: { rules: [{ rule: 'block-1', because: 'not dstPort = 22' }], more: 0 } },
    { group: 'matched', outcome: 'matched', when: '', rule: 'tap', ruleWhen: 'dstPort = 80', terminating: true, passedOver: { rules: [], more: 0 } },
  ])
  t.deepEqual([first?.mirrors, second?.decidedBy, third?.transposition], [['tap'], 'no rule', '0: dstPort=8080'])
  t.is(explanation.after, show(port.process('outbound', frame()).outputs[1]!.frame))
  t.is(String(explanation), [
    'outbound: tcp 10.0.0.1:1000 > 10.0.0.2:80',
    'layer acl',
    '  sees: tcp 10.0.0.1:1000 > 10.0.0.2:80',
    '  group skipped: skipped: not proto = udp',
    '  group searched: no rule matches',
    '    passed over block-1: not dstPort = 22',
    '  group matched: rule tap matches (dstPort = 80), terminating',
    '  decided by: rule matched/tap (mirror): continue',
    '  mirrored to: tap',
    'layer empty',
    '  sees: tcp 10.0.0.1:1000 > 10.0.0.2:80',
    '  decided by: no rule: continue',
    'layer net',
    '  sees: tcp 10.0.0.1:1000 > 10.0.0.2:80',
    '  group g: rule n matches (everything)',
    '  decided by: rule g/n (nat): continue',
    '  transposition: 0: dstPort=8080',
    '  leaves as: tcp 10.0.0.1:1000 > 10.0.0.2:8080',
    'result: continue',
    '  composed: 0: dstPort=8080',
    '  leaves as: tcp 10.0.0.1:1000 > 10.0.0.2:8080',
  ].join('\n'))
})

test('explain: of what cannot be parsed says why', (t) => {
  const port = onePort()
  const explanation = port.explain('inbound', new Uint8Array(9))
  t.is(explanation.verdict, 'drop Truncated')
  t.true(String(explanation).includes('drop Truncated'))
})
