/** A NIC with faults at one end of a memory pair, in a time that tests move. */
import * as E from 'fp-ts/lib/Either.js'
import { faulty, type FaultOptions, type FaultyNic } from '../../src/fault/index.js'
import { type ManualTimers, manualTimers } from '../../src/nic/timers.js'
import { memoryPair } from '../../src/memory/index.js'
import type { Nic, SendCode } from '../../src/nic/index.js'

/** Both ends, what arrived at each, and what has to be turned by hand. */
export interface FaultyPair {
  readonly nic: FaultyNic
  readonly inner: Nic
  readonly peer: Nic
  readonly timers: ManualTimers
  /** Copies of the frames that arrived, in order. */
  readonly atNic: readonly Uint8Array[]
  readonly atPeer: readonly Uint8Array[]
  /** Runs the event loop's turns until there are none. */
  readonly run: () => void
  /** Sends one frame, and runs. */
  readonly send: (from: Nic, frame: Uint8Array) => SendCode
}

export const faultyPair = (options: Omit<FaultOptions, 'timers'>): FaultyPair => {
  const tasks: (() => void)[] = []
  const run = (): void => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
  }
  const timers = manualTimers()
  const { a, b } = memoryPair({ schedule: (task) => tasks.push(task) })
  const nic = faulty(a, { ...options, timers })
  const collect = (end: Nic): Uint8Array[] => {
    const frames: Uint8Array[] = []
    const started = end.start({
      frames: ({ bytes, start, length, count }) => {
        for (let i = 0; i < count; i++) frames.push(bytes.slice(start[i], start[i]! + length[i]!))
      },
    })
    if (E.isLeft(started)) throw new Error(started.left.reason)
    return frames
  }
  return {
    nic, inner: a, peer: b, timers, atNic: collect(nic), atPeer: collect(b), run,
    send: (from, frame) => {
      const code = from.send(frame, 0, frame.length)
      run()
      return code
    },
  }
}

/** A frame of 60 bytes that bears a number. */
export const numbered = (n: number): Uint8Array => {
  const frame = new Uint8Array(60)
  new DataView(frame.buffer).setUint32(14, n)
  return frame
}

/** The number that a frame bears. */
export const numberOf = (frame: Uint8Array): number => new DataView(frame.buffer, frame.byteOffset).getUint32(14)
