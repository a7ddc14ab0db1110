import test from 'ava'
import { Frag, L3, L4, makeFrameView, QUOTE, Slot, SLOTS, Tunnel, type FrameView } from '../../src/wire/frame-view.js'
import { parseFrame } from '../../src/wire/parse.js'
import { quotedChecksumAt } from '../../src/wire/parse-quote.js'
import { Reason } from '../../src/wire/reason.js'
import { hex } from './hex.js'

const LINK4 = '00155d000002 00155d000001 0800'
const LINK6 = '00155d000002 00155d000001 86dd'
const FD = 'fd000000 00000000 00000000 000000'

/** A frame with an ICMP error, whose header checksum nobody verifies, that carries `quote`. */
const error4 = (quote: string, icmp = '0b00 0000 00000000', trailing = ''): Uint8Array => {
  const message = hex(icmp + quote + trailing)
  const length = (20 + message.length).toString(16).padStart(4, '0')
  return Uint8Array.from([...hex(`${LINK4} 4500 ${length} 0000 0000 4001 0000 0a000001 0a000002`), ...message])
}
const error6 = (quote: string, icmp = '0300 0000 00000000'): Uint8Array => {
  const message = hex(icmp + quote)
  return Uint8Array.from([...hex(`${LINK6} 60000000 ${message.length.toString(16).padStart(4, '0')} 3a40 ${FD}01 ${FD}02`), ...message])
}

const view4 = (quote: string, icmp?: string, trailing?: string): FrameView => parsed(error4(quote, icmp, trailing))
const view6 = (quote: string, icmp?: string): FrameView => parsed(error6(quote, icmp))
const parsed = (bytes: Uint8Array): FrameView => {
  const view = makeFrameView()
  if (parseFrame(view, bytes, 0, bytes.length, 3, 0) !== Reason.Ok) throw new Error(`reason ${view.reason} at ${view.reasonAt}`)
  return view
}
const slot = (view: FrameView, name: keyof typeof Slot): number => view.slots[QUOTE * SLOTS + Slot[name]]!

// of a TCP segment of 1500 bytes with a wrong header checksum, only what RFC 792 asks for
const TCP4 = '4500 05dc 1234 4000 0106 dead 0a000002 c6336407'
const PORTS = '0050 c000 00000001'
const AT4 = 14 + 20 + 8
const AT6 = 14 + 40 + 8

test('quote: an IPv4 header and eight bytes are enough', (t) => {
  const view = view4(TCP4 + PORTS)
  t.true(view.quoted)
  t.is(view.reasonAt, 0)
  t.deepEqual(
    [...view.slots.subarray(QUOTE * SLOTS, QUOTE * SLOTS + 14)],
    [AT4, 0, 0x0800, L3.Ipv4, AT4, 6, Frag.Whole, 0, L4.Tcp, AT4 + 20, AT4 + 28, AT4 + 28, Tunnel.None, 0],
  )
  t.is(quotedChecksumAt(view), -1)
})

test('quote: fewer than eight bytes of transport leave the IP header alone quoted', (t) => {
  for (let length = 0; length < 8; length++) {
    const view = view4(TCP4 + PORTS.replaceAll(' ', '').slice(0, 2 * length))
    t.true(view.quoted)
    t.deepEqual([slot(view, 'L4_KIND'), slot(view, 'L4'), slot(view, 'PAYLOAD'), slot(view, 'END')], [L4.None, AT4 + 20, AT4 + 20, AT4 + 20 + length])
    t.is(quotedChecksumAt(view), -1)
  }
})

test('quote: a cut IP header is not quoted', (t) => {
  const options = '4600 05dc 1234 4000 0106 dead 0a000002 c6336407 94040000'
  for (const header of [TCP4, options]) {
    const digits = header.replaceAll(' ', '')
    for (let length = 0; length < digits.length / 2; length++) t.false(view4(digits.slice(0, 2 * length)).quoted, `${length} bytes`)
    t.true(view4(digits).quoted)
  }
})

test('quote: the checksum of TCP is there from eighteen bytes on, that of UDP and ICMP in the first eight', (t) => {
  const tcp = '0050 c000 00000001 00000002 5010 ffff abcd 0000'.replaceAll(' ', '')
  for (let length = 8; length <= 20; length++) t.is(quotedChecksumAt(view4(TCP4 + tcp.slice(0, 2 * length))), length < 18 ? -1 : AT4 + 36)
  t.is(quotedChecksumAt(view4(`4500 001c 0000 0000 0111 0000 0a000002 0a000003 0035 c000 0008 abcd`)), AT4 + 26)
  t.is(quotedChecksumAt(view4(`4500 001c 0000 0000 0101 0000 0a000002 0a000003 0800 abcd 0001 0001`)), AT4 + 22)
})

