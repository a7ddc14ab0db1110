/** What only a process of its own can show: missing privileges, a missing package, exceptions that nobody catches. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testNeeding } from '@vfp-ts/needs'
import test from 'ava'

const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const moduleOf = (source: string): string => `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`

const OPEN = `
  const [{ openAfPacket }, { openTap }] = await Promise.all(process.argv.slice(1).map((path) => import(path)))
  for (const answer of [await openAfPacket({ interface: 'lo' }), await openTap({ interface: 'vfp-none' })]) {
    const { _tag, left } = answer
    console.log(_tag, left?.code, left?.retryable, left?.hint !== undefined)
  }`
const MODULES = [here('../../src/af-packet/index.js'), here('../../src/tap/index.js')]

testNeeding('koffi', 'setpriv')('failures: without capabilities both say NeedsPrivilege, and what it takes', async (t) => {
  const { stdout } = await run('setpriv', ['--bounding-set=-all', '--inh-caps=-all', process.execPath, '--input-type=module', '-e', OPEN, ...MODULES])
  t.is(stdout, 'Left NeedsPrivilege false true\nLeft NeedsPrivilege false true\n')
})

test('failures: without koffi both say NeedsKoffi, and how to get it', async (t) => {
  const hooks = `export const resolve = (name, context, next) => { if (name === 'koffi') throw new Error('no such package'); return next(name, context) }`
  const register = `import { register } from 'node:module'; register('${moduleOf(hooks)}')`
  const { stdout } = await run(process.execPath, [
    '--import', moduleOf(register), '--input-type=module', '-e', OPEN, ...MODULES,
  ])
  t.is(stdout, 'Left NeedsKoffi false true\nLeft NeedsKoffi false true\n')
})

testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip')('failures: what a receiver throws is an uncaught exception like any other, and the NIC goes on', async (t) => {
  const { stdout } = await run(process.execPath, [here('throwing-receiver.js')])
  t.is(stdout, '3 thrown\n')
})
