/** A link within the process, the plainest reading of the contract of `Nic`: two ends, each with a queue of the frames for it. */
import * as E from 'fp-ts/lib/Either.js'
import { OFFLOAD_ACCURATE_ECN, OFFLOAD_PARTIAL, OFFLOAD_SEGMENT, OFFLOAD_UDP, offloadPlace } from '@vfp-ts/core'
import { type FrameBatch, isPartial, segmentOf } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD, type LinkState, type Nic, type Offloads, type Receiver, SendCode } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import { type FrameQueue, makeFrameQueue } from './frame-queue.js'

/** Options of {@link memoryPair}. */
export interface MemoryPairOptions {
  /** Names of the ends in errors and reports; `memory-a` and `memory-b` unless given. */
  readonly names?: readonly [a: string, b: string]
  /** MACs of the ends, as `02:00:00:00:00:01`; none unless given. */
  readonly macs?: readonly [a: string, b: string]
  /** MTU of both ends: largest network packet in bytes, 68–65,535; 1,500 unless given. */
  readonly mtu?: number
  /** Most frames that wait to be delivered, each way, 1–65,536; unless given 1,024, or as many as 16 MiB hold if these are fewer. */
  readonly queueFrames?: number
  /** Most frames delivered in one call, 1–`queueFrames`; 64 unless given. */
  readonly batchFrames?: number
  /** Which unfinished frames pass, each with its `offload` word; none unless given. */
  readonly offloads?: Offloads
  /** Runs a task in a later turn of the event loop; `setImmediate` unless given, or `setTimeout` where a runtime lacks that. */
  readonly schedule?: (task: () => void) => void
}

/** A link and its two ends. */
export interface MemoryPair {
  /** One end: delivers what `b` sends. */
  readonly a: Nic
  /** The other end: delivers what `a` sends. */
  readonly b: Nic
  /** Takes the link down or up again, as if a cable were pulled. Both ends call `Receiver.link` in a later turn. Without effect once an end was closed. */
  readonly setLink: (state: LinkState) => void
  /**
   * Changes the MTU of both ends to `bytes`, 68 to the MTU that the pair was made with. Both ends call `Receiver.mtu` in a later turn. What
   * is queued still arrives.
   *
   * @throws RangeError if `bytes` is outside that range; nothing has changed then
   */
  readonly setMtu: (bytes: number) => void
}

/**
 * Makes two NICs joined by a link within the process: what one sends, the other delivers, in the next turn of the event loop. For tests,
 * guides, and two switches in one process. It runs in a browser as well.
 *
 * - The link is up while both ends are open and {@link MemoryPair.setLink} has not taken it down.
 * - Frames for an end that is not started wait in its queue.
 * - Closing an end takes the link down for good. The other end hears of it by `Receiver.link`, and stays open until it is closed too.
 * - Frames on the way when the link goes down are lost, and counted by their sender as `LinkDown`.
 *
 * Cost: one copy a frame, when it is sent.
 *
 * @example
 * ```ts
 * import { memoryPair } from '@vfp-ts/adapters/memory'
 * import { orThrow } from '@vfp-ts/core'
 *
 * const { a, b } = memoryPair({ mtu: 9_000 })
 * orThrow(a.start({ frames: () => undefined }))
 * orThrow(b.start({ frames: ({ length }) => console.log(`b got ${length[0]} bytes`) }))
 * a.send(new Uint8Array(9_014), 0, 9_014)
 * await a.close() // after what was sent has arrived
 * console.log(b.link())
 * await b.close()
 * ```
 *
 * ```text output
 * b got 9014 bytes
 * down
 * ```
 *
 * @throws RangeError if a number of the options is outside its range
 */
