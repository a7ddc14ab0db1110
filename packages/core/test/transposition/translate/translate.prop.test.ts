import { fc, testProp } from '@fast-check/ava'
import { ApplyCode } from '../../../src/transposition/apply-code.js'
import { u16 } from '../../../src/wire/bytes.js'
import { type FrameView, Slot } from '../../../src/wire/frame-view.js'
import { Verify } from '../../../src/wire/parse.js'
import { frameBytesArbitrary } from '../../../src/testing/frame-arbitraries.js'
import {
  ADDRESSES, concat, datagram, errorDatagram, frameOf, type Packet, packet, packetArbitrary, translate, translated, viewOf, withAddresses, ZERO,
} from './packets.js'

const tagsArbitrary = fc.array(fc.nat(4095), { maxLength: 2 })
const versionArbitrary = fc.constantFrom<4 | 6>(4, 6)
const other = (version: 4 | 6): 4 | 6 => (version === 4 ? 6 : 4)

/** A packet as a translation makes it: what the other version has no place for is lost. */
const twin = (to: 4 | 6, p: Packet, result: Uint8Array, at: number): Packet => {
  const id16 = p.fragment === undefined ? undefined : { ...p.fragment, id: p.fragment.id & 0xffff }
  // UDP without a checksum gets one, which is right.
  const lost = {
    ...p, options: new Uint8Array(0), extensions: [], flowLabel: 0, fragment: id16, unchecked: false,
    wrong: p.kind === 'other' || (p.kind === 'udp' && p.unchecked) ? 0 : p.wrong,
  }
  if (to === 6 || p.fragment !== undefined) return lost
  const dontFragment = u16(result, at + 2) > 1260
  return { ...lost, dontFragment, id: dontFragment ? 0 : u16(result, at + 4) }
}

testProp(
  'translate: any packet becomes what a stack of the other version would have sent, checksums in full, wrong ones wrong by the same difference',
  [versionArbitrary, packetArbitrary(), tagsArbitrary, fc.nat(20)],
  (t, from, p, tags, padding) => {
    const to = other(from)
    const result = translated(frameOf(datagram(from, p), tags, padding), from, to)
    t.deepEqual(result, frameOf(datagram(to, twin(to, p, result, 14 + 4 * tags.length), ZERO), tags, padding))
  },
)

testProp(
  'translate: addresses written afterwards as an edit writes them leave every checksum right',
  [versionArbitrary, packetArbitrary()],
  (t, from, p) => {
    const frame = frameOf(datagram(from, { ...p, wrong: 0 }))
    t.notThrows(() => viewOf(withAddresses(translated(frame, from, other(from))), Verify.All))
  },
)

testProp('translate: there, back and there is there', [versionArbitrary, packetArbitrary(), tagsArbitrary], (t, from, p, tags) => {
  const to = other(from)
  const there = translated(frameOf(datagram(from, p), tags), from, to)
  t.deepEqual(translated(translated(there, to, from), from, to), there)
})

testProp('translate: there and back at once is one after the other', [versionArbitrary, packetArbitrary(), tagsArbitrary, fc.nat(20)], (t, from, p, tags, padding) => {
  const frame = frameOf(datagram(from, p), tags, padding)
  t.deepEqual(translated(frame, from, from), translated(translated(frame, from, other(from)), other(from), from))
})

/** Errors that quote any packet, cut anywhere, with an extension or without. */
const errorArbitrary = (version: 4 | 6): fc.Arbitrary<Uint8Array> =>
  fc
    .record({
      quoted: packetArbitrary(),
      outer: packetArbitrary(['tcp']).map((p): Packet => ({ ...p, fragment: undefined })),
      typeCode: version === 4 ? fc.constantFrom(0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x030d, 0x0b00, 0x0c00) : fc.constantFrom(0x0100, 0x0104, 0x0200, 0x0300, 0x0400, 0x0401),
      word: version === 4 ? fc.constantFrom(0, 0x0900_0000, 1400, 0xc00_0578) : fc.constantFrom(0, 6, 1400, 24),
      cut: fc.nat(200),
      extension: fc.option(fc.uint8Array({ minLength: 4, maxLength: 40 }), { nil: undefined }),
    })
    .map(({ quoted, outer, typeCode, word, cut, extension }) => {
      const whole = datagram(version, quoted)
      const head = whole.length - quoted.payload.length
      const quote = whole.slice(0, Math.min(whole.length, head + cut))
      const extensible = version === 4 || typeCode >>> 8 === 1 || typeCode >>> 8 === 3
      if (extension === undefined || !extensible) return errorDatagram(version, outer, { typeCode, word, quote })
      const unit = version === 4 ? 4 : 8
      const length = Math.max(128, Math.ceil(quote.length / unit) * unit)
      return errorDatagram(version, outer, { typeCode, word, quote: concat(quote, new Uint8Array(length - quote.length)), attribute: length / unit, extension })
    })

