/**
 * Plants each fault of `faults/*.patch` and requires a test to notice: the proof that a law's property can fail.
 *
 *   node scripts/planted-faults.mjs [part of a patch's name …]
 *
 * As many run side by side as there are processors, two at most, each in a scratch copy of its own; `--share 1/2` is one of them.
 *
 * A patch is a unified diff against packages' `src`, below a header of `# key: value` lines:
 *
 *   # law: 2                                        which law of ARCHITECTURE.md, if it is about one
 *   # package: core                                 whose tests have to notice
 *   # expect: law 2: apply of a composition         part of the title of a test that has to fail
 *   # why: compose forgets the second TTL change    what is broken
 *
 * All happens in a scratch copy of the workspace: fault by fault it is patched, built incrementally, tested and put
 * right again. Only tests with `expect` in their title are run. They run on the sound copy first: what fails there
 * proves nothing. A fault is missed if every such test passes with it, if there is no such test, or if the patch no
 * longer applies. Expects the packages built, and git.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { countTap } from './count-tap.mjs'
import { compiledTests, root } from './workspace.mjs'

/** How long the tests of one fault may take: a fault may well be an endless loop. */
const timeoutMs = 120_000

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const { values: { share }, positionals: wanted } = parseArgs({ options: { share: { type: 'string' } }, allowPositionals: true })
if (share === undefined && availableParallelism() > 1) process.exit(await sideBySide(2))

