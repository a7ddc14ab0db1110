/**
 * What rules took for flows that have not left yet.
 *
 * A packet that waits is walked again later, perhaps several times, and each walk asks the rules anew. What a rule took in the
 * first walk (a port of its NAT) it answers again in the next, as the same object; so the engine keeps it while any packet
 * waits with it, and gives it back when the last of them is dropped. Once a packet that holds it was let through, it belongs
 * to the connections made with it, and goes back when the last of them ends. Where none was made, the rule alone knows when it ends.
 */
import type { Decision, Hold } from '../policy/decision.js'

/** What is told of a connection. */
export interface Connection {
  readonly decision: Decision
  /** Called once, when it is over. */
  ended: (() => void) | undefined
}

/** The holds of one port. */
export class Holds {
  /** By how many waiting packets each is held. */
  readonly #waiting = new Map<Hold, number>()
  /** By how many connections each is held. */
  readonly #connections = new Map<Hold, number>()
  /** Those of packets that were let through, and those given back: neither is given back (again). */
  readonly #over = new WeakSet<Hold>()

  /** Holds of waiting packets. */
  get size(): number {
    return this.#waiting.size
  }

  /** A packet waits with these. */
  wait(holds: readonly Hold[]): void {
    for (const hold of holds) this.#waiting.set(hold, (this.#waiting.get(hold) ?? 0) + 1)
  }

  /** A packet waits with these no more; nothing is given back yet. */
  endWait(holds: readonly Hold[]): void {
    for (const hold of holds) {
      const left = (this.#waiting.get(hold) ?? 1) - 1
      if (left === 0) this.#waiting.delete(hold)
      else this.#waiting.set(hold, left)
    }
  }

  /** A packet with these was let through. */
  keep(holds: readonly Hold[]): void {
    for (const hold of holds) this.#over.add(hold)
  }

  /** A connection was made: keeps what its decision took until it ends. */
  connect(pair: Connection): void {
    const { holds } = pair.decision
    if (holds === undefined || holds.length === 0) return
    for (const hold of holds) this.#connections.set(hold, (this.#connections.get(hold) ?? 0) + 1)
    pair.ended = () => { this.#disconnect(holds) }
  }

  /** A connection that was made with these has ended: gives back what no other has, nor a waiting packet. */
  #disconnect(holds: readonly Hold[]): void {
    for (const hold of holds) {
      const left = (this.#connections.get(hold) ?? 1) - 1
      if (left > 0) {
        this.#connections.set(hold, left)
        continue
      }
      this.#connections.delete(hold)
      this.#over.delete(hold)
    }
    this.letGo(holds)
  }

  /** A walk with these came to nothing: gives back what no other packet waits with. */
  letGo(holds: readonly Hold[]): void {
    for (const hold of holds) {
      if (this.#waiting.has(hold) || this.#over.has(hold)) continue
      this.#over.add(hold)
      hold.release()
    }
  }
}

/** What a packet holds that took nothing. */
export const NO_HOLDS: readonly Hold[] = []
