import { buildFrame, dissect, makeFrameView, orThrow, parseFrame, Reason, Verify, wire as protocols } from '@vfp-ts/core'
import test from 'ava'
import { offloadOf } from '../../src/nic/frame-batch.js'
import { HOST_MAC, ip, mac } from './config.js'
import { arp, datagram, lines, macs, ndp, openWire, PEER_MAC, read } from './wire.js'

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
