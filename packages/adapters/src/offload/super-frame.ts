/**
 * A frame too long for any wire, taken apart: the memory, and the headers of each piece.
 *
 * The whole frame is copied once. Then piece after piece gets its headers **in front of its own payload**, where the payload of the
 * piece before it lay, which has been used by then. So payload is copied once, as a whole, and of each piece only the headers; the
 * caller's frame is left as it was.
 *
 * What differs from piece to piece:
 * - lengths of all IP and UDP headers;
 * - the identification of all IPv4 headers, one more each: hosts that segment reserve as many (RFC 6864 §4.3 wants them
 *   unique where a datagram may be fragmented; where not, they mean nothing);
 * - TCP's sequence number; FIN and PSH are the last piece's, CWR the first one's (RFC 3168 §6.1.2: only on one packet); the
 *   urgent pointer counts from the piece's own sequence number, and what lies in front of a piece is not urgent in it;
 * - checksums of all layers. A UDP header around the innermost group that has none gets none.
 *
 * Padding and trailers of the long frame belong to none of the pieces, and are dropped.
 *
 * Cost: a frame of 64 KB takes one object, a view for the copy; pieces none.
 *
 * @see RFC 9293 §3.1 for the fields of TCP
 */
import { Frag, type FrameView, L3, L4, makeFrameView, parseFrame, Reason, Slot, SLOTS, Verify, wire } from '@vfp-ts/core'
import { FRAME_HEADROOM } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD } from '../nic/nic.js'
import { FinishCode, MAX_SEGMENTS } from './finish-code.js'
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
  /** The frame as it was loaded; a piece's offsets are these and {@link delta}. */
  readonly view: FrameView = makeFrameView()
  /** Bytes from the start of the frame to the payload of its innermost transport. */
  headers = 0
  /** Bytes of that payload. */
  payload = 0
  /** From an offset of `view` to the same of the piece at hand. */
  delta = 0
  /** Where the piece at hand starts and ends in {@link bytes}. */
  start = 0
  end = 0
  /** Where the whole frame lies. */
  private origin = 0

  /**
   * Parses the frame at `start`–`end`, which is to be cut every `size` bytes of payload, and answers whether it can be. Its
   * bytes must not change until the last piece is cut.
   */
  load(bytes: Uint8Array, start: number, end: number, size: number): FinishCode {
    const { view } = this
    if (parseFrame(view, bytes, start, end, undefined, Verify.None) !== Reason.Ok) return FinishCode.Unreadable
    const { slots } = view
    const s = innermost(view)
    const kind = slots[s + Slot.L4_KIND]!
    if (slots[s + Slot.FRAG] !== Frag.Whole) return FinishCode.Fragment
    if (kind !== L4.Tcp && kind !== L4.Udp) return FinishCode.NoTransport
    if (hidesTransport(view)) return FinishCode.Unreadable
    // What lies behind a UDP datagram is of that datagram alone: no segment could have it.
    if (slots[s + Slot.DATA_END] !== slots[s + Slot.END]) return FinishCode.Uncuttable
    this.headers = slots[s + Slot.PAYLOAD]! - start
    this.payload = slots[s + Slot.END]! - slots[s + Slot.PAYLOAD]!
    if (this.payload <= size) return FinishCode.Ok
    if (this.payload > size * MAX_SEGMENTS) return FinishCode.TooMany
    const single = kind === L4.Tcp && (bytes[slots[s + Slot.L4]! + TcpAt.FLAGS]! & (TcpFlag.Syn | TcpFlag.Rst)) !== 0
    return single ? FinishCode.Uncuttable : FinishCode.Ok
  }

  /** Copies the loaded frame; before the first `cut`. */
  copy(): void {
    const { start, bytes } = this.view
    // payload at a multiple of four, for `sumPayload`
    this.origin = FRAME_HEADROOM + (-(FRAME_HEADROOM + this.headers) & 3)
    this.bytes.set(bytes.subarray(start, start + this.headers + this.payload), this.origin)
  }

  /** Makes piece `i` of the pieces of `size` bytes, with all but transport checksums; each takes `ids` identifications. */
  cut(i: number, size: number, ids: number): void {
    const { view, bytes, headers, payload } = this
    const { slots, bytes: source, start } = view
    const skipped = i * size
    const at = this.origin + skipped
    const delta = at - start
    const last = skipped + size >= payload
    const end = at + headers + (last ? payload - skipped : size)
    // from the source: what is in front of the payload may have been used as headroom by whoever got the piece before
    for (let h = 0; h < headers; h++) bytes[at + h] = source[start + h]!
    for (let s = innermost(view); s >= 0; s -= SLOTS) {
      const ip = slots[s + Slot.L3]! + delta
      if (slots[s + Slot.L3_KIND] === L3.Ipv4) {
        putU16(bytes, ip + Ipv4At.LENGTH, end - ip)
        putU16(bytes, ip + Ipv4At.ID, u16(bytes, ip + Ipv4At.ID) + i * ids)
        putU16(bytes, ip + Ipv4At.CHECKSUM, 0)
        putU16(bytes, ip + Ipv4At.CHECKSUM, checksum(bytes, ip, ip + ipv4HeaderLength(bytes, ip)))
      } else putU16(bytes, ip + Ipv6At.LENGTH, end - ip - IPV6_LENGTH)
      const l4 = slots[s + Slot.L4]! + delta
      if (slots[s + Slot.L4_KIND] === L4.Udp) putU16(bytes, l4 + UdpAt.LENGTH, end - l4)
      else if (slots[s + Slot.L4_KIND] === L4.Tcp) this.cutTcp(l4, skipped, last)
    }
    this.delta = delta
    this.start = at
    this.end = end
  }

  private cutTcp(at: number, skipped: number, last: boolean): void {
    const { bytes } = this
    let flags = bytes[at + TcpAt.FLAGS]!
    if (!last) flags &= ~(TcpFlag.Fin | TcpFlag.Psh)
    if (skipped > 0) {
      flags &= ~TcpFlag.Cwr
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
