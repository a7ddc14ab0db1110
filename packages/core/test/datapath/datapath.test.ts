import test from 'ava'
import { Datapath } from '../../src/datapath/datapath.js'
import { Outcome } from '../../src/datapath/outcome.js'
import { manualClock } from '../../src/clock.js'
import { orThrow } from '../../src/errors.js'
import { parseIp } from '../../src/wire/address.js'
import { dissect } from '../../src/wire/dissect.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import type { Classifier, ClassifierRule } from '../../src/classify/classifier.js'
import type { CompiledGroup } from '../../src/pipeline/compiled-port.js'
import type { RulesJson } from '../../src/policy/rules-layer.js'
import { ROUTE_VNI, testLayer } from '../../src/testing/policy-arbitraries.js'
import type { Environment } from '../../src/switch/environment.js'
import { openSwitch } from '../../src/switch/switch.js'
import { MAX_ALIKE } from '../../src/tables/unified-flow-table.js'
import type { Tweak } from '../../src/testing/traffic-frames.js'
import { answerTo, bench, compiled, fate, packet, policy, through } from './support.js'

const IDLE_10MS = { idleMs: 10 } as const

test('datapath: cached packets pass with classifiers that throw', (t) => {
  const options = { maxFlows: 10, flowIdleUs: 1e9, parseDepth: { outbound: 1, inbound: 2 }, maxFragments: 4, geneveOptions: [], hashSeed: 0 }
  const datapath = new Datapath({ name: 'a', mac: 1, ips: [] }, options, manualClock(), () => undefined)
  const port = compiled(policy({
    outbound: [{ do: 'nat', with: { srcIp: '192.0.2.11' }, when: { srcIp: '10.0.0.0/8' }, stateful: true }],
    inbound: [{ do: 'block' }],
  }))
  datapath.policy = port
  const run = (direction: 'outbound' | 'inbound', frame: Uint8Array): Outcome => datapath.process(direction, frame.slice(), 0, frame.length, 0)
  const back = packet('inbound', { tweak: {} })
  t.is(run('outbound', packet('outbound')), Outcome.Passed)
  t.is(run('inbound', back), Outcome.Dropped)

  const broken: Classifier<ClassifierRule> = {
    kind: 'linear', size: 0,
    lookup: () => { throw new Error('classified') },
    amend: () => { throw new Error('amended') },
  }
  const breakAll = (groups: readonly CompiledGroup[]): readonly CompiledGroup[] => groups.map((g) => ({ ...g, classifier: { ...g.classifier, classifier: broken } }))
  datapath.policy = { ...port, layers: port.layers.map((l) => ({ ...l, outbound: breakAll(l.outbound), inbound: breakAll(l.inbound) })) }
  for (let i = 0; i < 100; i++) {
    t.is(run('outbound', packet('outbound', { tweak: { ttl: 1 + i } })), Outcome.Passed)
    t.is(run('inbound', back), Outcome.Dropped)
  }
  t.like(datapath.counters, { slow: 2, fast: 200 })
  t.throws(() => run('outbound', packet('outbound', { ports: [1, 1] })), { message: 'classified' })
})

test('datapath: a policy change is seen by the very next packet', (t) => {
  const { port, layers } = bench([policy({ outbound: [{ do: 'allow' }] })])
  for (let i = 0; i < 3; i++) t.is(fate(port, 'outbound', packet('outbound')), 'passed')
  orThrow(layers[0]!.updateJson(policy({ outbound: [{ do: 'block', with: { reason: 'New' } }] })))
  t.is(fate(port, 'outbound', packet('outbound')), 'New')
  orThrow(layers[0]!.remove())
  t.is(fate(port, 'outbound', packet('outbound')), 'passed')
})

