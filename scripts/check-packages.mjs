/**
 * Packs each published package as it would be released and has publint and attw look at the tarball: that `exports`
 * and the types agree, that every door opens for every kind of importer, that nothing is missing. attw's profile is
 * esm-only: that `require` finds no CommonJS is the intent.
 *
 * Also refuses tests and build state in a tarball. Expects the packages built.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publishedPackages, root } from './workspace.mjs'

const bin = name => join(root, 'node_modules/.bin', name)
const scratch = mkdtempSync(join(tmpdir(), 'vfp-ts-packages-'))
let failed = 0
try {
  for (const dir of publishedPackages()) {
    const out = join(scratch, dir)
    execFileSync('pnpm', ['pack', '--pack-destination', out], { cwd: join(root, dir), stdio: ['ignore', 'ignore', 'inherit'] })
    const tarball = join(out, readdirSync(out)[0])
    const strays = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
      .split('\n')
      .filter(file => /\/test\/|\.test\.|tsbuildinfo|\.out-/.test(file))
    const ok = [
      check(dir, 'contents', strays.length === 0, `should not be in the tarball: ${strays.join(', ')}`),
      run(dir, 'publint', ['--strict', tarball]),
      run(dir, 'attw', ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji', tarball]),
    ]
    failed += ok.filter(each => !each).length
  }
} finally {
  rmSync(scratch, { recursive: true })
}
process.exitCode = failed === 0 ? 0 : 1

function run(dir, tool, args) {
  const { status, stdout, stderr, error } = spawnSync(bin(tool), args, { encoding: 'utf8' })
  return check(dir, tool, status === 0, error?.message ?? stdout + stderr)
}

function check(dir, what, ok, why) {
  console.log(`${ok ? 'ok' : 'not ok'} ${dir} ${what}`)
  if (!ok) console.log(why)
  return ok
}
