import test from 'ava'
import { ApplyCode } from '../../../src/transposition/apply-code.js'
import { u16 } from '../../../src/wire/bytes.js'
import { correctTransport } from '../../../src/wire/correct-checksum.js'
import { L4 } from '../../../src/wire/frame-view.js'
import { Verify } from '../../../src/wire/parse.js'
import { hex } from '../../wire/hex.js'
import {
  ADDRESSES, concat, datagram, frameOf, ip, packet, type Packet, PADDING_HEADER, translate, translated, viewOf, VISITED_ROUTE, withAddresses, ZERO,
} from './packets.js'

const refusal = (frame: Uint8Array, from: 4 | 6, to: 4 | 6 = from === 4 ? 6 : 4): ApplyCode => translate(frame, { from, to }).code
/** Offset of the IP header in an untagged frame. */
const IP = 14

test('translate: a TCP segment over IPv4 becomes these bytes', (t) => {
  // A SYN from 192.0.2.33 to 198.51.100.2 with DF and an option of four NOPs.
  const frame = hex(`
    020000000001 020000000002 0800
    46b8002c 1c464000 40062e75 c0000221 c6336402 01010101
    c00001bb 00000001 00000000 5002fa00 07ce0000`)
  t.deepEqual(translated(frame, 4, 6), hex(`
    020000000001 020000000002 86dd
    6b800000 00140640 00000000000000000000000000000000 00000000000000000000000000000000
    c00001bb 00000001 00000000 5002fa00 f4250000`))
})

for (const kind of ['tcp', 'udp', 'echo', 'other'] as const) {
  test(`translate: ${kind} over IPv4 becomes the same over IPv6, tags in front and padding behind`, (t) => {
    const p = packet({ kind })
    t.deepEqual(translated(frameOf(datagram(4, p), [5, 6], 7), 4, 6), frameOf(datagram(6, p, ZERO), [5, 6], 7))
  })

  test(`translate: ${kind} over IPv6 becomes the same over IPv4`, (t) => {
    const p = packet({ kind, flowLabel: 0x12345 })
    const result = translated(frameOf(datagram(6, p), [5], 7), 6, 4)
    const id = u16(result, IP + 4 + 4)
    t.deepEqual(result, frameOf(datagram(4, { ...p, id, dontFragment: false }, ZERO), [5], 7))
  })
}

test('translate: addresses written afterwards leave every checksum right', (t) => {
  for (const kind of ['tcp', 'udp', 'echo'] as const) {
    const p = packet({ kind, payload: hex('01020304050607') })
    t.deepEqual(withAddresses(translated(frameOf(datagram(4, p)), 4, 6)), frameOf(datagram(6, p)))
    t.notThrows(() => viewOf(withAddresses(translated(frameOf(datagram(6, p)), 6, 4)), Verify.All))
  }
})

test('translate: IPv4 options are dropped (RFC 7915 §4.1), used up source routes among them', (t) => {
  const plain = frameOf(datagram(6, packet(), ZERO))
  for (const options of ['01010101', '07070800000000 00', '83070800000000 00', '8907080000000000', '00000000', '00ffffff']) {
    t.deepEqual(translated(frameOf(datagram(4, packet({ options: hex(options) }))), 4, 6), plain, options)
  }
})

test('translate: a source route with hops left and options that cannot be read are refused (RFC 7915 §4.1)', (t) => {
  for (const options of ['8307040a000001 00', '8907040a000001 00', '01830704 0a000001', '8302 0000', '07ff 0000', '0701 0000', '01010107', '0101 8307', '83070700000000 00']) {
    t.is(refusal(frameOf(datagram(4, packet({ options: hex(options) }))), 4), ApplyCode.Untranslatable, options)
  }
})

test('translate: extension headers with nothing left to do are skipped (RFC 7915 §5.1)', (t) => {
  const bare = translated(frameOf(datagram(6, packet())), 6, 4)
  for (const extensions of [
    [[0, PADDING_HEADER]], [[60, PADDING_HEADER]], [[43, VISITED_ROUTE]],
    [[0, PADDING_HEADER], [60, PADDING_HEADER], [43, VISITED_ROUTE], [60, PADDING_HEADER]],
  ] as const) {
    t.deepEqual(translated(frameOf(datagram(6, packet({ extensions }))), 6, 4), bare)
  }
})

