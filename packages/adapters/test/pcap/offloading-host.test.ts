import { makeFrameView, parseFrame, Reason, Verify } from '@vfp-ts/core'
import test from 'ava'
import { pcapEncoder } from '../../src/pcap/pcap-encoder.js'
import { ethernet, geneve, gre, ip4, ip6, pseudo4, tcp, udp, vxlan, type Wrap, wrapped } from '../offload/hand-made.js'
import { decodeAll, orFail } from './captures.js'

/** The same with zeros in place of a length, as a host captures it. */
const zeroed = (at: number, wrap: Wrap): Wrap => (inside, i) => {
  const packet = [...wrap(inside, i)]
  packet[at] = packet[at + 1] = 0
  // nobody computed the header checksum for the right length
  if (packet[0]! >>> 4 === 4 && at === 2) packet[10] = packet[11] = 0
  return packet
}
const unknown4 = (protocol: number, options = 0): Wrap => zeroed(2, ip4(protocol, 3, options))
const unknown6 = (next: number, extension = false): Wrap => zeroed(4, ip6(next, extension))

const payload = Array.from({ length: 3000 }, (_, i) => i & 0xff)
const segment = tcp(0x10, pseudo4, 0)

const read = (frame: readonly number[], { originalLength = frame.length, linkType = 1, offloadingHost = true, captured = frame.length } = {}) => {
  const encoder = orFail(pcapEncoder({ linkType }))
  const data = Uint8Array.from(frame.slice(0, captured))
  const bytes = orFail(encoder.packet({ data, originalLength, timestampNs: 0n }))
  return decodeAll([encoder.start, bytes], { offloadingHost, data: 'view' }).packets[0]!.data
}

/** Frames as they should have been, and as they were captured. */
const frames: readonly (readonly [string, readonly Wrap[], readonly Wrap[]])[] = [
  ['IPv4', [ethernet(0x0800), ip4(6, 3)], [ethernet(0x0800), unknown4(6)]],
  ['IPv4 with options', [ethernet(0x0800), ip4(6, 3, 8)], [ethernet(0x0800), unknown4(6, 8)]],
  ['IPv6', [ethernet(0x86dd), ip6(6)], [ethernet(0x86dd), unknown6(6)]],
  ['IPv6 with options for the destination', [ethernet(0x86dd), ip6(6, true)], [ethernet(0x86dd), unknown6(6, true)]],
  ['tags', [ethernet(0x0800, 0x8100, 0x88a8), ip4(6, 3)], [ethernet(0x0800, 0x8100, 0x88a8), unknown4(6)]],
  ['IP in IP', [ethernet(0x0800), ip4(4, 3), ip4(6, 3)], [ethernet(0x0800), unknown4(4), unknown4(6)]],
  ['IPv6 in IPv4, the inner one only', [ethernet(0x0800), ip4(41, 3), ip6(6)], [ethernet(0x0800), ip4(41, 3), unknown6(6)]],
  ['GRE', [ethernet(0x0800), ip4(47, 3), gre(0x6558, { key: true }), ethernet(0x0800), ip4(6, 3)],
    [ethernet(0x0800), unknown4(47), gre(0x6558, { key: true }), ethernet(0x0800), unknown4(6)]],
  ['VXLAN', [ethernet(0x0800), ip4(17, 3), udp(4789), vxlan, ethernet(0x0800), ip4(6, 3)],
    [ethernet(0x0800), unknown4(17), zeroed(4, udp(4789)), vxlan, ethernet(0x0800), unknown4(6)]],
  ['VXLAN to 8472', [ethernet(0x0800), ip4(17, 3), udp(8472), vxlan, ethernet(0x0800), ip4(6, 3)],
    [ethernet(0x0800), ip4(17, 3), udp(8472), vxlan, ethernet(0x0800), unknown4(6)]],
  ['Geneve with IP', [ethernet(0x0800), ip4(17, 3), udp(6081), geneve(0x0800), ip4(6, 3)], [ethernet(0x0800), unknown4(17), udp(6081), geneve(0x0800), unknown4(6)]],
]

for (const [title, right, captured] of frames) {
  test(`offloading host: lengths of 0 are the rest of the packet: ${title}`, (t) => {
    const expected = wrapped([...right, segment], payload, 0)
    const given = [...wrapped([...captured, segment], payload, 0)]
    t.notDeepEqual(given, expected)
    t.deepEqual([...read(given)], expected)
    t.deepEqual([...read(given, { offloadingHost: false })], given)
    t.deepEqual([...read(expected)], expected)
  })
}

test('offloading host: by default such a packet is a BadLength', (t) => {
  const frame = wrapped([ethernet(0x0800), unknown4(6), segment], payload, 0)
  const reason = (bytes: Uint8Array): number => parseFrame(makeFrameView(), bytes, 0, bytes.length, undefined, Verify.None)
  t.is(reason(read(frame, { offloadingHost: false })), Reason.BadLength)
  t.is(reason(read(frame)), Reason.Ok)
})

test('offloading host: a capture that cut the packet gets the length on the wire', (t) => {
  const whole = wrapped([ethernet(0x0800), ip4(6, 3), segment], payload, 0)
  const frame = wrapped([ethernet(0x0800), unknown4(6), segment], payload, 0)
  t.deepEqual([...read(frame, { captured: 96, originalLength: frame.length })], whole.slice(0, 96))
})

test('offloading host: other link types are repaired as well', (t) => {
  const right = wrapped([ip4(6, 3), segment], payload, 0)
  const frame = wrapped([unknown4(6), segment], payload, 0)
  for (const [linkType, head] of [[101, []], [0, [2, 0, 0, 0]], [113, [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0]]] as const) {
    t.deepEqual([...read([...head, ...frame], { linkType })], [...head, ...right])
  }
})

test('offloading host: what has a length of 0 by right, or cannot have another, is left alone', (t) => {
  const six = ethernet(0x86dd)
  const jumbogram = wrapped([six, unknown6(0)], [6, 0, 0xc2, 4, 0, 1, 0, 0, ...payload], 0)
  const nothing = wrapped([six, unknown6(59)], [0, 0, 0, 0], 0)
  const tooLong = wrapped([ethernet(0x0800), unknown4(6)], payload, 0)
  for (const frame of [jumbogram, nothing, wrapped([six, ip6(6)], [], 0)]) t.deepEqual([...read(frame)], frame)
  t.deepEqual([...read(tooLong, { originalLength: 70_000 })], tooLong)
  for (let length = 0; length < 60; length++) t.is(read(tooLong.slice(0, length)).length, length)
})
