/**
 * Joining TCP segments on their way to a VM into frames that its NIC was promised it could take: the reverse of segmentation.
 *
 * A frame given to a kernel costs the same few microseconds whatever its length, and what a network delivers is at most an MTU long. So
 * of a batch the segments that continue each other are joined and handed over as one frame *to be segmented*, which a NIC
 * with {@link Offloads.segmentation} takes as it takes those of a local stack. Its receiver does less, too, and acknowledges less often.
 *
 * Whoever segments the joined frame again gets the very frames that came, but for the identification of IPv4 packets that may not be fragmented (where
 * it means nothing, RFC 6864 §4.1). So only these are joined, to the segment in front:
 * - plain Ethernet, IPv4 without options or fragments and with DF, or IPv6 without extension headers; TCP with equal headers, but
 *   for sequence number and checksum, and IP lengths, identifications and checksums;
 * - of flags, ACK alone, and PSH on the last;
 * - as long as the first one, but the last one, which may be shorter;
 * - with a right TCP checksum: a joined frame is partial, its receiver checks no more, so a wrong one must not get in.
 *
 * Order is kept: a frame that does not continue the held one sends that on first. Nothing is held longer than until `flush`, which
 * comes behind every batch. So streams whose segments alternate frame by frame are not joined.
 *
 * Cost: a pass over the payload for its checksum and a copy, a few hundred nanoseconds for 1,448 bytes.
 */
import { wire } from '@vfp-ts/core'
import { offloadOf } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD, type Nic, SendCode } from '../nic/nic.js'
import { sumPayload } from './sum-payload.js'

const { checksum, fold, sumWords } = wire.checksum
const { putU16, u16, u32 } = wire.bytes
const { EtherType, ETHERNET_LENGTH, EthernetAt } = wire.ethernet
const { Ipv4At } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6
const { TcpAt, TcpFlag, TCP_LENGTH } = wire.tcp

const TCP = 6
const IPV4_LENGTH = 20
const LONGEST = 0xffff

/** In front of one NIC. */
export class Joiner {
  readonly #nic: Nic
  readonly #bytes = new Uint8Array(LONGEST + FRAME_OVERHEAD)
  /** Segments held, and where the frame made of them ends. */
  #held = 0
  #end = 0
  /** Of the held ones: where the payload starts, its bytes a segment, the sequence number that continues it, whether another may follow. */
  #payloadAt = 0
  #size = 0
  #next = 0
  #open = false
  /** Of the segment in hand: its headers' places, and its end without padding. */
  #ip = 0
  #tcp = 0
  #payload = 0
  #stop = 0
  #wordsFor: Uint8Array | undefined
  #words: Int32Array | undefined
  /** Segments that left in joined frames. */
  joined = 0

  constructor(nic: Nic) {
    this.#nic = nic
  }

  /** Sends the finished frame at `start`–`end`, at once or by {@link flush}. What is held is `Ok`; what the NIC refuses then, it counts. */
  send(bytes: Uint8Array, start: number, end: number): SendCode {
    if (!this.#isSegment(bytes, start, end) || !this.#isRight(bytes)) {
      this.flush()
      return this.#nic.send(bytes, start, end)
    }
    if (!this.#append(bytes, start)) {
      this.flush()
      this.#hold(bytes, start)
    }
    return SendCode.Ok
  }

  /** Sends what is held. */
  flush(): void {
    const bytes = this.#bytes
    const held = this.#held
    const end = this.#end
    if (held === 0) return
    this.#held = 0
    if (held === 1) {
      this.#nic.send(bytes, 0, end)
      return
    }
    const ip = ETHERNET_LENGTH
    const v4 = u16(bytes, EthernetAt.TYPE) === EtherType.Ipv4
    const tcp = ip + (v4 ? IPV4_LENGTH : IPV6_LENGTH)
    if (v4) {
      putU16(bytes, ip + Ipv4At.LENGTH, end - ip)
      putU16(bytes, ip + Ipv4At.CHECKSUM, 0)
      putU16(bytes, ip + Ipv4At.CHECKSUM, checksum(bytes, ip, tcp))
    } else putU16(bytes, ip + Ipv6At.LENGTH, end - tcp)
    putU16(bytes, tcp + TcpAt.CHECKSUM, fold(pseudo(bytes, ip, tcp, end)))
    this.joined += held
    this.#nic.send(bytes, 0, end, offloadOf(true, this.#size))
  }

