import test from 'ava'
import { ApplyCode } from '../../../src/transposition/apply-code.js'
import { u16, u32 } from '../../../src/wire/bytes.js'
import { Verify } from '../../../src/wire/parse.js'
import { hex } from '../../wire/hex.js'
import {
  ADDRESSES, concat, datagram, type ErrorMessage, errorDatagram, frameOf, ip, packet, type Packet, PADDING_HEADER, translate, translated, viewOf,
  withAddresses, ZERO,
} from './packets.js'

/** Quotes have these, since they went the other way. */
const SENT = packet({ payload: new Uint8Array(300).map((_, i) => i), ttl: 3 })
/** The header of the error itself. */
const OUTER = packet({ ttl: 250, traffic: 0 })

const error = (version: 4 | 6, message: ErrorMessage, addresses = ADDRESSES): Uint8Array =>
  frameOf(errorDatagram(version, { ...OUTER, dontFragment: version === 6 }, message, addresses), [9], 5)
const IP = 18

/** An IPv4 error as expected: its identification is whatever the translation chose, as long as DF is clear. */
const expected4 = (result: Uint8Array, message: ErrorMessage): Uint8Array =>
  frameOf(errorDatagram(4, { ...OUTER, dontFragment: false, id: u16(result, IP + 4) }, message, ZERO), [9], 5)

/**
 * The quoted packet in both versions, of which only `behind` bytes behind the IP header are left. That of IPv4 is as a translation
 * makes it: DF set where it is longer than 1260 bytes, no identification.
 */
const quotes = (p: Packet, behind: number, addresses = ADDRESSES): readonly [four: Uint8Array, six: Uint8Array] => [
  datagram(4, { ...p, dontFragment: p.payload.length > 1220, id: 0 }, addresses).slice(0, 20 + p.options.length + behind),
  datagram(6, p, addresses).slice(0, 40 + p.extensions.reduce((sum, [, h]) => sum + h.length, 0) + (p.fragment === undefined ? 0 : 8) + behind),
]

/** Unreachable and time exceeded, with their RFC 7915 §4.2 and §5.2 equivalents. */
const PAIRS = [[0x0303, 0x0104], [0x0301, 0x0100], [0x030a, 0x0101], [0x0b00, 0x0300], [0x0b01, 0x0301]] as const

for (const kind of ['tcp', 'udp', 'echo', 'other'] as const) {
  test(`icmp-error: an error that quotes ${kind} is translated with its quote (RFC 7915 §4.3, §5.3)`, (t) => {
    const p = { ...SENT, kind }
    for (const behind of [8, 16, 18, 28, 61, 300]) {
      const [four, six] = quotes(p, behind)
      const [zero4, zero6] = quotes(p, behind, ZERO)
      for (const [code4, code6] of PAIRS) {
        t.deepEqual(translated(error(4, { typeCode: code4, word: 0, quote: four }), 4, 6), error(6, { typeCode: code6, word: 0, quote: zero6 }, ZERO))
        const result = translated(error(6, { typeCode: code6, word: 0, quote: six }), 6, 4)
        t.deepEqual(result, expected4(result, { typeCode: code4, word: 0, quote: zero4 }))
      }
    }
  })
}

test('icmp-error: half a checksum, where a quote ends inside it, stays as it was', (t) => {
  const [four] = quotes(SENT, 17)
  const result = translated(error(4, { typeCode: 0x0303, word: 0, quote: four }), 4, 6)
  t.is(result[IP + 48 + 40 + 16], four[36])
  t.notThrows(() => viewOf(result, Verify.All))
})

test('icmp-error: addresses written into header and quote afterwards leave every checksum right', (t) => {
  for (const kind of ['tcp', 'udp', 'echo'] as const) {
    const [four, six] = quotes({ ...SENT, kind }, 328)
    const to6 = withAddresses(translated(error(4, { typeCode: 0x0303, word: 0, quote: four }), 4, 6))
    t.deepEqual(to6, error(6, { typeCode: 0x0104, word: 0, quote: six }))
    const to4 = withAddresses(translated(error(6, { typeCode: 0x0104, word: 0, quote: six }), 6, 4))
    t.notThrows(() => viewOf(to4, Verify.All))
    t.deepEqual(to4.slice(IP + 28, IP + 28 + four.length), four)
  }
})

