/**
 * Runs every package's tests and ends with the line `N passed, N failed`.
 *
 *   node scripts/test.mjs [--suite unit|property|conformance|live|needs] [package …]
 *
 * The suite `needs` is all test files that may need more than Node, whatever else they are.
 *
 * Beside a failing test these fail the run: a package without tests, a runner that died, and a skipped test that does not say what is
 * missing. Where `CI` is on, a test whose need is not met fails (see `needs/`); which needs were not met, and how many tests were
 * skipped for each, is printed before the counts. Expects the packages built.
 *
 * VFP_SEED=N repeats the properties of an earlier run; without it a seed is drawn. Either way it is printed first.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { countTap, report } from './count-tap.mjs'
import { isOn } from '../needs/dist/src/flag.js'
import { ava, compiledTests, mayNeedMore, root, testedPackages } from './workspace.mjs'

/** A suite is told by the file's name: `x.prop.test.js` is a property, `x.test.js` a unit test. */
const property = file => file.endsWith('.prop.test.js')
const conformance = file => file.endsWith('.conformance.test.js')
const live = file => file.endsWith('.live.test.js')
const needs = (file, dir) => mayNeedMore(join(root, dir, file))
const suites = { unit: file => !property(file) && !conformance(file) && !live(file), property, conformance, live, needs }

const { values, positionals } = parseArgs({ options: { suite: { type: 'string' } }, allowPositionals: true })
const inSuite = values.suite === undefined ? () => true : suites[values.suite]
if (inSuite === undefined) fail(`no such suite: ${values.suite} (there are ${Object.keys(suites).join(', ')})`)
const packages = testedPackages().filter(dir => positionals.length === 0 || positionals.includes(basename(dir)))
if (packages.length === 0) fail(`no such package: ${positionals.join(', ')}`)

// What it starts reads CI in ways of its own: off is unset for all of them.
const { CI, ...rest } = process.env
const environment = isOn(CI) ? process.env : rest
const seed = process.env.VFP_SEED ?? process.env.FC_SEED ?? String(randomInt(2 ** 31))
console.log(`VFP_SEED=${seed} (set it to repeat this run's properties)`)

const total = { passed: 0, failed: 0, skipped: 0, tests: 0 }
/** Skipped tests by what was missing. */
const lacks = new Map()
for (const dir of packages) {
  const files = compiledTests(dir).filter(file => inSuite(file, dir))
  if (files.length === 0) {
    if (values.suite === undefined) complain(`${dir} has no tests`)
    continue
  }
  const { tally, died } = await run(dir, files)
  report(basename(dir), tally)
  const reported = tally.passed + tally.failures.length + tally.skipped.length
  total.passed += tally.passed
  total.failed += tally.failures.length
  total.skipped += tally.skipped.length
  for (const title of tally.skipped) countLacks(dir, title)
  total.tests += reported
  if (died !== undefined) complain(`${dir}: the test runner ${died}`)
  else if (reported === 0) complain(`${dir} has no tests`)
}
if (total.tests === 0) complain('no tests were run')

if (total.skipped > 0) {
  console.log(`${total.skipped} tests were skipped for what is missing:`)
  for (const [lack, count] of [...lacks].sort(([, a], [, b]) => b - a)) console.log(`  ${String(count).padStart(4)}  ${lack}`)
}
const skips = total.skipped === 0 ? '' : `, ${total.skipped} skipped`
console.log(`${total.passed} passed, ${total.failed} failed${skips}`)
process.exitCode = total.failed === 0 ? 0 : 1

/** Runs ava over some of a package's files; `died` says how, if it did not come to the end of its report. */
async function run(dir, files) {
  const child = spawn(process.execPath, [ava, '--tap', ...files], {
    cwd: join(root, dir),
    env: { ...environment, VFP_SEED: seed },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  const tally = await countTap(child.stdout)
  const { code, signal } = await exit
  if (signal !== null) return { tally, died: `was ended by ${signal}` }
  if (!tally.complete) return { tally, died: `ended early, with exit code ${code}` }
  if (code !== 0 && tally.failures.length === 0) return { tally, died: `ended with exit code ${code}` }
  return { tally, died: undefined }
}

/** Notes what a skipped test says is missing: in brackets, at the end of its title. */
function countLacks(dir, title) {
  const [, all] = /\[([^\]]* missing[^\]]*)\]$/.exec(title) ?? []
  if (all === undefined) complain(`${dir}: "${title}" is skipped without a word on what is missing`)
  for (const lack of all?.split('; ') ?? []) lacks.set(lack, (lacks.get(lack) ?? 0) + 1)
}

/** Counts a failure that is no test's. */
function complain(sentence) {
  console.log(`✘ ${sentence}`)
  total.failed += 1
}

function fail(sentence) {
  console.error(sentence)
  process.exit(2)
}
