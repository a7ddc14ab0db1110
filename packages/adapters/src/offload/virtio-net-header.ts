/**
 * `struct virtio_net_hdr`: what a TAP device or a packet socket says in front of a frame about what its sender left undone, and
 * our own word for the same (`offloadOf`, `placedOffload`).
 *
 * **What is believed.** The places that the header names, `csum_start` and `csum_offset`: they say which transport header is unfinished, also where
 * that is inside a tunnel that nobody here knows. The word keeps the place as a distance from the frame's end. `hdr_len` is a hint that
 * nothing depends on, and is not looked at.
 *
 * A checksum alone whose place is that of the innermost TCP or UDP header the parser finds goes on unfinished. At any other place (an outer header of a
 * VM's own tunnel, a protocol nobody here reads) it is completed at once, as the header tells without any understanding of the frame; and so it is
 * in a frame in as many tunnels as the parser reads. What is to be segmented goes on if all headers around the named one are understood as far as
 * segments differ in them (`layers.ts`), whatever they are. All else is refused, and {@link virtioHeaderRefusal} says why: it must be counted, never
 * passed on broken.
 *
 * **Fields.** Little endian, as of virtio 1 on any machine; kernels use the machine's own order in older headers, which is the same on all machines that
 * the adapters run on. Flags that are not defined are ignored, as virtio wants; types of segmentation that are not defined are refused. With
 * `ReceiveCoalesced` the fields of the checksum are counts, and no places. Behind the ten bytes here longer headers have the number of buffers
 * ({@link VIRTIO_NET_HEADER_MERGEABLE}), a hash and its kind ({@link VIRTIO_NET_HEADER_HASH}), which mean nothing here, and the places of
 * a tunnel's headers ({@link VIRTIO_NET_HEADER_TUNNEL}), which must agree with the frame where the type speaks of a tunnel. How long a header is follows from where its frame starts.
 *
 * Cost: nothing to speak of for finished frames; for others, one more parse; for segments in a tunnel, a walk along their headers and one object.
 *
 * @see virtio 1.3 §5.1.6 for the layout and for what flags and types mean
 */
import { Frag, type FrameView, L3, L4, MAX_GROUPS, OFFLOAD_ACCURATE_ECN, OFFLOAD_UDP, offloadPlace, parseFrame, Reason, Slot, Verify, wire } from '@vfp-ts/core'
import { isPartial, placedOffload, segmentOf } from '../nic/frame-batch.js'
import { crc32c } from './crc32c.js'
import { FinishCode } from './finish-code.js'
import { LayerKind, Layers } from './layers.js'
import { innermost, pseudoSum } from './transport.js'
import { refusalOfCode, type VirtioNetRefusal } from './virtio-net-refusal.js'

const checksumAt = wire.transportChecksum.transportChecksumAt
const { fold, sumWords } = wire.checksum
const { putU16 } = wire.bytes

/** Bytes of the header. */
export const VIRTIO_NET_HEADER = 10

/** Bytes of the header with the number of buffers behind it: virtio 1, and `VIRTIO_NET_F_MRG_RXBUF` before. */
export const VIRTIO_NET_HEADER_MERGEABLE = 12

/** Bytes of the header with a hash behind that: `VIRTIO_NET_F_HASH_REPORT`. */
export const VIRTIO_NET_HEADER_HASH = 20

/** Bytes of the header with the places of a tunnel's headers behind that: `VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO`. */
export const VIRTIO_NET_HEADER_TUNNEL = 24

/** Offsets of fields inside the header, in bytes. */
export const VirtioNetAt = {
  /** Bits of {@link VirtioNetFlag}, 8 bits. */
  FLAGS: 0,
  /** A {@link VirtioNetGso} and the bits beside it, 8 bits. */
  GSO_TYPE: 1,
  /** Bytes of all headers, 16 bits: a hint, which is not read. */
  HEADER_LENGTH: 2,
  /** Bytes of payload in each segment, 16 bits. */
  GSO_SIZE: 4,
  /** Offset in the frame from which the checksum is computed, 16 bits. */
  CHECKSUM_START: 6,
  /** Offset of the checksum field from there, 16 bits. */
  CHECKSUM_OFFSET: 8,
  /** Offset in the frame of a tunnel's UDP header, 16 bits. Only in {@link VIRTIO_NET_HEADER_TUNNEL}. */
  OUTER_TRANSPORT: 20,
  /** Offset in the frame of the IP header inside a tunnel, 16 bits. Only in {@link VIRTIO_NET_HEADER_TUNNEL}. */
  INNER_NETWORK: 22,
} as const

/** Bits of the flags. */
export const VirtioNetFlag = {
  /** The checksum at the named place is not computed. */
  NeedsChecksum: 1,
  /** The checksum was verified. */
  DataValid: 2,
  /** The fields of the checksum are counts of what was coalesced, and no places. */
  ReceiveCoalesced: 4,
  /** The outer UDP header of a tunnel to be segmented has a checksum. */
  TunnelChecksum: 8,
} as const
/** Bits of the flags. */
export type VirtioNetFlag = (typeof VirtioNetFlag)[keyof typeof VirtioNetFlag]