test('icmp-error: protocol unreachable and an unrecognized next header become each other', (t) => {
  const [four, six] = quotes(SENT, 8)
  const [zero4, zero6] = quotes(SENT, 8, ZERO)
  t.deepEqual(translated(error(4, { typeCode: 0x0302, word: 0, quote: four }), 4, 6), error(6, { typeCode: 0x0401, word: 6, quote: zero6 }, ZERO))
  const result = translated(error(6, { typeCode: 0x0401, word: 6, quote: six }), 6, 4)
  t.deepEqual(result, expected4(result, { typeCode: 0x0302, word: 0, quote: zero4 }))
})

test('icmp-error: the pointer of a parameter problem is translated, and the error refused where it has no equivalent', (t) => {
  const [four, six] = quotes(SENT, 8)
  const [zero4, zero6] = quotes(SENT, 8, ZERO)
  for (const typeCode of [0x0c00, 0x0c02]) {
    t.deepEqual(
      translated(error(4, { typeCode, word: 9 << 24, quote: four }), 4, 6), error(6, { typeCode: 0x0400, word: 6, quote: zero6 }, ZERO),
    )
    t.is(translate(error(4, { typeCode, word: 10 << 24, quote: four }), { from: 4, to: 6 }).code, ApplyCode.Untranslatable)
    t.is(translate(error(4, { typeCode, word: 20 << 24, quote: four }), { from: 4, to: 6 }).code, ApplyCode.Untranslatable)
  }
  const result = translated(error(6, { typeCode: 0x0400, word: 30, quote: six }), 6, 4)
  t.deepEqual(result, expected4(result, { typeCode: 0x0c00, word: 16 << 24, quote: zero4 }))
  for (const word of [2, 40, 0x8000_0000]) t.is(translate(error(6, { typeCode: 0x0400, word, quote: six }), { from: 6, to: 4 }).code, ApplyCode.Untranslatable)
})

test('icmp-error: fragmentation needed and packet too big carry each other\'s MTU', (t) => {
  const sent = { ...SENT, payload: new Uint8Array(1400) }
  const [four, six] = quotes(sent, 30)
  const word6 = (word: number): number => u32(translated(error(4, { typeCode: 0x0304, word, quote: four }), 4, 6), IP + 40 + 4)
  t.is(word6(1400), 1420)
  t.is(word6(500), 1280)
  // A router that does not say gets the plateau below the 1440 bytes that were sent: none above 1280.
  t.is(word6(0), 1280)
  const long = quotes({ ...sent, payload: new Uint8Array(4000) }, 30)[0]
  t.is(u32(translated(error(4, { typeCode: 0x0304, word: 0, quote: long }), 4, 6), IP + 44), 2022)
  const word4 = (word: number): number => u32(translated(error(6, { typeCode: 0x0200, word, quote: six }), 6, 4), IP + 20 + 4)
  t.is(word4(1400), 1380)
  t.is(word4(1000), 1260)
  t.is(word4(0x8000_0000), 0xffff)
  t.is(u16(translated(error(6, { typeCode: 0x0200, word: 1400, quote: six }), 6, 4), IP + 20), 0x0304)
})

test('icmp-error: options, extension headers and fragments are translated in the quote as anywhere', (t) => {
  const optioned = { ...SENT, options: hex('01010101'), extensions: [[0, PADDING_HEADER]] as const, flowLabel: 7 }
  const [four, six] = quotes(optioned, 40)
  const [zero4, zero6] = quotes(SENT, 40, ZERO)
  t.deepEqual(translated(error(4, { typeCode: 0x0303, word: 0, quote: four }), 4, 6), error(6, { typeCode: 0x0104, word: 0, quote: zero6 }, ZERO))
  const result = translated(error(6, { typeCode: 0x0104, word: 0, quote: six }), 6, 4)
  t.deepEqual(result, expected4(result, { typeCode: 0x0303, word: 0, quote: zero4 }))

  for (const fragment of [{ offset: 0, more: true, id: 0x77 }, { offset: 96, more: false, id: 0x77 }]) {
    const part = { ...SENT, fragment }
    const [part4, part6] = quotes(part, 40)
    const [bare4, bare6] = quotes(part, 40, ZERO)
    t.deepEqual(translated(error(4, { typeCode: 0x0303, word: 0, quote: part4 }), 4, 6), error(6, { typeCode: 0x0104, word: 0, quote: bare6 }, ZERO))
    const back = translated(error(6, { typeCode: 0x0104, word: 0, quote: part6 }), 6, 4)
    t.deepEqual(back, expected4(back, { typeCode: 0x0303, word: 0, quote: bare4 }))
  }
})

