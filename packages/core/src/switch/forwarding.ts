/**
 * Forwarding: where a frame goes that left a port, or that the physical network sent.
 *
 * A frame is taken through ports in the buffer it lies in, one port after the other: nobody else has it. Copies are made where
 * several get it, for each port of a flood, and of what a port made beside the frame in hand (a mirrored copy, a packet that
 * waited, an answer).
 *
 * Only hairpins, answers and mirrors to the network let a port's policy send on what it was sent, so only they can make a frame go
 * round or multiply. Two bounds hold them, see {@link MAX_HAIRPINS} and {@link MAX_DELIVERIES}.
 *
 * What is in hand (the port, how often it was delivered, what it may still cause) lies in fields, saved and put back around
 * each delivery, so that one sink serves all frames and a batch allocates nothing.
 *
 * @see VFP §4.1, §7.1, §7.2
 */
import { Outcome } from '../datapath/outcome.js'
import type { BuiltInDropReason } from '../drop-reason.js'
import type { Direction } from '../flow/flow-id.js'
import type { Bridge } from './bridge.js'
import type { Environment } from './environment.js'
import { MAX_GROUPS } from '../wire/frame-view.js'
import { type Batch, type FrameOutcome, type Output, PASSED, requireLengths, type Sink, verdictOf } from './output.js'
import { HEADROOM, MAX_HAIRPINS, type SwitchPort } from './switch-port.js'

/** Deliveries that one frame given to the switch may still cause beyond its first. Shared by all that becomes of it. */
interface Budget {
  left: number
}

/** Enough for a gateway that turns a broadcast back to the VMs of a busy host, far from what would hold the host up. */
export const MAX_DELIVERIES = 64

/** What forwarding works on. */
export interface ForwardingSurroundings {
  readonly environment: Environment
  readonly bridge: Bridge
  /** Header groups looked into of what comes from the network. */
  readonly networkDepth: number
  readonly find: (name: string) => SwitchPort | undefined
}

/** Takes frames between ports, their VMs and the network. */
export class Forwarding {
  /** Frames the switch itself dropped, by reason. */
  readonly drops = new Map<string, number>()
  readonly #around: ForwardingSurroundings
  /** The frame in hand: the port it was given to, its deliveries in a row so far, and what it may still cause. */
  #port: SwitchPort | undefined
  #turns = 0
  #budget: Budget = newBudget()
  /** Serves one frame after the other, until something that leaves later has to keep it. */
  #spare: Budget = newBudget()
  /** Why the switch dropped the frame last forwarded, or where it went. */
  #reason = ''
  #target: SwitchPort | undefined

  constructor(around: ForwardingSurroundings) {
    this.#around = around
  }

  /** A frame from a port's VM. It is copied. */
  fromVm(port: SwitchPort, frame: Uint8Array): FrameOutcome {
    this.#copyThrough(port, 'outbound', frame, 0, frame.length, 0, MAX_GROUPS, 0, this.#fresh())
    return port.outcome
  }

  /** A frame from the physical network. It is copied. */
  fromNetwork(frame: Uint8Array): FrameOutcome {
    this.#target = undefined
    this.#reason = ''
    const bytes = withHeadroom(frame, 0, frame.length)
    const outcome = this.#forward(undefined, 'forward', bytes, HEADROOM, bytes.length, 0, 0, 0, this.#around.networkDepth, 0, this.#fresh())
    if (outcome === Outcome.Dropped && this.#reason !== '') return { _tag: 'Dropped', reason: this.#reason }
    return this.#outcomeOf(outcome)
  }

  /** The answer to whoever gave a frame from the network: of the port it was for. */
  #outcomeOf(outcome: Outcome): FrameOutcome {
    return outcome === Outcome.Passed || this.#target === undefined ? PASSED : this.#target.outcome
  }

