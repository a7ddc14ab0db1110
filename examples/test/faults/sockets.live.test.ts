/** The names of sockets are removed under way: a guest’s, and that of the status. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { testNeeding } from '@vfp-ts/needs'
import type { Nic } from '@vfp-ts/adapters/nic'
import { connectQemuNic } from '@vfp-ts/adapters/qemu'
import { openTap } from '@vfp-ts/adapters/tap'
import { orThrow } from '@vfp-ts/core'
import { command, until } from '../../live/namespaces.js'
import { goesOn, pinging, streaming } from './traffic.js'
import { endWell, twoHosts, VMS } from './two-hosts.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'TAP devices', 'ping', 'python3')

/** What comes out of one NIC goes into the other. */
const carry = (from: Nic, to: () => Nic | undefined): void => {
  orThrow(from.start({
    frames: ({ bytes, start, length, offload, count }) => {
      for (let i = 0; i < count; i++) to()?.send(bytes, start[i] ?? 0, (start[i] ?? 0) + (length[i] ?? 0), offload[i])
    },
  }))
}

test.serial('faults: a guest’s socket is removed: it stays connected, and comes back under the same name; nobody else notices', async (t) => {
  const { lab, ns, folder, start } = await twoHosts(t)
  const path = join(folder.a, 'guest.sock')
  const [a, b] = await Promise.all([start('a', { nics: { a1: { qemu: { path } } } }), start('b')])
  // The guest is a kernel's stack behind a TAP device, whose frames are carried to the socket here.
  await command('ip', '-n', ns.a1, 'link', 'del', 'eth0')
  const device = `vfp${process.pid}`
  const tap = orThrow(await openTap({ interface: device, mac: VMS.a1.mac, offloads: false }))
  t.teardown(() => tap.close())
  await command('ip', 'link', 'set', device, 'netns', ns.a1)
  await command('ip', '-n', ns.a1, 'addr', 'add', `${VMS.a1.ip}/24`, 'dev', device)
  await command('ip', '-n', ns.a1, 'link', 'set', device, 'up')
  let guest: Nic | undefined
  const connect = async (): Promise<void> => {
    const nic = orThrow(await connectQemuNic({ address: { path } }))
    t.teardown(() => nic.close())
    carry(nic, () => tap)
    guest = nic
  }
  await connect()
  carry(tap, () => guest)
  const toGuest = pinging(lab, ns.b2, VMS.a1.ip)
  const others = await streaming(lab, ns.a2, ns.b1, VMS.b1.ip)
  await goesOn(toGuest, 10)
  rmSync(path)
  await until('the socket is there again', () => existsSync(path))
  await goesOn(toGuest, 10)
  await guest?.close()
  await until('the port’s link is down', async () => (await a.status()).ports[0]?.nic?.link === 'down')
  await goesOn(others, 500_000)
  await until('what was for the guest is counted', async () => ((await a.status()).ports[0]?.nic?.counters.sendDrops['LinkDown'] ?? 0) > 0)
  await connect()
  await goesOn(toGuest, 10)
  const { sent, received } = await others.end()
  t.is(received, sent)
  await toGuest.end()
  await endWell(t, [a, b], /a1: the link is (up|down)$/, /link: NotFound: the socket was removed; it is made again$/, /PeerGone/)
})

test.serial('faults: the status socket is removed: traffic goes on, and SIGHUP makes it again', async (t) => {
  const { lab, ns, folder, start } = await twoHosts(t)
  const [a, b] = await Promise.all([start('a'), start('b')])
  const pings = pinging(lab, ns.a1, VMS.b1.ip)
  await goesOn(pings, 5)
  rmSync(join(folder.a, 'status.sock'))
  await t.throwsAsync(a.status())
  await goesOn(pings, 5)
  a.signal('SIGHUP')
  await until('the socket is there again', () => existsSync(join(folder.a, 'status.sock')))
  t.is((await a.status()).name, 'host-a')
  const { sent, received } = await pings.end()
  t.true(sent - received <= 1)
  await endWell(t, [a, b], /configuration read again/)
  t.false(existsSync(join(folder.a, 'status.sock')))
})
