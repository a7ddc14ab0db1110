/**
 * A frame too long for any wire, taken apart: the memory, and the headers of each piece.
 *
 * The whole frame is copied once. Then piece after piece gets its headers **in front of its own payload**, where the payload of the
 * piece before it lay, which has been used by then. So payload is copied once, as a whole, and of each piece only the headers; the
 * caller's frame is left as it was.
 *
 * What differs from piece to piece, in every layer around the transport header that the frame is cut at (`layers.ts`):
 * - lengths of all IP and UDP headers, and of others that tell one;
 * - the identification of all IPv4 headers, one more each: hosts that segment reserve as many (RFC 6864 §4.3 wants them
 *   unique where a datagram may be fragmented; where not, they mean nothing);
 * - the sequence number of GRE, one more each: it counts packets (RFC 2890 §2.2), and a receiver drops the second that has the same;
 * - TCP's sequence number; FIN and PSH are the last piece's, CWR the first one's (RFC 3168 §6.1.2: only on one packet), unless the word
 *   says that it counts (RFC 9768); the urgent pointer counts from the piece's own sequence number, and what lies in front of a piece is not urgent in it;
 * - checksums of all layers. A UDP header around the transport that has none gets none.
 *
 * Padding and trailers of the long frame belong to none of the pieces, and are dropped.
 *
 * Cost: a frame of 64 KB takes one object, a view for the copy; pieces none.
 *
 * @see RFC 9293 §3.1 for the fields of TCP
 */
import { Frag, type FrameView, L4, makeFrameView, OFFLOAD_ACCURATE_ECN, OFFLOAD_UDP, offloadPlace, parseFrame, Reason, Slot, Verify, wire } from '@vfp-ts/core'
import { FRAME_HEADROOM, segmentOf } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD } from '../nic/nic.js'
import { FinishCode, MAX_SEGMENTS } from './finish-code.js'
import { LayerKind, Layers } from './layers.js'
import { hidesTransport, innermost } from './transport.js'

const { checksum } = wire.checksum
const { putU16, putU32, u16, u32 } = wire.bytes
const { Ipv4At, ipv4HeaderLength } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6
const { TcpAt, TcpFlag } = wire.tcp
const { UdpAt } = wire.udp

/** Headroom, the longest packet of IPv6 with its link header, and what aligns its payload. */
const ROOM_BYTES = FRAME_HEADROOM + FRAME_OVERHEAD + IPV6_LENGTH + 0xffff + 8

/** One frame at a time, and its pieces one after another: `load`, then `cut` for each from 0 on. */
export class SuperFrame {
  /** Where the pieces are made. */
  readonly bytes = new Uint8Array(Math.ceil(ROOM_BYTES / 4) * 4)
  /** The same memory. */
  readonly words = new Int32Array(this.bytes.buffer)
  /** What is around its transport header; a piece's offsets are these and {@link delta}. */
  readonly layers = new Layers()
  /** Bytes from the start of the frame to the payload of its transport. */
  headers = 0
  /** Bytes of that payload. */
  payload = 0
  /** From an offset of `layers` to the same of the piece at hand. */
  delta = 0
  /** Where the piece at hand starts and ends in {@link bytes}. */
  start = 0
  end = 0
  readonly #view: FrameView = makeFrameView()
  #source: Uint8Array = new Uint8Array(0)
  #from = 0
  #accurate = false
  /** Where the whole frame lies. */
  #origin = 0

  /**
   * Finds the headers of the frame at `start`–`end`, which is to be cut as its `offload` word says, and answers whether it can be. Its
   * bytes must not change until the last piece is cut.
   */
  load(bytes: Uint8Array, start: number, end: number, offload: number): FinishCode {
    const view = this.#view
    const { slots } = view
    const place = offloadPlace(offload)
    const readable = parseFrame(view, bytes, start, end, undefined, Verify.None) === Reason.Ok
    let transport = end - place
    let udp = (offload & OFFLOAD_UDP) !== 0
    if (place === 0) {
      if (!readable) return FinishCode.Unreadable
      const s = innermost(view)
      const kind = slots[s + Slot.L4_KIND]!
      if (slots[s + Slot.FRAG] !== Frag.Whole) return FinishCode.Fragment
      if (kind !== L4.Tcp && kind !== L4.Udp) return FinishCode.NoTransport
      if (hidesTransport(view)) return FinishCode.Unreadable
      transport = slots[s + Slot.L4]!
      udp = kind === L4.Udp
    }
    const { layers } = this
    const code = layers.find(bytes, start, end, transport, udp, readable ? view : undefined)
    if (code !== FinishCode.Ok) return code
    this.#source = bytes
    this.#from = start
    this.#accurate = (offload & OFFLOAD_ACCURATE_ECN) !== 0
    this.headers = layers.payload - start
    this.payload = layers.end - layers.payload
    const size = segmentOf(offload)
    if (size === 0 || this.payload <= size) return FinishCode.Ok
    if (this.payload > size * MAX_SEGMENTS) return FinishCode.TooMany
    const single = !udp && (bytes[transport + TcpAt.FLAGS]! & (TcpFlag.Syn | TcpFlag.Rst)) !== 0
    return single ? FinishCode.Uncuttable : FinishCode.Ok
  }

