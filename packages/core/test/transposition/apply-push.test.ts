import test from 'ava'
import { compose } from '../../src/transposition/compose.js'
import { modify, pop, push, type PushSpec, vlans } from '../../src/transposition/construct.js'
import { pushLength } from '../../src/transposition/push-template.js'
import { ipv4 } from '../../src/wire/address.js'
import { u16 } from '../../src/wire/bytes.js'
import { checksumHolds, pseudoSum6 } from '../../src/wire/checksum.js'
import { Tunnel } from '../../src/wire/frame-view.js'
import { Verify } from '../../src/wire/parse.js'
import { HEADROOM, view } from './frames.js'
import { bytesOf, hex, run, spec, spec6, udp } from './hand-made.js'

const TAGS = [{ tpid: 0x88a8, pcp: 5, dei: true, vid: 100 }, { tpid: 0x8100, pcp: 0, dei: false, vid: 4094 }] as const
/** One option, not critical, of class 0x0102 and type 3 with four bytes. */
const OPTION = bytesOf('0102030105060708')
/** One without data, and a critical one behind it. */
const CRITICAL = bytesOf('01020300' + '01028401aabbccdd')

/** What stands between the IP header and the frame inside, the checksum of UDP over IPv6 aside: 44 bytes follow. */
const TUNNELS: readonly (readonly [string, Partial<PushSpec>, string, number, string])[] = [
  ['VXLAN', { tunnel: 'vxlan' }, '11', Tunnel.Vxlan, 'c00012b5003c0000' + '0800000000138900'],
  ['Geneve', { tunnel: 'geneve' }, '11', Tunnel.Geneve, 'c00017c1003c0000' + '0000655800138900'],
  ['Geneve with an option', { tunnel: 'geneve', options: OPTION }, '11', Tunnel.Geneve, 'c00017c100440000' + '0200655800138900' + '0102030105060708'],
  ['Geneve with a critical option', { tunnel: 'geneve', options: CRITICAL }, '11', Tunnel.Geneve, 'c00017c100480000' + '0340655800138900' + '0102030001028401aabbccdd'],
  ['NVGRE', { tunnel: 'nvgre', srcPort: 0xc07b }, '2f', Tunnel.Nvgre, '200065580013897b'],
  ['GRE', { tunnel: 'gre', vni: 0 }, '2f', Tunnel.Gre, '00006558'],
]

for (const [name, how, protocol, kind, header] of TUNNELS) {
  test(`applyPushes: ${name} over IPv4 has its bytes and its lengths`, (t) => {
    const inside = udp().bytes.slice(HEADROOM, HEADROOM + 44)
    const { name: answer, bytes, frame } = run(push({ ...spec, ...how }), udp())
    t.is(answer, 'Ok')
    const total = (20 + header.length / 2 + 44).toString(16).padStart(4, '0')
    t.is(hex(bytes.subarray(0, 24)), '00155d00000200155d0000010800' + `4500${total}00004000` + `40${protocol}`)
    t.true(checksumHolds(bytes, 14, 34))
    t.is(hex(bytes.subarray(26, 34)), 'c0000201c0000202')
    t.is(hex(bytes.subarray(34, bytes.length - 44)), header)
    t.deepEqual(bytes.slice(bytes.length - 44), inside)
    t.is(bytes.length - 44, lengthOf({ ...spec, ...how }))
    if (name === 'Geneve with a critical option') t.is(view(frame), undefined)
    else t.is(view(frame, Verify.All)?.slots[12], kind)
  })

  test(`applyPushes: ${name} over IPv6 has its lengths, and UDP's checksum in full`, (t) => {
    const { bytes, frame } = run(push({ ...spec6, ...how }), udp())
    const length = header.length / 2 + 44
    t.is(hex(bytes.subarray(12, 22)), '86dd' + '60000000' + length.toString(16).padStart(4, '0') + `${protocol}40`)
    const stored = bytes.slice(54, bytes.length - 44)
    if (protocol === '11') {
      t.true(checksumHolds(bytes, 54, bytes.length, pseudoSum6(bytes, 14, 17, length)))
      stored.fill(0, 6, 8)
    }
    t.is(hex(stored), header)
    if (name !== 'Geneve with a critical option') t.truthy(view(frame, Verify.All))
  })
}

/** The bytes of the group that a specification pushes. */
const lengthOf = (how: PushSpec): number => {
  const pushed = push(how)
  return pushed._tag === 'Invalid' ? 0 : pushed.push.reduce((sum, p) => sum + pushLength(p), 0)
}

