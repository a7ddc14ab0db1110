/** Law 1 for quotes: of a packet that was cut, what is there is read as `parseFrame` reads the whole. */
import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { putU16 } from '../../src/wire/bytes.js'
import { L3, L4, makeFrameView, QUOTE, Slot, SLOTS, type FrameView } from '../../src/wire/frame-view.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { quotedChecksumAt } from '../../src/wire/parse-quote.js'
import { Reason } from '../../src/wire/reason.js'
import { transportChecksumAt } from '../../src/wire/transport-checksum.js'
import { anyBytesArbitrary, frameBytesArbitrary } from '../../src/testing/frame-arbitraries.js'

const packetArbitrary = frameBytesArbitrary({ maxGroups: 1, network: ['ipv4', 'ipv6'], padding: false })
const view = makeFrameView()
const original = makeFrameView()

/** An ICMP error over the version that carries `quote`, at an offset that the property chooses. */
const wrap = (v4: boolean, quote: Uint8Array, start: number): Uint8Array => {
  const ip = v4 ? 20 : 40
  const bytes = new Uint8Array(start + 14 + ip + 8 + quote.length)
  putU16(bytes, start + 12, v4 ? 0x0800 : 0x86dd)
  bytes[start + 14] = v4 ? 0x45 : 0x60
  putU16(bytes, start + (v4 ? 16 : 18), (v4 ? 28 : 8) + quote.length)
  bytes[start + (v4 ? 23 : 20)] = v4 ? 1 : 58
  bytes[start + 14 + ip] = 3
  bytes.set(quote, start + 22 + ip)
  return bytes
}

const slotOf = (of: FrameView, group: number, name: keyof typeof Slot): number => of.slots[group * SLOTS + Slot[name]]!

testProp('law 1: a quote has the kinds and offsets of the packet it is of', [packetArbitrary, fc.nat(300), fc.nat(7)], (t, frame, cut, start) => {
  // one group, for a tunnel is not looked into where it is quoted
  if (parseFrame(original, frame, 0, frame.length, 1) !== Reason.Ok) throw new Error('a well-formed frame that cannot be parsed')
  const whole = (name: keyof typeof Slot): number => slotOf(original, 0, name)
  const l3 = whole('L3')
  const quoted = frame.subarray(l3, Math.min(frame.length, l3 + cut))
  const bytes = wrap(whole('L3_KIND') === L3.Ipv4, quoted, start)
  t.is(parseFrame(view, bytes, start, bytes.length, 3, Verify.None), Reason.Ok)
  t.is(view.quoted, whole('L4') - l3 <= quoted.length)
  if (!view.quoted) return
  const shift = slotOf(view, QUOTE, 'L3') - l3
  t.is(slotOf(view, QUOTE, 'L3') + quoted.length, bytes.length)
  for (const name of ['L3_KIND', 'PROTO', 'FRAG', 'ETHERTYPE'] as const) t.is(slotOf(view, QUOTE, name), whole(name), name)
  t.is(slotOf(view, QUOTE, 'L4'), whole('L4') + shift)
  t.is(slotOf(view, QUOTE, 'FRAG_HEADER'), whole('FRAG_HEADER') === 0 ? 0 : whole('FRAG_HEADER') + shift)
  t.is(slotOf(view, QUOTE, 'END'), Math.min(whole('END') + shift, bytes.length))
  const read = l3 + quoted.length - whole('L4') >= 8 && whole('L4_KIND') !== L4.None && whole('END') - whole('L4') >= 8
  t.is(slotOf(view, QUOTE, 'L4_KIND'), read ? whole('L4_KIND') : L4.None)
  t.is(slotOf(view, QUOTE, 'PAYLOAD'), read ? Math.min(whole('PAYLOAD') + shift, slotOf(view, QUOTE, 'END')) : whole('L4') + shift)
  const field = whole('L4') + shift + transportChecksumAt(whole('L4_KIND'))
  t.is(quotedChecksumAt(view), read && field + 2 <= slotOf(view, QUOTE, 'END') ? field : -1)
}, { numRuns: 1000 })

const mutated = fc.tuple(packetArbitrary, fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 4 })).map(([frame, changes]) => {
  const bytes = frame.slice()
  for (const [at, by] of changes) if (at < bytes.length) bytes[at] = bytes[at]! ^ by
  return bytes.subarray(14)
})

testProp('law 1: whatever a quote is, it stays inside its message and says nothing of what lies behind', [fc.oneof(anyBytesArbitrary(), mutated), fc.boolean(), fc.nat(255)], (t, quote, v4, word) => {
  const bytes = wrap(v4, quote, 0)
  bytes[(v4 ? 34 : 54) + (v4 ? 5 : 4)] = word
  const slots = ['L2', 'L3', 'L4', 'PAYLOAD', 'END'] as const
  t.is(parseFrame(view, bytes, 0, bytes.length, 3, Verify.None), Reason.Ok)
  t.is(view.reasonAt, 0)
  const offsets = view.quoted ? slots.map((name) => slotOf(view, QUOTE, name)) : []
  t.deepEqual(offsets, [...offsets].sort((a, b) => a - b))
  t.true((offsets.at(-1) ?? 0) <= bytes.length)
  if (view.quoted && slotOf(view, QUOTE, 'L4_KIND') !== L4.None) t.true(slotOf(view, QUOTE, 'END') - slotOf(view, QUOTE, 'L4') >= 8)
  for (const poison of [0x00, 0x45, 0xff]) {
    const surrounded = new Uint8Array(bytes.length + 100).fill(poison)
    surrounded.set(bytes)
    t.is(parseFrame(original, surrounded, 0, bytes.length, 3, Verify.None), Reason.Ok)
    t.is(original.quoted, view.quoted)
    if (view.quoted) t.deepEqual(original.slots.slice(QUOTE * SLOTS), view.slots.slice(QUOTE * SLOTS))
  }
}, { numRuns: 1000 })