/** What stands behind the quote, where the length attribute says that something does. */
const extensionOf = ({ bytes, slots }: FrameView, version: 4 | 6): Uint8Array | undefined => {
  const icmp = slots[Slot.L4]!
  const extensible = version === 4 || bytes[icmp] === 1 || bytes[icmp] === 3
  const length = version === 4 ? bytes[icmp + 5]! * 4 : bytes[icmp + 4]! * 8
  return extensible && length > 0 ? bytes.slice(icmp + 8 + length, slots[Slot.END]) : undefined
}

const errorsArbitrary = versionArbitrary.chain((version) => fc.tuple(fc.constant(version), errorArbitrary(version)))

testProp('icmp-error: any error is translated or refused, and its quote, checksums and extension hold', [errorsArbitrary, tagsArbitrary], (t, [from, message], tags) => {
  const to = other(from)
  const frame = frameOf(message, tags)
  const { code, frame: result } = translate(frame, { from, to })
  if (code !== ApplyCode.Ok) {
    t.is(code, ApplyCode.Untranslatable)
    return
  }
  const before = viewOf(frame)
  const after = viewOf(result, Verify.All)
  t.true(after.quoted)
  const q = before.slots.length - 16
  for (const slot of [Slot.FRAG, Slot.TUNNEL]) t.is(after.slots[q + slot], before.slots[q + slot])
  const room = 1280 - 88 - (after.slots[q + Slot.FRAG] === 0 ? 0 : 8)
  const rest = (view: typeof before): number => view.slots[q + Slot.END]! - view.slots[q + Slot.L4]!
  const extension = extensionOf(after, to)
  if (extension === undefined) {
    // As many bytes as before, unless they had to be cut. The padding that stood in front of a dropped extension counts as quoted.
    t.is(rest(after), Math.min(rest(before), room))
  } else {
    t.deepEqual(extension, extensionOf(before, from))
    t.true(rest(after) >= rest(before) && rest(after) < rest(before) + 128)
  }
  t.notThrows(() => viewOf(withAddresses(result, ADDRESSES), Verify.All))
})

testProp('icmp-error: without an extension there, back and there is there', [errorsArbitrary], (t, [from, message]) => {
  const to = other(from)
  const frame = frameOf(message)
  fc.pre(extensionOf(viewOf(frame), from) === undefined)
  const { code, frame: there } = translate(frame, { from, to })
  if (code === ApplyCode.Ok) t.deepEqual(translated(translated(there, to, from), from, to), there)
  else t.is(code, ApplyCode.Untranslatable)
})

testProp('translate: any well-formed frame is translated to one that parses, or refused', [frameBytesArbitrary(), versionArbitrary, versionArbitrary], (t, frame, from, to) => {
  const { code, frame: result } = translate(frame, { from, to })
  t.true(code === ApplyCode.Ok || code === ApplyCode.Untranslatable || code === ApplyCode.TooLong)
  if (code !== ApplyCode.Ok) return
  // Lengths of the groups around are the caller's: what a single group becomes must parse.
  if (viewOf(frame).depth === 1) t.notThrows(() => viewOf(result))
})

testProp('translate: the payload stays where it is and nothing behind the datagram changes', [versionArbitrary, packetArbitrary(), fc.nat(20)], (t, from, p, padding) => {
  const frame = frameOf(datagram(from, p), [], padding)
  const result = translated(frame, from, other(from))
  const kept = p.payload.length + padding
  t.deepEqual(result.slice(result.length - kept), frame.slice(frame.length - kept))
})

testProp('translate: a plain packet grows by 20 bytes and a fragment by 28', [packetArbitrary()], (t, p) => {
  const plain = packet({ ...p, options: new Uint8Array(0) })
  const frame = frameOf(datagram(4, plain))
  t.is(translated(frame, 4, 6).length - frame.length, p.fragment === undefined ? 20 : 28)
})
