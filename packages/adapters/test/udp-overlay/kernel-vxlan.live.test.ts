/** The kernel's VXLAN device as the other host, in namespaces of the test's own. */
import { testNeeding } from '@vfp-ts/needs'
import type { ExecutionContext } from 'ava'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const test = testNeeding('network namespaces', 'VXLAN devices', 'ip', 'ping')

const ECHO_HOST = fileURLToPath(new URL('echo-host.js', import.meta.url))

const run = (command: string): string => {
  const [program = '', ...args] = command.split(' ')
  return execFileSync(program, args, { encoding: 'utf8' })
}

/** Two namespaces with a cable between them, and an address on each end. */
const cable = (t: ExecutionContext, n: number, a: string, b: string): readonly [string, string] => {
  const [ours, theirs] = [`vfp-${process.pid}-udp${n}a`, `vfp-${process.pid}-udp${n}b`]
  for (const name of [ours, theirs]) {
    run(`ip netns add ${name}`)
    t.teardown(() => run(`ip netns del ${name}`))
  }
  run(`ip -n ${ours} link add eth0 mtu 1600 type veth peer name eth0 mtu 1600 netns ${theirs}`)
  for (const [name, address] of [[ours, a], [theirs, b]] as const) {
    run(`ip -n ${name} addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`)
    run(`ip -n ${name} link set lo up`)
    run(`ip -n ${name} link set eth0 up`)
  }
  return [ours, theirs]
}

const underlays: readonly (readonly [title: string, a: string, b: string, length: string])[] = [
  ['IPv4', '192.0.2.1', '192.0.2.2', '24'],
  ['IPv6', 'fd00:2::1', 'fd00:2::2', '64'],
]

for (const [n, [title, a, b, length]] of underlays.entries()) {
  test(`udp-overlay: a kernel behind its VXLAN device over ${title} pings a VM behind UDP sockets, with short packets and the longest`, async (t) => {
    const [ours, theirs] = cable(t, n, `${a}/${length}`, `${b}/${length}`)
    const host = spawn('ip', ['netns', 'exec', ours, process.execPath, ECHO_HOST, a], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => host.kill('SIGKILL'))
    let said = ''
    host.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await once(host.stdout, 'data')
    t.is(said, 'ready\n')
    run(`ip -n ${theirs} link add vx0 mtu 1500 type vxlan id 5001 local ${b} remote ${a} dstport 4789`)
    run(`ip -n ${theirs} addr add 10.1.0.2/24 dev vx0`)
    run(`ip -n ${theirs} link set vx0 up`)
    const short = run(`ip netns exec ${theirs} ping -c 20 -i 0.01 -W 5 10.1.0.1`)
    t.regex(short, /20 packets transmitted, 20 received/)
    const long = run(`ip netns exec ${theirs} ping -M do -s 1472 -c 5 -i 0.01 -W 5 10.1.0.1`)
    t.regex(long, /5 packets transmitted, 5 received/)
    host.kill('SIGTERM')
    await once(host, 'close')
    const counters = JSON.parse(said.slice(6)) as { readonly sent: number; readonly receiveDrops: object; readonly sendDrops: object }
    t.true(counters.sent >= 26, said)
    t.deepEqual(counters.receiveDrops, {})
    t.deepEqual(counters.sendDrops, {})
  })
}
