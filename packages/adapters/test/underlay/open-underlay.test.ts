import { buildFrame, orThrow } from '@vfp-ts/core'
import test from 'ava'
import { right } from 'fp-ts/lib/Either.js'
import { memoryPair } from '../../src/memory/index.js'
import { type Nic, type Receiver, SendCode } from '../../src/nic/nic.js'
import { openUnderlay } from '../../src/underlay/index.js'
import { HOST_MAC, ip, mac } from './config.js'
import { advertised, arp, datagram, lines, macs, ndp, openWire, PEER_MAC, read, type Wire } from './wire.js'

const H = '020000000a01'
const P = '020000000a02'

/** Sends, and takes the code. */
const send = ({ underlay }: Wire, frame: Uint8Array, offload?: number): SendCode => underlay.send(frame, 0, frame.length, offload)

const resolved = (): Wire => {
  const wire = openWire()
  send(wire, datagram('192.0.2.2'))
  wire.say(arp({ reply: true, sender: '192.0.2.2', target: '192.0.2.1' }))
  send(wire, datagram('2001:db8::2'))
  wire.say(ndp(advertised(ip('2001:db8::2'))))
  wire.seen()
  return wire
}

test('underlay: asks by ARP before it sends, and sends what waited to who answers', (t) => {
  const wire = openWire()
  t.is(send(wire, datagram('192.0.2.2', 1)), SendCode.Ok)
  t.is(send(wire, datagram('192.0.2.2', 2)), SendCode.Ok)
  t.deepEqual(lines(wire.seen()), ['Ethernet 02:00:00:00:0a:01 > ff:ff:ff:ff:ff:ff, type 0x0806; ARP who-has 192.0.2.2 tell 192.0.2.1'])
  wire.say(arp({ reply: true, sender: '192.0.2.2', target: '192.0.2.1' }))
  const sent = wire.seen()
  t.deepEqual(sent.map(macs), [`${H} > ${P}`, `${H} > ${P}`])
  t.deepEqual(sent.map((frame) => read(frame).payload), [Uint8Array.of(1), Uint8Array.of(2)])
  t.deepEqual(wire.delivered(), [])
})

test('underlay: asks by neighbour solicitation for IPv6', (t) => {
  const wire = openWire()
  send(wire, datagram('2001:db8::abcd:1234', 1))
  const [question] = wire.seen()
  t.like(read(question!).groups[0], {
    eth: { source: mac(HOST_MAC), destination: mac('33:33:ff:cd:12:34') },
    net: { source: ip('2001:db8::1'), destination: ip('ff02::1:ffcd:1234'), hopLimit: 255 },
    transport: { type: 135 },
  })
  wire.say(ndp(advertised(ip('2001:db8::abcd:1234')), { from: '2001:db8::abcd:1234' }))
  t.deepEqual(wire.seen().map(macs), [`${H} > ${P}`])
})

test('underlay: sends to a resolved neighbour at once, in the caller’s bytes', (t) => {
  const wire = resolved()
  for (const to of ['192.0.2.2', '2001:db8::2']) {
    const frame = datagram(to, 7)
    t.is(send(wire, frame), SendCode.Ok)
    t.is(macs(frame), `${H} > ${P}`)
    t.deepEqual(wire.seen(), [frame])
  }
})

test('underlay: looks behind VLAN tags for the destination', (t) => {
  const wire = resolved()
  const plain = datagram('192.0.2.2')
  const tagged = Uint8Array.of(...plain.subarray(0, 12), 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, ...plain.subarray(12))
  t.is(send(wire, tagged), SendCode.Ok)
  t.deepEqual(wire.seen().map(macs), [`${H} > ${P}`])
})

test('underlay: sends by the gateway what is beyond the link', (t) => {
  const wire = openWire({ routes: [{ prefix: '0.0.0.0/0', via: '192.0.2.254' }, { prefix: '::/0', via: 'fe80::1' }] })
  send(wire, datagram('203.0.113.5'))
  send(wire, datagram('2001:db8:ffff::1'))
  const [first, second] = wire.seen()
  t.is(lines([first!])[0], 'Ethernet 02:00:00:00:0a:01 > ff:ff:ff:ff:ff:ff, type 0x0806; ARP who-has 192.0.2.254 tell 192.0.2.1')
  t.like(read(second!).groups[0].net, { destination: ip('ff02::1:ff00:1') })
  t.deepEqual(wire.underlay.neighbours().map((n) => n.ip), ['192.0.2.254', 'fe80::1'])
})

