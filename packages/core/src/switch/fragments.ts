/** A frame that was cut takes its way through a port as the fragments it has become. */
import { Outcome } from '../datapath/outcome.js'
import type { Cut } from '../datapath/mtu.js'
import type { Sink } from './output.js'

/** Has a frame go through the port it was cut in. */
type Take = (bytes: Uint8Array, start: number, end: number, floor: number, sink: Sink) => Outcome

/** The frame, where it lies. */
interface InHand {
  readonly bytes: Uint8Array
  readonly start: number
  readonly floor: number
  /** Bytes in front of the other fragments. */
  readonly headroom: number
}

/**
 * Sends the first fragment on its way, then the others, which leave as `fragment`: answers what became of the first, after which
 * `left` says where that is. Where it does not leave now the frame is put back as it was; where it is dropped the others would
 * have nobody to follow and are not tried. Those of a packet that waited line up behind what else waits of its flow.
 */
export const sendFragments = (cut: Cut, { bytes, start, floor, headroom }: InHand, left: object, sink: Sink, take: Take): Outcome => {
  const outcome = take(bytes, start, cut.end, floor, sink)
  if (outcome !== Outcome.Passed && outcome !== Outcome.Answered) bytes.set(cut.whole, start)
  if (outcome === Outcome.Dropped) return outcome
  const first = { ...left }
  const others: Sink = (to, why, b, from, end, index, tunnels, offload) => {
    sink(to, why === 'forward' ? 'fragment' : why, b, from, end, index, tunnels, offload)
  }
  for (const fragment of cut.later) take(fragment, headroom, fragment.length, 0, others)
  Object.assign(left, first)
  return outcome
}
