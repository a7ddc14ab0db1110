/**
 * A NIC with faults: any other NIC, to whose frames something happens on the way.
 *
 * Not every kernel can lose, delay and double packets on demand, and none does it the same way twice. Here what happens follows from a seed: the
 * same frames in the same order meet the same fate. Each direction has faults and a sequence of numbers of its own, so frames that
 * come do not change the luck of those that go.
 *
 * Of a frame that `send` took, exactly one thing is true: it was given to the NIC, lost, or waits; a doubled one was given twice. So
 * with what {@link FaultyNic.faults} counts, taken + duplicated = given + lost + held, where nothing waited longer than the link was up.
 * Without faults the wrapper passes all through, in place and without a copy.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Nic, NicCounters, Receiver } from '../nic/nic.js'
import { allFaults, type FaultCounts, type Faults, isFaulty, seededRandom } from './fate.js'
import { faultyReceive } from './faulty-receive.js'
import { faultySend } from './faulty-send.js'
import { systemTimers, type Timers } from '../nic/timers.js'

/** What is to go wrong. */
export interface FaultOptions {
  /** Any number; its lowest 32 bits count. The same seed gives the same frames the same fate. */
  readonly seed: number
  /** What happens to frames that are sent. */
  readonly send?: Faults
  /** What happens to frames that are received. */
  readonly receive?: Faults
  /** Frames of a direction that wait at a time, 1–1,000,000; 10,000 unless given. Beyond, `send` answers `Full`, and what comes is dropped as `Overrun`. */
  readonly maxHeld?: number
  /** Time; the machine's unless given. */
  readonly timers?: Timers
  /** Numbers from 0 to below 1 for a direction, instead of those that follow from the seed. */
  readonly random?: (direction: 'send' | 'receive') => () => number
}

/** A NIC whose frames meet with faults, and what happened so far. */
export interface FaultyNic extends Nic {
  /** What happened to frames so far, each way. */
  readonly faults: () => { readonly send: Readonly<FaultCounts>; readonly receive: Readonly<FaultCounts> }
}

/**
 * Wraps a NIC that was not started yet. It is started, used and closed through the wrapper from then on.
 *
 * Counters are the NIC's as seen from outside of the wrapper, with what was lost on purpose as `Lost`: `sent` counts what the NIC itself sent, copies
 * included. At `close`, frames that wait to be sent are sent at once, and frames that wait to be received are forgotten.
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
