/**
 * An underlay: a NIC that finds its own way on the physical network.
 *
 * A tunnel's outer header names hosts by IP address; the wire wants MACs. Around a NIC, an underlay writes the outermost Ethernet
 * addresses of every frame that is sent, by routes and neighbours, and answers for the host's addresses. It has what a
 * kernel's stack has for that, and nothing else: no sockets, no forwarding, no autoconfiguration, no multicast listener
 * discovery.
 *
 * - **Out.** The outermost IP destination of a frame, behind up to two VLAN tags, is looked up in a cache of destinations: a
 *   neighbour whose MAC is known has it written into the frame in the caller's bytes, which goes to the NIC at once. A frame for a
 *   neighbour that is not known is copied and waits (`SendCode.Ok`: it was taken); it leaves when the answer comes, ahead
 *   of later frames to the same neighbour, or is counted as `Unresolved`. What has no way is taken and lost, counted as `NoRoute`, `NotIp`,
 *   `OwnAddress` or `NeighboursFull`. Group addresses need no asking.
 * - **In.** ARP, neighbour discovery and echo requests to the host's addresses are answered and kept from the receiver (`Answered`), and
 *   so is what another MAC was meant for (`NotForUs`), and what names a group as its sender (`BadSource`). ICMP errors to
 *   the host are read and kept too (`network-errors.ts`): what they tell of a path's MTU goes to `Receiver.pathMtu`. The rest of a batch is passed on in one.
 * - **Counters** are of the frames of who uses the underlay: its own questions and answers are not among those sent and delivered.
 * - **Cost.** Per frame sent, one hash look-up and twelve bytes written; per frame received, some comparisons. Nothing is allocated.
 *   The one timer runs while there are neighbours, once in `retransmitMs`.
 *
 * @see RFC 826; RFC 4861
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { formatIp, formatMac, type IpAddress, ipv4, ipv6, type Mac, wire } from '@vfp-ts/core'
import { type FrameBatch, isPartial, segmentOf } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD, type LinkState, type Nic, type NicCounters, type Receiver, SendCode } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import { DestinationCache } from './destination-cache.js'
import { Incoming, Judgement } from './incoming.js'
import { announcement, question } from './neighbour-frames.js'
import { NeighbourTable } from './neighbour-table.js'
import { NetworkErrors } from './network-errors.js'
import type { Neighbour, NeighbourReport } from './neighbour.js'
import { Routes } from './routes.js'
import { SentMemory } from './sent-memory.js'
import { readOptions, type UnderlayConfig, type UnderlayOptions } from './underlay-options.js'

const { putU16, putU32, readMac, u16, u32, writeMac } = wire.bytes
const { ETHERNET_LENGTH, EtherType } = wire.ethernet
const { Ipv4At, IPV4_LENGTH } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6

/** A NIC on the physical network that resolves its neighbours. */
export interface Underlay extends Nic {
  /** The host's MAC: source of what is sent. */
  readonly mac: string
  /** The host's own addresses, without the lengths of their networks. */
  readonly addresses: readonly string[]
  /** Returns the neighbours that are known or asked for. */
  readonly neighbours: () => readonly NeighbourReport[]
  /** Returns the number of packets in which another MAC claimed one of the host's own addresses: a wrong configuration, or worse. */
  readonly conflicts: () => number
  /** Announces the host's addresses to all hosts on the link; done by itself at the start and when the link comes up, unless `announce` is false. */
  readonly announce: () => void
}

