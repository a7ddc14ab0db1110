import test from 'ava'
import { compose, composeAll } from '../../src/transposition/compose.js'
import { modify, pop, push, type PushSpec, translate, vlans } from '../../src/transposition/construct.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { fold } from '../../src/wire/checksum.js'
import { SLOTS } from '../../src/wire/frame-view.js'
import { Verify } from '../../src/wire/parse.js'
import { transportSum } from '../../src/wire/transport-checksum.js'
import { type Frame, HEADROOM, inBuffer, view } from './frames.js'
import { echo, ethernet, frame4, hex, packet4, packet6, run, spec, spec6, udp } from './hand-made.js'

const SERVICE = { tpid: 0x88a8, pcp: 5, dei: true, vid: 100 }
const CUSTOMER = { tpid: 0x8100, pcp: 0, dei: false, vid: 4094 }
const S = '88a8b064'
const C = '81000ffe'
const A = '81000001'
const B = '81000002'

/** Two addresses of each version. */
const V4 = { srcIp: ipv4(0xc0000221), dstIp: ipv4(0xc6336402) }
const V6 = { srcIp: ipv6(0x20010db8, 1, 0, 0x21), dstIp: ipv6(0x20010db8, 0x1c6, 0x3364, 2) }

const tagged = (tags: string): Frame => ethernet(packet4(17, '04d20035000a0000abcd', 6), tags)
const udp6 = (): Frame => ethernet(packet6(17, '04d20035000a0000abcd', 6))

for (const [name, before, edit, after] of [
  ['a tag is pushed on none', '', { pop: 0, push: [CUSTOMER] }, C],
  ['two tags are pushed on none, outermost first', '', { pop: 0, push: [SERVICE, CUSTOMER] }, S + C],
  ['a tag is pushed outside of one', A, { pop: 0, push: [SERVICE] }, S + A],
  ['the outer of two tags is popped', A + B, { pop: 1, push: [] }, B],
  ['both tags are popped', A + B, { pop: 2, push: [] }, ''],
  ['all tags are popped, however many', A, { pop: 'all', push: [] }, ''],
  ['all of no tags are popped', '', { pop: 'all', push: [] }, ''],
  ['all tags are replaced by one', A + B, { pop: 'all', push: [CUSTOMER] }, C],
  ['all of no tags are replaced by one', '', { pop: 'all', push: [CUSTOMER] }, C],
  ['a tag is replaced', A + B, { pop: 1, push: [SERVICE] }, S + B],
  ['a tag is replaced by two', A, { pop: 1, push: [SERVICE, CUSTOMER] }, S + C],
] as const) {
  test(`restructure: ${name}`, (t) => {
    const f = tagged(before)
    const packet = hex(f.bytes.subarray(f.end - 32, f.end))
    const floor = HEADROOM - Math.max(0, after.length - before.length) / 2
    const { name: code, bytes, frame } = run(vlans(edit), f, floor)
    t.is(code, 'Ok')
    t.is(hex(bytes), '000000000002000000000001' + after + packet)
    t.is(frame.end, f.end)
  })
}

for (const [name, before, edit, code, floor] of [
  ['a third tag', A + B, { pop: 0, push: [SERVICE] }, 'TooDeep', 0],
  ['a pop of more tags than there are', A, { pop: 2, push: [] }, 'Shape', 0],
  ['a tag for which there is no room', A, { pop: 0, push: [SERVICE] }, 'NoHeadroom', HEADROOM - 3],
] as const) {
  test(`restructure: ${name} is refused as ${code}`, (t) => {
    const f = tagged(before)
    const bytes = f.bytes.slice()
    const { name: answer, frame } = run(vlans(edit), f, floor)
    t.is(answer, code)
    t.deepEqual(f.bytes, bytes)
    t.deepEqual([frame.start, frame.end], [f.start, f.end])
  })
}

/** Tunnels around UDP over IPv4: without a checksum, with one, in GRE, and two of them. */
const TUNNELS = [
  ['VXLAN over IPv4', [spec]], ['VXLAN over IPv6', [spec6]], ['Geneve over IPv6', [{ ...spec6, tunnel: 'geneve' }]], ['NVGRE over IPv4', [{ ...spec, tunnel: 'nvgre' }]],
  ['NVGRE over IPv6 in VXLAN over IPv6', [{ ...spec6, tunnel: 'nvgre' }, spec6]], ['VXLAN over IPv6 in VXLAN over IPv4', [spec6, spec]],
  ['VXLAN over IPv6 in VXLAN over IPv6', [spec6, spec6]],
] as const

