import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

test('nics: what a receiver throws is an uncaught exception like any other, and costs no frame, no order and no connection', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL('throwing-receivers.js', import.meta.url))])
  const all = { came: 200, ordered: true, thrown: 1, failures: [] }
  t.deepEqual(stdout.trim().split('\n').map((line): unknown => JSON.parse(line)), [all, all, all])
})
