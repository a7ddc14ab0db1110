/** The way in of a faulty NIC: frames lost, doubled, altered and late before the receiver gets them. */
import { FRAME_OVERHEAD } from '../nic/nic.js'
import { type FrameBatch, makeFrameBatch, slotStart } from '../nic/frame-batch.js'
import { type AllFaults, drawFate, type FaultCounts, isFaulty, makeFate, turnBit } from './fate.js'
import { makeHoldingPen } from './holding-pen.js'
import type { Timers } from '../nic/timers.js'

/** Frames on their way from a NIC. */
export interface FaultyReceive {
  /** Takes what the NIC delivers. */
  readonly frames: (batch: FrameBatch) => void
  /** Returns the frames that the receiver got, and their bytes. */
  readonly delivered: () => { readonly frames: number; readonly bytes: number }
  /** Returns the frames that it did not get, by reason. */
  readonly drops: () => Readonly<Record<string, number>>
  /** Drops the frames that wait. */
  readonly clear: () => void
}

/**
 * Applies the faults to frames before `deliver` gets them. A batch in which nothing happens is passed as it is; of another its frames that
 * remain are shown in place, and copies and late ones follow in a batch of their own.
 */
export const faultyReceive = (
  mtu: number, faults: AllFaults, random: () => number, timers: Timers, counts: FaultCounts, maxHeld: number, deliver: (batch: FrameBatch) => void,
): FaultyReceive => {
  const fate = makeFate()
  const transparent = !isFaulty(faults)
  let frames = 0
  let bytes = 0
  let overrun = 0
  let shown = showing(new Uint8Array(0), 0)
  let lateBytes = mtu + FRAME_OVERHEAD
  let late: FrameBatch | undefined
  let following: { readonly bytes: Uint8Array; readonly offload: number }[] = []

  const give = (batch: FrameBatch): void => {
    frames += batch.count
    for (let i = 0; i < batch.count; i++) bytes += batch.length[i] ?? 0
    deliver(batch)
  }
  /** Delivers what follows, in batches. A receiver that closes the NIC empties it. */
  const settle = (): void => {
    for (let next = following.shift(); next !== undefined; next = following.shift()) {
      const batch = lateFor(next.bytes.length)
      if (batch.count === LATE_FRAMES || batch !== late) giveLate()
      late = batch
      const i = batch.count
      const at = slotStart(i, lateBytes)
      batch.bytes.set(next.bytes, at)
      batch.start[i] = at
      batch.length[i] = next.bytes.length
      batch.offload[i] = next.offload
      batch.count = i + 1
    }
    giveLate()
    counts.held = pen.size()
  }
  const giveLate = (): void => {
    if (late === undefined || late.count === 0) return
    give(late)
    late.count = 0
  }
  const lateFor = (length: number): FrameBatch => {
    if (late !== undefined && length <= lateBytes) return late
    lateBytes = Math.max(lateBytes, length)
    return makeFrameBatch(LATE_FRAMES, lateBytes)
  }
  const pen = makeHoldingPen(timers, (frame) => following.push(frame), settle)

  /** Returns whether the frame is kept for later; it is dropped if there is no room. */
  const isKept = (from: Uint8Array, start: number, end: number, offload: number): boolean => {
    const { delayMs, overtakers, duplicated } = fate
    if (delayMs === 0 && overtakers === 0) return false
    if (pen.size() >= maxHeld) {
      overrun++
      return true
    }
    for (let n = duplicated ? 2 : 1; n > 0; n--) {
      if (delayMs > 0) pen.delay(from, start, end, offload, delayMs)
      else pen.holdBack(from, start, end, offload, overtakers, faults.holdMs)
    }
    if (delayMs > 0) counts.delayed++
    else counts.reordered++
    if (duplicated) counts.duplicated++
    return true
  }

  return {
    frames: (batch) => {
      if (transparent) {
        give(batch)
        return
      }
      const { count, start, length, offload } = batch
      if (shown.bytes !== batch.bytes || shown.start.length < count) shown = showing(batch.bytes, Math.max(count, start.length))
      let kept = 0
      for (let i = 0; i < count; i++) {
        const from = start[i] ?? 0
        const to = from + (length[i] ?? 0)
        drawFate(random, faults, fate)
        if (fate.lost) {
          counts.lost++
          continue
        }
        if (fate.bit >= 0) {
          turnBit(batch.bytes, from, to, fate.bit)
          counts.corrupted++
        }
        if (isKept(batch.bytes, from, to, offload[i] ?? 0)) continue
        if (fate.hurried) counts.reordered++
        shown.start[kept] = from
        shown.length[kept] = to - from
        shown.offload[kept] = offload[i] ?? 0
        kept++
        if (fate.duplicated) {
          following.push({ bytes: batch.bytes.slice(from, to), offload: offload[i] ?? 0 })
          counts.duplicated++
        }
        pen.overtake()
      }
      shown.count = kept
      if (kept === count) give(batch)
      else if (kept > 0) give(shown)
      settle()
    },
    delivered: () => ({ frames, bytes }),
    drops: () => ({ ...(counts.lost > 0 ? { Lost: counts.lost } : {}), ...(overrun > 0 ? { Overrun: overrun } : {}) }),
    clear: () => {
      pen.clear()
      following = []
      counts.held = 0
    },
  }
}

/** Frames that follow in one batch. */
const LATE_FRAMES = 32

/** Makes a batch over the bytes of another. */
const showing = (bytes: Uint8Array, slots: number): FrameBatch => ({
  bytes,
  start: new Uint32Array(slots),
  length: new Uint32Array(slots),
  verdict: new Uint8Array(slots),
  reason: new Uint16Array(slots),
  offload: new Float64Array(slots),
  count: 0,
})
