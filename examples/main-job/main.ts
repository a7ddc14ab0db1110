/**
 * The main job: a capture goes through virtual switch ports with four layers of policy, and tells what they made of it.
 *
 * Start reading here. `run` → `readOptions` → `openInput` → `readInventory` or `survey` (which VMs there are) → `openHosts` (a switch
 * each, programmed by four controllers) → `Replay` (each frame's way) → `makeReport` → `renderReport`. This file is the program as the
 * system sees it: its streams, its signals, its exit code.
 */
import { realpathSync } from 'node:fs'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { run } from './job.js'
import { pageOf } from './page.js'
import { progressOf } from './progress.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What a closed pipe ends other commands with: 128 and the number of SIGPIPE. */
const PIPE_CLOSED = 141

const main = async (): Promise<number> => {
  const stop = new AbortController()
  // The first signal ends the job in order; a second of its kind ends the process.
  for (const signal of SIGNALS) process.once(signal, () => { stop.abort(signal) })
  // What cannot be written is told to whoever writes, in `put`.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

  const reader = { isGone: false }
  const wire = async (bytes: Uint8Array): Promise<void> => {
    const failure = await put(process.stdout, bytes)
    reader.isGone ||= failure?.code === 'EPIPE'
    if (failure !== undefined) throw failure
  }
  const { stdout, stderr, code } = await run(process.argv.slice(2), {
    out: pageOf(process.stdout, process.env), errors: pageOf(process.stderr, process.env),
    watch: progressOf, signal: stop.signal, stdin: process.stdin, stdout: wire, stdoutIsTTY: process.stdout.isTTY,
  })
  if (reader.isGone) return PIPE_CLOSED
  const failure = await put(process.stdout, stdout)
  await put(process.stderr, stderr)
  // A reader that has seen enough of the report (`demo | head`) is no error.
  if (failure !== undefined && failure.code !== 'EPIPE') {
    await put(process.stderr, `main-job: standard output: ${failure.message}\n`)
    return 1
  }
  const signal = SIGNALS.find((name) => name === stop.signal.reason)
  return signal === undefined || code !== 'stopped' ? Number(code) : 128 + constants.signals[signal]
}

/** Writes all of it; why not, if it could not be written. */
const put = (stream: Writable, what: string | Uint8Array): Promise<NodeJS.ErrnoException | undefined> =>
  what.length === 0 ? Promise.resolve(undefined) : new Promise((resolve) => { stream.write(what, (error) => { resolve(error ?? undefined) }) })

// Whether this file is the program, rather than imported by a test.
if (process.argv[1] !== undefined && import.meta.filename === realpathSync(process.argv[1])) process.exit(await main())