test('translate: segments left and the authentication header are refused', (t) => {
  // Segments left, RFC 7915 §5.1.
  const route = concat(Uint8Array.of(0, 2, 253, 1, 0, 0, 0, 0), ADDRESSES[6][0])
  t.is(refusal(frameOf(datagram(6, packet({ kind: 'other', extensions: [[43, route]] }))), 6), ApplyCode.Untranslatable)
  const authentication = Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1)
  t.is(refusal(frameOf(datagram(6, packet({ extensions: [[51, authentication]] }))), 6), ApplyCode.Untranslatable)
  t.is(refusal(frameOf(ip(4, packet(), 51, authentication)), 4), ApplyCode.Untranslatable)
})

test('translate: protocols that mean something else behind the other header are refused', (t) => {
  const inside = new Uint8Array(16)
  for (const protocol of [0, 43, 44, 60, 58, 2]) t.is(refusal(frameOf(ip(4, packet(), protocol, inside)), 4), ApplyCode.Untranslatable, `IPv4 ${protocol}`)
  t.is(refusal(frameOf(ip(6, packet(), 1, inside)), 6), ApplyCode.Untranslatable)
  // All others are carried as they are, RFC 7915 §4.5.
  for (const protocol of [47, 50, 59, 132, 253]) {
    t.deepEqual(translated(frameOf(ip(4, packet(), protocol, inside)), 4, 6), frameOf(ip(6, packet(), protocol, inside, ZERO)), String(protocol))
  }
})

test('translate: fragments keep offset, flag and identification (RFC 7915 §4.1, §5.1.1)', (t) => {
  for (const fragment of [{ offset: 0, more: true, id: 0x1234 }, { offset: 1480, more: true, id: 0x1234 }, { offset: 1480, more: false, id: 0x1234 }]) {
    const p = packet({ payload: new Uint8Array(40).fill(3), fragment })
    t.deepEqual(translated(frameOf(datagram(4, p)), 4, 6), frameOf(datagram(6, p, ZERO)))
    // Of the 32 bits the low ones; extension headers in front of the fragment header go.
    const long: Packet = { ...p, fragment: { ...fragment, id: 0xabcd1234 }, extensions: [[60, PADDING_HEADER]] }
    t.deepEqual(translated(frameOf(datagram(6, long)), 6, 4), frameOf(datagram(4, p, ZERO)))
  }
})

test('translate: an atomic fragment gives IPv4 its identification and DF stays clear (RFC 7915 §5.1.1)', (t) => {
  const atomic = packet({ fragment: { offset: 0, more: false, id: 0xabcd1234 }, payload: new Uint8Array(1300) })
  t.deepEqual(translated(frameOf(datagram(6, atomic)), 6, 4), frameOf(datagram(4, { ...atomic, fragment: undefined, id: 0x1234, dontFragment: false }, ZERO)))
})

test('translate: an extension header behind a fragment header is refused (RFC 7915 §5.1.1)', (t) => {
  const fragment = concat(Uint8Array.of(0, 0, 0, 1), new Uint8Array(4))
  for (const extensions of [[[44, fragment], [60, PADDING_HEADER]], [[44, fragment], [43, VISITED_ROUTE]]] as const) {
    t.is(refusal(frameOf(datagram(6, packet({ extensions, payload: new Uint8Array(28) }))), 6), ApplyCode.Untranslatable)
  }
  // A later one shows but the number.
  t.is(refusal(frameOf(ip(6, packet({ fragment: { offset: 64, more: false, id: 1 } }), 60, new Uint8Array(16))), 6), ApplyCode.Untranslatable)
})

