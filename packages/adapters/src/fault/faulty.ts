/**
 * A NIC with faults, around any other.
 *
 * Not every kernel can lose, delay and double packets on demand, and none does it the same way twice; here all of it follows from a seed.
 *
 * Invariant: a frame that `send` took was given to the NIC, lost, or waits; a doubled one was given twice. So with what
 * {@link FaultyNic.faults} counts, taken + duplicated = given + lost + held, as long as no frame waits while the link goes down.
 * Without faults the wrapper passes everything through, in place and without a copy.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Nic, NicCounters, Receiver } from '../nic/nic.js'
import { allFaults, type FaultCounts, type Faults, isFaulty, seededRandom } from './fate.js'
import { faultyReceive } from './faulty-receive.js'
import { faultySend } from './faulty-send.js'
import { systemTimers, type Timers } from '../nic/timers.js'

/** Options of {@link faulty}. */
export interface FaultOptions {
  /** Seed of what happens: any number, of which the lowest 32 bits count. The same seed gives the same frames the same fate. */
  readonly seed: number
  /** Faults of frames that are sent; none unless given. */
  readonly send?: Faults
  /** Faults of frames that are received; none unless given. */
  readonly receive?: Faults
  /**
   * Most frames of one direction that wait at a time, 1–1,000,000; 10,000 unless given. Beyond that `send` returns `Full`, and what comes is
   * dropped as `Overrun`.
   */
  readonly maxHeld?: number
  /** Time for delays; {@link systemTimers} unless given. */
  readonly timers?: Timers
  /** Returns a source of numbers from 0 to below 1 for a direction, in place of the one that follows from the seed. */
  readonly random?: (direction: 'send' | 'receive') => () => number
}

/** A NIC whose frames meet with faults. */
export interface FaultyNic extends Nic {
  /** Returns what happened to frames so far, each way. */
  readonly faults: () => {
    /** Of frames given to `send`. */
    readonly send: Readonly<FaultCounts>
    /** Of frames on their way to the receiver. */
    readonly receive: Readonly<FaultCounts>
  }
}

/**
 * Wraps a NIC that was not started yet: loses, doubles, corrupts, reorders and delays its frames. Start, use and close the wrapper from then on.
 *
 * What happens follows from the seed: the same frames in the same order meet the same fate. Each direction has faults and random numbers of
 * its own, so frames of one direction do not change what happens to those of the other.
 *
 * Counters are the NIC's as seen from outside of the wrapper, with what was lost on purpose as `Lost`; `sent` counts what the NIC itself sent,
 * copies included. At `close`, frames that wait to be sent are sent at once, and frames that wait to be received are dropped.
 *
 * Cost: nothing without faults; else some random numbers a frame, and a copy of each frame that waits.
 *
 * @example
 * ```ts
 * import { faulty } from '@vfp-ts/adapters/fault'
 * import { memoryPair } from '@vfp-ts/adapters/memory'
 * import { orThrow } from '@vfp-ts/core'
 *
 * const { a, b } = memoryPair()
 * const nic = faulty(a, { seed: 7, send: { loss: 0.5 } })
 * let arrived = 0
 * orThrow(nic.start({ frames: () => undefined }))
 * orThrow(b.start({ frames: ({ count }) => { arrived += count } }))
 * for (let n = 0; n < 100; n++) nic.send(new Uint8Array(60), 0, 60)
 * await nic.close()
 * console.log(arrived + nic.faults().send.lost)
 * ```
 *
 * ```text output
 * 100
 * ```
 *
 * @throws RangeError if a number of the options is outside its range
 */
export const faulty = (nic: Nic, options: FaultOptions): FaultyNic => {
  const timers = options.timers ?? systemTimers
  const random = options.random ?? ((direction): (() => number) => seededRandom(direction === 'send' ? options.seed : options.seed ^ 0x5bd1_e995))
  const maxHeld = options.maxHeld ?? 10_000
  if (!Number.isInteger(maxHeld) || maxHeld < 1 || maxHeld > 1_000_000) throw new RangeError(`maxHeld has to be a whole number from 1 to 1000000, is ${maxHeld}`)
  const counts = { send: noFaults(), receive: noFaults() }
  let receiver: Receiver | undefined
  let closing: Promise<void> | undefined

  const receiveFaults = allFaults('receive', options.receive ?? {})
  const out = faultySend(
    nic, allFaults('send', options.send ?? {}), random('send'), timers, counts.send, maxHeld, () => receiver !== undefined, () => receiver?.drained?.(),
  )
  const into = faultyReceive(nic.mtu(), receiveFaults, random('receive'), timers, counts.receive, maxHeld, (batch) => receiver?.frames(batch))

  return {
    name: nic.name,
    mac: nic.mac,
    mtu: nic.mtu,
    link: nic.link,
    offloads: nic.offloads,
    start: (to) => {
      if (receiver !== undefined || closing !== undefined) return nic.start(to)
      const started = nic.start({
        frames: into.frames,
        drained: out.drained,
        link: (state) => receiver?.link?.(state),
        mtu: (bytes) => receiver?.mtu?.(bytes),
        pathMtu: (destination, bytes) => receiver?.pathMtu?.(destination, bytes),
        failed: (error) => receiver?.failed?.(error),
      })
      if (E.isRight(started)) receiver = to
      return started
    },
    send: out.send,
    flush: nic.flush,
    counters: () => withFaults(nic.counters(), out.drops(), into.drops(), isFaulty(receiveFaults) ? into.delivered() : undefined),
    close: () => {
      if (closing !== undefined) return closing
      receiver = undefined
      out.empty()
      into.clear()
      return (closing = nic.close())
    },
    faults: () => ({ send: { ...counts.send }, receive: { ...counts.receive } }),
  }
}

const noFaults = (): FaultCounts => ({ lost: 0, duplicated: 0, corrupted: 0, reordered: 0, delayed: 0, held: 0 })

const withFaults = (
  inner: NicCounters, sendDrops: NicCounters['sendDrops'], receiveDrops: NicCounters['receiveDrops'], delivered: { readonly frames: number; readonly bytes: number } | undefined,
): NicCounters => ({
  ...inner,
  ...(delivered === undefined ? {} : { received: delivered.frames, receivedBytes: delivered.bytes }),
  sendDrops: added(inner.sendDrops, sendDrops),
  receiveDrops: added(inner.receiveDrops, receiveDrops),
})

const added = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Readonly<Record<string, number>> => {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)] as const).filter(([, count]) => count !== 0))
}
