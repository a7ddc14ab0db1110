/**
 * VXLAN and Geneve in ordinary UDP sockets: the underlay of a switch in user space, where a process may not open raw ones.
 *
 * Its frames are whole tunnelled frames, as the engine makes and expects them: outer Ethernet, IPv4 or IPv6, UDP, tunnel header, inner
 * frame. On the way out the destination is read off the outer headers and the UDP payload goes through a socket; on
 * the way in outer headers are made up around the payload. Routes and neighbours are the system's: no `underlay` is needed
 * around it.
 *
 * - **What does not survive.** The outer MACs ({@link OVERLAY_MAC} and {@link OVERLAY_PEER_MAC} on all that comes), TTL, DSCP and ECN, so
 *   that congestion marked by the network between hosts does not reach the VMs; and the source port, but for `sources`.
 * - **What cannot be sent** is taken and lost, as a network does, and counted: `NotIp`, `OtherFamily`, `Malformed`, `Fragment`,
 *   `NotTunnel` (no UDP to a tunnel's port), `OtherSource` (not from `local`). What the system refuses likewise: `TooLong`, `Unreachable`,
 *   `Forbidden`, `NoBuffers`, `System`; the first of a second is told as a retryable failure. The link stays up, as
 *   other peers may be reached all the while.
 * - **A peer that is gone** is not noticed: a socket that sends to many hears of no single one.
 * - **Cost.** Node makes one system call and several objects for each datagram, either way: several microseconds a frame,
 *   where a stream between two processes carries dozens of frames in one call.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { RemoteInfo, Socket } from 'node:dgram'
import { makeFrameBatch, slotStart } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD, type Nic, type Receiver, SendCode } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import { AddressBook } from './address-book.js'
import { DatagramQueue, type SendDatagram } from './datagram-queue.js'
import { outerBytes, OuterReader, OuterWriter } from './outer-headers.js'
import { bindSocket, closeSocket } from './sockets.js'
import { failureOf, meaningOf, OVERLAY_MAC, readOptions, type UdpOverlayOptions, type UdpOverlaySettings } from './udp-overlay-options.js'

/** Bytes of an Ethernet header. */
const ETHERNET = 14

/** A tunnel header and an Ethernet header: the shortest payload. */
const LEAST_PAYLOAD = 8 + ETHERNET

/** How long the system may take over the last datagrams before `close` gives them up, in milliseconds. */
const CLOSE_MS = 1000

/** How often a failure is told at most, in milliseconds. */
const TELL_MS = 1000

/**
 * Opens an underlay in user space: sends and receives VXLAN and Geneve through ordinary UDP sockets, without privileges. Its frames are whole
 * tunnelled frames, as the engine makes and expects them. Routes and neighbours are the system's, so no `underlay` is needed around it.
 *
 * Fails as `BadOptions`; as `Busy` if a port is in use, as `NotFound` if `local` is not an address of the host.
 *
 * @example
 * ```ts
 * import { openHost } from '@vfp-ts/adapters/host'
 * import { openUdpOverlay } from '@vfp-ts/adapters/udp-overlay'
 * import { orThrow } from '@vfp-ts/core'
 *
 * const host = openHost()
 * orThrow(host.uplink(orThrow(await openUdpOverlay({ tunnel: 'vxlan', local: '127.0.0.1', ports: { vxlan: 48_790 } }))))
 * console.log(host.report().uplink?.link)
 * await host.close()
 * ```
 *
 * ```text output
 * up
 * ```
 */
export const openUdpOverlay = async (options: UdpOverlayOptions): Promise<Either<NicError, Nic>> => {
  const settings = readOptions(options)
  if (isLeft(settings)) return settings
  const overlay = new UdpOverlay(settings.right)
  const failed = await overlay.bind()
  return failed === undefined ? right(overlay) : left(failed)
}

class UdpOverlay implements Nic {
  readonly name: string
  readonly mac = OVERLAY_MAC
  readonly offloads = { checksum: false, segmentation: false }

  readonly #settings: UdpOverlaySettings
  readonly #outerBytes: number
  readonly #reader: OuterReader
  readonly #writer: OuterWriter
  readonly #book: AddressBook
  readonly #queue: DatagramQueue
  readonly #batch
  readonly #frameBytes: number
  readonly #slots: number
  /** One for each tunnel. */
  readonly #tunnels: Socket[] = []
  readonly #sources: Socket[] = []
  readonly #receiveDrops: Record<string, number> = {}
  readonly #sendDrops: Record<string, number> = {}
  #received = 0
  #receivedBytes = 0
  #sent = 0
  #sentBytes = 0
  #receiver: Receiver | undefined
  #closing: Promise<void> | undefined
  #flushSoon = false
  #deliverSoon = false
  #refusedAsFull = false
  #toldAt = Number.NEGATIVE_INFINITY
  /** Whether what is with the system was counted as lost. */
  #abandoned = false
  #idle = (): void => undefined

