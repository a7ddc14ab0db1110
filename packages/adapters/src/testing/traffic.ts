/** Frames in numbers, each way, never more of them on the way than the medium holds. */
import { SendCode } from '../nic/nic.js'
import { codeName, expected } from './expected.js'
import type { Line } from './line.js'

/** What {@link carry} is to carry. */
export interface Load {
  /** Frames out of the NIC, 0 unless given. */
  readonly out?: number
  /** Frames into it, 0 unless given. */
  readonly in?: number
  /** Length of the n-th frame of either way; 60 bytes unless given, or the shortest that the medium carries. */
  readonly lengthOf?: (n: number) => number
  /** Whether `flush` is called; otherwise the NIC is left to do so itself. */
  readonly flush?: boolean
}

/** Sends the load both ways at a time, and waits until each frame of it has come. */
export const carry = async (line: Line, load: Load): Promise<void> => {
  await Promise.all([carryOut(line, load), carryIn(line, load)])
}

/** Frames that may be on their way. */
export const windowOf = (line: Line): number => line.bench.window ?? 256

/** A short frame that the medium carries. */
export const short = (line: Line): number => Math.min(Math.max(60, line.shortest), line.longest)

const carryOut = async (line: Line, { out = 0, lengthOf = () => short(line), flush = true }: Load): Promise<void> => {
  const before = line.atPeer.count
  const window = windowOf(line)
  let sent = 0
  const onTheWay = (): number => sent - (line.atPeer.count - before)
  const arrivedOf = (): string => `all of ${sent} frames sent to arrive at the peer`
  while (sent < out) {
    if (onTheWay() >= window) {
      if (flush) line.flush()
      await line.until(() => onTheWay() <= window / 2, arrivedOf)
    }
    const drainedBefore = line.told.drained
    const code = line.send(lengthOf(sent))
    if (code === SendCode.Ok) sent++
    else if (code === SendCode.Full) await line.until(() => line.told.drained > drainedBefore, () => 'drained to be called after Full')
    else throw expected('send to take the frame', codeName(code))
  }
  if (flush) line.flush()
  await line.until(() => onTheWay() === 0, arrivedOf)
}

const carryIn = async (line: Line, { in: count = 0, lengthOf = () => short(line) }: Load): Promise<void> => {
  const before = line.atNic.count
  const window = windowOf(line)
  let sent = 0
  const onTheWay = (): number => sent - (line.atNic.count - before)
  const arrivedOf = (): string => `all of ${sent} frames sent by the peer to be delivered`
  while (sent < count) {
    if (onTheWay() >= window) await line.until(() => onTheWay() <= window / 2, arrivedOf)
    const taken = line.sendFromPeer(lengthOf(sent))
    if (taken !== undefined) await taken
    sent++
  }
  await line.until(() => onTheWay() === 0, arrivedOf)
}