export const memoryPair = (options: MemoryPairOptions = {}): MemoryPair => {
  const mtu = inRange('mtu', options.mtu ?? 1_500, 68, 0xffff)
  const offloads = { checksum: options.offloads?.checksum ?? false, segmentation: options.offloads?.segmentation ?? false }
  const frameBytes = (offloads.segmentation ? 0xffff : mtu) + FRAME_OVERHEAD
  const queueFrames = inRange('queueFrames', options.queueFrames ?? Math.min(1_024, Math.floor(QUEUE_BYTES / frameBytes)), 1, 0x1_0000)
  const batchFrames = inRange('batchFrames', options.batchFrames ?? Math.min(64, queueFrames), 1, queueFrames)
  const cable: Cable = { mtu, offloads, up: true, schedule: options.schedule ?? inLaterTurn }
  const toA = makeFrameQueue(queueFrames, frameBytes, batchFrames)
  const toB = makeFrameQueue(queueFrames, frameBytes, batchFrames)
  const [aName, bName] = options.names ?? ['memory-a', 'memory-b']
  const a: End = makeEnd(cable, aName, options.macs?.[0], toA, toB, () => b)
  const b: End = makeEnd(cable, bName, options.macs?.[1], toB, toA, () => a)
  return {
    a: a.nic,
    b: b.nic,
    setMtu: (bytes) => {
      cable.mtu = inRange('mtu', bytes, 68, mtu)
      a.wake()
      b.wake()
    },
    setLink: (state) => {
      cable.up = state === 'up'
      if (!cable.up) {
        b.lost(toA.clear())
        a.lost(toB.clear())
      }
      a.wake()
      b.wake()
    },
  }
}

/** Browsers have no `setImmediate`. */
const inLaterTurn: (task: () => void) => void = 'setImmediate' in globalThis ? setImmediate : (task) => setTimeout(task, 0)

const QUEUE_BYTES = 16 * 1024 * 1024

/** What both ends share. */
interface Cable {
  mtu: number
  readonly offloads: Offloads
  readonly schedule: (task: () => void) => void
  /** As it was set; whether the ends are open is theirs to know. */
  up: boolean
}

/** One end as the other sees it. */
interface End {
  readonly nic: Nic
  readonly isOpen: () => boolean
  readonly isStarted: () => boolean
  /** Has what waits for this end delivered, or told, in a later turn. */
  readonly wake: () => void
  /** Frames of this end were delivered to the other. */
  readonly handed: (frames: number, bytes: number) => void
  /** Frames of this end will not be delivered. */
  readonly lost: (frames: number) => void
}

