/** TCP between two namespaces, by iperf3, and what it says of it. */
import type { ChildProcess } from 'node:child_process'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { type Laboratory, until } from '../live/namespaces.js'
import { PORTS } from './host-pair.js'

/** One stream. */
export interface Stream {
  /** Bytes the receiver got. */
  readonly bytes: number
  /** Of the receiver, over the whole time. */
  readonly gbps: number
  readonly retransmits: number
  /** Of the receiver, second by second. */
  readonly eachSecondGbps: readonly number[]
}

/** What of iperf3's report is read. The receiver's intervals come with the sender's report (`--get-server-output`). */
const Report = t.type({
  end: t.type({ sum_sent: t.type({ retransmits: t.number }), sum_received: t.type({ bytes: t.number, bits_per_second: t.number }) }),
  server_output_json: t.type({ intervals: t.array(t.type({ sum: t.type({ seconds: t.number, bits_per_second: t.number }) })) }),
})

/** Shorter than that is what is left at the end of a stream, not a second. */
const MOST_OF_A_SECOND = 0.5

/** A stream from a namespace to an address of another. */
export const stream = async (lab: Laboratory, from: string, to: { readonly ns: string; readonly address: string }, seconds: number): Promise<Stream> => {
  const port = String(PORTS.iperf3)
  // A server each time: one that stays closes its port between streams for a moment, and refuses who comes then.
  const serving = saidBy(lab.start(to.ns, 'iperf3', ['-s', '-1', '-J', '-p', port]))
  serving.catch(() => undefined)
  await until('iperf3 listens', async () => (await lab.in(to.ns, 'ss', '-Hltn', `sport = :${port}`)).length > 0)
  const text = await saidBy(lab.start(from, 'iperf3', ['-c', to.address, '-p', port, '-t', String(seconds), '-i', '1', '-J', '--get-server-output']))
  await serving
  const report = Report.decode(JSON.parse(text))
  if (E.isLeft(report)) throw new Error(`iperf3 reported no stream: ${text.slice(0, 1000)}`)
  const { end, server_output_json: { intervals } } = report.right
  return {
    bytes: end.sum_received.bytes,
    gbps: end.sum_received.bits_per_second / 1e9,
    retransmits: end.sum_sent.retransmits,
    eachSecondGbps: intervals.filter(({ sum }) => sum.seconds > MOST_OF_A_SECOND).map(({ sum }) => sum.bits_per_second / 1e9),
  }
}

/** All that a process says on its standard output until it ends. */
export const saidBy = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    const said: Buffer[] = []
    const complaints: Buffer[] = []
    child.stdout?.on('data', (bytes: Buffer) => said.push(bytes))
    child.stderr?.on('data', (bytes: Buffer) => complaints.push(bytes))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(said).toString())
      else reject(new Error(`${child.spawnargs.join(' ')} ended with ${code ?? 'a signal'}: ${Buffer.concat([...complaints, ...said]).toString()}`))
    })
  })
