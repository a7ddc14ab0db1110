import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { isMet, missing } from '@vfp-ts/needs'

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))
const AVA = fileURLToPath(new URL('../../../node_modules/ava/entrypoints/cli.mjs', import.meta.url))

/** The lines about its tests of `needy.test.ts`, run with these variables on a PATH with `node` alone. */
const outcomes = (t: ExecutionContext, env: Readonly<Record<string, string>>): readonly string[] => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-path-'))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  symlinkSync(process.execPath, join(folder, 'node'))
  const { CI: _, VFP_WITHOUT: __, ...rest } = process.env
  const { stdout } = spawnSync(process.execPath, [AVA, '--tap', 'dist/test/needy.test.js'], { cwd: PACKAGE, encoding: 'utf8', env: { ...rest, PATH: folder, ...env } })
  return stdout.split('\n').filter((line) => /^(not )?ok |^ +message: /.test(line)).map((line) => line.replace(/ \d+ - /, ' '))
}

const WHY = 'sh is missing (Debian: dash); grep is missing (Debian: grep)'
const SKIPPED = ['needy: runs alone where its programs are', 'needy: runs where its programs are'].map((title) => `ok ${title} [${WHY}] # SKIP`)

test('needs: a test without its programs is skipped, and says which package has them, where CI is off', (t) => {
  for (const env of [{}, { CI: 'false' }]) t.deepEqual(outcomes(t, env).toSorted(), SKIPPED)
})

test('needs: a test without its programs fails where CI is on, unless all that it lacks is excused', (t) => {
  for (const env of [{ CI: 'true' }, { CI: '1', VFP_WITHOUT: 'grep' }]) {
    const said = outcomes(t, env)
    t.is(said.filter((line) => line.startsWith('not ok ')).length, 2, said.join('\n'))
    t.is(said.filter((line) => line.includes(WHY)).length, 2, said.join('\n'))
  }
  t.deepEqual(outcomes(t, { CI: 'true', VFP_WITHOUT: 'grep, sh' }).toSorted(), SKIPPED)
})

test('needs: a program counts as there only if a file of the PATH can be run', (t) => {
  process.env['PATH'] = '/nowhere::/etc'
  t.deepEqual(missing(['dig', 'tshark', 'ping']).map(({ phrase }) => phrase), [
    'dig is missing (Debian: bind9-dnsutils)', 'tshark is missing (Debian: tshark)', 'ping is missing (Debian: iputils-ping)',
  ])
  t.false(isMet('nginx', 'dig'))
  t.true(isMet())
})
