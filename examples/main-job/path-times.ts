/**
 * How long packets took on one path: exact sum, and the quantiles.
 *
 * The first times are kept as they are, so of few packets the quantiles are exact. From more of them a histogram stands
 * in, whose buckets grow by a 32nd of a power of two: a quantile is then right to 2 %. Memory is constant.
 */

/** Packets of which quantiles are exact. */
const KEPT = 10_000
const PER_DOUBLING = 32
const BUCKETS = PER_DOUBLING * 40

/** Times of the packets of one path, nanoseconds; null where no packet took it. */
export interface PathTimes {
  readonly packets: number
  readonly meanNs: number | null
  readonly medianNs: number | null
  /** 99 of 100 took no longer. */
  readonly p99Ns: number | null
}

/** Collects times. */
export class Stopwatch {
  #packets = 0
  #sum = 0
  readonly #kept = new Float64Array(KEPT)
  readonly #buckets = new Uint32Array(BUCKETS)

  /** Adds one packet's time. */
  add(ns: number): void {
    if (this.#packets < KEPT) this.#kept[this.#packets] = ns
    this.#packets++
    this.#sum += ns
    const bucket = ns < 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log2(ns) * PER_DOUBLING))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
  }

  /** What was collected, less what reading the clock itself costs. */
  times(overheadNs: number): PathTimes {
    if (this.#packets === 0) return { packets: 0, meanNs: null, medianNs: null, p99Ns: null }
    const less = (ns: number): number => Math.max(0, Math.round(ns - overheadNs))
    const sorted = this.#packets <= KEPT ? this.#kept.slice(0, this.#packets).sort() : undefined
    const quantile = (share: number): number =>
      less(sorted === undefined ? this.#quantile(share) : sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
    return { packets: this.#packets, meanNs: less(this.#sum / this.#packets), medianNs: quantile(0.5), p99Ns: quantile(0.99) }
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
