import { testProp } from '@fast-check/ava'
import { L4, makeFrameView, MAX_GROUPS, OFFLOAD_PARTIAL, OFFLOAD_UDP, parseFrame, Slot, SLOTS, Verify, wire } from '@vfp-ts/core'
import { anyBytesArbitrary, bytesOf } from '@vfp-ts/core/testing'
import test from 'ava'
import fc from 'fast-check'
import { offloadOf, placedOffload } from '../../src/nic/frame-batch.js'
import {
  GSO_ECN, readVirtioHeader, REFUSED, VIRTIO_NET_HEADER, VirtioNetAt, VirtioNetFlag, VirtioNetGso, writeVirtioHeader,
} from '../../src/offload/virtio-net-header.js'
import { cuttable, sctpFrame, spoilt, type Unfinished, unfinished, valueOf } from './frames.js'

const { fold, sumWords } = wire.checksum
const { putU16, u16 } = wire.bytes
const plain = { ...cuttable, maxGroups: 1 } as const
const view = makeFrameView()

interface Header {
  readonly flags: number
  readonly type: number
  readonly headerLength: number
  readonly size: number
  readonly from: number
  readonly offset: number
}

/** A frame with a header in front, as a kernel would hand it over. */
const packed = (frame: Uint8Array, header: Partial<Header>): Uint8Array => {
  const bytes = new Uint8Array(VIRTIO_NET_HEADER + frame.length)
  const words = new DataView(bytes.buffer)
  bytes[0] = header.flags ?? 0
  bytes[1] = header.type ?? 0
  words.setUint16(VirtioNetAt.HEADER_LENGTH, header.headerLength ?? 0, true)
  words.setUint16(VirtioNetAt.GSO_SIZE, header.size ?? 0, true)
  words.setUint16(VirtioNetAt.CHECKSUM_START, header.from ?? 0, true)
  words.setUint16(VirtioNetAt.CHECKSUM_OFFSET, header.offset ?? 0, true)
  bytes.set(frame, VIRTIO_NET_HEADER)
  return bytes
}

const unpacked = (bytes: Uint8Array): Header => {
  const words = new DataView(bytes.buffer, bytes.byteOffset, VIRTIO_NET_HEADER)
  return {
    flags: bytes[0]!, type: bytes[1]!, headerLength: words.getUint16(2, true),
    size: words.getUint16(4, true), from: words.getUint16(6, true), offset: words.getUint16(8, true),
  }
}

const read = (bytes: Uint8Array): number => readVirtioHeader(bytes, 0, VIRTIO_NET_HEADER, bytes.length, view)

/** What a device would put there: the sum of all behind, of what the field holds as well. */
const wholeSum = (bytes: Uint8Array, from: number): readonly number[] => {
  const sum = ~fold(sumWords(bytes, VIRTIO_NET_HEADER + from, bytes.length)) & 0xffff
  return sum === 0 ? [0xff, 0xff] : [sum >>> 8, sum & 0xff]
}

const written = (frame: Unfinished, offload: number): Uint8Array | undefined => {
  const bytes = new Uint8Array(VIRTIO_NET_HEADER).fill(0xaa)
  if (!writeVirtioHeader(bytes, 0, frame.bytes, frame.start, frame.end, offload, view)) return undefined
  const whole = new Uint8Array(VIRTIO_NET_HEADER + frame.end - frame.start)
  whole.set(bytes)
  whole.set(frame.bytes.subarray(frame.start, frame.end), VIRTIO_NET_HEADER)
  return whole
}