  /** Frames from a port's VM, rewritten in place. */
  batchFromVm(port: SwitchPort, batch: Batch): void {
    requireLengths(batch)
    port.takeAll(batch, this.#take)
  }

  /** Frames from the physical network, rewritten in place. */
  batchFromNetwork(batch: Batch): void {
    requireLengths(batch)
    let floor = 0
    const { bytes } = batch
    for (let i = 0; i < batch.count; i++) {
      const start = batch.start[i]!
      const end = start + batch.length[i]!
      batch.reason[i] = 0
      if (start < floor || end > bytes.length) {
        this.drop('BadBatch')
        batch.verdict[i] = 1
        continue
      }
      const offload = batch.offload === undefined ? 0 : batch.offload[i]!
      const outcome = this.#forward(undefined, 'forward', bytes, start, end, floor, i, offload, this.#around.networkDepth, 0, this.#fresh())
      batch.verdict[i] = verdictOf(outcome)
      floor = end
    }
  }

  /** Where frames go that were given to a port alone and leave later. */
  sinkOf(port: SwitchPort): Sink {
    const { environment } = this.#around
    return (to, why, b, start, end, _index, tunnels, offload) => {
      const from = why === 'mirror' ? port : port.left.port
      if (environment.released === undefined) this.#route(from, to, why, b, start, end, 0, -1, tunnels, offload, 0, newBudget())
      else environment.released(from.identity, to, why, b.subarray(start, end), tunnels, offload)
    }
  }

  /** Counts a drop of the switch's own. */
  drop(reason: BuiltInDropReason): Outcome {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1)
    this.#reason = reason
    return Outcome.Dropped
  }

  readonly #take = (port: SwitchPort, bytes: Uint8Array, start: number, end: number, floor: number, index: number, offload: number): Outcome =>
    this.#through(port, 'outbound', bytes, start, end, floor, index, offload, MAX_GROUPS, 0, this.#fresh())

