/** Cases about frames that pass. */
import { FRAME_HEADROOM } from '../nic/frame-batch.js'
import { SendCode } from '../nic/nic.js'
import type { ComplianceBench, ComplianceCase } from './bench.js'
import { codeName, expected } from './expected.js'
import { onLine } from './line.js'
import { carry, short, windowOf } from './traffic.js'

/** What has to arrive, and how. */
export const trafficCases: readonly ComplianceCase[] = [
  {
    title: 'carries frames both ways, in order and unaltered, without being flushed',
    run: onLine(async (line) => {
      await carry(line, { out: 1, in: 1, flush: false })
      const span = line.longest - line.shortest + 1
      await carry(line, { out: 2_000, in: 2_000, flush: false, lengthOf: (n) => line.shortest + ((n * 7919) % span) })
    }),
  },
  {
    title: 'carries bursts of more than one batch',
    run: onLine(async (line) => {
      const burst = windowOf(line)
      for (let round = 0; round < 8; round++) await carry(line, { out: burst, in: burst, lengthOf: () => short(line) })
    }),
  },
  {
    title: 'answers Full when its queue is full, loses nothing that it took, and tells once that there is room',
    run: async (bench: ComplianceBench): Promise<void> => {
      if (bench.canFill === false) return
      await onLine(async (line) => {
        let code: SendCode = SendCode.Ok
        for (let n = 0; n < FILLS_AT_MOST && code === SendCode.Ok; n++) code = line.send(short(line))
        if (code !== SendCode.Full) throw expected(`Full within ${FILLS_AT_MOST} frames given without a pause`, codeName(code))
        for (let n = 0; n < 10; n++) line.send(short(line))
        const refused = line.given.calls - line.given.taken
        await line.until(() => line.atPeer.count === line.given.taken, () => 'all the frames that were taken to arrive')
        await line.until(() => line.told.drained > 0, () => 'drained to be called after Full')
        await carry(line, { out: 10 })
        if (line.told.drained !== 1) throw expected('drained to be called once', `${line.told.drained} calls`)
        const { Full } = line.nic.counters().sendDrops
        if (Full !== refused) throw expected(`sendDrops.Full to count ${refused}`, String(Full))
      })(bench)
    },
  },
  {
    title: 'carries every length up to the MTU',
    run: onLine(async (line) => {
      const step = line.bench.lengthStep ?? 1
      const { longest, shortest } = line
      const lengths = Math.ceil((longest - shortest) / step) + 1
      await carry(line, { out: lengths, in: lengths, lengthOf: (n) => Math.min(shortest + n * step, longest) })
    }),
  },
  {
    title: 'carries the shortest frames',
    run: onLine(async (line) => {
      await carry(line, { out: 100, in: 100, lengthOf: () => line.shortest })
    }),
  },
  {
    title: 'lets a batch be rewritten in place, headroom and all, and takes no notice of it afterwards',
    run: onLine(async (line) => {
      line.onBatch = ({ bytes, start, length, verdict, reason, offload, count }) => {
        for (let i = 0; i < count; i++) {
          const from = start[i]! - FRAME_HEADROOM
          const to = start[i]! + length[i]!
          bytes.fill(0xee, from, to)
          start[i] = from
          length[i] = to - from
          verdict[i] = 1
          reason[i] = 1
          offload[i] = 0xffff_ffff
        }
      }
      const span = line.longest - line.shortest + 1
      // Enough for a NIC to come round to buffers that were rewritten.
      const count = Math.max(8 * windowOf(line), 4_096)
      await carry(line, { out: count, in: count, lengthOf: (n) => line.shortest + ((n * 104_729) % span) })
    }),
  },
]

/** Frames after which a queue that is never full has no bound, or needs none. */
const FILLS_AT_MOST = 200_000
