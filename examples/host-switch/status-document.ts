/** What a host tells of itself: the JSON of the status socket, and what the live table is drawn from. */
import type { Port, PortCounters } from '@vfp-ts/core'
import type { HostReport, NicReport } from '@vfp-ts/adapters/host'
import type { Config } from './config.js'

/** A unified flow, as shown. */
export interface ShownFlow {
  readonly port: string
  readonly direction: 'inbound' | 'outbound'
  readonly key: string
  readonly verdict: string
  readonly transposition: string
  readonly packets: number
  readonly bytes: number
}

/** A port, as shown. */
export interface ShownPort {
  readonly name: string
  readonly state: string
  readonly mac: string
  readonly ip: readonly string[]
  readonly vni: number | null
  readonly layers: readonly string[]
  readonly nic: NicReport | null
  readonly counters: PortCounters
}

/** The whole; plain JSON. */
export interface Status {
  readonly name: string
  readonly pid: number
  /** Seconds since the switch opened. */
  readonly upSeconds: number
  /** Configurations that were taken, the first among them, and refused. */
  readonly configurations: { readonly taken: number; readonly refused: number }
  readonly ports: readonly ShownPort[]
  readonly uplink: NicReport | null
  /** Neighbours on the physical network. */
  readonly neighbours: readonly object[]
  /** Frames that the switch dropped itself, by reason. */
  readonly drops: Readonly<Record<string, number>>
  /** The busiest flows; none where there are more than {@link MOST_FLOWS_LOOKED_AT}. */
  readonly flows: readonly ShownFlow[]
}

/** Putting a flow into words takes microseconds: with more of them than this, a look would hold up the traffic. */
export const MOST_FLOWS_LOOKED_AT = 5000
const SHOWN_FLOWS = 20

/** Puts a status together. */
export const statusOf = (
  config: Config, report: HostReport, ports: readonly Port[],
  rest: Pick<Status, 'pid' | 'upSeconds' | 'configurations' | 'neighbours'>,
): Status => ({
  name: config.name,
  pid: rest.pid,
  upSeconds: rest.upSeconds,
  configurations: rest.configurations,
  ports: report.ports.map(({ name, state, nic, counters }) => {
    const own = config.ports[name]
    return {
      name, state, mac: own?.mac ?? '', ip: own?.ip ?? [], vni: own?.vni ?? null, layers: ports.find((port) => port.identity.name === name)?.layers() ?? [],
      nic: nic ?? null, counters,
    }
  }),
  uplink: report.uplink ?? null,
  neighbours: rest.neighbours,
  drops: report.drops,
  flows: busiest(ports, report),
})

const busiest = (ports: readonly Port[], report: HostReport): readonly ShownFlow[] => {
  if (report.ports.reduce((sum, { counters }) => sum + counters.flows, 0) > MOST_FLOWS_LOOKED_AT) return []
  return ports
    .flatMap((port) => port.flows().map(({ direction, key, verdict, transposition, packets, bytes }): ShownFlow =>
      ({ port: port.identity.name, direction, key, verdict, transposition, packets, bytes })))
    .sort((a, b) => b.packets - a.packets)
    .slice(0, SHOWN_FLOWS)
}
