/** Answers of the responder layer before a judge nobody here wrote: Linux, as the VM behind a TAP device, resolves, pings and detects duplicates. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { directory, orThrow, type Port } from '@vfp-ts/core'
import { guard, responder } from '@vfp-ts/layers'
import { testNeeding } from '@vfp-ts/needs'
import { openHost } from '../../src/host/index.js'
import { openTap } from '../../src/tap/index.js'
import { until } from '../native/inbox.js'
import { enterPrivateNetwork, ip } from '../native/private-network.js'

const test = testNeeding('network namespaces', 'koffi', 'ip', 'TAP devices', 'ping')
test.before(async () => {
  await enterPrivateNetwork()
  // Here the kernel's own neighbour discovery is what is tested.
  writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '0')
})

const VM = '02:15:5d:00:00:04'
const GATEWAY = '02:34:56:78:9a:bc'
const NEIGHBOUR = '02:15:5d:00:00:05'

/** A VM that is Linux itself, on a device of this name, behind a port with a guard and a responder. */
const linuxVm = async (t: { teardown: (undo: () => unknown) => void }, device: string): Promise<Port> => {
  const nic = orThrow(await openTap({ interface: device, mac: VM }))
  const ca = directory('ca')
  for (const address of ['10.0.1.5', 'fd00::5']) orThrow(ca.add({ vni: 1, ip: address, at: [{ pa: '192.0.2.5', mac: NEIGHBOUR }] }))
  const host = openHost({ resources: { ca } })
  t.teardown(() => host.close())
  const port = orThrow(host.switch.addPort({ name: 'linux', mac: VM, ip: ['10.0.1.4', 'fd00::4'] }))
  orThrow(orThrow(port.addLayer(guard.layer, { order: 5 })).update(guard.policy({})))
  orThrow(orThrow(port.addLayer(responder.layer, { order: 7 })).update(responder.policy({
    gateways: [{ ip: ['10.0.1.1', 'fd00::1'], mac: GATEWAY }], neighbours: { directory: 'ca', vni: 1 },
  })))
  orThrow(host.plug('linux', nic))
  ip(`link set ${device} up`)
  ip(`addr add 10.0.1.4/24 dev ${device}`)
  return port
}

/** Runs ping, while this thread forwards; whether it got its answers. */
const pings = async (...args: readonly string[]): Promise<boolean> => {
  const [code] = await once(spawn('ping', ['-q', '-i', '0.05', '-W', '1', ...args], { stdio: 'ignore' }), 'exit') as [number | null]
  return code === 0
}

const neighbour = (device: string, address: string): string => ip(`neigh show ${address} dev ${device}`).trim()

test.serial('responder: Linux finds its gateway by ARP and by neighbour discovery, and pings it', async (t) => {
  const port = await linuxVm(t, 'r1')
  ip('addr add fd00::4/64 dev r1')
  await until('the VM has its address', () => !ip('-6 addr show dev r1 scope global').includes('tentative'))
  // No answer to its own question whether the address is taken.
  t.false(ip('-6 addr show dev r1').includes('dadfailed'))
  t.true(await pings('-c', '3', '10.0.1.1'))
  t.true(await pings('-6', '-c', '3', '-s', '1400', 'fd00::1'))
  t.regex(neighbour('r1', '10.0.1.1'), new RegExp(`lladdr ${GATEWAY} `))
  t.regex(neighbour('r1', 'fd00::1'), new RegExp(`lladdr ${GATEWAY} router `))
  t.is(port.counters().drops['NoReply'], undefined)
})

test.serial('responder: Linux finds neighbours that the directory knows, and none that it does not', async (t) => {
  const port = await linuxVm(t, 'r2')
  ip('addr add fd00::4/64 dev r2 nodad')
  // Nobody is there to answer the ping: only the question for the MAC is answered.
  for (const [version, address] of [['-4', '10.0.1.5'], ['-6', 'fd00::5'], ['-4', '10.0.1.6']] as const) t.false(await pings(version, '-c', '1', address))
  t.regex(neighbour('r2', '10.0.1.5'), new RegExp(`lladdr ${NEIGHBOUR} `))
  t.regex(neighbour('r2', 'fd00::5'), new RegExp(`lladdr ${NEIGHBOUR} (?!router)`))
  t.notRegex(neighbour('r2', '10.0.1.6'), /lladdr/)
  t.true((port.counters().drops['NoSuchNeighbour'] ?? 0) > 0)
})

test.serial('responder: Linux does not get an address that is its gateway\'s', async (t) => {
  const nic = orThrow(await openTap({ interface: 'r3', mac: VM }))
  const host = openHost()
  t.teardown(() => host.close())
  const port = orThrow(host.switch.addPort({ name: 'linux', mac: VM }))
  orThrow(orThrow(port.addLayer(responder.layer, { order: 7 })).update(responder.policy({ gateways: [{ ip: 'fd00::1', mac: GATEWAY }], neighbours: 'any' })))
  orThrow(host.plug('linux', nic))
  ip('link set r3 up')
  ip('addr add fd00::1/64 dev r3')
  ip('addr add fd00::2/64 dev r3')
  await until('the kernel has found the duplicate', () => ip('-6 addr show dev r3').includes('dadfailed'))
  await until('the kernel has settled the other', () => !/fd00::2\/64.*tentative/.test(ip('-6 addr show dev r3')))
  t.notRegex(ip('-6 addr show dev r3'), /fd00::2\/64.*dadfailed/)
})
