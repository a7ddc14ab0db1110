/**
 * Throughput from VM to VM through two hosts and a VXLAN tunnel, next to two Open vSwitches in the same place.
 *
 *   node examples/dist/bench/throughput.js [--smoke] [--soak] [--json]
 *
 * Three pairs of hosts (`host-pair.ts`) stand ready at the same time: ours with VMs that leave checksums and segmentation to their
 * NIC, as they do unless told otherwise; ours with VMs that finish their frames; Open vSwitch's userspace datapath with VMs that
 * finish their frames, as its AF_PACKET ports need it. The last two have the same task. Rounds go from one pair to the
 * next, so that a drift of the machine's speed hits all.
 *
 * **Measured**
 * - TCP: one stream of iperf3; what the receiver got, retransmissions, processor time of each switch per gigabyte (10⁹ bytes) received,
 *   memory of each before and after.
 * - Datagrams: frames of 64 bytes (60, and the checksum a wire would add) in 1,000 flows, as many as one process can send; those that the other VM's
 *   interface got, a second. They are finished frames in any case, so the pair whose VMs offload is left out.
 * - `--soak`: 60 seconds of TCP in one go through our pair with offloads, instead of rounds. The slowest second, and the memory in the first ten
 *   seconds next to the last ten. A second without a byte, or memory that grew by more than a twentieth and 4 MiB, ends the program with 1.
 *
 * **Not measured**
 * - A network: links are veth pairs, so a send is a call into the next switch's receive queue, and its cost is the sender's. All of the pair,
 *   both VMs' stacks and the load share the processors of one machine; two hosts of their own would do better, ours and theirs. A figure
 *   here is one of work per byte or packet more than one of speed, and only ratios of one run mean something.
 * - The kernel's work in soft interrupts, unless it happens to be on the switch's account.
 * - Latency, many streams at once, new connections.
 *
 * Ours has four layers: anti-spoofing, metering, a firewall that keeps connections, the virtual network. Open vSwitch has four tables that match as
 * much, but keep no connections: the easier task.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Laboratory } from '../live/namespaces.js'
import { cpuSeconds, mean, median, received, rssBytes } from './figures.js'
import { type HostPair, ourPair, ROUTE, sink, theirPair } from './host-pair.js'
import { saidBy, stream } from './iperf3.js'

const { values: { smoke = false, soak = false, json = false } } =
  parseArgs({ options: { smoke: { type: 'boolean' }, soak: { type: 'boolean' }, json: { type: 'boolean' } } })
const ROUNDS = smoke ? 1 : 5
const SECONDS = smoke ? 2 : 5
const SOAK_SECONDS = smoke ? 20 : 60
const FLOWS = 1000
/** How long both ends of a soak are, in seconds. */
const END = smoke ? 5 : 10

/** Of the two switches of a pair. */
type Both = readonly [number, number]

interface TcpRound {
  readonly gbps: number
  readonly retransmits: number
  readonly cpuSecondsPerGb: Both
}

interface DatagramRound {
  readonly packetsPerSecond: number
  readonly cpuUsPerPacket: Both
  /** Of those sent. */
  readonly share: number
}

interface Measured {
  readonly name: string
  readonly rssBefore: Both
  readonly rssAfter: Both
  readonly tcp: readonly TcpRound[]
  readonly datagrams: readonly DatagramRound[]
}

interface Soak {
  readonly name: string
  readonly seconds: number
  readonly gbps: number
  readonly retransmits: number
  readonly cpuSecondsPerGb: Both
  readonly eachSecondGbps: readonly number[]
  readonly stalledSeconds: number
  readonly rssFirst: Both
  readonly rssLast: Both
  readonly flat: boolean
}

const ofBoth = (pair: HostPair, figure: (pid: number) => number): Both => [figure(pair.pids.a), figure(pair.pids.b)]
const spent = (pair: HostPair, before: Both, per: number): Both => {
  const [a, b] = ofBoth(pair, cpuSeconds)
  return [(a - before[0]) / per, (b - before[1]) / per]
}

const tcpRound = async (lab: Laboratory, pair: HostPair): Promise<TcpRound> => {
  const before = ofBoth(pair, cpuSeconds)
  const { gbps, retransmits, bytes } = await stream(lab, pair.vms.a, { ns: pair.vms.b, address: ROUTE.address }, SECONDS)
  return { gbps, retransmits, cpuSecondsPerGb: spent(pair, before, bytes / 1e9) }
}

