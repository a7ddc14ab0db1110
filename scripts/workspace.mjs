/** Where things are: the workspace's packages and their compiled tests, as the other scripts see them. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
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
 * The directories that must have tests: all of what is published, and whatever else says so by a `test` script.
 *
 * @returns {string[]}
 */
export function testedPackages() {
  const examples = JSON.parse(readFileSync(join(root, 'examples/package.json'), 'utf8'))
  return [...publishedPackages(), ...(examples.scripts?.test === undefined ? [] : ['examples'])]
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