test('icmp-error: quoted UDP without a checksum stays without one', (t) => {
  for (const fragment of [undefined, { offset: 0, more: true, id: 0x77 }]) {
    const p: Packet = { ...SENT, kind: 'udp', unchecked: true, fragment }
    const [four, six] = quotes(p, 40)
    const [zero4, zero6] = quotes(p, 40, ZERO)
    t.deepEqual(translated(error(4, { typeCode: 0x0303, word: 0, quote: four }), 4, 6), error(6, { typeCode: 0x0104, word: 0, quote: zero6 }, ZERO))
    const result = translated(error(6, { typeCode: 0x0104, word: 0, quote: six }), 6, 4)
    t.deepEqual(result, expected4(result, { typeCode: 0x0303, word: 0, quote: zero4 }))
  }
})

test('icmp-error: the quoted length is that of the packet which was sent, and DF follows it', (t) => {
  const [four, six] = quotes({ ...SENT, payload: new Uint8Array(1300) }, 8)
  t.is(u16(translated(error(4, { typeCode: 0x0303, word: 0, quote: four }), 4, 6), IP + 48 + 4), 1320)
  const result = translated(error(6, { typeCode: 0x0104, word: 0, quote: six }), 6, 4)
  t.is(u16(result, IP + 28 + 2), 1340)
  t.is(u16(result, IP + 28 + 6), 0x4000)
})

test('icmp-error: an error within an error, another message of ICMP, a fragment of one and a quote that cannot be read are refused', (t) => {
  const [four, six] = quotes(SENT, 8)
  const [echo4, echo6] = quotes({ ...SENT, kind: 'echo' }, 8)
  const message = (typeCode: number, version: 4 | 6): Uint8Array => ip(version, OUTER, version === 4 ? 1 : 58, Uint8Array.of(typeCode >>> 8, typeCode & 0xff, 1, 2, 0, 0, 0, 0))
  const refused4 = [
    errorDatagram(4, OUTER, { typeCode: 0x0303, word: 0, quote: four }), message(0x0d00, 4), message(0x0400, 4), echo4.slice(0, 27), four.slice(0, 19),
    new Uint8Array(0), six, ip(4, { ...OUTER, fragment: { offset: 64, more: false, id: 1 } }, 1, new Uint8Array(8)), ip(4, OUTER, 58, new Uint8Array(8)),
    ip(4, { ...OUTER, options: hex('8307040a00000100') }, 6, new Uint8Array(20)),
  ]
  for (const quote of refused4) t.is(translate(error(4, { typeCode: 0x0303, word: 0, quote }), { from: 4, to: 6 }).code, ApplyCode.Untranslatable)
  const refused6 = [
    errorDatagram(6, OUTER, { typeCode: 0x0104, word: 0, quote: six }), message(0x8700, 6), message(0x8900, 6), echo6.slice(0, 47), six.slice(0, 39),
    new Uint8Array(0), four, ip(6, { ...OUTER, fragment: { offset: 64, more: false, id: 1 } }, 58, new Uint8Array(8)), ip(6, OUTER, 1, new Uint8Array(8)),
  ]
  for (const quote of refused6) t.is(translate(error(6, { typeCode: 0x0104, word: 0, quote }), { from: 6, to: 4 }).code, ApplyCode.Untranslatable)
})

test('icmp-error: messages without an equivalent are refused, and such as stand behind a header without one', (t) => {
  const [four, six] = quotes(SENT, 8)
  for (const typeCode of [0x0400, 0x0501, 0x0c01, 0x030e]) {
    t.is(translate(error(4, { typeCode, word: 0, quote: four }), { from: 4, to: 6 }).code, ApplyCode.Untranslatable)
  }
  for (const typeCode of [0x0402, 0x0105]) t.is(translate(error(6, { typeCode, word: 0, quote: six }), { from: 6, to: 4 }).code, ApplyCode.Untranslatable)
  const routed = frameOf(errorDatagram(4, { ...OUTER, options: hex('8307040a00000100') }, { typeCode: 0x0303, word: 0, quote: four }))
  t.is(translate(routed, { from: 4, to: 6 }).code, ApplyCode.Untranslatable)
  const authenticated = { ...OUTER, extensions: [[51, Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1)]] as const }
  t.is(translate(frameOf(errorDatagram(6, authenticated, { typeCode: 0x0104, word: 0, quote: six })), { from: 6, to: 4 }).code, ApplyCode.Untranslatable)
})

