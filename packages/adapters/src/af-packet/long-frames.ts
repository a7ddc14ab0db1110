/** Frames too long for their slot of the ring: read from the socket's queue, whole. */
import { type FrameView, makeFrameView } from '@vfp-ts/core'
import { type FrameBatch, makeFrameBatch, slotStart } from '../nic/frame-batch.js'
import { readVirtioHeader, REFUSED, VIRTIO_NET_HEADER, virtioHeaderRefusal } from '../offload/virtio-net-header.js'
import { MSG_DONTWAIT } from '../native/layout.js'
import type { Linux } from '../native/linux.js'
import { type Drops, drop } from '../native/device.js'
import { MessageVector } from '../native/message-vector.js'
import { type LongFrame, type ReceiveRing, restoreTag } from './receive-ring.js'

/** Frames of a batch, with room for the longest packet and any headers in front. */
const SLOTS = 16
const FRAME_BYTES = 65_535 + 64

const NONE: LongFrame = { tagged: false, protocol: 0, tci: 0 }

/** Reads long frames, into memory that is made when the first one comes: a NIC on a physical network may never see any. */
export class LongFrames {
  readonly #linux: Linux
  readonly #fd: number
  readonly #batch: FrameBatch
  readonly #messages: MessageVector
  readonly #told: LongFrame[] = Array.from({ length: SLOTS }, () => NONE)
  readonly #view: FrameView = makeFrameView()

  constructor(linux: Linux, fd: number) {
    this.#linux = linux
    this.#fd = fd
    this.#batch = makeFrameBatch(SLOTS, FRAME_BYTES)
    this.#messages = new MessageVector(linux, SLOTS)
    const { buffer } = this.#batch.bytes
    const address = linux.addressOf(buffer as ArrayBuffer)
    for (let i = 0; i < SLOTS; i++) this.#messages.set(i, address + slotStart(i, FRAME_BYTES) - VIRTIO_NET_HEADER, VIRTIO_NET_HEADER + FRAME_BYTES)
  }

  /** Reads the long frames whose slots come next; returns `undefined` where the next slot's frame is not long. */
  take(ring: ReceiveRing, drops: Drops): FrameBatch | undefined {
    const wanted = ring.takeLong(SLOTS, (i, frame) => (this.#told[i] = frame))
    if (wanted === 0) return undefined
    const got = this.#linux.recvmmsg(this.#fd, this.#messages.address, wanted, MSG_DONTWAIT, 0)
    // The kernel queues a frame before it tells of the slot, so fewer is an error of the socket; the slots are used up all the same.
    drop(drops, 'System', wanted - Math.max(0, got))
    const { bytes, start, length, offload } = this.#batch
    let count = 0
    for (let i = 0; i < got; i++) {
      const at = slotStart(i, FRAME_BYTES)
      const size = this.#messages.received(i) - VIRTIO_NET_HEADER
      const word = readVirtioHeader(bytes, at - VIRTIO_NET_HEADER, at, at + size, this.#view)
      if (word === REFUSED) {
        drop(drops, virtioHeaderRefusal(bytes, at - VIRTIO_NET_HEADER, at, at + size, this.#view) ?? 'Malformed')
        continue
      }
      const { tagged, protocol, tci } = this.#told[i] ?? NONE
      const tag = tagged ? restoreTag(bytes, at, protocol, tci) : 0
      start[count] = at - tag
      length[count] = size + tag
      offload[count] = word
      count++
    }
    this.#batch.count = count
    return this.#batch
  }
}
