/** TCP inside a VXLAN that two VMs made themselves, through a host: what their stacks leave to hardware is done in it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { orThrow } from '@vfp-ts/core'
import { testNeeding } from '@vfp-ts/needs'
import { openAfPacket } from '../../src/af-packet/index.js'
import { openHost } from '../../src/host/index.js'
import { until } from '../native/inbox.js'
import { enterPrivateNetwork, ip, veth } from '../native/private-network.js'

const test = testNeeding('network namespaces', 'VXLAN devices', 'koffi', 'ip', 'packet sockets', 'unshare', 'nsenter', 'cat')
test.before(enterPrivateNetwork)

const BYTES = 16 << 20
const NEAR = '02:00:00:00:0c:01'
const FAR = '02:00:00:00:0c:02'

/** Sends the bytes to the address, or takes as many as come: a stream each way. */
const CLIENT = `
  const [address, bytes] = process.argv.slice(1)
  const socket = require('node:net').connect(7000, address, () => socket.end(Buffer.alloc(Number(bytes), 7)))
  let got = 0
  socket.on('data', (chunk) => { got += chunk.length })
  socket.on('close', () => console.log(got))`

for (const port of [8472, 4789]) {
  for (const offloads of [true, false]) {
    test.serial(`live: TCP in the VMs' own VXLAN to port ${port} arrives both ways, by NICs ${offloads ? 'that take' : 'that take no'} unfinished frames`, async (t) => {
      const keeper = spawn('unshare', ['-n', 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
      t.teardown(() => keeper.kill())
      keeper.stdin.write('ready')
      await once(keeper.stdout, 'data')
      const inside = (...args: readonly string[]): ReturnType<typeof spawn> => spawn('nsenter', ['-t', String(keeper.pid), '-n', ...args])
      const insideIp = (command: string): Promise<unknown> => once(inside('ip', ...command.split(' ')), 'exit')
      veth('near', 'sw0')
      veth('far', 'sw1')
      t.teardown(() => ip('link del near'))
      ip(`link set near address ${NEAR}`)
      ip(`link set far address ${FAR}`)
      const host = openHost()
      t.teardown(() => host.close())
      for (const [name, mac, nic] of [['vm-1', NEAR, 'sw0'], ['vm-2', FAR, 'sw1']] as const) {
        orThrow(host.switch.addPort({ name, mac }))
        orThrow(host.plug(name, orThrow(await openAfPacket({ interface: nic, offloads }))))
      }
      const vxlan = (own: number): string => `link add vx type vxlan id 7 dstport ${port} local 192.0.2.${own} remote 192.0.2.${3 - own} dev ${own === 1 ? 'near' : 'far'}`
      ip('addr add 192.0.2.1/24 dev near')
      ip(vxlan(1))
      t.teardown(() => ip('link del vx'))
      ip('addr add 10.14.0.1/24 dev vx')
      ip('link set vx up')
      ip(`link set far netns ${keeper.pid}`)
      for (const command of ['addr add 192.0.2.2/24 dev far', 'link set far up', vxlan(2), 'addr add 10.14.0.2/24 dev vx', 'link set vx up']) await insideIp(command)
      let bytes = 0
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('data', (chunk) => (bytes += chunk.length))
        socket.on('end', () => socket.end(Buffer.alloc(BYTES, 9)))
      })
      t.teardown(() => server.close())
      await new Promise<void>((resolve) => server.listen(7000, '10.14.0.1', resolve))
      const client = inside(process.execPath, '-e', CLIENT, '10.14.0.1', String(BYTES))
      t.teardown(() => client.kill())
      let got = ''
      client.stdout?.on('data', (text: Buffer) => (got += text.toString()))
      await until('all of it, both ways', () => bytes === BYTES && got !== '', () => [bytes, got, host.report().finished])
      t.is(got.trim(), String(BYTES))
      const { finished, ports } = host.report()
      t.deepEqual(finished.refused, {})
      t.true(finished.cut > 0 && finished.segments > finished.cut, JSON.stringify(finished))
      // A machine with much else to do may lose some to its rings; nothing is lost for want of understanding.
      for (const { nic } of ports) t.deepEqual(Object.keys(nic?.counters.receiveDrops ?? {}).filter((name) => name !== 'Overrun'), [])
    })
  }
}
