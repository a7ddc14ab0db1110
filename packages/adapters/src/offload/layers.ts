/**
 * The headers around one transport header of a frame: what differs from segment to segment, wherever it lies.
 *
 * A frame to be segmented names the transport header at which it is to be cut. What is around that header may be any tunnel, known to
 * the engine or not: a VM's own VXLAN on any port, IP in IP, GRE with all its options, MPLS, GUE, one inside another. So this
 * walk goes from the outermost header to the named one, and lists each header that tells a length, counts packets or has a checksum:
 *
 * - **known by its type**: Ethernet and any VLAN tags, IPv4, IPv6 with its extension headers, UDP, GRE of both versions, IP in IP, Ethernet in IP,
 *   PPPoE, GTP-U, L2TP;
 * - **found**: behind a UDP, GRE, MPLS or unknown link header the next IP header is the first that *fits*: its version, header
 *   length and header checksum are right, and its length ends exactly where what encloses it ends. For random bytes that is
 *   one chance in billions. Bytes in between (VXLAN, Geneve with any options, GUE, label stacks, inner Ethernet headers) are repeated on every segment
 *   as they are, as hardware does that segments tunnels; the sender knew that when it left the segmentation to others.
 *
 * What is refused: a protocol over IP that is not listed here, as its header may hold a length or an integrity check (`UnknownTunnel`); no IP header
 * that fits (`UnknownTunnel`); a fragment (`Fragment`); and what contradicts itself (`Unreadable`).
 *
 * No byte outside of the frame is read. Nothing is allocated after the constructor.
 *
 * @see RFC 2890 §2 for GRE with sequence numbers, RFC 2637 §4.1 for its version 1, RFC 2516 §4 for PPPoE, RFC 2661 §3.1 for L2TP
 */
import { type FrameView, L3, Slot, SLOTS, wire } from '@vfp-ts/core'
import { FinishCode } from './finish-code.js'
import { findIp } from './find-ip.js'

const { u16 } = wire.bytes
const { EtherType, ETHERNET_LENGTH, EthernetAt } = wire.ethernet
const { Ipv4At } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6
const { UDP_LENGTH, UdpAt } = wire.udp

/** What a layer is, and so what has to be rewritten in it. */
export const LayerKind = { Ipv4: 0, Ipv6: 1, Udp: 2, Gre: 3, Length: 4 } as const
/** What a layer is. */
export type LayerKind = (typeof LayerKind)[keyof typeof LayerKind]

/** Most layers of one frame: a dozen tunnels. */
const MOST = 32

/** The layers around one transport header; offsets are those of the frame's bytes. */
export class Layers {
  /** Number of layers, outermost first. */
  count = 0
  readonly kind = new Uint8Array(MOST)
  /** Offset of each layer's header; of a `Length`, that of its field of 16 bits. */
  readonly at = new Int32Array(MOST)
  /** Of `Udp` the offset of the IP header in front; of `Gre` that of its sequence number, or −1; of `Length` where what it counts begins. */
  readonly about = new Int32Array(MOST)
  /** Behind the outermost Ethernet header and its tags. */
  network = 0
  /** The IP header in front of the transport header. */
  ip = 0
  /** The transport header, whether it is UDP (else TCP), its payload, and where that ends. */
  transport = 0
  udp = false
  payload = 0
  end = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #known: FrameView | undefined

  /**
   * Finds the layers around the transport header at `transport` of the frame at `start`–`end`. `known` is the frame as the parser sees
   * it, where it does: its IP headers need not fit exactly.
   */
  find(bytes: Uint8Array, start: number, end: number, transport: number, udp: boolean, known: FrameView | undefined): FinishCode {
    this.count = 0
    this.network = 0
    this.transport = transport
    this.udp = udp
    this.end = end
    this.#bytes = bytes
    this.#known = known
    return this.#ethernet(start)
  }

