import test from 'ava'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { emitExtension, parseExtension, type Ipv6Routing } from '../../src/wire/ipv6-extension.js'
import { finalDestinationAt, formatRouting, readRouting, writeRouting, type RoutingHeader } from '../../src/wire/ipv6-routing.js'
import { hex, left, right } from './hex.js'

const A = 'fd00 0000 0000 0000 0000 0000 0000 000a'
const B = 'fd00 0000 0000 0000 0000 0000 0000 000b'
const a = ipv6(0xfd000000, 0, 0, 10)
const b = ipv6(0xfd000000, 0, 0, 11)

const routingOf = (bytes: Uint8Array): Ipv6Routing => {
  const { repr } = right(parseExtension(bytes, 0, bytes.length, 43))
  if (repr.kind !== 'routing') throw new Error(repr.kind)
  return repr
}

/** Known bytes, what they say, how that is shown, and where the final destination lies if they stand behind the IPv6 header. */
const EXAMPLES: readonly (readonly [string, string, RoutingHeader, string, number])[] = [
  ['a source route', `11 04 00 02 00000000 ${A} ${B}`, { kind: 'source-route', segmentsLeft: 2, addresses: [a, b] }, 'source route, 2 left, fd00::a > fd00::b', 64],
  ['a source route of one stop', `11 02 00 01 00000000 ${A}`, { kind: 'source-route', segmentsLeft: 1, addresses: [a] }, 'source route, 1 left, fd00::a', 48],
  ['a home address', `11 02 02 01 00000000 ${A}`, { kind: 'home', segmentsLeft: 1, home: a }, 'home address fd00::a, 1 left', 48],
  [
    'segment routing', `11 04 04 01 01 00 0007 ${A} ${B}`,
    { kind: 'segment', segmentsLeft: 1, segments: [a, b], flags: 0, tag: 7, tlvs: hex('') }, 'segment routing, 1 left, fd00::a < fd00::b', 48,
  ],
  [
    'reduced segment routing with a padding TLV', `11 03 04 01 00 80 0000 ${A} 0406 000000000000`,
    { kind: 'segment', segmentsLeft: 1, segments: [a], flags: 0x80, tag: 0, tlvs: hex('0406 000000000000') }, 'segment routing, 1 left, fd00::a', 48,
  ],
  ['segment routing at its end', `11 02 04 00 00 00 0000 ${A}`, { kind: 'segment', segmentsLeft: 0, segments: [a], flags: 0, tag: 0, tlvs: hex('') }, 'segment routing, 0 left, fd00::a', 24],
  ['a type that is not taken apart', '11 01 03 01 00000000 00000000 0000000a', { kind: 'other', type: 3, segmentsLeft: 1, data: hex('00000000 00000000 0000000a') }, 'routing type 3, 1 left', -1],
  ['a type that is not taken apart, at its end', '11 00 03 00 00000000', { kind: 'other', type: 3, segmentsLeft: 0, data: hex('00000000') }, 'routing type 3, 0 left', 24],
]

for (const [name, text, repr, shown, final] of EXAMPLES) {
  const bytes = hex(text)

  test(`ipv6-routing: ${name} is read, shown and written`, (t) => {
    t.deepEqual(right(readRouting(routingOf(bytes))), repr)
    t.is(formatRouting(repr), shown)
    const written = new Uint8Array(bytes.length)
    emitExtension(right(writeRouting(repr)), 17, written, 0)
    t.deepEqual(written, bytes)
  })

  test(`ipv6-routing: ${name} has its final destination where it says`, (t) => {
    t.is(finalDestinationAt(packet(43, bytes), 0, 40 + bytes.length), final)
  })
}

/** A packet of which only the next-header fields matter. */
const packet = (next: number, ...headers: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(40 + headers.reduce((sum, header) => sum + header.length, 0))
  bytes[6] = next
  let at = 40
  for (const header of headers) {
    bytes.set(header, at)
    at += header.length
  }
  return bytes
}

for (const [name, text, reason] of [
  ['half an address', `11 03 00 01 00000000 ${A} 0000000000000000`, 'BadLength'],
  ['no address', '11 00 00 01 00000000', 'BadLength'],
  ['more stops left than there are', `11 02 00 02 00000000 ${A}`, 'BadHeader'],
  ['two home addresses', `11 04 02 01 00000000 ${A} ${B}`, 'BadLength'],
  ['two segments left of a home address', `11 02 02 02 00000000 ${A}`, 'BadHeader'],
  ['a last entry behind the end', `11 02 04 01 01 00 0000 ${A}`, 'BadLength'],
  ['two more segments left than the last entry', `11 02 04 02 00 00 0000 ${A}`, 'BadHeader'],
] as const) {
  test(`ipv6-routing: ${name} is refused and has no final destination`, (t) => {
    const bytes = hex(text)
    const error = left(readRouting(routingOf(bytes)))
    t.deepEqual([error.reason, error.protocol], [reason, 'ipv6-extension'])
    t.is(finalDestinationAt(packet(43, bytes), 0, 40 + bytes.length), -1)
  })
}

test('ipv6-routing: the last header with segments left decides, other headers around it or not', (t) => {
  const hop = hex('2b00 0104 00000000')
  const done = hex(`2b 02 02 00 00000000 ${A}`)
  const left = hex(`3c 02 02 01 00000000 ${B}`)
  const options = hex('1100 0104 00000000')
  const bytes = packet(0, hop, done, left, options)
  t.is(finalDestinationAt(bytes, 0, bytes.length), 40 + 8 + 24 + 8)
  const behind = packet(0, hop, left.map((byte, i) => (i === 0 ? 43 : byte)), done.map((byte, i) => (i === 0 ? 60 : byte)), options)
  t.is(finalDestinationAt(behind, 0, behind.length), 40 + 8 + 8)
  t.is(finalDestinationAt(packet(17), 0, 40), 24)
})

test('ipv6-routing: what cannot be written is refused', (t) => {
  t.is(left(writeRouting({ kind: 'source-route', segmentsLeft: 0, addresses: [] })).reason, 'BadLength')
  t.is(left(writeRouting({ kind: 'source-route', segmentsLeft: 1, addresses: [ipv4(1)] })).reason, 'BadHeader')
  t.is(left(writeRouting({ kind: 'segment', segmentsLeft: 3, segments: [a], flags: 0, tag: 0, tlvs: hex('') })).reason, 'BadHeader')
  t.is(left(writeRouting({ kind: 'segment', segmentsLeft: 0, segments: [], flags: 0, tag: 0, tlvs: hex('') })).reason, 'BadLength')
  t.is(left(writeRouting({ kind: 'segment', segmentsLeft: 0, segments: [a], flags: 0, tag: 0, tlvs: hex('00') })).reason, 'BadLength')
  t.is(left(writeRouting({ kind: 'segment', segmentsLeft: 0, segments: Array.from({ length: 128 }, () => a), flags: 0, tag: 0, tlvs: hex('') })).reason, 'BadLength')
  t.is(left(writeRouting({ kind: 'other', type: 4, segmentsLeft: 9, data: hex('00000000') })).reason, 'BadLength')
})
