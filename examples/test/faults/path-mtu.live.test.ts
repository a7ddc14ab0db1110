/** A router of the underlay, Linux's, has a link that takes less than the host's own: it says so, and the VM learns of it. */
import { testNeeding } from '@vfp-ts/needs'
import { command } from '../../live/namespaces.js'
import { endWell, twoHosts, VMS } from './two-hosts.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'ping')

/** A host behind the router, which nobody need be for this. */
const FAR = '198.51.100.2'

test.serial('faults: a VM learns of the MTU of a path from a router’s error about a tunnelled packet', async (t) => {
  const { lab, ns, start } = await twoHosts(t)
  // The other host's namespace is the router.
  const inRouter = (...args: readonly string[]): Promise<string> => command('ip', '-n', ns.b, ...args)
  await inRouter('addr', 'add', '192.0.2.2/24', 'dev', 'u0')
  await inRouter('link', 'add', 'far', 'mtu', '1400', 'type', 'veth', 'peer', 'name', 'nowhere')
  await inRouter('link', 'set', 'far', 'up')
  await inRouter('link', 'set', 'nowhere', 'up')
  await inRouter('addr', 'add', '198.51.100.1/24', 'dev', 'far')
  await inRouter('neigh', 'add', FAR, 'lladdr', '02:00:00:00:0f:02', 'dev', 'far')
  await lab.in(ns.b, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward')
  const host = await start('a', { routes: [{ prefix: '198.51.100.0/24', via: '192.0.2.2' }], mappings: [{ ip: VMS.b1.ip, pa: FAR, mac: VMS.b1.mac }] })
  // Nobody answers: what is to be seen is what the VM's kernel hears of its packets' way.
  await lab.in(ns.a1, 'sh', '-c', `ping -n -M do -s 1400 -c 5 -i 0.2 -W 1 ${VMS.b1.ip} || true`)
  t.regex(await lab.in(ns.a1, 'ip', 'route', 'get', VMS.b1.ip), /mtu 1350/)
  const { ports: [port], uplink } = await host.status()
  t.true((uplink?.counters.receiveDrops['PathMtu'] ?? 0) > 0)
  t.is(uplink?.counters.receiveDrops['ForgedError'], undefined)
  t.true((port?.counters.drops['PacketTooBig'] ?? 0) > 0)
  await endWell(t, [host])
})