/**
 * Puts an underlay around a NIC: resolves the neighbours of tunnelled frames by ARP and neighbour discovery, writes their Ethernet addresses, and
 * answers for the host's addresses. The NIC belongs to it from then on: start, use and close the underlay instead. Wrong options are
 * refused as `BadOptions`, and the NIC is as it was.
 *
 * What has no way is taken and counted in `sendDrops`: `NoRoute`, `NotIp`, `OwnAddress`, `Unresolved`, `WaitingOverflow`, `NeighboursFull`. What
 * came for the host itself is counted in `receiveDrops`: `Answered`, `NotForUs`, `BadSource`, and errors of the network by what they are.
 *
 * Cost: a hash look-up and twelve bytes written for each frame sent; some comparisons for each received.
 *
 * @example
 * ```ts
 * import { openHost } from '@vfp-ts/adapters/host'
 * import { memoryPair } from '@vfp-ts/adapters/memory'
 * import { openUnderlay } from '@vfp-ts/adapters/underlay'
 * import { orThrow } from '@vfp-ts/core'
 *
 * const { a } = memoryPair({ macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'] }) // on a machine: openAfPacket
 * const uplink = orThrow(openUnderlay(a, {
 *   addresses: ['192.0.2.1/24', '2001:db8::1/64'],
 *   routes: [{ prefix: '0.0.0.0/0', via: '192.0.2.254' }],
 * }))
 * const host = openHost()
 * orThrow(host.uplink(uplink))
 * console.log(uplink.mac, uplink.addresses.join(' '))
 * await host.close()
 * ```
 *
 * ```text output
 * 02:00:00:00:00:01 192.0.2.1 2001:db8::1
 * ```
 */
export const openUnderlay = (nic: Nic, options: UnderlayOptions): Either<NicError, Underlay> => {
  const config = readOptions(nic, options)
  return isLeft(config) ? config : right(new ResolvingNic(nic, config.right))
}

/** Where frames to a destination go: to a neighbour, or to everybody. */
type Hop = Neighbour | 'everybody'

class ResolvingNic implements Underlay {
  readonly name: string
  readonly mac: string
  readonly addresses: readonly string[]
  readonly offloads: Nic['offloads']
  readonly #nic: Nic
  readonly #config: UnderlayConfig
  readonly #mac: Mac
  readonly #routes: Routes
  readonly #neighbours: NeighbourTable
  readonly #incoming: Incoming
  readonly #sent: SentMemory
  readonly #errors: NetworkErrors
  readonly #hops = new DestinationCache<Hop>()
  readonly #lost: Record<string, number> = {}
  #receiver: Receiver | undefined
  #state: 'open' | 'started' | 'closed' = 'open'
  #closing: Promise<void> | undefined
  #answered = 0
  #notForUs = 0
  #badSource = 0
  #keptBytes = 0
  #own = 0
  #ownBytes = 0

