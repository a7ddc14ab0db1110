import { testNeeding } from '@vfp-ts/needs'
import { orThrow } from '../native/or-throw.js'
import { openAfPacket } from '../../src/af-packet/index.js'
import { type ComplianceBench, complianceCases } from '../../src/testing/index.js'
import { enterPrivateNetwork, ip, veth } from '../native/private-network.js'

const test = testNeeding('network namespaces', 'koffi', 'ip', 'packet sockets')
test.before(enterPrivateNetwork)

let pairs = 0

const bench: ComplianceBench = {
  carriesOversize: false,
  // A veth hands frames on at once, so nothing is ever full.
  canFill: false,
  open: async () => {
    const [a, b] = [`a${++pairs}`, `b${pairs}`]
    veth(a, b)
    return {
      nic: orThrow(await openAfPacket({ interface: a })),
      peer: orThrow(await openAfPacket({ interface: b, offloads: true })),
      peerGoes: async () => void ip(`link set ${b} down`),
      peerReturns: async () => void ip(`link set ${b} up`),
      release: async () => void ip(`link del ${a}`),
    }
  },
}

for (const { title, run } of complianceCases) {
  test.serial(`AF_PACKET: ${title}`, async (t) => {
    await run(bench)
    t.pass()
  })
}
