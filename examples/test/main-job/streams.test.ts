/** The main job between pipes, files and signals, as a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { testNeeding } from '@vfp-ts/needs'
import { readWholeCapture } from '@vfp-ts/adapters/pcap'
import { run } from '../../main-job/job.js'
import type { Report } from '../../main-job/report.js'
import { TENANT } from './tenant.js'

const MAIN = fileURLToPath(new URL('../../main-job/main.js', import.meta.url))

const folderOf = (t: ExecutionContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-streams-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

/** A process with temporary files in a folder of the test's own. */
const start = (t: ExecutionContext, ...args: readonly string[]): { readonly child: ChildProcess; readonly folder: string; readonly ended: Promise<number | null> } => {
  const folder = folderOf(t)
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe', env: { ...process.env, TMPDIR: folder } })
  t.teardown(() => { child.kill('SIGKILL') })
  return { child, folder, ended: new Promise((resolve) => { child.once('close', resolve) }) }
}

const said = (child: ChildProcess): Promise<string> => text(child.stderr as Readable)

for (const [what, bytes] of [['a capture', readFileSync(TENANT)], ['a compressed capture', gzipSync(readFileSync(TENANT))]] as const) {
  test(`streams: ${what} from standard input is read once and gives the report of the file`, async (t) => {
    const { child, folder, ended } = start(t, '--in', '-', '--json')
    const report = text(child.stdout as Readable)
    // In pieces, as a pipe brings it.
    Readable.from((function* () { for (let at = 0; at < bytes.length; at += 10_007) yield bytes.subarray(at, at + 10_007) })()).pipe(child.stdin!)
    t.is(await ended, 0)
    const { capture, frames } = JSON.parse(await report) as Report
    const file = JSON.parse((await run(['--in', TENANT, '--json'])).stdout) as Report
    t.deepEqual(capture, { ...file.capture, file: 'standard input' })
    t.deepEqual(frames, file.frames)
    t.deepEqual(readdirSync(folder), [], 'what was kept is gone')
  })
}

test('streams: an empty, a damaged and a cut standard input are told in one line', async (t) => {
  const whole = readFileSync(TENANT)
  for (const input of [Buffer.alloc(0), Buffer.from('no capture at all, only words'), whole.subarray(0, 5000), gzipSync(whole).subarray(0, 5000)]) {
    const { stderr, code } = await run(['--in', '-', '--json'], { stdin: Readable.from([input]) })
    t.is(code, 1)
    t.regex(stderr, /^main-job: standard input: .+\n$/)
  }
})

test('streams: the wire to standard output is what a file holds, and the report goes to standard error', async (t) => {
  const file = join(folderOf(t), 'wire.pcapng')
  const written = await run(['--out', file])
  const pieces: Uint8Array[] = []
  const { stdout, stderr, code } = await run(['--out', '-'], { stdout: (bytes) => { pieces.push(bytes) } })
  t.is(code, 0)
  t.is(stdout, '')
  t.deepEqual(Buffer.concat(pieces), readFileSync(file))
  // Measurements are never the same twice.
  const alike = (report: string): string => report.replace(/^== Fast and slow path[^]*?^== /m, '== ').replace(/written to .*/, '')
  t.is(alike(stderr), alike(written.stdout))
  t.regex(stderr, /^Wire: 1,906 frames, .* written to standard output$/m)
})

test('streams: binary is not written to a terminal, nor a capture read from one', async (t) => {
  const stdin = Object.assign(Readable.from([]), { isTTY: true })
  for (const [argv, around] of [[['--in', '-'], { stdin }], [['--out', '-'], { stdoutIsTTY: true }]] as const) {
    const { stdout, stderr, code } = await run(argv, around)
    t.is(code, 2)
    t.is(stdout, '')
    t.regex(stderr, /^main-job: --(in|out) - .* which is a terminal.*\n$/)
  }
})

test('streams: a reader of the report that has seen enough is no error', async (t) => {
  const { child, ended } = start(t)
  const errors = said(child)
  child.stdout?.destroy()
  t.is(await ended, 0)
  t.is(await errors, '')
})

test('streams: a reader of the wire that is gone ends the program as it ends others, without a word', async (t) => {
  const { child, ended } = start(t, '--out', '-')
  const errors = said(child)
  child.stdout?.destroy()
  t.is(await ended, 141)
  t.is(await errors, '')
})

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
  test(`streams: ${signal} while it waits for input ends it with ${code} and one line, and nothing is left`, async (t) => {
    const { child, folder, ended } = start(t, '--in', '-')
    const errors = said(child)
    child.stdin?.write(readFileSync(TENANT).subarray(0, 1000))
    while (!readdirSync(folder).some((name) => name.startsWith('vfp-main-job-'))) await new Promise((resolve) => setImmediate(resolve))
    child.kill(signal)
    t.is(await ended, code)
    t.is(await errors, `main-job: stopped by ${signal} while the capture was read\n`)
    t.deepEqual(readdirSync(folder), [])
  })
}

test('streams: stopped under way it says how far it came, the output holds just that, and the bar is gone', async (t) => {
  const file = join(folderOf(t), 'wire.pcapng')
  const stop = new AbortController()
  let ends = 0
  const watch = () => ({ at: (n: number) => { if (n === 1000) stop.abort('SIGINT') }, end: () => { ends++ } })
  const { stdout, stderr, code } = await run(['--out', file], { signal: stop.signal, watch })
  t.is(code, 'stopped')
  t.is(stdout, '', 'half a report would be taken for a whole one')
  t.is(ends, 1)
  const { packets, error } = await readWholeCapture(file)
  t.is(error, undefined)
  t.is(stderr, `main-job: stopped by SIGINT after 1,000 of 2,004 frames; ${file} holds the ${packets.length} frames of the wire until then, and is incomplete\n`)
  t.true(packets.length > 500 && packets.length <= 1000)
})

testNeeding('/dev/full', 'sh')('streams: a full disk is one line, whether the report or the wire goes there', (t) => {
  for (const [args, where] of [['--out /dev/full', '/dev/full: Io'], ['>/dev/full', 'standard output'], ['--out - >/dev/full', 'standard output: Io'], ['--json >/dev/full', 'standard output']] as const) {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', `"$0" "$1" ${args}`, process.execPath, MAIN], { encoding: 'utf8' })
    t.is(status, 1, args)
    t.is(stdout, '')
    t.regex(stderr, new RegExp(`^main-job: ${where}: ENOSPC: no space left on device, write\n$`), args)
  }
})

testNeeding('mkfifo', 'sh', 'cat')('streams: a named pipe is read once like standard input, and waiting for its writer can be stopped', async (t) => {
  const pipe = join(folderOf(t), 'pipe')
  spawnSync('mkfifo', [pipe])
  const { child, folder, ended } = start(t, '--in', pipe)
  while (readdirSync(folder).length === 0) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGINT')
  t.is(await ended, 130)
  const writer = spawn('sh', ['-c', 'cat "$0" >"$1"', TENANT, pipe])
  t.teardown(() => { writer.kill('SIGKILL') })
  const again = start(t, '--in', pipe, '--json')
  const report = text(again.child.stdout as Readable)
  t.is(await again.ended, 0)
  t.is((JSON.parse(await report) as Report).capture.frames, 2004)
})
