/**
 * The neighbours of an underlay: asked for when somebody sends to them, asked about while somebody goes on sending, and
 * forgotten when nobody does.
 *
 * One state machine serves ARP and neighbour discovery ({@link NeighbourState}); what differs is how a question looks, which is
 * {@link Asker}'s business. What moves it:
 * - a frame for an unknown neighbour: `incomplete`, and the first question at once;
 * - a tick, every `retransmitMs` while there are neighbours: the next question of `incomplete` and `probe`; `reachable` that is old
 *   becomes `stale`; `stale` that was used becomes `probe`. The first `tries` questions of a probe go to the MAC that is known, the
 *   next `tries` to everybody, while frames go on to the old one: so a host that came back with another MAC is found
 *   again. Then it has `failed`;
 * - an answer, or anything else in which a neighbour tells its MAC: `learn`.
 *
 * Only neighbours that somebody here sends to are in the table, so strangers cannot fill it; and only these are learnt of. It has
 * bounds: a full table lets go of who failed, or of the stale neighbour unused for longest, and otherwise takes no more.
 *
 * @see RFC 826; RFC 1122 §2.3.2; RFC 4861 §7.2, §7.3
 */
import { formatIp, formatMac, type IpAddress, type Mac, wire } from '@vfp-ts/core'
import type { Neighbour, NeighbourReport, NeighbourState, Waiting } from './neighbour.js'
import type { UnderlayConfig } from './underlay-options.js'

/** Bytes of frames that wait, for all neighbours together: long frames to many of them would otherwise take a gigabyte. */
const WAITING_BYTES = 4 << 20

/** What the table needs done. */
export interface Asker {
  /** Asks who has the neighbour's address: of everybody, or of the MAC that is known. */
  readonly ask: (neighbour: Neighbour, everybody: boolean) => void
  /** Frames that waited can go, in this order. */
  readonly release: (neighbour: Neighbour, frames: readonly Waiting[]) => void
  /** Frames that waited are lost. */
  readonly lose: (frames: number, reason: 'Unresolved' | 'WaitingOverflow') => void
  /** A neighbour is gone: nobody may remember it. */
  readonly forget: () => void
}

/** How a MAC was told. */
export interface Told {
  /** In answer to a question of ours: the way there and back works. */
  readonly solicited: boolean
  /** Whether it counts more than what is known; false for those who answer for others. */
  readonly override: boolean
}

/** The table. */
export class NeighbourTable {
  readonly #config: UnderlayConfig
  readonly #asker: Asker
  readonly #neighbours = new Map<string, Neighbour>()
  #cancelTick: (() => void) | undefined
  #waitingBytes = 0

  constructor(config: UnderlayConfig, asker: Asker) {
    this.#config = config
    this.#asker = asker
    for (const { ip, mac } of config.neighbours) {
      const neighbour = this.#add(ip, ip)
      wire.bytes.writeMac(neighbour.mac, 0, mac)
      this.#enter(neighbour, 'static')
    }
  }

  /** The neighbour of an address, new where it must be; `undefined` if there is no room for it. */
  reach(ip: IpAddress, source: IpAddress): Neighbour | undefined {
    const key = formatIp(ip)
    const known = this.#neighbours.get(key)
    if (known !== undefined) return known
    if (this.#neighbours.size >= this.#config.maxNeighbours && !this.#makeRoom()) return undefined
    const added = this.#add(ip, source)
    // Also one whose first frame cannot leave is asked for and, unless it answers, forgotten. It must not stay for nothing.
    this.#keepTicking()
    return added
  }

  /** Keeps a copy of a frame for a neighbour that is not resolved, and asks if nobody has yet; one that failed it is dropped for. */
  wait(neighbour: Neighbour, frame: Uint8Array, offload: number): void {
    neighbour.used = true
    if (neighbour.state === 'failed') {
      this.#asker.lose(1, 'Unresolved')
      return
    }
    // The oldest makes room, as RFC 4861 §7.2.2 has it: what came last is most likely still wanted.
    if (neighbour.waiting.length >= this.#config.maxWaiting) {
      this.#waitingBytes -= neighbour.waiting.shift()?.frame.length ?? 0
      this.#asker.lose(1, 'WaitingOverflow')
    }
    if (this.#waitingBytes + frame.length > WAITING_BYTES) this.#asker.lose(1, 'WaitingOverflow')
    else {
      neighbour.waiting.push({ frame: frame.slice(), offload })
      this.#waitingBytes += frame.length
    }
    if (neighbour.asked === 0) this.#ask(neighbour, true)
    this.#keepTicking()
  }

  /**
   * A neighbour told its MAC, `undefined` where an advertisement left it out. Of addresses that are not in the table nothing is
   * learnt.
   *
   * @see RFC 4861 §7.2.5
   */
  learn(ip: IpAddress, mac: Mac | undefined, { solicited, override }: Told): void {
    const neighbour = this.#neighbours.get(formatIp(ip))
    if (neighbour === undefined || neighbour.state === 'static') return
    const changed = mac !== undefined && !(neighbour.resolved && wire.bytes.readMac(neighbour.mac, 0) === mac)
    if (!neighbour.resolved && mac === undefined) return
    if (neighbour.resolved && changed && !override) {
      if (neighbour.state === 'reachable') this.#enter(neighbour, 'stale')
      return
    }
    if (mac !== undefined) wire.bytes.writeMac(neighbour.mac, 0, mac)
    if (solicited) this.#enter(neighbour, 'reachable')
    else if (changed) this.#enter(neighbour, 'stale')
    this.#release(neighbour)
  }

  /** The link was away: whatever is known may have changed, and what waits is asked for anew at the next tick. */
  doubt(): void {
    for (const neighbour of this.#neighbours.values()) if (neighbour.state === 'reachable') this.#enter(neighbour, 'stale')
    this.#keepTicking()
  }

  /** All neighbours, in the order in which they were first sent to. */
  report(): readonly NeighbourReport[] {
    const now = this.#config.timers.nowMs()
    return [...this.#neighbours.values()].map(({ ip, mac, resolved, state, waiting, sinceMs }) => ({
      ip: formatIp(ip), mac: resolved ? formatMac(wire.bytes.readMac(mac, 0)) : undefined, state, waiting: waiting.length, ageMs: Math.round(now - sinceMs),
    }))
  }

  /** Stops the ticks and lets go of all that waits. */
  close(): void {
    this.#cancelTick?.()
    this.#cancelTick = undefined
    for (const neighbour of this.#neighbours.values()) this.#lose(neighbour)
    this.#neighbours.clear()
    this.#asker.forget()
  }

  #add(ip: IpAddress, source: IpAddress): Neighbour {
    const now = this.#config.timers.nowMs()
    const neighbour: Neighbour = {
      ip, source, mac: new Uint8Array(6), resolved: false, state: 'incomplete', used: true, usedMs: now, sinceMs: now, asked: 0, waiting: [],
    }
    this.#neighbours.set(formatIp(ip), neighbour)
    return neighbour
  }

  #ask(neighbour: Neighbour, everybody: boolean): void {
    neighbour.asked++
    this.#asker.ask(neighbour, everybody)
  }

