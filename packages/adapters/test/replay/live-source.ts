/** Packets that a test gives one by one, as they come. */
import type { ReplayPacket } from '../../src/replay/index.js'

/** A source without an end. */
export interface LiveSource extends AsyncIterable<ReplayPacket> {
  /** Gives one packet, which is copied. */
  readonly give: (frame: Uint8Array) => void
}

export const liveSource = (): LiveSource => {
  const waiting: ReplayPacket[] = []
  let wake = (): void => undefined
  return {
    give: (frame) => {
      waiting.push({ data: frame.slice(), timestampNs: 0n })
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const packets = waiting.splice(0)
        yield* packets
        if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}
