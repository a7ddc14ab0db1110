/**
 * Whose turn it is: what has to be done after a packet, and not within it.
 *
 * Resources are asked and answer, and packets that waited leave, by code of other people, which may call the switch again. So
 * all that is put off until no call on the switch is under way, and then done port by port. Nothing runs by itself: the library
 * has no timers.
 */

/** Somebody with work that was put off. */
export interface Served {
  /** Does it. */
  readonly serve: () => void
}

/** The calls under way on one switch, and who is to be served after them. */
export class Turn {
  #depth = 0
  readonly #due = new Set<Served>()

  /** A call on the switch. What is put off meanwhile is done at its end, unless it is itself within another. */
  call<A>(work: () => A): A {
    const result = this.#within(work)
    if (this.#depth > 0) return result
    for (const next of this.#due) {
      this.#due.delete(next)
      this.#within(next.serve)
    }
    return result
  }

  /** Serves somebody, at once or after the call under way. */
  ask(served: Served): void {
    this.#due.add(served)
    if (this.#depth === 0) this.call(() => undefined)
  }

  #within<A>(work: () => A): A {
    this.#depth++
    try {
      return work()
    } finally {
      this.#depth--
    }
  }
}