/**
 * How a frame is to be segmented; {@link GSO_ECN}, {@link GSO_ACCURATE_ECN} and one of the tunnel bits may be set besides.
 */
export const VirtioNetGso = {
  /** Not at all. */
  None: 0,
  /** Into TCP segments over IPv4. */
  Tcp4: 1,
  /** Into IP fragments of one UDP datagram, which {@link readVirtioHeader} refuses. */
  Udp: 3,
  /** Into TCP segments over IPv6. */
  Tcp6: 4,
  /** Into several UDP datagrams. */
  UdpSegments: 5,
} as const
/** How a frame is to be segmented. */
export type VirtioNetGso = (typeof VirtioNetGso)[keyof typeof VirtioNetGso]

/** Besides a {@link VirtioNetGso} of TCP: the CWR flag is set, and is the first segment's alone. */
export const GSO_ECN = 0x80

/** Besides a {@link VirtioNetGso} of TCP: the flags AE, CWR and ECE count, and are every segment's. It outdoes {@link GSO_ECN}. */
export const GSO_ACCURATE_ECN = 0x10

/** Besides a {@link VirtioNetGso}: what is to be segmented is inside a tunnel over UDP in IPv4. */
export const GSO_TUNNEL4 = 0x20

/** Besides a {@link VirtioNetGso}: what is to be segmented is inside a tunnel over UDP in IPv6. */
export const GSO_TUNNEL6 = 0x40

/** What {@link readVirtioHeader} returns for a frame that must not be passed on. */
export const REFUSED = -1

/** Most datagrams that a kernel cuts one frame into. */
const MAX_UDP_SEGMENTS = 64

/**
 * Reads the header at `at` of the frame at `start`–`end` of the same bytes, behind that header; returns the `offload` word, or {@link REFUSED}. A
 * checksum that the word cannot tell is completed in the frame. `view` is scratch memory.
 */
export const readVirtioHeader = (bytes: Uint8Array, at: number, start: number, end: number, view: FrameView): number => {
  const answer = read(bytes, at, start, end, view)
  return typeof answer === 'number' ? answer : REFUSED
}

/** Returns why {@link readVirtioHeader} refuses the header, or `undefined` if it does not. The frame may be changed as by that. */
export const virtioHeaderRefusal = (bytes: Uint8Array, at: number, start: number, end: number, view: FrameView): VirtioNetRefusal | undefined => {
  const answer = read(bytes, at, start, end, view)
  return typeof answer === 'number' ? undefined : answer
}

const read = (bytes: Uint8Array, at: number, start: number, end: number, view: FrameView): number | VirtioNetRefusal => {
  const flags = bytes[at] ?? 0
  const type = bytes[at + VirtioNetAt.GSO_TYPE] ?? 0
  const needsChecksum = (flags & VirtioNetFlag.NeedsChecksum) !== 0
  if (type === VirtioNetGso.None && !needsChecksum) return 0
  if (needsChecksum && (flags & VirtioNetFlag.ReceiveCoalesced) !== 0) return 'ContradictoryFlags'
  const from = start + u16le(bytes, at + VirtioNetAt.CHECKSUM_START)
  const offset = u16le(bytes, at + VirtioNetAt.CHECKSUM_OFFSET)
  if (needsChecksum && (from < start + wire.ethernet.ETHERNET_LENGTH || from + offset + 2 > end)) return 'ChecksumPlace'
  return type === VirtioNetGso.None
    ? readChecksum(bytes, from, offset, start, end, view)
    : readSegmentation(bytes, at, start, end, view, needsChecksum ? from : -1)
}

/** What is said of a checksum alone. */
const readChecksum = (bytes: Uint8Array, from: number, offset: number, start: number, end: number, view: FrameView): number | VirtioNetRefusal => {
  const { slots } = view
  const known = parseFrame(view, bytes, start, end, undefined, Verify.None) === Reason.Ok
  const s = innermost(view)
  const found = known && slots[s + Slot.L4] === from
  const kind = found && slots[s + Slot.FRAG] === Frag.Whole ? slots[s + Slot.L4_KIND]! : L4.None
  if ((kind === L4.Tcp || kind === L4.Udp) && offset === checksumAt(kind) && view.depth < MAX_GROUPS) {
    return placedOffload(end - from, 0, kind === L4.Udp ? OFFLOAD_UDP : 0)
  }
  const sctp = found && slots[s + Slot.PROTO] === SCTP && offset === SCTP_CHECKSUM
  return (sctp ? completeSctp(bytes, from, slots[s + Slot.END]!) : completeAt(bytes, from, offset, end)) ? 0 : 'ChecksumPlace'
}

