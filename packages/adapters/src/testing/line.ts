/**
 * A NIC under trial and its peer, started and watched.
 *
 * Whatever a case is about, the line sees to the rules that hold always: the receiver is called from the event loop only, never twice
 * at a time, never after `close`; frames of a batch ascend and have their headroom; what arrives is what was sent, in order,
 * once. A receiver may not throw into a NIC, so a breach is kept, and thrown by the next wait and at the end of the case.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import { FRAME_HEADROOM, type FrameBatch } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD, type LinkState, type Nic, type Receiver, SendCode } from '../nic/nic.js'
import { type NicError, renderNicError } from '../nic/nic-error.js'
import type { ComplianceBench, ComplianceCase, ComplianceOpened, RawPeer } from './bench.js'
import { nicAsPeer } from './nic-peer.js'
import { expected } from './expected.js'
import { HEADER_BYTES, isIntact, sequenceAt, SEQUENCES, type Way, writeTestFrame } from './test-frames.js'

/** What arrived at one end. */
export interface Arrivals {
  /** Frames of ours. */
  count: number
  /** Number of the latest; −1 before the first. */
  last: number
}

/** A NIC and its peer during a case. */
export interface Line {
  readonly bench: ComplianceBench
  readonly opened: ComplianceOpened
  readonly nic: Nic
  readonly atNic: Arrivals
  readonly atPeer: Arrivals
  /** What the receiver was told besides frames. `delivered`, `deliveredBytes`: of all frames, ours and others. */
  readonly told: { drained: number; readonly links: LinkState[]; readonly failures: NicError[]; delivered: number; deliveredBytes: number }
  /** Numbers given so far to frames of each way. */
  readonly numbered: { out: number; in: number }
  /** Longest frame of ours that fits the NIC's MTU, and the shortest that the medium carries. */
  readonly longest: number
  readonly shortest: number
  /** Gives one frame of `length` bytes to the NIC, counting the call. */
  readonly send: (length: number, offload?: number) => SendCode
  /** Gives these bytes to the NIC, counting the call. */
  readonly give: (bytes: Uint8Array, offload?: number) => SendCode
  /** Frames given to the NIC, those it took, and their bytes. */
  readonly given: { calls: number; taken: number; takenBytes: number }
  readonly flush: () => void
  /** Starts the NIC; throws if it refuses. */
  readonly start: () => void
  /** Puts one frame on the medium at the other end. */
  readonly sendFromPeer: (length: number) => void | Promise<void>
  /** Replaces the peer by one that came instead of it. */
  readonly attach: (peer: ComplianceOpened['peer']) => Promise<void>
  /** Whether contents are compared, `true` at first; costs most of a long run. */
  checkContent: boolean
  /** Called for each batch, after it was checked. */
  onBatch: ((batch: FrameBatch) => void) | undefined
  /** The NIC's `close`, after which it may not call its receiver. */
  readonly close: () => Promise<void>
  /** Waits until the condition holds; rejects when it takes too long or a rule was broken. `what` completes "expected …". */
  readonly until: (condition: () => boolean, what: () => string) => Promise<void>
  /** Rejects if a rule was broken. */
  readonly check: () => void
}

/** Opens a pair, starts both ends, waits for their links, runs the case, and puts everything away. */
export const onLine = (body: (line: Line) => Promise<void>): ComplianceCase['run'] =>
  onStoppedLine(async (line) => {
    line.start()
    await line.until(() => line.nic.link() === 'up', () => "the NIC's link to come up")
    await body(line)
  })

