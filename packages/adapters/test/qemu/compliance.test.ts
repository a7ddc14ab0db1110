import test from 'ava'
import { connectQemuNic } from '../../src/qemu/connect-qemu-nic.js'
import { openQemuNic } from '../../src/qemu/open-qemu-nic.js'
import type { QemuAddress, QemuOptions } from '../../src/qemu/qemu-options.js'
import type { ComplianceOpened } from '../../src/testing/index.js'
import { complianceCases } from '../../src/testing/index.js'
import { makePlace, orFail } from './places.js'

type Tried = 'listening' | 'connecting'

/** A pair of NICs that are both ends of one socket; the other end of the tried one takes longer frames, so as to send them. */
const openPair = async (tried: Tried, tcp: boolean, options: Omit<QemuOptions, 'address'>): Promise<ComplianceOpened> => {
  const place = makePlace()
  const where: QemuAddress = tcp ? { host: '127.0.0.1', port: 0 } : { path: place.path('s') }
  const longer = { ...options, mtu: Math.min(65_535, (options.mtu ?? 1500) + 100) }
  const server = orFail(await openQemuNic({ ...(tried === 'listening' ? options : longer), address: where }))
  const dial = async () => orFail(await connectQemuNic({ ...(tried === 'listening' ? longer : options), address: server.address, retryMs: 5 }))
  const client = await dial()
  const release = async (): Promise<void> => place.remove()
  if (tried === 'listening') return { nic: server, peer: client, peerGoes: client.close, peerReturns: dial, release }
  return {
    nic: client,
    peer: server,
    peerGoes: server.close,
    peerReturns: async () => orFail(await openQemuNic({ ...longer, address: server.address })),
    release,
  }
}

const tries: readonly (readonly [title: string, tried: Tried, tcp: boolean, mtu: number, frames: number])[] = [
  ['listening on a unix socket', 'listening', false, 1500, 1_000_000],
  ['connected over TCP', 'connecting', true, 1500, 100_000],
  ['listening on TCP with the longest MTU', 'listening', true, 65_535, 20_000],
]

for (const [title, tried, tcp, mtu, frames] of tries) {
  for (const { title: requirement, run } of complianceCases) {
    test.serial(`qemu: ${title}: ${requirement}`, async (t) => {
      t.timeout(300_000)
      await run({
        open: () => openPair(tried, tcp, { mtu }),
        carriesOversize: mtu < 65_535,
        lengthStep: mtu > 1500 ? 61 : 1,
        window: mtu > 1500 ? 8 : 256,
        frames,
      })
      t.pass()
    })
  }
}
