/** The program as a process of its own, as its user starts it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { Status } from '../../host-switch/status-document.js'
import { askStatus } from '../../host-switch/status-socket.js'
import { until } from '../../live/namespaces.js'

const MAIN = fileURLToPath(new URL('../../host-switch/main.js', import.meta.url))

/** A running program. */
export interface Program {
  readonly process: ChildProcess
  /** What it has said so far. */
  readonly out: () => string
  readonly errors: () => string
  readonly status: () => Promise<Status>
  /** Writes the configuration anew. */
  readonly write: (config: unknown) => void
  readonly signal: (name: NodeJS.Signals) => void
  /** Its exit code. */
  readonly ended: Promise<number | null>
}

/** A folder that goes with the test. */
export const folderOf = (t: ExecutionContext): string => {
  const folder = mkdtempSync(join(tmpdir(), `vfp-${process.pid}-`))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  return folder
}

/** Starts the program, in a network namespace if one is named; it is gone when the test ends. */
export const start = (t: ExecutionContext, folder: string, config: unknown, namespace?: string): Program => {
  const file = join(folder, 'host.json')
  const write = (json: unknown): void => { writeFileSync(file, typeof json === 'string' ? json : JSON.stringify(json)) }
  write(config)
  const command = [...(namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]), process.execPath, MAIN, file]
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
  const ended = new Promise<number | null>((resolve) => { child.once('close', resolve) })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  return {
    process: child, out: () => out, errors: () => errors, write, ended,
    // What answers there is the program under test.
    status: async () => (await askStatus(join(folder, 'status.sock'))) as Status,
    signal: (name) => { child.kill(name) },
  }
}

/** Starts the program and waits until frames pass. */
export const ready = async (t: ExecutionContext, folder: string, config: unknown, namespace?: string): Promise<Program> => {
  const program = start(t, folder, config, namespace)
  await until('the ready line', () => {
    if (program.process.exitCode !== null) throw new Error(`it ended with ${program.process.exitCode}: ${program.errors()}`)
    return program.out().includes('is ready\n')
  }, program.errors)
  return program
}