test('applyPushes: tags stand between the addresses and the EtherType, outermost first', (t) => {
  for (const how of [spec, spec6]) {
    const { bytes, frame } = run(push({ ...how, vlans: TAGS }), udp())
    t.is(hex(bytes.subarray(12, 22)), '88a8b064' + '81000ffe' + (how === spec ? '0800' : '86dd'))
    t.truthy(view(frame, Verify.All))
  }
})

test('applyPushes: a header with more than two tags is refused, unless one of them is popped again', (t) => {
  const three = compose(push({ ...spec, vlans: TAGS }), vlans({ pop: 0, push: TAGS.slice(0, 1) }))
  t.is(run(three, udp()).name, 'TooDeep')
  t.is(run(compose(three, vlans({ pop: 1, push: [] })), udp()).name, 'Ok')
})

test('applyPushes: a TTL is that of the frame inside, less what it costs', (t) => {
  for (const [how, at] of [[spec, 22], [spec6, 21]] as const) {
    const { bytes, frame } = run(push({ ...how, ttl: { original: 0, minus: 1 } }), udp())
    t.is(bytes[at], 63)
    t.truthy(view(frame, Verify.All))
  }
})

test('applyPushes: a tunnel in a tunnel counts it in its lengths and checksum', (t) => {
  const { name, bytes, frame } = run(compose(push({ ...spec6, tunnel: 'geneve', options: OPTION, vlans: TAGS.slice(0, 1) }), push({ ...spec6, tunnel: 'nvgre' })), udp())
  t.is(name, 'Ok')
  t.is(u16(bytes, 18), bytes.length - 54)
  t.truthy(view(frame, Verify.All))
})

test('applyPushes: a tunnel is replaced by one of another kind in the room of the first', (t) => {
  const first = run(push({ ...spec, tunnel: 'geneve', options: OPTION }), udp()).frame
  const { name, frame } = run(compose(pop(), push({ ...spec, tunnel: 'gre', vni: 0 })), first, first.start)
  t.is(name, 'Ok')
  t.is(frame.start, first.start + 20)
  t.truthy(view(frame, Verify.All))
})

test('applyPushes: the longest frame passes by each kind\'s own length', (t) => {
  for (const [name, how, , , header] of TUNNELS) {
    const most = 0xffff - 20 - header.length / 2
    t.is(run(push({ ...spec, ...how }), ofLength(most)).name, 'Ok', name)
    t.is(run(push({ ...spec, ...how }), ofLength(most + 1)).name, 'TooLong', name)
  }
})

const ofLength = (length: number) => {
  const frame = udp()
  const bytes = new Uint8Array(HEADROOM + length + 16)
  bytes.set(frame.bytes.subarray(frame.start, frame.end), HEADROOM)
  return { bytes, start: HEADROOM, end: HEADROOM + length }
}

test('applyEdit: the identifier of each kind is set, and the byte behind it kept', (t) => {
  for (const [name, how] of TUNNELS) {
    if (how.tunnel === 'gre' || name === 'Geneve with a critical option') continue
    for (const base of [spec, spec6]) {
      const tunnelled = run(push({ ...base, ...how, srcPort: 0xc07b }), udp())
      const at = (base === spec ? 34 : 54) + (how.tunnel === 'nvgre' ? 0 : 8) + 4
      const { bytes, frame } = run(modify({ vni: 0xabcdef }), tunnelled.frame)
      t.is(hex(bytes.subarray(at, at + 4)), how.tunnel === 'nvgre' ? 'abcdef7b' : 'abcdef00', name)
      t.truthy(view(frame, Verify.All), name)
    }
  }
})

test('applyEdit: plain GRE has no identifier to set', (t) => {
  t.is(run(modify({ vni: 1 }), run(push({ ...spec, tunnel: 'gre', vni: 0 }), udp()).frame).name, 'Shape')
})

test('applyEdit: a change inside GRE inside a tunnel with a checksum reaches that checksum', (t) => {
  const inner = run(push({ ...spec, tunnel: 'nvgre' }), udp()).frame
  const tunnelled = run(push(spec6), inner).frame
  const { name, frame } = run(compose(modify({ vni: 7, srcIp: ipv4(1) }, 1), modify({ dstMac: 9, dstIp: ipv4(2), srcPort: 3 }, 2)), tunnelled)
  t.is(name, 'Ok')
  t.truthy(view(frame, Verify.All))
})
