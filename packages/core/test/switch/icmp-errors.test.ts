import test, { type ExecutionContext } from 'ava'
import { manualClock } from '../../src/clock.js'
import { orThrow } from '../../src/errors.js'
import { extractFlow, makeUfid } from '../../src/flow/flow-id.js'
import { formatFlow } from '../../src/flow/format-flow.js'
import { allow, block, decap, encap, nat, translate, transpose } from '../../src/policy/rule-types.js'
import { rulesLayer, type RulesJson } from '../../src/policy/rules-layer.js'
import type { Port } from '../../src/switch/port.js'
import { openSwitch } from '../../src/switch/switch.js'
import { errorAbout } from '../../src/testing/traffic-frames.js'
import { buildFrame, type FrameSpec } from '../../src/wire/build-frame.js'
import { checksum, checksumHolds } from '../../src/wire/checksum.js'
import { dissect } from '../../src/wire/dissect.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import { makeFrameView, L3, QUOTE, Slot, SLOTS } from '../../src/wire/frame-view.js'
import { ipv4HeaderLength } from '../../src/wire/ipv4.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { Reason } from '../../src/wire/reason.js'

const VM = '10.0.0.4'
const ROUTER = '198.51.100.99'
const PEER = '192.0.2.9'

const layerType = rulesLayer('rules', [allow, block, nat, encap, decap, transpose, translate])

const portWith = (...policies: readonly RulesJson[]): { readonly port: Port; readonly clock: ReturnType<typeof manualClock> } => {
  const clock = manualClock(1_000_000)
  const port = orThrow(openSwitch({ clock, parseDepth: { outbound: 1, inbound: 2 } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: [VM] }))
  policies.forEach((policy, i) => { orThrow(orThrow(port.addLayer(layerType, { order: i, name: `layer${i}` })).update(layerType.policy(policy))) })
  return { port, clock }
}

const frame = (spec: Partial<FrameSpec> = {}): Uint8Array =>
  orThrow(buildFrame({ proto: 'tcp', srcIp: VM, dstIp: PEER, srcPort: 1234, dstPort: 80, ...spec }))

/** The one frame that leaves. */
const through = (port: Port, direction: 'outbound' | 'inbound', bytes: Uint8Array): Uint8Array => {
  const { outcome, outputs } = port.process(direction, bytes)
  if (outcome._tag !== 'Passed' || outputs[0] === undefined) throw new Error(JSON.stringify(outcome))
  return outputs[0].frame
}

/** The flow of a frame in words, all of whose checksums are right, that of a quoted IPv4 header included. */
const intact = (t: ExecutionContext, bytes: Uint8Array): string => {
  const view = makeFrameView()
  t.is(parseFrame(view, bytes, 0, bytes.length, 3, Verify.All), Reason.Ok)
  const quote = QUOTE * SLOTS
  const ip = view.slots[quote + Slot.L3]!
  if (view.quoted && view.slots[quote + Slot.L3_KIND] === L3.Ipv4) t.true(checksumHolds(bytes, ip, ip + ipv4HeaderLength(bytes, ip)))
  const words = makeUfid()
  extractFlow(view, words)
  return formatFlow(words, view.depth)
}

const error = (bytes: Uint8Array, router = true, quoted = 8): Uint8Array => {
  const made = errorAbout(bytes, { router, quoted })
  if (made === undefined) throw new Error('no error is about this frame')
  return made
}

const sourceNat: RulesJson = {
  outbound: [{ name: 'g', rules: [{ do: 'nat', with: { srcIp: '198.51.100.7', srcPort: 5000 }, stateful: { idleMs: 100 } }] }],
  inbound: [{ name: 'g', rules: [{ do: 'block', with: { reason: 'NotAnswered' } }] }],
}

test('icmp errors: a router\'s error about a translated connection reaches the VM with its own addresses and ports quoted', (t) => {
  const { port } = portWith(sourceNat)
  const sent = through(port, 'outbound', frame())
  for (const quoted of [8, 20]) {
    const came = through(port, 'inbound', error(sent, true, quoted))
    t.is(intact(t, came), `icmp ${ROUTER} > ${VM} type 3 quoting tcp ${VM}:1234 > ${PEER}:80`)
  }
})