test('icmp-error: one that is an atomic fragment gives IPv4 its identification', (t) => {
  const [, six] = quotes(SENT, 8)
  const atomic = { ...OUTER, fragment: { offset: 0, more: false, id: 0xabcd1234 } }
  const result = translated(frameOf(errorDatagram(6, atomic, { typeCode: 0x0104, word: 0, quote: six })), 6, 4)
  t.is(u16(result, 14 + 4), 0x1234)
  t.is(u16(result, 14 + 6), 0)
})

test('icmp-error: a quoted packet that IPv4 cannot say the length of is too long', (t) => {
  const [, six] = quotes({ ...SENT, kind: 'other', payload: new Uint8Array(65_516) }, 8)
  t.is(translate(error(6, { typeCode: 0x0104, word: 0, quote: six }), { from: 6, to: 4 }).code, ApplyCode.TooLong)
})

test('icmp-error: a message with a wrong checksum leaves with one that is wrong by the same difference', (t) => {
  const [four, six] = quotes(SENT, 61)
  const [zero4, zero6] = quotes(SENT, 61, ZERO)
  t.deepEqual(
    translated(error(4, { typeCode: 0x0303, word: 0, quote: four, wrong: 0x1234 }), 4, 6), error(6, { typeCode: 0x0104, word: 0, quote: zero6, wrong: 0x1234 }, ZERO),
  )
  const result = translated(error(6, { typeCode: 0x0104, word: 0, quote: six, wrong: 0x1234 }), 6, 4)
  t.deepEqual(result, expected4(result, { typeCode: 0x0303, word: 0, quote: zero4, wrong: 0x1234 }))
})

test('icmp-error: what an ICMPv6 error has no room for is cut off the quote (RFC 4443 §2.4)', (t) => {
  const sent = { ...SENT, payload: new Uint8Array(1400).map((_, i) => i) }
  const most = 1280 - 40 - 8 - 40
  for (const behind of [most - 1, most, most + 1, most + 100]) {
    const zero = quotes(sent, Math.min(behind, most), ZERO)
    t.deepEqual(
      translated(error(4, { typeCode: 0x0303, word: 0, quote: quotes(sent, behind)[0] }), 4, 6), error(6, { typeCode: 0x0104, word: 0, quote: zero[1] }, ZERO),
    )
    const result = translated(error(6, { typeCode: 0x0104, word: 0, quote: quotes(sent, behind)[1] }), 6, 4)
    t.deepEqual(result, expected4(result, { typeCode: 0x0303, word: 0, quote: zero[0] }))
  }
})

const EXTENSION = hex('2000dfff 00080101 00001140')
const fill = (bytes: Uint8Array, length: number): Uint8Array => concat(bytes, new Uint8Array(length - bytes.length))

test('icmp-error: an extension stays, the quote in front of it is padded anew and the attribute follows (RFC 4884 §4)', (t) => {
  // Bytes quoted behind the IP header, words of the attribute in both versions.
  for (const [behind, words4, words6] of [[8, 32, 16], [88, 32, 16], [108, 32, 19], [112, 33, 19], [116, 34, 20], [120, 35, 20], [308, 82, 44]] as const) {
    const [four, six] = quotes(SENT, behind)
    const [zero4, zero6] = quotes(SENT, behind, ZERO)
    for (const [code4, code6] of [[0x0303, 0x0104], [0x0b00, 0x0300]] as const) {
      // The quote is shorter than the packet, so all of an unpadded field counts as quoted: only what fills its words is comparable.
      if (20 + behind === words4 * 4) {
        t.deepEqual(
          translated(error(4, { typeCode: code4, word: 0, quote: four, attribute: words4, extension: EXTENSION }), 4, 6),
          error(6, { typeCode: code6, word: 0, quote: fill(zero6, words6 * 8), attribute: words6, extension: EXTENSION }, ZERO),
        )
      }
      if (40 + behind === words6 * 8) {
        const result = translated(error(6, { typeCode: code6, word: 0, quote: six, attribute: words6, extension: EXTENSION }), 6, 4)
        t.deepEqual(result, expected4(result, { typeCode: code4, word: 0, quote: fill(zero4, words4 * 4), attribute: words4, extension: EXTENSION }))
      }
    }
  }
})