test('translate: fragments of ICMP are refused in both directions (RFC 7915 §1.2)', (t) => {
  for (const offset of [0, 64]) {
    const p = packet({ kind: 'echo', fragment: { offset, more: true, id: 7 }, payload: new Uint8Array(32) })
    t.is(refusal(frameOf(datagram(4, p)), 4), ApplyCode.Untranslatable)
    t.is(refusal(frameOf(datagram(6, p)), 6), ApplyCode.Untranslatable)
  }
})

test('translate: UDP without a checksum gets one, and its first fragment is refused (RFC 7915 §4.5)', (t) => {
  const p = packet({ kind: 'udp', unchecked: true })
  t.deepEqual(translated(frameOf(datagram(4, p)), 4, 6), frameOf(datagram(6, { ...p, unchecked: false }, ZERO)))
  t.not(u16(translated(frameOf(datagram(6, p)), 6, 4), IP + 20 + 6), 0)
  const first = { ...p, fragment: { offset: 0, more: true, id: 7 } }
  t.is(refusal(frameOf(datagram(4, first)), 4), ApplyCode.Untranslatable)
  t.is(refusal(frameOf(datagram(6, first)), 6), ApplyCode.Untranslatable)
  const later = { ...p, fragment: { offset: 64, more: false, id: 7 } }
  t.is(refusal(frameOf(datagram(4, later)), 4), ApplyCode.Ok)
})

test('translate: a computed UDP checksum of zero is written as 0xffff', (t) => {
  // Ports and payload that sum up to the complement of the pseudo header: 17 + 10, length 10 in the header.
  const word = 0xffff - (17 + 10 + 10 + 1 + 2)
  const p = packet({ kind: 'udp', unchecked: true, ports: [1, 2], payload: Uint8Array.of(word >>> 8, word & 0xff) })
  t.is(u16(translated(frameOf(datagram(4, p)), 4, 6), IP + 40 + 6), 0xffff)
})

test('translate: a checksum of 0xffff and addresses that sum up to zero give the zero of a full computation', (t) => {
  const addresses = { 4: [Uint8Array.of(0x7f, 0xff, 0x80, 0), Uint8Array.of(0, 0, 0, 0)], 6: ADDRESSES[6] } as const
  const frame = frameOf(datagram(4, packet(), addresses))
  frame.set([0xff, 0xff], IP + 20 + 16)
  t.is(u16(translated(frame, 4, 6), IP + 40 + 16), 0)
})

test('translate: an echo reply of nothing but zeros has the checksum that a full computation gives', (t) => {
  const p = packet({ kind: 'echo', reply: true, ports: [0, 0], payload: new Uint8Array(6) })
  t.is(u16(translated(frameOf(datagram(6, p)), 6, 4), IP + 20 + 2), 0xffff)
})

test('translate: DF is clear up to 1260 bytes and set beyond, where the identification is 0 (RFC 7915 §5.1)', (t) => {
  const short = translated(frameOf(datagram(6, packet({ payload: new Uint8Array(1220) }))), 6, 4)
  t.is(u16(short, IP + 2), 1260)
  t.is(u16(short, IP + 6), 0)
  const long = translated(frameOf(datagram(6, packet({ payload: new Uint8Array(1221) }))), 6, 4)
  t.is(u16(long, IP + 2), 1261)
  t.is(u16(long, IP + 6), 0x4000)
  t.is(u16(long, IP + 4), 0)
})

test('translate: the identification depends on what a packet carries and on nothing that an edit sets', (t) => {
  for (const kind of ['tcp', 'udp', 'echo'] as const) {
    const p = packet({ kind, payload: new Uint8Array(100).fill(1) })
    const id = (change: Partial<Packet>, addresses = ADDRESSES): number => u16(translated(frameOf(datagram(6, { ...p, ...change }, addresses)), 6, 4), IP + 4)
    const plain = id({})
    t.is(id({ ports: [1, kind === 'echo' ? 443 : 2] }), plain)
    t.is(id({ reply: true }), plain)
    t.is(id({ ttl: 3, traffic: 1 }), plain)
    t.is(id({}, { 4: ADDRESSES[4], 6: [ADDRESSES[6][1], ADDRESSES[6][0]] }), plain)
    t.is(id({ extensions: [[60, PADDING_HEADER]], flowLabel: 5 }), plain)
    t.not(id({ payload: new Uint8Array(101).fill(1) }), plain)
    t.not(id({ payload: new Uint8Array(100).fill(1).fill(2, 99) }), plain)
    t.not(id({ payload: new Uint8Array(100).fill(1).fill(2, 0, 1) }), plain)
  }
})

