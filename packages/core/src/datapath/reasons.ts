/** Names of drop reasons as small numbers, because batches and flows carry numbers; and how often each occurred. */

import type { BuiltInDropReason, DropCounts, DropReason } from '../drop-reason.js'

/**
 * Names a port tells apart; drops by names beyond are counted as {@link OTHER_REASON}. Rules may make names up from packets,
 * and whoever sends those must not fill memory, nor run the numbers out of a batch's 16 bits.
 */
export const MAX_REASONS = 1024

/** Stands for the names beyond {@link MAX_REASONS}. */
export const OTHER_REASON = 'Other' satisfies BuiltInDropReason

/** Stands for the empty name, which a rule of one's own may give. */
export const UNNAMED_REASON = 'Unnamed' satisfies BuiltInDropReason

/** The drop reasons of one port. Number 0 stands for "not dropped". */
export class DropReasons {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = ['']
  readonly #counts: number[] = [0]

  /** The number of a reason; a new one for a new name, while there is room. */
  intern(given: string): number {
    // The empty name stands for "not dropped".
    const name = given === '' ? UNNAMED_REASON : given
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    if (this.#numbers.size >= MAX_REASONS && name !== OTHER_REASON) return this.intern(OTHER_REASON)
    const number = this.#names.length
    this.#numbers.set(name, number)
    this.#names.push(name)
    this.#counts.push(0)
    return number
  }

  /** The name of a number; empty for 0 and for numbers never given. */
  name(number: number): DropReason {
    return this.#names[number] ?? ''
  }

  /** Counts one drop. */
  count(number: number): void {
    this.#counts[number] = (this.#counts[number] ?? 0) + 1
  }

  /** Drops by name, those that have occurred. */
  counts(): DropCounts {
    return Object.fromEntries(this.#names.flatMap((name, i) => ((this.#counts[i] ?? 0) > 0 ? [[name, this.#counts[i]!]] : [])))
  }
}