testProp('virtio-net header: what is written reads as the same, and the frame is as it was but for its checksum field',
  [unfinished(plain), fc.nat(310)], (t, frame, size) => {
  const whole = written(frame, offloadOf(true, size))
  const payload = frame.value.payload.length
  const datagrams = frame.value.groups[0].transport?.kind === 'udp'
  if (whole === undefined) {
    t.true(datagrams && payload > size * 64)
    return
  }
  const word = read(whole)
  t.is(word, placedOffload(whole.length - view.slots[Slot.L4]!, payload > size ? size : 0, datagrams ? OFFLOAD_UDP : 0))
  const { flags, type, headerLength, from, offset } = unpacked(whole)
  t.is(flags, VirtioNetFlag.NeedsChecksum)
  // as a device does it, which knows nothing of headers: sum from there on, put it there
  const field = VIRTIO_NET_HEADER + from + offset
  parseFrame(view, whole, VIRTIO_NET_HEADER, whole.length, 1, Verify.None)
  const sum = ~fold(sumWords(whole, VIRTIO_NET_HEADER + from, view.slots[Slot.END]!)) & 0xffff
  putU16(whole, field, sum === 0 && datagrams ? 0xffff : sum)
  t.deepEqual(whole.subarray(VIRTIO_NET_HEADER), bytesOf(frame.value))
  const transport = frame.value.groups[0].transport
  t.is((type & GSO_ECN) !== 0, type !== 0 && transport?.kind === 'tcp' && (transport.flags & wire.tcp.TcpFlag.Cwr) !== 0)
  t.is(headerLength, type === 0 ? 0 : view.slots[Slot.PAYLOAD]! - VIRTIO_NET_HEADER)
}, { numRuns: 400 })

testProp('virtio-net header: places of the innermost transport are told by the word, inside tunnels too but for the deepest',
  [unfinished(), fc.nat(310)], (t, { bytes, start, end, value }, size) => {
  parseFrame(view, bytes, start, end, undefined, Verify.None)
  const s = (view.depth - 1) * SLOTS
  const tcp = view.slots[s + Slot.L4_KIND] === L4.Tcp
  const type = !tcp ? VirtioNetGso.UdpSegments : view.slots[s + Slot.L3_KIND] === 2 ? VirtioNetGso.Tcp4 : VirtioNetGso.Tcp6
  const header = { flags: VirtioNetFlag.NeedsChecksum, from: view.slots[s + Slot.L4]! - start, offset: tcp ? 16 : 6 }
  const whole = packed(bytes.subarray(start, end), { ...header, ...(size === 0 ? {} : { type: type | GSO_ECN, size }) })
  const before = whole.slice()
  const deepest = view.depth === MAX_GROUPS
  const word = placedOffload(end - start - header.from, value.payload.length > size ? size : 0, tcp ? 0 : OFFLOAD_UDP)
  t.is(read(whole), size === 0 && deepest ? 0 : word)
  if (size === 0 && deepest) before.set(wholeSum(before, header.from), VIRTIO_NET_HEADER + header.from + header.offset)
  t.deepEqual(whole, before)
}, { numRuns: 200 })

testProp('virtio-net header: places of an outer UDP header are completed at once',
  [unfinished({ ...cuttable, minGroups: 2, tunnels: ['vxlan', 'geneve'], padding: false })], (t, { value }) => {
  const frame = bytesOf(value)
  parseFrame(view, frame, 0, frame.length, undefined, Verify.None)
  const [l3, l4, kind] = [view.slots[Slot.L3]!, view.slots[Slot.L4]!, view.slots[Slot.L3_KIND]!]
  const finished = u16(frame, l4 + 6)
  const length = frame.length - l4
  putU16(frame, l4 + 6, fold(wire.pseudoHeader.pseudoHeaderSum(frame, kind === 3, l3, l4, 17, length)))
  const whole = packed(frame, { flags: VirtioNetFlag.NeedsChecksum, from: l4, offset: 6 })
  t.is(read(whole), 0)
  if (finished === 0) putU16(whole, VIRTIO_NET_HEADER + l4 + 6, 0)
  t.deepEqual(valueOf(whole.subarray(VIRTIO_NET_HEADER)), valueOf(bytesOf(value)))
}, { numRuns: 100 })

