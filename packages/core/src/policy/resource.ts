/**
 * Resources: large tables that rules consult by key, kept outside the rules.
 *
 * A VNET has millions of customer-address mappings; one rule a mapping would make the policy as large as the
 * network. A rule names a resource instead and looks the key up when a flow's first packet comes. What it found is
 * remembered by **cells**: a unified flow notes the cells its walk read with their versions, and one comparison per
 * packet tells whether an entry has changed since. So a changed entry touches just the flows that used it and does
 * not raise the port's generation.
 *
 * A resource that holds part of a larger table may have to ask elsewhere first. It answers `Unknown` then; the port asks it
 * once to find out ({@link Resource.request}), and the packet waits or takes a default path. When the answer has come, the
 * resource bumps the cell it gave with `Unknown` and says so ({@link Resource.watch}).
 *
 * @see VFP §5.5
 */

/** The version of one entry, or of the absence of entries; grows with every change. */
export interface Cell {
  /** Grows whenever the answer that came with this cell may have changed. */
  readonly version: number
}

/** A cell as its owner has it: of an entry of a resource, or of the state of a rule. */
export interface OwnCell extends Cell {
  /** Says that what was decided by what the cell stands for may be decided otherwise now. */
  changed(): void
}

/** Returns a new cell, for an entry of a resource or for the state of a rule ({@link FlowContext.dependsOn}). */
export const makeCell = (): OwnCell => new Counter()

class Counter implements OwnCell {
  version = 0

  changed(): void {
    this.version++
  }
}

/** What a resource says of a key. `Absent` is definite: the rule decides what it means. `Unknown` is not: the answer may come yet. */
export type Lookup<V> =
  | {
      readonly _tag: 'Found'
      /** What the resource has for the key. */
      readonly value: V
      /** Its version grows when the value changes or is removed. */
      readonly cell: Cell
    }
  | {
      readonly _tag: 'Absent'
      /** Its version grows when the key may have got a value. Keys may share a cell. */
      readonly cell: Cell
    }
  | {
      readonly _tag: 'Unknown'
      /** Its version grows when the answer has come, `Found` or `Absent`. Keys may share a cell. */
      readonly cell: Cell
    }

/** A resource of whatever keys and values, as a switch keeps it by name. */
export type AnyResource = Resource<never, unknown>

/**
 * A table a rule can consult. Implementations must bump the cell of an answer whenever the same key would be
 * answered differently.
 */
export interface Resource<K, V> {
  /** Its name in explanations and in policies given as JSON. */
  readonly name: string
  /** Returns what the resource has for a key, at once: a walk does not wait. It has no effect; `request` starts finding out. */
  readonly lookup: (key: K) => Lookup<V>
  /**
   * Starts to find out about a key that was `Unknown`. A port calls it once while the key is outstanding, and again each time its
   * patience is over (`pending.timeoutUs`). The answer may come within the call. Called after the packet, not within its walk.
   */
  readonly request?: (key: K) => void
  /**
   * Calls `answered` whenever answers have come, from now on; what it returns ends that. Without it the embedding program
   * calls `settle` of the port or the switch itself.
   */
  readonly watch?: (answered: () => void) => () => void
  /** A key in words, equal for equal keys and different for different ones; its JSON unless given. */
  readonly formatKey?: (key: K) => string
  /**
   * Why something can be none of its keys, or `undefined` if it can. Rule types given as data make keys that no compiler has seen: a policy
   * whose keys never fit is refused by this. It is about the shape: parts that only a packet tells stand as `0`, `0.0.0.0` or `::`.
   * For any key, of whatever shape, `lookup` must answer and not throw: `Absent` for what is none.
   */
  readonly checkKey?: (key: unknown) => string | undefined
}

/** Returns a key in a resource's words. */
export const keyText = <K, V>(resource: Resource<K, V>, key: K): string => resource.formatKey?.(key) ?? JSON.stringify(key)
