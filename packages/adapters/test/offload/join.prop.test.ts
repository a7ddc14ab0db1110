import { testProp } from '@fast-check/ava'
import { buildFrame, makeFrameView, orThrow, wire } from '@vfp-ts/core'
import test from 'ava'
import fc from 'fast-check'
import { isPartial, offloadOf, segmentOf } from '../../src/nic/frame-batch.js'
import { type Nic, SendCode } from '../../src/nic/nic.js'
import { completeChecksum } from '../../src/offload/complete-checksum.js'
import { FinishCode } from '../../src/offload/finish-code.js'
import { Joiner } from '../../src/offload/join.js'
import { Segmenter } from '../../src/offload/segment.js'

interface Sent {
  readonly bytes: Uint8Array
  readonly offload: number
}

/** A NIC of which only `send` is asked. */
const recording = (sent: Sent[]): Nic => ({
  name: 'recording', mac: undefined, mtu: () => 1500, link: () => 'up', offloads: { checksum: true, segmentation: true },
  start: () => { throw new Error('not asked for') }, flush: () => undefined, close: async () => undefined,
  counters: () => ({ received: 0, receivedBytes: 0, sent: 0, sentBytes: 0, receiveDrops: {}, sendDrops: {} }),
  send: (bytes, start, end, offload = 0) => {
    sent.push({ bytes: bytes.slice(start, end), offload })
    return SendCode.Ok
  },
})

const segmenter = new Segmenter()
const cut = (frame: Uint8Array, offload: number): readonly Uint8Array[] => {
  const pieces: Uint8Array[] = []
  segmenter.segment(frame, 0, frame.length, offload, (bytes, start, end) => pieces.push(bytes.slice(start, end)) > 0)
  return pieces
}
/** What a receiver that segments again gets. */
const received = (sent: readonly Sent[]): readonly Uint8Array[] => sent.flatMap(({ bytes, offload }) => (isPartial(offload) ? cut(bytes, offload) : [bytes]))

const { TcpAt, TcpFlag } = wire.tcp
const stream = (
  version: 4 | 6, sequence: number, bytes: number, flags: number, srcPort = 1, { acknowledgment = 5, window = 100, tos = 0, hops = 64 } = {},
): Uint8Array => {
  const [srcIp, dstIp] = version === 4 ? ['10.0.0.1', '10.0.0.2'] as const : ['fd00::1', 'fd00::2'] as const
  const frame = orThrow(buildFrame({
    proto: 'tcp', srcMac: '02:00:00:00:00:01', dstMac: '02:00:00:00:00:02', srcIp, dstIp, srcPort, dstPort: 80,
    payload: Uint8Array.from({ length: bytes }, (_, i) => sequence + i * 7 + (i >> 8)),
  }))
  const tcp = 14 + (version === 4 ? 20 : 40)
  if (version === 4) {
    frame[15] = tos
    frame[22] = hops
    wire.bytes.putU16(frame, 20, 0x4000)
  } else {
    frame[15] = tos << 4
    frame[21] = hops
  }
  wire.bytes.putU32(frame, tcp + TcpAt.SEQUENCE, sequence)
  wire.bytes.putU32(frame, tcp + TcpAt.ACKNOWLEDGMENT, acknowledgment)
  wire.bytes.putU16(frame, tcp + TcpAt.WINDOW, window)
  frame[tcp + TcpAt.FLAGS] = flags
  if (version === 4) {
    wire.bytes.putU16(frame, 24, 0)
    wire.bytes.putU16(frame, 24, wire.checksum.checksum(frame, 14, 34))
  }
  if (completeChecksum(frame, 0, frame.length, makeFrameView()) !== FinishCode.Ok) throw new Error('no TCP')
  return frame
}
const join = (frames: readonly Uint8Array[]): { readonly sent: readonly Sent[]; readonly joined: number } => {
  const sent: Sent[] = []
  const joiner = new Joiner(recording(sent))
  for (const frame of frames) {
    // At any place of a buffer, as a batch has it.
    const room = new Uint8Array(frame.length + 37)
    room.set(frame, 21)
    joiner.send(room, 21, 21 + frame.length)
  }
  joiner.flush()
  return { sent, joined: joiner.joined }
}

testProp('join: the segments of a stream become one frame, which segmented again is those segments',
  [fc.constantFrom(4 as const, 6 as const), fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 2, max: 60_000 }), fc.integer({ min: 500, max: 1448 }), fc.boolean()],
  (t, version, sequence, bytes, size, push) => {
    const segments = cut(stream(version, sequence, bytes, TcpFlag.Ack | (push ? TcpFlag.Psh : 0)), offloadOf(true, size))
    const { sent } = join(segments)
    t.is(sent.length, 1)
    t.is(segmentOf(sent[0]?.offload ?? 0), segments.length === 1 ? 0 : size)
    t.deepEqual(received(sent), segments)
  })

const mostly = <A>(usual: A, ...others: readonly A[]): fc.Arbitrary<A> => fc.oneof({ arbitrary: fc.constant(usual), weight: 12 }, { arbitrary: fc.constantFrom(...others), weight: 1 })

testProp('join: whatever comes, its receiver gets it in that order and unchanged',
  [fc.constantFrom(4 as const, 6 as const), fc.array(fc.record({
    bytes: mostly(180, 0, 1, 179, 181), flags: mostly<number>(TcpFlag.Ack, TcpFlag.Ack | TcpFlag.Psh, TcpFlag.Ack | TcpFlag.Fin, TcpFlag.Ack | TcpFlag.Ece, TcpFlag.Ack | TcpFlag.Cwr),
    skipped: mostly(0, 1, -180, 180), of: mostly(0, 1), acknowledgment: mostly(5, 6), window: mostly(100, 101), tos: mostly(0, 3), hops: mostly(64, 63), spoilt: mostly(-1, 20, 60, 100),
  }), { minLength: 2, maxLength: 40 })],
  (t, version, choices) => {
    let sequence = 0xffff_f800
    const frames = choices.map(({ bytes, flags, skipped, of, acknowledgment, window, tos, hops, spoilt }) => {
      sequence = (sequence + skipped) >>> 0
      const frame = stream(version, sequence, bytes, flags, of, { acknowledgment, window, tos, hops })
      sequence = (sequence + bytes) >>> 0
      if (spoilt >= 0 && spoilt < frame.length) frame[spoilt] = (frame[spoilt] ?? 0) ^ 0x10
      return frame
    })
    const { sent } = join(frames)
    t.deepEqual(received(sent).map(withoutIdentification), frames.map(withoutIdentification))
  }, { numRuns: 1000 })

for (const [what, at] of [['TCP', 80], ['IPv4', 24]] as const) {
  test(`join: a wrong ${what} checksum is not hidden in a joined frame`, (t) => {
    const [first, second, third] = cut(stream(4, 1, 300, TcpFlag.Ack), offloadOf(true, 100))
    if (first === undefined || second === undefined || third === undefined) throw new Error('three pieces')
    second[at] = (second[at] ?? 0) ^ 1
    const { sent, joined } = join([first, second, third])
    t.deepEqual(sent.map(({ bytes }) => bytes), [first, second, third])
    t.is(joined, 0)
  })
}

const withoutIdentification = (frame: Uint8Array): Uint8Array => {
  const copy = frame.slice()
  if (wire.bytes.u16(copy, 12) === 0x0800) copy.fill(0, 18, 20).fill(0, 24, 26)
  return copy
}
