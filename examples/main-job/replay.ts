/**
 * The way of one frame: out of the sender's port, over the wire, in through the receiver's.
 *
 * A frame lies in one buffer with room in front of it, and the ports rewrite it there: what the sender's port pushed
 * around it is what the receiver's port takes off. A frame whose sender is no VM comes in plain from the network, and
 * one whose receiver is none leaves to it.
 */
import type { Batch, Direction, Explanation, ManualClock } from '@vfp-ts/core'
import { type CapturePacket, LinkType } from '@vfp-ts/adapters/pcap'
import { type AddressKey, FrameFacts } from './frame-facts.js'
import type { Host, Hosts } from './hosts.js'
import { Stopwatch } from './path-times.js'

/** Where a frame ended; every frame of a capture has one of these. */
export const FATES = ['delivered', 'leftToOutside', 'dropped', 'malformed', 'nobodys', 'notEthernet'] as const
/** Where a frame ended. */
export type Fate = (typeof FATES)[number]

/** One passage through one port, for `--explain`. */
export interface Passage {
  readonly host: Host
  readonly direction: Direction
  readonly explanation: Explanation
  /** How the packet itself was decided. */
  readonly path: 'fast' | 'slow'
  /** The drop's reason, or the empty string if it passed. */
  readonly dropped: string
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** Drops of one reason at one place. */
export interface DropTally {
  readonly reason: string
  readonly host: Host
  readonly direction: Direction
  /** Number of the first frame it befell, from 1. */
  readonly firstFrame: number
  /** The layer and what in it decided, where a walk told. */
  readonly by: string
  count: number
}

/** Who else sees frames go by. The bytes are valid until the call returns; `packet` is the frame as it was recorded. */
export interface Taps {
  /** A frame on the wire, at the interface of `host`: of the sender's, or of the receiver's if it comes from outside. */
  readonly wire?: (host: Host, direction: Direction, bytes: Uint8Array, packet: CapturePacket) => Promise<void>
  /** A frame that is delivered to the VM of `host`. */
  readonly vm?: (host: Host, bytes: Uint8Array, packet: CapturePacket) => void
}

const HEADROOM = 256
const EXPIRE_EVERY_US = 5_000_000
const NOWHERE = (): void => undefined

/** Replays frames and keeps count. */
export class Replay {
  readonly fates: Record<Fate, number> = { delivered: 0, leftToOutside: 0, dropped: 0, malformed: 0, nobodys: 0, notEthernet: 0 }
  /** Frames that a port saw, by what in them is not understood. */
  readonly strange = new Map<string, number>()
  /** Frames that no port saw, by the reason. */
  readonly unseen = new Map<string, number>()
  readonly drops = new Map<string, DropTally>()
  readonly fast = new Stopwatch()
  readonly slow = new Stopwatch()
  /** Tunnels on the wire, by the underlay address they went to. */
  readonly tunnels = new Map<AddressKey, { frames: number; bytes: number }>()
  /** Unified flows forgotten for idleness. */
  expired = 0
  frames = 0
  /** The last frame's passages, if it was to be explained. */
  passages: Passage[] = []
  /** What was strange about the last frame, by name, or null. */
  lastStrange: string | null = null

  readonly #hosts: Hosts
  readonly #clock: ManualClock
  readonly #taps: Taps
  readonly #facts = new FrameFacts()
  readonly #onWire = new FrameFacts()
  readonly #batch: Batch
  readonly #fastSoFar: Uint32Array
  #firstNs: bigint | undefined
  #expireAtUs = EXPIRE_EVERY_US
  #explaining = false

  constructor(hosts: Hosts, clock: ManualClock, longestFrame: number, taps: Taps = {}) {
    this.#hosts = hosts
    this.#clock = clock
    this.#taps = taps
    this.#fastSoFar = new Uint32Array(hosts.all.length)
    this.#batch = {
      bytes: new Uint8Array(HEADROOM + longestFrame), start: new Uint32Array(1), length: new Uint32Array(1),
      verdict: new Uint8Array(1), reason: new Uint16Array(1), count: 1,
    }
  }

  /** Whether the last frame was a fragment without its transport header. */
  get lastIsLaterFragment(): boolean {
    return this.#facts.laterFragment
  }

  /** Takes one frame all the way. */
  async frame(packet: CapturePacket, explain = false): Promise<Fate> {
    this.frames++
    this.#explaining = explain
    this.passages = []
    this.lastStrange = null
    this.#tick(packet.timestampNs)
    const fate = await this.#way(packet)
    this.fates[fate]++
    return fate
  }

  async #way(packet: CapturePacket): Promise<Fate> {
    if (packet.linkType !== LinkType.Ethernet) return this.#odd('notEthernet', `link type ${linkName(packet.linkType)}`)
    const { data } = packet
    const facts = this.#facts
    facts.read(data, 0, data.length)
    if (facts.malformed !== '') {
      const cut = data.length < packet.originalLength ? ', cut short by the recorder' : ''
      return this.#odd('malformed', `${facts.malformed}${cut}`)
    }
    const { start, length, bytes } = this.#batch
    bytes.set(data, HEADROOM)
    start[0] = HEADROOM
    length[0] = data.length