/** The same, but the case starts the NIC, if at all; the peer is started. */
export const onStoppedLine = (body: (line: Line) => Promise<void>): ComplianceCase['run'] => async (bench: ComplianceBench): Promise<void> => {
  const opened = await bench.open()
  const line = makeLine(bench, opened)
  let failure: Error | undefined
  try {
    await line.attach(opened.peer)
    await body(line)
    line.check()
  } catch (thrown) {
    failure = asError(thrown)
  }
  try {
    await withDeadline(line.close(), bench, 'close of the NIC')
    for (const peer of line.peers) if (peer.close !== undefined) await withDeadline(Promise.resolve(peer.close()), bench, 'close of the peer')
    await opened.release?.()
    line.check()
  } catch (thrown) {
    failure ??= asError(thrown)
  }
  if (failure !== undefined) throw failure
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(`a case threw ${JSON.stringify(thrown)}`))

/** Rejects if the promise takes longer than the bench allows. */
export const withDeadline = async <A>(promise: Promise<A>, bench: ComplianceBench, what: string): Promise<A> => {
  const abort = new AbortController()
  const ms = bench.deadlineMs ?? DEADLINE_MS
  const late = sleep(ms, undefined, { signal: abort.signal }).then(() => Promise.reject(expected(`${what} within ${ms} ms`, 'nothing')))
  late.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    abort.abort()
  }
}

interface OpenLine extends Line {
  readonly peers: readonly RawPeer[]
}

