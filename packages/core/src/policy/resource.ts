/**
 * Resources: large tables that rules consult by key, kept outside the rules.
 *
 * A VNET has millions of customer-address mappings; one rule a mapping would make the policy as large as the
 * network. A rule names a resource instead and looks the key up when a flow's first packet comes. What it found is
 * remembered by **cells**: a unified flow notes the cells its walk read with their versions, and one comparison per
 * packet tells whether an entry has changed since. So a changed entry touches just the flows that used it and does
 * not raise the port's generation.
 *
 * @see VFP §5.5
 */

/** The version of one entry, or of the absence of entries; grows with every change. */
export interface Cell {
  /** Grows whenever the answer that came with this cell may have changed. */
  readonly version: number
}

/** An answer of a resource. `Absent` is definite: the rule decides what it means. */
export type Lookup<V> =
  | { readonly _tag: 'Found'; readonly value: V; readonly cell: Cell }
  | { readonly _tag: 'Absent'; readonly cell: Cell }

/** A resource of whatever keys and values, as a switch keeps it by name. */
export type AnyResource = Resource<never, unknown>

/**
 * A table a rule can consult. Implementations must bump the cell of an answer whenever the same key would be
 * answered differently.
 */
export interface Resource<K, V> {
  /** Its name in explanations and in policies given as JSON. */
  readonly name: string
  /** The answer for a key, at once: a walk does not wait. */
  readonly lookup: (key: K) => Lookup<V>
}
