import test from 'ava'
import { compose } from '../../src/transposition/compose.js'
import { decap, modify, push, requiring } from '../../src/transposition/construct.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { ipv4 } from '../../src/wire/address.js'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { checksum } from '../../src/wire/checksum.js'
import { Verify } from '../../src/wire/parse.js'
import { type Frame, inBuffer, view } from './frames.js'
import { bytesOf, echo, ethernet, frame4, hex, packet6, run, spec, udp } from './hand-made.js'

/** Offsets inside the frame where it is not what it was. */
const changes = (before: Uint8Array, after: Uint8Array): readonly number[] => [...after.keys()].filter((i) => after[i] !== before[i])

const copyOf = (f: Frame): Uint8Array => f.bytes.slice(f.start, f.end)

const tcp = (): Frame => frame4(6, '04d20050' + '0000000100000002' + '5e180400' + '00000000', 16)

/** A frame with this traffic class and TTL, its header checksum right. */
const marked = (f: Frame, traffic: number, ttl = 64): Frame => {
  f.bytes[f.start + 15] = traffic
  f.bytes[f.start + 22] = ttl
  putU16(f.bytes, f.start + 24, 0)
  putU16(f.bytes, f.start + 24, checksum(f.bytes, f.start + 14, f.start + 34))
  return f
}

test('applyEdit: nine flags of TCP are set, the reserved bits and the data offset kept', (t) => {
  const before = copyOf(tcp())
  const { bytes, frame } = run(modify({ tcpFlags: 0x102 }), tcp())
  t.is(u16(bytes, 46), 0x5f02)
  t.deepEqual(changes(before, bytes), [46, 47, 50, 51])
  t.truthy(view(frame, Verify.All))
})

test('applyEdit: an echo becomes a reply under its checksum, and a request again', (t) => {
  const before = copyOf(echo())
  const there = run(modify({ echo: 'reply' }), echo())
  t.is(there.bytes[34], 0)
  t.truthy(view(there.frame, Verify.All))
  t.deepEqual(run(modify({ echo: 'request' }), there.frame).bytes.slice(), before)
})

test('applyEdit: an echo of ICMPv6 has other types', (t) => {
  const { bytes, frame } = run(modify({ echo: 'reply', icmpId: 9 }), ethernet(packet6(58, '800000000007000161', 2)))
  t.is(bytes[54], 129)
  t.is(u16(bytes, 58), 9)
  t.truthy(view(frame, Verify.All))
})

test('applyEdit: every field of ARP is set in its place', (t) => {
  const arp = inBuffer(bytesOf('ffffffffffff' + '000000000001' + '0806' + '0001080006040001' + '000000000001' + '0a000001' + '000000000000' + '0a000002'))
  const { bytes } = run(
    modify({
      dstMac: 1, srcMac: 0x00155d000005, arpOperation: 2, arpSenderMac: 0x00155d000005, arpSender: ipv4(0x0a000002),
      arpTargetMac: 0xc00000000001, arpTarget: ipv4(0x0a000001),
    }),
    arp,
  )
  t.is(hex(bytes), '000000000001' + '00155d000005' + '0806' + '0001080006040002' + '00155d000005' + '0a000002' + 'c00000000001' + '0a000001')
})

test('applyEdit: a TTL is lessened by what is said, in either version', (t) => {
  const four = run(modify({ ttl: { original: 0, minus: 3 } }), udp())
  t.is(four.bytes[22], 61)
  t.truthy(view(four.frame, Verify.All))
  const six = run(modify({ ttl: { original: 0, minus: 63 } }), ethernet(packet6(17, '04d20035000a0000abcd', 6)))
  t.is(six.bytes[21], 1)
  t.truthy(view(six.frame, Verify.All))
})

test('applyEdit: a TTL that is used up ends the packet\'s way and changes nothing', (t) => {
  for (const [ttl, code] of [[4, 'Ok'], [3, 'TtlExceeded'], [0, 'TtlExceeded']] as const) {
    const f = marked(udp(), 0, ttl)
    const before = f.bytes.slice()
    t.is(run(modify({ ttl: { original: 0, minus: 3 } }), f).name, code)
    if (code !== 'Ok') t.deepEqual(f.bytes, before)
  }
})

