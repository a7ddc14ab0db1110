/**
 * What live NICs cost, without an engine: frames in at one, out at another, for two seconds each, and the processor time of this process.
 *
 *     taskset -c 0 node packages/adapters/dist/bench/live-nic-rates.js
 *
 * As root. A second process on another core (1, or as `GENERATOR_CORE` says) gives as many frames as it can, in a network namespace of its own,
 * removed with the process. System time includes the way to the other end of the veth that is sent to.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Either, isLeft } from 'fp-ts/lib/Either.js'
import koffi from 'koffi'
import { openAfPacket } from '../src/af-packet/index.js'
import { type Nic, type NicError, renderNicError } from '../src/nic/index.js'
import { openTap } from '../src/tap/index.js'

const SECONDS = 2

const main = async (): Promise<void> => {
  const unshare = koffi.load(null).func('int unshare(int flags)') as (flags: number) => number
  if (unshare(0x4000_0000) !== 0) throw new Error('needs root')
  for (const [a, b] of [['g0', 'a0'], ['b0', 'k0']]) {
    ip(`link add ${a} type veth peer name ${b}`)
    ip(`link set ${a} up`)
    ip(`link set ${b} up`)
  }
  for (const bytes of [60, 1514]) {
    const [from, to] = [orThrow(await openAfPacket({ interface: 'a0' })), orThrow(await openAfPacket({ interface: 'b0' }))]
    await measure(`AF_PACKET to AF_PACKET, ${bytes} bytes`, from, to, 'g0', bytes)
    const [veth, tap] = [orThrow(await openAfPacket({ interface: 'a0' })), orThrow(await openTap({ interface: 'tap0', up: true }))]
    await measure(`AF_PACKET to TAP, ${bytes} bytes`, veth, tap, 'g0', bytes)
    const [tapIn, out] = [orThrow(await openTap({ interface: 'tap1', up: true })), orThrow(await openAfPacket({ interface: 'b0' }))]
    await measure(`TAP to AF_PACKET, ${bytes} bytes`, tapIn, out, 'tap1', bytes)
  }
}

const measure = async (title: string, from: Nic, to: Nic, source: string, bytes: number): Promise<void> => {
  let batches = 0
  let full = 0
  orThrow(to.start({ frames: () => undefined }))
  orThrow(
    from.start({
      frames: ({ bytes, start, length, count }) => {
        batches++
        for (let i = 0; i < count; i++) {
          const at = start[i] ?? 0
          if (to.send(bytes, at, at + (length[i] ?? 0)) !== 0) full++
        }
        to.flush()
      },
    }),
  )
  const generator = generate(source, bytes)
  await sleep(1_000)
  const [before, packetsBefore, batchesBefore, cpu, time] = [to.counters(), from.counters(), batches, process.cpuUsage(), performance.now()]
  await sleep(SECONDS * 1_000)
  const { user, system } = process.cpuUsage(cpu)
  const ms = performance.now() - time
  const sent = to.counters().sent - before.sent
  const received = from.counters().received - packetsBefore.received
  const lost = (from.counters().receiveDrops.Overrun ?? 0) - (packetsBefore.receiveDrops.Overrun ?? 0)
  console.log(
    `${title.padEnd(40)} ${(sent / ms).toFixed(0).padStart(5)} k/s  batch ${(received / (batches - batchesBefore)).toFixed(1).padStart(5)}  ` +
      `us/packet ${((user + system) / sent).toFixed(2)} (user ${(user / sent).toFixed(2)}, system ${(system / sent).toFixed(2)})  ` +
      `overrun ${(lost / ms).toFixed(0)} k/s  refused ${full}`,
  )
  generator.kill()
  await once(generator, 'exit')
  await Promise.all([from.close(), to.close()])
}

const generate = (source: string, bytes: number): ChildProcess =>
  spawn('taskset', ['-c', process.env.GENERATOR_CORE ?? '1', process.execPath, fileURLToPath(import.meta.url), source, String(bytes)], { stdio: 'inherit' })

/** The other process. */
const flood = async (source: string, bytes: number): Promise<void> => {
  const nic = orThrow(await openAfPacket({ interface: source }))
  orThrow(nic.start({ frames: () => undefined }))
  const frame = new Uint8Array(bytes)
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45])
  const turn = (): void => {
    for (let i = 0; i < 256; i++) nic.send(frame, 0, bytes)
    nic.flush()
    setImmediate(turn)
  }
  turn()
}

const ip = (command: string): string => execFileSync('ip', command.split(' '), { encoding: 'utf8' })

const orThrow = <A>(answer: Either<NicError, A>): A => {
  if (isLeft(answer)) throw new Error(renderNicError(answer.left))
  return answer.right
}

const [, , source, bytes] = process.argv
await (source === undefined ? main() : flood(source, Number(bytes)))
