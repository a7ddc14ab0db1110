/**
 * The inbox of probers: it takes answers to probes out of a port's traffic and gives them to the prober that asked.
 *
 * An answer comes as a packet for the VM whose address the probe had, and must not reach it. A rule that names the inbox takes it:
 * by its ports when the flow is decided, by magic and nonce packet by packet. A packet with these ports that no prober here waits for
 * is dropped as `NoReply`, and not shown to the VM.
 *
 * An inbox is a resource without entries, so that a policy given as JSON can name it.
 */
import { type FrameView, NO_ANSWER, type Resource, type Responder, Slot, TAKEN, wire } from '@vfp-ts/core'
import { ProbeAt, ProbeKind, readTime } from './message.js'
import { carriesProbe } from './probe-answer.js'

const { u32 } = wire.bytes

/**
 * Called for each answer: with its pair and sequence numbers, the microseconds of the answering host's clock when it was sent, and the
 * microseconds of this switch's clock when it came. Must not take frames through the switch.
 */
export type ProbeListener = (pair: number, sequence: number, answeredUs: number, nowUs: number) => void

/** An inbox for answers to probes: a resource without entries. One inbox may serve several ports. */
export interface ProbeInbox extends Resource<never, never> {
  /**
   * Calls `listener` for answers with this nonce (two words of 32 bits) from now on. Returns a function that ends it, or `undefined` if
   * another listener has the nonce.
   */
  readonly listen: (nonce: readonly [number, number], listener: ProbeListener) => (() => void) | undefined
  /** Takes answers out of the traffic; the probe layer's rules name it. */
  readonly responder: Responder
}

/** Returns an inbox named `name`. Give it to the switch as a resource if policies are to name it. */
export const probeInbox = (name = 'probes'): ProbeInbox => {
  const listeners: { readonly high: number; readonly low: number; readonly listener: ProbeListener }[] = []
  const cell = { version: 0 }
  const answer = (view: FrameView, _out: Uint8Array, _at: number, nowUs: number): number => {
    if (!carriesProbe(view, ProbeKind.Answer)) return NO_ANSWER
    const { bytes } = view
    const probe = view.slots[Slot.PAYLOAD] ?? 0
    const high = u32(bytes, probe + ProbeAt.NONCE)
    const low = u32(bytes, probe + ProbeAt.NONCE + 4)
    for (const one of listeners) {
      if (one.high !== high || one.low !== low) continue
      one.listener(u32(bytes, probe + ProbeAt.PAIR), u32(bytes, probe + ProbeAt.SEQUENCE), readTime(bytes, probe + ProbeAt.ANSWERED), nowUs)
      return TAKEN
    }
    return NO_ANSWER
  }
  return {
    name,
    lookup: () => ({ _tag: 'Absent', cell }),
    listen: ([high, low], listener) => {
      if (listeners.some((one) => one.high === high && one.low === low)) return undefined
      const one = { high, low, listener }
      listeners.push(one)
      return () => {
        const at = listeners.indexOf(one)
        if (at >= 0) listeners.splice(at, 1)
      }
    },
    responder: { name: 'probe inbox', answer },
  }
}

/** Returns whether a value is an inbox. */
export const isInbox = (u: unknown): u is ProbeInbox =>
  typeof u === 'object' && u !== null && 'listen' in u && typeof u.listen === 'function' && 'responder' in u && typeof u.responder === 'object' && 'lookup' in u
