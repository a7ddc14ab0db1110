/**
 * What a rule may know when it decides: the flow's metadata as its layer sees them, and nothing of the packet's bytes.
 *
 * Everything read here is remembered: the fields join the key of the unified flow, the resource entries its
 * dependencies. That is what makes a cached decision as good as a fresh one, so a rule must take what it decides
 * on from here or from its own configuration and from nowhere else; what it takes from its own state, it names by
 * {@link FlowContext.dependsOn}.
 */
import type { Option } from 'fp-ts/lib/Option.js'
import type { Direction } from '../flow/flow-id.js'
import type { FieldRef } from '../flow/field.js'
import type { IpAddress, Mac } from '../wire/address.js'
import type { Cell, Lookup, Resource } from './resource.js'

/** The port a rule runs on. */
export interface PortIdentity {
  /** Name of the port, unique on its switch. */
  readonly name: string
  /** The VM's MAC. */
  readonly mac: Mac
  /** The VM's addresses, as the port was added with; none if it named none. */
  readonly ips: readonly IpAddress[]
}

/** A flow as one layer sees it. */
export interface FlowContext {
  /** Whether the packet comes from the VM (`outbound`) or goes to it (`inbound`). */
  readonly direction: Direction
  /** The port whose layers are walked. */
  readonly port: PortIdentity
  /** Monotonic microseconds. A decision that reads them is good for this moment only, and is not cached. */
  readonly nowUs: number
  /** Header groups of the frame here, 1–3. */
  readonly depth: number
  /**
   * 32 bits that are the same for all packets of the flow and spread flows evenly: for ECMP and entropy ports.
   * Computed once, from the frame as it entered the port.
   */
  readonly flowHash: number
  /**
   * Whether a rule of a layer before this one handed the packet to this name (`handsTo`), or brought it back as the answer to what it
   * took under this name (`takes`), and nothing has taken it since.
   */
  readonly handed: (to: string) => boolean
  /** Returns the value of a number field; `undefined` if the packet does not have it, or it is not a number. */
  readonly number: (ref: FieldRef) => number | undefined
  /** Returns the value of a MAC field; `undefined` if the packet does not have it. */
  readonly mac: (ref: FieldRef) => Mac | undefined
  /** Returns the value of an IP address field; `undefined` if the packet does not have it. */
  readonly ip: (ref: FieldRef) => IpAddress | undefined
  /**
   * The value a resource has for a key. Where that is not known yet the answer is `none`, and whatever the rule then decides,
   * the packet waits for the answer: so a rule that does not care cannot take "not known yet" for "there is none".
   */
  readonly lookup: <K, V>(resource: Resource<K, V>, key: K) => Option<V>
  /**
   * As `lookup`, for a rule that tells all three answers apart. On `Unknown` it may answer `pend()`, or send the packet
   * along a default path: the flow then ends when the answer comes, and its next packet is decided anew.
   */
  readonly ask: <K, V>(resource: Resource<K, V>, key: K) => Lookup<V>
  /**
   * Says that the decision rests on state of the rule's own, for which the cell stands. When that changes (`OwnCell.changed`),
   * the next packet of the flow is decided anew, also where the flow was dropped, and a connection that rests on it is looked
   * at again. A decision by state that names no cell is cached for as long as nothing else changes.
   */
  readonly dependsOn: (cell: Cell) => void
}
