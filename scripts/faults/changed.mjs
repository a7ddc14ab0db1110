/**
 * Which faults a change may have made harmless: those whose source, tests or record changed since all of them were last caught.
 *
 * `faults/caught-at` names the commit at which that was.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../workspace.mjs'
import { spelling } from './records.mjs'

const mark = join(root, 'faults/caught-at')

/** The commit at which all faults were last caught. */
export const caughtAt = () => readFileSync(mark, 'utf8').trim()

/** Names the commit checked out as the one at which all faults were caught. */
export const recordCaught = () => writeFileSync(mark, git('rev-parse', 'HEAD'))

/**
 * The faults to look at again, or all of them, with the reason, where the history does not reach back to the recorded commit.
 *
 * @param {readonly import('./records.mjs').Fault[]} faults
 * @returns {{ faults: readonly import('./records.mjs').Fault[], why: string }}
 */
export function changedFaults(faults) {
  const since = caughtAt()
  const names = git('diff', '--name-only', since, '--')
  if (names === undefined) return { faults, why: `commit ${since}, at which all were caught, is not in this history` }
  const untracked = git('ls-files', '--others', '--exclude-standard') ?? ''
  const changed = new Set([...names.split('\n'), ...untracked.split('\n')])
  const before = new Map()
  const recordChanged = ({ home, name, edit, tests, dir }) => {
    if (!changed.has(home)) return false
    if (edit === undefined) return true
    if (!before.has(home)) before.set(home, JSON.parse(git('show', `${since}:${home}`) ?? '[]'))
    const old = before.get(home).find(record => name.endsWith(`/${record.name}`))
    return old === undefined || old.find !== edit.find || old.instead !== edit.instead || String(old.tests) !== String(tests) || (old.package !== undefined && !dir.endsWith(old.package))
  }
  const isTouched = fault =>
    recordChanged(fault) || fault.files.some(file => changed.has(file)) || fault.tests.some(title => spelling(fault.dir, title).some(file => changed.has(file)))
  const touched = faults.filter(isTouched)
  return { faults: touched, why: `${touched.length} of ${faults.length} faults have a source, a test or a record that changed since ${since.slice(0, 10)}` }
}

/** What git prints, or `undefined` if it refuses. */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
  return status === 0 ? stdout : undefined
}