test('underlay: counts what has no way, and says it took it', (t) => {
  const wire = openWire({ maxNeighbours: 1 })
  t.is(send(wire, datagram('203.0.113.5')), SendCode.Ok)
  t.is(send(wire, datagram('192.0.2.1')), SendCode.Ok)
  t.is(send(wire, Uint8Array.from({ length: 60 }, () => 0x11)), SendCode.Ok)
  send(wire, datagram('192.0.2.2'))
  t.is(send(wire, datagram('192.0.2.3')), SendCode.Ok)
  t.deepEqual(wire.underlay.counters().sendDrops, { NoRoute: 1, OwnAddress: 1, NotIp: 1, NeighboursFull: 1 })
})

test('underlay: counts what nobody answered for', (t) => {
  const wire = openWire()
  send(wire, datagram('192.0.2.2'))
  wire.timers.advance(3_000)
  t.is(send(wire, datagram('192.0.2.2')), SendCode.Ok)
  t.deepEqual(wire.underlay.counters().sendDrops, { Unresolved: 2 })
  t.is(wire.seen().length, 3)
  t.is(wire.underlay.neighbours()[0]?.state, 'failed')
})

test('underlay: asks a neighbour anew that was given up and forgotten', (t) => {
  const wire = openWire()
  send(wire, datagram('192.0.2.2', 1))
  wire.timers.advance(3_000)
  wire.timers.advance(5_000)
  wire.seen()
  send(wire, datagram('192.0.2.2', 2))
  t.is(wire.seen().length, 1)
  wire.say(arp({ reply: true, sender: '192.0.2.2', target: '192.0.2.1' }))
  t.deepEqual(wire.seen().map((frame) => read(frame).payload), [Uint8Array.of(2)])
})

test('underlay: asks the neighbours it goes on sending to whether they are still there, and only them', (t) => {
  const wire = resolved()
  wire.timers.advance(31_000)
  send(wire, datagram('192.0.2.2'))
  wire.seen()
  wire.timers.advance(1_000)
  t.deepEqual(lines(wire.seen()), ['Ethernet 02:00:00:00:0a:01 > 02:00:00:00:0a:02, type 0x0806; ARP who-has 192.0.2.2 tell 192.0.2.1'])
  send(wire, datagram('2001:db8::2'))
  wire.seen()
  wire.timers.advance(1_000)
  const [, six] = wire.seen()
  // By unicast, to the MAC that is known, with the option that saves the neighbour a question: RFC 4861 §7.2.2.
  t.like(read(six!).groups[0], { eth: { destination: mac(PEER_MAC) }, net: { destination: ip('2001:db8::2') }, transport: { type: 135 } })
  t.is(read(six!).payload.length, 28)
})

test('underlay: refuses at once what could never leave, also while it is not known to whom', (t) => {
  const wire = openWire()
  t.is(send(wire, orThrow(buildFrame({ proto: 'udp', srcIp: '192.0.2.1', dstIp: '192.0.2.2', payload: new Uint8Array(1_500) }))), SendCode.TooLong)
  t.is(send(wire, datagram('192.0.2.2'), 0x1_0000), SendCode.Unfinished)
  t.is(send(wire, new Uint8Array(13)), SendCode.TooShort)
  wire.pair.setLink('down')
  t.is(send(wire, datagram('192.0.2.2')), SendCode.LinkDown)
  t.deepEqual(wire.underlay.counters().sendDrops, { TooLong: 1, Unfinished: 1, TooShort: 1, LinkDown: 1 })
  t.deepEqual(wire.underlay.neighbours().map((n) => n.waiting), [0])
})

