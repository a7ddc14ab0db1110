/** Interfaces whose MTU changes while a NIC is open: it says so, by the kernel's own event. */
import { setTimeout as sleep } from 'node:timers/promises'
import { testNeeding } from '@vfp-ts/needs'
import { openAfPacket } from '../../src/af-packet/index.js'
import type { Nic } from '../../src/nic/index.js'
import { openTap } from '../../src/tap/index.js'
import { orThrow } from './or-throw.js'
import { enterPrivateNetwork, ip, veth } from './private-network.js'

const test = testNeeding('network namespaces', 'packet sockets', 'TAP devices', 'koffi', 'ip')

test.before(enterPrivateNetwork)

const until = async (condition: () => boolean, what: string): Promise<void> => {
  const end = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what}: not within 20 s`)
    await sleep(5)
  }
}

for (const [kind, name, open] of [
  ['an AF_PACKET NIC', 'm0', async (): Promise<Nic> => {
    veth('m0', 'm1')
    return orThrow(await openAfPacket({ interface: 'm0' }))
  }],
  ['a TAP NIC', 'mtap0', async (): Promise<Nic> => orThrow(await openTap({ interface: 'mtap0' }))],
] as const) {
  test.serial(`live NIC: ${kind} tells that its MTU changed, down and up, once each`, async (t) => {
    const nic = await open()
    t.teardown(() => nic.close())
    const told: number[] = []
    orThrow(nic.start({ frames: () => undefined, mtu: (bytes) => told.push(bytes) }))
    for (const mtu of [1400, 2000, 1500]) {
      ip(`link set ${name} mtu ${mtu}`)
      await until(() => told.at(-1) === mtu, `an MTU of ${mtu}`)
      t.is(nic.mtu(), mtu)
    }
    // Something else of the interface changes: no MTU is told.
    ip(`link set ${name} txqueuelen 77`)
    ip(`link set ${name} mtu 1400`)
    await until(() => told.at(-1) === 1400, 'the last')
    t.deepEqual(told, [1400, 2000, 1500, 1400])
  })
}
