/**
 * A host: one switch, the NICs of its ports, and its uplink.
 *
 * Whoever embeds the library on a machine needs the same few wires: frames of a VM's NIC go through its port, what leaves a port goes to the
 * NIC it belongs to, finished if that NIC cannot do it, and what nobody does by itself (expiry, packets that waited) is done
 * now and then. Policy is the caller's, on the ports of {@link Host.switch}.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import type { Environment, PortCounters, Switch, SwitchOptions } from '@vfp-ts/core'
import type { LinkState, Nic, NicCounters } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import type { FinisherCounters } from '../offload/index.js'
import type { Timers } from '../nic/timers.js'

/**
 * What a host is opened with. The switch's MTU is that of the uplink's NIC while there is one, also when that changes; `network` in
 * `mtu` bounds it from above.
 */
export interface HostOptions extends Omit<SwitchOptions, 'environment'> {
  /** Hooks of the switch, but for those that frames leave by, which are the host's. */
  readonly environment?: Omit<Environment, 'deliver' | 'toVm' | 'toNetwork' | 'released'>
  /** Milliseconds between two rounds of expiry, 1,000 unless given. */
  readonly expireEveryMs?: number
  /** The system's unless given. The switch's clock goes by them too, unless `clock` is given. */
  readonly timers?: Timers
  /** Told of every failure of a NIC after it was plugged in, of its link and of its MTU; `port` is `undefined` for the uplink. */
  readonly onNic?: (port: string | undefined, event: NicEvent) => void
}

/** What a NIC tells after it was plugged in. */
export type NicEvent =
  | { readonly _tag: 'Failed'; readonly error: NicError }
  | { readonly _tag: 'Link'; readonly state: LinkState }
  /** The MTU changed, to so many bytes of network packet. */
  | { readonly _tag: 'Mtu'; readonly bytes: number }

/** Why a NIC was not plugged in. */
export type HostError =
  /** The switch has no port of that name. */
  | { readonly _tag: 'NoSuchPort'; readonly port: string }
  /** The port, or the host's uplink, has a NIC already. */
  | { readonly _tag: 'Plugged'; readonly port: string | undefined; readonly nic: string }
  /** The host was closed. */
  | { readonly _tag: 'HostClosed' }
  | NicError

/** A NIC as reports show it. */
export interface NicReport {
  readonly name: string
  readonly mac: string | undefined
  readonly mtu: number
  readonly link: LinkState
  readonly counters: NicCounters
}

/** What a host tells of itself; plain JSON. */
export interface HostReport {
  readonly ports: readonly { readonly name: string; readonly state: string; readonly nic: NicReport | undefined; readonly counters: PortCounters }[]
  readonly uplink: NicReport | undefined
  /** Frames on their way to NICs that their senders had left unfinished: what was done, and why some could not be finished and were dropped. */
  readonly finished: FinisherCounters
  /** TCP segments that went to VMs joined with others. */
  readonly joined: number
  /** Frames the switch dropped itself, by reason, and `NoNic`: for a port or an uplink without one. */
  readonly drops: Readonly<Record<string, number>>
}

/** A switch with NICs. */
export interface Host {
  readonly switch: Switch
  /** Connects a port of the switch to its VM's NIC, and starts it. */
  readonly plug: (port: string, nic: Nic) => Either<HostError, void>
  /**
   * Takes the NIC off the port, or the uplink where `port` is `undefined`, and closes it; the place is free at once. Without a NIC there it
   * does nothing.
   */
  readonly unplug: (port: string | undefined) => Promise<Either<HostError, void>>
  /** Connects the switch to the physical network, and starts the NIC. Wrap it as an underlay where addresses are to be resolved. The switch goes by its MTU from then on. */
  readonly uplink: (nic: Nic) => Either<HostError, void>
  /** How ports and NICs are at present, and what they counted. */
  readonly report: () => HostReport
  /** Closes all NICs, which send what they have queued as far as that goes. The switch and its report can be read afterwards. */
  readonly close: () => Promise<void>
}
