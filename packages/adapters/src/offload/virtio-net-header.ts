/**
 * `struct virtio_net_hdr`: what a TAP device or a packet socket says in front of a frame about what its sender left undone, and
 * our own word for the same (`offloadOf`).
 *
 * The two do not say quite the same. The header names *places*, ours names the *innermost transport header*, because offsets
 * would not survive the engine. So reading compares: where the places are those of the innermost TCP or UDP header that the
 * parser finds, the frame goes on unfinished. Where they are others (an outer header of a VM's own tunnel, a protocol nobody here
 * reads), the checksum is completed at once, as the header tells without any understanding of the frame; and so it is in a frame in
 * as many tunnels as the parser reads, because one more around it would hide what is innermost. What is to be segmented
 * in a way that is not understood is refused: it must be counted, never passed on broken.
 *
 * Fields are little endian, as of every machine this runs on, and as of virtio 1 on any. Behind the ten bytes here a header of
 * {@link VIRTIO_NET_HEADER_MERGEABLE} bytes has the number of buffers, which means nothing between a kernel and us: the
 * caller leaves it 0.
 *
 * Cost: nothing to speak of for finished frames; for others, one more parse.
 *
 * @see virtio 1.2 §5.1.6 for the layout and for what flags and types mean
 */
import { Frag, type FrameView, L3, L4, MAX_GROUPS, OFFLOAD_PARTIAL, parseFrame, Reason, Slot, Verify, wire } from '@vfp-ts/core'
import { isPartial, offloadOf, segmentOf } from '../nic/frame-batch.js'
import { crc32c } from './crc32c.js'
import { innermost, pseudoSum } from './transport.js'

const checksumAt = wire.transportChecksum.transportChecksumAt
const { fold, sumWords } = wire.checksum
const { putU16 } = wire.bytes

/** Bytes of the header. */
export const VIRTIO_NET_HEADER = 10

/** Bytes of the header with the number of buffers behind it: virtio 1, and `VIRTIO_NET_F_MRG_RXBUF` before. */
export const VIRTIO_NET_HEADER_MERGEABLE = 12

/** Offsets inside the header. */
export const VirtioNetAt = { FLAGS: 0, GSO_TYPE: 1, HEADER_LENGTH: 2, GSO_SIZE: 4, CHECKSUM_START: 6, CHECKSUM_OFFSET: 8 } as const

/** Bits of the flags. */
export const VirtioNetFlag = { NeedsChecksum: 1, DataValid: 2 } as const
/** Bits of the flags. */
export type VirtioNetFlag = (typeof VirtioNetFlag)[keyof typeof VirtioNetFlag]

/**
 * How a frame is to be segmented; {@link GSO_ECN} may be set besides. `Udp` means fragments of one datagram, `UdpSegments` many
 * datagrams.
 */
export const VirtioNetGso = { None: 0, Tcp4: 1, Udp: 3, Tcp6: 4, UdpSegments: 5 } as const
/** How a frame is to be segmented. */
export type VirtioNetGso = (typeof VirtioNetGso)[keyof typeof VirtioNetGso]

/** Besides a {@link VirtioNetGso} of TCP: the CWR flag is set, and is the first segment's alone. */
export const GSO_ECN = 0x80

/** Answer of {@link readVirtioHeader} to what must not be passed on. */
export const REFUSED = -1

/** Most datagrams that a kernel cuts one frame into. */
const MAX_UDP_SEGMENTS = 64

/**
 * Reads the header at `at` of the frame at `start`–`end` of the same bytes: its `offload` word, or {@link REFUSED}. A checksum
 * that the word cannot tell is completed in the frame. `view` is scratch memory.
 */
export const readVirtioHeader = (bytes: Uint8Array, at: number, start: number, end: number, view: FrameView): number => {
  const needsChecksum = ((bytes[at] ?? 0) & VirtioNetFlag.NeedsChecksum) !== 0
  const gso = (bytes[at + VirtioNetAt.GSO_TYPE] ?? 0) & ~GSO_ECN
  if (gso === VirtioNetGso.None && !needsChecksum) return 0
  const from = start + u16le(bytes, at + VirtioNetAt.CHECKSUM_START)
  const offset = u16le(bytes, at + VirtioNetAt.CHECKSUM_OFFSET)
  const known = parseFrame(view, bytes, start, end, undefined, Verify.None) === Reason.Ok
  const s = innermost(view)
  const kind = known && view.slots[s + Slot.FRAG] === Frag.Whole ? (view.slots[s + Slot.L4_KIND] ?? 0) : L4.None
  const ours = (kind === L4.Tcp || kind === L4.Udp) && (!needsChecksum || (view.slots[s + Slot.L4] === from && offset === checksumAt(kind)))
  if (gso === VirtioNetGso.None) {
    if (ours && view.depth < MAX_GROUPS) return OFFLOAD_PARTIAL
    const sctp = known && view.slots[s + Slot.PROTO] === SCTP && view.slots[s + Slot.L4] === from && offset === SCTP_CHECKSUM
    return (sctp ? completeSctp(bytes, from, view.slots[s + Slot.END] ?? end) : completeAt(bytes, from, offset, end)) ? 0 : REFUSED
  }
  const size = u16le(bytes, at + VirtioNetAt.GSO_SIZE)
  if (!ours || size === 0 || !announces(gso, kind, view.slots[s + Slot.L3_KIND] ?? 0)) return REFUSED
  // kernels leave the type on frames that became short enough
  const payload = (view.slots[s + Slot.END] ?? 0) - (view.slots[s + Slot.PAYLOAD] ?? 0)
  return offloadOf(true, payload > size ? size : 0)
}

