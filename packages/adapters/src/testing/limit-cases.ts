/** Cases about frames that do not pass, and what is counted of those that do. */
import { offloadOf } from '../nic/frame-batch.js'
import { FRAME_OVERHEAD, SendCode } from '../nic/nic.js'
import type { ComplianceBench, ComplianceCase } from './bench.js'
import { codeName, expected } from './expected.js'
import { type Line, onLine } from './line.js'
import { HEADER_BYTES } from './test-frames.js'
import { carry, short } from './traffic.js'

/** What has to be refused, and counted. */
export const limitCases: readonly ComplianceCase[] = [
  {
    title: 'refuses a frame longer than its MTU allows as TooLong, and sends nothing of it',
    run: onLine(async (line) => {
      refuses(line, SendCode.TooLong, () => line.send(tooLong(line)))
      await nothingElseArrives(line)
    }),
  },
  {
    title: 'refuses what is no Ethernet header as TooShort',
    run: onLine(async (line) => {
      for (const length of [0, 1, HEADER_BYTES - 1]) refuses(line, SendCode.TooShort, () => line.give(new Uint8Array(length)))
      await nothingElseArrives(line)
    }),
  },
  {
    title: 'refuses unfinished frames as Unfinished unless its offloads say otherwise',
    run: onLine(async (line) => {
      const { checksum, segmentation } = line.nic.offloads
      if (!checksum) refuses(line, SendCode.Unfinished, () => line.send(short(line), offloadOf(true, 0)))
      if (!segmentation) refuses(line, SendCode.Unfinished, () => line.send(short(line), offloadOf(true, 1_000)))
      await nothingElseArrives(line)
    }),
  },
  {
    title: 'goes on after frames of the peer that are longer than its MTU allows, delivered whole or counted as dropped',
    run: async (bench: ComplianceBench): Promise<void> => {
      if (bench.carriesOversize !== true) return
      await onLine(async (line) => {
        await line.sendFromPeer(tooLong(line))
        await line.sendFromPeer(short(line))
        const dropped = (): number => sum(line.nic.counters().receiveDrops)
        await line.until(() => line.atNic.last === 1, () => 'the frame behind the one that is too long to be delivered')
        await line.until(() => line.atNic.count + dropped() >= 2, () => 'the frame that is too long to be delivered or counted')
      })(bench)
    },
  },
  {
    title: 'counts what it carries and what it refuses',
    run: onLine(async (line) => {
      await carry(line, { out: 300, in: 300, lengthOf: (n) => Math.min(line.shortest + n, line.longest) })
      line.send(tooLong(line))
      line.give(new Uint8Array(HEADER_BYTES - 1))
      const { given, told } = line
      const agree = (): boolean => {
        const { received, receivedBytes, sent, sentBytes, sendDrops } = line.nic.counters()
        return received === told.delivered && receivedBytes === told.deliveredBytes && sent === given.taken && sentBytes === given.takenBytes
          && sum(sendDrops) === given.calls - given.taken && sendDrops.TooLong === 1 && sendDrops.TooShort === 1
      }
      const wanted = (): string =>
        `received ${told.delivered} (${told.deliveredBytes} bytes), sent ${given.taken} (${given.takenBytes} bytes), TooLong 1 and TooShort 1 in counters ${JSON.stringify(line.nic.counters())}`
      await line.until(agree, wanted)
    }),
  },
]

/** Beyond the MTU whatever tags a frame may bear. */
const tooLong = (line: Line): number => line.longest + FRAME_OVERHEAD - HEADER_BYTES + 1

const refuses = (line: Line, wanted: SendCode, send: () => SendCode): void => {
  const before = line.nic.counters().sendDrops[codeName(wanted)] ?? 0
  const code = send()
  if (code !== wanted) throw expected(`send to answer ${codeName(wanted)}`, codeName(code))
  const counted = (line.nic.counters().sendDrops[codeName(wanted)] ?? 0) - before
  if (counted !== 1) throw expected(`sendDrops.${codeName(wanted)} to count the frame`, `${counted} more`)
}

/** A frame behind those that were refused arrives, and is the first that does. */
const nothingElseArrives = async (line: Line): Promise<void> => {
  await carry(line, { out: 1 })
  if (line.atPeer.count !== 1) throw expected('only the frame that was taken to arrive', `${line.atPeer.count} frames`)
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)
