/** Priority tags over a veth: the kernel takes tags out of frames, and an all-zero tag must not be lost with that. */
import { setTimeout as sleep } from 'node:timers/promises'
import { orThrow } from '@vfp-ts/core'
import { testNeeding } from '@vfp-ts/needs'
import type { ExecutionContext } from 'ava'
import { openAfPacket } from '../../src/af-packet/index.js'
import { openUnderlay, type Underlay } from '../../src/underlay/index.js'
import { enterPrivateNetwork, ip as command, veth } from '../native/private-network.js'
import { HOST_MAC, ip } from './config.js'
import { advertised, arp, datagram, ndp, PEER_MAC, tagged } from './wire.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip')

test.before(enterPrivateNetwork)

let pairs = 0

interface Cable {
  readonly underlay: Underlay
  /** The peer says something; answers with the frames that came to it, as soon as one has. */
  readonly ask: (frame: Uint8Array) => Promise<readonly Uint8Array[]>
}

const cable = async (t: ExecutionContext): Promise<Cable> => {
  const [ours, theirs] = [`p${++pairs}`, `q${pairs}`]
  veth(ours, theirs)
  t.teardown(() => {
    command(`link del ${ours}`)
  })
  const underlay = orThrow(openUnderlay(orThrow(await openAfPacket({ interface: ours })), { addresses: ['192.0.2.1/24', '2001:db8::1/64'], mac: HOST_MAC, announce: false }))
  const peer = orThrow(await openAfPacket({ interface: theirs }))
  t.teardown(() => Promise.all([underlay.close(), peer.close()]))
  let came: Uint8Array[] = []
  orThrow(peer.start({ frames: ({ bytes, start, length, count }) => { for (let i = 0; i < count; i++) came.push(bytes.slice(start[i], start[i]! + length[i]!)) } }))
  orThrow(underlay.start({ frames: () => undefined }))
  await until(() => underlay.link() === 'up' && peer.link() === 'up', 'the link')
  return {
    underlay,
    ask: async (frame) => {
      came = []
      peer.send(frame, 0, frame.length)
      peer.flush()
      await until(() => came.length > 0, 'an answer')
      return came
    },
  }
}

const until = async (condition: () => boolean, what: string): Promise<void> => {
  const end = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what}: not within 20 s`)
    await sleep(5)
  }
}

const SOLICITATION = ndp({ kind: 'neighbor-solicitation', target: ip('2001:db8::1'), options: [{ kind: 'source-link-address', mac: 0x0200_0000_0a02 }] })

for (const [name, tags] of [['8100/0000', [[0x8100, 0]]], ['8100/f000', [[0x8100, 0xf000]]], ['88a8/0000', [[0x88a8, 0]]], ['88a8/0000 8100/6000', [[0x88a8, 0], [0x8100, 0x6000]]]] as const) {
  test.serial(`underlay: answers a veth’s peer behind its priority tags ${name}`, async (t) => {
    const { ask } = await cable(t)
    for (const question of [arp({ sender: '192.0.2.2', target: '192.0.2.1' }), SOLICITATION]) {
      const [answer] = await ask(tagged(question, ...tags))
      t.is(Buffer.from(answer!.subarray(0, 12)).toString('hex'), `${PEER_MAC}${HOST_MAC}`.replaceAll(':', ''))
      t.deepEqual([...answer!.subarray(12, 12 + 4 * tags.length)], tags.flatMap(([tpid, tci]) => [tpid >>> 8, tpid & 0xff, tci >>> 8, tci & 0xff]))
    }
  })

  test.serial(`underlay: finds a veth’s peer by answers behind priority tags ${name}`, async (t) => {
    const { underlay, ask } = await cable(t)
    for (const [to, answer] of [['192.0.2.2', arp({ reply: true, sender: '192.0.2.2', target: '192.0.2.1' })], ['2001:db8::2', ndp(advertised(ip('2001:db8::2')))]] as const) {
      const frame = datagram(to)
      underlay.send(frame, 0, frame.length)
      underlay.flush()
      // The datagram that waited is what comes.
      const came = await ask(tagged(answer, ...tags))
      t.true(came.some((each) => each.length >= frame.length && each[each.length - 1] === frame[frame.length - 1]))
      t.is(underlay.neighbours().find(({ ip: known }) => known === to)?.state, 'reachable')
    }
  })
}