const makeLine = (bench: ComplianceBench, opened: ComplianceOpened): OpenLine => {
  const { nic } = opened
  const { wrapping } = bench
  const now = bench.now ?? ((): number => performance.now())
  const ordered = bench.reordersNothing ?? true
  const overhead = wrapping?.overheadBytes ?? 0
  // One for each way: a peer may hold its frame until its promise is kept, while the NIC is given others.
  const scratch = { out: new Uint8Array(LONGEST_BYTES), in: new Uint8Array(LONGEST_BYTES) }
  const atNic = { count: 0, last: -1 }
  const atPeer = { count: 0, last: -1 }
  const seen = ordered ? undefined : { out: new Uint8Array(SEQUENCES / 8), in: new Uint8Array(SEQUENCES / 8) }
  const peers: RawPeer[] = []
  let peer: RawPeer | undefined
  let breach: string | undefined
  let inside: string | undefined
  let delivering = false
  let closing: Promise<void> | undefined

  const broken = (what: string): void => {
    breach ??= what
  }
  const called = (what: string): void => {
    if (inside !== undefined) broken(`receiver.${what} was called from within nic.${inside}`)
    if (closing !== undefined) broken(`receiver.${what} was called after close`)
  }
  const within = <A>(what: string, act: () => A): A => {
    inside = what
    try {
      return act()
    } finally {
      inside = undefined
    }
  }

  const arrived = (way: Way, to: Arrivals, bytes: Uint8Array, start: number, end: number): void => {
    const at = wrapping === undefined ? start : wrapping.innerStart(bytes, start, end)
    if (at < 0) return
    const sequence = sequenceAt(bytes, at, end, way)
    if (sequence === -1) return
    if (sequence === -2 || sequence >= line.numbered[way]) {
      broken(sequence === -2 ? 'a frame came back to the end that sent it' : `frame ${sequence} (${way}) came, which was not sent`)
      return
    }
    if (seen !== undefined) {
      const bit = 1 << (sequence & 7)
      if ((seen[way][sequence >> 3]! & bit) !== 0) broken(`frame ${sequence} (${way}) came twice`)
      seen[way][sequence >> 3]! |= bit
    } else if (sequence <= to.last) {
      broken(`frame ${sequence} (${way}) came after frame ${to.last}`)
    }
    to.last = sequence
    to.count++
    if (line.checkContent && !isIntact(bytes, at, end, sequence)) broken(`frame ${sequence} (${way}) of ${end - at} bytes came altered`)
  }

  const receiver: Receiver = {
    frames: (batch) => {
      called('frames')
      if (delivering) broken('receiver.frames was called while it ran')
      delivering = true
      let before = 0
      for (let i = 0; i < batch.count; i++) {
        const start = batch.start[i]!
        const end = start + batch.length[i]!
        if (start - before < FRAME_HEADROOM) broken(`frame ${i} of ${batch.count} has ${start - before} bytes of headroom, not ${FRAME_HEADROOM}`)
        if (end > batch.bytes.length) broken(`frame ${i} of ${batch.count} ends behind its buffer`)
        before = end
        line.told.delivered++
        line.told.deliveredBytes += end - start
        arrived('in', atNic, batch.bytes, start, end)
      }
      line.onBatch?.(batch)
      delivering = false
    },
    drained: () => {
      called('drained')
      line.told.drained++
    },
    link: (state) => {
      called('link')
      line.told.links.push(state)
    },
    failed: (error) => {
      called('failed')
      line.told.failures.push(error)
    },
  }

  const prepare = (way: Way, length: number): Uint8Array => {
    writeTestFrame(scratch[way], length, way, line.numbered[way])
    const frame = scratch[way].subarray(0, length)
    line.numbered[way] = (line.numbered[way] + 1) % SEQUENCES
    return wrapping === undefined ? frame : wrapping.wrap(frame)
  }

  const check = (): void => {
    if (breach !== undefined) throw new Error(breach)
  }

  const until = async (condition: () => boolean, what: () => string): Promise<void> => {
    const deadlineMs = bench.deadlineMs ?? DEADLINE_MS
    const end = now() + deadlineMs
    for (let turns = 0; ; turns++) {
      check()
      if (condition()) return
      if (now() > end) throw expected(`${what()} within ${deadlineMs} ms`, describe())
      await (turns < SPINS ? turn() : sleep(1))
    }
  }
  const describe = (): string =>
    `${line.given.taken} of ${line.given.calls} frames taken by send, ${atPeer.count} at the peer, ${atNic.count} at the NIC; link ${nic.link()}, ${line.told.failures.map(renderNicError).join('; ') || 'no failure'}`

  const line: OpenLine = {
    bench,
    opened,
    nic,
    atNic,
    atPeer,
    told: { drained: 0, links: [], failures: [], delivered: 0, deliveredBytes: 0 },
    numbered: { out: 0, in: 0 },
    get longest() {
      return nic.mtu() + HEADER_BYTES - overhead
    },
    shortest: Math.max(HEADER_BYTES, (bench.minimumBytes ?? 0) - overhead),
    given: { calls: 0, taken: 0, takenBytes: 0 },
    send: (length, offload = 0) => line.give(prepare('out', length), offload),
    give: (frame, offload = 0) => {
      const code = within('send', () => nic.send(frame, 0, frame.length, offload))
      line.given.calls++
      if (code === SendCode.Ok) {
        line.given.taken++
        line.given.takenBytes += frame.length
      }
      return code
    },
    flush: () => within('flush', nic.flush),
    sendFromPeer: (length) => peer?.send(prepare('in', length)),
    attach: async (next) => {
      peer = 'start' in next ? nicAsPeer(next, until) : next
      peers.push(peer)
      await peer.receive((bytes, start, end) => arrived('out', atPeer, bytes, start, end))
    },
    checkContent: true,
    onBatch: undefined,
    start: () => {
      const started = within('start', () => nic.start(receiver))
      if (E.isLeft(started)) throw expected('start to succeed', renderNicError(started.left))
    },
    close: () => (closing ??= closeOf(nic)),
    peers,
    until,
    check,
  }
  return line
}

/** The closing flag has to be set while `close` runs, so the promise is made around the call. */
const closeOf = async (nic: Nic): Promise<void> => {
  await Promise.resolve()
  await nic.close()
}

/** Milliseconds that anything may take unless the bench says otherwise. */
const DEADLINE_MS = 10_000

/** The longest network packet, its Ethernet header and tags, and one byte too many. */
const LONGEST_BYTES = 0xffff + FRAME_OVERHEAD + 1

/** Waits that are served by the event loop itself, before the suite leaves it time to sleep. */
const SPINS = 64
