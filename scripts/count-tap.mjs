/**
 * Reads the TAP lines ava prints and counts them.
 *
 * Only what ava 7 writes is understood: `ok N - title`, `not ok N - title` with `# SKIP` or `# TODO`, an indented YAML
 * block after a failure, and at the end the plan `1..N`. A stream without a plan comes from a runner that died (killed,
 * out of memory, crashed): the tests it never reported are unknown, so that is a failure whatever was counted before.
 */
import { createInterface } from 'node:readline'

/**
 * @typedef {object} Failure
 * @property {string} title as ava prints it: `file › unit: sentence`
 * @property {readonly string[]} details the YAML block below it, without its fences
 *
 * @typedef {object} Tally
 * @property {number} passed
 * @property {readonly Failure[]} failures
 * @property {readonly string[]} skipped titles
 * @property {boolean} complete whether the plan line came
 */

const result = /^(not )?ok \d+(?: - (.*?))?(?: # (SKIP|TODO)\b.*)?$/

/**
 * Counts one TAP stream to its end.
 *
 * @param {import('node:stream').Readable} stream
 * @returns {Promise<Tally>}
 */
export async function countTap(stream) {
  let passed = 0
  let complete = false
  const skipped = []
  const failures = []
  let details = null // of the failure being read
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    const match = result.exec(line)
    if (match !== null) {
      const [, not, title = '(untitled)', directive] = match
      details = null
      if (directive !== undefined) skipped.push(title)
      else if (not === undefined) passed += 1
      else failures.push({ title, details: (details = []) })
    } else if (/^1\.\.\d+$/.test(line)) {
      complete = true
      details = null
    } else if (details !== null && line.startsWith('  ') && line !== '  ---' && line !== '  ...') {
      details.push(line.slice(4))
    }
  }
  return { passed, failures, skipped, complete }
}

/**
 * Prints a package's failures and skips, then one line of counts.
 *
 * @param {string} name the package
 * @param {Tally} tally
 */
export function report(name, tally) {
  for (const { title, details } of tally.failures) {
    console.log(`\n✘ ${name} › ${title}`)
    for (const line of details) console.log(`    ${line}`)
  }
  if (tally.failures.length > 0) console.log()
  for (const title of tally.skipped) console.log(`- ${name} › ${title} (skipped)`)
  const skips = tally.skipped.length === 0 ? '' : `, ${tally.skipped.length} skipped`
  console.log(`${name}: ${tally.passed} passed, ${tally.failures.length} failed${skips}`)
}
