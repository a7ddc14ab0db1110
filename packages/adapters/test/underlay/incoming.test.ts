import { buildFrame, dissect, makeFrameView, orThrow, parseFrame, Reason, Verify, wire as protocols } from '@vfp-ts/core'
import test from 'ava'
import { offloadOf } from '../../src/nic/frame-batch.js'
import { HOST_MAC, ip, mac } from './config.js'
import { advertised, arp, BROADCAST, datagram, lines, macs, ndp, openWire, PEER_MAC, read, tagged, type Wire } from './wire.js'

const solicitation = (target: string, told = true): protocols.ndp.NdpMessage => ({
  kind: 'neighbor-solicitation', target: ip(target), options: told ? [{ kind: 'source-link-address', mac: mac(PEER_MAC) }] : [],
})

const ping = (to: string, srcIp = to.includes(':') ? '2001:db8::2' : '192.0.2.2'): Uint8Array =>
  orThrow(buildFrame({ proto: 'icmp', srcIp, dstIp: to, srcMac: PEER_MAC, dstMac: HOST_MAC, icmpId: 7, payload: Uint8Array.from({ length: 33 }, (_, i) => i) }))

test('incoming: answers ARP requests for the host’s addresses, and for no other', (t) => {
  const wire = openWire()
  wire.say(arp({ sender: '192.0.2.2', target: '192.0.2.1' }), arp({ sender: '192.0.2.2', target: '192.0.2.3' }))
  t.deepEqual(lines(wire.seen()), ['Ethernet 02:00:00:00:0a:01 > 02:00:00:00:0a:02, type 0x0806; ARP 192.0.2.1 is-at 02:00:00:00:0a:01'])
  t.deepEqual(wire.delivered(), [])
})

test('incoming: answers an ARP probe, whose sender has no address yet', (t) => {
  const wire = openWire()
  wire.say(arp({ sender: '0.0.0.0', target: '192.0.2.1' }))
  t.is(wire.seen().length, 1)
})

test('incoming: answers solicitations, to everybody where the asker has no address', (t) => {
  const wire = openWire()
  wire.say(ndp(solicitation('2001:db8::1'), { to: 'ff02::1:ff00:1', dstMac: '33:33:ff:00:00:01' }))
  wire.say(ndp(solicitation('2001:db8::1', false), { from: '::', to: 'ff02::1:ff00:1', dstMac: '33:33:ff:00:00:01' }))
  wire.say(ndp(solicitation('2001:db8::3'), { to: 'ff02::1:ff00:3', dstMac: '33:33:ff:00:00:03' }))
  const [one, all, ...more] = wire.seen().map(read)
  t.like(one?.groups[0], { eth: { destination: mac(PEER_MAC) }, net: { source: ip('2001:db8::1'), destination: ip('2001:db8::2'), hopLimit: 255 } })
  t.is(one?.payload[0], 0x60)
  t.like(all?.groups[0], { eth: { destination: mac('33:33:00:00:00:01') }, net: { destination: ip('ff02::1') } })
  t.is(all?.payload[0], 0x20)
  t.deepEqual(more, [])
})

for (const to of ['192.0.2.1', '2001:db8::1']) {
  test(`incoming: answers a ping to ${to}, with right checksums`, (t) => {
    const wire = openWire()
    const request = ping(to)
    wire.say(request)
    const [reply] = wire.seen()
    t.is(macs(reply!), '020000000a01 > 020000000a02')
    const back = read(reply!)
    t.like(back.groups[0].transport, { type: to.includes(':') ? 129 : 0, code: 0, rest: 0x7_0001 })
    t.like(back.groups[0].net, { source: ip(to), destination: ip(to.includes(':') ? '2001:db8::2' : '192.0.2.2') })
    t.deepEqual(back.payload, orThrow(dissect(request)).payload)
    t.is(parseFrame(makeFrameView(), reply!, 0, reply!.length, 1, Verify.All), Reason.Ok)
    t.deepEqual(wire.delivered(), [])
  })
}

