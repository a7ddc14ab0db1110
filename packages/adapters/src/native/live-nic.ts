/**
 * What TAP devices and packet sockets have in common as NICs: when frames are read and handed on, what is told to whom, and when it ends.
 *
 * - **In.** When the descriptor is readable, at most {@link ROUNDS} batches are read and delivered, and then the event loop goes on, so
 *   that several NICs share it. The watch is level-triggered: it tells again of what is left.
 * - **Out.** `send` queues; the queue is handed to the system by `flush`, when it is full, and before the loop sleeps. See `Outgoing`.
 * - **Link.** The kernel's messages about interfaces, an error of the descriptor, or a send that fails wake `#check`, which
 *   asks the device. Nothing is told from within a call of the user's: what `send` finds out is told in a turn of its own.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { isPartial, segmentOf } from '../nic/frame-batch.js'
import { type LinkState, type Nic, type NicCounters, type Receiver, SendCode } from '../nic/nic.js'
import type { NicError, NicFailure } from '../nic/nic-error.js'
import { type Device, drop, type Drops } from './device.js'
import { watchLinks } from './link-watch.js'
import type { Linux, Watch } from './linux.js'
import { Outgoing } from './outgoing.js'
import { systemError } from './system-error.js'

/** Batches that one NIC delivers before another has its turn. */
const ROUNDS = 4

const ETHERNET = 14

/** Longest network packet. */
const LONGEST = 65_535

/** Makes a NIC of a device, which is the NIC's from now on. */
export const makeLiveNic = (linux: Linux, device: Device): Nic => {
  const live = new LiveNic(linux, device)
  return {
    name: device.name,
    mac: device.mac,
    mtu: () => live.mtu,
    link: () => live.link,
    offloads: device.offloads,
    start: (receiver) => live.start(receiver),
    send: (bytes, start, end, offload = 0) => live.send(bytes, start, end, offload),
    flush: () => live.flush(),
    counters: () => live.counters(),
    close: () => live.close(),
  }
}

class LiveNic {
  readonly #linux: Linux
  readonly #device: Device
  readonly #outgoing: Outgoing
  readonly #receiveDrops: Drops = {}
  #received = 0
  #receivedBytes = 0
  #receiver: Receiver | undefined
  #watch: Watch | undefined
  #stopLinks: (() => void) | undefined
  #mtu: number
  #up = false
  #closed: Promise<void> | undefined
  /** What the watch watches for besides frames. */
  #watchesWritable = false
  /** Whether the link's coming up shows by the descriptor's being writable. */
  #writableWhenUp = false
  /** The turn that flushes, and looks after the link if that is doubted. */
  #turn: NodeJS.Immediate | undefined
  #doubted = false
  /** Whether a frame was refused as `Full`, and `drained` is due. */
  #full = false