test('icmp errors: an error from behind a translated destination leaves with the address that the client knows, and so does its quote', (t) => {
  const { port } = portWith({ inbound: [{ name: 'g', rules: [{ do: 'nat', when: { dstIp: '203.0.113.1' }, with: { dstIp: VM, dstPort: 8080 }, stateful: true }] }] })
  const came = through(port, 'inbound', frame({ srcIp: PEER, dstIp: '203.0.113.1', srcPort: 40_000, dstPort: 80 }))
  const own = through(port, 'outbound', error(came, false))
  t.is(intact(t, own), `icmp 203.0.113.1 > ${PEER} type 3 quoting tcp ${PEER}:40000 > 203.0.113.1:80`)
})

test('icmp errors: a stateful filter lets in an error about a connection it has, and none about another', (t) => {
  const { port } = portWith({
    outbound: [{ name: 'g', rules: [{ do: 'allow', stateful: true }] }],
    inbound: [{ name: 'g', rules: [{ do: 'block' }] }],
  })
  const sent = through(port, 'outbound', frame())
  t.is(port.process('inbound', error(sent)).outcome._tag, 'Passed')
  const never = error(frame({ srcPort: 1235 }))
  t.deepEqual(port.process('inbound', never).outcome, { _tag: 'Dropped', reason: 'Denied', by: { port: 'vm-1', layer: 'layer0', group: 'g', rule: 'block-1' } })
  // Both have the same addresses and types: a cached decision about one would decide about the other.
  t.is(port.process('inbound', error(sent)).outcome._tag, 'Passed')
})

test('icmp errors: a packet too big is about its connection whatever its code, which receivers ignore, and other unknown codes say nothing', (t) => {
  const { port } = portWith({
    outbound: [{ name: 'g', rules: [{ do: 'allow', stateful: true }] }], inbound: [{ name: 'g', rules: [{ do: 'block', with: { reason: 'NotAnswered' } }] }],
  })
  const sent = through(port, 'outbound', frame({ srcIp: 'fd00::4', dstIp: 'fd00::9' }))
  const told = (type: number, code: number): string => {
    const { groups, payload } = orThrow(dissect(error(sent)))
    const transport = { kind: 'icmpv6' as const, type, code, rest: type === 2 ? 1280 : 0 }
    const { outcome } = port.process('inbound', orThrow(emitFrame({ groups: [{ ...groups[0], transport }], payload })))
    return outcome._tag === 'Dropped' ? outcome.reason : outcome._tag
  }
  t.deepEqual([0, 1, 9, 255].map((code) => told(2, code)), ['Passed', 'Passed', 'Passed', 'Passed'])
  t.deepEqual([told(1, 8), told(1, 9), told(3, 1), told(3, 2), told(4, 10), told(4, 11)], ['Passed', 'NotAnswered', 'Passed', 'NotAnswered', 'Passed', 'NotAnswered'])
})

test('icmp errors: an error whose quote cannot be read is decided by rules and cached, and decides about none whose quote can', (t) => {
  const { port } = portWith({
    outbound: [{ name: 'g', rules: [{ do: 'allow', stateful: true }] }],
    inbound: [{ name: 'g', rules: [{ do: 'block' }] }],
  })
  const sent = through(port, 'outbound', frame())
  const { groups } = orThrow(dissect(error(sent)))
  const unreadable = orThrow(emitFrame({ groups, payload: new Uint8Array(0) }))
  for (let i = 0; i < 2; i++) t.deepEqual(port.process('inbound', unreadable.slice()).outcome, { _tag: 'Dropped', reason: 'Denied', by: { port: 'vm-1', layer: 'layer0', group: 'g', rule: 'block-1' } })
  t.is(port.counters().fast, 1)
  t.is(port.process('inbound', error(sent)).outcome._tag, 'Passed')
})

