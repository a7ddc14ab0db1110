import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { CaptureErrorTag } from '../../src/pcap/error.js'
import { renderCaptureError } from '../../src/pcap/error.js'
import { BlockType } from '../../src/pcap/pcapng-blocks.js'
import { pcapEncoder } from '../../src/pcap/pcap-encoder.js'
import { pcapngEncoder } from '../../src/pcap/pcapng-encoder.js'
import { captureDecoder } from '../../src/pcap/decoder.js'
import { concat, decodeAll, orFail, rawBlock } from './captures.js'

const u32 = (...words: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(words.length * 4)
  words.forEach((word, n) => new DataView(bytes.buffer).setUint32(n * 4, word >>> 0, true))
  return bytes
}
const u16 = (...words: readonly number[]): Uint8Array => new Uint8Array(Uint16Array.from(words).buffer)

const frame = { data: Uint8Array.of(1, 2, 3, 4, 5), timestampNs: 1_000n }
const ng = orFail(pcapngEncoder())
const head = concat([ng.start, orFail(ng.addInterface({})).bytes])
const one = orFail(ng.packet(frame))
/** A healthy section with an interface and one packet, to which damage is appended. */
const good = concat([head, one])

const failsWith = (
  t: ExecutionContext,
  damage: Uint8Array,
  expected: { readonly _tag: CaptureErrorTag; readonly reason: RegExp },
): void => {
  const { packets, error } = decodeAll([good, damage, one])
  t.is(packets.length, 1)
  t.like(error, { _tag: expected._tag, offset: good.length, packet: 1 })
  t.regex(error?.reason ?? '', expected.reason)
}

test('decoder: a length that is no multiple of four is a bad block', (t) => {
  failsWith(t, rawBlock(99, u32(0), 'little', { total: 18 }), { _tag: 'BadBlock', reason: /18 is not a multiple of 4/ })
})

test('decoder: a length below the minimum of its type is a bad block', (t) => {
  failsWith(t, rawBlock(99, u32(0), 'little', { total: 8 }), { _tag: 'BadBlock', reason: /8 is less than its minimum of 12/ })
  failsWith(t, rawBlock(99, u32(0), 'little', { total: 0 }), { _tag: 'BadBlock', reason: /0 is less/ })
  failsWith(t, rawBlock(BlockType.EnhancedPacket, u32(0, 0, 0), 'little'), { _tag: 'BadBlock', reason: /24 .* minimum of 32/ })
  failsWith(t, rawBlock(BlockType.InterfaceDescription, u32(1), 'little'), { _tag: 'BadBlock', reason: /16 .* minimum of 20/ })
})

test('decoder: a trailing length that differs is a bad block, whether the block is read or skipped', (t) => {
  failsWith(t, rawBlock(99, u32(0), 'little', { trailing: 20 }), { _tag: 'BadBlock', reason: /16 in front, 20 at the end/ })
  const packet = one.slice()
  packet[packet.length - 4] = 0
  failsWith(t, packet, { _tag: 'BadBlock', reason: /in front, 0 at the end/ })
})

test('decoder: a captured length of 4 GiB is too long, or does not fit its block', (t) => {
  const huge = rawBlock(BlockType.EnhancedPacket, u32(0, 0, 0, 0xffff_ffff, 0xffff_ffff), 'little')
  failsWith(t, huge, { _tag: 'TooLong', reason: /captured length 4294967295, at most 262144/ })
  const beyond = rawBlock(BlockType.EnhancedPacket, u32(0, 0, 0, 5, 5, 0), 'little')
  failsWith(t, beyond, { _tag: 'BadBlock', reason: /captured length 5 where the block has room for 4/ })
})

test('decoder: a packet block of 4 GiB is too long without waiting for it', (t) => {
  const claim = u32(BlockType.EnhancedPacket, 0xffff_fffc, 0)
  failsWith(t, claim, { _tag: 'TooLong', reason: /total length 4294967292/ })
})

test('decoder: a packet of an interface that was not described is an unknown interface', (t) => {
  const packet = rawBlock(BlockType.EnhancedPacket, u32(7, 0, 0, 0, 0), 'little')
  failsWith(t, packet, { _tag: 'UnknownInterface', reason: /interface 7 where the section describes 1/ })
})

test('decoder: a new section forgets the interfaces of the last', (t) => {
  const { packets, error } = decodeAll([good, ng.start, one])
  t.is(packets.length, 1)
  t.like(error, { _tag: 'UnknownInterface', offset: good.length + ng.start.length, packet: 1 })
})

test('decoder: an option that passes its block is a bad block', (t) => {
  const overrun = rawBlock(BlockType.EnhancedPacket, concat([u32(0, 0, 0, 0, 0), u16(1, 5), u32(0)]), 'little')
  failsWith(t, overrun, { _tag: 'BadBlock', reason: /option 1 claims 5 bytes where the block has 4 left/ })
})

