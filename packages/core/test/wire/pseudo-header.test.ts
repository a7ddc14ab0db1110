import test from 'ava'
import { decap, encap, modify, nat, quoted as quote, translate } from '../../src/transposition/construct.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { checksum, sumWords } from '../../src/wire/checksum.js'
import { Verify } from '../../src/wire/parse.js'
import { pseudoDestinationAt, pseudoSourceAt } from '../../src/wire/pseudo-header.js'
import { bytesOf, hex, run, spec, spec6 } from '../transposition/hand-made.js'
import { type Frame, inBuffer, view } from '../transposition/frames.js'

const HOME = '02000000000202000000000186dd6000000000203c4020010db8000000000000000000000c0a20010db8000000000000000000000002' +
  '110201020000c91020010db80000000000000000000000409c419c4200086ba6'
const ROUTE = '020000000002020000000001080047000024000100004011dbad0a0000010a0000098307040a000002009c419c420008b357'
const AWAY6 = ipv6(0x20010db8, 0, 0, 0x99)

/** The UDP checksum, which both frames end in, and whether it is right. */
const udpChecksum = (t: HeaderTransposition, text: string): string => {
  const { name, bytes, frame } = run(t, inBuffer(bytesOf(text)))
  if (name !== 'Ok') return name
  return `${hex(bytes.subarray(-2))}${view(frame, Verify.All) === undefined ? ' wrong' : ''}`
}

test('pseudo-header: a home address stands for the care-of address in the header', (t) => {
  t.truthy(view(inBuffer(bytesOf(HOME)), Verify.All))
  t.is(udpChecksum(nat({ srcIp: AWAY6 }), HOME), '6ba6')
  t.is(udpChecksum(modify({ srcIp: AWAY6, ttl: 3 }), HOME), '6ba6')
  t.is(udpChecksum(nat({ dstIp: AWAY6 }), HOME), '6b0f')
  t.is(udpChecksum(translate({ from: 6, to: 4 }, { srcIp: ipv4(0xc0000201), dstIp: ipv4(0xc0000202) }), HOME).length, 4)
})

test('pseudo-header: the end of an IPv4 source route stands for the next stop in the header', (t) => {
  t.truthy(view(inBuffer(bytesOf(ROUTE)), Verify.All))
  t.is(udpChecksum(nat({ dstIp: ipv4(0x0a00004d) }), ROUTE), 'b357')
  t.is(udpChecksum(nat({ srcIp: ipv4(0x0a000002) }), ROUTE), 'b356')
  t.is(udpChecksum(translate({ from: 4, to: 6 }, { srcIp: AWAY6, dstIp: AWAY6 }), ROUTE), 'Untranslatable')
})

/** An IPv4 header from 10.0.0.1 to 10.0.0.9 with these options, and where its pseudo header's destination is found: from the start of the options. */
const routed = (options: string): number | string => {
  const bytes = bytesOf(`4500001400000000401100000a0000010a000009${options}`)
  const at = pseudoDestinationAt(bytes, false, 0, bytes.length)
  return at === 16 ? 'header' : at < 0 ? 'unknown' : at - 20
}

const routes: readonly (readonly [name: string, options: string, found: number | string])[] = [
  ['none', '', 'header'],
  ['a loose route', '8307040a00000200', 3],
  ['a strict route', '8907040a00000200', 3],
  ['a route of two, of which one is left', '830b080a0000020a00000300', 7],
  ['a route of two, of which both are left', '01830b040a0000020a000003', 8],
  ['a route that is used up', '8307080a00000200', 'header'],
  ['a route whose pointer is far behind it', '8307ff0a00000200', 'header'],
  ['a route of no addresses, used up', '83030401', 'header'],
  ['a pointer into the option’s head', '8307030a00000200', 'unknown'],
  ['a pointer into an address', '8307050a00000200', 'unknown'],
  ['a route of one and a half addresses', '830904' + '0a000002' + '0a00' + '000000', 'unknown'],
  ['a route too short for a pointer', '830200000000', 'unknown'],
  ['two routes', '8307040a000002' + '8907040a00000300' + '00', 'unknown'],
  ['a route behind record route', '0707040000000083' + '07040a000002' + '0000', 10],
  ['a route behind the end of options', '00008307040a000002', 'header'],
  ['a route behind an option that cannot be read', '44018307040a000002', 'header'],
  ['a route past the end of the header', '830b040a00000200', 'header'],
]
for (const [name, options, found] of routes) test(`pseudo-header: with ${name} the IPv4 destination is found`, (t) => t.is(routed(options), found))

