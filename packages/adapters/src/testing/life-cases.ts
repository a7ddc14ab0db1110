/** Cases about the beginning, the end, and a peer that goes. */
import { setImmediate as turn } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import { SendCode } from '../nic/nic.js'
import { renderNicError } from '../nic/nic-error.js'
import type { ComplianceCase } from './bench.js'
import { codeName, expected } from './expected.js'
import { type Line, onLine, onStoppedLine } from './line.js'
import { carry, short, windowOf } from './traffic.js'

/** What start, close and the peer's coming and going have to do. */
export const lifeCases: readonly ComplianceCase[] = [
  {
    title: 'takes no frames before it is started, and starts once',
    run: onStoppedLine(async (line) => {
      answers(line, SendCode.Closed, 'before start')
      line.start()
      refusesStart(line, 'the second start')
      await line.until(() => line.nic.link() === 'up', () => "the NIC's link to come up")
      await carry(line, { out: 100, in: 100 })
    }),
  },
  {
    title: 'closes without having been started',
    run: onStoppedLine(async (line) => {
      await line.close()
      answers(line, SendCode.Closed, 'after close')
      refusesStart(line, 'start after close')
    }),
  },
  {
    title: 'closes under load: what is queued is sent, nothing more is taken or told, and closing again is the same',
    run: onLine(async (line) => {
      await carry(line, { out: 100, in: 100 })
      const count = Math.min(windowOf(line), 64)
      for (let n = 0; n < count; n++) {
        const taken = line.sendFromPeer(short(line))
        const code = line.send(short(line))
        if (code !== SendCode.Ok) throw expected('send to take the frame', codeName(code))
        if (taken !== undefined) await taken
      }
      await line.close()
      answers(line, SendCode.Closed, 'after close')
      refusesStart(line, 'start after close')
      const again = line.nic.close()
      if (line.nic.close() !== again) throw expected('close to answer the same promise again', 'another')
      await again
      line.flush()
      await line.until(() => line.atPeer.count === line.given.taken, () => 'the frames queued at close to arrive')
      for (let n = 0; n < 32; n++) await turn()
      if (line.nic.link() !== 'down') throw expected('the link of a closed NIC to be down', line.nic.link())
      line.nic.counters()
    }),
  },
  {
    title: 'tells that its peer went, and goes on when it is back',
    run: onLine(async (line) => {
      const { peerGoes, peerReturns } = line.opened
      if (peerGoes === undefined) return
      await carry(line, { out: 100, in: 100 })
      await peerGoes()
      await noticed(line)
      const fatal = line.told.failures.some(({ retryable }) => !retryable)
      if (fatal && peerReturns !== undefined) throw expected('a retryable failure', line.told.failures.map(renderNicError).join('; '))
      answers(line, fatal ? SendCode.Closed : SendCode.LinkDown, 'while the peer is gone')
      if (peerReturns === undefined) return
      const next = await peerReturns()
      if (next !== undefined) await line.attach(next)
      await line.until(() => line.nic.link() === 'up' && line.told.links.at(-1) === 'up', () => 'the link to be told to be up')
      await carry(line, { out: 100, in: 100 })
    }),
  },
  {
    title: 'closes while its peer is gone',
    run: onLine(async (line) => {
      if (line.opened.peerGoes === undefined) return
      for (let n = 0; n < 10; n++) line.send(short(line))
      await line.opened.peerGoes()
      await noticed(line)
      await line.close()
      answers(line, SendCode.Closed, 'after close')
    }),
  },
]

/** Some media tell only those who send, so frames are given until it shows. */
const noticed = (line: Line): Promise<void> =>
  line.until(
    () => {
      if (line.nic.link() === 'up') line.send(short(line))
      const told = line.told.links.at(-1) === 'down' || line.told.failures.length > 0
      return told && line.nic.link() === 'down'
    },
    () => 'the link to be down, and link or failed to be told, when the peer is gone',
  )

const answers = (line: Line, wanted: SendCode, when: string): void => {
  const code = line.send(short(line))
  if (code !== wanted) throw expected(`send to answer ${codeName(wanted)} ${when}`, codeName(code))
}

const refusesStart = (line: Line, what: string): void => {
  const started = line.nic.start({ frames: () => undefined })
  if (E.isRight(started)) throw expected(`${what} to be refused`, 'success')
  if (started.left.code !== 'BadState') throw expected(`${what} to be refused as BadState`, renderNicError(started.left))
}