test('decoder: options of a wrong length are a bad block', (t) => {
  const flags = rawBlock(BlockType.EnhancedPacket, concat([u32(0, 0, 0, 0, 0), u16(2, 2), u32(1)]), 'little')
  failsWith(t, flags, { _tag: 'BadBlock', reason: /epb_flags has 2 bytes where 4/ })
  const resolution = rawBlock(BlockType.InterfaceDescription, concat([u32(1, 0), u16(9, 4), u32(9)]), 'little')
  failsWith(t, resolution, { _tag: 'BadBlock', reason: /if_tsresol has 4 bytes where 1/ })
  const offset = rawBlock(BlockType.InterfaceDescription, concat([u32(1, 0), u16(14, 4), u32(9)]), 'little')
  failsWith(t, offset, { _tag: 'BadBlock', reason: /if_tsoffset has 4 bytes where 8/ })
})

test('decoder: an interface name of more than a kibibyte is too long', (t) => {
  const named = rawBlock(BlockType.InterfaceDescription, concat([u32(1, 0), u16(2, 1028), new Uint8Array(1028)]), 'little')
  failsWith(t, named, { _tag: 'TooLong', reason: /interface name of 1028 bytes/ })
})

test('decoder: an unknown byte-order magic is a bad magic, in the first section and in a later one', (t) => {
  const section = rawBlock(BlockType.SectionHeader, u32(0x11223344, 1, 0, 0), 'little')
  failsWith(t, section, { _tag: 'BadMagic', reason: /byte-order magic 0x44332211/ })
  t.like(decodeAll([section]).error, { _tag: 'BadMagic', offset: 0, packet: 0 })
})

test('decoder: sections of version 1.0 and 1.2 are read, others refused', (t) => {
  const section = (major: number, minor: number): Uint8Array =>
    rawBlock(BlockType.SectionHeader, concat([u32(0x1a2b3c4d), u16(major, minor), u32(-1, -1)]), 'little')
  t.deepEqual(decodeAll([section(1, 0), section(1, 2)]).error, undefined)
  t.like(decodeAll([section(2, 0)]).error, { _tag: 'UnsupportedVersion', offset: 0 })
  t.like(decodeAll([section(1, 1)]).error, { _tag: 'UnsupportedVersion' })
})

test('decoder: blocks of statistics, names and unknown types are skipped without memory, however long', (t) => {
  const decoder = captureDecoder()
  decoder.push(head)
  const length = 0x4000_0000
  decoder.push(u32(BlockType.EnhancedPacket + 0x4000, length))
  const filling = new Uint8Array(1 << 20)
  let left = length - 12
  while (left > 0) {
    t.is(decoder.next(), undefined)
    decoder.push(filling.subarray(0, Math.min(left, filling.length)))
    left -= filling.length
  }
  t.is(decoder.next(), undefined)
  t.true(decoder.bufferedCapacity() <= 4 * filling.length)
  decoder.push(concat([u32(length), rawBlock(4, u32(0), 'little'), rawBlock(5, u32(0, 0, 0), 'little'), one]))
  t.like(decoder.next(), { _tag: 'Right', right: { timestampNs: 1_000n } })
})

test('decoder: a simple packet has the length that its interface leaves of it, and no time', (t) => {
  const ng = orFail(pcapngEncoder())
  const short = orFail(ng.addInterface({ snapLength: 6 })).bytes
  const packet = rawBlock(BlockType.SimplePacket, concat([u32(1500), Uint8Array.of(1, 2, 3, 4, 5, 6)]), 'little')
  const { packets, error } = decodeAll([ng.start, short, packet])
  t.is(error, undefined)
  t.deepEqual(packets, [
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6), originalLength: 1500, timestampNs: 0n, interfaceId: 0, section: 0, linkType: 1, byteOrder: 'little' },
  ])
  const early = decodeAll([ng.start, packet])
  t.like(early.error, { _tag: 'UnknownInterface', packet: 0 })
  failsWith(t, packet, { _tag: 'BadBlock', reason: /packet of 1500 bytes where the block has room for 8/ })
})

test('decoder: the obsolete packet block is read like the enhanced one', (t) => {
  const body = concat([u16(0, 9), u32(0, 77, 3, 60), Uint8Array.of(7, 8, 9, 0), u16(2, 4), u32(2), u16(1, 2), Uint8Array.of(104, 105, 0, 0)])
  const { packets, error } = decodeAll([head, rawBlock(BlockType.Packet, body, 'little')])
  t.is(error, undefined)
  t.like(packets[0], { originalLength: 60, timestampNs: 77n, direction: 'outbound', comment: 'hi' })
  t.deepEqual(packets[0]?.data, Uint8Array.of(7, 8, 9))
})

test('decoder: an interface without a resolution counts microseconds', (t) => {
  const plain = rawBlock(BlockType.InterfaceDescription, u32(1, 0), 'little')
  const { packets } = decodeAll([ng.start, plain, rawBlock(BlockType.EnhancedPacket, u32(0, 1, 2, 0, 0), 'little')])
  t.is(packets[0]?.timestampNs, ((1n << 32n) + 2n) * 1000n)
})

