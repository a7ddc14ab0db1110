/**
 * The way out of a live NIC: the queue, and what becomes of it when the system does not take it.
 *
 * When the system takes no more (`EAGAIN`), the rest waits until the descriptor is writable. A device that has no room (`ENOBUFS`) tells
 * nobody when it has, so that is tried again after a millisecond. A frame that the system refuses is counted, and the next one goes on. An interface that
 * is down or gone loses the queue: frames that wait for it to come back would be old by then.
 */
import { SendCode } from '../nic/nic.js'
import { type Device, drop, type Drops } from './device.js'
import { Errno } from './layout.js'
import type { Linux } from './linux.js'
import { SendQueue } from './send-queue.js'

/** What it asks of the NIC that it is part of. */
export interface OutgoingNeeds {
  /** Whether to watch for room has changed; see {@link Outgoing.waitsForWritable}. */
  readonly watchChanged: () => void
  /** There may be room now, after a while without. */
  readonly roomAgain: () => void
  /** The interface seems to be down. Called from within the user's calls. */
  readonly linkDoubted: () => void
}

/** After which what the device had no room for is tried again. */
const RETRY_MS = 1

/** The queue towards one device. */
export class Outgoing {
  readonly #device: Device
  readonly #needs: OutgoingNeeds
  readonly #queue: SendQueue
  #writable = true
  #retry: NodeJS.Timeout | undefined
  /** Frames not sent, by reason. */
  readonly drops: Drops = {}

  constructor(linux: Linux, device: Device, needs: OutgoingNeeds) {
    this.#device = device
    this.#needs = needs
    this.#queue = new SendQueue(linux)
  }

  get sent(): number {
    return this.#queue.sent
  }

  get sentBytes(): number {
    return this.#queue.sentBytes
  }

  /** Whether the system takes no more until the descriptor is writable. */
  get waitsForWritable(): boolean {
    return !this.#writable
  }

  /** Whether nothing can be handed to the system for now. */
  get blocked(): boolean {
    return !this.#writable || this.#retry !== undefined
  }

  /** Takes a frame; a full queue is handed on first. */
  push(bytes: Uint8Array, start: number, end: number, offload: number): SendCode {
    const code = this.#queue.push(bytes, start, end, offload)
    if (code !== SendCode.Full || this.blocked) return code
    this.flush()
    return this.#queue.push(bytes, start, end, offload)
  }

  /** Hands on what waits, as far as it goes. */
  flush(): void {
    while (this.#queue.count > 0 && !this.blocked) {
      const errno = this.#device.transmit(this.#queue)
      if (errno === 0) return
      this.#stopped(errno)
    }
  }

  /** The descriptor is writable again. */
  becameWritable(): void {
    if (this.#writable) return
    this.#writable = true
    this.#needs.watchChanged()
    this.flush()
    if (!this.blocked) this.#needs.roomAgain()
  }

  /** Gives up all that waits. */
  lose(reason: string): void {
    drop(this.drops, reason, this.#queue.count)
    this.#queue.lose(this.#queue.count)
  }

  /** Hands on what goes at once, and gives up the rest. `up`: whether anything can go. */
  close(up: boolean): void {
    this.#writable = true
    this.#endRetry()
    if (up) this.flush()
    this.lose(up ? 'System' : 'LinkDown')
    this.#endRetry()
  }

  /** What becomes of the queue when the system stopped at its first frame. */
  #stopped(errno: number): void {
    switch (errno) {
      case Errno.EINTR:
        return
      case Errno.EAGAIN:
        this.#writable = false
        this.#needs.watchChanged()
        return
      case Errno.ENOBUFS:
      case Errno.ENOMEM:
        this.#retry = setTimeout(() => {
          this.#retry = undefined
          this.flush()
          if (!this.blocked) this.#needs.roomAgain()
        }, RETRY_MS)
        return
      case Errno.ENETDOWN:
      case Errno.EIO:
      case Errno.ENXIO:
      case Errno.ENODEV:
      case Errno.EBADFD:
        this.lose('LinkDown')
        this.#needs.linkDoubted()
        return
      default:
        drop(this.drops, errno === Errno.EMSGSIZE ? 'TooLong' : 'System')
        this.#queue.lose(1)
    }
  }

  #endRetry(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
  }
}
