/**
 * Pingmesh: what the network between three hosts of a tenant is worth, without asking a VM.
 *
 * Each host has a prober, which injects probes at its VM's port as if the VM had sent them. They take the way of the VM's own
 * packets, through its layers, the tunnel and the other VM's layers, and are answered where that VM would get them. The
 * answer is taken out of the traffic where the first VM would get it.
 *
 * The underlay here has a link that loses packets, in one direction, and one that is slow. Time is simulated: a minute takes a moment.
 *
 * @see VFP §10.2
 */
import { buildFrame, directory, dissect, formatIp, manualClock, openSwitch, orThrow, type Switch } from '@vfp-ts/core'
import { acl, fullMesh, guard, openProber, probe, probeInbox, type ProbeEnd, PROBE_PORT, type Prober, vnet } from '@vfp-ts/layers'

const clock = manualClock()

/** Numbers that only look random: the table is the same each time. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x9e37_79b9) >>> 0
    const mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
}
const chance = randomFrom(1)

// The underlay: what is on its way, and the way's quality.
interface Way { readonly delayUs: number; readonly lossPercent: number }
const GOOD: Way = { delayUs: 120, lossPercent: 0 }
const WAYS: Readonly<Record<string, Way>> = {
  '192.0.2.1 > 192.0.2.3': { delayUs: 120, lossPercent: 10 },
  '192.0.2.2 > 192.0.2.3': { delayUs: 2500, lossPercent: 0 },
  '192.0.2.3 > 192.0.2.2': { delayUs: 2500, lossPercent: 0 },
}
const onTheirWay: { readonly dueUs: number; readonly to: string; readonly frame: Uint8Array }[] = []
const underlay = (frame: Uint8Array): void => {
  const [{ net }] = orThrow(dissect(frame)).groups
  if (net === undefined || net.kind === 'arp') return
  const to = formatIp(net.destination)
  const { delayUs, lossPercent } = WAYS[`${formatIp(net.source)} > ${to}`] ?? GOOD
  if (chance() % 100 < lossPercent) return
  onTheirWay.push({ dueUs: clock.nowUs() + delayUs + (chance() % 40), to, frame: frame.slice() })
}

// Three hosts of a tenant, with the layers of any other.
const ENDS: readonly ProbeEnd[] = [1, 2, 3].map((n) => ({ name: `host-${n}`, ip: `10.0.1.${n}`, mac: `00:15:5d:00:00:0${n}` }))
const ca = directory('ca')
ENDS.forEach(({ ip, mac }, i) => { orThrow(ca.add({ vni: 5001, ip, at: [{ pa: `192.0.2.${i + 1}`, mac }] })) })

let heard = 0
const hosts = new Map<string, Switch>()
const probers: Prober[] = ENDS.map(({ name, ip, mac }, i) => {
  const inbox = probeInbox('inbox')
  const host = openSwitch({ clock, resources: { ca, inbox }, environment: { toNetwork: underlay, toVm: () => { heard++ } } })
  hosts.set(`192.0.2.${i + 1}`, host)
  const port = orThrow(host.addPort({ name, mac, ip: [ip], vni: 5001 }))
  orThrow(orThrow(port.addLayer(probe.layer, { order: 2 })).updateJson({ inbox: 'inbox' }))
  orThrow(orThrow(port.addLayer(guard.layer, { order: 5 })).update(guard.policy({})))
  orThrow(orThrow(port.addLayer(acl.layer, { order: 20 })).update(acl.policy({
    outbound: [{ allow: { proto: 'udp' }, stateful: true }],
    inbound: [{ allow: { proto: 'udp', dstPort: PROBE_PORT, srcIp: '10.0.1.0/24' }, stateful: true, name: 'probes' }],
    otherwise: 'deny',
  })))
  orThrow(orThrow(port.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({ vni: 5001, underlay: `192.0.2.${i + 1}`, routes: ['10.0.1.0/24'], directory: 'ca' })))
  return orThrow(openProber({
    pairs: fullMesh(ENDS, name), clock, random: randomFrom(100 + i), inbox, everyUs: 100_000, timeoutUs: 1_000_000, inject: (frame) => { host.fromVm(name, frame) },
  }))
})

/** Moves time from event to event: probes that are due, and frames that arrive. */
const run = (untilUs: number): void => {
  for (;;) {
    const dueUs = probers.map((prober) => prober.tick())
    onTheirWay.sort((a, b) => a.dueUs - b.dueUs)
    const arrives = onTheirWay[0]
    const nextUs = Math.min(...dueUs, arrives?.dueUs ?? Number.POSITIVE_INFINITY)
    if (nextUs > untilUs) return
    clock.advanceUs(Math.max(0, nextUs - clock.nowUs()))
    if (arrives === undefined || arrives.dueUs > nextUs) continue
    onTheirWay.shift()
    hosts.get(arrives.to)?.fromNetwork(arrives.frame)
  }
}
run(60_000_000)

const ms = (us: number | undefined): string => (us === undefined ? '-' : (us / 1000).toFixed(3))
const row = (cells: readonly string[]): string => cells.map((cell, i) => (i < 2 ? cell.padEnd(8) : cell.padStart(9))).join(' ').trimEnd()
console.log(row(['from', 'to', 'probes', 'loss', 'min ms', 'median', 'p99']))
for (const { from, to, sent, lossPercent, minUs, medianUs, p99Us } of probers.flatMap((prober) => prober.report())) {
  console.log(row([from, to, String(sent), `${lossPercent.toFixed(1)} %`, ms(minUs), ms(medianUs), ms(p99Us)]))
}
console.log(`packets that a VM heard of it: ${heard}`)

// A VM's own traffic is its own, on that port, too.
hosts.get('192.0.2.2')?.fromVm('host-2', orThrow(buildFrame({
  proto: 'udp', srcIp: '10.0.1.2', dstIp: '10.0.1.1', srcPort: 5000, dstPort: PROBE_PORT, srcMac: '00:15:5d:00:00:02', dstMac: '00:15:5d:00:00:01',
})))
run(61_000_000)
console.log(`and of a packet to port ${PROBE_PORT} that another VM sent it: ${heard}`)
