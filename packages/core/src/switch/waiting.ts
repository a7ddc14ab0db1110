/**
 * The waiting packets of a port, as its switch sees them: keys are asked for, answers noticed, packets sent on their way.
 *
 * The datapath says that a packet waits and keeps it; here is what needs the world outside: the resources are asked, the
 * embedding program told, and when answers have come each packet re-enters the port it waits in, as a fresh walk on the policy
 * of then, its flow's packets one after the other. All of it happens between packets, see `turn.ts`.
 */
import type { Clock } from '../clock.js'
import type { Datapath } from '../datapath/datapath.js'
import type { WaitingFlow, WaitingFrame } from '../datapath/waiting-room.js'
import type { BuiltInDropReason } from '../drop-reason.js'
import type { Miss } from '../pipeline/miss.js'
import type { PortIdentity } from '../policy/flow-context.js'
import type { AnyResource } from '../policy/resource.js'
import type { Environment } from './environment.js'
import type { Served, Turn } from './turn.js'

/** What serving needs of the port. */
export interface WaitingSurroundings<J> {
  readonly port: PortIdentity
  readonly datapath: Datapath<J>
  readonly clock: Clock
  readonly environment: Environment
  readonly turn: Turn
  /** Takes a packet through the port again and on from there; `false` if it was put back and waits for another key. */
  readonly resume: (frame: WaitingFrame<J>) => boolean
}

/** Serves the waiting packets of one port. */
export class Waiting<J> implements Served {
  readonly #around: WaitingSurroundings<J>
  /** Resources with keys in question that call when answers have come, and how to end that. */
  readonly #watched = new Map<AnyResource, () => void>()
  /** Times that a key was asked for. */
  asked = 0

  constructor(around: WaitingSurroundings<J>) {
    this.#around = around
  }

  /** Asks for keys, lets go who waited too long, and sends on who has an answer. */
  readonly serve = (): void => {
    const { clock, datapath: { pending } } = this.#around
    pending.expire(clock.nowUs())
    this.#ask()
    for (const key of pending.keys.answered()) {
      for (const flow of [...key.flows]) this.#drain(flow)
      if (key.flows.size === 0) pending.keys.remove(key)
    }
    this.#unwatch()
    // Those that were sent on may have missed other keys.
    if (pending.keys.hasNews) this.#around.turn.ask(this)
  }

  /** Drops whoever waits, and asks for nothing any more. */
  clear(reason: BuiltInDropReason): void {
    const { pending } = this.#around.datapath
    pending.room.clear(reason)
    pending.keys.clear()
    this.#unwatch()
  }

  #ask(): void {
    const { environment, datapath: { pending: { keys } } } = this.#around
    for (let key = keys.nextToAsk(); key !== undefined; key = keys.nextToAsk()) {
      const { miss } = key
      this.asked++
      this.#watch(miss)
      miss.request()
      environment.onMiss?.({
        port: this.#around.port, layer: miss.layer, direction: miss.direction, resource: miss.resource.name, key: miss.key, keyText: miss.keyText,
        waiting: key.frames,
      })
    }
  }

  #watch({ resource }: Miss): void {
    if (resource.watch === undefined || this.#watched.has(resource)) return
    this.#watched.set(resource, resource.watch(() => { this.#around.turn.ask(this) }))
  }

  #unwatch(): void {
    for (const [resource, end] of this.#watched) {
      if (this.#around.datapath.pending.keys.concerns(resource)) continue
      this.#watched.delete(resource)
      end()
    }
  }

  /** Sends a flow's packets on, until none is left or one of them has to wait again. */
  #drain(flow: WaitingFlow<J>): void {
    const { datapath: { pending: { room } }, resume } = this.#around
    for (let frame = room.take(flow); frame !== undefined; frame = room.take(flow)) {
      let goesOn = false
      let whole = false
      try {
        goesOn = resume(frame)
        whole = true
      } finally {
        // Somebody's code threw: the packet is lost with it, but those behind it are not.
        if (!whole) room.abandon(frame)
      }
      if (!goesOn) return
    }
  }
}