test('incoming: the reply to a ping of nothing but zeros has the checksum of zeros, whatever pads the frame', (t) => {
  const wire = openWire()
  const request = new Uint8Array(60).fill(0xaa)
  request.set(orThrow(buildFrame({ proto: 'icmp', srcIp: '192.0.2.2', dstIp: '192.0.2.1', srcMac: PEER_MAC, dstMac: HOST_MAC })))
  request.set([8, 0, 0xf7, 0xff, 0, 0, 0, 0], 34)
  wire.say(request)
  t.deepEqual([...wire.seen()[0]!.subarray(34, 42)], [0, 0, 0xff, 0xff, 0, 0, 0, 0])
})

test('incoming: leaves pings to others what they are, and what only looks like a ping to the host', (t) => {
  const wire = openWire()
  const fragment = ping('192.0.2.1')
  fragment[20] = 0x20
  fragment.set([0, 0], 24)
  const sum = protocols.checksum.checksum(fragment, 14, 34)
  fragment.set([sum >>> 8, sum & 0xff], 24)
  const broken = ping('192.0.2.1')
  broken[50]! ^= 1
  const frames = [ping('192.0.2.9'), fragment, broken, ping('192.0.2.1', '192.0.2.255'), ping('2001:db8::1', 'ff02::1'), ping('2001:db8::9')]
  wire.say(...frames)
  t.deepEqual(wire.seen(), [])
  t.deepEqual(wire.delivered(), frames)
})

test('incoming: takes its own out of a batch and passes the rest on in one, in order', (t) => {
  const wire = openWire()
  const rest = [1, 2, 3].map((n) => datagram('192.0.2.1', n, PEER_MAC, HOST_MAC))
  const request = arp({ sender: '192.0.2.2', target: '192.0.2.1' })
  wire.say(request, rest[0]!, request, request, rest[1]!, ping('192.0.2.1'), rest[2]!, request)
  t.deepEqual(wire.delivered(), rest)
  t.is(wire.batches(), 1)
  t.is(wire.seen().length, 5)
})

test('incoming: drops what is for another MAC, and passes on what is for many', (t) => {
  const wire = openWire()
  const many = datagram('239.1.1.1', 1, PEER_MAC, '01:00:5e:01:01:01')
  wire.say(datagram('192.0.2.1', 1, PEER_MAC, '02:00:00:00:0a:77'), many)
  t.deepEqual(wire.delivered(), [many])
})

test('incoming: counts who claims the host’s addresses, and keeps them', (t) => {
  const wire = openWire()
  wire.say(arp({ sender: '192.0.2.1', target: '192.0.2.1' }))
  wire.say(ndp(solicitation('2001:db8::9'), { from: '2001:db8::1', to: 'ff02::1:ff00:9', dstMac: '33:33:ff:00:00:09' }))
  t.is(wire.underlay.conflicts(), 2)
  wire.say(arp({ sender: '192.0.2.1', senderMac: HOST_MAC, target: '192.0.2.2' }))
  t.is(wire.underlay.conflicts(), 2)
})

for (const to of ['192.0.2.1', '2001:db8::1']) {
  test(`incoming: computes the checksum of a ping to ${to} that came without one, before it answers`, (t) => {
    const wire = openWire({}, { offloads: { checksum: true, segmentation: false } })
    const request = ping(to)
    request.set([0x12, 0x34], to.includes(':') ? 56 : 36)
    wire.pair.b.send(request, 0, request.length, offloadOf(true, 0))
    const [reply] = wire.seen()
    t.is(parseFrame(makeFrameView(), reply!, 0, reply!.length, 1, Verify.All), Reason.Ok)
  })
}

test('incoming: answers nobody whose MAC is that of a group, and passes nothing of his on', (t) => {
  const wire = openWire()
  const everybody = (frame: Uint8Array): Uint8Array => {
    frame.fill(0xff, 6, 12)
    return frame
  }
  wire.say(...[
    ping('192.0.2.1'), ping('2001:db8::1'), arp({ sender: '192.0.2.2', target: '192.0.2.1' }), ndp(solicitation('2001:db8::1', false)), datagram('192.0.2.9', 1, PEER_MAC, HOST_MAC),
  ].map(everybody))
  t.deepEqual(wire.seen(), [])
  t.deepEqual(wire.delivered(), [])
  t.like(wire.underlay.counters(), { received: 0, receivedBytes: 0, receiveDrops: { BadSource: 5 } })
})

