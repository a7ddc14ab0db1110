/** A fresh project outside of the workspace, with the packed packages and what runs them, as a user would install them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../workspace.mjs'

/** Programs that run JavaScript, by npm package: binaries without install scripts. Pinned; no dependency of the workspace. */
const arch = process.arch
export const RUNTIMES = {
  'Node 20': { alias: 'node-20', package: `npm:node-linux-${arch}@20.20.2`, binary: 'bin/node', args: [] },
  'Node 22': { alias: 'node-22', package: `npm:node-linux-${arch}@22.23.5`, binary: 'bin/node', args: [] },
  // The build for processors without AVX2.
  Bun: { alias: 'bun-binary', package: `npm:@oven/bun-linux-${arch === 'x64' ? 'x64-baseline' : 'aarch64'}@1.4.5`, binary: 'bin/bun', args: ['run'] },
  Deno: { alias: 'deno-binary', package: `npm:@deno/linux-${arch}-glibc@2.9.6`, binary: 'deno', args: ['run', '--no-prompt', '--allow-read', '--allow-env', '--node-modules-dir=manual'] },
}
const ESBUILD = '0.28.2'

/**
 * Makes the project in `folder` and installs it with npm. koffi is not installed: it is optional, and so every door opens without it.
 *
 * @param {string} folder
 * @param {Map<string, string>} tarballs by package
 */
export function makeProject(folder, tarballs) {
  const core = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8'))
  const workspace = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { 'fp-ts': fpTs, 'io-ts': ioTs, 'fast-check': fastCheck } = core.devDependencies
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({
    private: true,
    type: 'module',
    dependencies: { ...Object.fromEntries([...tarballs].map(([name, tarball]) => [name, `file:${tarball}`])), 'fp-ts': fpTs, 'io-ts': ioTs, 'fast-check': fastCheck },
    devDependencies: {
      '@types/node': workspace.devDependencies['@types/node'],
      esbuild: ESBUILD,
      ...Object.fromEntries(Object.values(RUNTIMES).map(({ alias, package: from }) => [alias, from])),
    },
  }, null, 2))
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
}

/**
 * Runs a program of the project.
 *
 * @param {string} folder
 * @param {string} program absolute
 * @param {string[]} args
 * @returns {{ ok: boolean, text: string, out: string }} whether it succeeded, all it said, and what of that on standard output
 */
export function runIn(folder, program, args) {
  const { status, stdout = '', stderr = '', error } = spawnSync(program, args, {
    cwd: folder, encoding: 'utf8', timeout: 300_000, env: { ...process.env, NO_COLOR: '1', DENO_DIR: join(folder, '.deno'), DENO_NO_UPDATE_CHECK: '1', NODE_OPTIONS: '' },
  })
  return { ok: status === 0, text: error?.message ?? stdout + stderr, out: stdout }
}

/** The program of the README's thirty lines, and what it prints. */
export function thirtyLines() {
  const page = readFileSync(join(root, 'README.md'), 'utf8')
  const [, code, output] = /## Thirty lines[^]*?```ts\n([^]*?)```\n\n```text output\n([^]*?)```/.exec(page) ?? []
  if (code === undefined || output === undefined) throw new Error('README.md has no thirty lines with their output')
  return { code, output }
}