test('applyEdit: a TTL that is needed of a popped group is asked of it', (t) => {
  const lower = (ttl: number): string => run(compose(requiring({ hops: 9 }), decap()), run(push({ ...spec, ttl }), udp()).frame).name
  t.is(lower(10), 'Ok')
  t.is(lower(9), 'TtlExceeded')
})

test('applyEdit: a DSCP is copied from the group outside, though that is popped', (t) => {
  const tunnelled = run(push({ ...spec, dscp: 46 }), udp()).frame
  const t9n = compose(modify({ dscp: { original: 0 } }, 1), decap())
  const { bytes, frame } = run(t9n, tunnelled)
  t.is(bytes[15], 46 << 2)
  t.truthy(view(frame, Verify.All))
})

test('applyEdit: values that change places are read before one of them is written', (t) => {
  const tunnelled = run(push({ ...spec, dscp: 46, ttl: 9 }), marked(udp(), 10 << 2, 200)).frame
  const swap = compose(
    modify({ dscp: { original: 1 }, ttl: { original: 1, minus: 0 } }),
    // Of what is now there: the frame the first left.
    modify({ dstMac: 5 }, 1),
  )
  const both: HeaderTransposition = swap._tag === 'Invalid' ? swap : {
    ...swap, edit: [swap.edit[0]!, { ...swap.edit[1]!, set: { dscp: { original: 0 }, ttl: { original: 0, minus: 1 } } }],
  }
  const { name, bytes, frame } = run(both, tunnelled)
  t.is(name, 'Ok')
  t.deepEqual([bytes[15], bytes[22], bytes[65], bytes[72]], [10 << 2, 200, 46 << 2, 8])
  t.truthy(view(frame, Verify.All))
})

// RFC 6040, figure 4; a row for each inner codepoint, in it the outgoing one for outer Not-ECT (0), ECT(0) (2), ECT(1) (1) and CE (3).
const FIGURE_4: readonly (readonly [number, readonly (number | 'drop')[]])[] = [
  [0, [0, 0, 0, 'drop']],
  [2, [2, 2, 1, 3]],
  [1, [1, 1, 1, 3]],
  [3, [3, 3, 3, 3]],
]
for (const [inner, row] of FIGURE_4) {
  row.forEach((expected, i) => {
    const outer = [0, 2, 1, 3][i]!
    test(`applyEdit: a tunnel's end makes of outer ECN ${outer} and inner ${inner} ${expected}`, (t) => {
      const tunnelled = run(push({ ...spec, ecn: outer }), marked(udp(), 0xb8 | inner)).frame
      const before = tunnelled.bytes.slice()
      const { name, bytes, frame } = run(decap(), tunnelled)
      if (expected === 'drop') {
        t.is(name, 'CongestionLost')
        t.deepEqual(frame.bytes, before)
      } else {
        t.is(bytes[15], 0xb8 | expected)
        t.truthy(view(frame, Verify.All))
      }
    })
  })
}

test('applyEdit: ECN of two tunnels is combined twice', (t) => {
  const twice = (outer: number, middle: number): number | undefined => {
    const inner = run(push({ ...spec, ecn: middle }), marked(udp(), 2)).frame
    return run(compose(decap(), decap()), run(push({ ...spec, ecn: outer }), inner).frame).bytes[15]
  }
  t.is(twice(3, 2), 3)
  t.is(twice(0, 1), 1)
  t.is(twice(2, 2), 2)
})

test('applyEdit: what has no ECN field comes out of a tunnel as it is', (t) => {
  const arp = inBuffer(bytesOf('ffffffffffff' + '000000000001' + '0806' + '0001080006040001' + '000000000001' + '0a000001' + '000000000000' + '0a000002'))
  const before = copyOf(arp)
  const { name, bytes } = run(decap(), run(push({ ...spec, ecn: 2 }), arp).frame)
  t.is(name, 'Ok')
  t.deepEqual(bytes.slice(), before)
})
