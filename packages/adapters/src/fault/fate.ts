/** What happens to one frame: probabilities, and a draw from a seeded sequence. */

/** Faults of one direction; none unless given. Probabilities are from 0 to 1, and independent of each other. */
export interface Faults {
  /** Probability that a frame is lost. */
  readonly loss?: number
  /** Probability that a frame arrives twice. */
  readonly duplication?: number
  /** Probability that one bit of a frame is flipped, anywhere from its first byte to its last. */
  readonly corruption?: number
  /**
   * Probability that a frame changes places with others. With `delayMs` or `jitterMs`, such a frame goes at once, past those that are delayed.
   * Without, it is held back until a random number of later frames have passed, 1–`overtakers`, or for `holdMs`.
   */
  readonly reordering?: number
  /** Most frames that have to overtake a frame that is held back, 1–1,000; 3 unless given. */
  readonly overtakers?: number
  /** Most milliseconds that a frame is held back, 0–60,000; 10 unless given. */
  readonly holdMs?: number
  /** Milliseconds by which each frame is delayed, 0–60,000; 0 unless given. */
  readonly delayMs?: number
  /** Most milliseconds of a further random delay, evenly spread, 0–60,000; 0 unless given. Frames overtake each other by it. */
  readonly jitterMs?: number
}

/** {@link Faults} with everything filled in. */
export type AllFaults = Required<Faults>

/** What happened to the frames of one direction, in frames. */
export interface FaultCounts {
  /** Frames dropped on purpose. */
  lost: number
  /** Frames that were doubled. */
  duplicated: number
  /** Frames of which one bit was flipped. */
  corrupted: number
  /** Frames that were held back for others to overtake, or that were let past delayed ones. */
  reordered: number
  /** Frames that were delayed, by `delayMs` or `jitterMs`. */
  delayed: number
  /** Frames that wait at present, copies included. */
  held: number
}

/** What happens to a frame; filled anew for each. */
export interface Fate {
  lost: boolean
  duplicated: boolean
  /** Where the flipped bit is, as a share of the frame, 0 ≤ `bit` < 1; −1 for none. */
  bit: number
  /** Later frames that are to pass first; 0 if it is not held back. */
  overtakers: number
  /** Milliseconds late. */
  delayMs: number
  /** Whether it goes past those that are delayed. */
  hurried: boolean
}

/** Makes a fate to be filled. */
export const makeFate = (): Fate => ({ lost: false, duplicated: false, bit: -1, overtakers: 0, delayMs: 0, hurried: false })

/**
 * Returns the faults with everything filled in.
 *
 * @throws RangeError if a number is outside its range
 */
export const allFaults = (direction: string, faults: Faults): AllFaults => {
  const within = (name: keyof Faults, absent: number, least: number, most: number): number => {
    const value = faults[name] ?? absent
    if (value >= least && value <= most) return value
    throw new RangeError(`${direction}.${name} has to be from ${least} to ${most}, is ${value}`)
  }
  return {
    loss: within('loss', 0, 0, 1),
    duplication: within('duplication', 0, 0, 1),
    corruption: within('corruption', 0, 0, 1),
    reordering: within('reordering', 0, 0, 1),
    overtakers: within('overtakers', 3, 1, 1_000),
    holdMs: within('holdMs', 10, 0, 60_000),
    delayMs: within('delayMs', 0, 0, 60_000),
    jitterMs: within('jitterMs', 0, 0, 60_000),
  }
}

/** Returns whether any fault can happen. */
export const isFaulty = ({ loss, duplication, corruption, reordering, delayMs, jitterMs }: AllFaults): boolean =>
  loss > 0 || duplication > 0 || corruption > 0 || reordering > 0 || delayMs > 0 || jitterMs > 0

/**
 * Draws the next frame's fate. It always takes seven numbers from `random`, so the n-th frame's fate depends on the seed and n alone, and a
 * probability that is changed leaves the other faults where they were.
 */
export const drawFate = (random: () => number, faults: AllFaults, fate: Fate): void => {
  const late = faults.delayMs > 0 || faults.jitterMs > 0
  fate.lost = random() < faults.loss
  fate.duplicated = random() < faults.duplication
  const corrupted = random() < faults.corruption
  const bit = random()
  fate.bit = corrupted ? bit : -1
  const reordered = random() < faults.reordering
  const overtakers = 1 + Math.floor(random() * faults.overtakers)
  fate.overtakers = reordered && !late ? overtakers : 0
  const jitter = random() * faults.jitterMs
  fate.hurried = reordered && late
  fate.delayMs = fate.hurried ? 0 : faults.delayMs + jitter
}

/** Flips the bit of the frame at `start`–`end` that the fate names. */
export const turnBit = (bytes: Uint8Array, start: number, end: number, bit: number): void => {
  const index = Math.floor(bit * (end - start) * 8)
  const at = start + (index >>> 3)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (index & 7))
}

/**
 * Returns a source of numbers from 0 to below 1 that look random and follow from the seed (any number; its lowest 32 bits count). A Weyl
 * sequence mixed by two rounds of multiplication; not for secrets.
 */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x9e37_79b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000
  }
}
