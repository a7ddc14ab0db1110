import test from 'ava'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { dissect } from '../../src/wire/dissect.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import { formatFrame } from '../../src/wire/frame.js'
import { Verify } from '../../src/wire/parse.js'
import { decap, encap, modify, nat, translate } from '../../src/transposition/construct.js'
import { bytesOf, ethernet, hex, packet4, packet6, run, spec, spec6 } from '../transposition/hand-made.js'
import { type Frame, view } from '../transposition/frames.js'
import { right } from './hex.js'

/** `packet`, whose length field lies at `field`, with bytes behind its UDP datagram. */
const withSurplus = (packet: Uint8Array, field: number, surplus: string): Frame => {
  const longer = new Uint8Array(packet.length + surplus.length / 2)
  longer.set(packet)
  longer.set(bytesOf(surplus), packet.length)
  putU16(longer, field, u16(packet, field) + surplus.length / 2)
  if (field === 2) {
    // the header checksum follows its length by the same difference
    putU16(longer, 10, u16(packet, 10) - surplus.length / 2)
  }
  return ethernet(longer)
}

const UDP = '04d2003500' + '0c0000' + 'abcdef01'
const four = (surplus = 'e7'): Frame => withSurplus(packet4(17, UDP, 6), 2, surplus)
const six = (surplus = 'e7'): Frame => withSurplus(packet6(17, UDP, 6), 4, surplus)
const bytes = (f: Frame): Uint8Array => f.bytes.slice(f.start, f.end)

for (const [name, make] of [['IPv4', four], ['IPv6', six]] as const) {
  test(`udp: a surplus over ${name} is no payload, and no part of the checksum`, (t) => {
    for (const surplus of ['e7', 'e7e7', '0123456789abcdef01']) {
      const f = make(surplus)
      t.truthy(view(f, Verify.All))
      const frame = right(dissect(bytes(f)))
      t.is(hex(frame.payload), 'abcdef01')
      t.is(hex(frame.groups[0].surplus ?? new Uint8Array(0)), surplus)
      t.true(formatFrame(frame).includes(`UDP surplus ${surplus.length / 2} bytes`))
      t.deepEqual(right(emitFrame(frame)), bytes(f))
    }
  })

  test(`udp: a surplus over ${name} is left alone where addresses, ports and the version of IP change`, (t) => {
    const is4 = name === 'IPv4'
    const away = is4 ? ipv4(0xc0000209) : ipv6(0x20010db8, 0, 0, 0x99)
    for (const t1 of [
      nat({ srcIp: away, srcPort: 9 }), modify({ ttl: 3 }),
      is4 ? translate({ from: 4, to: 6 }, { srcIp: ipv6(1, 2, 3, 4), dstIp: ipv6(1, 2, 3, 5) }) : translate({ from: 6, to: 4 }, { srcIp: ipv4(1), dstIp: ipv4(2) }),
    ]) {
      const { name: code, frame } = run(t1, make('e701'))
      t.is(code, 'Ok')
      t.truthy(view(frame, Verify.All))
      t.is(hex(bytes(frame)).slice(-12), 'abcdef01e701')
    }
  })
}

test('udp: a datagram without a checksum gets one over its own length where it becomes IPv6', (t) => {
  const packet = packet4(17, UDP)
  const { frame } = run(translate({ from: 4, to: 6 }, { srcIp: ipv6(1, 2, 3, 4), dstIp: ipv6(1, 2, 3, 5) }), withSurplus(packet, 2, 'e7e7e7'))
  t.truthy(view(frame, Verify.All))
  t.not(u16(bytes(frame), 14 + 40 + 6), 0)
})

for (const [name, outer] of [['IPv4', spec], ['IPv6', spec6]] as const) {
  test(`udp: the surplus of a tunnel over ${name} goes with the tunnel, and that of a datagram inside stays`, (t) => {
    const inner = four('e7')
    const before = bytes(inner)
    const { bytes: tunnelled } = run(encap(outer), inner)
    const around = withSurplus(tunnelled.slice(14), name === 'IPv4' ? 2 : 4, '0badf00d01')
    const seen = view(around, Verify.All)
    t.is(seen?.depth, 2)
    const { bytes: out } = run(decap(), around)
    t.deepEqual(out.slice(), before)
  })
}
