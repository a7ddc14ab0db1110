/** What a replay made of a capture, as data: the JSON form, and what the tables are printed from. */
import type { Direction, FlowReport, RuleReport } from '@vfp-ts/core'
import { addressOfKey } from './frame-facts.js'
import type { Host, Hosts } from './hosts.js'
import { clockOverheadNs, type PathTimes } from './path-times.js'
import type { Fate, Replay } from './replay.js'
import { type RuleLine, ruleLines } from './rule-lines.js'

/** One unified flow of one port. */
export interface FlowLine {
  readonly port: string
  readonly direction: Direction
  readonly key: string
  readonly verdict: string
  readonly transposition: string
  readonly packets: number
  readonly bytes: number
  /** Whether the flow of the other direction is known. */
  readonly paired: boolean
}

/** Drops of one reason at one port. */
export interface DropLine {
  readonly reason: string
  readonly port: string
  readonly direction: Direction
  /** The layer and rule that dropped the first of them; empty if it was no layer. */
  readonly by: string
  readonly packets: number
  /** Number of the first such frame in the capture: try `--explain` with it. */
  readonly firstFrame: number
}

/** Tunnelled frames that went to one address of a host. */
export interface TunnelLine {
  readonly to: string
  readonly host: string
  readonly frames: number
  /** Of the whole frames on the wire. */
  readonly bytes: number
}

/** What one VM exchanged with one prefix, as its meter counted. */
export interface MeterLine {
  readonly vm: string
  readonly prefix: string
  readonly sentPackets: number
  readonly sentBytes: number
  readonly receivedPackets: number
  readonly receivedBytes: number
}

/** Frames of one kind. */
export interface Named {
  readonly what: string
  readonly frames: number
}

/** Everything a replay has to tell. */
export interface Report {
  readonly capture: {
    readonly file: string
    readonly frames: number
    readonly seconds: number
    /** What ended the reading early, or null. */
    readonly damage: string | null
  }
  readonly policy: string
  readonly vms: readonly { readonly name: string; readonly mac: string; readonly ips: readonly string[]; readonly underlay: readonly string[] }[]
  /** VMs left out because there were too many. */
  readonly vmsLeftOut: number
  /** Where each frame ended; they add up to `capture.frames`. */
  readonly frames: Readonly<Record<Fate, number>>
  readonly rules: readonly RuleLine[]
  readonly flows: { readonly held: number; readonly expired: number; readonly connections: Readonly<Record<string, number>>; readonly busiest: readonly FlowLine[] }
  readonly drops: readonly DropLine[]
  readonly tunnels: readonly TunnelLine[]
  /** What was not understood of frames that a port saw, by name. */
  readonly strange: readonly Named[]
  /** Why frames were seen by no port, by name. */
  readonly unseen: readonly Named[]
  /** What to try if no port saw any frame, or null. */
  readonly hint: string | null
  /** `fastShare` is a share of both paths' packets; null if there are none. */
  readonly paths: { readonly fast: PathTimes; readonly slow: PathTimes; readonly reconciled: number; readonly fastShare: number | null }
  readonly meters: readonly MeterLine[]
  readonly wire: { readonly file: string; readonly frames: number; readonly bytes: number } | null
}

/** Gathers the report of a finished replay; `hint` is told if no port saw any frame. */
export const makeReport = (
  replay: Replay, hosts: Hosts, flows: number,
  rest: Pick<Report, 'policy' | 'vmsLeftOut' | 'wire' | 'hint'> & { readonly capture: Omit<Report['capture'], 'frames'> },
): Report => {
  const counters = hosts.all.map(({ port }) => port.counters())
  const sum = (of: (c: (typeof counters)[number]) => number): number => counters.reduce((total, c) => total + of(c), 0)
  const packets = sum((c) => c.packets)
  const overhead = clockOverheadNs()
  const connections: Record<string, number> = {}
  for (const c of counters) for (const [layer, n] of Object.entries(c.connections)) connections[layer] = (connections[layer] ?? 0) + n
  return {
    policy: rest.policy,
    capture: { ...rest.capture, frames: replay.frames },
    vms: hosts.all.map(({ vm }) => vm),
    vmsLeftOut: rest.vmsLeftOut,
    frames: replay.fates,
    rules: ruleLines(hosts.all),
    tunnels: [...replay.tunnels]
      .map(([key, tally]) => ({ to: addressOfKey(key), host: hosts.byUnderlay.get(key)?.vm.name ?? '', ...tally }))
      .sort((a, b) => a.host.localeCompare(b.host) || a.to.localeCompare(b.to)),
    flows: { held: sum((c) => c.flows), expired: replay.expired, connections, busiest: busiestFlows(hosts.all, flows) },
    drops: [...replay.drops.values()]
      .map(({ reason, host, direction, by, count, firstFrame }) => ({ reason, port: host.vm.name, direction, by, packets: count, firstFrame }))
      .sort((a, b) => b.packets - a.packets || a.firstFrame - b.firstFrame),
    strange: mostFirst(replay.strange),
    unseen: mostFirst(replay.unseen),
    hint: replay.fates.nobodys > 0 && packets === 0 ? rest.hint : null,
    paths: {
      fast: replay.fast.times(overhead),
      slow: replay.slow.times(overhead),
      reconciled: sum((c) => c.reconciled),
      fastShare: packets === 0 ? null : sum((c) => c.fast) / packets,
    },
    meters: meterLines(hosts.all),
    wire: rest.wire,
  }
}

const mostFirst = (tally: ReadonlyMap<string, number>): readonly Named[] =>
  [...tally].map(([what, frames]) => ({ what, frames })).sort((a, b) => b.frames - a.frames)

const busiestFlows = (hosts: readonly Host[], most: number): readonly FlowLine[] => {
  let kept: { readonly port: string; readonly flow: FlowReport }[] = []
  for (const { vm, port } of hosts) {
    kept = [...kept, ...port.flows().map((flow) => ({ port: vm.name, flow }))].sort((a, b) => b.flow.packets - a.flow.packets).slice(0, most)
  }
  return kept.map(({ port, flow: { direction, key, verdict, transposition, packets, bytes, paired } }) =>
    ({ port, direction, key, verdict, transposition, packets, bytes, paired }))
}

const meterLines = (hosts: readonly Host[]): readonly MeterLine[] =>
  hosts.flatMap(({ vm, port }) => {
    const lines = new Map<string, MeterLine>()
    for (const rule of port.rules()) {
      const counted = countOf(rule)
      if (counted === undefined) continue
      const line = lines.get(rule.rule) ??
        { vm: vm.name, prefix: rule.rule, sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0 }
      lines.set(rule.rule, rule.direction === 'outbound'
        ? { ...line, sentPackets: counted.packets, sentBytes: counted.bytes }
        : { ...line, receivedPackets: counted.packets, receivedBytes: counted.bytes })
    }
    return [...lines.values()].filter((l) => l.sentPackets + l.receivedPackets > 0)
  })

const countOf = ({ type, state }: RuleReport): { readonly packets: number; readonly bytes: number } | undefined =>
  type === 'count' && typeof state === 'object' && state !== null && 'packets' in state && 'bytes' in state &&
  typeof state.packets === 'number' && typeof state.bytes === 'number'
    ? { packets: state.packets, bytes: state.bytes }
    : undefined