  constructor(nic: Nic, config: UnderlayConfig) {
    this.name = nic.name
    this.mac = formatMac(config.mac)
    this.addresses = config.addresses.map(({ ip }) => formatIp(ip))
    this.offloads = nic.offloads
    this.#nic = nic
    this.#config = config
    this.#mac = config.mac
    this.#routes = new Routes(config)
    this.#neighbours = new NeighbourTable(config, {
      ask: ({ ip, source, mac }, everybody) => this.#say(question({ ip: source, mac: this.#mac }, ip, everybody ? undefined : readMac(mac, 0))),
      release: ({ mac }, frames) => {
        for (const { frame, offload } of frames) {
          frame.set(mac, 0)
          nic.send(frame, 0, frame.length, offload)
        }
        nic.flush()
      },
      lose: (frames, reason) => this.#lose(reason, frames),
      forget: () => this.#hops.clear(),
    })
    const { nowMs } = config.timers
    this.#sent = new SentMemory(nowMs)
    this.#errors = new NetworkErrors(this.#routes, this.#sent, nowMs, (ip, mtu) => this.#receiver?.pathMtu?.(formatIp(ip), mtu))
    this.#incoming = new Incoming(config.mac, this.#routes, this.#neighbours, this.#errors, (bytes, start, end) => this.#sendOwn(bytes, start, end))
  }

  readonly mtu = (): number => this.#nic.mtu()
  readonly link = (): LinkState => this.#nic.link()
  readonly flush = (): void => this.#nic.flush()
  readonly neighbours = (): readonly NeighbourReport[] => this.#neighbours.report()
  readonly conflicts = (): number => this.#incoming.conflicts

  readonly start = (receiver: Receiver): Either<NicError, void> => {
    if (this.#state !== 'open') {
      return left({ _tag: 'NicError', nic: this.name, operation: 'start', code: 'BadState', reason: `it was ${this.#state} before`, retryable: false })
    }
    const started = this.#nic.start({
      frames: (batch) => this.#receive(batch, receiver),
      drained: () => receiver.drained?.(),
      failed: (error) => receiver.failed?.(error),
      mtu: (bytes) => receiver.mtu?.(bytes),
      link: (state) => {
        if (state === 'up') this.#cameUp()
        receiver.link?.(state)
      },
    })
    if (isLeft(started)) return started
    this.#state = 'started'
    this.#receiver = receiver
    if (this.#config.announce && this.#nic.link() === 'up') this.announce()
    return started
  }

  readonly announce = (): void => {
    for (const { ip } of this.#config.addresses) this.#say(announcement({ ip, mac: this.#mac }))
  }

  readonly send = (bytes: Uint8Array, start: number, end: number, offload = 0): SendCode => {
    if (this.#state !== 'started') return this.#refuse('Closed')
    if (end - start < ETHERNET_LENGTH) return this.#refuse('TooShort')
    let l3 = start + ETHERNET_LENGTH
    let type = u16(bytes, l3 - 2)
    for (let tags = 0; tags < 2 && (type === EtherType.Vlan || type === EtherType.ServiceVlan) && l3 + 4 <= end; tags++) {
      type = u16(bytes, l3 + 2)
      l3 += 4
    }
    let hop: Hop | undefined
    if (type === EtherType.Ipv4 && l3 + IPV4_LENGTH <= end) {
      const d = u32(bytes, l3 + Ipv4At.DESTINATION)
      if (d >>> 28 === 14) return this.#toGroup(bytes, start, end, offload, 0x0100, 0x5e00_0000 | (d & 0x7f_ffff))
      hop = this.#hops.find(4, 0, 0, 0, d) ?? this.#findHop(ipv4(d))
      this.#sent.note(bytes, l3, end, 4, this.#nic.mtu())
    } else if (type === EtherType.Ipv6 && l3 + IPV6_LENGTH <= end) {
      const at = l3 + Ipv6At.DESTINATION
      const a = u32(bytes, at)
      const d = u32(bytes, at + 12)
      if (a >>> 24 === 0xff) return this.#toGroup(bytes, start, end, offload, 0x3333, d)
      const b = u32(bytes, at + 4)
      const c = u32(bytes, at + 8)
      hop = this.#hops.find(6, a, b, c, d) ?? this.#findHop(ipv6(a, b, c, d))
      this.#sent.note(bytes, l3, end, 6, this.#nic.mtu())
    } else this.#lose('NotIp', 1)
    if (hop === undefined) return SendCode.Ok
    if (hop === 'everybody') return this.#toGroup(bytes, start, end, offload, 0xffff, 0xffff_ffff)
    writeMac(bytes, start + 6, this.#mac)
    if (!hop.resolved) return this.#wait(hop, bytes, start, end, offload)
    hop.used = true
    const { mac } = hop
    for (let i = 0; i < 6; i++) bytes[start + i] = mac[i] ?? 0
    return this.#nic.send(bytes, start, end, offload)
  }

  readonly counters = (): NicCounters => {
    const inner = this.#nic.counters()
    const kept = { ...this.#errors.counts, Answered: this.#answered, NotForUs: this.#notForUs, BadSource: this.#badSource }
    return {
      ...inner,
      received: inner.received - this.#answered - this.#notForUs - this.#badSource - this.#errors.total,
      receivedBytes: inner.receivedBytes - this.#keptBytes,
      // A NIC may count a frame some time after it took it.
      sent: Math.max(0, inner.sent - this.#own),
      sentBytes: Math.max(0, inner.sentBytes - this.#ownBytes),
      receiveDrops: added(inner.receiveDrops, kept),
      sendDrops: added(inner.sendDrops, this.#lost),
    }
  }

  readonly close = (): Promise<void> => {
    if (this.#closing !== undefined) return this.#closing
    this.#state = 'closed'
    this.#neighbours.close()
    this.#closing = this.#nic.close()
    return this.#closing
  }

  /** Answers and takes out what is for the host itself; the rest goes on in the same batch, without gaps. */
  #receive(batch: FrameBatch, receiver: Receiver): void {
    const { bytes, start, length, offload, count } = batch
    let kept = 0
    for (let i = 0; i < count; i++) {
      const from = start[i] ?? 0
      const size = length[i] ?? 0
      const word = offload[i] ?? 0
      const judgement = this.#incoming.judge(bytes, from, from + size, word)
      if (judgement === Judgement.Pass) {
        start[kept] = from
        length[kept] = size
        offload[kept] = word
        kept++
        continue
      }
      if (judgement === Judgement.Answered) this.#answered++
      else if (judgement === Judgement.NotForUs) this.#notForUs++
      else if (judgement === Judgement.BadSource) this.#badSource++
      this.#keptBytes += size
    }
    if (kept < count) this.#nic.flush()
    if (kept === 0) return
    batch.count = kept
    receiver.frames(batch)
    // The NIC may still want to know how many it gave.
    batch.count = count
  }

  #cameUp(): void {
    this.#neighbours.doubt()
    if (this.#config.announce) this.announce()
  }

  /** The hop to a destination, which is remembered; `undefined` where there is none, which is counted. */
  #findHop(ip: IpAddress): Hop | undefined {
    const next = this.#routes.nextHop(ip)
    if (next._tag === 'NoRoute' || next._tag === 'Own') {
      this.#lose(next._tag === 'Own' ? 'OwnAddress' : 'NoRoute', 1)
      return undefined
    }
    const hop = next._tag === 'Broadcast' ? 'everybody' : this.#neighbour(next.ip)
    if (hop === undefined) this.#lose('NeighboursFull', 1)
    else this.#hops.set(ip.version, ...ip.words, hop)
    return hop
  }

  #neighbour(ip: IpAddress): Neighbour | undefined {
    const source = this.#routes.sourceFor(ip)
    return source === undefined ? undefined : this.#neighbours.reach(ip, source)
  }

  #wait(hop: Neighbour, bytes: Uint8Array, start: number, end: number, offload: number): SendCode {
    if (this.#nic.link() === 'down') return this.#refuse('LinkDown')
    // A frame that could never leave is better told of now than lost later.
    const segment = segmentOf(offload)
    const { checksum, segmentation } = this.offloads
    if ((isPartial(offload) && !checksum) || (segment > 0 && !segmentation)) return this.#refuse('Unfinished')
    if (end - start > (segment > 0 ? 0xffff : this.#nic.mtu()) + FRAME_OVERHEAD) return this.#refuse('TooLong')
    this.#neighbours.wait(hop, bytes.subarray(start, end), offload)
    return SendCode.Ok
  }

  /** To the MAC of a group, whose first 16 and last 32 bits are given. @see RFC 1112 §6.4; RFC 2464 §7 */
  #toGroup(bytes: Uint8Array, start: number, end: number, offload: number, high: number, low: number): SendCode {
    putU16(bytes, start, high)
    putU32(bytes, start + 2, low)
    writeMac(bytes, start + 6, this.#mac)
    return this.#nic.send(bytes, start, end, offload)
  }

  #say(frame: Uint8Array): void {
    this.#sendOwn(frame, 0, frame.length)
    this.#nic.flush()
  }

  /** Questions and answers of the underlay itself, which its counters leave out. */
  #sendOwn(bytes: Uint8Array, start: number, end: number): void {
    if (this.#nic.send(bytes, start, end) !== SendCode.Ok) return
    this.#own++
    this.#ownBytes += end - start
  }

  #refuse(reason: 'Closed' | 'TooShort' | 'LinkDown' | 'TooLong' | 'Unfinished'): SendCode {
    this.#lose(reason, 1)
    return SendCode[reason]
  }

  #lose(reason: string, frames: number): void {
    this.#lost[reason] = (this.#lost[reason] ?? 0) + frames
  }
}

const added = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Readonly<Record<string, number>> => {
  const sum: Record<string, number> = { ...a }
  for (const [reason, count] of Object.entries(b)) if (count > 0) sum[reason] = (sum[reason] ?? 0) + count
  return sum
}