const datagramRound = async (lab: Laboratory, pair: HostPair): Promise<DatagramRound> => {
  const program = fileURLToPath(new URL('generate.js', import.meta.url))
  const [before, cpuBefore] = [await received(pair.vms.b), ofBoth(pair, cpuSeconds)]
  const sent = Number(await saidBy(lab.start(pair.vms.a, process.execPath, [program, 'eth0', String(FLOWS), String(SECONDS), ROUTE.to, ROUTE.from])))
  const arrived = (await received(pair.vms.b)) - before
  return { packetsPerSecond: arrived / SECONDS, cpuUsPerPacket: spent(pair, cpuBefore, arrived / 1e6), share: arrived / sent }
}

const rounds = async (lab: Laboratory, dir: string): Promise<readonly Measured[]> => {
  const pairs = [
    await ourPair(lab, dir, { name: 'vfp-ts, VM offloads on', offloads: true }), await ourPair(lab, dir, { name: 'vfp-ts, VM offloads off', offloads: false }),
    await theirPair(lab),
  ]
  const measured = pairs.map((pair) => ({ pair, rssBefore: ofBoth(pair, rssBytes), tcp: [] as TcpRound[], datagrams: [] as DatagramRound[] }))
  for (const { vms } of pairs) await sink(lab, vms.b)
  const once = async (keep: boolean): Promise<void> => {
    for (const { pair, tcp } of measured) {
      const figures = await tcpRound(lab, pair)
      if (keep) tcp.push(figures)
    }
    for (const { pair, datagrams } of measured.filter((m) => !m.pair.offloads)) {
      const figures = await datagramRound(lab, pair)
      if (keep) datagrams.push(figures)
    }
  }
  // Code is compiled and flows are set up while the first frames pass.
  await once(false)
  for (let i = 0; i < ROUNDS; i++) await once(true)
  return measured.map(({ pair, ...rest }) => ({ name: pair.name, ...rest, rssAfter: ofBoth(pair, rssBytes) }))
}

const soaked = async (lab: Laboratory, dir: string): Promise<Soak> => {
  const pair = await ourPair(lab, dir, { name: 'vfp-ts, VM offloads on', offloads: true })
  // Its code is compiled while the first frames pass; memory counts from then on.
  await stream(lab, pair.vms.a, { ns: pair.vms.b, address: ROUTE.address }, SECONDS)
  const before = ofBoth(pair, cpuSeconds)
  const memory: Both[] = []
  const sampling = setInterval(() => { memory.push(ofBoth(pair, rssBytes)) }, 1000)
  try {
    const { gbps, retransmits, bytes, eachSecondGbps } = await stream(lab, pair.vms.a, { ns: pair.vms.b, address: ROUTE.address }, SOAK_SECONDS)
    const during = memory.slice(0, SOAK_SECONDS)
    const meanOf = (samples: readonly Both[]): Both => [mean(samples.map(([a]) => a)), mean(samples.map(([, b]) => b))]
    const [rssFirst, rssLast] = [meanOf(during.slice(0, END)), meanOf(during.slice(-END))]
    return {
      name: pair.name, seconds: SOAK_SECONDS, gbps, retransmits, cpuSecondsPerGb: spent(pair, before, bytes / 1e9), eachSecondGbps,
      stalledSeconds: SOAK_SECONDS - eachSecondGbps.filter((rate) => rate > 0).length,
      rssFirst, rssLast, flat: ([0, 1] as const).every((i) => rssLast[i] <= rssFirst[i] * 1.05 + 4 * MIB),
    }
  } finally {
    clearInterval(sampling)
  }
}

const MIB = 2 ** 20
const mib = ([a, b]: Both): string => `${(a / MIB).toFixed(0)} and ${(b / MIB).toFixed(0)} MiB`
const medianOf = <R>(of: readonly R[], figure: (round: R) => Both): Both => [median(of.map((r) => figure(r)[0])), median(of.map((r) => figure(r)[1]))]
const twoOf = ([a, b]: Both): string => `${a.toFixed(2)} + ${b.toFixed(2)}`