test('translate: the identification of a TCP segment does not depend on its flags', (t) => {
  const frame = frameOf(datagram(6, packet()))
  const edited = frame.slice()
  edited[IP + 40 + 13] = 0x10
  correctTransport(edited, IP + 40, L4.Tcp, u16(edited, IP + 40 + 12) + (u16(frame, IP + 40 + 12) ^ 0xffff), 0)
  t.is(u16(translated(edited, 6, 4), IP + 4), u16(translated(frame, 6, 4), IP + 4))
})

test('translate: the identification knows one zero, whatever the ports sum up to', (t) => {
  // All but the ports sums up to zero: protocol 17, the length twice, and one word.
  const word = 0xffff - (17 + 10 + 10)
  const payload = Uint8Array.of(word >>> 8, word & 0xff)
  const id = (ports: readonly [number, number]): number => u16(translated(frameOf(datagram(6, packet({ kind: 'udp', ports, payload }))), 6, 4), IP + 4)
  t.is(id([0xff00, 0x00ff]), id([1, 2]))
})

test('translate: what IPv4 cannot say the length of is too long', (t) => {
  const most = packet({ kind: 'other', payload: new Uint8Array(65_515) })
  t.is(refusal(frameOf(datagram(6, most)), 6), ApplyCode.Ok)
  t.is(refusal(frameOf(datagram(6, { ...most, payload: new Uint8Array(65_516) })), 6), ApplyCode.TooLong)
  // The whole datagram would be, of which this is the last fragment.
  const last = packet({ kind: 'other', fragment: { offset: 65_504, more: false, id: 1 }, payload: new Uint8Array(11) })
  t.is(refusal(frameOf(datagram(6, last)), 6), ApplyCode.Ok)
  t.is(refusal(frameOf(datagram(6, { ...last, payload: new Uint8Array(12) })), 6), ApplyCode.TooLong)
  t.is(refusal(frameOf(datagram(4, most)), 4), ApplyCode.Ok)
})

test('translate: a group of the other version is refused', (t) => {
  t.is(refusal(frameOf(datagram(4, packet())), 6), ApplyCode.Untranslatable)
  t.is(refusal(frameOf(datagram(6, packet())), 4), ApplyCode.Untranslatable)
})

test('translate: there and back loses what either translation loses', (t) => {
  const p = packet({ options: hex('01010101') })
  const back = translated(frameOf(datagram(4, p), [5], 3), 4, 4)
  t.deepEqual(back, frameOf(datagram(4, { ...p, options: new Uint8Array(0), id: u16(back, IP + 4 + 4), dontFragment: false }, ZERO), [5], 3))
  const other = packet({ extensions: [[0, PADDING_HEADER]], flowLabel: 0x777 })
  t.deepEqual(translated(frameOf(datagram(6, other)), 6, 6), frameOf(datagram(6, { ...other, extensions: [], flowLabel: 0 }, ZERO)))
})

test('translate: there and back is refused where either translation is', (t) => {
  t.is(refusal(frameOf(datagram(4, packet({ options: hex('8307040a00000100') }))), 4, 4), ApplyCode.Untranslatable)
  t.is(refusal(frameOf(datagram(6, packet({ kind: 'other', payload: new Uint8Array(65_516) }))), 6, 6), ApplyCode.TooLong)
  // IGMP's number says nothing to IPv6 and is refused on the way back.
  t.is(refusal(frameOf(ip(6, packet(), 2, new Uint8Array(8))), 6, 4), ApplyCode.Ok)
  t.is(refusal(frameOf(ip(6, packet(), 2, new Uint8Array(8))), 6, 6), ApplyCode.Untranslatable)
})
