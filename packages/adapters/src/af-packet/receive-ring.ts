/**
 * Frames as the kernel puts them into a ring shared with it, delivered from there without a copy.
 *
 * Why a ring and not `recvmmsg`: the kernel copies a frame into the ring in the sender's time, and reading needs no call at all. A loop that
 * forwards 60-byte UDP from one veth to another and computes 0.7 µs in between cost 2.55 µs of processor time a packet with the ring, 3.3 with `recvmmsg`
 * into memory prepared once (Linux 6.18, 2 cores, five runs of each by turns, ±2 %). Of either 1.4 µs is `sendmmsg`, most of it the other end's share of
 * the way; a ring for sending (`PACKET_TX_RING`) cost 1.65, and `PACKET_QDISC_BYPASS` made no difference. With batches of 16, 32, 64, 128 and 256 frames it was
 * 2.8, 2.75, 2.55, 2.5 and 2.55 µs; 64 keep the engine's arrays small and NICs taking turns.
 *
 * Why version 2 and not 3: version 3 packs frames into blocks and tells of a block when it is full or a timer of at least a millisecond rings, which is a
 * millisecond on every ping; version 2 tells of each frame.
 *
 * The price of version 2 is slots of one size. They are made for the MTU; what is longer (64 KB segments of a local stack, an MTU that grew) the
 * kernel cuts in its slot and keeps whole in the socket's queue (`PACKET_COPY_THRESH`), where `LongFrames` gets it. So batches end where
 * a long frame begins, and order is kept.
 *
 * A slot holds the kernel's header, then room that we asked for (`PACKET_RESERVE`), the virtio-net header, the frame:
 *
 *     status, lengths, VLAN tag · address ·   headroom   · virtio-net header · frame · unused
 *     |<-------- 52 bytes ------------->|<-- at least 256 ------------------>|
 *
 * Invariants: slots between `#next` and the end of the batch in hand are ours, all others the kernel's, which looks at the status word before it writes one
 * and writes it last. A batch's `bytes` begin with its first slot, so that no receiver, however much headroom it takes, writes into a slot that is
 * the kernel's; it may well write over the header of its own, which is read before.
 *
 * Memory: a receiver that kept `bytes` against the contract would read freed memory, and the process would end. So what `close` leaves at the address is
 * ordinary memory, unmapped when the collector finds no reference to it.
 */
import { type FrameView, makeFrameView, wire } from '@vfp-ts/core'
import { FRAME_HEADROOM, type FrameBatch, makeFrameBatch } from '../nic/frame-batch.js'
import { readVirtioHeader, REFUSED, VIRTIO_NET_HEADER, virtioHeaderRefusal } from '../offload/virtio-net-header.js'
import {
  MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PROT_READ_WRITE, RING_ALIGNMENT, RING_HEADER_BYTES, RingHeader, RingStatus,
} from '../native/layout.js'
import type { Linux } from '../native/linux.js'
import { type Drops, drop } from '../native/device.js'

const { putU16 } = wire.bytes

/** Frames of a batch. */
export const BATCH_FRAMES = 64

/** Sizes of a ring. */
export interface RingShape {
  /** Bytes a slot. */
  readonly slotBytes: number
  readonly slots: number
  /** Bytes of each piece of memory that the kernel allocates; slots fill it without a gap. */
  readonly blockBytes: number
}

/**
 * Returns the shape of a ring of about {@link RING_BYTES} for frames of this MTU. If the MTU is longer than that of jumbo frames, slots have the
 * size for jumbo frames, and what is longer is a long frame.
 */
export const ringShape = (mtu: number, pageBytes: number): RingShape => {
  const needed = RING_HEADER_BYTES + 2 * RING_ALIGNMENT + FRAME_HEADROOM + VIRTIO_NET_HEADER + Math.min(mtu, JUMBO) + TAGS
  // An odd number of cache lines, so that headers do not share one set of a cache; a page's worth of lines makes whole pages of any size.
  const slotBytes = (Math.ceil(needed / 64) | 1) * 64
  const perBlock = pageBytes / 64
  const blocks = Math.max(Math.ceil(256 / perBlock), Math.min(Math.floor(RING_BYTES / (slotBytes * perBlock)), Math.ceil(MOST_SLOTS / perBlock)))
  return { slotBytes, slots: blocks * perBlock, blockBytes: slotBytes * perBlock }
}

const JUMBO = 9_216
const TAGS = 8
/** Room for a burst, in bytes and slots. */
const RING_BYTES = 4 << 20
const MOST_SLOTS = 2_048

/** Puts the VLAN tag that the kernel took out back into the frame; returns by how many bytes the frame begins earlier. */
export const restoreTag = (bytes: Uint8Array, start: number, protocol: number, tci: number): number => {
  bytes.copyWithin(start - 4, start, start + 12)
  putU16(bytes, start + 8, protocol)
  putU16(bytes, start + 10, tci)
  return 4
}

/** The EtherType of tags where the kernel does not say it. */
const TPID = 0x8100

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** What a slot says of a frame that is read elsewhere. */
export interface LongFrame {
  readonly tagged: boolean
  readonly protocol: number
  readonly tci: number
}