  constructor(settings: UdpOverlaySettings) {
    const { name, mtu, local, queueFrames } = settings
    this.name = name
    this.#settings = settings
    this.#outerBytes = outerBytes(local.version)
    this.#reader = new OuterReader(local)
    this.#writer = new OuterWriter(local)
    this.#book = new AddressBook(local.version)
    this.#queue = new DatagramQueue(queueFrames, mtu)
    this.#frameBytes = mtu + ETHERNET
    this.#slots = mtu > 16_384 ? 16 : 64
    this.#batch = makeFrameBatch(this.#slots, this.#frameBytes)
  }

  /** Opens the sockets: all, or none. */
  async bind(): Promise<NicError | undefined> {
    const { name, local, localText: address, tunnels, sources, receiveBufferBytes } = this.#settings
    const common = {
      version: local.version,
      address,
      failed: (error: Error) => {
        this.#tell(failureOf(name, 'receive', error, true))
      },
    }
    const open = async (into: Socket[], port: number, bytes: number, message: (bytes: Uint8Array, from: RemoteInfo) => void): Promise<NicError | undefined> => {
      const socket = await bindSocket({ ...common, port, receiveBufferBytes: bytes, message })
      if (!(socket instanceof Error)) {
        into.push(socket)
        return undefined
      }
      await Promise.all([...this.#tunnels, ...this.#sources].map(closeSocket))
      return failureOf(name, 'open', socket, meaningOf(socket).retryable)
    }
    for (const { known, wire } of tunnels) {
      const failed = await open(this.#tunnels, wire, receiveBufferBytes, (bytes, from) => this.#take(bytes, from, known))
      if (failed !== undefined) return failed
    }
    for (let i = 0; i < sources; i++) {
      // Nobody has been asked to send there.
      const failed = await open(this.#sources, 0, 1, () => this.#lose(this.#receiveDrops, 'Unasked'))
      if (failed !== undefined) return failed
    }
    return undefined
  }

  readonly mtu = (): number => this.#settings.mtu

  readonly link = (): 'up' | 'down' => (this.#closing === undefined ? 'up' : 'down')

  readonly start = (receiver: Receiver): Either<NicError, void> => {
    if (this.#closing !== undefined || this.#receiver !== undefined) {
      const reason = this.#closing === undefined ? 'it was started before' : 'it was closed'
      return left({ _tag: 'NicError', nic: this.name, operation: 'start', code: 'BadState', reason, retryable: false })
    }
    this.#receiver = receiver
    return right(undefined)
  }

  readonly send = (bytes: Uint8Array, start: number, end: number, offload = 0): SendCode => {
    if (this.#closing !== undefined || this.#receiver === undefined) return this.#refuse(SendCode.Closed, 'Closed')
    if (offload !== 0) return this.#refuse(SendCode.Unfinished, 'Unfinished')
    if (end - start < ETHERNET) return this.#refuse(SendCode.TooShort, 'TooShort')
    if (end - start > this.#settings.mtu + FRAME_OVERHEAD) return this.#refuse(SendCode.TooLong, 'TooLong')
    const reader = this.#reader
    const fault = reader.read(bytes, start, end)
    if (fault !== undefined) return this.#refuse(SendCode.Ok, fault)
    const port = this.#wirePort(reader.destinationPort)
    if (port === 0) return this.#refuse(SendCode.Ok, 'NotTunnel')
    // A tag or padding may have hidden that the packet itself is longer.
    if (reader.payloadEnd - reader.payload + this.#outerBytes - ETHERNET > this.#settings.mtu) return this.#refuse(SendCode.TooLong, 'TooLong')
    const address = this.#book.text(bytes, reader.destination)
    if (!this.#queue.push(bytes, reader.payload, reader.payloadEnd, port, address, reader.sourcePort)) {
      this.#refusedAsFull = true
      return this.#refuse(SendCode.Full, 'Full')
    }
    if (!this.#flushSoon) {
      this.#flushSoon = true
      setImmediate(this.#flushLater)
    }
    return SendCode.Ok
  }

  readonly flush = (): void => {
    this.#queue.flush(this.#give)
  }

  readonly counters = () => ({
    received: this.#received,
    receivedBytes: this.#receivedBytes,
    sent: this.#sent,
    sentBytes: this.#sentBytes,
    receiveDrops: { ...this.#receiveDrops },
    sendDrops: { ...this.#sendDrops },
  })

  readonly close = (): Promise<void> => (this.#closing ??= this.#shut())

  async #shut(): Promise<void> {
    this.flush()
    if (this.#queue.pending > 0) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(() => {
          this.#abandoned = true
          this.#lose(this.#sendDrops, 'System', this.#queue.pending)
          resolve()
        }, CLOSE_MS)
        this.#idle = () => {
          clearTimeout(deadline)
          resolve()
        }
      })
    }
    await Promise.all([...this.#tunnels, ...this.#sources].map(closeSocket))
  }

  readonly #flushLater = (): void => {
    this.#flushSoon = false
    this.flush()
  }

  readonly #give: SendDatagram = (bytes, start, length, port, address, hash) => {
    const { length: sources } = this.#sources
    const socket = sources > 0 ? this.#sources[hash % sources] : this.#tunnelOf(port)
    socket?.send(bytes, start, length, port, address, this.#given)
  }

  readonly #given = (error: Error | null, bytes: number): void => {
    if (this.#abandoned) return
    if (error === null) {
      this.#sent++
      this.#sentBytes += bytes + this.#outerBytes
    } else this.#failedToSend(error)
    if (!this.#queue.done()) return
    this.flush()
    if (this.#queue.pending === 0) this.#idle()
    if (!this.#refusedAsFull || this.#closing !== undefined) return
    this.#refusedAsFull = false
    this.#receiver?.drained?.()
  }

  #failedToSend(error: Error): void {
    this.#lose(this.#sendDrops, meaningOf(error).drop)
    this.#tell(failureOf(this.name, 'send', error, true))
  }

  #tell(error: NicError): void {
    const now = this.#settings.now()
    if (this.#closing !== undefined || now - this.#toldAt < TELL_MS) return
    this.#toldAt = now
    this.#receiver?.failed?.(error)
  }

  /** A datagram came. It is told in a batch with those that are read in the same turn of the event loop. */
  #take(payload: Uint8Array, from: RemoteInfo, port: number): void {
    if (this.#closing !== undefined) return
    const length = payload.length + this.#outerBytes
    const source = this.#book.bytes(from.address)
    if (this.#receiver === undefined || payload.length < LEAST_PAYLOAD || source === undefined || length > this.#frameBytes) {
      this.#lose(this.#receiveDrops, this.#receiver === undefined ? 'NotStarted' : length > this.#frameBytes ? 'TooLong' : 'Malformed')
      return
    }
    const batch = this.#batch
    const i = batch.count
    const start = slotStart(i, this.#frameBytes)
    this.#writer.write(batch.bytes, start, source, from.port, port, payload.length)
    batch.bytes.set(payload, start + this.#outerBytes)
    batch.start[i] = start
    batch.length[i] = length
    batch.verdict[i] = 0
    batch.reason[i] = 0
    batch.offload[i] = 0
    batch.count = i + 1
    if (batch.count === this.#slots) this.#deliver()
    else if (!this.#deliverSoon) {
      this.#deliverSoon = true
      setImmediate(this.#deliverLater)
    }
  }

  readonly #deliverLater = (): void => {
    this.#deliverSoon = false
    if (this.#batch.count > 0 && this.#closing === undefined) this.#deliver()
  }

  #deliver(): void {
    const batch = this.#batch
    this.#received += batch.count
    for (let i = 0; i < batch.count; i++) this.#receivedBytes += batch.length[i] ?? 0
    try {
      this.#receiver?.frames(batch)
    } finally {
      // Also of one that threw: there is no room behind the last slot.
      batch.count = 0
    }
  }

  /** The port on the wire of a tunnel's well-known one; 0 if it is none of ours. */
  #wirePort(known: number): number {
    for (const tunnel of this.#settings.tunnels) if (tunnel.known === known) return tunnel.wire
    return 0
  }

  #tunnelOf(wire: number): Socket | undefined {
    return this.#tunnels[this.#settings.tunnels[0]?.wire === wire ? 0 : 1]
  }

  #refuse(code: SendCode, reason: string): SendCode {
    this.#lose(this.#sendDrops, reason)
    return code
  }

  #lose(drops: Record<string, number>, reason: string, by = 1): void {
    if (by > 0) drops[reason] = (drops[reason] ?? 0) + by
  }
}
