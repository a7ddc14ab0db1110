/** Interfaces go down and come up while TCP and pings run. */
import { testNeeding } from '@vfp-ts/needs'
import { command, until } from '../../live/namespaces.js'
import { goesOn, pinging, streaming } from './traffic.js'
import { endWell, LINK, residentMiB, twoHosts, VMS } from './two-hosts.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'ping', 'python3')

test.serial('faults: a VM’s interface goes down and up, its TCP stream goes on, and nobody else notices', async (t) => {
  const { lab, ns, start } = await twoHosts(t)
  const [a, b] = await Promise.all([start('a'), start('b')])
  const stream = await streaming(lab, ns.a1, ns.b1, VMS.b1.ip)
  const others = pinging(lab, ns.a2, VMS.b2.ip)
  await goesOn(others, 10)
  await goesOn(stream, 500_000)
  const before = residentMiB(a)
  for (const where of [[ns.a, 'a1'], [ns.a1, 'eth0']] as const) {
    await command('ip', '-n', where[0], 'link', 'set', where[1], 'down')
    await until('the port’s link is down', async () => (await a.status()).ports[0]?.nic?.link === 'down')
    await goesOn(others, 10)
    await command('ip', '-n', where[0], 'link', 'set', where[1], 'up')
    await goesOn(stream, 500_000)
  }
  const { sent, received } = await stream.end()
  t.is(received, sent)
  const pings = await others.end()
  t.true(pings.sent - pings.received <= 1, JSON.stringify(pings))
  const port = (await a.status()).ports[0]
  t.is(port?.nic?.link, 'up')
  t.deepEqual(Object.keys(port?.nic?.counters.sendDrops ?? {}).filter((reason) => reason !== 'LinkDown'), [], 'what b1 said meanwhile')
  t.regex(a.errors(), /a1: the link is down\n[^]*a1: the link is up\n/)
  t.true(residentMiB(a) < before + 100)
  await endWell(t, [a, b], LINK)
})

test.serial('faults: the underlay goes down and up, TCP goes on after it, and VMs of one host during it', async (t) => {
  const { lab, ns, start } = await twoHosts(t)
  const [a, b] = await Promise.all([start('a'), start('b')])
  const stream = await streaming(lab, ns.a1, ns.b1, VMS.b1.ip)
  const local = pinging(lab, ns.a2, VMS.a1.ip)
  await goesOn(local, 10)
  await goesOn(stream, 500_000)
  for (const host of [ns.a, ns.b]) {
    await command('ip', '-n', host, 'link', 'set', 'u0', 'down')
    await until('the underlay is down', async () => (await a.status()).uplink?.link === 'down')
    await goesOn(local, 10)
    await command('ip', '-n', host, 'link', 'set', 'u0', 'up')
    await goesOn(stream, 500_000)
  }
  const { sent, received } = await stream.end()
  t.is(received, sent)
  const pings = await local.end()
  t.true(pings.sent - pings.received <= 1, JSON.stringify(pings))
  const { uplink } = await a.status()
  t.true((uplink?.counters.sendDrops['LinkDown'] ?? 0) > 0)
  t.deepEqual(Object.keys(uplink?.counters.sendDrops ?? {}), ['LinkDown'])
  await endWell(t, [a, b], LINK)
})