test('datapath: a change that does not concern a flow keeps it, its counters and its peer', (t) => {
  const { port, layers } = bench([policy({ outbound: [{ do: 'allow', stateful: true }] })])
  const out = through(port, 'outbound', packet('outbound'))
  t.is(fate(port, 'inbound', answerTo(out)), 'passed')
  orThrow(layers[0]!.updateJson(policy({ outbound: [{ do: 'block', when: { dstPort: 9 } }, { do: 'allow', stateful: true, priority: 200 }] })))
  t.is(fate(port, 'outbound', packet('outbound')), 'passed')
  t.is(port.counters().reconciled, 1)
  t.like(port.flows().find((f) => f.direction === 'outbound'), { packets: 2, paired: true })
})

test('datapath: a refused transaction changes nothing', (t) => {
  const { port, layers } = bench([policy({ outbound: [{ do: 'count' }] })])
  fate(port, 'outbound', packet('outbound'))
  const before = JSON.stringify([port.generation(), port.rules(), port.flows(), port.counters()])
  t.is(layers[0]!.updateJson(policy({ outbound: [{ do: 'count' }, { do: 'no such type' }] }))._tag, 'Left')
  t.is(layers[0]!.updateJson({ outbound: [{ name: 'g', longestPrefix: 'dstPort', rules: [{ do: 'count', when: { dstPort: '1-9' } }] }] })._tag, 'Left')
  t.is(JSON.stringify([port.generation(), port.rules(), port.flows(), port.counters()]), before)
  fate(port, 'outbound', packet('outbound'))
  t.is(port.counters().fast, 1)
})

test('datapath: contexts run on every packet that passes, with its length at their layer', (t) => {
  const encap = { do: 'encap', with: { srcIp: '198.51.100.1', dstIp: '198.51.100.2', vni: 5001 } }
  const { port, layers } = bench([policy({ outbound: [{ do: 'count' }] }), policy({ outbound: [encap] }), policy({ outbound: [{ do: 'count' }] })])
  for (const payload of [0, 40, 40]) fate(port, 'outbound', packet('outbound', { payload }))
  t.deepEqual(layers[0]!.rules()[0]!.state, { packets: 3, bytes: 3 * 54 + 80 })
  t.deepEqual(layers[2]!.rules()[0]!.state, { packets: 3, bytes: 3 * (54 + 50) + 80 })
  orThrow(layers[1]!.updateJson(policy({ outbound: [{ do: 'block' }] })))
  fate(port, 'outbound', packet('outbound'))
  t.deepEqual(layers[0]!.rules()[0]!.state, { packets: 3, bytes: 3 * 54 + 80 })
})

test('datapath: a changed resource entry touches just the flows that used it', (t) => {
  const { port, routes } = bench([policy({ outbound: [{ do: 'route', with: { absent: 'drop' } }] })])
  const key = (text: string) => ({ vni: ROUTE_VNI, ip: orThrow(parseIp(text)) })
  const route = (text: string, mac: number): void => { routes.set(key(text), { endpoints: [{ pa: key(text).ip, mac }] }) }
  const to = (peer: number): Uint8Array => packet('outbound', { peer })
  route('10.0.1.4', 0x0200_0000_0001)
  route('10.0.1.5', 0x0200_0000_0002)
  const generation = port.generation()
  for (let i = 0; i < 2; i++) for (const peer of [0, 1]) t.is(fate(port, 'outbound', to(peer)), 'passed')
  t.like(port.counters(), { slow: 2, fast: 2 })
  route('10.0.1.5', 0x0200_0000_0003)
  t.deepEqual([...through(port, 'outbound', to(1)).slice(0, 6)], [2, 0, 0, 0, 0, 3])
  t.is(fate(port, 'outbound', to(0)), 'passed')
  t.like(port.counters(), { slow: 3, fast: 3 })
  routes.remove(key('10.0.1.5'))
  t.is(fate(port, 'outbound', to(1)), 'NoRoute')
  t.is(fate(port, 'outbound', to(1)), 'NoRoute')
  t.like(port.counters(), { slow: 4, fast: 4 })
  route('10.0.1.5', 0x0200_0000_0004)
  t.is(fate(port, 'outbound', to(1)), 'passed')
  t.is(port.generation(), generation)
})

