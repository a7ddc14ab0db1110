/** The guide's configurations are accepted as they stand there. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { rehearse } from '../../host-switch/program.js'
import { parseConfig } from '../../host-switch/read-config.js'

const page = readFileSync(new URL('../../../../docs/guides/host-switch.md', import.meta.url), 'utf8')
const configurations = [...page.matchAll(/^```json\n(.*?)^```/gms)].map(([, text = '']) => text)

test('unit: every configuration of the guide is accepted', (t) => {
  t.is(configurations.length, 2)
  for (const text of configurations) {
    const read = parseConfig(text)
    t.deepEqual(E.isLeft(read) ? read.left : rehearse(read.right), [])
  }
})