test('icmp-error: padding behind a whole quoted packet is no part of it', (t) => {
  const p = { ...SENT, kind: 'udp' as const, payload: new Uint8Array(10) }
  const [four, six] = quotes(p, 18)
  const [zero4, zero6] = quotes(p, 18, ZERO)
  for (const [words4, words6] of [[32, 16], [40, 30]] as const) {
    t.deepEqual(
      translated(error(4, { typeCode: 0x0303, word: 0, quote: fill(four, words4 * 4), attribute: words4, extension: EXTENSION }), 4, 6),
      error(6, { typeCode: 0x0104, word: 0, quote: fill(zero6, 128), attribute: 16, extension: EXTENSION }, ZERO),
    )
    const result = translated(error(6, { typeCode: 0x0104, word: 0, quote: fill(six, words6 * 8), attribute: words6, extension: EXTENSION }), 6, 4)
    t.deepEqual(result, expected4(result, { typeCode: 0x0303, word: 0, quote: fill(zero4, 128), attribute: 32, extension: EXTENSION }))
  }
})

test('icmp-error: an extension is dropped where the new message cannot have it, say where it starts, or hold it', (t) => {
  const [four] = quotes(SENT, 108)
  const [, zero6] = quotes(SENT, 108, ZERO)
  for (const [code4, word4, code6, word6] of [[0x0302, 0, 0x0401, 6], [0x0304, 1400, 0x0200, 1420], [0x0c00, 0x0900_0000, 0x0400, 6]] as const) {
    t.deepEqual(
      translated(error(4, { typeCode: code4, word: word4, quote: four, attribute: 32, extension: EXTENSION }), 4, 6),
      error(6, { typeCode: code6, word: word6, quote: zero6 }, ZERO),
    )
  }
  t.deepEqual(
    translated(error(4, { typeCode: 0x0303, word: 0, quote: four, attribute: 32, extension: new Uint8Array(1100) }), 4, 6),
    error(6, { typeCode: 0x0104, word: 0, quote: zero6 }, ZERO),
  )
  // 255 words of four are 1020 bytes.
  const sent = { ...SENT, payload: new Uint8Array(1200).map((_, i) => i) }
  for (const [behind, attribute] of [[1000, 255], [1008, undefined]] as const) {
    const result = translated(error(6, { typeCode: 0x0104, word: 0, quote: quotes(sent, behind)[1], attribute: (40 + behind) / 8, extension: EXTENSION }), 6, 4)
    const quote = quotes(sent, behind, ZERO)[0]
    t.deepEqual(result, expected4(result, { typeCode: 0x0303, word: 0, quote, ...(attribute !== undefined && { attribute, extension: EXTENSION }) }))
  }
})

test('icmp-error: an attribute without an extension behind it is not kept', (t) => {
  const [four] = quotes(SENT, 108)
  const [, zero6] = quotes(SENT, 108, ZERO)
  for (const attribute of [5, 32, 33, 255]) {
    t.deepEqual(translated(error(4, { typeCode: 0x0303, word: 0, quote: four, attribute }), 4, 6), error(6, { typeCode: 0x0104, word: 0, quote: zero6 }, ZERO))
  }
})

test('icmp-error: there and back keeps the message', (t) => {
  const [four] = quotes(SENT, 61)
  const [zero4] = quotes(SENT, 61, ZERO)
  const back = translated(error(4, { typeCode: 0x0300, word: 0, quote: four }), 4, 4)
  t.deepEqual(back, expected4(back, { typeCode: 0x0301, word: 0, quote: zero4 }))
  const [, six] = quotes({ ...SENT, extensions: [[60, PADDING_HEADER]] }, 61)
  const [, zero6] = quotes(SENT, 61, ZERO)
  t.deepEqual(translated(error(6, { typeCode: 0x0200, word: 1400, quote: six }), 6, 6), error(6, { typeCode: 0x0200, word: 1400, quote: zero6 }, ZERO))
})
