/** What the wire and the VMs may do to a host, where no kernel is needed: every frame arrives as it was sent, or a counter tells why not. */
import { buildFrame, type FrameSpec, makeFrameView, orThrow, parseFrame, Reason, Verify } from '@vfp-ts/core'
import test from 'ava'
import { type Faults, faulty, type FaultyNic } from '../../src/fault/index.js'
import { manualTimers } from '../../src/nic/timers.js'
import type { Host, HostOptions } from '../../src/host/index.js'
import { memoryPair } from '../../src/memory/index.js'
import { SendCode } from '../../src/nic/index.js'
import { openUnderlay } from '../../src/underlay/index.js'
import { type Far, macOf, openRig, tenantPort, tenants } from './rig.js'

const frame = (from: number, to: number, spec: Partial<FrameSpec> = {}): Uint8Array =>
  orThrow(buildFrame({ proto: 'udp', srcIp: `10.0.1.${from}`, dstIp: `10.0.1.${to}`, srcMac: macOf(from), dstMac: macOf(to), ...spec }))

/** A datagram's frame of exactly so many bytes: cut off where headers need more, with bytes behind the packet where it cannot be longer. */
const ofLength = (from: number, to: number, bytes: number): Uint8Array => {
  const sent = new Uint8Array(bytes)
  const payload = Uint8Array.from({ length: Math.min(Math.max(bytes - HEADERS, 0), LONGEST_PAYLOAD) }, (_, i) => (i * bytes) >>> 3)
  sent.set(frame(from, to, { payload }).subarray(0, bytes))
  return sent
}

const ETHERNET = 14
const HEADERS = 42
const LONGEST_PAYLOAD = 65_535 - 28

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** Lengths from an Ethernet header alone to `most`: all short ones, some between, all of the longest. */
const lengths = (most: number): readonly number[] =>
  Array.from({ length: most - ETHERNET + 1 }, (_, i) => i + ETHERNET).filter((n) => n <= 1_700 || n % 251 === 0 || n > most - 40)

interface FaultyWire {
  readonly hosts: readonly Host[]
  readonly vms: readonly [Far, Far]
  readonly ends: readonly FaultyNic[]
  /** Lets all arrive that is on its way, or held back. */
  readonly run: () => void
}

/** Two hosts with `vm-4` and `vm-5`, that know each other's MAC, with these faults on the wire between them. */
const overFaultyWire = (faults: Faults): FaultyWire => {
  const rig = openRig()
  const tasks: (() => void)[] = []
  const schedule = (task: () => void): void => void tasks.push(task)
  const pair = memoryPair({ macs: ['02:00:00:00:0a:01', '02:00:00:00:0a:02'], mtu: 1_600, queueFrames: 4_096, schedule })
  const timers = manualTimers()
  const ca = tenants()
  const make = (index: 0 | 1): readonly [Host, Far, FaultyNic] => {
    const host = rig.host()
    const end = faulty(index === 0 ? pair.a : pair.b, { seed: 7 + index, send: faults, timers })
    const other = { ip: `192.0.2.${2 - index}`, mac: `02:00:00:00:0a:0${2 - index}` }
    const options = { addresses: [`192.0.2.${index + 1}/24`], neighbours: [other], announce: false, timers: rig.timers }
    orThrow(host.uplink(orThrow(openUnderlay(end, options))))
    tenantPort(host, 4 + index, index + 1, ca)
    const link = rig.link(`tap-${4 + index}`)
    orThrow(host.plug(`vm-${4 + index}`, link.near))
    return [host, link.far, end]
  }
  const [one, four, a] = make(0)
  const [two, five, b] = make(1)
  const run = (): void => {
    for (let moved = 1; moved > 0; ) {
      moved = rig.run()
      for (const task of tasks.splice(0)) {
        task()
        moved++
      }
    }
  }
  return {
    hosts: [one, two], vms: [four, five], ends: [a, b],
    run: () => {
      run()
      timers.advance(100)
      run()
    },
  }
}

interface Exchanged {
  readonly sent: ReadonlySet<string>
  readonly came: readonly string[]
}

/** Sends `count` different frames each way, and gives all that came to the VMs. */
const exchange = ({ vms: [four, five], run }: FaultyWire, count: number): readonly Exchanged[] => {
  const sent = [new Set<string>(), new Set<string>()] as const
  const came: [string[], string[]] = [[], []]
  for (let n = 0; n < count; n++) {
    const payload = Uint8Array.from({ length: 4 + (n * 13) % 1_400 }, (_, i) => (i < 4 ? n >>> (8 * i) : i * n))
    for (const [i, [from, a, b]] of ([[four, 4, 5], [five, 5, 4]] as const).entries()) {
      const each = frame(a, b, { payload })
      sent[i]?.add(text(each))
      from.send(each)
    }
    if (n % 50 === 49) {
      run()
      for (const each of five.came()) came[0].push(text(each.frame))
      for (const each of four.came()) came[1].push(text(each.frame))
    }
  }
  return [{ sent: sent[0], came: came[0] }, { sent: sent[1], came: came[1] }]
}