test('icmp errors: what an attacker quotes must be what the VM sent, in the direction it sent it', (t) => {
  const { port } = portWith({
    outbound: [{ name: 'g', rules: [{ do: 'allow', stateful: true }] }],
    inbound: [{ name: 'g', rules: [{ do: 'block' }] }],
  })
  through(port, 'outbound', frame())
  // An answer quoted, as if the VM's peer had been told of it.
  const answer = frame({ srcIp: PEER, dstIp: VM, srcPort: 80, dstPort: 1234 })
  t.is(port.process('inbound', error(answer)).outcome._tag, 'Dropped')
})

test('icmp errors: errors do not keep a connection alive', (t) => {
  const { port, clock } = portWith(sourceNat)
  const sent = through(port, 'outbound', frame())
  clock.advanceUs(60_000)
  t.is(port.process('inbound', error(sent)).outcome._tag, 'Passed')
  clock.advanceUs(60_000)
  t.deepEqual(port.process('inbound', error(sent)).outcome, { _tag: 'Dropped', reason: 'NotAnswered', by: { port: 'vm-1', layer: 'layer0', group: 'g', rule: 'block-1' } })
})

test('icmp errors: a stateless rule that rewrites the error\'s destination rewrites the quoted source', (t) => {
  const { port } = portWith({ inbound: [{ name: 'g', rules: [{ do: 'nat', when: { dstIp: '198.51.100.7' }, with: { dstIp: VM } }] }] })
  const came = through(port, 'inbound', error(frame({ srcIp: '198.51.100.7' })))
  t.is(intact(t, came), `icmp ${ROUTER} > ${VM} type 3 quoting tcp ${VM}:1234 > ${PEER}:80`)
  // Where the quoted source is another's, the rule is about the error alone.
  const other = errorAbout(frame({ srcIp: '198.51.100.8' }), { router: true, quoted: 8 })!
  t.deepEqual(port.process('inbound', other).outputs.length, 1)
})

test('icmp errors: an error in a tunnel belongs to the connection in that tunnel', (t) => {
  const tunnel = { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 5001 }
  const { port } = portWith(
    { outbound: [{ name: 'g', rules: [{ do: 'allow', stateful: true }] }], inbound: [{ name: 'g', rules: [{ do: 'block' }] }] },
    { outbound: [{ name: 'g', rules: [{ do: 'encap', with: tunnel }] }], inbound: [{ name: 'g', rules: [{ do: 'decap', when: { vni: 5001 } }] }] },
  )
  const sent = through(port, 'outbound', frame())
  t.is(intact(t, through(port, 'inbound', error(sent))), `icmp ${ROUTER} > ${VM} type 3 quoting tcp ${VM}:1234 > ${PEER}:80`)
})

test('icmp errors: an error about a translated connection is translated with its quote', (t) => {
  const { port } = portWith({
    outbound: [{ name: 'g', rules: [{ do: 'translate', with: { to: 6, src: '2001:db8:1::/96', dst: '64:ff9b::/96', hops: 0 }, stateful: true }] }],
    inbound: [{ name: 'g', rules: [{ do: 'block' }] }],
  })
  const sent = through(port, 'outbound', frame())
  const came = through(port, 'inbound', error(sent, true, 40))
  // A router has no IPv4 address: the error seems to come from the other end.
  t.is(intact(t, came), `icmp ${PEER} > ${VM} type 3 quoting tcp ${VM}:1234 > ${PEER}:80`)
})

test('icmp errors: the stateless translator translates the addresses of a quote crosswise', (t) => {
  const { port } = portWith({ inbound: [{ name: 'g', rules: [{ do: 'translate', with: { to: 4, src: '64:ff9b::/96', dst: '2001:db8:1::/96' } }] }] })
  const v6 = frame({ srcIp: '2001:db8:1::a00:4', dstIp: '64:ff9b::c000:209' })
  const came = through(port, 'inbound', error(v6, false, 40))
  t.is(intact(t, came), `icmp ${PEER} > ${VM} type 3 quoting tcp ${VM}:1234 > ${PEER}:80`)
})

test('icmp errors: an explanation names the connection', (t) => {
  const { port } = portWith(sourceNat)
  const sent = through(port, 'outbound', frame())
  const explained = String(port.explain('inbound', error(sent)))
  t.regex(explained, /decided by: ICMP error with the reverse direction of a connection that rule g\/\S+ \(nat\) keeps: continue/)
  t.regex(explained, /quote: \[ipv4\] srcIp=10\.0\.0\.4 srcPort=1234/)
  t.regex(explained, /not cached: an ICMP error is decided by what it quotes/)
})

