/**
 * One host's switch: the whole of what runs on a machine, in one process, by one JSON file.
 *
 * Start reading here. `readConfig` (codec, contradictions) → `openHostSwitch` (rehearsal, NICs, ports, layers) → signals.
 */
import { realpathSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import type { Config } from './config.js'
import { type ConfigProblem, renderProblem } from './config-problem.js'
import { type HostSwitch, openHostSwitch } from './host-switch.js'
import { renderScreen, renderStatus } from './live-table.js'
import { MACHINE } from './nics.js'
import { HELP, type Options, readOptions } from './options.js'
import { rehearse } from './program.js'
import { readConfig } from './read-config.js'
import { openStatusSocket, type StatusSocket } from './status-socket.js'

const TABLE_EVERY_MS = 1000
const CLEAR = '\u001b[H\u001b[2J'

/** The last lines that were said, for the table on a terminal. */
let said: readonly string[] = []
const SAID_KEPT = 20

const say = (text: string): void => {
  const line = `host-switch: ${text}`
  said = [...said, line].slice(-SAID_KEPT)
  process.stderr.write(`${line}\n`)
}
const complain = (file: string, problems: readonly ConfigProblem[]): void => { for (const problem of problems) say(renderProblem(file, problem)) }

/** Runs until a signal ends it; the exit code. */
const run = async (options: Options): Promise<0 | 1 | 2> => {
  const read = readConfig(options.config)
  if (E.isLeft(read)) {
    complain(options.config, read.left)
    return 2
  }
  const config = read.right
  if (options.check) return check(options.config, config)
  // Signals count from here on: one that comes while interfaces are being opened must not leave half of them.
  let running: HostSwitch | undefined = undefined
  const ended = new Promise<void>((resolve) => { for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve()) })
  let socket: StatusSocket | undefined = undefined
  process.on('SIGHUP', () => { if (running !== undefined) void reread(options.config, running, socket) })
  const opened = await openHostSwitch(config, MACHINE, say)
  if (E.isLeft(opened)) {
    complain(options.config, opened.left)
    return rehearse(config).length > 0 ? 2 : 1
  }
  const host = opened.right
  const listening = config.status === undefined ? E.right(undefined) : await openStatusSocket(config.status, () => host.status())
  if (E.isLeft(listening)) {
    complain(options.config, [{ path: '/status', reason: listening.left }])
    await host.close()
    return 1
  }
  socket = listening.right
  running = host
  process.stdout.write(`host-switch: ${config.name} is ready\n`)
  const table = options.table || process.stdout.isTTY ? setInterval(() => { draw(host) }, TABLE_EVERY_MS) : undefined
  await ended
  clearInterval(table)
  await listening.right?.close()
  await host.close()
  return 0
}

const check = (file: string, config: Config): 0 | 2 => {
  const problems = rehearse(config)
  complain(file, problems)
  return problems.length === 0 ? 0 : 2
}

/** Reads the file again. Whatever is wrong is said, and then everything is as it was. A status socket that was removed is made again in any case. */
const reread = async (file: string, host: HostSwitch, socket: StatusSocket | undefined): Promise<void> => {
  const renewed = await socket?.renew()
  if (renewed !== undefined && E.isLeft(renewed)) complain(file, [{ path: '/status', reason: renewed.left }])
  const read = readConfig(file)
  if (E.isLeft(read)) host.refused()
  const done = E.isLeft(read) ? read : await host.change(read.right)
  if (E.isRight(done)) {
    say(`configuration read again: ${done.right.length === 0 ? 'no port changed' : done.right.join('; ')}`)
    return
  }
  complain(file, done.left)
  say('configuration refused; everything stays as it was')
}

const draw = (host: HostSwitch): void => {
  const { isTTY } = process.stdout
  const lines = isTTY ? renderScreen(host.status(), process.stderr.isTTY ? said : []) : renderStatus(host.status())
  process.stdout.write(`${isTTY ? CLEAR : ''}${lines.join('\n')}\n`)
}

// Whether this file is the program, rather than imported by a test.
if (process.argv[1] !== undefined && import.meta.filename === realpathSync(process.argv[1])) {
  // A reader that has seen enough (`| head`) is no error, and a full disk one that is told once; frames go on either way.
  process.stdout.on('error', () => undefined)
  process.stderr.on('error', () => undefined)
  process.stdout.once('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE') say(`standard output: ${error.message}`) })
  const options = readOptions(process.argv.slice(2))
  if (E.isLeft(options)) {
    say(`${options.left}; see --help`)
    process.exitCode = 2
  } else if (options.right === 'help') process.stdout.write(HELP)
  else process.exitCode = await run(options.right)
}