  /** The sink of every port a frame is taken through. */
  readonly #sink: Sink = (to, why, bytes, start, end, index, tunnels, offload) => {
    const port = this.#port
    if (port === undefined) return
    this.#route(why === 'mirror' ? port : port.left.port, to, why, bytes, start, end, port.left.floor, index, tunnels, offload, this.#turns, this.#budget)
  }

  /** What of the frame in hand leaves later goes the same way, on the same budget. */
  readonly #later = (): Sink => {
    const port = this.#port
    const turns = this.#turns
    const budget = this.#budget
    if (budget === this.#spare) this.#spare = newBudget()
    return (to, why, bytes, start, end, _index, tunnels, offload) => {
      if (port !== undefined) this.#route(why === 'mirror' ? port : port.left.port, to, why, bytes, start, end, 0, -1, tunnels, offload, turns, budget)
    }
  }

  /** What a frame given to the switch may cause. One given from within a call for another has its own. */
  #fresh(): Budget {
    if (this.#port !== undefined) return newBudget()
    this.#spare.left = MAX_DELIVERIES
    return this.#spare
  }

  #through(
    port: SwitchPort, direction: Direction, bytes: Uint8Array, start: number, end: number, floor: number, index: number, offload: number, depth: number,
    turns: number, budget: Budget,
  ): Outcome {
    const portBefore = this.#port
    const turnsBefore = this.#turns
    const budgetBefore = this.#budget
    this.#port = port
    this.#turns = turns
    this.#budget = budget
    try {
      return port.forward(direction, bytes, start, end, floor, this.#sink, index, this.#later, offload, depth)
    } finally {
      this.#port = portBefore
      this.#turns = turnsBefore
      this.#budget = budgetBefore
    }
  }

  #copyThrough(port: SwitchPort, direction: Direction, bytes: Uint8Array, start: number, end: number, offload: number, depth: number, turns: number, budget: Budget): Outcome {
    const copy = withHeadroom(bytes, start, end)
    return this.#through(port, direction, copy, HEADROOM, copy.length, 0, 0, offload, depth, turns, budget)
  }

  #route(
    from: SwitchPort, to: string, why: Output['why'], bytes: Uint8Array, start: number, end: number, floor: number, index: number, tunnels: number, offload: number,
    turns: number, budget: Budget,
  ): Outcome {
    // A tunnel that a VM made itself is payload: it must not choose the tenant its frame is bridged to, nor be opened by its receiver.
    if (to === 'network') return this.#forward(from, why, bytes, start, end, floor, index, offload, Math.min(this.#around.networkDepth, 1 + tunnels), turns, budget)
    const target = to === 'vm' ? from : this.#around.find(to)
    if (target === undefined) return this.drop('NoSuchPort')
    if (target.state() !== 'connected') return this.drop('PortDisconnected')
    // A mirrored copy too is handed to the VM as it is: a collector wants what was mirrored, not what policy leaves of it.
    this.#deliver(target, bytes, start, end, offload)
    return Outcome.Passed
  }

  #forward(
    from: SwitchPort | undefined, why: Output['why'], bytes: Uint8Array, start: number, end: number, floor: number, index: number, offload: number, depth: number,
    turns: number, budget: Budget,
  ): Outcome {
    const { bridge } = this.#around
    const target = bridge.find(bytes, start, end, depth, from)
    if (target === 'link' && why !== 'mirror') return this.drop('LinkLocalGroup')
    if (target === 'group' || target === 'link') return this.#flood(from, bytes, start, end, offload, depth, turns, budget)
    // On the wire it would come back, or go to a stranger who claims the MAC. A copy of what came in has its receiver's own
    // MAC by nature, and leaves because a rule says so.
    if (target !== undefined && target === from && why !== 'mirror') return this.drop('OwnMac')
    if (target !== undefined && target !== from) {
      if (!spend(turns, budget)) return this.drop('HairpinLimit')
      this.#target = target
      return why === 'forward'
        ? this.#through(target, 'inbound', bytes, start, end, floor, index, offload, depth, turns + 1, budget)
        : this.#copyThrough(target, 'inbound', bytes, start, end, offload, depth, turns + 1, budget)
    }
    if (from === undefined) return this.drop('NoPortForMac')
    this.#deliver(undefined, bytes, start, end, offload)
    return Outcome.Passed
  }

  #flood(from: SwitchPort | undefined, bytes: Uint8Array, start: number, end: number, offload: number, depth: number, turns: number, budget: Budget): Outcome {
    if (from !== undefined) this.#deliver(undefined, bytes, start, end, offload)
    for (const port of this.#around.bridge.members(bytes, start, end, depth, from)) {
      if (port === from) continue
      // One drop stands for the rest of the flood: to go through it port by port would be work of the kind that is bounded here.
      if (!spend(turns, budget)) return this.drop('HairpinLimit')
      this.#copyThrough(port, 'inbound', bytes, start, end, offload, depth, turns + 1, budget)
    }
    return Outcome.Passed
  }

  /** Hands a frame to the VM of a port, or to the network. */
  #deliver(to: SwitchPort | undefined, bytes: Uint8Array, start: number, end: number, offload: number): void {
    const { environment } = this.#around
    if (environment.deliver !== undefined) environment.deliver(to?.identity, bytes, start, end, offload)
    else if (to !== undefined) environment.toVm?.(to.identity, bytes.subarray(start, end))
    else environment.toNetwork?.(bytes.subarray(start, end))
  }
}


const newBudget = (): Budget => ({ left: MAX_DELIVERIES })

const withHeadroom = (bytes: Uint8Array, start: number, end: number): Uint8Array => {
  const copy = new Uint8Array(HEADROOM + end - start)
  copy.set(bytes.subarray(start, end), HEADROOM)
  return copy
}

/** Whether a frame that has been delivered `turns` times in a row may be so once more. The first delivery is free, however many ports it is to. */
const spend = (turns: number, budget: Budget): boolean => {
  if (turns === 0) return true
  if (turns === MAX_HAIRPINS || budget.left === 0) return false
  budget.left--
  return true
}