test('datapath: a connection begun from the other side reaches flows that are cached already', (t) => {
  const { port } = bench([policy({ outbound: [{ do: 'allow', stateful: true }], inbound: [{ do: 'block' }] })])
  const inbound = packet('inbound', { kind: 'udp' })
  for (let i = 0; i < 2; i++) t.is(fate(port, 'inbound', inbound), 'Denied')
  t.is(port.counters().fast, 1)
  t.is(fate(port, 'outbound', packet('outbound', { kind: 'udp' })), 'passed')
  t.is(fate(port, 'inbound', inbound), 'passed')
})

test('datapath: a flow that a stateful rule let through and a later layer dropped sees a connection begun later', (t) => {
  // Found by law 5: a stateful rule's match was taken for the promise of a pair, which a dropped packet never makes.
  const { port } = bench([
    policy({ outbound: [{ do: 'nat', with: { srcIp: '192.0.2.11' }, stateful: true }], inbound: [{ do: 'allow', stateful: true }] }),
    policy({ outbound: [{ do: 'block', when: { srcIp: '192.0.2.11' } }] }),
  ])
  const out = packet('outbound')
  for (let i = 0; i < 2; i++) t.is(fate(port, 'outbound', out), 'Denied')
  t.is(fate(port, 'inbound', packet('inbound')), 'passed')
  t.is(fate(port, 'outbound', out), 'passed')
})

test('datapath: who finds the way back taken is let through when it is free again', (t) => {
  // Found by law 5: the refusal was cached, and outlived the connection for whose sake it was made.
  const { port, clock } = bench([policy({ outbound: [{ do: 'nat', with: { srcIp: '192.0.2.11' }, stateful: IDLE_10MS }] })])
  const one = packet('outbound', { host: 0 })
  const other = packet('outbound', { host: 1 })
  t.is(fate(port, 'outbound', one), 'passed')
  for (let i = 0; i < 2; i++) t.is(fate(port, 'outbound', other), 'ReverseFlowTaken')
  t.is(port.counters().fast, 1)
  clock.advanceUs(9_999)
  t.is(fate(port, 'outbound', other), 'ReverseFlowTaken')
  clock.advanceUs(1)
  t.is(fate(port, 'outbound', other), 'passed')
  t.is(fate(port, 'outbound', one), 'ReverseFlowTaken')
})

test('datapath: a connection lives while less than its idle time has passed since a packet of it passed', (t) => {
  const { port, clock } = bench([policy({ outbound: [{ do: 'allow', stateful: IDLE_10MS }], inbound: [{ do: 'block' }] })])
  t.is(fate(port, 'outbound', packet('outbound')), 'passed')
  for (let i = 0; i < 3; i++) {
    clock.advanceUs(9_999)
    t.is(fate(port, 'inbound', packet('inbound')), 'passed')
  }
  clock.advanceUs(10_000)
  t.is(fate(port, 'inbound', packet('inbound')), 'Denied')
})

test('datapath: connections are not begun by packets that are dropped', (t) => {
  const { port } = bench([policy({ outbound: [{ do: 'allow', stateful: true }], inbound: [{ do: 'block' }] }), policy({ outbound: [{ do: 'block' }] })])
  t.is(fate(port, 'outbound', packet('outbound')), 'Denied')
  t.deepEqual(port.counters().connections, { l0: 0, l1: 0 })
  t.is(fate(port, 'inbound', packet('inbound')), 'Denied')
})

test('datapath: a passed RST removes both flows and the connection', (t) => {
  const { port } = bench([policy({ outbound: [{ do: 'allow', stateful: true }], inbound: [{ do: 'block' }] })])
  const out = through(port, 'outbound', packet('outbound'))
  t.is(fate(port, 'inbound', answerTo(out)), 'passed')
  t.like(port.counters(), { flows: 2, connections: { l0: 1 } })
  t.is(fate(port, 'inbound', answerTo(out, { flags: 4 })), 'passed')
  t.like(port.counters(), { flows: 0, connections: { l0: 0 } })
  t.is(fate(port, 'inbound', answerTo(out)), 'Denied')
})