  /** Copies the loaded frame; before the first `cut`. */
  copy(): void {
    // payload at a multiple of four, for `sumPayload`
    this.#origin = FRAME_HEADROOM + (-(FRAME_HEADROOM + this.headers) & 3)
    this.bytes.set(this.#source.subarray(this.#from, this.#from + this.headers + this.payload), this.#origin)
  }

  /** Makes piece `i` of the pieces of `size` bytes, with all but transport and GRE checksums; each takes `ids` identifications. */
  cut(i: number, size: number, ids: number): void {
    const { layers, bytes, headers, payload } = this
    const source = this.#source
    const from = this.#from
    const skipped = i * size
    const at = this.#origin + skipped
    const delta = at - from
    const last = skipped + size >= payload
    const end = at + headers + (last ? payload - skipped : size)
    // from the source: what is in front of the payload may have been used as headroom by whoever got the piece before
    for (let h = 0; h < headers; h++) bytes[at + h] = source[from + h]!
    for (let n = 0; n < layers.count; n++) cutLayer(bytes, layers, n, delta, end, i * ids)
    const l4 = layers.transport + delta
    if (layers.udp) putU16(bytes, l4 + UdpAt.LENGTH, end - l4)
    else this.#cutTcp(l4, skipped, last)
    this.delta = delta
    this.start = at
    this.end = end
  }

  #cutTcp(at: number, skipped: number, last: boolean): void {
    const { bytes } = this
    let flags = bytes[at + TcpAt.FLAGS]!
    if (!last) flags &= ~(TcpFlag.Fin | TcpFlag.Psh)
    if (skipped > 0) {
      if (!this.#accurate) flags &= ~TcpFlag.Cwr
      putU32(bytes, at + TcpAt.SEQUENCE, u32(bytes, at + TcpAt.SEQUENCE) + skipped)
      if ((flags & TcpFlag.Urg) !== 0) {
        const urgent = u16(bytes, at + TcpAt.URGENT) - skipped
        if (urgent <= 0) flags &= ~TcpFlag.Urg
        putU16(bytes, at + TcpAt.URGENT, urgent > 0 ? urgent : 0)
      }
    }
    bytes[at + TcpAt.FLAGS] = flags
  }
}

/** Writes what differs in layer `n` of a piece that ends at `end`; `more` packets were counted before it. */
const cutLayer = (bytes: Uint8Array, { kind, at, about }: Layers, n: number, delta: number, end: number, more: number): void => {
  const header = at[n]! + delta
  switch (kind[n]) {
    case LayerKind.Ipv4:
      putU16(bytes, header + Ipv4At.LENGTH, end - header)
      putU16(bytes, header + Ipv4At.ID, u16(bytes, header + Ipv4At.ID) + more)
      putU16(bytes, header + Ipv4At.CHECKSUM, 0)
      putU16(bytes, header + Ipv4At.CHECKSUM, checksum(bytes, header, header + ipv4HeaderLength(bytes, header)))
      break
    case LayerKind.Ipv6:
      putU16(bytes, header + Ipv6At.LENGTH, end - header - IPV6_LENGTH)
      break
    case LayerKind.Udp:
      putU16(bytes, header + UdpAt.LENGTH, end - header)
      break
    case LayerKind.Length:
      putU16(bytes, header, end - about[n]! - delta)
      break
    default:
      if (about[n]! >= 0) putU32(bytes, about[n]! + delta, u32(bytes, about[n]! + delta) + more)
  }
}