/** The ring, mapped. */
export class ReceiveRing {
  readonly #linux: Linux
  readonly #shape: RingShape
  readonly #address: number
  readonly #bytes: Uint8Array
  readonly #words: Int32Array
  readonly #halves: Uint16Array
  /** The ring from each slot on. */
  readonly #from: readonly Uint8Array[]
  readonly #batch: Writable<FrameBatch> = makeFrameBatch(BATCH_FRAMES, 0)
  readonly #view: FrameView = makeFrameView()
  #next = 0
  #taken = 0
  #open = true

  private constructor(linux: Linux, shape: RingShape, address: number) {
    const size = shape.slots * shape.slotBytes
    const buffer = linux.view(address, size)
    this.#linux = linux
    this.#shape = shape
    this.#address = address
    this.#bytes = new Uint8Array(buffer)
    this.#words = new Int32Array(buffer)
    this.#halves = new Uint16Array(buffer)
    this.#from = Array.from({ length: shape.slots }, (_, slot) => this.#bytes.subarray(slot * shape.slotBytes))
    mappings.register(buffer, unmapping(linux, address, size))
  }

  /** Maps the ring of socket `fd`; returns `undefined` where the system refuses (`errno` says why). */
  static map(linux: Linux, fd: number, shape: RingShape): ReceiveRing | undefined {
    const address = linux.mmap(0, shape.slots * shape.slotBytes, PROT_READ_WRITE, MAP_SHARED, fd, 0)
    return address === -1 ? undefined : new ReceiveRing(linux, shape, address)
  }

  /** Takes the slots of the long frames that come next, at most `most`, and calls `each` for them in order; returns their number. */
  takeLong(most: number, each: (i: number, frame: LongFrame) => void): number {
    let taken = 0
    for (; taken < most && this.#next + taken < this.#shape.slots; taken++) {
      const slot = (this.#next + taken) * this.#shape.slotBytes
      const status = Atomics.load(this.#words, slot >> 2)
      if ((status & IS_LONG) !== IS_LONG) break
      each(taken, { tagged: (status & RingStatus.VlanValid) !== 0, protocol: this.#protocol(slot, status), tci: this.#half(slot + RingHeader.VLAN_TCI) })
    }
    this.#taken = taken
    return taken
  }

  /** Returns the frames that come next, up to a long one or the ring's end; `undefined` where there are none. {@link release} gives their slots back. */
  take(drops: Drops): FrameBatch | undefined {
    const { slotBytes, slots } = this.#shape
    const batch = this.#batch
    const { start, length, offload } = batch
    const base = this.#next * slotBytes
    const most = Math.min(BATCH_FRAMES, slots - this.#next)
    let count = 0
    let taken = 0
    for (let slot = base; taken < most; taken++, slot += slotBytes) {
      const status = Atomics.load(this.#words, slot >> 2)
      if ((status & IS_LONG) !== RingStatus.User) break
      const bytes = this.#words[(slot + RingHeader.LENGTH) >> 2] ?? 0
      if (bytes !== this.#words[(slot + RingHeader.SNAPPED) >> 2]) {
        drop(drops, 'Truncated')
        continue
      }
      let at = slot + this.#half(slot + RingHeader.MAC)
      const word = readVirtioHeader(this.#bytes, at - VIRTIO_NET_HEADER, at, at + bytes, this.#view)
      if (word === REFUSED) {
        drop(drops, virtioHeaderRefusal(this.#bytes, at - VIRTIO_NET_HEADER, at, at + bytes, this.#view) ?? 'Malformed')
        continue
      }
      const tag = (status & RingStatus.VlanValid) === 0 ? 0 : restoreTag(this.#bytes, at, this.#protocol(slot, status), this.#half(slot + RingHeader.VLAN_TCI))
      at -= tag
      start[count] = at - base
      length[count] = bytes + tag
      offload[count] = word
      count++
    }
    this.#taken = taken
    if (taken === 0) return undefined
    batch.count = count
    batch.bytes = this.#from[this.#next] ?? this.#bytes
    return batch
  }

  /** Gives the slots of the last batch back to the kernel. */
  release(): void {
    if (!this.#open) return
    const { slotBytes, slots } = this.#shape
    for (let i = 0; i < this.#taken; i++) Atomics.store(this.#words, ((this.#next + i) * slotBytes) >> 2, RingStatus.Kernel)
    this.#next = (this.#next + this.#taken) % slots
    this.#taken = 0
  }

  /** Gives the ring's memory back to the kernel, and puts ordinary memory in its place. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    const { slotBytes, slots } = this.#shape
    this.#linux.mmap(this.#address, slots * slotBytes, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
  }

  #half(at: number): number {
    return this.#halves[at >> 1] ?? 0
  }

  #protocol(slot: number, status: number): number {
    return (status & RingStatus.VlanTpidValid) === 0 ? TPID : this.#half(slot + RingHeader.VLAN_TPID)
  }
}

const IS_LONG = RingStatus.User | RingStatus.Copy

/** Made outside of the constructor, whose closures would keep alive the very object that this has to outlive. */
const unmapping = (linux: Linux, address: number, size: number) => (): void => {
  linux.munmap(address, size)
}

const mappings = new FinalizationRegistry<() => void>((unmap) => unmap())