test('datapath: a RST that is dropped ends nothing', (t) => {
  const { port, layers } = bench([policy({ outbound: [{ do: 'allow', stateful: true }], inbound: [{ do: 'block' }] }), policy({})])
  const out = through(port, 'outbound', packet('outbound'))
  t.is(fate(port, 'inbound', answerTo(out)), 'passed')
  orThrow(layers[1]!.updateJson(policy({ inbound: [{ do: 'block', when: { tcpFlags: 'RST' } }] })))
  t.is(fate(port, 'inbound', answerTo(out, { flags: 4 })), 'Denied')
  t.is(port.counters().connections.l0, 1)
  t.is(fate(port, 'inbound', answerTo(out)), 'passed')
})

test('datapath: later fragments follow the first, and none goes without it', (t) => {
  const { port, clock } = bench([policy({ outbound: [{ do: 'block', when: { dstPort: 80 } }, { do: 'nat', with: { srcIp: '192.0.2.11', srcPort: 6000 }, when: { proto: 'udp' }, priority: 200 }] })])
  const later = packet('outbound', { kind: 'later' })
  t.is(fate(port, 'outbound', later), 'FragmentWithoutFirst')
  t.is(fate(port, 'outbound', packet('outbound', { kind: 'first', ports: [1, 0] })), 'Denied')
  // Whoever has sent what does not pass has no claim on memory either.
  t.is(fate(port, 'outbound', later), 'FragmentWithoutFirst')
  t.is(fate(port, 'outbound', packet('outbound', { kind: 'first', ports: [1, 1] })), 'passed')
  const left = through(port, 'outbound', later)
  t.deepEqual([...left.slice(26, 30)], [192, 0, 2, 11])
  t.deepEqual(left.slice(34), later.slice(34))
  clock.advanceUs(30_000_000)
  t.is(fate(port, 'outbound', later), 'FragmentWithoutFirst')
})

for (const six of [false, true]) {
  test(`datapath: a later fragment over IPv${six ? 6 : 4} that reaches into its first one is dropped, and leaves the datagram alone`, (t) => {
    const { port } = bench([policy({})])
    const later = (offset: number): string => {
      const { groups, payload } = orThrow(dissect(packet('outbound', { kind: six ? 'later6' : 'later' })))
      const { net, ...rest } = groups[0]
      const moved = net?.kind === 'ipv4' ? { ...net, fragmentOffset: offset }
        : net?.kind === 'ipv6' ? { ...net, extensions: net.extensions.map((e) => (e.kind === 'fragment' ? { ...e, offset } : e)) } : undefined
      return fate(port, 'outbound', orThrow(emitFrame({ groups: [{ ...rest, ...(moved && { net: moved }) }], payload })))
    }
    // The first one holds 24 bytes.
    t.is(later(16), 'FragmentWithoutFirst')
    t.is(fate(port, 'outbound', packet('outbound', { kind: six ? 'first6' : 'first' })), 'passed')
    t.deepEqual([8, 16, 24, 8, 32, 24].map(later), ['FragmentOverlap', 'FragmentOverlap', 'passed', 'FragmentOverlap', 'passed', 'passed'])
    t.is(port.counters().drops.FragmentOverlap, 3)
  })
}

