import test from 'ava'
import { complianceCases, type ComplianceOpened } from '../../src/testing/index.js'
import type { UdpOverlayOptions } from '../../src/udp-overlay/udp-overlay-options.js'
import { loopback, openOrFail, tunnelled } from './wrapping.js'

const US = loopback(1)
const PEER = loopback(2)

/** Outer headers and tunnel header. */
const OVERHEAD = 50

const openPair = async (options: Omit<UdpOverlayOptions, 'local'>): Promise<ComplianceOpened> => ({
  nic: await openOrFail({ ...options, local: US }),
  peer: await openOrFail({ ...options, local: PEER, mtu: Math.min(65_535, (options.mtu ?? 1500) + 100) }),
})

/** Of the two, who sends a frame of the suite is known by the direction in its destination. */
const OUT = 0x0a

const tries: readonly (readonly [title: string, options: Omit<UdpOverlayOptions, 'local'> & { readonly tunnel: 'vxlan' | 'geneve' }])[] = [
  ['VXLAN', { tunnel: 'vxlan' }],
  ['Geneve on four source ports', { tunnel: 'geneve', sources: 4, mtu: 9000 }],
]

for (const [title, options] of tries) {
  for (const { title: requirement, run } of complianceCases) {
    test.serial(`udp-overlay: ${title}: ${requirement}`, async (t) => {
      t.timeout(300_000)
      await run({
        open: () => openPair(options),
        wrapping: {
          overheadBytes: OVERHEAD,
          wrap: (inner) => tunnelled(inner, { ...(inner[5] === OUT ? { from: US, to: PEER } : { from: PEER, to: US }), tunnel: options.tunnel }),
          innerStart: (_bytes, start, end) => (end - start < OVERHEAD ? -1 : start + OVERHEAD),
        },
        carriesOversize: true,
        // What the smallest receive buffer of a common system holds.
        window: 16,
        minimumBytes: 64,
        lengthStep: options.mtu === undefined ? 1 : 13,
        frames: 100_000,
      })
      t.pass()
    })
  }
}
