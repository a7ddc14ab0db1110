/** The output may be no file that is read, by whatever name. */
import { copyFileSync, cpSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import test from 'ava'
import { run } from '../../main-job/job.js'
import { TENANT, TENANT_POLICY } from './tenant.js'

const folder = mkdtempSync(join(tmpdir(), 'vfp-same-'))
test.after.always(() => { rmSync(folder, { recursive: true }) })

const input = join(folder, 'x.pcapng')
copyFileSync(TENANT, input)
symlinkSync(input, join(folder, 'symbolic.pcapng'))
linkSync(input, join(folder, 'hard.pcapng'))
mkdirSync(join(folder, 'deep'))
cpSync(TENANT_POLICY, join(folder, 'policy'), { recursive: true })

for (const [what, out] of [
  ['the same path', input],
  ['a path written differently', join(folder, 'deep') + '/../x.pcapng'],
  ['a relative path', relative(process.cwd(), input)],
  ['a symbolic link', join(folder, 'symbolic.pcapng')],
  ['a hard link', join(folder, 'hard.pcapng')],
  ['a policy file', join(folder, 'policy/vms.json')],
] as const) {
  test(`same file: an output that is read as well, by ${what}, is refused before anything is opened`, async (t) => {
    const before = readFileSync(out)
    const { stdout, stderr, code } = await run(['--in', input, '--policy', join(folder, 'policy'), '--out', out])
    t.is(code, 2)
    t.is(stdout, '')
    t.regex(stderr, /^main-job: --out .+ is the same file as .+\n$/)
    t.deepEqual(readFileSync(out), before)
  })
}

test('same file: another file in the same folder may be written, also twice', async (t) => {
  for (let i = 0; i < 2; i++) {
    const { stderr, code } = await run(['--in', input, '--out', join(folder, 'other.pcapng'), '--json'])
    t.is(stderr, '')
    t.is(code, 0)
  }
  t.deepEqual(readFileSync(input), readFileSync(TENANT))
})
