/** A host, an interface or an address of the physical network is gone, and comes back. */
import { testNeeding } from '@vfp-ts/needs'
import { command, until } from '../../live/namespaces.js'
import { goesOn, pinging, streaming } from './traffic.js'
import { configOf, endWell, LINK, PAS, twoHosts, VMS } from './two-hosts.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'ping', 'python3')

test.serial('faults: the other host’s switch is killed and started again, and TCP goes on without anything done here', async (t) => {
  const { lab, ns, start } = await twoHosts(t)
  const a = await start('a')
  const b = await start('b')
  const stream = await streaming(lab, ns.a1, ns.b1, VMS.b1.ip)
  const local = pinging(lab, ns.a2, VMS.a1.ip)
  await goesOn(local, 10)
  await goesOn(stream, 500_000)
  b.signal('SIGKILL')
  await b.ended
  const stopped = stream.arrived()
  await goesOn(local, 20)
  t.is(stream.arrived(), stopped)
  const again = await start('b')
  await goesOn(stream, 500_000)
  const { sent, received } = await stream.end()
  t.is(received, sent)
  const pings = await local.end()
  t.true(pings.sent - pings.received <= 1, JSON.stringify(pings))
  t.is((await a.status()).configurations.taken, 1)
  await endWell(t, [a, again])
})

test.serial('faults: an address of the underlay goes and comes back: what is for it counts as Unresolved, and nobody else notices', async (t) => {
  const { lab, ns, folder, start } = await twoHosts(t)
  const elsewhere = { mappings: [{ ip: VMS.b2.ip, mac: VMS.b2.mac, pa: '192.0.2.9' }] }
  const both = { ...elsewhere, addresses: [`${PAS.b}/24`, '192.0.2.9/24'] }
  const [a, b] = await Promise.all([start('a', elsewhere), start('b', both)])
  const stream = await streaming(lab, ns.a1, ns.b1, VMS.b1.ip)
  const pings = pinging(lab, ns.a2, VMS.b2.ip)
  await goesOn(pings, 10)
  b.write(configOf('b', folder.b, elsewhere))
  b.signal('SIGHUP')
  await until('the address is gone', async () => (await b.status()).configurations.taken === 2)
  // Host a would believe for half a minute what it knows; a link that was down gives it reason to doubt.
  await command('ip', '-n', ns.a, 'link', 'set', 'u0', 'down')
  await command('ip', '-n', ns.a, 'link', 'set', 'u0', 'up')
  const lost = async (): Promise<number> => (await a.status()).uplink?.counters.sendDrops['Unresolved'] ?? 0
  await until('frames are lost', async () => (await lost()) > 10)
  t.true((await a.status()).neighbours.some((neighbour) => JSON.stringify(neighbour).includes('"state":"failed"')))
  await goesOn(stream, 500_000)
  b.write(configOf('b', folder.b, both))
  b.signal('SIGHUP')
  await goesOn(pings, 20)
  const { sent, received } = await stream.end()
  t.is(received, sent)
  await pings.end()
  await endWell(t, [a, b], /configuration read again/, LINK)
})

test.serial('faults: interfaces are deleted under way; SIGHUP brings them back when they are there again', async (t) => {
  const { lab, ns, connect, start } = await twoHosts(t)
  const [a, b] = await Promise.all([start('a'), start('b')])
  const local = pinging(lab, ns.b1, VMS.b2.ip)
  const remote = pinging(lab, ns.b2, VMS.a2.ip)
  for (const traffic of [local, remote]) await goesOn(traffic, 10)
  await command('ip', '-n', ns.a, 'link', 'del', 'a1')
  await until('the failure', () => /a1: a1: link: Gone: the interface was deleted/.test(a.errors()))
  await lab.in(ns.b1, 'ping', '-n', '-c', '3', '-i', '0.05', '-W', '1', VMS.a1.ip).then(() => t.fail('nobody is there'), () => t.pass())
  await goesOn(remote, 10)
  const [gone] = (await a.status()).ports
  t.is(gone?.nic?.link, 'down')
  t.true((gone?.nic?.counters.sendDrops['Closed'] ?? 0) >= 3)
  await command('ip', '-n', ns.a, 'link', 'del', 'u0')
  await until('the failure', () => [a, b].every((host) => host.errors().includes('underlay: u0: link: Gone: the interface was deleted')))
  await goesOn(local, 10)
  // Nothing to open: refused as a whole, and the rest goes on.
  a.signal('SIGHUP')
  await until('the refusal', async () => (await a.status()).configurations.refused === 1)
  t.regex(a.errors(), /\/ports\/a1\/nic\/afPacket: a1: open: NotFound[^]*\/underlay\/interface: u0: open: NotFound/)
  await connect('a1')
  await lab.wire({ ns: ns.a, name: 'u0', mac: '02:00:c0:00:02:01' }, { ns: ns.b, name: 'u0', mac: '02:00:c0:00:02:02' })
  for (const host of [ns.a, ns.b]) await command('ip', '-n', host, 'link', 'set', 'u0', 'mtu', '1600')
  for (const program of [a, b]) program.signal('SIGHUP')
  await goesOn(remote, 10)
  t.regex(await lab.in(ns.b1, 'ping', '-n', '-c', '3', '-i', '0.05', '-W', '5', VMS.a1.ip), / 0% packet loss/)
  const pings = await local.end()
  t.true(pings.sent - pings.received <= 1, JSON.stringify(pings))
  await remote.end()
  await endWell(t, [a, b], LINK, /Gone: the interface was deleted/, /NotFound/, /configuration (refused|read again)/)
})
