/** Unfinished frames of the kernel's own VXLAN device, as the NIC below it gets them: they are understood, and what is made of them is intact. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { testNeeding } from '@vfp-ts/needs'
import type { Seen } from './kernel-tunnel.js'

const test = testNeeding('network namespaces', 'VXLAN devices', 'packet sockets', 'koffi', 'ip')

const BYTES = 2_000_000
const script = fileURLToPath(new URL('kernel-tunnel.js', import.meta.url))

/** Sends a TCP stream through VXLAN between two namespaces. */
const throughTunnel = async (t: ExecutionContext, version: 4 | 6, port: 4789 | 8472): Promise<Seen> => {
  const ip = (...args: readonly string[]): void => void execFileSync('ip', [...args], { stdio: 'pipe' })
  const names = ['a', 'b'].map((end) => `vfp-${process.pid}-vx${version}${port}${end}`)
  const [a = '', b = ''] = names
  for (const name of names) {
    ip('netns', 'add', name)
    t.teardown(() => ip('netns', 'delete', name))
  }
  ip('-n', a, 'link', 'add', 'under', 'type', 'veth', 'peer', 'name', 'under', 'netns', b)
  const underlay = version === 4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1', '2001:db8::2']
  for (const [i, name] of names.entries()) {
    ip('-n', name, 'address', 'add', `${underlay[i] ?? ''}/${version === 4 ? 24 : 64}`, 'dev', 'under', ...(version === 4 ? [] : ['nodad']))
    ip('-n', name, 'link', 'set', 'under', 'up')
    ip('-n', name, 'link', 'add', 'tenant', 'type', 'vxlan', 'id', '5001', 'dstport', String(port), 'local', underlay[i] ?? '', 'remote', underlay[1 - i] ?? '', 'dev', 'under')
    ip('-n', name, 'address', 'add', `10.0.0.${i + 1}/24`, 'dev', 'tenant')
    ip('-n', name, 'link', 'set', 'tenant', 'up')
  }
  const inside = (name: string, ...args: readonly string[]): ChildProcess => {
    const child = spawn('ip', ['netns', 'exec', name, process.execPath, script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => void child.kill('SIGKILL'))
    return child
  }
  const receiver = inside(b, 'receive', 'under', '8080')
  const lines = createInterface({ input: receiver.stdout! })
  t.is(String(await once(lines, 'line')), 'listening')
  const told = once(lines, 'line')
  inside(a, 'send', '10.0.0.2', '8080', String(BYTES))
  return JSON.parse(String(await told)) as Seen
}

for (const [version, port] of [[4, 4789], [6, 4789], [4, 8472], [6, 8472]] as const) {
  test(`live: what the kernel's VXLAN device leaves unfinished over IPv${version} to port ${port} is finished`, async (t) => {
    t.timeout(60_000)
    const seen = await throughTunnel(t, version, port)
    t.is(seen.bytes, BYTES)
    t.is(seen.refused, 0)
    t.is(seen.bad, 0)
    t.true(seen.toSegment > 0, 'no frame was to be segmented')
    t.true(seen.made > seen.unfinished)
  })
}
