/**
 * `pnpm changeset …`: changesets, with what `version` needs here.
 *
 * Where a peer dependency leaves its range, changesets makes the dependents' version a major one, so core's 0.2.0 would make layers 1.0.0. All packages are
 * released together under one version (`fixed`), and npm is given `^` of it (`workspace:^`); so while versions are made, the range is one that nothing leaves.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedPackages, root } from './workspace.mjs'

const args = process.argv.slice(2)
const run = (program, ...more) => spawnSync(process.execPath, [join(root, program), ...more], { cwd: root, stdio: 'inherit' }).status ?? 1
const changesets = () => run('node_modules/@changesets/cli/bin.js', ...args)

process.exitCode = args[0] === 'version' ? version() : changesets()

function version() {
  const manifests = publishedPackages().map(dir => join(root, dir, 'package.json'))
  const ranges = (from, to) => {
    for (const file of manifests) {
      const manifest = JSON.parse(readFileSync(file, 'utf8'))
      const ours = Object.entries(manifest.peerDependencies ?? {}).filter(([name, range]) => name.startsWith('@vfp-ts/') && from(range))
      if (ours.length === 0) continue
      for (const [name] of ours) manifest.peerDependencies[name] = to
      writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
    }
  }
  ranges(range => range === 'workspace:^', 'workspace:>=0.0.0')
  try {
    const status = changesets()
    if (status !== 0) return status
  } finally {
    ranges(range => range.startsWith('workspace:'), 'workspace:^')
  }
  return run('scripts/core-version.mjs', '--write')
}
