import { fc, testProp } from '@fast-check/ava'
import { SendCode } from '../../src/nic/nic.js'
import { HOST_MAC, ip } from './config.js'
import { advertised, arp, datagram, ndp, openWire, PEER_MAC } from './wire.js'

const seeds = [
  arp({ sender: '192.0.2.2', target: '192.0.2.1' }),
  arp({ reply: true, sender: '192.0.2.2', target: '192.0.2.1' }),
  ndp(advertised(ip('2001:db8::2'))),
  ndp({ kind: 'neighbor-solicitation', target: ip('2001:db8::1'), options: [{ kind: 'source-link-address', mac: 7 }] }),
  datagram('192.0.2.2', 1, PEER_MAC, HOST_MAC),
  datagram('2001:db8::2', 1, PEER_MAC, HOST_MAC),
  datagram('203.0.113.9', 1, PEER_MAC, HOST_MAC),
]

/** A frame that makes sense, with a few bytes changed and maybe cut off. */
const frame = fc
  .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 3 }), fc.oneof(fc.constant(1_000), fc.integer({ min: 14, max: 90 })))
  .map(([seed, changes, length]) => {
    const bytes = seed.slice(0, length)
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
    return bytes
  })

const step = fc.oneof(
  fc.record({ does: fc.constant('send' as const), frame }),
  fc.record({ does: fc.constant('come' as const), frame }),
  fc.record({ does: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
)

testProp('underlay: whatever is sent or comes, each frame is passed on, waits, or is counted', [fc.array(step, { maxLength: 60, size: 'max' })], (t, steps) => {
  const wire = openWire({ maxNeighbours: 3, maxWaiting: 2, routes: [{ prefix: '0.0.0.0/0', via: '192.0.2.2' }] })
  let taken = 0
  let came = 0
  for (const each of steps) {
    if (each.does === 'pass') wire.timers.advance(each.ms)
    else if (each.does === 'come') {
      came++
      wire.say(each.frame)
    } else {
      t.is(wire.underlay.send(each.frame, 0, each.frame.length), SendCode.Ok)
      taken++
    }
  }
  wire.run()
  const { received, receiveDrops, sent, sendDrops } = wire.underlay.counters()
  const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)
  t.is(received + sum(receiveDrops), came)
  t.is(wire.delivered().length, received)
  t.is(sent + sum(sendDrops) + wire.underlay.neighbours().reduce((all, { waiting }) => all + waiting, 0), taken)
})
