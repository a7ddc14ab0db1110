/**
 * Keys that resources have been asked to find out about, each once, however many packets miss it.
 *
 * A key is outstanding from the first packet that missed it until its answer has come, or until the port's patience with it is
 * over. Then it is asked for again if packets still wait for it, and else forgotten: whoever misses it next begins anew. Flows
 * that took a default way meanwhile depend on the key's **patience** cell beside the resource's own, so they are decided
 * anew, and the key asked for again, also when the resource has lost the question.
 *
 * Bounded: beyond `capacity` keys none is added, and whoever sends packets to unknown places cannot fill memory. Flows that
 * took a default way then depend on there being room again.
 */
import type { Miss } from '../pipeline/miss.js'
import type { AnyResource, Cell } from '../policy/resource.js'
import type { Dependency } from '../pipeline/flow-tracker.js'

/** A key in question, and the flows (`F`) whose packets wait for it. */
export interface Outstanding<F> {
  readonly miss: Miss
  /** Cell and version of the answer `Unknown` that was last given. */
  cell: Cell
  version: number
  /** Monotonic microseconds when it was last asked for. */
  sinceUs: number
  /** Grows when the port's patience with the key is over. */
  readonly patience: Counter
  readonly flows: Set<F>
  /** Packets of those flows. */
  frames: number
}

/** A cell as its owner sees it. */
export interface Counter {
  version: number
}

/** The keys one port has in question. */
export class OutstandingKeys<F> {
  readonly #byResource = new Map<AnyResource, Map<string, Outstanding<F>>>()
  /** In the order they were last asked for. */
  readonly #all = new Set<Outstanding<F>>()
  #toAsk: Outstanding<F>[] = []
  /** Grows when there is room for a key again. */
  readonly #room: Counter = { version: 0 }
  readonly #capacity: number
  readonly #timeoutUs: number

  constructor(capacity: number, timeoutUs: number) {
    this.#capacity = capacity
    this.#timeoutUs = timeoutUs
  }

  /** Keys in question. */
  get size(): number {
    return this.#all.size
  }

  /** Whether there are keys to be asked for. */
  get hasNews(): boolean {
    return this.#toAsk.length > 0
  }

  /** Whether a key of this resource is in question. */
  concerns(resource: AnyResource): boolean {
    return this.#byResource.has(resource)
  }

  /** The entry of a key that was just missed; a new one is to be asked for. `undefined` if there is no room. */
  note(miss: Miss, nowUs: number): Outstanding<F> | undefined {
    const known = this.#byResource.get(miss.resource)?.get(miss.keyText)
    if (known !== undefined) {
      known.cell = miss.cell
      known.version = miss.version
      return known
    }
    this.#forgetOldest(nowUs)
    if (this.#all.size >= this.#capacity) return undefined
    const made: Outstanding<F> = {
      miss, cell: miss.cell, version: miss.version, sinceUs: nowUs, patience: { version: 0 }, flows: new Set(), frames: 0,
    }
    const ofResource = this.#byResource.get(miss.resource)
    if (ofResource === undefined) this.#byResource.set(miss.resource, new Map([[miss.keyText, made]]))
    else ofResource.set(miss.keyText, made)
    this.#all.add(made)
    this.#toAsk.push(made)
    return made
  }

  /** What a flow that went on without the answer depends on beside the resource's own cell. */
  dependencyOn(entry: Outstanding<F> | undefined): Dependency {
    const cell = entry?.patience ?? this.#room
    return { cell, version: cell.version }
  }

  /** The next key to be asked for. */
  nextToAsk(): Outstanding<F> | undefined {
    const next = this.#toAsk.shift()
    // It may have been answered for another's sake by now.
    return next === undefined || this.#all.has(next) ? next : this.nextToAsk()
  }

  /** Keys whose answers have come, in the order they were asked for. */
  answered(): readonly Outstanding<F>[] {
    const answered: Outstanding<F>[] = []
    for (const entry of this.#all) {
      if (entry.cell.version === entry.version) continue
      // Keys may share a cell: it may have moved for another.
      if (entry.miss.isUnknown()) entry.version = entry.cell.version
      else answered.push(entry)
    }
    return answered
  }

  /** Takes a key out of question. */
  remove(entry: Outstanding<F>): void {
    if (!this.#all.delete(entry)) return
    this.#room.version++
    const ofResource = this.#byResource.get(entry.miss.resource)
    ofResource?.delete(entry.miss.keyText)
    if (ofResource?.size === 0) this.#byResource.delete(entry.miss.resource)
  }

  /** Asks again for the keys that packets have been waiting for too long, and forgets those that none waits for. */
  expire(nowUs: number): void {
    for (const entry of this.#all) {
      if (nowUs - entry.sinceUs < this.#timeoutUs) return
      this.#endPatience(entry, nowUs)
    }
  }

  /** Takes all keys out of question. */
  clear(): void {
    for (const entry of this.#all) this.remove(entry)
    this.#toAsk = []
  }

  /** Looks at two of the oldest, so that keys nobody waits for do not stand in the way of new ones. */
  #forgetOldest(nowUs: number): void {
    let looks = 2
    for (const entry of this.#all) {
      if (looks-- === 0 || nowUs - entry.sinceUs < this.#timeoutUs) return
      this.#endPatience(entry, nowUs)
    }
  }

  #endPatience(entry: Outstanding<F>, nowUs: number): void {
    entry.patience.version++
    if (entry.flows.size === 0) {
      this.remove(entry)
      return
    }
    entry.sinceUs = nowUs
    this.#all.delete(entry)
    this.#all.add(entry)
    this.#toAsk.push(entry)
  }
}