test('datapath: a later fragment is judged by what it says itself, and by its first\'s transport', (t) => {
  const { port } = bench([policy({
    outbound: [
      { do: 'block', when: { vlanId: 7 }, with: { reason: 'Vlan' } },
      { do: 'block', when: { srcMac: '00:15:5d:00:00:03' }, with: { reason: 'Spoofed' }, priority: 200 },
      { do: 'block', when: { dscp: 46 }, with: { reason: 'Dscp' }, priority: 300 },
      { do: 'block', when: { ttl: 1 }, with: { reason: 'Ttl' }, priority: 400 },
      { do: 'allow', when: { dstPort: 443 }, priority: 500 },
      { do: 'block', priority: 600 },
    ],
  })])
  t.is(fate(port, 'outbound', packet('outbound', { kind: 'first' })), 'passed')
  const later = (tweak: Tweak): string => fate(port, 'outbound', packet('outbound', { kind: 'later', tweak }))
  t.deepEqual(
    // A tag is a tenant: behind another one stands another datagram.
    [{}, { vlan: 7 }, { srcMac: 2 }, { dscp: 46 }, { ttl: 1 }, { srcMac: 3, dscp: 10, ttl: 9 }].map(later),
    ['passed', 'FragmentWithoutFirst', 'Spoofed', 'Dscp', 'Ttl', 'passed'],
  )
})

test('datapath: a later fragment is judged by the tunnel it came in', (t) => {
  const { port } = bench([policy({ inbound: [{ do: 'block', when: { srcIp: '198.51.100.3' }, with: { reason: 'Stranger' } }, { do: 'decap', priority: 200 }] })])
  const tunnelled = (kind: 'first' | 'later', from: number): string =>
    fate(port, 'inbound', packet('inbound', { kind, tunnel: { underlay: 4, tenant: 0, from } }))
  t.deepEqual([tunnelled('first', 0), tunnelled('later', 1), tunnelled('later', 0)], ['passed', 'Stranger', 'passed'])
})

test('datapath: rules can tell later fragments, and split no flow unless they do', (t) => {
  const { port, layers } = bench([policy({ outbound: [{ do: 'nat', with: { srcPort: 6000 }, when: { proto: 'udp' } }] })])
  const kinds = ['udp', 'first', 'later'] as const
  const fates = (): readonly string[] => kinds.map((kind) => fate(port, 'outbound', packet('outbound', { kind })))
  t.deepEqual(fates(), ['passed', 'passed', 'passed'])
  t.like(port.counters(), { slow: 1, fast: 2, flows: 1 })
  t.regex(String(port.explain('outbound', packet('outbound', { kind: 'later' }))), /10\.0\.0\.4:80 > 10\.0\.1\.4:443 \(later fragment\)/)
  orThrow(layers[0]!.updateJson(policy({ outbound: [{ do: 'block', when: { fragment: 'later' }, with: { reason: 'NoFragments' } }] })))
  t.deepEqual(fates(), ['passed', 'passed', 'NoFragments'])
  t.deepEqual(fates(), ['passed', 'passed', 'NoFragments'])
  t.is(port.explain('outbound', packet('outbound', { kind: 'later' })).verdict, 'drop NoFragments')
})

test('datapath: fragments of one direction, or denied ones, do not push out those of the other', (t) => {
  const { port } = bench([policy({ outbound: [{ do: 'block', when: { dstPort: 80 } }] })], { maxFragments: 2 })
  t.is(fate(port, 'outbound', packet('outbound', { kind: 'first' })), 'passed')
  for (let identification = 2; identification < 6; identification++) {
    t.is(fate(port, 'inbound', packet('inbound', { kind: 'first', tweak: { identification } })), 'passed')
    t.is(fate(port, 'outbound', packet('outbound', { kind: 'first', ports: [1, 0], tweak: { identification } })), 'Denied')
  }
  t.is(fate(port, 'outbound', packet('outbound', { kind: 'later' })), 'passed')
})

test('datapath: a first fragment that policy lets through but that cannot be rewritten is not remembered', (t) => {
  const { port } = bench([policy({ outbound: [{ do: 'encap', with: { srcIp: '198.51.100.1', dstIp: '198.51.100.2', vni: 5001 } }] })])
  const frame = packet('outbound', { kind: 'first' })
  const batch = { bytes: frame, start: Uint32Array.of(0), length: Uint32Array.of(frame.length), verdict: new Uint8Array(1), reason: new Uint16Array(1), count: 1 }
  port.processBatch('outbound', batch, () => undefined)
  t.is(port.reasonName(batch.reason[0]!), 'NoHeadroom')
  t.is(fate(port, 'outbound', packet('outbound', { kind: 'later' })), 'FragmentWithoutFirst')
})

