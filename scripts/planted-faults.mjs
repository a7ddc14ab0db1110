/**
 * Plants each fault of `faults/` and requires its tests to notice: the proof that a law's property can fail.
 *
 *   node scripts/planted-faults.mjs            those whose source, tests or record changed since the commit in `faults/caught-at`
 *   node scripts/planted-faults.mjs --all      all of them
 *   node scripts/planted-faults.mjs --check    plants none; says which cannot be planted or noticed as they stand
 *   node scripts/planted-faults.mjs --record   all of them; if all are caught, names this commit in `faults/caught-at`
 *   node scripts/planted-faults.mjs PART …     those with one of the parts in their name
 *
 * As many run side by side as there are processors, two at most, each in a scratch copy of its own. The tests run on the sound copy first:
 * what fails there proves nothing. A fault is missed if one of its tests passes with it. Expects the packages built, and git.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { changedFaults, recordCaught } from './faults/changed.mjs'
import { problemsOf, readFaults } from './faults/records.mjs'
import { Scratch } from './faults/scratch.mjs'

const { values: asked, positionals: parts } = parseArgs({
  options: { all: { type: 'boolean' }, check: { type: 'boolean' }, record: { type: 'boolean' } },
  allowPositionals: true,
})
const everyFault = readFaults()
if (asked.check) process.exit(check())

const started = performance.now()
const faults = chosen()
const workers = Math.min(2, availableParallelism())
const scratches = []
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
process.on('exit', () => scratches.forEach(scratch => scratch.remove()))
if (faults.length > 0) for (let i = 0; i < workers; i++) scratches.push(new Scratch())

const brokenAnyway = await failuresWithoutFaults()
const queue = [...faults]
let missed = 0
await Promise.all(scratches.map(work))
const seconds = ((performance.now() - started) / 1000).toFixed(0)
console.log(`${faults.length - missed} faults caught, ${missed} missed, in ${seconds} s`)
process.exitCode = missed === 0 ? 0 : 1
if (asked.record && missed === 0) recordCaught()

/** Says what keeps faults from being planted; the exit code. */
function check() {
  const problems = everyFault.flatMap(fault => problemsOf(fault).map(problem => `${fault.home}: ${fault.name}: ${problem}`))
  for (const problem of problems) console.log(problem)
  console.log(`${everyFault.length} faults, ${problems.length} problems`)
  return problems.length === 0 ? 0 : 1
}

function chosen() {
  if (parts.length > 0) {
    const named = everyFault.filter(({ name }) => parts.some(part => name.includes(part)))
    if (named.length > 0) return named
    console.log(`no fault has ${parts.join(' or ')} in its name`)
    process.exit(1)
  }
  if (asked.all || asked.record) return everyFault
  const { faults: changed, why } = changedFaults(everyFault)
  console.log(why)
  return changed
}

/** Titles of expected tests that fail on the sound copy, by package. */
async function failuresWithoutFaults() {
  const dirs = [...new Set(faults.map(({ dir }) => dir))]
  const titles = new Map()
  const next = async scratch => {
    for (let dir = dirs.pop(); dir !== undefined; dir = dirs.pop()) {
      const expected = [...new Set(faults.filter(fault => fault.dir === dir).flatMap(({ tests }) => tests))]
      const { failures } = await scratch.test(dir, expected, 600_000)
      titles.set(dir, new Set(failures.map(withoutSeed)))
    }
  }
  await Promise.all(scratches.map(next))
  return titles
}

/** Takes faults from the queue until it is empty. */
async function work(scratch) {
  for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
    const since = performance.now()
    const problems = problemsOf(fault)
    const { caught, how } = problems.length > 0 ? { caught: false, how: problems.join('; ') } : await scratch.with(fault, () => judge(scratch, fault))
    if (!caught) missed += 1
    console.log(`${caught ? 'caught' : 'MISSED'}: ${fault.name} (${fault.why}): ${how} (${((performance.now() - since) / 1000).toFixed(1)} s)`)
  }
}

/** Runs the tests of a fault that is planted: each of its titles must have a test that fails now and did not before. */
async function judge(scratch, { dir, tests }) {
  const { passed, failures, complete } = await scratch.test(dir, tests)
  const by = []
  for (const title of tests) {
    const expected = failures.filter(failure => failure.title.includes(title))
    const caught = expected.find(failure => !brokenAnyway.get(dir).has(withoutSeed(failure)))
    if (caught !== undefined) by.push(`"${caught.title}"`)
    else if (expected.length > 0) return { caught: false, how: `"${expected[0].title}" fails without it, too` }
    else if (!complete) return { caught: false, how: 'the test runner did not come to its end' }
    else return { caught: false, how: `of the ${passed + failures.length} tests run, none with "${title}" in its title failed` }
  }
  return { caught: true, how: `by ${by.join(' and ')}` }
}

/** A failed test's title; @fast-check/ava adds the seed, which differs from run to run. */
function withoutSeed({ title }) {
  return title.replace(/ \(with seed=-?\d+\)$/, '')
}