/**
 * Writes the header at `at` of `bytes` for the frame at `start`–`end` of `frame`, and into its checksum field what the
 * reader expects there. False, with nothing written, where the header cannot tell: an unfinished frame inside a tunnel, a fragment,
 * one that cannot be parsed or is neither TCP nor UDP, UDP to be cut into more than 64. `view` is scratch memory.
 */
export const writeVirtioHeader = (
  bytes: Uint8Array,
  at: number,
  frame: Uint8Array,
  start: number,
  end: number,
  offload: number,
  view: FrameView,
): boolean => {
  if (!isPartial(offload)) {
    clear(bytes, at)
    return true
  }
  if (parseFrame(view, frame, start, end, undefined, Verify.None) !== Reason.Ok || view.depth !== 1) return false
  const { slots } = view
  const kind = slots[Slot.L4_KIND] ?? 0
  if ((kind !== L4.Tcp && kind !== L4.Udp) || slots[Slot.FRAG] !== Frag.Whole) return false
  const l4 = slots[Slot.L4] ?? 0
  const payloadAt = slots[Slot.PAYLOAD] ?? 0
  const payload = (slots[Slot.END] ?? 0) - payloadAt
  const size = payload > segmentOf(offload) ? segmentOf(offload) : 0
  if (kind === L4.Udp && payload > size * MAX_UDP_SEGMENTS && size > 0) return false
  clear(bytes, at)
  bytes[at] = VirtioNetFlag.NeedsChecksum
  putU16le(bytes, at + VirtioNetAt.CHECKSUM_START, l4 - start)
  putU16le(bytes, at + VirtioNetAt.CHECKSUM_OFFSET, checksumAt(kind))
  putU16(frame, l4 + checksumAt(kind), fold(pseudoSum(frame, view, 0, 0, (slots[Slot.END] ?? 0) - l4)))
  if (size === 0) return true
  const tcp = kind === L4.Tcp
  const congestion = tcp && ((frame[l4 + wire.tcp.TcpAt.FLAGS] ?? 0) & wire.tcp.TcpFlag.Cwr) !== 0
  const type = !tcp ? VirtioNetGso.UdpSegments : slots[Slot.L3_KIND] === L3.Ipv4 ? VirtioNetGso.Tcp4 : VirtioNetGso.Tcp6
  bytes[at + VirtioNetAt.GSO_TYPE] = congestion ? type | GSO_ECN : type
  putU16le(bytes, at + VirtioNetAt.HEADER_LENGTH, payloadAt - start)
  putU16le(bytes, at + VirtioNetAt.GSO_SIZE, size)
  return true
}

/** Whether the type is that of the transport. */
const announces = (gso: number, kind: number, l3: number): boolean =>
  gso === VirtioNetGso.UdpSegments ? kind === L4.Udp : kind === L4.Tcp && gso === (l3 === L3.Ipv4 ? VirtioNetGso.Tcp4 : VirtioNetGso.Tcp6)

/**
 * Completes a checksum whose field holds what is not in the data, as the sum of a pseudo header; false where it does not lie in
 * the frame. Never 0, which to UDP means none, and to all others is the same number as 0xffff.
 */
const completeAt = (bytes: Uint8Array, from: number, offset: number, end: number): boolean => {
  if (from + offset + 2 > end) return false
  const sum = ~fold(sumWords(bytes, from, end)) & 0xffff
  putU16(bytes, from + offset, sum === 0 ? 0xffff : sum)
  return true
}

/** Completes the CRC of SCTP at `from`: least significant byte first, as the bits are reversed. */
const completeSctp = (bytes: Uint8Array, from: number, end: number): boolean => {
  const field = from + SCTP_CHECKSUM
  if (field + 4 > end) return false
  bytes.fill(0, field, field + 4)
  const crc = crc32c(bytes, from, end)
  putU16le(bytes, field, crc)
  putU16le(bytes, field + 2, crc >>> 16)
  return true
}

const SCTP = 132
/** Offset of the checksum in SCTP's common header. */
const SCTP_CHECKSUM = 8

const clear = (bytes: Uint8Array, at: number): void => {
  for (let i = 0; i < VIRTIO_NET_HEADER; i++) bytes[at + i] = 0
}

const u16le = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)

const putU16le = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}
