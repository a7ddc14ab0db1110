/** The way out of a faulty NIC: frames lost, doubled, altered and late before the NIC itself gets them. */
import { segmentOf } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD, type Nic, SendCode } from '../nic/nic.js'
import { type AllFaults, drawFate, type FaultCounts, isFaulty, makeFate, turnBit } from './fate.js'
import { type Held, makeHoldingPen } from './holding-pen.js'
import type { Timers } from '../nic/timers.js'

/** Frames on their way to a NIC. */
export interface FaultySend {
  readonly send: Nic['send']
  /** Returns the refusals that the NIC itself was not asked about, by name, and the frames lost on purpose. */
  readonly drops: () => Readonly<Record<string, number>>
  /** Has to be called when the NIC has room again. */
  readonly drained: () => void
  /** Gives the NIC all that waits; what it has no room for is counted as `Full`. */
  readonly empty: () => void
}

/**
 * Applies the faults to frames on their way to `nic`. `isStarted` tells whether it was started and not closed; `roomAgain` is called once after `Full`.
 *
 * A delayed frame was taken, so it must not be lost because the NIC is full when its time has come: it goes to the backlog, and no frame
 * passes the backlog until the NIC has room.
 */
export const faultySend = (
  nic: Nic, faults: AllFaults, random: () => number, timers: Timers, counts: FaultCounts, maxHeld: number, isStarted: () => boolean, roomAgain: () => void,
): FaultySend => {
  const fate = makeFate()
  const drops: Record<string, number> = {}
  const transparent = !isFaulty(faults)
  let backlog: Held[] = []
  let scratch = new Uint8Array(0)
  /** Whether `Full` was returned, and whether it came from the NIC. */
  let full = false
  let nicFull = false

  const emit = (frame: Held): void => {
    if (backlog.length > 0 || !sendsNow(frame.bytes, 0, frame.bytes.length, frame.offload)) backlog.push(frame)
  }
  const settle = (): void => {
    nic.flush()
    counts.held = held()
    if (!full || nicFull || held() > maxHeld / 2 || backlog.length > 0) return
    full = false
    roomAgain()
  }
  const pen = makeHoldingPen(timers, emit, settle)
  const held = (): number => pen.size() + backlog.length

  /** Returns whether the NIC is done with a frame that was taken before; only `Full` says that it is not. The NIC's count of that refusal is taken back. */
  const sendsNow = (bytes: Uint8Array, start: number, end: number, offload: number): boolean => {
    if (nic.send(bytes, start, end, offload) !== SendCode.Full) return true
    nicFull = true
    drops['Full'] = (drops['Full'] ?? 0) - 1
    return false
  }

  const refused = (code: SendCode): SendCode => {
    const name = CODE_NAMES[code] ?? ''
    drops[name] = (drops[name] ?? 0) + 1
    if (code === SendCode.Full) full = true
    return code
  }

  /** Returns the code with which the NIC would refuse a frame that it does not get, or not yet; `Ok` for none. */
  const objection = (length: number, offload: number): SendCode => {
    if (!isStarted()) return SendCode.Closed
    if (length < ETHERNET_BYTES) return SendCode.TooShort
    const segment = segmentOf(offload)
    if (length > (segment > 0 ? 0xffff : nic.mtu()) + FRAME_OVERHEAD) return SendCode.TooLong
    if (offload !== 0 && !(segment > 0 ? nic.offloads.segmentation : nic.offloads.checksum)) return SendCode.Unfinished
    return nic.link() === 'up' ? SendCode.Ok : SendCode.LinkDown
  }

  const altered = (bytes: Uint8Array, start: number, end: number): Uint8Array => {
    if (scratch.length < end - start) scratch = new Uint8Array(end - start)
    scratch.set(bytes.subarray(start, end))
    turnBit(scratch, 0, end - start, fate.bit)
    counts.corrupted++
    return scratch
  }

  const forward = (bytes: Uint8Array, start: number, end: number, offload: number): SendCode => {
    const { delayMs, overtakers, duplicated } = fate
    if (delayMs > 0 || overtakers > 0) {
      if (held() >= maxHeld) return refused(SendCode.Full)
      const kept = fate.bit >= 0 ? altered(bytes, start, end) : bytes
      const from = kept === bytes ? start : 0
      const copies = duplicated ? 2 : 1
      for (let n = 0; n < copies; n++) {
        if (delayMs > 0) pen.delay(kept, from, from + end - start, offload, delayMs)
        else pen.holdBack(kept, from, from + end - start, offload, overtakers, faults.holdMs)
      }
      if (delayMs > 0) counts.delayed++
      else counts.reordered++
      if (duplicated) counts.duplicated++
      counts.held = held()
      return SendCode.Ok
    }
    if (backlog.length > 0) return refused(SendCode.Full)
    const given = fate.bit >= 0 ? altered(bytes, start, end) : bytes
    const from = given === bytes ? start : 0
    const code = nic.send(given, from, from + end - start, offload)
    if (code !== SendCode.Ok) {
      if (fate.bit >= 0) counts.corrupted--
      if (code === SendCode.Full) full = nicFull = true
      return code
    }
    if (fate.hurried) counts.reordered++
    if (duplicated && sendsNow(given, from, from + end - start, offload)) counts.duplicated++
    pen.overtake()
    counts.held = held()
    return code
  }

  return {
    send: (bytes, start, end, offload = 0) => {
      if (transparent) {
        const code = nic.send(bytes, start, end, offload)
        if (code === SendCode.Full) full = nicFull = true
        return code
      }
      drawFate(random, faults, fate)
      if (fate.lost || fate.delayMs > 0 || fate.overtakers > 0) {
        const code = objection(end - start, offload)
        if (code !== SendCode.Ok) return refused(code)
      }
      if (!fate.lost) return forward(bytes, start, end, offload)
      counts.lost++
      drops['Lost'] = counts.lost
      return SendCode.Ok
    },
    drops: () => drops,
    drained: () => {
      nicFull = false
      const waiting = backlog
      backlog = []
      waiting.forEach(emit)
      settle()
    },
    empty: () => {
      pen.empty()
      if (backlog.length > 0) drops['Full'] = (drops['Full'] ?? 0) + backlog.length
      backlog = []
      counts.held = 0
    },
  }
}

const CODE_NAMES = Object.keys(SendCode)
const ETHERNET_BYTES = 14