test('quote: the payload begins behind the part of the TCP header that is there', (t) => {
  const tcp = '0050 c000 00000001 00000002 8010 ffff abcd 0000 0101 080a 00000001 00000002 ff'.replaceAll(' ', '')
  for (const [length, payload] of [[8, 8], [12, 12], [13, 13], [24, 24], [32, 32], [33, 32]] as const) {
    const view = view4(TCP4 + tcp.slice(0, 2 * length))
    t.deepEqual([slot(view, 'L4_KIND'), slot(view, 'PAYLOAD')], [L4.Tcp, AT4 + 20 + payload], `${length} bytes`)
  }
})

test('quote: the quoted length bounds what is quoted, and padding behind it is not quoted', (t) => {
  const view = view4(`4500 001e 0000 0000 0111 0000 0a000002 0a000003 0035 c000 000a abcd 0102`, undefined, '00'.repeat(40))
  t.is(slot(view, 'END'), AT4 + 30)
})

for (const [name, quote] of [
  ['another version', `${TCP4.replace('4500', '6500')}${PORTS}`],
  ['a header length below 20', `${TCP4.replace('4500', '4400')}${PORTS}`],
  ['a total length below the header length', `${TCP4.replace('05dc', '0013')}${PORTS}`],
  ['a fragment past the longest datagram', `${TCP4.replace('4000', '1fff')}${PORTS}`],
] as const) {
  test(`quote: ${name} is not quoted`, (t) => t.false(view4(quote).quoted))
}

test('quote: a later fragment is quoted without transport, a first one with it', (t) => {
  const later = view4(TCP4.replace('4000', '2010') + PORTS)
  t.deepEqual([later.quoted, slot(later, 'FRAG'), slot(later, 'L4_KIND')], [true, Frag.Later, L4.None])
  const first = view4(TCP4.replace('4000', '2000') + PORTS)
  t.deepEqual([first.quoted, slot(first, 'FRAG'), slot(first, 'L4_KIND')], [true, Frag.First, L4.Tcp])
})

test('quote: an error that quotes an error is read one level deep', (t) => {
  const view = view4(`4500 0038 0000 0000 0101 0000 0a000002 0a000003 0b00 0000 00000000 ${TCP4} ${PORTS}`)
  t.deepEqual([view.quoted, slot(view, 'L3'), slot(view, 'L4_KIND'), slot(view, 'PAYLOAD')], [true, AT4, L4.Icmp, AT4 + 28])
})

test('quote: ends where the length attribute of an extended error says', (t) => {
  const datagram = `${TCP4}${PORTS}${'00'.repeat(100)}`
  const extension = '2000 0000 0008 0101 00001101'
  t.is(slot(view4(datagram, '0b00 0000 00200000', extension), 'END'), AT4 + 128)
  // not a type that has the attribute, a value below 128 bytes, and one past the end
  for (const icmp of ['0500 0000 00200000', '0b00 0000 001f0000', '0b00 0000 00ff0000']) t.is(slot(view4(datagram, icmp, extension), 'END'), AT4 + 140)
  const six = `60000000 0400 0640 ${FD}03 ${FD}04 ${PORTS}${'00'.repeat(80)}`
  t.is(slot(view6(six + extension, '0300 0000 10000000'), 'END'), AT6 + 128)
  t.is(slot(view6(six + extension, '0200 0000 10000000'), 'END'), AT6 + 140)
})

test('quote: IPv6 is quoted behind its extension headers', (t) => {
  const view = view6(`60000000 0400 2c40 ${FD}03 ${FD}04 1100 0001 00000007 0035 c000 0400 abcd`)
  t.deepEqual(
    [...view.slots.subarray(QUOTE * SLOTS, QUOTE * SLOTS + 14)],
    [AT6, 0, 0x86dd, L3.Ipv6, AT6, 17, Frag.First, AT6 + 40, L4.Udp, AT6 + 48, AT6 + 56, AT6 + 56, Tunnel.None, 0],
  )
  t.is(quotedChecksumAt(view), AT6 + 54)
})

test('quote: a cut IPv6 header or extension header is not quoted', (t) => {
  const digits = `60000000 0400 0040 ${FD}03 ${FD}04 1101 0104 00000000 0000000000000000`.replaceAll(' ', '')
  for (let length = 0; length < digits.length / 2; length++) {
    const view = view6(digits.slice(0, 2 * length))
    t.false(view.quoted, `${length} bytes`)
    t.is(view.reasonAt, 0)
  }
  t.true(view6(digits).quoted)
})

test('quote: an error quotes only its own version of IP', (t) => {
  t.false(view4(`60000000 0008 1140 ${FD}03 ${FD}04 0035 c000 0008 abcd`).quoted)
  t.false(view6(TCP4 + PORTS + '00'.repeat(20)).quoted)
  const icmpv6 = view4(`4500 001c 0000 0000 013a 0000 0a000002 0a000003 8000 abcd 0001 0001`)
  t.deepEqual([icmpv6.quoted, slot(icmpv6, 'L4_KIND')], [true, L4.None])
})

test('quote: an echo, and a fragment of an error, quote nothing', (t) => {
  t.false(view4(TCP4 + PORTS, '0800 0000 00000000').quoted)
  const fragment = error4(TCP4 + PORTS)
  fragment[20] = 0x20
  t.false(parsed(fragment).quoted)
})
