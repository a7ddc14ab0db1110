/**
 * The tunnel ends of a switch: those it was opened with, and those that the rules of its ports make.
 *
 * An end with an address is the switch's: the address is the host's, and which port a tunnel to it is for is in the tunnel. An end
 * without one, of a rule that removes tunnels wherever they are addressed to, is its port's alone: what is addressed to another VM
 * stays that VM's.
 *
 * It changes with policy, on the control path: ends are counted, so that a change which leaves them as they are costs their comparison.
 */
import { compileTunnelEnds, type TunnelEnd, tunnelEndKey, type TunnelEnds } from '../wire/tunnel-ends.js'

/** A port, as far as tunnel ends are concerned. */
export interface EndHolder {
  /** Where tunnels end that come to it: the switch's ends and its own. */
  ends: TunnelEnds
}

/** The tunnel ends of a switch with ports `P`. */
export class TunnelRegistry<P extends EndHolder> {
  /** Ends that are the switch's. */
  shared: TunnelEnds
  /** Ends of the switch and of any of its ports. */
  all: TunnelEnds
  readonly #given: readonly TunnelEnd[]
  readonly #declared = new Map<P, ReadonlyMap<string, TunnelEnd>>()
  readonly #counts = new Map<string, { readonly end: TunnelEnd; count: number }>()

  constructor(given: readonly TunnelEnd[]) {
    this.#given = given
    this.shared = compileTunnelEnds(given)
    this.all = this.shared
  }

  /** Takes note of the ends that the rules in force on a port make. */
  declare(port: P, ends: readonly TunnelEnd[]): void {
    const before = this.#declared.get(port)
    const now = new Map(ends.map((end): [string, TunnelEnd] => [tunnelEndKey(end), end]))
    if (before !== undefined && before.size === now.size && [...now.keys()].every((key) => before.has(key))) return
    this.#declared.set(port, now)
    let changed = false
    for (const [key, end] of now) changed = this.#count(key, end, 1) || changed
    for (const [key, end] of before ?? []) changed = this.#count(key, end, -1) || changed
    if (changed) this.#compile()
    else this.#give(port, now)
  }

  /** Forgets a port that is gone. */
  forget(port: P): void {
    this.declare(port, [])
    this.#declared.delete(port)
  }

  /** Whether the end is there for the first time, or not any more. */
  #count(key: string, end: TunnelEnd, by: 1 | -1): boolean {
    const entry = this.#counts.get(key) ?? { end, count: 0 }
    entry.count += by
    if (entry.count === 0) this.#counts.delete(key)
    else this.#counts.set(key, entry)
    return entry.count === 0 || (by === 1 && entry.count === 1)
  }

  #compile(): void {
    const ends = Array.from(this.#counts.values(), ({ end }) => end)
    this.shared = compileTunnelEnds([...this.#given, ...ends.filter(isAddressed)])
    this.all = ends.every(isAddressed) ? this.shared : compileTunnelEnds([...this.#given, ...ends])
    for (const [port, own] of this.#declared) this.#give(port, own)
  }

  #give(port: P, declared: ReadonlyMap<string, TunnelEnd>): void {
    const own = [...declared.values()].filter((end) => !isAddressed(end))
    const shared = Array.from(this.#counts.values(), ({ end }) => end).filter(isAddressed)
    port.ends = own.length === 0 ? this.shared : compileTunnelEnds([...this.#given, ...shared, ...own])
  }
}

/** A prefix that holds every address names none. */
const isAddressed = ({ ip }: TunnelEnd): boolean => ip !== undefined && ('words' in ip || ip.length > 0)
