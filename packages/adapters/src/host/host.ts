/** The nouns of a host: one switch, the NICs of its ports, and its uplink. */
import type { Either } from 'fp-ts/lib/Either.js'
import type { Environment, PortCounters, Switch, SwitchOptions } from '@vfp-ts/core'
import type { LinkState, Nic, NicCounters } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import type { FinisherCounters } from '../offload/index.js'
import type { Timers } from '../nic/timers.js'

/**
 * Options of {@link openHost}: those of the switch, and the host's own. While there is an uplink, the switch takes its MTU for the network's,
 * also when that changes; `mtu.network` bounds it from above.
 */
export interface HostOptions extends Omit<SwitchOptions, 'environment'> {
  /** Hooks of the switch; those by which frames leave are the host's own. */
  readonly environment?: Omit<Environment, 'deliver' | 'toVm' | 'toNetwork' | 'released'>
  /** Milliseconds between two rounds in which old flows and packets that waited too long are let go; 1,000 unless given. */
  readonly expireEveryMs?: number
  /** Time; `backgroundTimers` of the door `nic` unless given. It is the switch's clock as well unless `clock` is given. */
  readonly timers?: Timers
  /** Called after a NIC was plugged in, when it fails or its link or MTU changes. `port` is the port's name, `undefined` for the uplink. */
  readonly onNic?: (port: string | undefined, event: NicEvent) => void
}

/** What happened to a NIC after it was plugged in. */
export type NicEvent =
  /** The NIC failed. It stays plugged in, also where the failure has closed it. */
  | {
      readonly _tag: 'Failed'
      /** The failure, as the NIC reported it. */
      readonly error: NicError
    }
  /** The link went up or down. */
  | {
      readonly _tag: 'Link'
      /** The link's state from now on. */
      readonly state: LinkState
    }
  /** The MTU changed. */
  | {
      readonly _tag: 'Mtu'
      /** The new MTU: largest network packet in bytes. */
      readonly bytes: number
    }

/** Why a NIC was not plugged in, or taken off; a `NicError` is the NIC's own refusal to start. */
export type HostError =
  /** The switch has no port of that name. */
  | {
      readonly _tag: 'NoSuchPort'
      /** The name given. */
      readonly port: string
    }
  /** The port, or the host's uplink, has a NIC already. */
  | {
      readonly _tag: 'Plugged'
      /** The port's name; `undefined` for the uplink. */
      readonly port: string | undefined
      /** Name of the NIC that is there. */
      readonly nic: string
    }
  /** The host was closed. */
  | { readonly _tag: 'HostClosed' }
  | NicError

/** A NIC as {@link HostReport} shows it. */
export interface NicReport {
  /** The NIC's own name. */
  readonly name: string
  /** Its MAC, as `02:00:00:00:00:01`; `undefined` where it has none. */
  readonly mac: string | undefined
  /** Largest network packet in bytes, at present. */
  readonly mtu: number
  /** Whether frames can pass at present. */
  readonly link: LinkState
  /** What it has counted since it was opened. */
  readonly counters: NicCounters
}

/** The state of a host at one moment; plain JSON. Every frame is in one of its counters. */
export interface HostReport {
  /** The ports of the switch. */
  readonly ports: readonly {
    /** The port's name. */
    readonly name: string
    /** The port's state, as `port.state()` returns it. */
    readonly state: string
    /** The NIC plugged into it; `undefined` without one. */
    readonly nic: NicReport | undefined
    /** What the port has counted. */
    readonly counters: PortCounters
  }[]
  /** The uplink's NIC; `undefined` without one. */
  readonly uplink: NicReport | undefined
  /** Frames on their way to NICs that their senders had left unfinished: what was done to them, and why some were dropped. */
  readonly finished: FinisherCounters
  /** TCP segments that were joined with others on their way to VMs. */
  readonly joined: number
  /** Frames that the switch itself dropped, by reason; `NoNic` counts those for a port or an uplink without a NIC. */
  readonly drops: Readonly<Record<string, number>>
}

/** A switch with NICs, as {@link openHost} opens it. */
export interface Host {
  /** The switch: its ports, their layers and policy are the caller's. */
  readonly switch: Switch
  /** Connects the port of this name to its VM's NIC, and starts the NIC. The NIC is the host's from then on; if it is refused it stays the caller's. */
  readonly plug: (port: string, nic: Nic) => Either<HostError, void>
  /**
   * Takes the NIC off the port, or off the uplink if `port` is `undefined`, and closes it; the place is free at once. Does nothing where there
   * is no NIC. Resolves when the NIC is closed.
   */
  readonly unplug: (port: string | undefined) => Promise<Either<HostError, void>>
  /**
   * Connects the switch to the physical network, and starts the NIC. The switch takes the NIC's MTU for the network's from then on. Give an
   * underlay (`openUnderlay`) where neighbours have to be resolved.
   */
  readonly uplink: (nic: Nic) => Either<HostError, void>
  /** Returns how ports and NICs are at present, and what they have counted. */
  readonly report: () => HostReport
  /** Closes all NICs; each sends what it has queued, as far as that goes. The switch and the report can be read afterwards. Never rejects. */
  readonly close: () => Promise<void>
}
