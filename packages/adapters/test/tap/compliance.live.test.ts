import { testNeeding } from '@vfp-ts/needs'
import { openAfPacket } from '../../src/af-packet/index.js'
import { openTap } from '../../src/tap/index.js'
import { type ComplianceBench, complianceCases } from '../../src/testing/index.js'
import { orThrow } from '../native/or-throw.js'
import { enterPrivateNetwork, ip } from '../native/private-network.js'

const test = testNeeding('network namespaces', 'koffi', 'ip', 'packet sockets', 'TAP devices')
test.before(enterPrivateNetwork)

let taps = 0

const bench: ComplianceBench = {
  canFill: false,
  open: async () => {
    const name = `t${++taps}`
    return {
      nic: orThrow(await openTap({ interface: name, up: true, offloads: false })),
      peer: orThrow(await openAfPacket({ interface: name })),
      peerGoes: async () => void ip(`link set ${name} down`),
      peerReturns: async () => void ip(`link set ${name} up`),
    }
  },
}

for (const { title, run } of complianceCases) {
  test.serial(`TAP: ${title}`, async (t) => {
    await run(bench)
    t.pass()
  })
}