  constructor(linux: Linux, device: Device) {
    this.#linux = linux
    this.#device = device
    this.#outgoing = new Outgoing(linux, device, {
      watchChanged: () => this.#rewatch(false),
      roomAgain: () => this.#roomAgain(),
      linkDoubted: () => {
        this.#doubted = true
        this.#later()
      },
    })
    this.#mtu = device.state()?.mtu ?? 0
  }

  get mtu(): number {
    if (this.#receiver === undefined && this.#closed === undefined) this.#mtu = this.#device.state()?.mtu ?? this.#mtu
    return this.#mtu
  }

  get link(): LinkState {
    if (this.#closed !== undefined) return 'down'
    if (this.#receiver === undefined) return this.#device.state()?.up === true ? 'up' : 'down'
    return this.#up ? 'up' : 'down'
  }

  start(receiver: Receiver): Either<NicError, void> {
    const { name, fd } = this.#device
    if (this.#receiver !== undefined || this.#closed !== undefined) {
      const reason = this.#closed === undefined ? 'it was started before' : 'it was closed'
      return left({ _tag: 'NicError', nic: name, operation: 'start', code: 'BadState', reason, retryable: false })
    }
    const stop = watchLinks(this.#linux, () => this.#check())
    if (typeof stop === 'number') return left(systemError(name, 'start', -stop, 'a netlink socket'))
    const started = this.#device.start()
    if (isLeft(started)) {
      stop()
      return started
    }
    this.#stopLinks = stop
    this.#receiver = receiver
    this.#watch = this.#linux.watch(fd, (readable, writable, failed) => this.#ready(readable, writable, failed))
    const state = this.#device.state()
    this.#up = state?.up === true
    this.#mtu = state?.mtu ?? this.#mtu
    this.#writableWhenUp = state?.writableWhenUp === true
    this.#rewatch(true)
    if (state === undefined) {
      // Deleted since it was opened: told when there is nobody inside this call.
      this.#doubted = true
      this.#later()
    }
    return right(undefined)
  }

  send(bytes: Uint8Array, start: number, end: number, offload: number): SendCode {
    if (this.#receiver === undefined || this.#closed !== undefined) return this.#refuse(SendCode.Closed, 'Closed')
    if (!this.#up) return this.#refuse(SendCode.LinkDown, 'LinkDown')
    const length = end - start
    if (length < ETHERNET) return this.#refuse(SendCode.TooShort, 'TooShort')
    if (offload !== 0) {
      const { checksum, segmentation } = this.#device.offloads
      if (segmentOf(offload) > 0 ? !segmentation : isPartial(offload) && !checksum) return this.#refuse(SendCode.Unfinished, 'Unfinished')
    }
    if (length > this.#mtu + ETHERNET && !this.#fits(bytes, start, end, offload)) return this.#refuse(SendCode.TooLong, 'TooLong')
    const code = this.#outgoing.push(bytes, start, end, offload)
    if (code === SendCode.Ok) {
      if (this.#turn === undefined) this.#later()
      return code
    }
    if (code === SendCode.Unfinished) return this.#refuse(code, 'Unfinished')
    this.#full = true
    return this.#refuse(code, 'Full')
  }

  flush(): void {
    if (this.#closed === undefined) this.#outgoing.flush()
  }

  counters(): NicCounters {
    if (this.#closed === undefined) this.#device.addDrops(this.#receiveDrops)
    return {
      received: this.#received,
      receivedBytes: this.#receivedBytes,
      sent: this.#outgoing.sent,
      sentBytes: this.#outgoing.sentBytes,
      receiveDrops: { ...this.#receiveDrops },
      sendDrops: { ...this.#outgoing.drops },
    }
  }

  close(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed
    this.#closed = Promise.resolve()
    this.#outgoing.close(this.#up)
    clearImmediate(this.#turn)
    this.#stopLinks?.()
    this.#watch?.close()
    this.#device.addDrops(this.#receiveDrops)
    this.#device.close()
    return this.#closed
  }

  /** Asks how the interface is, and tells what has changed. */
  #check(): void {
    if (this.#closed !== undefined) return
    const state = this.#device.state()
    if (state === undefined) {
      this.#gone()
      return
    }
    const was = this.#up
    const before = this.#mtu
    this.#mtu = state.mtu
    this.#up = state.up
    this.#rewatch(false)
    if (state.mtu !== before) this.#receiver?.mtu?.(state.mtu)
    if (state.up === was || !this.#isOpen()) return
    this.#receiver?.link?.(state.up ? 'up' : 'down')
    if (state.up) return
    this.#outgoing.lose('LinkDown')
    this.#fail('LinkDown', 'the interface went down', true)
  }

  #gone(): void {
    const wasUp = this.#up
    const receiver = this.#receiver
    this.#up = false
    // What came before it was deleted is still there, and nothing more comes.
    this.#take(Infinity)
    if (wasUp && this.#isOpen()) receiver?.link?.('down')
    if (!this.#isOpen()) return
    void this.close()
    receiver?.failed?.(this.#error('Gone', 'the interface was deleted', false))
  }

  /** Whether the receiver, which may close the NIC whenever it is called, has not. */
  #isOpen(): boolean {
    return this.#closed === undefined
  }

  #fail(code: NicFailure, reason: string, retryable: boolean): void {
    if (this.#isOpen()) this.#receiver?.failed?.(this.#error(code, reason, retryable))
  }

  #error(code: NicFailure, reason: string, retryable: boolean): NicError {
    return { _tag: 'NicError', nic: this.#device.name, operation: 'link', code, reason, retryable }
  }

  #ready(readable: boolean, writable: boolean, failed: boolean): void {
    if (failed) {
      this.#device.clearError()
      this.#check()
      // The watch stopped with the error.
      this.#rewatch(true)
      return
    }
    if (writable) {
      if (!this.#up) this.#check()
      this.#outgoing.becameWritable()
    }
    if (readable) this.#take(ROUNDS)
  }

  #take(rounds: number): void {
    for (let round = 0; round < rounds && this.#closed === undefined; round++) {
      const batch = this.#device.receive(this.#receiveDrops)
      if (batch === undefined) break
      const { count, length } = batch
      this.#received += count
      for (let i = 0; i < count; i++) this.#receivedBytes += length[i] ?? 0
      try {
        if (count > 0) this.#receiver?.frames(batch)
      } finally {
        this.#device.release()
      }
    }
    this.flush()
  }

  #roomAgain(): void {
    if (!this.#full || this.#closed !== undefined) return
    this.#full = false
    this.#receiver?.drained?.()
  }

  /** Whether a frame longer than the MTU and an Ethernet header is right as it is: with tags, or to be segmented. */
  #fits(bytes: Uint8Array, start: number, end: number, offload: number): boolean {
    let header = ETHERNET
    while (header < ETHERNET + 8 && isTag(bytes, start + header - 2)) header += 4
    return end - start - header <= (segmentOf(offload) > 0 ? LONGEST : this.#mtu)
  }

  #refuse(code: SendCode, reason: keyof typeof SendCode): SendCode {
    drop(this.#outgoing.drops, reason)
    return code
  }

  /** Watches for what is of interest now; `anew` also where that has not changed. */
  #rewatch(anew: boolean): void {
    const writable = this.#outgoing.waitsForWritable || (this.#writableWhenUp && !this.#up)
    if (this.#closed !== undefined || (writable === this.#watchesWritable && !anew)) return
    this.#watchesWritable = writable
    this.#watch?.want(true, writable)
  }

  /** A turn of its own, before the loop sleeps. */
  #later(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      if (this.#doubted) {
        this.#doubted = false
        this.#check()
      }
      this.flush()
    })
  }
}

const isTag = (bytes: Uint8Array, at: number): boolean =>
  (bytes[at] === 0x81 && bytes[at + 1] === 0) || (bytes[at] === 0x88 && bytes[at + 1] === 0xa8)
