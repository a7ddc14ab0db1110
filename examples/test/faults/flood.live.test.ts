/** A VM sends as many frames as it can, or takes none, while others say little. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testNeeding } from '@vfp-ts/needs'
import { until } from '../../live/namespaces.js'
import { goesOn, pinging } from './traffic.js'
import { endWell, LINK, residentMiB, twoHosts, VMS } from './two-hosts.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'ping')

const GENERATE = fileURLToPath(new URL('../../bench/generate.js', import.meta.url))

// With 50,000 flows most packets are the first of theirs, which cost most.
for (const flows of ['1000', '50000']) {
  test.serial(`faults: a VM floods in ${flows} flows: others’ pings go on, too much is counted at its own NIC, and memory stays`, async (t) => {
    const { lab, ns, start } = await twoHosts(t)
    const wishes = { mappings: [{ ip: '10.2.0.1', pa: '192.0.2.2', mac: VMS.b1.mac }] }
    const [a, b] = await Promise.all([start('a', wishes), start('b', wishes)])
    const pings = [pinging(lab, ns.a2, VMS.b2.ip), pinging(lab, ns.b2, VMS.a2.ip)]
    for (const each of pings) await goesOn(each, 10)
    const before = [a, b].map(residentMiB)
    let flooding = true
    const flood = lab.in(ns.a1, process.execPath, GENERATE, 'eth0', flows, '3', VMS.b1.mac, VMS.a1.mac).finally(() => { flooding = false })
    await until('the flood', async () => ((await a.status()).ports[0]?.nic?.counters.received ?? 0) > 1000)
    await Promise.all(pings.map((each) => goesOn(each, 5)))
    t.true(flooding, 'they go on during it, not only after it')
    const sent = Number(await flood)
    for (const each of pings) await goesOn(each, 10)
    for (const each of pings) {
      const { sent: asked, received } = await each.end()
      // The uplink is everybody's: what a busy machine's kernel drops there hits whoever comes.
      t.true(received >= 0.7 * asked, `${received} of ${asked}`)
    }
    const { nic } = (await a.status()).ports[0] ?? {}
    const { received = 0, receiveDrops } = nic?.counters ?? {}
    // On a machine fast enough there may be nothing that was too much.
    t.is(received + (receiveDrops?.['Overrun'] ?? 0), sent)
    const grown = [a, b].map((program, i) => residentMiB(program) - (before[i] ?? 0))
    t.true(grown.every((mib) => mib < 200), `${grown.join(' and ')} MiB more`)
    await endWell(t, [a, b])
  })
}

test.serial('faults: a guest that stops reading while it is flooded: what it does not take is counted, and the others go on', async (t) => {
  const { lab, ns, folder, start } = await twoHosts(t)
  const path = join(folder.b, 'guest.sock')
  const wishes = { mappings: [{ ip: '10.2.0.1', pa: '192.0.2.2', mac: VMS.b1.mac }] }
  const [a, b] = await Promise.all([start('a', wishes), start('b', { ...wishes, nics: { b1: { qemu: { path } } } })])
  const guest = connect(path)
  t.teardown(() => guest.destroy())
  await once(guest, 'connect')
  guest.pause()
  const pings = pinging(lab, ns.a2, VMS.b2.ip)
  await goesOn(pings, 10)
  const before = residentMiB(b)
  const refused = async (): Promise<number> => (await b.status()).ports[0]?.nic?.counters.sendDrops['Full'] ?? 0
  await until('frames are refused', async () => {
    await lab.in(ns.a1, process.execPath, GENERATE, 'eth0', '1000', '1', VMS.b1.mac, VMS.a1.mac)
    return (await refused()) > 1000
  })
  await goesOn(pings, 10)
  t.is((await b.status()).ports[0]?.nic?.link, 'up')
  t.true(residentMiB(b) < before + 200, `${residentMiB(b) - before} MiB more`)
  const { sent, received } = await pings.end()
  t.true(received >= 0.6 * sent, `${received} of ${sent}`)
  guest.destroy()
  await endWell(t, [a, b], LINK, /PeerGone/)
})
