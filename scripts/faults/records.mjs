/**
 * The planted faults: what they say, and whether they still apply.
 *
 * `faults/<area>.json` holds an array of records, each one place in one file:
 *
 *   name      unique in its file of records; a fault is called `<area>/<name>`
 *   file      the source, `packages/<package>/src/….ts`, `needs/src/….ts` or `examples/….ts`
 *   find      text that stands exactly once in it
 *   instead   what stands there when the fault is planted
 *   tests     parts of titles of tests, of which each has to fail
 *   package   whose tests they are, where that is not the file's own package
 *   why       what is broken then
 *
 * A fault that needs several places at once is a patch, `faults/<name>.patch`: a unified diff below a header of `# key: value` lines with
 * `package`, `expect` (part of a test's title) and `why`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { root } from '../workspace.mjs'

/**
 * @typedef {object} Fault
 * @property {string} name `area/name`, or a patch's name
 * @property {readonly string[]} files sources that it changes
 * @property {string} dir directory of the package whose tests have to notice
 * @property {readonly string[]} tests parts of titles
 * @property {string} why
 * @property {{ find: string, instead: string } | undefined} edit of the one file of a record
 * @property {string | undefined} patch path of the patch
 * @property {string} home the file in `faults/` that says all this
 */

const folder = join(root, 'faults')

/** Reads every fault, in the order of their names; what is malformed throws, with its file and name. */
export function readFaults() {
  const files = readdirSync(folder).sort()
  const records = files.filter(file => file.endsWith('.json')).flatMap(file => recordsOf(file))
  const patches = files.filter(file => file.endsWith('.patch')).map(file => patchOf(file))
  const faults = [...records, ...patches]
  const twice = faults.find(({ name }, i) => faults.findIndex(other => other.name === name) !== i)
  if (twice !== undefined) throw new Error(`${twice.home}: there are two faults named ${twice.name}`)
  return faults
}

/**
 * What keeps a fault from being planted or noticed as it stands: a place that is gone or there twice, a test that is gone.
 *
 * @param {Fault} fault
 * @returns {string[]}
 */
export function problemsOf(fault) {
  return [...placeProblems(fault), ...fault.tests.filter(title => !isSpelled(fault.dir, title)).map(title => `no test in ${fault.dir} has "${title}" in its title`)]
}

/** The source text of a record with its fault in. */
export function planted({ name, files: [file], edit }, text = readFileSync(join(root, file), 'utf8')) {
  const parts = text.split(edit.find)
  if (parts.length !== 2) throw new Error(`${name}: the text to find stands ${parts.length - 1} times in ${file}`)
  return parts.join(edit.instead)
}

/** Runs git apply; the ceiling keeps git from taking a scratch copy for a part of a repository around it: it would skip the files. */
export function gitApply(cwd, ...args) {
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() }
  const { status, stdout, stderr, error } = spawnSync('git', ['apply', '--whitespace=nowarn', ...args], { cwd, env, encoding: 'utf8' })
  return { ok: status === 0, text: (error?.message ?? stdout + stderr).trim() }
}

function recordsOf(file) {
  const area = basename(file, '.json')
  const known = ['name', 'file', 'find', 'instead', 'tests', 'package', 'law', 'why']
  return JSON.parse(readFileSync(join(folder, file), 'utf8')).map(record => {
    const { name, file: source, find, instead, tests, why } = record
    const complain = reason => { throw new Error(`faults/${file}: ${JSON.stringify(name)} ${reason}`) }
    for (const [key, value] of Object.entries({ name, file: source, find, why })) if (typeof value !== 'string' || value === '') complain(`has no text "${key}"`)
    if (typeof instead !== 'string' || instead === find) complain('has no "instead" that differs from "find"')
    if (!Array.isArray(tests) || tests.length === 0 || tests.some(title => typeof title !== 'string' || title === '')) complain('has no list "tests" of titles')
    const stray = Object.keys(record).find(key => !known.includes(key))
    if (stray !== undefined) complain(`has a key "${stray}" that means nothing`)
    const own = /^(packages\/[^/]+|needs)\/src\/.*\.ts$/.exec(source)?.[1] ?? (/^examples\/.*\.ts$/.test(source) ? 'examples' : complain('is about no source of a package, of the examples or of needs'))
    return { name: `${area}/${name}`, files: [source], dir: dirOf(record.package) ?? own, tests, why, edit: { find, instead }, patch: undefined, home: `faults/${file}` }
  })
}

function patchOf(file) {
  const header = {}
  const text = readFileSync(join(folder, file), 'utf8')
  for (const line of text.split('\n')) {
    const pair = /^# (\w+): *(.*\S)/.exec(line)
    if (pair === null) break
    header[pair[1]] = pair[2]
  }
  for (const key of ['package', 'expect', 'why']) {
    if (header[key] === undefined) throw new Error(`faults/${file}: the header has no "# ${key}:" line`)
  }
  const files = [...text.matchAll(/^\+\+\+ b\/(\S+)/gm)].map(([, path]) => path)
  return {
    name: basename(file, '.patch'), files, dir: dirOf(header.package), tests: [header.expect], why: header.why, edit: undefined, patch: join(folder, file), home: `faults/${file}`,
  }
}

function dirOf(name) {
  return name === undefined ? undefined : ['examples', 'needs'].includes(name) ? name : `packages/${name}`
}

function placeProblems(fault) {
  const gone = fault.files.filter(file => !existsSync(join(root, file)))
  if (gone.length > 0) return gone.map(file => `${file} is not there`)
  if (fault.patch !== undefined) {
    const { ok, text } = gitApply(root, '--check', fault.patch)
    return ok ? [] : [`the patch no longer applies: ${text}`]
  }
  const times = readFileSync(join(root, fault.files[0]), 'utf8').split(fault.edit.find).length - 1
  return times === 1 ? [] : [`the text to find stands ${times} times in ${fault.files[0]}`]
}

/**
 * The test sources of a package that spell out a title.
 *
 * @param {string} dir the package, relative to the root
 * @param {string} title part of a title
 * @returns {string[]} paths relative to the root
 */
export function spelling(dir, title) {
  return testSources(dir).filter(({ text }) => text.includes(title)).map(({ path }) => path)
}

const isSpelled = (dir, title) => spelling(dir, title).length > 0

const sources = new Map()
function testSources(dir) {
  const known = sources.get(dir)
  if (known !== undefined) return known
  const found = readdirSync(join(root, dir, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.ts'))
    .map(file => ({ path: `${dir}/test/${file}`, text: readFileSync(join(root, dir, 'test', file), 'utf8') }))
  sources.set(dir, found)
  return found
}