const scratch = mkdtempSync(join(tmpdir(), 'vfp-ts-faults-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

const [own, shares] = (share ?? '1/1').split('/').map(Number)
// A package's faults lie together by name, so the shares go round: each has some of all packages.
const faults = readFaults().filter(({ name }) => wanted.length === 0 || wanted.some(part => name.includes(part))).filter((_, i) => i % shares === own - 1)
copyWorkspace()
const brokenAnyway = await failuresWithoutFaults()

let missed = 0
for (const fault of faults) {
  const started = performance.now()
  const { caught, how } = await plant(fault)
  if (!caught) missed += 1
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const law = fault.law === undefined ? '' : `law ${fault.law}, `
  console.log(`${caught ? 'caught' : 'MISSED'}: ${law}${fault.name} (${fault.why}): ${how} (${seconds} s)`)
}
console.log(`${faults.length - missed} faults caught, ${missed} missed`)
process.exitCode = missed === 0 ? 0 : 1

/** Runs the shares in processes of their own; the exit code of all of them. What a share says is passed on but for its counts, which are added. */
async function sideBySide(count) {
  let caught = 0
  let missed = 0
  const codes = await Promise.all(Array.from({ length: count }, async (_, i) => {
    const child = spawn(process.execPath, [process.argv[1], '--share', `${i + 1}/${count}`, ...wanted], { stdio: ['ignore', 'pipe', 'inherit'] })
    process.on('exit', () => child.kill())
    const exit = once(child, 'close')
    for await (const line of createInterface({ input: child.stdout })) {
      const counts = /^(\d+) faults caught, (\d+) missed$/.exec(line)
      if (counts === null) console.log(line)
      caught += Number(counts?.[1] ?? 0)
      missed += Number(counts?.[2] ?? 0)
    }
    const [code] = await exit
    return code
  }))
  if (caught + missed === 0) console.log('there are no faults to plant')
  console.log(`${caught} faults caught, ${missed} missed`)
  return codes.every(code => code === 0) && caught > 0 ? 0 : 1
}

/** Reads the patches and their headers, in the order of their names. */
function readFaults() {
  const dir = join(root, 'faults')
  const names = readdirSync(dir).filter(name => name.endsWith('.patch'))
  return names.sort().map(name => {
    const header = {}
    for (const line of readFileSync(join(dir, name), 'utf8').split('\n')) {
      const pair = /^# (\w+): *(.*\S)/.exec(line)
      if (pair === null) break
      header[pair[1]] = pair[2]
    }
    for (const key of ['package', 'expect', 'why']) {
      if (header[key] === undefined) throw new Error(`faults/${name}: the header has no "# ${key}:" line`)
    }
    return { name: basename(name, '.patch'), file: join(dir, name), ...header }
  })
}

/**
 * Copies sources and build state. The root's node_modules is linked; a package's own is copied, being relative links
 * itself: so packages of the copy find each other, not the originals.
 */
function copyWorkspace() {
  const leaveOut = /^(\.git|node_modules|docs\/api)$|(^|\/)(\.out-[^/]*|\.snippets)$/
  cpSync(root, scratch, {
    recursive: true,
    preserveTimestamps: true, // or tsc would build everything anew
    verbatimSymlinks: true,
    filter: source => !leaveOut.test(relative(root, source)),
  })
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'))
}

/** Titles of expected tests that fail on the sound copy, by package. */
async function failuresWithoutFaults() {
  const titles = new Map()
  for (const name of new Set(faults.map(fault => fault.package))) {
    const built = build(name)
    if (!built.ok) console.log(`packages/${name} does not compile without a fault:\n${built.errors}`)
    const expected = faults.filter(fault => fault.package === name).map(fault => fault.expect)
    const { failures } = await test(name, expected, expected.length * timeoutMs)
    titles.set(name, new Set(failures.map(withoutSeed)))
  }
  return titles
}

async function plant(fault) {
  const touched = gitApply('--numstat', fault.file)
  if (!touched.ok) return { caught: false, how: `the patch no longer applies: ${touched.text}` }
  const strays = touched.text.split('\n').filter(line => !/\tpackages\/[^/]+\/src\//.test(line))
  if (strays.length > 0) return { caught: false, how: `the patch touches more than packages' src: ${strays.join(', ')}` }
  const applied = gitApply('--whitespace=nowarn', fault.file)
  if (!applied.ok) return { caught: false, how: `the patch no longer applies: ${applied.text}` }
  const verdict = await judge(fault)
  const reverted = gitApply('--reverse', '--whitespace=nowarn', fault.file)
  if (!reverted.ok) throw new Error(`cannot take ${fault.name} back: ${reverted.text}`)
  return verdict
}

/** Builds and tests with the fault in. */
async function judge(fault) {
  const note = build(fault.package).ok ? '' : '; it does not type-check'
  const { passed, failures, complete } = await test(fault.package, [fault.expect], timeoutMs)
  const expected = failures.filter(({ title }) => title.includes(fault.expect))
  const caughtBy = expected.find(failure => !brokenAnyway.get(fault.package).has(withoutSeed(failure)))
  if (caughtBy !== undefined) return { caught: true, how: `by "${caughtBy.title}"${note}` }
  if (expected.length > 0) return { caught: false, how: `"${expected[0].title}" fails without it, too${note}` }
  if (!complete) return { caught: false, how: `the test runner did not come to its end${note}` }
  if (passed === 0) return { caught: false, how: `no test has "${fault.expect}" in its title${note}` }
  return { caught: false, how: `tests with "${fault.expect}" in their title pass: ${passed}${note}` }
}

/** A failed test's title; @fast-check/ava adds the seed, which differs from run to run. */
function withoutSeed({ title }) {
  return title.replace(/ \(with seed=-?\d+\)$/, '')
}

/** The ceiling keeps git from taking the scratch copy for a part of a repository around it: it would skip the files. */
function gitApply(...args) {
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() }
  const { status, stdout, stderr, error } = spawnSync('git', ['apply', ...args], { cwd: scratch, env, encoding: 'utf8' })
  return { ok: status === 0, text: (error?.message ?? stdout + stderr).trim() }
}

/** Builds a package and what it depends on; tsc emits in spite of type errors. */
function build(name) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-b', join('packages', name)], { cwd: scratch, encoding: 'utf8' })
  return { ok: status === 0, errors: stdout }
}

/** Runs a package's tests that have one of `parts` in their title, in the files that spell it out if there are such. */
async function test(name, parts, timeout) {
  const dir = join('packages', name)
  const files = compiledTests(dir, scratch)
  const spelling = files.filter(file => {
    const text = readFileSync(join(scratch, dir, file), 'utf8')
    return parts.some(part => text.includes(part))
  })
  const allSpelled = parts.every(part => spelling.some(file => readFileSync(join(scratch, dir, file), 'utf8').includes(part)))
  const args = [...parts.map(part => `--match=*${part}*`), ...(allSpelled ? spelling : files)]
  const child = spawn(process.execPath, [join(scratch, 'node_modules/ava/entrypoints/cli.mjs'), '--tap', ...args], {
    cwd: join(scratch, dir),
    // That a test fails is enough; the smallest example of it would take most of the time.
    env: { ...process.env, VFP_NO_SHRINKING: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout,
    killSignal: 'SIGKILL',
  })
  return countTap(child.stdout)
}
