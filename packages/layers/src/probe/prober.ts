/**
 * The prober: who measures the ways between the hosts of a tenant, in the manner of Pingmesh.
 *
 * It is a machine without time, randomness and network of its own: `tick` is called whenever it said something is due, sends what is
 * due by `inject`, and gives up what nobody answered. Answers come by its inbox. Every host runs one for its own VMs; what they
 * report together is the mesh.
 *
 * Each probe has another source port, so that probes of a pair are spread over the ways of an underlay with ECMP.
 *
 * Memory is bounded and taken at once: a pair has as many places for probes on their way as can be on their way before the first of
 * them is given up, and so many round trips to be sorted for its median. What comes later than the timeout was counted as lost
 * and stays so; `late` tells how many.
 *
 * @see VFP §10.2; Guo et al., Pingmesh, SIGCOMM 2015
 */
import { buildFrame, type Clock, type IpAddress, type Mac, parseIp, parseMac } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import type { ProbeInbox } from './inbox.js'
import { type PortRange, PROBE_PORT, PROBE_SOURCES } from './layer.js'
import { PROBE_LENGTH, ProbeKind, writeProbe } from './message.js'

/** A VM that probes are sent between. */
export interface ProbeEnd {
  readonly name: string
  readonly ip: string
  readonly mac: string
}

/** A way to be measured. */
export interface ProbePair {
  /** Whose port probes are injected at. */
  readonly from: ProbeEnd
  /** Whose port answers; its MAC may be that of a gateway. */
  readonly to: ProbeEnd
}

/** What a prober needs. */
export interface ProberOptions {
  /** At least one. */
  readonly pairs: readonly ProbePair[]
  readonly clock: Clock
  /** 32 random bits. */
  readonly random: () => number
  /** Takes a probe to the port of `pair.from`, outbound, as if its VM had sent it. */
  readonly inject: (frame: Uint8Array, pair: ProbePair) => void
  /** That of the probe layers of these ports. */
  readonly inbox: ProbeInbox
  /** Microseconds between two probes of a pair; 1,000,000 unless said. Pairs are spread over it. */
  readonly everyUs?: number
  /** Microseconds after which a probe counts as lost, 1,000,000 unless said; at most 256 times `everyUs`. */
  readonly timeoutUs?: number
  /** Round trips of a pair that are kept, the latest; 1,024 unless said. */
  readonly samples?: number
  /** Bytes of a probe's payload, 40–9000; 40 unless said. */
  readonly sizeBytes?: number
  /** As in the probe layers. */
  readonly port?: number
  /** As in the probe layers. */
  readonly sources?: PortRange
}

/** Why a prober could not be opened. */
export interface BadProber {
  readonly _tag: 'BadProber'
  readonly path: string
  readonly reason: string
}

/** What is known of a way. Of round trips that of the latest kept; `undefined` as long as there are none. */
export interface PairReport {
  readonly from: string
  readonly to: string
  /** Probes sent: answered, lost, or waiting. */
  readonly sent: number
  readonly answered: number
  readonly lost: number
  readonly waiting: number
  /** Answers that came after their probe was given up, or a second time. */
  readonly late: number
  /** Of those no longer waiting, 0–100. */
  readonly lossPercent: number
  readonly minUs: number | undefined
  readonly medianUs: number | undefined
  readonly p99Us: number | undefined
}

/** A prober at work. */
export interface Prober {
  /** Sends and gives up what is due; monotonic microseconds when something will be due next. */
  readonly tick: () => number
  /** One report a pair, in their order. */
  readonly report: () => readonly PairReport[]
  /** Takes no answers any more. */
  readonly close: () => void
}

/** Every VM of a mesh to every other; with `self`, the part of it that one host sends. */
export const fullMesh = (ends: readonly ProbeEnd[], self?: string): readonly ProbePair[] =>
  ends.filter((from) => self === undefined || from.name === self).flatMap((from) => ends.filter((to) => to !== from).map((to) => ({ from, to })))

/** Opens a prober: answers are taken from now on, and the first probe is due. */
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

/** Counts probes as lost that have waited long enough. */
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

/** Goes over what is settled at the front. */
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