test('datapath: flows that differ in named fields alone do not pile up', (t) => {
  const { port } = bench([policy({ outbound: [{ do: 'block', when: { srcMac: '00:15:5d:00:00:03' } }] })])
  const frame = packet('outbound')
  for (let i = 0; i < 100; i++) {
    frame[11] = i
    port.process('outbound', frame)
  }
  t.is(port.counters().flows, MAX_ALIKE)
})

test('datapath: a copy is said to be in tunnels by its own transposition', (t) => {
  const options = { maxFlows: 10, flowIdleUs: 1e9, parseDepth: { outbound: 1, inbound: 2 }, maxFragments: 4, geneveOptions: [], hashSeed: 0 }
  const copies: (readonly [string, number, number])[] = []
  const datapath = new Datapath({ name: 'a', mac: 1, ips: [] }, options, manualClock(), (port, _bytes, _start, _end, popped, pushed) => { copies.push([port, popped, pushed]) })
  const tunnel = { srcIp: '198.51.100.1', dstIp: '198.51.100.2', vni: 5001 }
  const process = (rules: RulesJson): number => {
    datapath.policy = { ...compiled(rules), generation: datapath.policy.generation + 1 }
    const bytes = new Uint8Array(512)
    const frame = packet('outbound')
    bytes.set(frame, 256)
    t.is(datapath.process('outbound', bytes, 256, 256 + frame.length, 0), Outcome.Passed)
    return datapath.pushed
  }
  t.is(process(policy({ outbound: [{ do: 'encap', with: tunnel }] })), 1)
  t.is(process(policy({ outbound: [{ do: 'mirror', with: { port: 'b' } }] })), 0)
  t.deepEqual(copies, [['b', 0, 0]])
})

test('datapath: a layer that does not fit the packet is named as such, whatever earlier layers did', (t) => {
  // Found by law 5: the reason depended on whether an earlier layer had touched the same field.
  const six = { do: 'nat', with: { dstIp: 'fd00::1:4' } }
  for (const before of [{ do: 'allow' }, { do: 'nat', with: { dstIp: '10.0.1.5' } }]) {
    const { port } = bench([policy({ outbound: [before] }), policy({ outbound: [six] })])
    t.is(fate(port, 'outbound', packet('outbound')), 'ShapeMismatch')
  }
})

test('datapath: a full table costs walks, not packets', (t) => {
  const { port } = bench([policy({ outbound: [{ do: 'allow', stateful: true }] })], { maxFlows: 1 })
  for (let i = 0; i < 2; i++) for (const ports of [[0, 0], [0, 1], [1, 0]] as const) t.is(fate(port, 'outbound', packet('outbound', { ports })), 'passed')
  t.like(port.counters(), { flows: 1, fast: 1, slow: 5 })
})

test('datapath: expire forgets flows and connections that are idle, and only those', (t) => {
  const { port, clock } = bench([policy({ outbound: [{ do: 'allow', stateful: IDLE_10MS }] })], { flowIdleUs: 50_000 })
  fate(port, 'outbound', packet('outbound'))
  clock.advanceUs(5000)
  fate(port, 'outbound', packet('outbound', { ports: [1, 1] }))
  clock.advanceUs(5000)
  t.is(port.expire(), 1)
  t.like(port.counters(), { flows: 1, connections: { l0: 1 } })
  clock.advanceUs(5000)
  t.is(port.expire(), 1)
  t.like(port.counters(), { flows: 0, connections: { l0: 0 } })
})

test('datapath: what cannot be parsed is dropped by its reason and counted as malformed', (t) => {
  const { port } = bench([])
  t.is(fate(port, 'inbound', new Uint8Array(5)), 'Truncated')
  t.like(port.counters(), { malformed: 1, packets: 1, bytes: 5, drops: { Truncated: 1 } })
})