const inTunnels = (inside: Frame, pushes: readonly PushSpec[]): Frame => run(composeAll(pushes.map(push)), inside).frame

for (const [name, pushes] of TUNNELS) {
  const depth = pushes.length
  test(`restructure: lengths and checksums of ${name} follow a tag inside`, (t) => {
    const before = inTunnels(tagged(A), pushes)
    for (const [edit, tags] of [[{ pop: 0, push: [SERVICE] }, S + A], [{ pop: 1, push: [] }, ''], [{ pop: 1, push: [CUSTOMER] }, C]] as const) {
      const { name: code, bytes, frame } = run(vlans(edit, depth), { ...before, bytes: before.bytes.slice() })
      t.is(code, 'Ok')
      t.truthy(view(frame, Verify.All))
      // Byte for byte what it would be, had the tag been there first.
      t.is(hex(bytes), hex(ofFrame(inTunnels(tagged(tags), pushes))))
    }
  })

  test(`restructure: lengths and checksums of ${name} follow a translation inside`, (t) => {
    for (const [inside, t9n] of [[udp, translate({ from: 4, to: 6 }, V6, depth)], [udp6, translate({ from: 6, to: 4 }, V4, depth)]] as const) {
      const alone = run(t9n._tag === 'Invalid' ? t9n : { ...t9n, edit: t9n.edit.slice(depth) }, inside()).frame
      const { name: code, bytes, frame } = run(t9n, inTunnels(inside(), pushes))
      t.is(code, 'Ok')
      t.truthy(view(frame, Verify.All))
      t.is(hex(bytes), hex(ofFrame(inTunnels(alone, pushes))))
    }
  })
}

const ofFrame = (f: Frame): Uint8Array => f.bytes.subarray(f.start, f.end)

test('restructure: a wrong checksum around stays wrong by the same difference', (t) => {
  const difference = (f: Frame): number => fold(transportSum(view(f)!, 0)) % 0xffff
  const wrong = inTunnels(tagged(A), [spec6])
  putU16(wrong.bytes, wrong.start + 60, u16(wrong.bytes, wrong.start + 60) ^ 0x1234)
  t.not(difference(wrong), 0)
  for (const t9n of [vlans({ pop: 0, push: [SERVICE] }, 1), vlans({ pop: 1, push: [] }, 1), translate({ from: 4, to: 6 }, V6, 1)]) {
    const { name, frame } = run(t9n, { ...wrong, bytes: wrong.bytes.slice() })
    t.is(name, 'Ok')
    t.is(difference(frame), difference(wrong))
  }
})

test('restructure: a header gets its addresses and other fields after translation', (t) => {
  const t9n = translate({ from: 4, to: 6 }, { ...V6, dstMac: 9, ttl: { original: 0, minus: 1 }, dscp: 3, srcPort: 7 })
  const { bytes, frame } = run(t9n, udp())
  t.is(hex(bytes.subarray(0, 22)), '000000000009' + '000000000001' + '86dd' + '60c00000' + '000a' + '113f')
  t.is(hex(bytes.subarray(22, 54)), '20010db8000000010000000000000021' + '20010db8000001c60000336400000002')
  t.is(u16(bytes, 54), 7)
  t.truthy(view(frame, Verify.All))
})

test('restructure: an echo is translated, and its identifier and direction set', (t) => {
  const { bytes, frame } = run(translate({ from: 4, to: 6 }, { ...V6, icmpId: 0xbeef, echo: 'reply' }), echo())
  t.is(bytes[20], 58)
  t.is(hex(bytes.subarray(54, 56)), '8100')
  t.is(u16(bytes, 58), 0xbeef)
  t.truthy(view(frame, Verify.All))
})

test('restructure: translation and tags of one group, and tags of the one around, at once', (t) => {
  const before = inTunnels(ethernet(packet6(17, '04d20035000a0000abcd', 6), A + B), [{ ...spec6, vlans: [CUSTOMER] }])
  const t9n = composeAll([vlans({ pop: 0, push: [SERVICE] }), vlans({ pop: 'all', push: [] }, 1), translate({ from: 6, to: 4 }, V4, 1), modify({ vni: 3 })])
  const { name, bytes, frame } = run(t9n, before)
  t.is(name, 'Ok')
  t.is(hex(bytes.subarray(12, 22)), S + C + '86dd')
  t.is(frame.start, before.start - 4 + 8 + 20)
  t.truthy(view(frame, Verify.All))
})