  /** Whether it is a segment of the kind that can be joined, and where its parts are. */
  #isSegment(bytes: Uint8Array, start: number, end: number): boolean {
    const ip = start + ETHERNET_LENGTH
    if (end - ip < IPV4_LENGTH + TCP_LENGTH) return false
    let tcp: number
    let stop: number
    switch (u16(bytes, start + EthernetAt.TYPE)) {
      case EtherType.Ipv4:
        if (bytes[ip] !== 0x45 || bytes[ip + Ipv4At.PROTOCOL] !== TCP || u16(bytes, ip + Ipv4At.FRAGMENT) !== DF) return false
        // It is computed anew for a joined frame.
        if (fold(sumWords(bytes, ip, ip + IPV4_LENGTH)) !== 0xffff) return false
        tcp = ip + IPV4_LENGTH
        stop = ip + u16(bytes, ip + Ipv4At.LENGTH)
        break
      case EtherType.Ipv6:
        if (bytes[ip + Ipv6At.NEXT_HEADER] !== TCP) return false
        tcp = ip + IPV6_LENGTH
        stop = tcp + u16(bytes, ip + Ipv6At.LENGTH)
        break
      default:
        return false
    }
    if (stop > end || stop - tcp < TCP_LENGTH) return false
    const header = ((bytes[tcp + TcpAt.DATA_OFFSET] ?? 0) >>> 4) << 2
    if (header < TCP_LENGTH || tcp + header >= stop || ((bytes[tcp + TcpAt.FLAGS] ?? 0) & ~TcpFlag.Psh) !== TcpFlag.Ack) return false
    this.#ip = ip
    this.#tcp = tcp
    this.#payload = tcp + header
    this.#stop = stop
    return true
  }

  /** Whether its checksum is right. */
  #isRight(bytes: Uint8Array): boolean {
    const ip = this.#ip
    const tcp = this.#tcp
    const payload = this.#payload
    const stop = this.#stop
    const words = this.#wordsOf(bytes)
    const data = words === undefined ? sumWords(bytes, payload, stop) : sumPayload(bytes, words, payload, stop)
    return fold(sumWords(bytes, tcp, payload, pseudo(bytes, ip, tcp, stop)) + data) === 0xffff
  }

  /** Joins the segment in hand to the held ones, if it continues them. */
  #append(bytes: Uint8Array, start: number): boolean {
    const tcp = this.#tcp
    const payload = this.#payload
    const stop = this.#stop
    const length = stop - payload
    if (this.#held === 0 || !this.#open || length > this.#size || this.#end + length > ETHERNET_LENGTH + LONGEST) return false
    if (u32(bytes, tcp + TcpAt.SEQUENCE) !== this.#next || !this.#continues(bytes, start)) return false
    this.#bytes.set(bytes.subarray(payload, stop), this.#end)
    const flags = bytes[tcp + TcpAt.FLAGS] ?? 0
    this.#bytes[tcp - start + TcpAt.FLAGS] = flags
    this.#end += length
    this.#next = (this.#next + length) >>> 0
    this.#open = length === this.#size && (flags & TcpFlag.Psh) === 0
    this.#held++
    return true
  }

  /** Whether the headers are equal in all that a segmenter repeats. */
  #continues(bytes: Uint8Array, start: number): boolean {
    const ip = ETHERNET_LENGTH
    const tcp = this.#tcp - start
    if (this.#payload - start !== this.#payloadAt) return false
    if (tcp === ip + IPV4_LENGTH) {
      if (!this.#alike(bytes, start, 0, ip + Ipv4At.LENGTH) || !this.#alike(bytes, start, ip + Ipv4At.FRAGMENT, ip + Ipv4At.CHECKSUM)) return false
      if (!this.#alike(bytes, start, ip + Ipv4At.SOURCE, tcp + TcpAt.SEQUENCE)) return false
    } else if (!this.#alike(bytes, start, 0, ip + Ipv6At.LENGTH) || !this.#alike(bytes, start, ip + Ipv6At.NEXT_HEADER, tcp + TcpAt.SEQUENCE)) return false
    // The flags were looked at: they differ in PSH at most.
    return this.#alike(bytes, start, tcp + TcpAt.ACKNOWLEDGMENT, tcp + TcpAt.FLAGS) && this.#alike(bytes, start, tcp + TcpAt.WINDOW, tcp + TcpAt.CHECKSUM)
      && this.#alike(bytes, start, tcp + TcpAt.URGENT, this.#payloadAt)
  }

  /** Whether a piece of the headers is the same in the held frame. */
  #alike(bytes: Uint8Array, start: number, from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (this.#bytes[i] !== bytes[start + i]) return false
    return true
  }

  #hold(bytes: Uint8Array, start: number): void {
    const tcp = this.#tcp
    const payload = this.#payload
    const stop = this.#stop
    this.#bytes.set(bytes.subarray(start, stop), 0)
    this.#held = 1
    this.#end = stop - start
    this.#payloadAt = payload - start
    this.#size = stop - payload
    this.#next = (u32(bytes, tcp + TcpAt.SEQUENCE) + this.#size) >>> 0
    this.#open = ((bytes[tcp + TcpAt.FLAGS] ?? 0) & TcpFlag.Psh) === 0
  }

  /** The memory of `bytes` by words, where that can be; kept, since frames come from the same few buffers again and again. */
  #wordsOf(bytes: Uint8Array): Int32Array | undefined {
    if (bytes !== this.#wordsFor) {
      this.#wordsFor = bytes
      this.#words = bytes.byteOffset % 4 === 0 ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2) : undefined
    }
    return this.#words
  }
}

const DF = 0x4000

/** The unfolded sum of the pseudo header of a TCP segment at `tcp`–`stop`. Addresses are the last bytes of both network headers. */
const pseudo = (bytes: Uint8Array, ip: number, tcp: number, stop: number): number =>
  sumWords(bytes, ip + (tcp - ip === IPV4_LENGTH ? Ipv4At.SOURCE : Ipv6At.SOURCE), tcp, TCP + stop - tcp)