test('incoming: answers ARP of hardware type 6 with that type', (t) => {
  const wire = openWire()
  wire.say(arp({ sender: '192.0.2.2', target: '192.0.2.1', hardware: 6 }))
  t.deepEqual(wire.seen().map(read).map(({ groups: [{ net }] }) => net), [{
    kind: 'arp', hardware: 6, operation: 2, senderMac: mac(HOST_MAC), senderIp: ip('192.0.2.1'), targetMac: mac(PEER_MAC), targetIp: ip('192.0.2.2'),
  }])
})

/** Has the neighbour asked for, and says what it does; its state then. */
const stateAfter = (wire: Wire, address: string, ...said: readonly Uint8Array[]): string | undefined => {
  const question = datagram(address)
  wire.underlay.send(question, 0, question.length)
  wire.say(...said)
  return wire.underlay.neighbours()[0]?.state
}

const TWO = '192.0.2.2'
const HOST = '192.0.2.1'
const OTHER_MAC = '02:00:00:00:0a:09'
const MARKS: readonly (readonly (readonly [number, number])[])[] = [
  [[0x8100, 0]], [[0x8100, 0xe000]], [[0x8100, 0x1000]], [[0x88a8, 0]], [[0x88a8, 0xa000], [0x8100, 0x7000]],
]
const shownTags = (tags: readonly (readonly [number, number])[]): string => tags.map((tag) => tag.map((word) => word.toString(16)).join('/')).join(' ')

for (const [said, message, state] of [
  ['a reply to the host', arp({ reply: true, sender: TWO, target: HOST }), 'reachable'],
  ['a reply of hardware type 6', arp({ reply: true, sender: TWO, target: HOST, hardware: 6 }), 'reachable'],
  ['a reply by broadcast', arp({ reply: true, sender: TWO, target: HOST, to: BROADCAST }), 'reachable'],
  ['a reply to the host that names no target MAC', arp({ reply: true, sender: TWO, target: HOST, targetMac: '00:00:00:00:00:00' }), 'reachable'],
  ['a reply by broadcast to another asker of the same address', arp({ reply: true, sender: TWO, target: HOST, to: BROADCAST, targetMac: OTHER_MAC }), 'stale'],
  ['a reply by broadcast to another host', arp({ reply: true, sender: TWO, target: '192.0.2.3', to: BROADCAST, targetMac: OTHER_MAC }), 'stale'],
  ['a request', arp({ sender: TWO, target: '192.0.2.3' }), 'stale'],
  ['a gratuitous request', arp({ sender: TWO, target: TWO }), 'stale'],
  ['a gratuitous reply', arp({ reply: true, sender: TWO, target: TWO, to: BROADCAST, targetMac: BROADCAST }), 'stale'],
  ['a gratuitous reply to the host alone', arp({ reply: true, sender: TWO, target: TWO }), 'stale'],
  ['a probe', arp({ sender: '0.0.0.0', target: TWO }), 'incomplete'],
  ['inverse ARP', arp({ reply: true, sender: TWO, target: HOST, operation: 9 }), 'incomplete'],
  ['a reply that names a group as its MAC', arp({ reply: true, sender: TWO, senderMac: '01:00:5e:00:00:01', target: HOST }), 'incomplete'],
  ['a reply of somebody else', arp({ reply: true, sender: '192.0.2.3', target: HOST, to: BROADCAST }), 'incomplete'],
] as const) {
  test(`incoming: takes from ${said} that an IPv4 neighbour is ${state}`, (t) => {
    const wire = openWire()
    t.is(stateAfter(wire, TWO, message), state)
    t.is(wire.underlay.neighbours().length, 1)
  })
}