    const sender = this.#senderOf(facts)
    if (sender === undefined) {
      const receiver = this.#hostOf(facts.dst)
      if (receiver === undefined) return this.#odd('nobodys', facts.src === undefined ? 'of no VM: not IP' : 'of no VM: between others')
      this.#noteOpaque()
      await this.#taps.wire?.(receiver, 'inbound', data, packet)
      return this.#arrive(receiver, packet)
    }
    this.#noteOpaque()
    if (!this.#through(sender, 'outbound')) return 'dropped'
    await this.#taps.wire?.(sender, 'outbound', this.#frame(), packet)
    const receiver = this.#atOtherEnd()
    return receiver === undefined ? 'leftToOutside' : this.#arrive(receiver, packet)
  }

  #arrive(receiver: Host, packet: CapturePacket): Fate {
    if (!this.#through(receiver, 'inbound')) return 'dropped'
    this.#taps.vm?.(receiver, this.#frame(), packet)
    return 'delivered'
  }

  /** The VM that sent a frame: by its address, and where an address is nobody's own (link-local, none), by its MAC. */
  #senderOf(facts: FrameFacts): Host | undefined {
    const byAddress = this.#hostOf(facts.src)
    return byAddress !== undefined || facts.srcIsHost ? byAddress : this.#hosts.byMac.get(facts.srcMac)
  }

  /** Who takes the frame from the wire: the host a tunnel ends at, or the VM a plain frame is for. */
  #atOtherEnd(): Host | undefined {
    const { bytes, start, length } = this.#batch
    const from = start[0] ?? 0
    this.#onWire.read(bytes, from, from + (length[0] ?? 0))
    const { dst } = this.#onWire
    if (dst === undefined) return undefined
    const host = this.#hosts.byUnderlay.get(dst)
    if (host === undefined) return this.#hosts.byAddress.get(dst)
    const tally = this.tunnels.get(dst)
    if (tally === undefined) this.tunnels.set(dst, { frames: 1, bytes: length[0] ?? 0 })
    else {
      tally.frames++
      tally.bytes += length[0] ?? 0
    }
    return host
  }

  #hostOf(key: AddressKey | undefined): Host | undefined {
    return key === undefined ? undefined : this.#hosts.byAddress.get(key)
  }

  /** Takes the frame in the buffer through a port; whether it passed. */
  #through(host: Host, direction: Direction): boolean {
    const { port } = host
    const batch = this.#batch
    const bytesBefore = batch.length[0] ?? 0
    const explanation = this.#explaining ? port.explain(direction, this.#frame().slice()) : undefined
    const before = process.hrtime.bigint()
    port.processBatch(direction, batch, NOWHERE)
    const ns = Number(process.hrtime.bigint() - before)
    const { fast } = port.counters()
    const wasFast = fast !== this.#fastSoFar[host.index]
    this.#fastSoFar[host.index] = fast
    ;(wasFast ? this.fast : this.slow).add(ns)
    const passed = batch.verdict[0] === 0
    const dropped = passed ? '' : port.reasonName(batch.reason[0] ?? 0)
    if (explanation !== undefined) {
      const path = wasFast ? 'fast' : 'slow'
      this.passages.push({ host, direction, explanation, path, dropped, bytesBefore, bytesAfter: passed ? batch.length[0] ?? 0 : 0 })
    }
    if (!passed) this.#countDrop(host, direction, dropped)
    return passed
  }

  #countDrop(host: Host, direction: Direction, reason: string): void {
    const key = `${reason} ${direction} ${host.index}`
    const known = this.drops.get(key)
    if (known !== undefined) {
      known.count++
      return
    }
    // A dropped frame is left as it was, so it can be asked afterwards who dropped it.
    const { layers, verdict } = host.port.explain(direction, this.#frame().slice())
    const layer = layers.at(-1)
    const by = layer === undefined || verdict !== `drop ${reason}` ? '' : `layer ${layer.layer}, ${layer.decidedBy}`
    this.drops.set(key, { reason, host, direction, firstFrame: this.frames, by, count: 1 })
  }

  #frame(): Uint8Array {
    const { bytes, start, length } = this.#batch
    const from = start[0] ?? 0
    return bytes.subarray(from, from + (length[0] ?? 0))
  }

  #odd(fate: Fate, why: string): Fate {
    this.#note(this.unseen, why)
    return fate
  }

  #noteOpaque(): void {
    if (this.#facts.opaque !== '') this.#note(this.strange, this.#facts.opaque)
  }

  #note(tally: Map<string, number>, name: string): void {
    this.lastStrange = name
    tally.set(name, (tally.get(name) ?? 0) + 1)
  }

  /** The capture's time is the clock: a connection idles out as it would have on that day. */
  #tick(timestampNs: bigint): void {
    this.#firstNs ??= timestampNs
    this.#clock.moveToUs(Number((timestampNs - this.#firstNs) / 1000n))
    const now = this.#clock.nowUs()
    if (now < this.#expireAtUs) return
    this.#expireAtUs = now + EXPIRE_EVERY_US
    for (const { port } of this.#hosts.all) this.expired += port.expire()
  }
}

const linkName = (linkType: number): string => {
  const known = Object.entries(LinkType).find(([, number]) => number === linkType)
  return known === undefined ? String(linkType) : `${linkType} (${known[0]})`
}
