/**
 * Timestamps of captures, exactly: ticks of a stated resolution to nanoseconds since the epoch and back.
 *
 * All arithmetic is on bigints: a present-day time in nanoseconds needs 61 bits, a double holds 53.
 */

/** The length of a tick: `base` to the power of minus `exponent`, in seconds. */
export interface TimestampResolution {
  /** 10 for decimal fractions of a second, 2 for binary ones. */
  readonly base: 2 | 10
  /** A whole number, 0–127. */
  readonly exponent: number
}

/** 10^-6 s: classic pcap, and a pcapng interface without `if_tsresol`. */
export const MICROSECONDS: TimestampResolution = { base: 10, exponent: 6 }

/** 10^-9 s. */
export const NANOSECONDS: TimestampResolution = { base: 10, exponent: 9 }

/** How an interface counts time, prepared for many conversions. */
export interface TimeScale {
  /** Nanoseconds of `divisor` ticks. */
  readonly multiplier: bigint
  readonly divisor: bigint
  /** Nanoseconds between the epoch and tick 0. */
  readonly offsetNs: bigint
}

/** The scale of a resolution whose tick 0 is `offsetSeconds` after the epoch. */
export const timeScale = (resolution: TimestampResolution, offsetSeconds: bigint): TimeScale => {
  const ticksPerSecond = BigInt(resolution.base) ** BigInt(resolution.exponent)
  const common = greatestCommonDivisor(NS_PER_SECOND, ticksPerSecond)
  return {
    multiplier: NS_PER_SECOND / common,
    divisor: ticksPerSecond / common,
    offsetNs: offsetSeconds * NS_PER_SECOND,
  }
}

/** Ticks, 0..2^64-1, as nanoseconds since the epoch; ticks finer than a nanosecond are rounded down. */
export const ticksToNs = (scale: TimeScale, ticks: bigint): bigint =>
  scale.offsetNs + (scale.divisor === 1n ? ticks * scale.multiplier : (ticks * scale.multiplier) / scale.divisor)

/**
 * Nanoseconds since the epoch as ticks, or `undefined` if they are not in 0..2^64-1.
 *
 * Rounded down where a tick is a whole number of nanoseconds, so that no packet comes before its time. Elsewhere
 * {@link ticksToNs} has rounded down already, and rounding up here is its inverse: a capture that is read and written
 * again at its own resolution keeps every tick, and one finer than a nanosecond keeps every nanosecond.
 */
export const nsToTicks = (scale: TimeScale, timestampNs: bigint): bigint | undefined => {
  const sinceTickZero = timestampNs - scale.offsetNs
  if (sinceTickZero < 0n) return undefined
  const roundUp = scale.divisor === 1n ? 0n : scale.multiplier - 1n
  const ticks = (sinceTickZero * scale.divisor + roundUp) / scale.multiplier
  return ticks > MAX_TICKS ? undefined : ticks
}

/** The resolution in an `if_tsresol` byte: the top bit says powers of 2, the rest is the exponent. */
export const resolutionFromByte = (byte: number): TimestampResolution => ({
  base: (byte & 0x80) === 0 ? 10 : 2,
  exponent: byte & 0x7f,
})

/** The `if_tsresol` byte of a resolution, or `undefined` if the exponent is not an integer in 0..127. */
export const resolutionToByte = (resolution: TimestampResolution): number | undefined =>
  Number.isInteger(resolution.exponent) && resolution.exponent >= 0 && resolution.exponent <= 127
    ? (resolution.base === 2 ? 0x80 : 0) | resolution.exponent
    : undefined

const NS_PER_SECOND = 1_000_000_000n
const MAX_TICKS = (1n << 64n) - 1n

const greatestCommonDivisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : greatestCommonDivisor(b, a % b))