/** What is said of segmentation; `named` is the place of the transport header, or −1 where it is the innermost. */
const readSegmentation = (bytes: Uint8Array, at: number, start: number, end: number, view: FrameView, named: number): number | VirtioNetRefusal => {
  const type = bytes[at + VirtioNetAt.GSO_TYPE] ?? 0
  const gso = type & ~(GSO_ECN | GSO_ACCURATE_ECN | GSO_TUNNEL)
  const tunnel = type & GSO_TUNNEL
  const udp = gso === VirtioNetGso.UdpSegments
  if (!udp && gso !== VirtioNetGso.Tcp4 && gso !== VirtioNetGso.Tcp6) return 'UnknownSegmentation'
  const tunnelChecksum = ((bytes[at] ?? 0) & VirtioNetFlag.TunnelChecksum) !== 0
  if (tunnel === GSO_TUNNEL || (tunnel !== 0 && named < 0) || (tunnel === 0 && tunnelChecksum)) return 'ContradictoryFlags'
  const size = u16le(bytes, at + VirtioNetAt.GSO_SIZE)
  if (size === 0) return 'SegmentSizeZero'
  if (named >= 0 && u16le(bytes, at + VirtioNetAt.CHECKSUM_OFFSET) !== checksumAt(udp ? L4.Udp : L4.Tcp)) return 'ChecksumPlace'
  const known = parseFrame(view, bytes, start, end, undefined, Verify.None) === Reason.Ok
  if (named < 0 && !known) return 'Malformed'
  const transport = named < 0 ? view.slots[innermost(view) + Slot.L4]! : named
  const layers = new Layers()
  const code = layers.find(bytes, start, end, transport, udp, known ? view : undefined)
  if (code !== FinishCode.Ok) return refusalOfCode(code)
  if (!udp && bytes[layers.ip]! >>> 4 !== (gso === VirtioNetGso.Tcp4 ? 4 : 6)) return 'WrongSegmentation'
  if (tunnel !== 0 && !isTunnel(layers, bytes, at, start, tunnel)) return 'TunnelPlace'
  // kernels leave the type on frames that became short enough
  const segment = layers.end - layers.payload > size ? size : 0
  const accurate = !udp && (type & GSO_ACCURATE_ECN) !== 0
  return placedOffload(end - transport, segment, (udp ? OFFLOAD_UDP : 0) | (accurate ? OFFLOAD_ACCURATE_ECN : 0))
}

/** Whether the headers of the tunnel are there, and where a header that is long enough says that they are. */
const isTunnel = (layers: Layers, bytes: Uint8Array, at: number, start: number, tunnel: number): boolean => {
  const told = start - at >= VIRTIO_NET_HEADER_TUNNEL
  const outer = told ? start + u16le(bytes, at + VirtioNetAt.OUTER_TRANSPORT) : -1
  if (told && layers.ip !== start + u16le(bytes, at + VirtioNetAt.INNER_NETWORK)) return false
  for (let i = 0; i < layers.count; i++) {
    const fits = layers.kind[i] === LayerKind.Udp && (!told || layers.at[i] === outer)
    if (fits && bytes[layers.about[i]!]! >>> 4 === (tunnel === GSO_TUNNEL4 ? 4 : 6)) return true
  }
  return false
}

/**
 * Writes the header at `at` of `bytes` for the frame at `start`–`end` of `frame`, and into its checksum field what the
 * reader expects there. False, with nothing written, where the header cannot tell, or not every reader can be told: an unfinished frame inside a tunnel, a
 * fragment, one that cannot be parsed or is neither TCP nor UDP, UDP to be cut into more than 64, Accurate ECN with CWR. `view` is scratch memory.
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
  const place = offloadPlace(offload)
  if (place !== 0 && end - place !== l4) return false
  const payloadAt = slots[Slot.PAYLOAD] ?? 0
  const payload = (slots[Slot.END] ?? 0) - payloadAt
  const size = payload > segmentOf(offload) ? segmentOf(offload) : 0
  if (kind === L4.Udp && payload > size * MAX_UDP_SEGMENTS && size > 0) return false
  const tcp = kind === L4.Tcp
  const congestion = tcp && ((frame[l4 + wire.tcp.TcpAt.FLAGS] ?? 0) & wire.tcp.TcpFlag.Cwr) !== 0
  if (size > 0 && congestion && (offload & OFFLOAD_ACCURATE_ECN) !== 0) return false
  clear(bytes, at)
  bytes[at] = VirtioNetFlag.NeedsChecksum
  putU16le(bytes, at + VirtioNetAt.CHECKSUM_START, l4 - start)
  putU16le(bytes, at + VirtioNetAt.CHECKSUM_OFFSET, checksumAt(kind))
  putU16(frame, l4 + checksumAt(kind), fold(pseudoSum(view, 0, (slots[Slot.END] ?? 0) - l4)))
  if (size === 0) return true
  const type = !tcp ? VirtioNetGso.UdpSegments : slots[Slot.L3_KIND] === L3.Ipv4 ? VirtioNetGso.Tcp4 : VirtioNetGso.Tcp6
  bytes[at + VirtioNetAt.GSO_TYPE] = congestion ? type | GSO_ECN : type
  putU16le(bytes, at + VirtioNetAt.HEADER_LENGTH, payloadAt - start)
  putU16le(bytes, at + VirtioNetAt.GSO_SIZE, size)
  return true
}

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

const GSO_TUNNEL = GSO_TUNNEL4 | GSO_TUNNEL6
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