test('host: over a wire that loses, doubles and reorders, every frame arrives as it was sent, and the counts add up', (t) => {
  const place = overFaultyWire({ loss: 0.01, duplication: 0.01, reordering: 0.05 })
  const frames = 1_000
  for (const [i, { sent, came }] of exchange(place, frames).entries()) {
    const { lost, duplicated, reordered, held } = place.ends[i]!.faults().send
    t.true(lost > 0 && duplicated > 0 && reordered > 0)
    t.is(held, 0)
    t.true(came.every((each) => sent.has(each)))
    t.is(came.length, frames - lost + duplicated)
    t.is(new Set(came).size, frames - lost)
    const [from, to] = [place.hosts[i]!.report(), place.hosts[1 - i]!.report()]
    t.deepEqual(from.uplink?.counters.sendDrops, { Lost: lost })
    t.is(from.uplink?.counters.sent, came.length)
    t.is(to.uplink?.counters.received, came.length)
    t.deepEqual(to.drops, {})
    t.is(to.ports[0]?.nic?.counters.sent, came.length)
  }
})

test('host: of frames with bits turned on the wire, each is delivered or counted, and none is both altered and right by its checksums', (t) => {
  const place = overFaultyWire({ corruption: 0.5 })
  const frames = 1_000
  for (const [i, { sent, came }] of exchange(place, frames).entries()) {
    t.true(place.ends[i]!.faults().send.corrupted > frames / 3)
    const to = place.hosts[1 - i]!.report()
    const dropped = total(to.drops) + total(to.ports[0]!.counters.drops) + total(to.uplink!.counters.receiveDrops)
    t.true(dropped > 0)
    t.is(came.length + dropped, frames)
    // Of an Ethernet header only the wire's own frame check can tell, which is not ours: what is behind it has to be right.
    const packets = new Set([...sent].map((each) => each.slice(ETHERNET)))
    t.deepEqual(came.filter((each) => !packets.has(each.slice(ETHERNET)) && isSound(Buffer.from(each, 'latin1'))), [])
  }
})

const isSound = (bytes: Uint8Array): boolean => parseFrame(makeFrameView(), bytes, 0, bytes.length, 3, Verify.All) === Reason.Ok

test('host: frames of every length up to 65,535 bytes of packet pass between VMs of a host, or are counted with a reason', (t) => {
  const rig = openRig()
  const host = rig.host()
  const links = [1, 2].map((n) => rig.link(`tap-${n}`, { mtu: 65_535 }))
  for (const [i, link] of links.entries()) {
    orThrow(host.switch.addPort({ name: `vm-${i + 1}`, mac: macOf(i + 1) }))
    orThrow(host.plug(`vm-${i + 1}`, link.near))
  }
  const [from, to] = links.map((link) => link.far)
  const all = lengths(65_535 + ETHERNET + 8)
  const wrong: number[] = []
  let refused = 0
  for (const bytes of all) {
    const sent = ofLength(1, 2, bytes)
    const code = from!.send(sent)
    rig.run()
    const came = to!.came()
    const right = bytes < HEADERS ? came.length === 0 : came.length === 1 && came.every(({ frame: one }) => Buffer.from(one).equals(sent))
    if (code !== SendCode.Ok || !right) wrong.push(bytes)
    if (came.length === 0) refused++
  }
  t.deepEqual(wrong, [])
  t.deepEqual(host.report().ports[0]!.counters.drops, { Truncated: refused })
  t.deepEqual(host.report().drops, {})
  t.is(from!.send(new Uint8Array(65_535 + 23)), SendCode.TooLong)
  t.is(from!.send(new Uint8Array(13)), SendCode.TooShort)
})

for (const [what, mtu] of [
  ['the port tells the VM, by the MTU of the wire', undefined],
  ['the port refuses it', { network: 1_500, oversize: 'drop' }],
] as const) {
  test(`host: frames of every length arrive at another host as they were sent, up to what the tunnel has room for; beyond, ${what}`, (t) => {
    const rig = openRig()
    const wire = rig.wire()
    const ca = tenants()
    const options: HostOptions = mtu === undefined ? {} : { mtu }
    const vms = [0, 1].map((index) => {
      const host = rig.host(options)
      orThrow(host.uplink(orThrow(openUnderlay(wire.ends[index]!, { addresses: [`192.0.2.${index + 1}/24`], announce: false, timers: rig.timers }))))
      tenantPort(host, 4 + index, index + 1, ca)
      const link = rig.link(`tap-${4 + index}`, { mtu: 65_535 })
      orThrow(host.plug(`vm-${4 + index}`, link.near))
      return { host, far: link.far }
    })
    const [four, five] = vms
    const all = lengths(65_535 + ETHERNET)
    const arrived = new Set<number>()
    const altered: number[] = []
    for (const bytes of all) {
      const sent = ofLength(4, 5, bytes)
      four!.far.send(sent)
      rig.run()
      for (const { frame: came } of five!.far.came()) {
        if (!Buffer.from(came).equals(sent)) altered.push(bytes)
        arrived.add(bytes)
      }
    }
    t.deepEqual(altered, [])
    // 50 bytes of VXLAN over IPv4.
    const room = 1_500 - 50 + 14
    t.deepEqual(all.filter((n) => arrived.has(n) !== (n >= HEADERS && n <= room)), [])
    const { ports: [port], uplink, drops } = four!.host.report()
    const counted: Record<string, number> = {}
    for (const counts of [port!.counters.drops, uplink!.counters.sendDrops]) {
      for (const [why, count] of Object.entries(counts)) counted[why] = (counted[why] ?? 0) + count
    }
    // Around the very longest no tunnel fits at all.
    const impossible = all.filter((n) => n - ETHERNET + 50 > 65_535).length
    const tooLong = all.filter((n) => n > room).length
    t.deepEqual(counted, { Truncated: 28, TooLong: impossible, PacketTooBig: tooLong - impossible })
    t.is(total(counted) + total(drops), all.length - arrived.size, JSON.stringify(counted))
  })
}
