import test from 'ava'
import { compose, composeAll } from '../../src/transposition/compose.js'
import { modify, push, quoted, translate } from '../../src/transposition/construct.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { checksum, checksumHolds } from '../../src/wire/checksum.js'
import { Verify } from '../../src/wire/parse.js'
import { type Frame, view } from './frames.js'
import { bytesOf, echo, ethernet, hex, packet4, packet6, run, spec6, udp } from './hand-made.js'

const UDP = '04d20035000a0000abcd'
const TCP = '04d20050' + '0000000100000002' + '50180400' + '00000000' + 'abcd'
const ECHO = '080000000007000161'

/** A packet that says that another could not be delivered, and the first `cut` bytes of that. */
const error4 = (inner: Uint8Array, cut = inner.length): Uint8Array => packet4(1, '0303000000000000' + hex(inner.subarray(0, cut)), 2)
const error6 = (inner: Uint8Array, cut = inner.length): Uint8Array => packet6(58, '0104000000000000' + hex(inner.subarray(0, cut)), 2)

const NAT4 = { srcIp: ipv4(0xc0a80001), dstIp: ipv4(0xc0a8ffff), srcPort: 7, dstPort: 0xfffe, icmpId: 0x1234 }
const NAT6 = { ...NAT4, srcIp: ipv6(1, 2, 3, 4), dstIp: ipv6(5, 6, 7, 0xffffffff) }

/** The transport header with the fields of the change that it has. */
const changed = (transport: string, set: typeof NAT4): string => {
  const bytes = bytesOf(transport)
  const isEcho = transport === ECHO || transport.startsWith('80')
  if (isEcho) putU16(bytes, 4, set.icmpId)
  else {
    putU16(bytes, 0, set.srcPort)
    putU16(bytes, 2, set.dstPort)
  }
  return hex(bytes)
}

/** The packet with these addresses, its checksums made anew. */
const readdressed = (packet: Uint8Array, v4: boolean, transport: string, field: number): Uint8Array => {
  const made = v4 ? packet4(packet[9]!, transport) : packet6(packet[6]!, transport)
  const addresses = v4 ? bytesOf('c0a80001c0a8ffff') : bytesOf('00000001000000020000000300000004' + '000000050000000600000007ffffffff')
  made.set(addresses, v4 ? 12 : 8)
  const ip = v4 ? 20 : 40
  if (v4) {
    putU16(made, 10, 0)
    putU16(made, 10, checksum(made, 0, 20))
  }
  const pseudo = packet[9] === 1 && v4 ? 0 : addresses.reduce((sum, b, i) => sum + (i % 2 === 0 ? b * 256 : b), 0) + (made.length - ip) + (v4 ? packet[9]! : packet[6]!)
  putU16(made, ip + field, checksum(made, ip, made.length, pseudo))
  return made
}

for (const [name, version, protocol, transport, field] of [
  ['UDP', 4, 17, UDP, 6], ['TCP', 4, 6, TCP, 16], ['an echo', 4, 1, ECHO, 2],
  ['UDP', 6, 17, UDP, 6], ['TCP', 6, 6, TCP, 16], ['an echo', 6, 58, '80' + ECHO.slice(2), 2],
] as const) {
  const v4 = version === 4
  const inner = (): Uint8Array => (v4 ? packet4 : packet6)(protocol, transport, field)
  const after = (): Uint8Array => readdressed(inner(), v4, changed(transport, NAT4), field)

  test(`applyQuote: quoted ${name} over IPv${version} is as if it had been sent so, whole or cut short`, (t) => {
    for (const cut of [inner().length, (v4 ? 20 : 40) + 8]) {
      const before = ethernet((v4 ? error4 : error6)(inner(), cut))
      const { name: code, bytes, frame } = run(quoted(v4 ? NAT4 : NAT6), before)
      t.is(code, 'Ok')
      t.is(hex(bytes), hex(contentOf(ethernet((v4 ? error4 : error6)(after(), cut)))))
      t.truthy(view(frame, Verify.All))
    }
  })
}

const contentOf = (f: Frame): Uint8Array => f.bytes.subarray(f.start, f.end)

test('applyQuote: a quoted UDP checksum of none stays none', (t) => {
  const { bytes } = run(quoted(NAT4), ethernet(error4(packet4(17, UDP))))
  t.is(u16(bytes, 68), 0)
})

test('applyQuote: a quoted header whose checksum is wrong stays so by the same difference', (t) => {
  const inner = packet4(17, UDP, 6)
  // A router lowered the TTL before it quoted.
  inner[8] = 63
  const { bytes, frame } = run(quoted({ srcIp: ipv4(0xc0a80001) }), ethernet(error4(inner)))
  t.truthy(view(frame, Verify.All))
  const header = bytes.slice(42, 62)
  t.false(checksumHolds(header, 0, 20))
  header[8] = 64
  t.true(checksumHolds(header, 0, 20))
})

