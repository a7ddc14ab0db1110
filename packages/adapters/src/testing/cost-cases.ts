/** Cases about what a NIC costs: memory after many frames, and time when there are none. */
import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { setTimeout as sleep } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'
import type { ComplianceCase } from './bench.js'
import { expected } from './expected.js'
import { type Line, onLine } from './line.js'
import { carry } from './traffic.js'

/** What may not be used up. */
export const costCases: readonly ComplianceCase[] = [
  {
    title: 'leaves no memory behind, however many frames it carried',
    run: onLine(async (line) => {
      const frames = line.bench.frames ?? 1_000_000
      const span = Math.min(line.longest, 1_514) - line.shortest + 1
      const load = (count: number): Promise<void> =>
        carry(line, { out: count, in: count, lengthOf: (n) => line.shortest + ((n * 7919) % span) })
      line.checkContent = false
      // What is made once (compiled code, buffers at their full size) is there after the first part.
      await load(Math.ceil(frames / 10))
      const before = await memoryInUse()
      await load(Math.floor((frames * 9) / 10))
      const grown = (await memoryInUse()) - before
      if (grown > GROWTH_BYTES) throw expected(`at most ${GROWTH_BYTES} bytes more in use after ${frames} frames each way`, `${grown} bytes`)
    }),
  },
  {
    title: 'costs no time while it is idle',
    run: onLine(async (line) => {
      await carry(line, { out: 100, in: 100 })
      let worst: Idle | undefined
      // Others on the machine, or a kernel's neighbour discovery, may spoil one measurement; a NIC that polls spoils each.
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        worst = await idleFor(line)
        if (worst.load <= LOAD && worst.wakings <= WAKINGS) return
      }
      throw expected(`at most ${LOAD * 100} % of the time and ${WAKINGS} turns of the event loop in ${IDLE_MS} ms`, worst)
    }),
  },
]

/** Room for what compiled code and the collector's own books vary by; a million frames that leave 8 bytes each are beyond it. */
const GROWTH_BYTES = 4 * 1024 * 1024

const IDLE_MS = 1_000
/** Share of the time that an idle NIC may take. */
const LOAD = 0.2
/** Turns of the event loop while nothing happens: the measurement's own, and those of a timer a second. */
const WAKINGS = 4
/** Seconds tried until one is quiet. */
const ATTEMPTS = 6

interface Idle {
  readonly load: number
  readonly wakings: number
}

/**
 * The loop's own time always; the process's where nothing else runs in it. A test runner that gives each file a thread runs others
 * next to this one.
 */
const idleFor = async (line: Line): Promise<Idle> => {
  const cpu = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  const turns = performance.nodeTiming.uvMetricsInfo.loopCount
  await sleep(IDLE_MS)
  const wakings = performance.nodeTiming.uvMetricsInfo.loopCount - turns
  const { utilization } = performance.eventLoopUtilization(loop)
  const { user, system } = process.cpuUsage(cpu)
  line.check()
  return { load: Math.max(utilization, isMainThread ? (user + system) / 1_000 / IDLE_MS : 0), wakings }
}

/** Bytes of heap and buffers in use, after collecting what can be. Collected twice: buffers are freed behind the objects that held them. */
const memoryInUse = async (): Promise<number> => {
  for (let round = 0; round < 3; round++) {
    collect()
    await sleep(1)
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  // `external` includes `arrayBuffers` where the latter are counted at all.
  return heapUsed + Math.max(external, arrayBuffers)
}

let collector: (() => void) | undefined
const collect = (): void => {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc')
    collector = runInNewContext('gc') as () => void
  }
  collector()
}
