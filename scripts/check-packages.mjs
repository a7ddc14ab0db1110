/**
 * Packs each published package as it would be released, and uses it as its users do.
 *
 * publint and attw look at the tarballs: that `exports` and the types agree, that every door opens for every kind of importer, that nothing is missing.
 * attw's profile is esm-only: that `require` finds no CommonJS is the intent. Then a fresh project outside of the workspace installs them by npm,
 * is type-checked, runs under Node, Bun and Deno, and in a browser; and two copies of core meet. Expects the packages built.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { browser } from './packages/browser.mjs'
import { runs, typeChecks } from './packages/consumer.mjs'
import { copies } from './packages/copies.mjs'
import { makeProject } from './packages/project.mjs'
import { packAll, problemsOf } from './packages/tarballs.mjs'
import { root } from './workspace.mjs'

const scratch = mkdtempSync(join(tmpdir(), 'vfp-ts-packages-'))
const results = []
try {
  const tarballs = packAll(scratch)
  for (const [name, tarball] of tarballs) {
    const problems = problemsOf(tarball)
    results.push(
      check(`${name}: contents`, problems.length === 0, problems.join('\n')),
      run(name, 'publint', ['--strict', tarball]),
      run(name, 'attw', ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji', tarball]),
    )
  }
  const project = join(scratch, 'project')
  makeProject(project, tarballs)
  results.push(...typeChecks(project, check), ...runs(project, check), ...copies(project, tarballs, check), ...browser(project, check))
} finally {
  rmSync(scratch, { recursive: true })
}
process.exitCode = results.every(Boolean) ? 0 : 1

function run(name, tool, args) {
  const { status, stdout, stderr, error } = spawnSync(join(root, 'node_modules/.bin', tool), args, { encoding: 'utf8' })
  return check(`${name}: ${tool}`, status === 0, error?.message ?? stdout + stderr)
}

function check(what, ok, why) {
  console.log(`${ok ? 'ok' : 'not ok'} ${what}`)
  if (!ok) console.log(why)
  return ok
}