const SIX = '2001:db8::2'
const ALL = { to: 'ff02::1', dstMac: '33:33:00:00:00:01' }
for (const [said, message, state] of [
  ['a solicited advertisement', ndp(advertised(ip(SIX))), 'reachable'],
  ['a solicited advertisement of a router', ndp(advertised(ip(SIX), { router: true })), 'reachable'],
  ['one that does not override', ndp(advertised(ip(SIX), { override: false })), 'reachable'],
  ['an unsolicited one', ndp(advertised(ip(SIX), { solicited: false })), 'stale'],
  ['an unsolicited one that does not override', ndp(advertised(ip(SIX), { solicited: false, override: false })), 'stale'],
  ['an unsolicited one to all nodes', ndp(advertised(ip(SIX), { solicited: false }), ALL), 'stale'],
  ['a solicited one to all nodes, which is a contradiction', ndp(advertised(ip(SIX)), ALL), 'incomplete'],
  ['one without a MAC', ndp(advertised(ip(SIX), { options: [] })), 'incomplete'],
  ['one that came from beyond the link', ndp(advertised(ip(SIX)), { hopLimit: 254 }), 'incomplete'],
] as const) {
  test(`incoming: takes from ${said} that an IPv6 neighbour is ${state}`, (t) => {
    t.is(stateAfter(openWire(), SIX, message), state)
  })
}

test('incoming: learns of nobody who was not asked for', (t) => {
  const wire = openWire()
  wire.say(
    arp({ reply: true, sender: TWO, target: HOST }), arp({ reply: true, sender: TWO, target: HOST, to: BROADCAST }), arp({ sender: TWO, target: TWO }),
    arp({ reply: true, sender: TWO, target: TWO, to: BROADCAST }), ndp(advertised(ip(SIX))), ndp(advertised(ip(SIX), { solicited: false }), ALL),
  )
  t.deepEqual(wire.underlay.neighbours(), [])
})

test('incoming: keeps a neighbour that answers every question by broadcast', (t) => {
  const wire = openWire()
  const frame = datagram(TWO)
  for (let second = 0; second < 120; second++) {
    wire.underlay.send(frame.slice(), 0, frame.length)
    wire.timers.advance(1_000)
    for (const asked of wire.seen()) {
      if (asked[13] === 0x06 && asked[21] === 1) wire.say(arp({ reply: true, sender: TWO, target: HOST, to: BROADCAST }))
    }
  }
  t.is(wire.underlay.counters().sendDrops['Unresolved'], undefined)
  t.is(wire.underlay.counters().sent, 120)
})

for (const tags of MARKS) {
  test(`incoming: answers what comes with priority tags ${shownTags(tags)} behind the same tags`, (t) => {
    const wire = openWire()
    const questions = [arp({ sender: TWO, target: HOST }), ndp(solicitation('2001:db8::1')), ping(HOST), ping('2001:db8::1')]
    wire.say(...questions)
    const plain = wire.seen()
    t.is(plain.length, 4)
    wire.say(...questions.map((question) => tagged(question, ...tags)))
    t.deepEqual(wire.seen(), plain.map((answer) => tagged(answer, ...tags)))
    t.deepEqual(wire.delivered(), [])
  })

  test(`incoming: finds neighbours by answers behind priority tags ${shownTags(tags)}`, (t) => {
    t.is(stateAfter(openWire(), TWO, tagged(arp({ reply: true, sender: TWO, target: HOST }), ...tags)), 'reachable')
    t.is(stateAfter(openWire(), SIX, tagged(ndp(advertised(ip(SIX))), ...tags)), 'reachable')
  })
}

for (const tags of [[[0x8100, 1]], [[0x8100, 0xefff]], [[0x88a8, 100]], [[0x88a8, 0], [0x8100, 5]], [[0x8100, 0], [0x8100, 0], [0x8100, 0]]] as const) {
  test(`incoming: leaves frames of a VLAN what they are, ${shownTags(tags)}`, (t) => {
    const wire = openWire()
    const frames = [arp({ sender: TWO, target: HOST }), ndp(solicitation('2001:db8::1')), ping(HOST), ping('2001:db8::1')].map((frame) => tagged(frame, ...tags))
    wire.say(...frames)
    t.deepEqual(wire.seen(), [])
    t.deepEqual(wire.delivered(), frames)
  })
}
