/** What would be published: each package packed, and what must be true of a tarball whoever installs it. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { publishedPackages, root } from '../workspace.mjs'

/**
 * Packs the packages into `folder`; the answer is the tarball of each name.
 *
 * @param {string} folder
 * @returns {Map<string, string>}
 */
export function packAll(folder) {
  return new Map(publishedPackages().map(dir => {
    const out = join(folder, dir)
    execFileSync('pnpm', ['pack', '--pack-destination', out], { cwd: join(root, dir), stdio: ['ignore', 'ignore', 'inherit'] })
    const tarball = join(out, readdirSync(out)[0])
    return [JSON.parse(fileOf(tarball, 'package.json')).name, tarball]
  }))
}

/**
 * What is wrong with a tarball's files and manifest; empty if nothing is.
 *
 * @param {string} tarball
 * @returns {string[]}
 */
export function problemsOf(tarball) {
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n')
  const manifest = JSON.parse(fileOf(tarball, 'package.json'))
  const strays = files.filter(file => /\/(?:test|api|bench)\/|\.test\.|tsbuildinfo|\.out-/.test(file) && !/\/src\/.*bench\.|\/src\/testing\//.test(file))
  const absent = ['package/LICENSE', 'package/README.md'].filter(file => !files.includes(file))
  const unsaid = ['description', 'keywords', 'license', 'engines', 'sideEffects', 'type', 'exports'].filter(key => manifest[key] === undefined)
  const locals = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(([, range]) => range.startsWith('workspace:'))
  // npm shows the README without the repository: a path leads nowhere there.
  const links = [...fileOf(tarball, 'README.md').matchAll(/\]\((?!https:|#)([^)]*)\)/g)].map(([, target]) => target)
  return [
    ...strays.map(file => `${file} should not be in it`),
    ...absent.map(file => `${file} is not in it`),
    ...unsaid.map(key => `package.json has no ${key}`),
    ...locals.map(([name, range]) => `${name} is left as ${range}`),
    ...links.map(target => `README.md links to ${target}, which npm cannot follow`),
    ...(manifest.repository === undefined && manifest.homepage === undefined ? [] : ['package.json names a repository: there is no known address']),
  ]
}

const fileOf = (tarball, file) => execFileSync('tar', ['-xzOf', tarball, `package/${file}`], { encoding: 'utf8' })
