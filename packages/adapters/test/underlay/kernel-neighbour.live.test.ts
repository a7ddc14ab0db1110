/** Linux as the neighbour, over a veth: its stack holds one end, the underlay has the other through a packet socket. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildFrame, orThrow } from '@vfp-ts/core'
import { testNeeding } from '@vfp-ts/needs'
import type { ExecutionContext } from 'ava'
import { openAfPacket } from '../../src/af-packet/index.js'
import { backgroundTimers, type Timers } from '../../src/nic/index.js'
import { openUnderlay, type Underlay, type UnderlayOptions } from '../../src/underlay/index.js'
import { enterPrivateNetwork, ip, veth } from '../native/private-network.js'

const test = testNeeding('network namespaces', 'koffi', 'ip', 'packet sockets', 'ping')
test.before(enterPrivateNetwork)

const run = promisify(execFile)

const HOST = { 4: '192.0.2.1', 6: '2001:db8::1' } as const
const KERNEL = { 4: '192.0.2.2', 6: '2001:db8::2' } as const
const MAC = '02:00:00:00:0a:01'

/** Seconds pass twenty times as fast. */
const hurried: Timers = { nowMs: () => backgroundTimers.nowMs() * 20, after: (ms, call) => backgroundTimers.after(ms / 20, call) }

let pairs = 0

interface Cable {
  readonly underlay: Underlay
  /** The interface at the kernel's end. */
  readonly kernel: string
  /** ICMP messages that the underlay delivered. */
  readonly pings: () => number
}

/** A cable whose one end is the kernel's. Each has interfaces of its own, and addresses only while its test runs. */
const cable = async (t: ExecutionContext, options: Partial<UnderlayOptions> = {}): Promise<Cable> => {
  const [ours, kernel] = [`h${++pairs}`, `k${pairs}`]
  veth(ours, kernel)
  t.teardown(() => {
    ip(`link del ${ours}`)
  })
  writeFileSync(`/proc/sys/net/ipv6/conf/${kernel}/disable_ipv6`, '0')
  ip(`addr add ${KERNEL[4]}/24 dev ${kernel}`)
  ip(`addr add ${KERNEL[6]}/64 dev ${kernel} nodad`)
  const nic = await openAfPacket({ interface: ours })
  const underlay = orThrow(openUnderlay(orThrow(nic), { addresses: [`${HOST[4]}/24`, `${HOST[6]}/64`], mac: MAC, timers: hurried, ...options }))
  t.teardown(() => underlay.close())
  let echoes = 0
  orThrow(underlay.start({
    frames: ({ bytes, start, count }) => {
      for (let i = 0; i < count; i++) {
        const at = start[i]! + 14
        if (bytes[at] === 0x45 ? bytes[at + 9] === 1 : bytes[at + 6] === 58) echoes++
      }
    },
  }))
  await until(() => underlay.link() === 'up', 'the link')
  return { underlay, kernel, pings: () => echoes }
}

/** A socket of the kernel's stack, and what came to it. */
const listen = async (t: ExecutionContext, version: 4 | 6): Promise<{ readonly port: number; readonly came: string[] }> => {
  const socket: Socket = createSocket(version === 4 ? 'udp4' : 'udp6')
  const came: string[] = []
  socket.on('message', (bytes) => came.push(bytes.toString()))
  socket.bind(0, KERNEL[version])
  await once(socket, 'listening')
  t.teardown(() => {
    socket.close()
  })
  return { port: socket.address().port, came }
}

const until = async (condition: () => boolean, what: string, act: () => void = () => undefined): Promise<void> => {
  const end = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what}: not within 20 s`)
    act()
    await sleep(10)
  }
}

const say = (underlay: Underlay, version: 4 | 6, dstPort: number, text: string): void => {
  const frame = orThrow(buildFrame({ proto: 'udp', srcIp: HOST[version], dstIp: KERNEL[version], dstPort, payload: new TextEncoder().encode(text) }))
  underlay.send(frame, 0, frame.length)
  underlay.flush()
}

for (const version of [4, 6] as const) {
  test.serial(`underlay: finds a kernel over IPv${version}, and its first datagrams arrive in order`, async (t) => {
    // A busy machine may take a second to answer, in which twenty pass here.
    const { underlay, kernel } = await cable(t, { tries: 1_000 })
    const { port, came } = await listen(t, version)
    for (const text of ['one', 'two', 'three']) say(underlay, version, port, text)
    await until(() => came.length >= 3, 'three datagrams')
    t.deepEqual(came, ['one', 'two', 'three'])
    const [link] = JSON.parse(ip(`-j link show ${kernel}`)) as [{ address: string }]
    t.like(underlay.neighbours()[0], { ip: KERNEL[version], mac: link.address, state: 'reachable', waiting: 0 })
  })

  test.serial(`underlay: a kernel pings it over IPv${version}, and knows it by its MAC`, async (t) => {
    const { underlay, kernel, pings } = await cable(t, { announce: false })
    const { stdout } = await run('ping', ['-n', '-c', '3', '-i', '0.01', '-W', '5', '-s', '1000', HOST[version]])
    t.regex(stdout, /3 packets transmitted, 3 received/)
    t.regex(ip(`neigh show ${HOST[version]} dev ${kernel}`), /lladdr 02:00:00:00:0a:01/)
    // Three echo requests and at least one question; what a kernel says of its multicast groups is passed on.
    t.true((underlay.counters().receiveDrops['Answered'] ?? 0) >= 4)
    t.is(pings(), 0)
  })

  test.serial(`underlay: follows a kernel to another MAC over IPv${version}, though it does not tell`, async (t) => {
    const { underlay, kernel } = await cable(t)
    const { port, came } = await listen(t, version)
    await until(() => came.length > 0, 'a datagram', () => say(underlay, version, port, 'before'))
    ip(`link set ${kernel} address 02:00:00:00:0b:99`)
    // An address change takes IPv6 routes and neighbours of the kernel with it, but not the addresses.
    const before = came.length
    await until(() => came.length > before && came.at(-1) === 'after', 'a datagram after the change', () => say(underlay, version, port, 'after'))
    t.like(underlay.neighbours()[0], { ip: KERNEL[version], mac: '02:00:00:00:0b:99' })
  })
}

test.serial('underlay: announces itself to a kernel that knew another MAC of its address', async (t) => {
  const { underlay, kernel } = await cable(t, { announce: false })
  ip(`neigh add ${HOST[4]} lladdr 02:00:00:00:0c:01 nud stale dev ${kernel}`)
  ip(`neigh add ${HOST[6]} lladdr 02:00:00:00:0c:01 nud stale dev ${kernel}`)
  underlay.announce()
  for (const version of [4, 6] as const) {
    await until(() => ip(`neigh show ${HOST[version]} dev ${kernel}`).includes(MAC), `the kernel's neighbour of IPv${version}`)
  }
  t.pass()
})
