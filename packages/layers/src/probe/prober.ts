/**
 * The prober: measures loss and round trips between the hosts of a tenant, in the manner of Pingmesh.
 *
 * It has no timers, randomness or network of its own: the caller calls `tick` at the time that the last call returned, `inject` takes the
 * probes, and answers come by the inbox. Each host runs one for its own VMs; their reports together are those of the mesh.
 *
 * Memory is bounded and allocated at once: for each pair, places for as many probes as can be sent before the first of them is given up,
 * and `samples` round trips. A probe that is answered after the timeout stays counted as lost; `late` counts such answers.
 *
 * @see VFP §10.2; Guo et al., Pingmesh, SIGCOMM 2015
 */
import { buildFrame, type Clock, type IpAddress, type Mac, parseIp, parseMac } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import type { ProbeInbox } from './inbox.js'
import { type PortRange, PROBE_PORT, PROBE_SOURCES } from './layer.js'
import { PROBE_LENGTH, ProbeKind, writeProbe } from './message.js'

/** One end of a pair: a VM. */
export interface ProbeEnd {
  /** Name by which reports show the VM; unique in a mesh. */
  readonly name: string
  /** IPv4 or IPv6 address of the VM. */
  readonly ip: string
  /** MAC of the VM, or, as a destination, of its gateway. */
  readonly mac: string
}

/** A path to be measured, in one direction; both ends have addresses of one IP version. */
export interface ProbePair {
  /** The VM at whose port probes are injected. */
  readonly from: ProbeEnd
  /** The VM whose port answers. */
  readonly to: ProbeEnd
}

/** Options of {@link openProber}. */
export interface ProberOptions {
  /** The paths to be measured, at least one. */
  readonly pairs: readonly ProbePair[]
  /** Monotonic clock: that of the switch, whose microseconds answers are timed by. */
  readonly clock: Clock
  /** Returns 32 random bits: for the nonce and the source ports. */
  readonly random: () => number
  /** Takes a probe to the port of `pair.from`, outbound, as if its VM had sent it. */
  readonly inject: (frame: Uint8Array, pair: ProbePair) => void
  /** The inbox that the probe layers of these ports give answers to. */
  readonly inbox: ProbeInbox
  /** Microseconds between two probes of a pair, from 1; 1,000,000 unless said. The first probes of the pairs are spread over that time. */
  readonly everyUs?: number
  /** Microseconds after which a probe counts as lost, from 1 to 256 times `everyUs`; 1,000,000 unless said. */
  readonly timeoutUs?: number
  /** Number of a pair's latest round trips that are kept, 1–1,000,000; 1024 unless said. */
  readonly samples?: number
  /** Bytes of a probe's payload, 40–9000; 40 unless said. */
  readonly sizeBytes?: number
  /** UDP port that probes are sent to, as in the probe layers; {@link PROBE_PORT} unless said. */
  readonly port?: number
  /** UDP ports that probes are sent from, one at random for each probe, as in the probe layers; {@link PROBE_SOURCES} unless said. */
  readonly sources?: PortRange
}

/** The reason why a prober was not opened. */
export interface BadProber {
  readonly _tag: 'BadProber'
  /** Where in the options the fault is, such as `/pairs/0/to/ip`. */
  readonly path: string
  /** What is wrong there, in words. */
  readonly reason: string
}

/** The counts of a pair since the prober was opened, and quantiles of its latest `samples` round trips, which are `undefined` as long as there are none. */
export interface PairReport {
  /** Name of the asking end. */
  readonly from: string
  /** Name of the answering end. */
  readonly to: string
  /** Probes sent: `answered`, `lost` and `waiting` together. */
  readonly sent: number
  /** Probes answered in time. */
  readonly answered: number
  /** Probes given up after the timeout. */
  readonly lost: number
  /** Probes neither answered nor given up yet. */
  readonly waiting: number
  /** Answers that came after their probe was given up, or a second time. */
  readonly late: number
  /** Percentage of lost probes among those that do not wait any more, 0–100. */
  readonly lossPercent: number
  /** Shortest round trip, microseconds. */
  readonly minUs: number | undefined
  /** Median round trip, microseconds. */
  readonly medianUs: number | undefined
  /** 99th percentile of round trips by nearest rank, microseconds. */
  readonly p99Us: number | undefined
}

/** An opened prober. */
export interface Prober {
  /** Sends the probes that are due and gives up those past the timeout. Returns the microseconds of the clock at which it is to be called again. */
  readonly tick: () => number
  /** Returns one report for each pair, in the order of `pairs`. */
  readonly report: () => readonly PairReport[]
  /** Stops taking answers. */
  readonly close: () => void
}