const summary = ({ tcp, datagrams }: Measured): { readonly gbps: number; readonly cpuSecondsPerGb: Both; readonly packetsPerSecond: number; readonly cpuUsPerPacket: Both } => ({
  gbps: median(tcp.map(({ gbps }) => gbps)), cpuSecondsPerGb: medianOf(tcp, (round) => round.cpuSecondsPerGb),
  packetsPerSecond: median(datagrams.map((round) => round.packetsPerSecond)), cpuUsPerPacket: medianOf(datagrams, (round) => round.cpuUsPerPacket),
})

const linesOf = (measured: Measured): readonly string[] => {
  const { gbps, cpuSecondsPerGb, packetsPerSecond, cpuUsPerPacket } = summary(measured)
  const { name, tcp, datagrams, rssBefore, rssAfter } = measured
  return [
    name,
    `  TCP        ${gbps.toFixed(2).padStart(6)} Gb/s   ${twoOf(cpuSecondsPerGb)} CPU s/GB   ${tcp.reduce((sum, { retransmits }) => sum + retransmits, 0)} retransmissions`,
    ...(datagrams.length === 0 ? [] : [
      `  64 bytes   ${(packetsPerSecond / 1000).toFixed(0).padStart(6)} k packets/s   ${twoOf(cpuUsPerPacket)} µs CPU/packet   ${(median(datagrams.map(({ share }) => share)) * 100).toFixed(0)} % of those sent`,
    ]),
    `  memory     ${mib(rssBefore)} before, ${mib(rssAfter)} after`,
  ]
}

const sum = ([a, b]: Both): number => a + b

const ratiosOf = (measured: readonly Measured[]): readonly string[] => {
  const [on, off, ovs] = measured.map(summary)
  if (on === undefined || off === undefined || ovs === undefined) return []
  const times = (ours: number, theirs: number): string => (ours / theirs).toFixed(2)
  return [
    'as multiples of Open vSwitch',
    `  TCP        ${times(on.gbps, ovs.gbps)} with VM offloads, ${times(off.gbps, ovs.gbps)} without; CPU/GB ${times(sum(on.cpuSecondsPerGb), sum(ovs.cpuSecondsPerGb))} and ${times(sum(off.cpuSecondsPerGb), sum(ovs.cpuSecondsPerGb))}`,
    `  64 bytes   ${times(off.packetsPerSecond, ovs.packetsPerSecond)}; CPU/packet ${times(sum(off.cpuUsPerPacket), sum(ovs.cpuUsPerPacket))}`,
  ]
}

const linesOfSoak = (of: Soak): readonly string[] => {
  const { name, seconds, gbps, retransmits, cpuSecondsPerGb, eachSecondGbps, stalledSeconds, rssFirst, rssLast, flat } = of
  return [
    `${name}, ${seconds} s of TCP: ${gbps.toFixed(2)} Gb/s, ${twoOf(cpuSecondsPerGb)} CPU s/GB, ${retransmits} retransmissions`,
    `  slowest second ${Math.min(...eachSecondGbps).toFixed(2)} Gb/s: ${stalledSeconds === 0 ? 'no stall' : `${stalledSeconds} seconds STALLED`}`,
    `  memory ${mib(rssFirst)} in the first ${END} s, ${mib(rssLast)} in the last: ${flat ? 'flat' : 'it GREW'}`,
  ]
}

const measure = async (lab: Laboratory, dir: string): Promise<void> => {
  if (soak) {
    const result = await soaked(lab, dir)
    console.log(json ? JSON.stringify(result) : linesOfSoak(result).join('\n'))
    if (!result.flat || result.stalledSeconds > 0) process.exitCode = 1
    return
  }
  const measured = await rounds(lab, dir)
  console.log(json ? JSON.stringify({ seconds: SECONDS, pairs: measured.map((m) => ({ ...m, medians: summary(m) })) }) : measured.flatMap(linesOf).concat(ratiosOf(measured)).join('\n'))
}

const lab = new Laboratory()
const dir = mkdtempSync(join(tmpdir(), 'vfp-bench-'))
const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { resolve('interrupted') })
})
const measuring = measure(lab, dir)
try {
  if (await Promise.race([measuring, interrupted]) === 'interrupted') process.exitCode = 130
} finally {
  await lab.close()
  // What was being made when the signal came fails now, or is there now.
  await measuring.catch(() => undefined)
  await lab.close()
  rmSync(dir, { recursive: true, force: true })
}
