/**
 * How long packets took on one path: exact sum, and a histogram for the quantiles.
 *
 * Buckets grow by an eighth of a power of two, so a quantile is right to 9 %. Memory is constant.
 */

const PER_DOUBLING = 8
const BUCKETS = PER_DOUBLING * 40

/** Times of the packets of one path, nanoseconds. */
export interface PathTimes {
  readonly packets: number
  readonly meanNs: number
  readonly medianNs: number
  /** 99 of 100 took no longer. */
  readonly p99Ns: number
}

/** Collects times. */
export class Stopwatch {
  #packets = 0
  #sum = 0
  readonly #buckets = new Uint32Array(BUCKETS)

  /** Adds one packet's time. */
  add(ns: number): void {
    this.#packets++
    this.#sum += ns
    const bucket = ns < 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log2(ns) * PER_DOUBLING))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
  }

  /** What was collected, less what reading the clock itself costs. */
  times(overheadNs: number): PathTimes {
    const less = (ns: number): number => Math.max(0, Math.round(ns - overheadNs))
    return {
      packets: this.#packets,
      meanNs: this.#packets === 0 ? 0 : less(this.#sum / this.#packets),
      medianNs: this.#packets === 0 ? 0 : less(this.#quantile(0.5)),
      p99Ns: this.#packets === 0 ? 0 : less(this.#quantile(0.99)),
    }
  }

  #quantile(share: number): number {
    let below = 0
    for (const [bucket, count] of this.#buckets.entries()) {
      below += count
      if (below >= share * this.#packets) return 2 ** ((bucket + 0.5) / PER_DOUBLING)
    }
    return 0
  }
}

/** Nanoseconds between two readings of the clock with nothing between them; the median of many. */
export const clockOverheadNs = (): number => {
  const differences = Array.from({ length: 2001 }, () => {
    const before = process.hrtime.bigint()
    return Number(process.hrtime.bigint() - before)
  }).sort((a, b) => a - b)
  return differences[differences.length >>> 1] ?? 0
}