test('decoder: comments of one packet are joined, options after the end mark ignored', (t) => {
  const options = [u16(1, 1), Uint8Array.of(97, 0, 0, 0), u16(1, 1), Uint8Array.of(98, 0, 0, 0), u16(0, 0), u16(1, 0xffff)]
  const { packets } = decodeAll([head, rawBlock(BlockType.EnhancedPacket, concat([u32(0, 0, 0, 0, 0), ...options]), 'little')])
  t.is(packets[0]?.comment, 'a\nb')
})

test('decoder: a classic record of 4 GiB is too long', (t) => {
  const pcap = orFail(pcapEncoder())
  const record = orFail(pcap.packet(frame))
  const { packets, error, capacity } = decodeAll([pcap.start, record, u32(0, 0, 0xffff_ffff, 0xffff_ffff), record])
  t.is(packets.length, 1)
  t.like(error, { _tag: 'TooLong', offset: 24 + record.length, packet: 1 })
  t.true(capacity <= 4096)
})

test('decoder: a record longer than the file declares, but sane, is read', (t) => {
  const pcap = orFail(pcapEncoder({ snapLength: 0 }))
  const start = pcap.start.slice()
  start[16] = 3
  const { packets, error } = decodeAll([start, orFail(pcap.packet(frame))])
  t.is(error, undefined)
  t.deepEqual(packets[0]?.data, frame.data)
})

test('decoder: a classic file of another version is refused', (t) => {
  const start = orFail(pcapEncoder()).start.slice()
  start[6] = 5
  t.like(decodeAll([start]).error, { _tag: 'UnsupportedVersion', offset: 0, packet: 0 })
})

test('decoder: the link type is the lower half of its word', (t) => {
  const pcap = orFail(pcapEncoder({ linkType: 113 }))
  const start = pcap.start.slice()
  start[23] = 0x24
  t.is(decodeAll([start, orFail(pcap.packet(frame))]).packets[0]?.linkType, 113)
})

test('decoder: neither format is a bad magic, nothing at all is truncated', (t) => {
  t.like(decodeAll([Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)]).error, { _tag: 'BadMagic', offset: 0, packet: 0 })
  t.like(decodeAll([]).error, { _tag: 'Truncated', offset: 0, packet: 0 })
})

test('decoder: data is a copy unless a view is asked for', (t) => {
  const read = (data: 'copy' | 'view') => {
    const decoder = captureDecoder({ data })
    decoder.push(good)
    const first = decoder.next()
    decoder.push(concat([one, new Uint8Array(1000)]))
    return first?._tag === 'Right' ? first.right.data : undefined
  }
  t.not(read('copy')?.buffer.byteLength, read('view')?.buffer.byteLength)
  t.is(read('copy')?.buffer.byteLength, 5)
  t.deepEqual(read('copy'), frame.data)
})

test('decoder: an error is told once, and what is pushed after it is not looked at', (t) => {
  const decoder = captureDecoder()
  decoder.push(u32(1, 2, 3))
  t.like(decoder.next(), { _tag: 'Left' })
  decoder.push(good)
  t.is(decoder.next(), undefined)
  decoder.end()
  t.is(decoder.next(), undefined)
})

test('error: renders as one line with place, count and reason', (t) => {
  const { error } = decodeAll([good.subarray(0, good.length - 3)])
  t.is(
    error && renderCaptureError(error),
    `Truncated at byte ${head.length} after 0 packets: the block needs ${one.length} bytes, the stream ends after ${one.length - 3}`,
  )
  t.is(renderCaptureError({ _tag: 'Io', offset: 9, packet: 1, reason: 'gone' }), 'Io at byte 9 after 1 packet: gone')
})

test('decoder: text ends at the first zero octet, in names and comments', (t) => {
  const name = rawBlock(BlockType.InterfaceDescription, concat([u32(1, 0), u16(2, 4), Uint8Array.of(101, 110, 48, 0), u16(0, 0)]), 'little')
  for (const [given, text] of [[[97, 0, 0, 0], 'a'], [[97, 0, 98, 0], 'a'], [[0, 97, 98, 99], ''], [[97, 98, 99, 100], 'abcd']] as const) {
    const comment = concat([u32(0, 0, 0, 0, 0), u16(1, 4), Uint8Array.from(given), u16(0, 0)])
    const { packets } = decodeAll([ng.start, name, rawBlock(BlockType.EnhancedPacket, comment, 'little')])
    t.deepEqual([packets[0]?.interfaceName, packets[0]?.comment], ['en0', text])
  }
})

test('pcapng encoder: text with a zero octet is refused, as readers would end it there', (t) => {
  t.like(pcapngEncoder({ application: 'a\0' }), { _tag: 'Left', left: { _tag: 'Unwritable', packet: 0 } })
  const encoder = orFail(pcapngEncoder())
  t.like(encoder.addInterface({ name: 'en0\0' }), { _tag: 'Left', left: { _tag: 'Unwritable', packet: 0 } })
  orFail(encoder.addInterface({}))
  t.like(encoder.packet({ ...frame, comment: '\0' }), { _tag: 'Left', left: { _tag: 'Unwritable', packet: 1 } })
  t.like(encoder.packet({ ...frame, comment: 'a' }), { _tag: 'Right' })
})