/** Returns the pairs from each VM to each other one; with `self`, only those from the VM of that name. */
export const fullMesh = (ends: readonly ProbeEnd[], self?: string): readonly ProbePair[] =>
  ends.filter((from) => self === undefined || from.name === self).flatMap((from) => ends.filter((to) => to !== from).map((to) => ({ from, to })))

/**
 * Opens a prober: it takes answers from now on, and the first probe is due at once.
 *
 * The caller calls `tick`, which sends probes by `inject`, each from a random port of `sources` so that probes of a pair are spread over the paths of
 * an underlay with ECMP. Memory is bounded by `timeoutUs / everyUs` and `samples` for each pair.
 *
 * Returns {@link BadProber} for options out of range, malformed addresses, ends of different IP versions, and a nonce that another prober of the inbox has.
 *
 * ```ts
 * import { clockFromMs, openSwitch, orThrow } from '@vfp-ts/core'
 * import { fullMesh, openProber, probe, probeInbox } from '@vfp-ts/layers'
 *
 * const clock = clockFromMs(() => performance.now())
 * const inbox = probeInbox()
 * const host = openSwitch({ clock })
 * const vm = orThrow(host.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.1.4'] }))
 * orThrow(orThrow(vm.addLayer(probe.layer, { order: 2 })).update(probe.policy({ inbox })))
 *
 * const ends = [{ name: 'vm-1', ip: '10.0.1.4', mac: '00:15:5d:00:00:01' }, { name: 'vm-2', ip: '10.0.1.5', mac: '00:15:5d:00:00:02' }]
 * const prober = orThrow(openProber({
 *   pairs: fullMesh(ends, 'vm-1'), clock, inbox, random: () => Math.floor(Math.random() * 2 ** 32), inject: (frame) => { host.fromVm('vm-1', frame) },
 * }))
 * prober.tick()
 * const [report] = prober.report()
 * console.log(report?.sent, report?.waiting)
 * ```
 *
 * ```text output
 * 1 1
 * ```
 *
 * @see VFP §10.2
 */
export const openProber = (options: ProberOptions): E.Either<BadProber, Prober> => {
  const settled = settle(options)
  if (E.isLeft(settled)) return settled
  const { everyUs, timeoutUs, samples, sizeBytes, port, sources } = settled.right
  const { clock, inject, inbox, pairs, random } = options
  const places = Math.ceil(timeoutUs / everyUs) + 1
  const startUs = clock.nowUs()
  const states = pairs.map((pair, i): PairState => ({
    pair, dueUs: startUs + Math.floor((everyUs * i) / pairs.length), sent: 0, answered: 0, lost: 0, late: 0, oldest: 0,
    sentUs: new Float64Array(places), isWaiting: new Uint8Array(places), roundTrips: new Float64Array(samples),
  }))
  const nonce: readonly [number, number] = [random() >>> 0, random() >>> 0]
  const stop = inbox.listen(nonce, (pair, sequence, _answeredUs, nowUs) => {
    const state = states[pair]
    if (state !== undefined) take(state, sequence, nowUs, timeoutUs)
  })
  if (stop === undefined) return bad('/random', 'another prober of the inbox has the same nonce')

  const send = (state: PairState, index: number, nowUs: number): void => {
    const payload = new Uint8Array(sizeBytes)
    writeProbe({ kind: ProbeKind.Ask, nonce, pair: index, sequence: state.sent >>> 0, sentUs: nowUs, answeredUs: 0 }, payload, 0)
    const { from, to } = state.pair
    const frame = buildFrame({
      proto: 'udp', srcIp: from.ip, dstIp: to.ip, srcMac: from.mac, dstMac: to.mac, dstPort: port,
      srcPort: sources.from + ((random() >>> 0) % (sources.to - sources.from + 1)), payload,
    })
    // Addresses were checked when the prober was opened.
    if (E.isLeft(frame)) return
    const place = state.sent % places
    state.sentUs[place] = nowUs
    state.isWaiting[place] = 1
    state.sent++
    inject(frame.right, state.pair)
  }

  return E.right({
    tick: () => {
      const nowUs = clock.nowUs()
      let nextUs = Number.POSITIVE_INFINITY
      for (const [i, state] of states.entries()) {
        giveUp(state, nowUs, timeoutUs)
        if (state.dueUs <= nowUs) {
          // A host that slept does not make up for it by a burst.
          state.dueUs += everyUs * (Math.floor((nowUs - state.dueUs) / everyUs) + 1)
          send(state, i, nowUs)
        }
        nextUs = Math.min(nextUs, state.dueUs, state.oldest < state.sent ? (state.sentUs[state.oldest % places] ?? nowUs) + timeoutUs : state.dueUs)
      }
      return nextUs
    },
    report: () => states.map(reportOf),
    close: stop,
  })
}