test('datapath: an inbound flow brings the flow of its answers with it', (t) => {
  const tunnel = { underlay: 4, tenant: 0, from: 0 } as const
  const { port } = bench([
    policy({ inbound: [{ do: 'allow', stateful: true }] }),
    policy({ inbound: [{ do: 'decap' }], outbound: [{ do: 'encap', with: { srcIp: '198.51.100.1', dstIp: '198.51.100.2', vni: 5001 } }] }),
  ])
  const inside = through(port, 'inbound', packet('inbound', { tunnel }))
  t.like(port.counters(), { slow: 1, flows: 2 })
  t.is(fate(port, 'outbound', answerTo(inside)), 'passed')
  t.like(port.counters(), { slow: 1, fast: 1 })
})

test('datapath: no answer is foretold that could depend on flags it does not have yet', (t) => {
  const { port } = bench([policy({ inbound: [{ do: 'allow', stateful: true }] }), policy({ outbound: [{ do: 'block', when: { tcpFlags: 'SYN' } }] })])
  const inside = through(port, 'inbound', packet('inbound'))
  t.like(port.counters(), { flows: 1 })
  t.is(fate(port, 'outbound', answerTo(inside, { flags: 2 })), 'Denied')
  t.is(fate(port, 'outbound', answerTo(inside)), 'passed')
})

test('datapath: a cached drop notices that its way back has been taken meanwhile', (t) => {
  // Found by law 5: only the reason and the counts of rules differed, for the packet is dropped in either case.
  const { port } = bench([
    policy({ inbound: [{ do: 'block' }] }),
    policy({ outbound: [{ do: 'nat', with: { srcIp: '192.0.2.11' }, stateful: true }], inbound: [{ do: 'allow', stateful: true }] }),
  ])
  for (let i = 0; i < 2; i++) t.is(fate(port, 'inbound', packet('inbound')), 'Denied')
  t.is(fate(port, 'outbound', packet('outbound')), 'passed')
  t.is(fate(port, 'inbound', packet('inbound')), 'ReverseFlowTaken')
})

test('datapath: a frame with more padding than any datagram is mirrored like others', (t) => {
  const { port } = bench([policy({ outbound: [{ do: 'mirror', with: { port: 'b' } }] })])
  const small = packet('outbound')
  const padded = new Uint8Array(200_000)
  padded.set(small)
  t.deepEqual(port.process('outbound', padded).outputs.map((o) => o.frame.length), [200_000, 200_000])
  t.deepEqual(port.process('outbound', small).outputs.map((o) => o.frame.length), [54, 54])
})

test('datapath: a collector may send through the port that is giving it a copy', (t) => {
  // The copy is handed over in the middle of a frame's way; the frame and its second copy have to come out as if nothing had happened.
  const copies: string[] = []
  const left: string[] = []
  const sent = packet('outbound')
  const nested = packet('outbound', { kind: 'udp6', payload: 40 })
  const show = (frame: Uint8Array): string => Buffer.from(frame).toString('hex')
  const environment: Environment = {
    toVm: (port, frame) => {
      copies.push(`${port.name} ${show(frame)}`)
      if (copies.length === 1) host.fromVm('a', nested)
    },
    toNetwork: (frame) => { left.push(show(frame)) },
  }
  const host = openSwitch({ environment })
  const [a] = ['a', 'b', 'c'].map((name, i) => orThrow(host.addPort({ name, mac: `02:00:00:00:00:0${i}` })))
  for (const [order, port] of ['b', 'c'].entries()) {
    const layer = orThrow(a!.addLayer(testLayer(), { order, name: port }))
    orThrow(layer.updateJson(policy({ outbound: [{ do: 'mirror', with: { port }, when: { proto: 'tcp' } }] })))
  }
  host.fromVm('a', sent)
  t.deepEqual(copies, [`b ${show(sent)}`, `c ${show(sent)}`])
  t.deepEqual(left, [show(nested), show(sent)])
})
