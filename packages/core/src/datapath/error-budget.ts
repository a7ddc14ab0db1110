/**
 * How many errors may be sent to a VM: a token bucket, full at the start.
 *
 * @see RFC 4443 §2.4
 */

/** The errors that may still be sent. */
export class ErrorBudget {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #sinceUs: number | undefined

  /** So many errors a second in the long run, so many at once. */
  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
  }

  /** Whether one more may be sent now, which then counts as sent. */
  take(nowUs: number): boolean {
    const passedUs = this.#sinceUs === undefined ? 0 : nowUs - this.#sinceUs
    this.#sinceUs = nowUs
    this.#tokens = Math.min(this.#burst, this.#tokens + (passedUs * this.#perSecond) / 1_000_000)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
