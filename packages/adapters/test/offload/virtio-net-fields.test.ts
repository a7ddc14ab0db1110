import { makeFrameView } from '@vfp-ts/core'
import test from 'ava'
import { isPartial, segmentOf } from '../../src/nic/frame-batch.js'
import {
  GSO_ACCURATE_ECN, GSO_ECN, GSO_TUNNEL4, GSO_TUNNEL6, readVirtioHeader, REFUSED, VIRTIO_NET_HEADER_HASH, VIRTIO_NET_HEADER_MERGEABLE,
  VIRTIO_NET_HEADER_TUNNEL, virtioHeaderRefusal, VirtioNetAt, VirtioNetFlag, VirtioNetGso,
} from '../../src/offload/virtio-net-header.js'
import { HEADER, ownTunnels, payloadOf, superFrame } from './own-tunnels.js'

const { NeedsChecksum, DataValid, ReceiveCoalesced, TunnelChecksum } = VirtioNetFlag
const { Tcp4, Tcp6, Udp, UdpSegments } = VirtioNetGso

/** VXLAN to 8472 over IPv4: the outer UDP header is at 34, the inner IP header at 64, TCP at 84. */
const vxlan = superFrame(ownTunnels[0]!, payloadOf(3000), 1000)
const over6 = superFrame(ownTunnels[2]!, payloadOf(3000), 1000)
const inIp = superFrame(ownTunnels.find(({ title }) => title === 'IP in IP')!, payloadOf(3000), 1000)

interface Said {
  readonly flags?: number
  readonly type?: number
  readonly size?: number
  readonly headerLength?: number
  readonly start?: number
  readonly offset?: number
  readonly outer?: number
  readonly inner?: number
}

/** The frame behind a header of `length` bytes in which other things are said; `undefined` if it is taken. */
const refusal = (whole: Uint8Array, said: Said, length = HEADER): string | undefined => {
  const bytes = new Uint8Array(length + whole.length - HEADER)
  bytes.set(whole.subarray(0, HEADER))
  bytes.set(whole.subarray(HEADER), length)
  const words = new DataView(bytes.buffer)
  const put = (at: number, value: number | undefined): void => { if (value !== undefined) words.setUint16(at, value, true) }
  bytes[0] = said.flags ?? bytes[0]!
  bytes[1] = said.type ?? bytes[1]!
  put(VirtioNetAt.GSO_SIZE, said.size)
  put(VirtioNetAt.HEADER_LENGTH, said.headerLength)
  put(VirtioNetAt.CHECKSUM_START, said.start)
  put(VirtioNetAt.CHECKSUM_OFFSET, said.offset)
  put(VirtioNetAt.OUTER_TRANSPORT, said.outer)
  put(VirtioNetAt.INNER_NETWORK, said.inner)
  const view = makeFrameView()
  const word = readVirtioHeader(bytes.slice(), 0, length, bytes.length, view)
  const name = virtioHeaderRefusal(bytes, 0, length, bytes.length, view)
  if ((word === REFUSED) !== (name !== undefined)) throw new Error(`${word} and ${name ?? 'taken'}`)
  if (name === undefined && word !== 0 && (!isPartial(word) || segmentOf(word) !== (said.size ?? 1000))) throw new Error(`the word is ${word}`)
  return name
}

test('virtio-net fields: types that are not defined are refused', (t) => {
  for (let type = 0; type < 256; type++) {
    const base = type & 0x0f
    const known = base === Tcp4 && (type & (GSO_TUNNEL4 | GSO_TUNNEL6)) === 0
    if (type === 0 || base === Tcp6 || base === UdpSegments || (type & GSO_TUNNEL6) !== 0 || (type & GSO_TUNNEL4) !== 0) continue
    t.is(refusal(vxlan, { type }), known ? undefined : 'UnknownSegmentation', String(type))
  }
  t.is(refusal(vxlan, { type: Udp }), 'UnknownSegmentation')
  t.is(refusal(vxlan, { type: Tcp6 }), 'WrongSegmentation')
  t.is(refusal(vxlan, { type: UdpSegments, offset: 6 }), 'UnknownTunnel', 'no UDP is found there')
  for (const marks of [GSO_ECN, GSO_ACCURATE_ECN, GSO_ECN | GSO_ACCURATE_ECN]) t.is(refusal(vxlan, { type: Tcp4 | marks }), undefined)
})

