/** A VM sends as many frames as it can, or takes none, while others say little. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { goesOn, pinging } from './traffic.js'
import { endWell, LINK, residentMiB, twoHosts, VMS } from './two-hosts.js'

const GENERATE = fileURLToPath(new URL('../../bench/generate.js', import.meta.url))

// With 50,000 flows most packets are the first of theirs, which cost most.
for (const flows of ['1000', '50000']) {
  test.serial(`faults: a VM floods in ${flows} flows: the pings of others go on, what was too much is counted at its own NIC, and memory stays`, async (t) => {
    const { lab, ns, start } = await twoHosts(t)
    const wishes = { mappings: [{ ip: '10.2.0.1', pa: '192.0.2.2', mac: VMS.b1.mac }] }
    const [a, b] = await Promise.all([start('a', wishes), start('b', wishes)])
    const pings = [pinging(lab, ns.a2, VMS.b2.ip), pinging(lab, ns.b2, VMS.a2.ip)]
    for (const each of pings) await goesOn(each, 10)
    const before = [a, b].map(residentMiB)
    const sent = Number(await lab.in(ns.a1, process.execPath, GENERATE, 'eth0', flows, '3', VMS.b1.mac, VMS.a1.mac))
    for (const each of pings) await goesOn(each, 10)
    for (const each of pings) {
      const { sent: asked, received } = await each.end()
      t.true(received >= 0.9 * asked, `${received} of ${asked}`)
    }
    const { nic } = (await a.status()).ports[0] ?? {}
    const { received = 0, receiveDrops } = nic?.counters ?? {}
    // On a machine fast enough there may be nothing that was too much.
    t.is(received + (receiveDrops?.['Overrun'] ?? 0), sent)
    const grown = [a, b].map((program, i) => residentMiB(program) - (before[i] ?? 0))
    t.log({ sent, received, grown })
    t.true(grown.every((mib) => mib < 200), `${grown.join(' and ')} MiB more`)
    await endWell(t, [a, b])
  })
}

test.serial('faults: a guest that stops reading while it is flooded: what it does not take is counted, and the others go on', async (t) => {
  const { lab, ns, folder, start } = await twoHosts(t)
  const path = join(folder.a, 'guest.sock')
  const wishes = { mappings: [{ ip: '10.2.0.1', pa: '192.0.2.1', mac: VMS.a1.mac }] }
  const [a, b] = await Promise.all([start('a', { ...wishes, nics: { a1: { qemu: { path } } } }), start('b', wishes)])
  const guest = connect(path)
  t.teardown(() => guest.destroy())
  await once(guest, 'connect')
  guest.pause()
  const pings = pinging(lab, ns.a2, VMS.b2.ip)
  await goesOn(pings, 10)
  const before = residentMiB(a)
  await lab.in(ns.b1, process.execPath, GENERATE, 'eth0', '1000', '2', VMS.a1.mac, VMS.b1.mac)
  await goesOn(pings, 10)
  const { nic } = (await a.status()).ports[0] ?? {}
  t.true((nic?.counters.sendDrops['Full'] ?? 0) > 1000, JSON.stringify(nic?.counters))
  t.is(nic?.link, 'up')
  t.true(residentMiB(a) < before + 200, `${residentMiB(a) - before} MiB more`)
  const { sent, received } = await pings.end()
  t.true(received >= 0.9 * sent, `${received} of ${sent}`)
  guest.destroy()
  await endWell(t, [a, b], LINK, /PeerGone/)
})
