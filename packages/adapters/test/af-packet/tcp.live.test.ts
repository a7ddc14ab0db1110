/** TCP of the kernel's own stacks, on both sides of two NICs: with all that stacks leave to hardware. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { testNeeding } from '@vfp-ts/needs'
import { openAfPacket } from '../../src/af-packet/index.js'
import { isPartial, type Nic, segmentOf } from '../../src/nic/index.js'
import { Finisher } from '../../src/offload/finish.js'
import { openTap } from '../../src/tap/index.js'
import { until } from '../native/inbox.js'
import { orThrow } from '../native/or-throw.js'
import { enterPrivateNetwork, ip, veth } from '../native/private-network.js'

const test = testNeeding('network namespaces', 'koffi', 'ip', 'packet sockets', 'TAP devices', 'unshare', 'nsenter', 'cat')
test.before(enterPrivateNetwork)

const MEGABYTES = 16

/** Sends so many megabytes to the address from wherever it is started, and their digest. */
const CLIENT = `
  const [address, megabytes] = process.argv.slice(1)
  const hash = require('node:crypto').createHash('sha256')
  const socket = require('node:net').connect(7000, address, async () => {
    for (let i = 0; i < Number(megabytes); i++) {
      const bytes = require('node:crypto').randomBytes(1 << 20)
      hash.update(bytes)
      if (!socket.write(bytes)) await new Promise((resolve) => socket.once('drain', resolve))
    }
    socket.end()
  })
  socket.on('close', () => console.log(hash.digest('hex')))`

interface Wire {
  partial: number
  longest: number
  segments: number
}

/** Everything from one NIC to the other, finished as far as that one needs it. */
const join = (from: Nic, to: () => Nic): Wire => {
  const wire: Wire = { partial: 0, longest: 0, segments: 0 }
  const finisher = new Finisher()
  orThrow(
    from.start({
      frames: ({ bytes, start, length, offload, count }) => {
        for (let i = 0; i < count; i++) {
          const at = start[i] ?? 0
          const word = offload[i] ?? 0
          if (isPartial(word)) wire.partial++
          if (segmentOf(word) > 0) wire.segments++
          wire.longest = Math.max(wire.longest, length[i] ?? 0)
          finisher.send(to(), bytes, at, at + (length[i] ?? 0), word)
        }
        to().flush()
      },
    }),
  )
  return wire
}

const cases = [
  { title: 'AF_PACKET with offloads to AF_PACKET with them', net: '10.11.0', offloads: [true, true], tap: false },
  { title: 'AF_PACKET without offloads to AF_PACKET without', net: '10.12.0', offloads: [false, false], tap: false },
  { title: 'TAP with offloads to AF_PACKET without', net: '10.13.0', offloads: [true, false], tap: true },
] as const

for (const { title, net, offloads, tap } of cases) {
  test.serial(`TCP: every byte arrives from ${title}`, async (t) => {
    const keeper = spawn('unshare', ['-n', 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
    t.teardown(() => keeper.kill())
    keeper.stdin.write('ready')
    await once(keeper.stdout, 'data')
    const inside = (...args: readonly string[]): ReturnType<typeof spawn> => spawn('nsenter', ['-t', String(keeper.pid), '-n', ...args])
    veth('near', 'sw0')
    t.teardown(() => ip('link del near'))
    ip(`addr add ${net}.1/24 dev near`)
    if (!tap) veth('far', 'sw1')
    const a = orThrow(tap ? await openTap({ interface: 'far', offloads: offloads[0] }) : await openAfPacket({ interface: 'sw1', offloads: offloads[0] }))
    const b = orThrow(await openAfPacket({ interface: 'sw0', offloads: offloads[1] }))
    t.teardown(() => Promise.all([a.close(), b.close()]))
    ip(`link set far netns ${keeper.pid}`)
    await once(inside('ip', 'addr', 'add', `${net}.2/24`, 'dev', 'far'), 'exit')
    await once(inside('ip', 'link', 'set', 'far', 'up'), 'exit')
    const [there, back] = [join(a, () => b), join(b, () => a)]
    await until('both links', () => a.link() === 'up' && b.link() === 'up')
    const hash = createHash('sha256')
    let bytes = 0
    const server = createServer((socket) => socket.on('data', (chunk) => {
      bytes += chunk.length
      hash.update(chunk)
    }))
    t.teardown(() => server.close())
    await new Promise<void>((resolve) => server.listen(7000, `${net}.1`, resolve))
    const client = inside(process.execPath, '-e', CLIENT, `${net}.1`, String(MEGABYTES))
    t.teardown(() => client.kill())
    let digest = ''
    client.stdout?.on('data', (text: Buffer) => (digest += text.toString()))
    await until('all of it', () => bytes === MEGABYTES << 20 && digest !== '', () => [bytes, there, back, a.counters(), b.counters()])
    t.is(hash.digest('hex'), digest.trim())
    t.true(there.segments > 0 && there.longest > 16_000 && there.partial > 0, JSON.stringify(there))
    t.true(back.partial > 0)
    t.deepEqual([a.counters().sendDrops, b.counters().sendDrops], [{}, {}])
  })
}