/** An IPv6 packet to ::2 with destination options, and where its pseudo header's source is found: from the end of the fixed header. */
const housed = (...headers: readonly string[]): number | string => {
  const bytes = bytesOf(`6000000000003c40${'0'.repeat(30)}07${'0'.repeat(30)}02${headers.join('')}`)
  const at = pseudoSourceAt(bytes, true, 0, bytes.length)
  return at === 8 ? 'header' : at < 0 ? 'unknown' : at - 40
}
const ADDRESS = '20010db8000000000000000000000040'
const homes: readonly (readonly [name: string, headers: readonly string[], found: number | string])[] = [
  ['padding only', ['1100010400000000'], 'header'],
  ['a home address', [`110201020000c910${ADDRESS}`], 8],
  ['a home address past the end of its header', [`11020000000000c9` + `10${ADDRESS.slice(0, 30)}`], 'header'],
  ['a home address and half of another', [`110401020000c910${ADDRESS}` + `c910${ADDRESS.slice(0, 28)}`], 8],
  ['two home addresses in one header', [`110501020000c910${ADDRESS}c910${ADDRESS}010400000000`], 'unknown'],
  ['a home address behind Pad1', [`110300010100c910${ADDRESS}0106000000000000`], 8],
  ['a home address in each of two headers', [`3c0201020000c910${ADDRESS}`, `110201020000c910${ADDRESS}`], 'unknown'],
  ['a home address that is too short', [`110201020000c90f${ADDRESS}`], 'unknown'],
  ['a home address in the second of two headers', ['3c00010400000000', `110201020000c910${ADDRESS}`], 16],
]
for (const [name, headers, found] of homes) test(`pseudo-header: with ${name} the IPv6 source is found`, (t) => t.is(housed(...headers), found))

test('pseudo-header: a home address and a routing header to one are both in the pseudo header', (t) => {
  const route = `3c0202010000000020010db8000000000000000000000077`
  const text = `${HOME.slice(0, 36)}00382b40${HOME.slice(44, 108)}${route}${HOME.slice(108)}`
  const bytes = bytesOf(text)
  const udp = bytes.length - 8
  putU16(bytes, udp + 6, 0)
  const pseudo = sumWords(bytes, udp - 16, udp) + sumWords(bytes, 54 + 8, 54 + 24) + 17 + 8
  putU16(bytes, udp + 6, checksum(bytes, udp, udp + 8, pseudo))
  const whole = hex(bytes)
  t.truthy(view(inBuffer(bytes), Verify.All))
  t.is(udpChecksum(nat({ srcIp: AWAY6, dstIp: AWAY6 }), whole), whole.slice(-4))
  t.is(udpChecksum(translate({ from: 6, to: 4 }, { srcIp: ipv4(1), dstIp: ipv4(2) }), whole), 'Untranslatable')
})

test('pseudo-header: a first fragment follows the same addresses', (t) => {
  const first = bytesOf(ROUTE)
  putU16(first, 20, 0x2000)
  putU16(first, 24, 0)
  putU16(first, 24, checksum(first, 14, 42))
  t.is(hex(run(nat({ dstIp: ipv4(0x0a00004d) }), inBuffer(first)).bytes.subarray(-2)), 'b357')
  t.is(hex(run(nat({ srcIp: ipv4(0x0a000002) }), inBuffer(first)).bytes.subarray(-2)), 'b356')
})

for (const [name, outer] of [['IPv4', spec], ['IPv6', spec6]] as const) {
  test(`pseudo-header: inside a tunnel over ${name} as outside`, (t) => {
    for (const [text, edit] of [[HOME, modify({ srcIp: AWAY6 }, 1)], [ROUTE, modify({ dstIp: ipv4(0x0a00004d) }, 1)]] as const) {
      const tunnelled = run(encap(outer), inBuffer(bytesOf(text))).frame
      t.truthy(view(tunnelled, Verify.All))
      const changed = run(edit, tunnelled)
      t.truthy(view(changed.frame, Verify.All))
      t.is(hex(run(decap(), changed.frame).bytes.subarray(-2)), text.slice(-4))
    }
  })
}

test('pseudo-header: a quoted checksum follows the same addresses', (t) => {
  const error = (header: string, text: string): Frame => {
    const bytes = bytesOf(text.slice(0, 28) + header + text.slice(28))
    const six = text.slice(24, 28) === '86dd'
    if (six) {
      putU16(bytes, 18, bytes.length - 54)
      const icmp = 54
      putU16(bytes, icmp + 2, checksum(bytes, icmp, bytes.length, sumWords(bytes, 22, 54) + 58 + bytes.length - icmp))
    } else {
      putU16(bytes, 16, bytes.length - 14)
      putU16(bytes, 24, checksum(bytes, 14, 34))
      putU16(bytes, 36, checksum(bytes, 34, bytes.length))
    }
    return inBuffer(bytes)
  }
  const four = error(`4500000000000000400100000a0000090a0000010300000000000000`, ROUTE)
  t.is(view(four, Verify.All)?.quoted, true)
  const to4 = run(quote({ dstIp: ipv4(0x0a00004d) }), four)
  t.is(hex(to4.bytes.subarray(-2)), 'b357')
  t.truthy(view(to4.frame, Verify.All))
  t.is(hex(run(quote({ srcIp: ipv4(0x0a000002) }), four).bytes.subarray(-2)), 'b356')
  const six = error(`6000000000003a4020010db800000000000000000000000220010db8000000000000000000000c0a0100000000000000`, HOME)
  t.is(view(six, Verify.All)?.quoted, true)
  const to6 = run(quote({ srcIp: AWAY6 }), six)
  t.is(hex(to6.bytes.subarray(-2)), '6ba6')
  t.truthy(view(to6.frame, Verify.All))
  t.is(u16(run(quote({ dstIp: AWAY6 }), six).bytes, to6.bytes.length - 2), 0x6b0f)
})