const makeEnd = (cable: Cable, name: string, mac: string | undefined, inbox: FrameQueue, outbox: FrameQueue, other: () => End): End => {
  let state: 'opened' | 'started' | 'closed' = 'opened'
  let receiver: Receiver | undefined
  let told: LinkState = 'down'
  let toldMtu = cable.mtu
  let scheduled = false
  let wasFull = false
  let closing: Promise<void> | undefined
  let closed: (() => void) | undefined
  let received = 0
  let receivedBytes = 0
  let sent = 0
  let sentBytes = 0
  const drops = new Float64Array(CODE_NAMES.length)

  const isOpen = (): boolean => state !== 'closed'
  const link = (): LinkState => (cable.up && isOpen() && other().isOpen() ? 'up' : 'down')

  const wake = (): void => {
    if (scheduled || receiver === undefined) return
    scheduled = true
    cable.schedule(turn)
  }

  const turn = (): void => {
    scheduled = false
    try {
      // What comes meanwhile waits for the next turn, so that the rest of the program has its own.
      for (let left = inbox.size(); left > 0 && receiver !== undefined; ) {
        const batch = inbox.take()
        if (batch === undefined) break
        left -= batch.count
        deliver(receiver, batch)
      }
      tell()
    } finally {
      if (inbox.size() > 0) wake()
      // An end that closes waits to hear that nothing of it is left here.
      else other().handed(0, 0)
    }
  }

  const deliver = (to: Receiver, batch: FrameBatch): void => {
    const frames = batch.count
    let bytes = 0
    for (let i = 0; i < frames; i++) bytes += batch.length[i] ?? 0
    received += frames
    receivedBytes += bytes
    try {
      to.frames(batch)
    } finally {
      inbox.release()
      other().handed(frames, bytes)
    }
  }

  const tell = (): void => {
    const now = link()
    if (now !== told) {
      told = now
      receiver?.link?.(now)
    }
    if (cable.mtu !== toldMtu) {
      toldMtu = cable.mtu
      receiver?.mtu?.(toldMtu)
    }
    drained()
  }

  const drained = (): void => {
    if (!wasFull || outbox.size() > outbox.capacity / 2) return
    wasFull = false
    receiver?.drained?.()
  }

  const finish = (): void => {
    closed?.()
    closed = undefined
  }

  const refused = (code: SendCode): SendCode => {
    drops[code] = (drops[code] ?? 0) + 1
    if (code === SendCode.Full) wasFull = true
    return code
  }

  const nic: Nic = {
    name,
    mac,
    mtu: () => cable.mtu,
    link,
    offloads: cable.offloads,
    start: (to) => {
      if (state !== 'opened') return E.left(badState(name, state))
      state = 'started'
      receiver = to
      told = link()
      toldMtu = cable.mtu
      if (inbox.size() > 0) wake()
      return E.right(undefined)
    },
    send: (bytes, start, end, offload = 0) => {
      if (state !== 'started') return refused(SendCode.Closed)
      const unfit = misfit(cable, end - start, offload)
      if (unfit !== SendCode.Ok) return refused(unfit)
      if (!cable.up || !other().isOpen()) return refused(SendCode.LinkDown)
      if (!outbox.push(bytes, start, end, offload)) return refused(SendCode.Full)
      other().wake()
      return SendCode.Ok
    },
    flush: () => undefined,
    counters: () => ({ received, receivedBytes, sent, sentBytes, receiveDrops: {}, sendDrops: dropsByName(drops) }),
    close: () => {
      if (closing !== undefined) return closing
      state = 'closed'
      receiver = undefined
      other().lost(inbox.clear())
      closing = new Promise((resolve) => (closed = resolve))
      other().wake()
      if (outbox.size() === 0 || !other().isStarted()) {
        drops[SendCode.LinkDown] = (drops[SendCode.LinkDown] ?? 0) + outbox.clear()
        finish()
      }
      return closing
    },
  }

  return {
    nic,
    isOpen,
    isStarted: () => state === 'started',
    wake,
    handed: (frames, bytes) => {
      sent += frames
      sentBytes += bytes
      if (outbox.size() === 0) finish()
      drained()
    },
    lost: (frames) => {
      drops[SendCode.LinkDown] = (drops[SendCode.LinkDown] ?? 0) + frames
      finish()
    },
  }
}

const CODE_NAMES = Object.keys(SendCode)

const dropsByName = (drops: Float64Array): Readonly<Record<string, number>> =>
  Object.fromEntries([...drops].flatMap((count, code) => (count > 0 ? [[CODE_NAMES[code] ?? '', count] as const] : [])))

/** Why the link would not carry such a frame, or `Ok`. */
const misfit = ({ mtu, offloads }: Cable, length: number, offload: number): SendCode => {
  if (length < ETHERNET_BYTES) return SendCode.TooShort
  const segment = segmentOf(offload)
  if (length > (segment > 0 ? 0xffff : mtu) + FRAME_OVERHEAD) return SendCode.TooLong
  if (offload === 0) return SendCode.Ok
  const known = isPartial(offload) && (offload & ~(OFFLOAD_PARTIAL | OFFLOAD_SEGMENT | OFFLOAD_UDP | OFFLOAD_ACCURATE_ECN)) === 0 && offloadPlace(offload) <= length
  return known && (segment > 0 ? offloads.segmentation : offloads.checksum) ? SendCode.Ok : SendCode.Unfinished
}

const ETHERNET_BYTES = 14

const badState = (nic: string, state: 'started' | 'closed'): NicError => ({
  _tag: 'NicError', nic, operation: 'start', code: 'BadState', reason: `it was ${state} before`, retryable: false,
})

const inRange = (what: string, value: number, least: number, most: number): number => {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${what} has to be a whole number from ${least} to ${most}, is ${value}`)
}