test('applyQuote: ports of a quoted echo, and an identifier of quoted UDP, are left alone', (t) => {
  for (const [inner, set] of [[packet4(1, ECHO, 2), { srcPort: 1, dstPort: 2 }], [packet4(17, UDP, 6), { icmpId: 1 }]] as const) {
    const before = contentOf(ethernet(error4(inner))).slice()
    const { name, bytes } = run(quoted(set), ethernet(error4(inner)))
    t.is(name, 'Ok')
    t.deepEqual(bytes.slice(), before)
  }
})

test('applyQuote: a quote without transport header takes its addresses alone', (t) => {
  const { name, bytes, frame } = run(quoted(NAT4), ethernet(error4(packet4(17, UDP, 6), 24)))
  t.is(name, 'Ok')
  t.is(hex(bytes.subarray(54, 66)), 'c0a80001c0a8ffff' + '04d20035')
  t.truthy(view(frame, Verify.All))
})

test('applyQuote: the frame and its quote are changed at once, and a tunnel with a checksum follows', (t) => {
  const t9n = composeAll([quoted(NAT4), modify({ dstIp: ipv4(9) }, 1)])
  const { name, frame } = run(t9n, run(push(spec6), ethernet(error4(packet4(6, TCP, 16), 28))).frame)
  t.is(name, 'Ok')
  t.truthy(view(frame, Verify.All))
  // Where nothing but the quote is changed, too: its checksum cannot follow, as it is cut off.
  const alone = run(quoted(NAT6), run(push(spec6), ethernet(error6(packet6(6, TCP, 16), 48))).frame)
  t.is(alone.name, 'Ok')
  t.truthy(view(alone.frame, Verify.All))
})

test('applyQuote: a frame that quotes nothing passes as it is', (t) => {
  for (const f of [udp(), echo()]) {
    const before = contentOf(f).slice()
    const { name, bytes } = run(quoted(NAT6), f)
    t.is(name, 'Ok')
    t.deepEqual(bytes.slice(), before)
  }
})

const V6 = { srcIp: ipv6(0x20010db8, 1, 0, 0x21), dstIp: ipv6(0x20010db8, 0x1c6, 0x3364, 2) }
const V4 = { srcIp: ipv4(0xc0000221), dstIp: ipv4(0xc6336402) }

for (const [name, t9n, make] of [
  ['an address of the other version', quoted(NAT6), () => ethernet(error4(packet4(17, UDP, 6)))],
  ['a translation that says nothing of the quote', translate({ from: 4, to: 6 }, V6), () => ethernet(error4(packet4(17, UDP, 6)))],
] as const satisfies readonly (readonly [string, HeaderTransposition, () => Frame])[]) {
  test(`applyQuote: ${name} is refused, and nothing is changed`, (t) => {
    const f = make()
    const before = f.bytes.slice()
    t.is(run(t9n, f).name, 'Shape')
    t.deepEqual(f.bytes, before)
  })
}

test('applyQuote: a quote is translated with the message, and then edited', (t) => {
  for (const [t9n, make] of [
    [translate({ from: 4, to: 6 }, V6, 0, { ...V6, srcPort: 99 }), () => ethernet(error4(packet4(17, UDP, 6)))],
    [translate({ from: 6, to: 4 }, V4, 0, { ...V4, srcPort: 99 }), () => ethernet(error6(packet6(17, UDP, 6)))],
  ] as const) {
    const { name, frame } = run(t9n, make())
    t.is(name, 'Ok')
    const v = view(frame, Verify.All)
    t.true(v?.quoted)
    const tunnelled = run(composeAll([push(spec6), nested(t9n)]), make())
    t.is(tunnelled.name, 'Ok')
    t.truthy(view(tunnelled.frame, Verify.All))
  }
})

test('applyQuote: a translated quote inside a tunnel lets its checksum follow', (t) => {
  const before = run(push(spec6), ethernet(error4(packet4(17, UDP, 6)))).frame
  const { name, frame } = run(translate({ from: 4, to: 6 }, V6, 1, V6), before)
  t.is(name, 'Ok')
  t.truthy(view(frame, Verify.All))
})

/** The same for the group one further inside. */
const nested = (t9n: HeaderTransposition): HeaderTransposition =>
  t9n._tag === 'Invalid' ? t9n : { ...t9n, edit: [{ need: {}, set: {} }, ...t9n.edit] }

test('applyQuote: a chain on the quote is one', (t) => {
  const f = () => ethernet(error4(packet4(17, UDP, 6)))
  const first = run(quoted({ srcIp: ipv4(1), srcPort: 5 }), f()).frame
  const inTurn = run(quoted({ dstIp: ipv4(2), srcPort: 6 }), first).bytes
  t.deepEqual(run(compose(quoted({ srcIp: ipv4(1), srcPort: 5 }), quoted({ dstIp: ipv4(2), srcPort: 6 })), f()).bytes, inTurn)
})
