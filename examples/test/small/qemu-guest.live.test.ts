/** The script does the work and compares: what is looked at here is that it got to its end. */
import { testNeeding } from '@vfp-ts/needs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const test = testNeeding('a Linux kernel for guests', 'bash', 'busybox', 'cpio', 'grep', 'gzip', 'qemu-system-x86_64', 'sed')

const SCRIPT = fileURLToPath(new URL('../../../qemu-guest/run.sh', import.meta.url))

test('qemu-guest: two Linux guests ping each other and fetch a file through the switch, and one of them comes back', async (t) => {
  t.timeout(400_000)
  const script = spawn('bash', [SCRIPT], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => script.kill('SIGTERM'))
  let said = ''
  for (const stream of [script.stdout, script.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  await once(script, 'close')
  t.is(script.exitCode, 0, said)
  t.regex(said, /^second boot of the client: pinged and fetched/m)
  t.regex(said, /^client: .* dropped \{\}$/m)
  t.regex(said, /^server: .* dropped \{"Denied":\d+\}$/m)
})