test('underlay: maps group addresses by rule, and asks nobody', (t) => {
  const wire = openWire()
  for (const to of ['239.129.2.3', '255.255.255.255', '192.0.2.255', 'ff02::1:2']) t.is(send(wire, datagram(to)), SendCode.Ok)
  t.deepEqual(wire.seen().map(macs), [`${H} > 01005e010203`, `${H} > ffffffffffff`, `${H} > ffffffffffff`, `${H} > 333300010002`])
  t.deepEqual(wire.underlay.neighbours(), [])
})

test('underlay: follows a neighbour to another MAC, told by a gratuitous ARP or an unsolicited advertisement', (t) => {
  const wire = resolved()
  const other = '02:00:00:00:0a:99'
  wire.say(arp({ sender: '192.0.2.2', senderMac: other, target: '192.0.2.2' }))
  wire.say(ndp(advertised(ip('2001:db8::2'), { solicited: false, options: [{ kind: 'target-link-address', mac: mac(other) }] }),
    { to: 'ff02::1', dstMac: '33:33:00:00:00:01' }))
  send(wire, datagram('192.0.2.2'))
  send(wire, datagram('2001:db8::2'))
  t.deepEqual(wire.seen().map(macs), [`${H} > 020000000a99`, `${H} > 020000000a99`])
  t.deepEqual(wire.underlay.neighbours().map((n) => n.state), ['stale', 'stale'])
})

test('underlay: believes no advertisement that came through a router, or says too much', (t) => {
  const wire = openWire()
  send(wire, datagram('2001:db8::2'))
  const answer = advertised(ip('2001:db8::2'))
  wire.say(ndp(answer, { hopLimit: 254 }), ndp(answer, { to: 'ff02::1', dstMac: '33:33:00:00:00:01' }))
  wire.say(ndp({ ...answer, options: [{ kind: 'target-link-address', mac: mac('33:33:00:00:00:01') }] }))
  const broken = ndp(answer)
  broken[60]! ^= 1
  wire.say(broken)
  t.is(wire.underlay.neighbours()[0]?.state, 'incomplete')
  wire.say(ndp(answer))
  t.is(wire.underlay.neighbours()[0]?.state, 'reachable')
})

test('underlay: learns nothing of strangers, however many tell of themselves', (t) => {
  const wire = openWire()
  for (let i = 2; i < 200; i++) wire.say(arp({ sender: `192.0.2.${i}`, target: '192.0.2.1' }), ndp(advertised(ip(`2001:db8::${i}`))))
  t.deepEqual(wire.underlay.neighbours(), [])
})

test('underlay: a static neighbour is asked nothing and believed nothing', (t) => {
  const wire = openWire({ neighbours: [{ ip: '192.0.2.2', mac: '02:00:00:00:0a:55' }] })
  wire.say(arp({ reply: true, sender: '192.0.2.2', target: '192.0.2.1' }))
  send(wire, datagram('192.0.2.2'))
  t.deepEqual(wire.seen().map(macs), [`${H} > 020000000a55`])
  wire.timers.advance(3_600_000)
  t.deepEqual(wire.seen(), [])
  t.like(wire.underlay.neighbours()[0], { state: 'static', mac: '02:00:00:00:0a:55' })
  t.is(wire.timers.pending(), 0)
})

test('underlay: announces its addresses at the start and when the link comes up', (t) => {
  const wire = openWire({ announce: true })
  const announced = wire.seen()
  t.is(lines(announced)[0], 'Ethernet 02:00:00:00:0a:01 > ff:ff:ff:ff:ff:ff, type 0x0806; ARP who-has 192.0.2.1 tell 192.0.2.1')
  t.like(read(announced[1]!).groups[0], {
    eth: { destination: mac('33:33:00:00:00:01') }, net: { source: ip('2001:db8::1'), destination: ip('ff02::1'), hopLimit: 255 }, transport: { type: 136 },
  })
  // Not solicited, to be believed: RFC 4861 §7.2.6.
  t.is(read(announced[1]!).payload[0], 0x20)
  wire.pair.setLink('down')
  wire.run()
  wire.pair.setLink('up')
  t.is(wire.seen().length, 2)
  t.deepEqual(wire.links, ['down', 'up'])
})