/** A pair at work. Probes from `oldest` on may be waiting; those before are settled. */
interface PairState {
  readonly pair: ProbePair
  dueUs: number
  sent: number
  answered: number
  lost: number
  late: number
  oldest: number
  /** By sequence number modulo their length. */
  readonly sentUs: Float64Array
  readonly isWaiting: Uint8Array
  /** The latest, by number of the answer modulo their length. */
  readonly roundTrips: Float64Array
}

const take = (state: PairState, sequence: number, nowUs: number, timeoutUs: number): void => {
  giveUp(state, nowUs, timeoutUs)
  const places = state.sentUs.length
  // Sequence numbers are 32 bits on the wire: of all that end so, the latest sent.
  const number = state.sent - 1 - ((state.sent - 1 - sequence) >>> 0)
  const place = number % places
  if (number < state.oldest || state.isWaiting[place] === 0) {
    state.late++
    return
  }
  state.isWaiting[place] = 0
  state.roundTrips[state.answered % state.roundTrips.length] = nowUs - (state.sentUs[place] ?? nowUs)
  state.answered++
  pass(state)
}

/** Counts probes as lost that have waited for the timeout. */
const giveUp = (state: PairState, nowUs: number, timeoutUs: number): void => {
  const places = state.sentUs.length
  while (state.oldest < state.sent) {
    const place = state.oldest % places
    if (state.isWaiting[place] === 1) {
      if (nowUs - (state.sentUs[place] ?? nowUs) < timeoutUs) return
      state.isWaiting[place] = 0
      state.lost++
    }
    state.oldest++
  }
}

/** Moves `oldest` past the probes that are settled. */
const pass = (state: PairState): void => {
  while (state.oldest < state.sent && state.isWaiting[state.oldest % state.isWaiting.length] === 0) state.oldest++
}

const reportOf = ({ pair, sent, answered, lost, late, roundTrips }: PairState): PairReport => {
  const sorted = roundTrips.slice(0, Math.min(answered, roundTrips.length)).sort()
  /** By nearest rank. */
  const quantile = (part: number): number | undefined => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]
  return {
    from: pair.from.name, to: pair.to.name, sent, answered, lost, waiting: sent - answered - lost, late,
    lossPercent: answered + lost === 0 ? 0 : (100 * lost) / (answered + lost),
    minUs: sorted[0], medianUs: quantile(0.5), p99Us: quantile(0.99),
  }
}

type Settled = Required<Pick<ProberOptions, 'everyUs' | 'timeoutUs' | 'samples' | 'sizeBytes' | 'port' | 'sources'>>

const bad = (path: string, reason: string): E.Either<BadProber, never> => E.left({ _tag: 'BadProber', path, reason })

/** Places for probes on their way that a pair may have. */
const MOST_WAITING = 256

const settle = (options: ProberOptions): E.Either<BadProber, Settled> => {
  const { everyUs = 1_000_000, timeoutUs = 1_000_000, samples = 1024, sizeBytes = PROBE_LENGTH, port = PROBE_PORT, sources = PROBE_SOURCES } = options
  const whole = { everyUs: [everyUs, 1, Number.MAX_SAFE_INTEGER], timeoutUs: [timeoutUs, 1, MOST_WAITING * everyUs], samples: [samples, 1, 1_000_000], sizeBytes: [sizeBytes, PROBE_LENGTH, 9000] } as const
  for (const [name, [value, least, most]] of Object.entries(whole)) {
    if (!(Number.isInteger(value) && value >= least && value <= most)) return bad(`/${name}`, `a whole number from ${least} to ${most}, not ${value}`)
  }
  if (!(isPort(port) && isPort(sources.from) && isPort(sources.to) && sources.from <= sources.to)) return bad('/sources', 'ports are whole numbers from 1 to 65535, in ascending order')
  if (options.pairs.length === 0) return bad('/pairs', 'a prober needs at least one pair')
  for (const [i, { from, to }] of options.pairs.entries()) {
    const [a, b] = [addressOf(from, `/pairs/${i}/from`), addressOf(to, `/pairs/${i}/to`)]
    if (E.isLeft(a)) return a
    if (E.isLeft(b)) return b
    if (a.right.ip.version !== b.right.ip.version) return bad(`/pairs/${i}`, 'both ends have addresses of one IP version')
  }
  return E.right({ everyUs, timeoutUs, samples, sizeBytes, port, sources })
}

const isPort = (n: number): boolean => Number.isInteger(n) && n >= 1 && n <= 0xffff

const addressOf = (end: ProbeEnd, path: string): E.Either<BadProber, { readonly ip: IpAddress; readonly mac: Mac }> => {
  const ip = parseIp(end.ip)
  if (E.isLeft(ip)) return bad(`${path}/ip`, ip.left.reason)
  const mac = parseMac(end.mac)
  return E.isLeft(mac) ? bad(`${path}/mac`, mac.left.reason) : E.right({ ip: ip.right, mac: mac.right })
}
