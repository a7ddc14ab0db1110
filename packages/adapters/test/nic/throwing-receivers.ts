/** A program of its own, as it is about exceptions that nobody catches: NICs whose receivers throw once, and what these got all the same. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { orThrow } from '@vfp-ts/core'
import type { Nic } from '../../src/nic/index.js'
import { openQemuNic } from '../../src/qemu/index.js'
import { replayNic } from '../../src/replay/index.js'
import { openUdpOverlay } from '../../src/udp-overlay/index.js'
import { framed, makePlace } from '../qemu/places.js'
import { loopback, PORT, TUNNEL_HEADER } from '../udp-overlay/wrapping.js'

const FRAMES = 200

let thrown = 0
process.on('uncaughtException', () => thrown++)

/** Starts the NIC, has it fed, and tells of each frame by its last byte. */
const tell = async (nic: Nic, feed: () => void): Promise<void> => {
  const came: number[] = []
  const failures: string[] = []
  thrown = 0
  orThrow(nic.start({
    frames: ({ bytes, start, length, count }) => {
      const first = came.length === 0
      for (let i = 0; i < count; i++) came.push(bytes[start[i]! + length[i]! - 1]!)
      if (first) throw new Error('from the receiver')
    },
    failed: ({ code }) => failures.push(code),
  }))
  feed()
  for (const deadline = Date.now() + 10_000; came.length < FRAMES && Date.now() < deadline; ) await sleep(1)
  const ordered = came.every((n, i) => n === i)
  process.stdout.write(`${JSON.stringify({ came: came.length, ordered, thrown, failures })}\n`)
  await nic.close()
}

const numbers = Array.from({ length: FRAMES }, (_, n) => n)

const place = makePlace()
const stream = orThrow(await openQemuNic({ address: { path: place.path('s') } }))
const guest = createConnection(place.path('s'))
await once(guest, 'connect')
await tell(stream, () => guest.write(Buffer.concat(numbers.map((n) => framed(60, n)))))
guest.destroy()
place.remove()

const local = loopback(190)
const sender = createSocket('udp4')
await tell(orThrow(await openUdpOverlay({ tunnel: 'vxlan', local })), () => {
  for (const n of numbers) sender.send(Buffer.concat([TUNNEL_HEADER.vxlan, new Uint8Array(60).fill(n)]), PORT.vxlan, local)
})
sender.close()

await tell(orThrow(await replayNic({ speed: 'full', source: numbers.map((n) => ({ data: new Uint8Array(60).fill(n), timestampNs: 0n })) })), () => undefined)