  #enter(neighbour: Neighbour, state: NeighbourState): void {
    neighbour.state = state
    neighbour.resolved = state !== 'incomplete' && state !== 'failed'
    neighbour.asked = 0
    neighbour.sinceMs = this.#config.timers.nowMs()
  }

  #release(neighbour: Neighbour): void {
    if (!neighbour.resolved || neighbour.waiting.length === 0) return
    this.#asker.release(neighbour, this.#waitingOf(neighbour))
  }

  #lose(neighbour: Neighbour): void {
    if (neighbour.waiting.length > 0) this.#asker.lose(this.#waitingOf(neighbour).length, 'Unresolved')
  }

  /** Takes out what waits. */
  #waitingOf(neighbour: Neighbour): readonly Waiting[] {
    const frames = neighbour.waiting
    neighbour.waiting = []
    for (const { frame } of frames) this.#waitingBytes -= frame.length
    return frames
  }

  #keepTicking(): void {
    if (this.#neighbours.size <= this.#config.neighbours.length || this.#cancelTick !== undefined) return
    this.#cancelTick = this.#config.timers.after(this.#config.retransmitMs, () => {
      this.#cancelTick = undefined
      const now = this.#config.timers.nowMs()
      for (const [key, neighbour] of this.#neighbours) if (!this.#survives(neighbour, now)) this.#remove(key, neighbour)
      this.#keepTicking()
    })
  }

  /** One tick of a neighbour; false where it is to be forgotten. */
  #survives(neighbour: Neighbour, now: number): boolean {
    const { tries, reachableMs, idleMs, failedMs } = this.#config
    if (neighbour.used) neighbour.usedMs = now
    const used = neighbour.used
    neighbour.used = false
    switch (neighbour.state) {
      case 'static':
        return true
      case 'incomplete':
        if (neighbour.asked < tries) this.#ask(neighbour, true)
        else this.#fail(neighbour)
        return true
      case 'reachable':
        if (now - neighbour.sinceMs < reachableMs) return true
        this.#enter(neighbour, 'stale')
        return true
      case 'stale':
        if (!used) return now - neighbour.usedMs < idleMs
        this.#enter(neighbour, 'probe')
        this.#ask(neighbour, false)
        return true
      case 'probe':
        if (neighbour.asked < 2 * tries) this.#ask(neighbour, neighbour.asked >= tries)
        else this.#fail(neighbour)
        return true
      case 'failed':
        return now - neighbour.sinceMs < failedMs
    }
  }

  #fail(neighbour: Neighbour): void {
    this.#lose(neighbour)
    this.#enter(neighbour, 'failed')
  }

  #remove(key: string, neighbour: Neighbour): void {
    this.#lose(neighbour)
    this.#neighbours.delete(key)
    this.#asker.forget()
  }

  #makeRoom(): boolean {
    let least: [string, Neighbour] | undefined
    for (const entry of this.#neighbours) {
      const [, { state, used, usedMs }] = entry
      if (state === 'failed') {
        least = entry
        break
      }
      if (state === 'stale' && !used && (least === undefined || usedMs < least[1].usedMs)) least = entry
    }
    if (least !== undefined) this.#remove(...least)
    return least !== undefined
  }
}
