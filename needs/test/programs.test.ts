import { readFileSync } from 'node:fs'
import test from 'ava'
import { DEBIAN_PACKAGES } from '@vfp-ts/needs'

/** Compiled to `needs/dist/test/`. */
const list = readFileSync(new URL('../../../.ci/debian-packages', import.meta.url), 'utf8')

test('programs: the packages of the table and those that CI installs are the same', (t) => {
  const installed = list.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  t.deepEqual(installed, [...new Set(Object.values(DEBIAN_PACKAGES))].sort())
})
