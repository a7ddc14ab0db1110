/** Kernels' own TCP between two hosts whose wire loses, doubles and reorders frames. Everything but the stacks is in this process. */
import { testNeeding } from '@vfp-ts/needs'
import { faulty } from '@vfp-ts/adapters/fault'
import { type Host, openHost } from '@vfp-ts/adapters/host'
import { memoryPair } from '@vfp-ts/adapters/memory'
import type { Nic } from '@vfp-ts/adapters/nic'
import { openTap } from '@vfp-ts/adapters/tap'
import { openUnderlay } from '@vfp-ts/adapters/underlay'
import { directory, orThrow, parseIp, parseMac } from '@vfp-ts/core'
import { responder, vnet } from '@vfp-ts/layers'
import { command, Laboratory, until } from '../../live/namespaces.js'
import { goesOn, streaming } from './traffic.js'

const test = testNeeding('network namespaces', 'TAP devices', 'koffi', 'ip', 'sh', 'python3')

const VNI = 5001
const vms = [1, 2].map((n) => ({ n, ip: `10.1.0.${n}`, mac: `02:00:0a:01:00:0${n}`, pa: `192.0.2.${n}` }))

test.serial('faults: TCP gets through a wire with 1 % loss, reordering and doubled frames, and every frame of it is accounted for', async (t) => {
  const lab = new Laboratory()
  t.teardown(() => lab.close())
  const ca = directory('ca')
  for (const { ip, mac, pa } of vms) {
    ca.set({ vni: VNI, ip: orThrow(parseIp(ip)) }, { endpoints: [{ pa: orThrow(parseIp(pa)), mac: orThrow(parseMac(mac)) }] })
  }
  const wire = memoryPair({ names: ['u1', 'u2'], macs: ['02:00:c0:00:02:01', '02:00:c0:00:02:02'], mtu: 1600 })
  const faults = { loss: 0.01, reordering: 0.03, duplication: 0.01 }
  const uplinks = [faulty(wire.a, { seed: 1, send: faults }), faulty(wire.b, { seed: 2, send: faults })] as const
  const hosts: Host[] = []
  const spaces: string[] = []
  for (const [i, uplink] of uplinks.entries()) {
    const { n, ip, mac, pa } = vms[i] ?? t.fail()
    const host = openHost({ resources: { ca }, mtu: { network: 1600 } })
    t.teardown(() => host.close())
    hosts.push(host)
    orThrow(host.uplink(orThrow(openUnderlay(uplink, { addresses: [`${pa}/24`] }))))
    const port = orThrow(host.switch.addPort({ name: 'guest', mac, ip: [ip], vni: VNI }))
    orThrow(orThrow(port.addLayer(responder.layer, { order: 1 })).updateJson({ gateways: [], neighbours: { directory: 'ca', vni: VNI } }))
    orThrow(orThrow(port.addLayer(vnet.layer, { order: 2 })).updateJson({ vni: VNI, underlay: [pa], routes: ['10.1.0.0/24'], directory: 'ca' }))
    const device = `vfp${process.pid}-${n}`
    const tap: Nic = orThrow(await openTap({ interface: device, mac }))
    orThrow(host.plug('guest', tap))
    const ns = await lab.namespace(`vm${n}`)
    spaces.push(ns)
    await lab.in(ns, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6')
    await command('ip', 'link', 'set', device, 'netns', ns)
    await command('ip', '-n', ns, 'addr', 'add', `${ip}/24`, 'dev', device)
    await command('ip', '-n', ns, 'link', 'set', device, 'up')
  }
  const [from = '', to = ''] = spaces
  const stream = await streaming(lab, from, to, vms[1]?.ip ?? '')
  await goesOn(stream, 5_000_000)
  const { sent, received } = await stream.end()
  t.is(received, sent)
  await until('nothing is held back', () => uplinks.every((uplink) => uplink.faults().send.held === 0))
  const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0)
  const [left, right] = [wire.a.counters, wire.b.counters]
  await until('the wire is empty', () => left().sent === right().received && right().sent === left().received)
  for (const [i, uplink] of uplinks.entries()) {
    const { lost, duplicated, reordered } = uplink.faults().send
    t.true(reordered > 0)
    t.is(uplink.counters().sendDrops['Lost'], lost)
    if (i === 0) t.true(lost > 0 && duplicated > 0)
    const report = hosts[i]?.report()
    // Nobody dropped a frame but the wire.
    t.deepEqual(report?.uplink?.counters.sendDrops, { Lost: lost })
    t.deepEqual(report?.drops, {})
    t.is(total(report?.ports[0]?.counters.drops ?? {}), 0)
  }
})
