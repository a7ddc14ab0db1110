/** Where things are: the workspace's packages and their compiled tests, as the other scripts see them. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The workspace's root directory, without a trailing slash. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

/** ava's command line, to be run with this Node: packages need no `node_modules/.bin` on the PATH. */
export const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs')

/**
 * The directories, relative to the root, of what is published (`packages/*`).
 *
 * @returns {string[]}
 */
export function publishedPackages() {
  return readdirSync(join(root, 'packages'))
    .map(name => `packages/${name}`)
    .filter(dir => existsSync(join(root, dir, 'package.json')))
    .sort()
}

/**
 * The doors of a package, as its `exports` name them, whatever the conditions: `path` (`./pcap`), `name` (`@vfp-ts/adapters/pcap`) and the file of its
 * declarations, `types`. Those of `nodeOnly` open under the condition `node` alone. `./package.json` is no door.
 *
 * @param {string} dir
 * @returns {{ path: string, name: string, types: string | undefined, nodeOnly: boolean }[]}
 */
export function doorsOf(dir) {
  const { name, exports } = JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8'))
  return Object.entries(exports).filter(([path]) => path !== './package.json').map(([path, target]) => ({
    path,
    name: `${name}${path.slice(1)}`,
    types: typesOf(target),
    nodeOnly: target.default === undefined && target.node !== undefined,
  }))
}

/** The declarations of a door, the conditions nested or not. */
const typesOf = target => (typeof target === 'string' ? undefined : target.types ?? Object.values(target).map(typesOf).find(types => types !== undefined))

/**
 * The directories that must have tests: all of what is published, and whatever else says so by a `test` script.
 *
 * @returns {string[]}
 */
export function testedPackages() {
  const isTested = dir => JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8')).scripts?.test !== undefined
  return [...publishedPackages(), ...['examples', 'needs'].filter(isTested)]
}

/**
 * Returns whether a compiled test file may need more than Node: it, or a file it imports by a path, reaches `@vfp-ts/needs` or starts processes.
 *
 * @param {string} file absolute path
 * @returns {boolean}
 */
export function mayNeedMore(file, seen = new Set()) {
  if (seen.has(file) || !existsSync(file)) return false
  seen.add(file)
  const imported = [...readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}) .*?['"]([^'"]+)['"];?$|^import ['"]([^'"]+)['"]/gm)].map(([, from, bare]) => from ?? bare)
  return imported.some(name => name === '@vfp-ts/needs' || name === 'node:child_process' || (name.startsWith('.') && mayNeedMore(join(dirname(file), name), seen)))
}

/**
 * A package's compiled test files, relative to its directory. A file whose source is gone is a leftover of an earlier
 * build (tsc removes nothing) and is left out.
 *
 * @param {string} dir the package, relative to `base`
 * @param {string} [base] the workspace, unless it is this one
 * @returns {string[]}
 */
export function compiledTests(dir, base = root) {
  const dist = join(base, dir, 'dist')
  if (!existsSync(join(dist, 'test'))) return []
  return readdirSync(join(dist, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.js'))
    .filter(file => existsSync(join(base, dir, 'test', file.replace(/js$/, 'ts'))))
    .map(file => `dist/test/${file}`)
    .sort()
}
