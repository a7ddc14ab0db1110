/**
 * Runs every example as a reader would, and requires of each that it exits with 0 and prints something.
 *
 *   node examples/run-all.mjs
 *
 * Every TypeScript file of this folder is one, and so is the main job, in each of its forms. Expects them built.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'vfp-ts-examples-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

const small = readdirSync(folder).filter(file => file.endsWith('.ts')).sort().map(file => [file.replace(/ts$/, 'js')])
const mainJob = [[], ['--json'], ['--explain', '100'], ['--explain', '100', '--json'], ['--out', join(scratch, 'wire.pcapng.gz')], ['--help']]
const programs = [...small, ...mainJob.map(args => ['main-job/main.js', ...args])]

let failed = 0
for (const [file, ...args] of programs) {
  const path = join(folder, 'dist', file)
  const { status, signal, stdout, stderr, error } = existsSync(path)
    ? spawnSync(process.execPath, [path, ...args], { encoding: 'utf8', timeout: 120_000, maxBuffer: 2 ** 26 })
    : { status: null, signal: null, stdout: '', stderr: `${path} is not built\n`, error: undefined }
  const good = status === 0 && stdout.trim() !== ''
  if (!good) failed += 1
  const why = good ? '' : status === 0 ? ': prints nothing' : `: ${error?.message ?? signal ?? `exit code ${status}`}\n${stderr}`
  console.log(`${good ? 'ok' : 'not ok'} ${[file, ...args.map(arg => arg.replace(scratch, '…'))].join(' ')}${why}`)
}
console.log(`${programs.length - failed} examples ran, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