test('restructure: groups that change their length one inside the other', (t) => {
  // What is noted of the middle one moves when the inner one does; that was once forgotten.
  const inner = run(push({ ...spec6, tunnel: 'nvgre', vlans: [CUSTOMER] }), tagged(A)).frame
  const before = inTunnels(inner, [spec6])
  const { name, frame } = run(composeAll([vlans({ pop: 'all', push: [] }, 1), translate({ from: 4, to: 6 }, V6, 2), vlans({ pop: 1, push: [] }, 2)]), before)
  t.is(name, 'Ok')
  t.truthy(view(frame, Verify.All))
})

test('restructure: what shrinks and what grows need no more room than both at once', (t) => {
  // Two tags less, twenty bytes more: never further forward than by twelve.
  const f = tagged(A + B)
  const t9n = compose(vlans({ pop: 2, push: [] }), translate({ from: 4, to: 6 }, V6))
  const before = f.bytes.slice(0, HEADROOM - 12)
  const { name, frame } = run(t9n, f, HEADROOM - 12)
  t.is(name, 'Ok')
  t.is(frame.start, HEADROOM - 12)
  t.deepEqual(f.bytes.slice(0, HEADROOM - 12), before)
  t.is(run(t9n, tagged(A + B), HEADROOM - 11).name, 'NoHeadroom')
})

test('restructure: behind a pop, the room of the popped headers is used', (t) => {
  const before = inTunnels(udp(), [spec])
  const { name, frame } = run(compose(pop(), translate({ from: 4, to: 6 }, V6)), before, before.start)
  t.is(name, 'Ok')
  t.is(frame.start, before.start + 50 - 20)
  t.truthy(view(frame, Verify.All))
})

test('restructure: what is pushed around a translated frame counts its new length', (t) => {
  const { name, frame } = run(compose(translate({ from: 4, to: 6 }, V6), push(spec6)), udp())
  t.is(name, 'Ok')
  t.truthy(view(frame, Verify.All))
})

test('restructure: what a push copies behind a translation is what that has set', (t) => {
  const f = frame4(6, '04d20050' + '0000000100000002' + '5e180400' + '00000000', 16)
  const t9n = compose(translate({ from: 4, to: 6 }, { ...V6, ttl: 1 }), push({ ...spec, ttl: { original: 0, minus: 0 } }))
  // The value is the one the first step set: a constant.
  t.is(run(t9n, f).bytes[22], 1)
})

test('restructure: a length that a group around cannot express is refused, and nothing is changed', (t) => {
  for (const pushes of [[spec], [spec6]] as const) {
    const own = pushes[0] === spec ? 0xffff - 36 : 0xffff - 16
    for (const [length, code] of [[own - 4, 'Ok'], [own - 3, 'TooLong']] as const) {
      const long = inTunnels(inBuffer(longFrame(length)), pushes)
      const bytes = long.bytes.slice()
      t.is(run(vlans({ pop: 0, push: [SERVICE] }, 1), long).name, code)
      if (code !== 'Ok') t.deepEqual(long.bytes, bytes)
    }
  }
})

/** A frame of some other protocol, of this length. */
const longFrame = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  bytes.set([0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0x88, 0xb5])
  return bytes
}

test('restructure: the view of the frame as it came is left as it is', (t) => {
  const f = inTunnels(tagged(A), [spec6])
  const v = view(f)!
  const slots = v.slots.slice(0, 2 * SLOTS)
  run(vlans({ pop: 'all', push: [] }, 1), f)
  t.deepEqual(v.slots.slice(0, 2 * SLOTS), slots)
})

test('restructure: what no translator may translate is refused, and nothing is changed', (t) => {
  // IGMP (protocol 2) has no equivalent.
  const f = frame4(2, '1600000000000000')
  const bytes = f.bytes.slice()
  t.is(run(translate({ from: 4, to: 6 }, V6), f).name, 'Untranslatable')
  t.deepEqual(f.bytes, bytes)
})
