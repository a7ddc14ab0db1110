/** The least that a test can need; `test-needing.test.ts` runs this file where there is nothing, too. */
import { testNeeding } from '@vfp-ts/needs'

const test = testNeeding('sh', 'grep')
let prepared = false
test.before(() => { prepared = true })

test('needy: runs where its programs are', (t) => { t.true(prepared) })
test.serial('needy: runs alone where its programs are', (t) => { t.true(prepared) })