test('icmp errors: an error to anybody but the sender of what it quotes is no error about the connection', (t) => {
  const { port } = portWith({
    outbound: [{ name: 'g', rules: [{ do: 'allow', when: { dstIp: PEER }, stateful: true }, { do: 'block', priority: 200 }] }],
    inbound: [{ name: 'g', rules: [{ do: 'allow', when: { srcIp: PEER, proto: 'tcp' }, stateful: true }, { do: 'block', priority: 200 }] }],
  })
  const came = through(port, 'inbound', frame({ srcIp: PEER, dstIp: VM, srcPort: 4000, dstPort: 22 }))
  const own = error(came, false)
  t.is(port.process('outbound', own).outcome._tag, 'Passed')
  // The same to a third party: free payload past the filter, if it passed.
  const elsewhere = own.slice()
  elsewhere.set([6, 6, 6, 6], 30)
  elsewhere.set([0, 0], 24)
  const sum = checksum(elsewhere, 14, 34)
  elsewhere.set([sum >>> 8, sum & 0xff], 24)
  t.deepEqual(port.process('outbound', elsewhere).outcome, { _tag: 'Dropped', reason: 'Denied', by: { port: 'vm-1', layer: 'layer0', group: 'g', rule: 'block-2' } })
})

test('icmp errors: a redirect is advice and no error about the connection', (t) => {
  const { port } = portWith({ outbound: [{ name: 'g', rules: [{ do: 'allow', stateful: true }] }], inbound: [{ name: 'g', rules: [{ do: 'block' }] }] })
  const sent = through(port, 'outbound', frame())
  for (const [type, code, passes] of [[3, 1, true], [11, 0, true], [12, 0, true], [5, 1, false], [4, 0, false], [3, 16, false]] as const) {
    const made = error(sent)
    made.set([type, code, 0, 0], 34)
    const sum = checksum(made, 34, made.length)
    made.set([sum >>> 8, sum & 0xff], 36)
    t.is(port.process('inbound', made).outcome._tag, passes ? 'Passed' : 'Dropped', `type ${type} code ${code}`)
  }
})

test('icmp errors: a router\'s error about an answer keeps the router\'s address where the other end\'s is rewritten', (t) => {
  const { port } = portWith({ outbound: [{ name: 'g', rules: [{ do: 'nat', when: { dstIp: '203.0.113.1' }, with: { dstIp: PEER }, stateful: true }] }], inbound: [{ name: 'g', rules: [{ do: 'block' }] }] })
  const sent = through(port, 'outbound', frame({ dstIp: '203.0.113.1' }))
  t.is(intact(t, through(port, 'inbound', error(sent, true))), `icmp ${ROUTER} > ${VM} type 3 quoting tcp ${VM}:1234 > 203.0.113.1:80`)
  t.is(intact(t, through(port, 'inbound', error(sent, false))), `icmp 203.0.113.1 > ${VM} type 3 quoting tcp ${VM}:1234 > 203.0.113.1:80`)
})

test('datapath: a packet whose bytes refuse what the layers decided begins no connection', (t) => {
  const { port } = portWith({
    outbound: [{ name: 'g', rules: [{ do: 'nat', with: { ttl: { original: 0, minus: 64 } }, stateful: true }] }],
    inbound: [{ name: 'g', rules: [{ do: 'block' }] }],
  })
  t.deepEqual(port.process('outbound', frame()).outcome, { _tag: 'Dropped', reason: 'TtlExceeded' })
  t.deepEqual(port.counters().connections, { layer0: 0 })
  t.is(port.counters().flows, 0)
  t.deepEqual(port.process('inbound', frame({ srcIp: PEER, dstIp: VM, srcPort: 80, dstPort: 1234 })).outcome, { _tag: 'Dropped', reason: 'Denied', by: { port: 'vm-1', layer: 'layer0', group: 'g', rule: 'block-1' } })
})
