/** A program of its own, as it is about exceptions that nobody catches: prints how many there were. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openAfPacket } from '../../src/af-packet/index.js'
import { orThrow } from './or-throw.js'
import { enterPrivateNetwork, ip, veth } from './private-network.js'

await enterPrivateNetwork()
veth('va', 'vb')
const [nic, peer] = [orThrow(await openAfPacket({ interface: 'va' })), orThrow(await openAfPacket({ interface: 'vb' }))]
let thrown = 0
process.on('uncaughtException', () => {
  thrown++
  if (thrown < 3) peer.send(new Uint8Array(60), 0, 60)
  else finish()
})
orThrow(nic.start({
  frames: () => {
    throw new Error('from the receiver')
  },
}))
orThrow(peer.start({ frames: () => undefined }))
while (peer.link() !== 'up') await new Promise((resolve) => setImmediate(resolve))
peer.send(new Uint8Array(60), 0, 60)

const finish = (): void => {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  void nic.close()
  void peer.close()
  ip('link del va')
  process.stdout.write(`${thrown} thrown\n`)
}
