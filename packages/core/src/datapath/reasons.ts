/** Names of drop reasons as small numbers, because batches and flows carry numbers; and how often each occurred. */

/** The drop reasons of one port. Number 0 stands for "not dropped". */
export class DropReasons {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = ['']
  readonly #counts: number[] = [0]

  /** The number of a reason; a new one for a new name. */
  intern(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const number = this.#names.length
    this.#numbers.set(name, number)
    this.#names.push(name)
    this.#counts.push(0)
    return number
  }

  /** The name of a number; empty for 0 and for numbers never given. */
  name(number: number): string {
    return this.#names[number] ?? ''
  }

  /** Counts one drop. */
  count(number: number): void {
    this.#counts[number] = (this.#counts[number] ?? 0) + 1
  }

  /** Drops by name, those that have occurred. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#names.flatMap((name, i) => ((this.#counts[i] ?? 0) > 0 ? [[name, this.#counts[i]!]] : [])))
  }
}