  #add(kind: LayerKind, at: number, about: number): boolean {
    const i = this.count
    if (i === MOST) return false
    this.kind[i] = kind
    this.at[i] = at
    this.about[i] = about
    this.count = i + 1
    return true
  }

  #ethernet(at: number): FinishCode {
    const bytes = this.#bytes
    let behind = at + ETHERNET_LENGTH
    if (behind > this.transport) return FinishCode.Unreadable
    let type = u16(bytes, at + EthernetAt.TYPE)
    for (; isTag(type) && behind + 4 <= this.transport; behind += 4) type = u16(bytes, behind + 2)
    if (this.network === 0) this.network = behind
    return this.#typed(type, behind)
  }

  /** What an EtherType announces. */
  #typed(type: number, at: number): FinishCode {
    if (type === EtherType.Ipv4) return this.#ipv4(at)
    if (type === EtherType.Ipv6) return this.#ipv6(at)
    if (type === PPPOE_SESSION) return this.#pppoe(at)
    return this.#unknown(at)
  }

  #pppoe(at: number): FinishCode {
    if (at + PPPOE_LENGTH > this.transport || !this.#add(LayerKind.Length, at + 4, at + PPPOE_LENGTH)) return FinishCode.Unreadable
    return this.#unknown(at + PPPOE_LENGTH)
  }

  #ipv4(at: number): FinishCode {
    const bytes = this.#bytes
    if (at + 20 > this.transport || bytes[at]! >>> 4 !== 4) return FinishCode.Unreadable
    const behind = at + ((bytes[at]! & 0xf) << 2)
    const end = at + u16(bytes, at + Ipv4At.LENGTH)
    if (behind < at + 20 || behind > this.transport || end > this.end || end < behind) return FinishCode.Unreadable
    if ((u16(bytes, at + Ipv4At.FRAGMENT) & 0x3fff) !== 0) return FinishCode.Fragment
    this.end = end
    this.ip = at
    return this.#add(LayerKind.Ipv4, at, 0) ? this.#protocol(bytes[at + Ipv4At.PROTOCOL]!, behind) : FinishCode.Unreadable
  }

  #ipv6(at: number): FinishCode {
    const bytes = this.#bytes
    let behind = at + IPV6_LENGTH
    if (behind > this.transport || bytes[at]! >>> 4 !== 6) return FinishCode.Unreadable
    const end = behind + u16(bytes, at + Ipv6At.LENGTH)
    if (end > this.end) return FinishCode.Unreadable
    this.end = end
    this.ip = at
    let next = bytes[at + Ipv6At.NEXT_HEADER]!
    while (isExtension(next)) {
      if (behind + 8 > this.transport) return FinishCode.Unreadable
      // one that is alone is no fragment (RFC 6946)
      if (next === FRAGMENT && (u16(bytes, behind + 2) & 0xfff9) !== 0) return FinishCode.Fragment
      const length = next === FRAGMENT ? 8 : next === AUTHENTICATION ? (bytes[behind + 1]! + 2) << 2 : (bytes[behind + 1]! + 1) << 3
      next = bytes[behind]!
      behind += length
    }
    if (behind > this.transport) return FinishCode.Unreadable
    return this.#add(LayerKind.Ipv6, at, 0) ? this.#protocol(next, behind) : FinishCode.Unreadable
  }

  /** What an IP header announces. */
  #protocol(protocol: number, at: number): FinishCode {
    if (at === this.transport) return protocol === (this.udp ? UDP : TCP) ? this.#found() : FinishCode.NoTransport
    if (protocol === UDP) return this.#udp(at)
    if (protocol === GRE) return this.#gre(at)
    if (protocol === IPIP) return this.#ipv4(at)
    if (protocol === IPV6) return this.#ipv6(at)
    if (protocol === ETHERNET) return this.#ethernet(at)
    if (protocol === ETHERIP) return this.#ethernet(at + 2)
    if (protocol === MPLS) return this.#unknown(at)
    return protocol === TCP ? FinishCode.Unreadable : FinishCode.UnknownTunnel
  }

  #found(): FinishCode {
    const at = this.transport
    const bytes = this.#bytes
    if (at + (this.udp ? UDP_LENGTH : 20) > this.end) return FinishCode.Unreadable
    const length = this.udp ? UDP_LENGTH : (bytes[at + 12]! >>> 4) << 2
    this.payload = at + length
    if ((!this.udp && length < 20) || this.payload > this.end) return FinishCode.Unreadable
    if (!this.udp) return FinishCode.Ok
    const told = u16(bytes, at + UdpAt.LENGTH)
    if (told < UDP_LENGTH || at + told > this.end) return FinishCode.Unreadable
    // What lies behind a UDP datagram is of that datagram alone: no segment could have it.
    return at + told === this.end ? FinishCode.Ok : FinishCode.Uncuttable
  }

  /** What is behind the length of a UDP datagram belongs to no segment. */
  #narrow(end: number, least: number): FinishCode {
    if (end < least || end > this.end) return FinishCode.Unreadable
    this.end = end
    return FinishCode.Ok
  }

  #udp(at: number): FinishCode {
    const bytes = this.#bytes
    const behind = at + UDP_LENGTH
    if (behind > this.transport || !this.#add(LayerKind.Udp, at, this.ip)) return FinishCode.Unreadable
    const code = this.#narrow(at + u16(bytes, at + UdpAt.LENGTH), behind)
    if (code !== FinishCode.Ok) return code
    const port = u16(bytes, at + UdpAt.DESTINATION)
    if (port === GRE_IN_UDP) return this.#gre(behind)
    // The length of GTP-U counts from behind its eight bytes, that of L2TP, which is optional, from the header's first.
    if (port === GTP_U && behind + 8 <= this.transport && bytes[behind]! >>> 5 === 1 && !this.#add(LayerKind.Length, behind + 2, behind + 8)) return FinishCode.Unreadable
    if (port === L2TP && behind + 8 <= this.transport && (u16(bytes, behind) & 0xc00f) === 0x4002 && !this.#add(LayerKind.Length, behind + 2, behind)) return FinishCode.Unreadable
    return this.#unknown(behind)
  }

  #gre(at: number): FinishCode {
    const bytes = this.#bytes
    if (at + 4 > this.transport) return FinishCode.Unreadable
    const flags = u16(bytes, at)
    const version = flags & 7
    if (version > 1 || (flags & GRE_ROUTING) !== 0 || (version === 1 && (flags & GRE_KEY) === 0)) return FinishCode.UnknownTunnel
    const sequence = at + 4 + (flags & GRE_CHECKSUM ? 4 : 0) + (flags & GRE_KEY ? 4 : 0)
    const counts = (flags & GRE_SEQUENCE) !== 0
    const behind = sequence + (counts ? 4 : 0) + (version === 1 && (flags & GRE_ACKNOWLEDGMENT) !== 0 ? 4 : 0)
    if (behind > this.transport || !this.#add(LayerKind.Gre, at, counts ? sequence : -1)) return FinishCode.Unreadable
    // In version 1 the upper half of the key is the length of the payload.
    if (version === 1 && !this.#add(LayerKind.Length, at + 4, behind)) return FinishCode.Unreadable
    const type = u16(bytes, at + 2)
    return type === EtherType.TransparentBridging ? this.#ethernet(behind) : this.#typed(type, behind)
  }

  /** The next IP header, wherever it is. */
  #unknown(from: number): FinishCode {
    const told = this.#told(from)
    const at = told < 0 ? findIp(this.#bytes, from, this.transport, this.end, this.udp) : told
    if (at < 0) return FinishCode.UnknownTunnel
    // Ethernet inside a tunnel may hold PPPoE, which tells a length as well.
    const session = at - PPPOE_LENGTH - 2
    const pppoe = session >= from && u16(this.#bytes, session - 2) === PPPOE_SESSION && u16(this.#bytes, session + 4) === this.end - session - PPPOE_LENGTH
    if (pppoe && !this.#add(LayerKind.Length, session + 4, session + PPPOE_LENGTH)) return FinishCode.Unreadable
    return this.#bytes[at]! >>> 4 === 4 ? this.#ipv4(at) : this.#ipv6(at)
  }

  /** The IP header from `from` on that the parser found, or −1. */
  #told(from: number): number {
    if (this.#known === undefined) return -1
    const { slots, depth } = this.#known
    for (let s = 0; s < depth * SLOTS; s += SLOTS) {
      const at = slots[s + Slot.L3]!
      const isIp = slots[s + Slot.L3_KIND] === L3.Ipv4 || slots[s + Slot.L3_KIND] === L3.Ipv6
      if (isIp && at >= from && at < this.transport) return at
    }
    return -1
  }
}

const TCP = 6
const UDP = 17
const IPIP = 4
const IPV6 = 41
const GRE = 47
const ETHERIP = 97
const MPLS = 137
const ETHERNET = 143

const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION = 60

const PPPOE_SESSION = 0x8864
const PPPOE_LENGTH = 6
const GTP_U = 2152
const L2TP = 1701
const GRE_IN_UDP = 4754

const GRE_CHECKSUM = 0x8000
const GRE_ROUTING = 0x4000
const GRE_KEY = 0x2000
const GRE_SEQUENCE = 0x1000
const GRE_ACKNOWLEDGMENT = 0x0080

/** 802.1Q, 802.1ad, and the type of stacked tags before 802.1ad. */
const isTag = (type: number): boolean => type === EtherType.Vlan || type === EtherType.ServiceVlan || type === 0x9100

const isExtension = (next: number): boolean =>
  next === HOP_BY_HOP || next === ROUTING || next === DESTINATION || next === FRAGMENT || next === AUTHENTICATION