testProp('virtio-net header: any header in front of any bytes is read or refused, and nothing outside of the frame is touched',
  [anyBytesArbitrary(), fc.uint8Array({ minLength: VIRTIO_NET_HEADER, maxLength: VIRTIO_NET_HEADER })], (t, frame, header) => {
  const bytes = new Uint8Array(VIRTIO_NET_HEADER + frame.length + 8).fill(0x55)
  bytes.set(header)
  bytes.set(frame, VIRTIO_NET_HEADER)
  const offload = readVirtioHeader(bytes, 0, VIRTIO_NET_HEADER, VIRTIO_NET_HEADER + frame.length, view)
  t.true(offload === REFUSED || offload === 0 || (offload & OFFLOAD_PARTIAL) !== 0)
  t.deepEqual(bytes.subarray(0, VIRTIO_NET_HEADER), header)
  t.deepEqual(bytes.subarray(-8), new Uint8Array(8).fill(0x55))
}, { numRuns: 300 })

const short = unfinished({ ...plain, network: ['ipv4'], transport: ['tcp'], options: false, maxVlans: 0, padding: false })
const [tcp4] = fc.sample(short.filter(({ value }) => value.payload.length > 20), { numRuns: 1, seed: 5 })
const frame = tcp4!.bytes.slice(tcp4!.start, tcp4!.end)
const partial = { flags: VirtioNetFlag.NeedsChecksum, from: 34, offset: 16 }

test('virtio-net header: a finished frame is finished, whether its checksum was verified or not', (t) => {
  t.is(read(packed(frame, {})), 0)
  t.is(read(packed(frame, { flags: VirtioNetFlag.DataValid })), 0)
  t.deepEqual(written(tcp4!, 0), packed(frame, {}))
})

test('virtio-net header: segmentation that is not understood is refused', (t) => {
  const { Tcp4, Tcp6, Udp, UdpSegments } = VirtioNetGso
  t.is(read(packed(frame, { ...partial, type: Tcp4, size: 10 })), placedOffload(frame.length - 34, 10, 0))
  t.is(read(packed(frame, { ...partial, type: Tcp4, size: 0 })), REFUSED)
  for (const type of [Udp, Tcp6, UdpSegments, 2, 77]) t.is(read(packed(frame, { ...partial, type, size: 10 })), REFUSED)
  t.is(read(packed(frame, { ...partial, from: 30, type: Tcp4, size: 10 })), REFUSED)
  t.is(read(packed(frame.subarray(0, -1), { ...partial, type: Tcp4, size: 10 })), REFUSED)
})

test('virtio-net header: a checksum that does not lie in the frame is refused', (t) => {
  t.is(read(packed(frame, { ...partial, from: frame.length - 1 })), REFUSED)
  t.is(read(packed(frame, { ...partial, from: 20, offset: frame.length - 21 })), REFUSED)
  t.is(read(packed(frame, { ...partial, from: 20, offset: frame.length - 22 })), 0)
})

test('virtio-net header: the CRC of SCTP is completed as one', (t) => {
  // a COOKIE ACK; what its checksum is was asked of tshark
  const sctp = Uint8Array.from([0x1f, 0x90, 0x1f, 0x91, 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff, 11, 0, 0, 4])
  const whole = packed(sctpFrame(sctp), { ...partial, offset: 8 })
  t.is(read(whole), 0)
  t.deepEqual([...whole.subarray(-8)], [203, 184, 222, 242, 11, 0, 0, 4])
})

test('virtio-net header: what the header cannot tell is not written', (t) => {
  const [tunnelled] = fc.sample(unfinished({ ...cuttable, minGroups: 2 }), { numRuns: 1, seed: 1 })
  t.is(written(tunnelled!, OFFLOAD_PARTIAL), undefined)
  const [udp] = fc.sample(unfinished({ ...plain, transport: ['udp'] }), { numRuns: 1, seed: 1 })
  const long = spoilt({ ...udp!.value, payload: new Uint8Array(650) }, 0, 1, 0)
  t.is(written(long, offloadOf(true, 10)), undefined)
  t.not(written(long, offloadOf(true, 11)), undefined)
  t.is(written({ ...tcp4!, end: tcp4!.end - 1 }, OFFLOAD_PARTIAL), undefined)
})