test('virtio-net fields: counts of coalesced frames are no places', (t) => {
  t.is(refusal(vxlan, { flags: NeedsChecksum | ReceiveCoalesced }), 'ContradictoryFlags')
  t.is(refusal(vxlan, { flags: DataValid | ReceiveCoalesced, type: 0, start: 3, offset: 1 }), undefined)
  t.is(refusal(vxlan, { flags: NeedsChecksum | DataValid }), undefined)
  t.is(refusal(vxlan, { flags: NeedsChecksum | 0xf0 }), undefined, 'flags that are not defined are ignored')
})

test('virtio-net fields: the place of the checksum lies in the frame, where the transport has it', (t) => {
  t.is(refusal(vxlan, { start: 13 }), 'ChecksumPlace')
  t.is(refusal(vxlan, { start: 0xffff }), 'ChecksumPlace')
  t.is(refusal(vxlan, { offset: 0xffff }), 'ChecksumPlace')
  t.is(refusal(vxlan, { offset: 6 }), 'ChecksumPlace')
  t.is(refusal(vxlan, { start: 34 }), 'WrongSegmentation')
  t.is(refusal(vxlan, { start: 86 }), 'Malformed')
  t.is(refusal(vxlan, { size: 0 }), 'SegmentSizeZero')
  // big endian, as no machine this runs on writes it
  t.is(refusal(vxlan, { start: 84 << 8, offset: 16 << 8 }), 'ChecksumPlace')
})

test('virtio-net fields: the length of the headers is a hint that nothing depends on', (t) => {
  for (const headerLength of [0, 1, 54, 0xffff]) t.is(refusal(vxlan, { headerLength }), undefined)
})

test('virtio-net fields: a tunnel over UDP is there, and where a header that is long enough says', (t) => {
  const tunnelled = (said: Said, whole = vxlan): string | undefined => refusal(whole, { type: Tcp4 | GSO_TUNNEL4, outer: 34, inner: 64, ...said }, VIRTIO_NET_HEADER_TUNNEL)
  t.is(tunnelled({}), undefined)
  t.is(tunnelled({ flags: NeedsChecksum | TunnelChecksum }), undefined)
  t.is(tunnelled({ type: Tcp4 | GSO_TUNNEL6, outer: 54, inner: 84 }, over6), undefined)
  t.is(tunnelled({ outer: 36 }), 'TunnelPlace')
  t.is(tunnelled({ inner: 62 }), 'TunnelPlace')
  t.is(tunnelled({ outer: 0, inner: 0 }), 'TunnelPlace')
  t.is(tunnelled({ type: Tcp4 | GSO_TUNNEL6 }), 'TunnelPlace')
  t.is(tunnelled({ inner: 34 }, inIp), 'TunnelPlace')
  t.is(tunnelled({ type: Tcp4 | GSO_TUNNEL4 | GSO_TUNNEL6 }), 'ContradictoryFlags')
  t.is(tunnelled({ flags: 0 }), 'ContradictoryFlags')
  t.is(tunnelled({ type: GSO_TUNNEL4 }), 'UnknownSegmentation')
  t.is(refusal(vxlan, { flags: NeedsChecksum | TunnelChecksum }), 'ContradictoryFlags')
  t.is(refusal(vxlan, { type: Tcp4 | GSO_TUNNEL4 }), undefined, 'a shorter header has no places of the tunnel')
  t.is(refusal(inIp, { type: Tcp4 | GSO_TUNNEL4 }), 'TunnelPlace')
})

test('virtio-net fields: what stands behind the ten bytes means nothing where no tunnel is spoken of', (t) => {
  for (const length of [VIRTIO_NET_HEADER_MERGEABLE, VIRTIO_NET_HEADER_HASH, VIRTIO_NET_HEADER_TUNNEL]) t.is(refusal(vxlan, {}, length), undefined)
})