test('underlay: counts the frames of who uses it, and not its own', (t) => {
  const wire = resolved()
  wire.say(datagram('192.0.2.1', 0, PEER_MAC, HOST_MAC), arp({ sender: '192.0.2.2', target: '192.0.2.1' }), datagram('192.0.2.1', 0, PEER_MAC, '02:00:00:00:0a:77'))
  const { received, receivedBytes, sent, sentBytes, receiveDrops } = wire.underlay.counters()
  // Sent: one datagram of each version, that had waited.
  t.deepEqual({ received, receivedBytes, sent, sentBytes }, { received: 1, receivedBytes: 43, sent: 2, sentBytes: 43 + 63 })
  t.deepEqual(receiveDrops, { Answered: 3, NotForUs: 1 })
})

test('underlay: closing loses what waits, counted, and holds no timer', async (t) => {
  const wire = openWire()
  send(wire, datagram('192.0.2.2'))
  const closing = wire.underlay.close()
  wire.run()
  await closing
  t.is(wire.underlay.close(), closing)
  t.is(wire.timers.pending(), 0)
  t.deepEqual(wire.underlay.counters().sendDrops, { Unresolved: 1 })
  t.is(send(wire, datagram('192.0.2.2')), SendCode.Closed)
})

test('underlay: a neighbour whose first frame cannot leave is forgotten like any other, and keeps nobody out', (t) => {
  const wire = openWire({ maxNeighbours: 2 })
  const long = (to: string): Uint8Array => orThrow(buildFrame({ proto: 'udp', srcIp: '192.0.2.1', dstIp: to, payload: new Uint8Array(1_600) }))
  for (const n of [10, 11]) t.is(send(wire, long(`192.0.2.${n}`)), SendCode.TooLong)
  wire.timers.advance(60_000)
  t.is(wire.timers.pending(), 0)
  t.deepEqual(wire.underlay.neighbours(), [])
  wire.seen()
  t.is(send(wire, datagram('192.0.2.2')), SendCode.Ok)
  t.is(wire.seen().length, 1)
  t.deepEqual(wire.underlay.counters().sendDrops, { TooLong: 2 })
})

test('underlay: long frames to many who do not answer take a few megabytes at most, and the rest is counted', (t) => {
  const wire = openWire({}, { mtu: 65_535 })
  const long = (to: string): Uint8Array => orThrow(buildFrame({ proto: 'udp', srcIp: '192.0.2.1', dstIp: to, payload: new Uint8Array(60_000) }))
  for (let n = 10; n < 30; n++) for (let k = 0; k < 16; k++) t.is(send(wire, long(`192.0.2.${n}`)), SendCode.Ok)
  const waiting = (): number => wire.underlay.neighbours().reduce((sum, { waiting: frames }) => sum + frames, 0)
  t.is(waiting(), Math.floor((4 << 20) / 60_042))
  t.deepEqual(wire.underlay.counters().sendDrops, { WaitingOverflow: 320 - waiting() })
  t.is(wire.seen().length, 20)
  wire.timers.advance(60_000)
  send(wire, long('192.0.2.40'))
  wire.say(arp({ reply: true, sender: '192.0.2.40', target: '192.0.2.1' }))
  t.is(wire.seen().at(-1)?.length, 60_042)
})

test('underlay: tells its receiver of everything, also one whose methods are those of a class', (t) => {
  const told: string[] = []
  class Listener implements Receiver {
    frames(): void {
      told.push('frames')
    }
    drained(): void {
      told.push('drained')
    }
    failed(): void {
      told.push('failed')
    }
  }
  let inner: Receiver | undefined
  const { a } = memoryPair({ macs: [HOST_MAC, PEER_MAC] })
  const nic: Nic = { ...a, start: (receiver) => {
    inner = receiver
    return right(undefined)
  } }
  orThrow(orThrow(openUnderlay(nic, { addresses: ['192.0.2.1/24'], announce: false })).start(new Listener()))
  inner?.drained?.()
  inner?.failed?.({ _tag: 'NicError', nic: 'a', operation: 'link', code: 'LinkDown', reason: 'gone', retryable: true })
  t.deepEqual(told, ['drained', 'failed'])
})
