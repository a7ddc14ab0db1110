/** What a port does with packets that the physical network does not take. */
import test from 'ava'
import { manualClock } from '../../src/clock.js'
import { orThrow } from '../../src/errors.js'
import type { Environment } from '../../src/switch/environment.js'
import { parseIp } from '../../src/wire/address.js'
import { u16, u32 } from '../../src/wire/bytes.js'
import { L3, QUOTE, Slot, SLOTS } from '../../src/wire/frame-view.js'
import { OFFLOAD_PARTIAL, OFFLOAD_PLACE, OFFLOAD_UDP } from '../../src/wire/offload.js'
import { GATEWAY_MAC, portWith, read, reassembled, type Sent, sent, tunnel, wireBytes } from './mtu-support.js'
import { pendingBench, to } from './pending-support.js'
import { builtIn } from './support.js'

/** IPv4, UDP, VXLAN, and the Ethernet header inside. */
const VXLAN4 = 50
const VXLAN6 = 70

/** What the error among the outputs tells the VM. */
const mtuTold = (outputs: readonly { readonly to: string; readonly why: string; readonly frame: Uint8Array }[]): number | undefined => {
  const error = outputs.find((o) => o.to === 'vm' && o.why === 'reply')
  if (error === undefined) return undefined
  const at = read(error.frame).slots[Slot.L4]!
  return error.frame[at] === 3 ? u16(error.frame, at + 6) : u32(error.frame, at + 4)
}

const payloadOf = (frame: Uint8Array): Uint8Array => {
  const { slots, depth } = read(frame)
  return frame.slice(slots[(depth - 1) * SLOTS + Slot.L4], slots[(depth - 1) * SLOTS + Slot.END])
}

test('mtu: a packet that fits with its tunnel passes; one byte more, and the VM is told what would', (t) => {
  for (const [six, policies, growth] of [
    [false, [tunnel()], VXLAN4], [true, [tunnel()], VXLAN4], [false, [tunnel(true)], VXLAN6], [true, [], 0], [false, [], 0],
  ] as const) {
    const { port } = portWith({ network: 1500 }, policies)
    const fits = port.process('outbound', sent({ six, length: 1500 - growth, dontFragment: true }))
    t.deepEqual(fits.outputs.map((o) => [o.to, o.why, wireBytes(o.frame)]), [['network', 'forward', 1500]])
    const over = port.process('outbound', sent({ six, length: 1501 - growth, dontFragment: true }))
    t.deepEqual(over.outcome, { _tag: 'Dropped', reason: 'PacketTooBig' })
    t.deepEqual(over.outputs.map((o) => [o.to, o.why]), [['vm', 'reply']])
    t.is(mtuTold(over.outputs), 1500 - growth)
    t.deepEqual(port.counters().drops, { PacketTooBig: 1 })
  }
})

test('mtu: the packet is quoted as the VM sent it, whatever policy made of it', (t) => {
  const { port } = portWith({ network: 1400 }, [{ outbound: [{ name: 'g', rules: [{ do: 'nat', with: { srcIp: '192.0.2.7', dstPort: 8080 } }] }] }, tunnel()])
  const frame = sent({ proto: 'tcp', length: 1400, dontFragment: true })
  const [error] = port.process('outbound', frame).outputs
  const { quoted, slots } = read(error!.frame)
  const at = slots[QUOTE * SLOTS + Slot.L3]!
  t.true(quoted)
  t.deepEqual(error!.frame.slice(at, at + 500), frame.slice(14, 514))
})

test('mtu: an IPv4 packet that may be fragmented leaves as fragments, each in a tunnel of its own', (t) => {
  const { port } = portWith({ network: 1500 }, [tunnel()])
  const frame = sent({ length: 4000 })
  const { outcome, outputs } = port.process('outbound', frame)
  t.is(outcome._tag, 'Passed')
  t.deepEqual(outputs.map((o) => [o.to, o.why]), [['network', 'forward'], ['network', 'fragment'], ['network', 'fragment']])
  for (const o of outputs) {
    t.true(wireBytes(o.frame) <= 1500)
    t.is(read(o.frame).depth, 2)
  }
  t.is(wireBytes(outputs[0]!.frame), 1494, 'the payload of a fragment is a multiple of eight')
  t.deepEqual(reassembled(outputs), payloadOf(frame))
  t.deepEqual(port.counters().drops, {})
})

test('mtu: DF is overridden only if the setting says so, and such fragments have an identification of their own', (t) => {
  const { port } = portWith({ network: 1500, oversize: 'fragment' }, [tunnel()])
  const first = port.process('outbound', sent({ length: 2000, dontFragment: true, identification: 0 })).outputs
  const second = port.process('outbound', sent({ length: 2000, dontFragment: true, identification: 0 })).outputs
  t.deepEqual([...first, ...second].map((o) => u16(o.frame, VXLAN4 + 14 + 4)), [1, 1, 2, 2])
  t.deepEqual([...first, ...second].map((o) => o.frame[VXLAN4 + 14 + 6]! & 0x40), [0, 0, 0, 0])
  t.deepEqual(reassembled(first), payloadOf(sent({ length: 2000 })))
  // Only the sender fragments IPv6.
  t.is(mtuTold(port.process('outbound', sent({ six: true, length: 2000 })).outputs), 1450)
})

test('mtu: as told, packets are dropped without a word', (t) => {
  const { port } = portWith({ network: 1500, oversize: 'drop' })
  for (const said of [{ length: 1501 }, { length: 1501, dontFragment: true }, { six: true, length: 1501 }]) {
    t.deepEqual(port.process('outbound', sent(said)).outputs, [])
  }
  t.deepEqual(port.counters().drops, { PacketTooBig: 3 })
})

test('mtu: nobody is told of a packet that errors are not about', (t) => {
  const { port } = portWith({ network: 1000 })
  for (const said of [
    { proto: 'icmp', icmpType: 3, length: 1200, dontFragment: true }, { to: '224.0.0.1', length: 1200, dontFragment: true },
    { from: '0.0.0.0', length: 1200, dontFragment: true },
    // Nor could the sender of this one, whom nobody may ask for less than 1280, do anything about it.
    { six: true, length: 1200 },
  ] as const satisfies readonly Sent[]) {
    t.deepEqual(port.process('outbound', sent(said)), { outcome: { _tag: 'Dropped', reason: 'PacketTooBig' }, outputs: [] }, JSON.stringify(said))
  }
  t.is(mtuTold(port.process('outbound', sent({ six: true, length: 1300 })).outputs), 1280)
})

test('mtu: so many are told at once, and then so many a second', (t) => {
  const clock = manualClock(1_000_000)
  const { port } = portWith({ network: 1500, errors: { perSecond: 2, burst: 3 } }, [], { clock })
  const long = sent({ length: 1501, dontFragment: true })
  const told = (): number => Array.from({ length: 5 }, () => port.process('outbound', long).outputs.length).reduce((a, b) => a + b)
  t.is(told(), 3)
  clock.advanceUs(1_000_000)
  t.is(told(), 2)
  t.is(port.counters().drops['PacketTooBig'], 10)
})

test('mtu: what goes to another port of the switch has none', (t) => {
  const out: string[] = []
  const environment: Environment = { toVm: (p, f) => { out.push(`${p.name} ${f.length}`) }, toNetwork: (f) => { out.push(`network ${f.length}`) } }
  const { host, port } = portWith({ network: 1500 }, [], { environment, tunnelEnds: [{ kind: 'vxlan', ip: orThrow(parseIp('198.51.100.2')) }] })
  orThrow(host.addPort({ name: 'vm-2', mac: GATEWAY_MAC, vni: 5001 }))
  t.is(host.fromVm('vm-1', sent({ length: 9000, dontFragment: true }))._tag, 'Passed')
  t.deepEqual(out.splice(0), ['vm-2 9014'])
  t.like(host.fromVm('vm-1', sent({ length: 9000, dontFragment: true, toMac: '02:00:00:00:00:09' })), { reason: 'PacketTooBig' })
  t.deepEqual(out.splice(0), ['vm-1 590'])
  t.is(host.fromVm('vm-1', sent({ length: 2000, toMac: '02:00:00:00:00:09' }))._tag, 'Passed')
  t.deepEqual(out.splice(0), ['network 1514', 'network 534'])
  // Nor has what goes there in a tunnel.
  orThrow(orThrow(port.addLayer(builtIn, { order: 0 })).updateJson(tunnel()))
  t.is(host.fromVm('vm-1', sent({ length: 1500, dontFragment: true }))._tag, 'Passed')
  t.deepEqual(out, ['vm-2 1564'])
})

test('mtu: a port may have one of its own', (t) => {
  const { host } = portWith({ network: 1500 })
  const jumbo = orThrow(host.addPort({ name: 'vm-2', mac: GATEWAY_MAC, mtu: { network: 9000 } }))
  t.is(jumbo.process('outbound', sent({ length: 9000, dontFragment: true, toMac: '02:00:00:00:00:09' })).outcome._tag, 'Passed')
})

test('mtu: a frame that comes by a hairpin is not said to be its own VM\'s', (t) => {
  const { host, port } = portWith({ network: 1500 })
  orThrow(host.addPort({ name: 'vm-2', mac: '00:15:5d:00:00:02' }))
  orThrow(orThrow(port.addLayer(builtIn, { order: 0 })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'hairpin', with: { port: 'vm-2' } }] }] }))
  t.deepEqual(port.process('outbound', sent({ length: 1501, dontFragment: true })), { outcome: { _tag: 'Dropped', reason: 'PacketTooBig' }, outputs: [] })
  t.deepEqual([port.counters().drops, host.port('vm-2')!.counters().drops], [{}, { PacketTooBig: 1 }])
  const cut = port.process('outbound', sent({ length: 1600 }))
  t.deepEqual(cut.outputs.map((o) => [o.to, o.why]), [['network', 'forward'], ['network', 'fragment']])
})

/** A batch of one frame, with headroom. */
const batchOf = (frame: Uint8Array, headroom: number, offload = 0) => {
  const bytes = new Uint8Array(headroom + frame.length)
  bytes.set(frame, headroom)
  return {
    bytes, start: Uint32Array.of(headroom), length: Uint32Array.of(frame.length), verdict: new Uint8Array(1), reason: new Uint16Array(1),
    offload: Float64Array.of(offload), count: 1,
  }
}

test('mtu: of a frame that is to be segmented the longest segment counts', (t) => {
  const { port } = portWith({ network: 1500 }, [tunnel()])
  const frame = sent({ proto: 'tcp', length: 20_000, dontFragment: true })
  const out: (readonly [string, string, number])[] = []
  for (const segment of [1410, 1411]) {
    const batch = batchOf(frame, 256, OFFLOAD_PARTIAL | segment)
    port.processBatch('outbound', batch, (where, why, _b, start, end, _i, _e, offload) => { out.push([where, `${why} ${end - start}`, offload]) })
    t.is(batch.verdict[0], segment === 1410 ? 0 : 1)
  }
  t.deepEqual(out, [['network', `forward ${14 + 20_000 + VXLAN4}`, OFFLOAD_PARTIAL | 1410], ['vm', 'reply 590', 0]])
  t.deepEqual(port.counters().drops, { PacketTooBig: 1 })
})

test('mtu: of a frame that is to be segmented inside a tunnel of the VM\'s own the longest segment counts, with all headers around it', (t) => {
  const { port } = portWith({ network: 1500 }, [tunnel()])
  // what is at the place needs only look like a TCP header of 20 bytes to have that length
  const frame = sent({ proto: 'udp', length: 20_000, dontFragment: true })
  const inner = 14 + 20 + 8 + 50
  frame[inner + 12] = 0x50
  const headers = 20 + 8 + 50
  for (const [flags, length] of [[0, 20], [OFFLOAD_UDP, 8]] as const) {
    const most = 1500 - VXLAN4 - headers - length
    const out: (readonly [string, number])[] = []
    for (const segment of [most, most + 1]) {
      const batch = batchOf(frame, 256, (frame.length - inner) * OFFLOAD_PLACE + (OFFLOAD_PARTIAL | flags | segment))
      port.processBatch('outbound', batch, (where, _w, _b, start, end, _i, _e, offload) => { out.push([where, offload === 0 ? 0 : end - start]) })
      t.is(batch.verdict[0], segment === most ? 0 : 1)
    }
    t.deepEqual(out, [['network', 14 + 20_000 + VXLAN4], ['vm', 0]])
  }
})

test('mtu: a packet whose unfinished checksum lies in a tunnel of the VM\'s own is not cut', (t) => {
  const { port } = portWith({ network: 1500 })
  const frame = sent({ length: 3000 })
  const batch = batchOf(frame, 0, (frame.length - 92) * OFFLOAD_PLACE + OFFLOAD_PARTIAL)
  const out: string[] = []
  port.processBatch('outbound', batch, (where, why) => { out.push(`${where} ${why}`) })
  t.deepEqual([batch.verdict[0], out], [1, ['vm reply']])
})

test('mtu: a checksum that was left to others is computed before a packet is cut', (t) => {
  const { port } = portWith({ network: 1500 })
  const frame = sent({ length: 3000 })
  const right = payloadOf(frame)
  frame[14 + 20 + 6] = 0x12
  frame[14 + 20 + 7] = 0x34
  const fragments: { readonly to: string; readonly why: 'forward'; readonly frame: Uint8Array }[] = []
  port.processBatch('outbound', batchOf(frame, 0, OFFLOAD_PARTIAL), (where, _w, b, start, end, _i, _e, offload) => {
    t.is(offload, 0)
    fragments.push({ to: where, why: 'forward', frame: b.slice(start, end) })
  })
  t.deepEqual(reassembled(fragments), right)
})

test('mtu: the frame of a batch becomes its first fragment, and is as it was where that does not leave', (t) => {
  const { port } = portWith({ network: 1500 }, [tunnel()])
  const frame = sent({ length: 2000 })
  const whole = batchOf(frame, 256)
  port.processBatch('outbound', whole, () => undefined)
  t.deepEqual([whole.verdict[0], whole.start[0], whole.length[0]], [0, 206, 1508])
  const tight = batchOf(frame, 49)
  port.processBatch('outbound', tight, () => { t.fail('nothing leaves') })
  t.deepEqual([tight.verdict[0], port.reasonName(tight.reason[0]!)], [1, 'NoHeadroom'])
  t.deepEqual(tight.bytes.slice(49), frame)
})

const MSS_1460 = Uint8Array.of(2, 4, 0x05, 0xb4)
const SYN = 0x02

const mssOf = (frame: Uint8Array): number => {
  const { slots, depth } = read(frame)
  return u16(frame, slots[(depth - 1) * SLOTS + Slot.L4]! + 22)
}

test('mtu: the segment size of SYNs is lowered in both directions to what fits with the tunnel', (t) => {
  const { port } = portWith({ network: 1500 }, [tunnel()])
  const syn = (six: boolean, flags: number): Uint8Array => sent({ proto: 'tcp', length: six ? 64 : 44, six, flags, tcpOptions: MSS_1460 })
  for (const [six, most] of [[false, 1410], [true, 1390]] as const) {
    const [out] = port.process('outbound', syn(six, SYN)).outputs
    t.is(mssOf(out!.frame), most)
    const { port: peer } = portWith(undefined, [tunnel()])
    const [back] = peer.process('outbound', syn(six, SYN | 0x10)).outputs
    t.is(mssOf(port.process('inbound', back!.frame).outputs[0]!.frame), most)
    t.is(mssOf(port.process('outbound', syn(six, 0x10)).outputs[0]!.frame), 1460, 'not in segments without SYN')
  }
})

test('mtu: the segment size is left where there is no need, no room, or no leave', (t) => {
  const syn = sent({ proto: 'tcp', length: 44, flags: SYN, tcpOptions: MSS_1460 })
  for (const mtu of [{ network: 1500 }, { network: 9000 }, { network: 1500, clampMss: false }, undefined]) {
    t.is(mssOf(portWith(mtu).port.process('outbound', syn).outputs[0]!.frame), 1460)
  }
  t.is(mssOf(portWith({ network: 1499 }).port.process('outbound', syn).outputs[0]!.frame), 1459)
  t.is(mssOf(portWith({ network: 94, clampMss: false }, [tunnel()]).port.process('outbound', syn).outputs[0]!.frame), 1460)
  t.is(mssOf(portWith({ network: 90 }, [tunnel()], {}).port.process('inbound', syn).outputs[0]!.frame), 50)
})

test('mtu: a SYN that is refused keeps its segment size', (t) => {
  const { port } = portWith({ network: 1500 }, [tunnel()])
  const syn = sent({ proto: 'tcp', length: 44, flags: SYN, tcpOptions: MSS_1460 })
  const batch = batchOf(syn, 10)
  port.processBatch('outbound', batch, () => { t.fail('nothing leaves') })
  t.is(port.reasonName(batch.reason[0]!), 'NoHeadroom')
  t.deepEqual(batch.bytes.slice(10), syn)
})

const translating = { outbound: [{ name: 'g', rules: [{ do: 'translate', with: { to: 6, src: '2001:db8:1::/96', dst: '64:ff9b::/96', hops: 0 } }] }] }

test('mtu: translation to IPv6 counts, and what it adds to each fragment', (t) => {
  const { port } = portWith({ network: 1500 }, [translating])
  t.is(mtuTold(port.process('outbound', sent({ length: 1481, dontFragment: true })).outputs), 1480)
  t.is(port.process('outbound', sent({ length: 1480, dontFragment: true })).outcome._tag, 'Passed')
  t.is(mssOf(port.process('outbound', sent({ proto: 'tcp', length: 44, flags: SYN, tcpOptions: MSS_1460 })).outputs[0]!.frame), 1440)
  const frame = sent({ length: 1481 })
  const { outputs } = port.process('outbound', frame)
  t.deepEqual(outputs.map((o) => [read(o.frame).slots[Slot.L3_KIND], wireBytes(o.frame) <= 1500]), [[L3.Ipv6, true], [L3.Ipv6, true]])
  t.is(reassembled(outputs).length, 1461)
  // Fragments of ICMP are not translated, so the VM is asked, DF or not.
  t.is(mtuTold(port.process('outbound', sent({ proto: 'icmp', length: 1481 })).outputs), 1480)
})

test('mtu: a packet that waited is measured when it leaves', (t) => {
  const { port, places, told } = pendingBench({ mtu: { network: 600 } })
  const leaving = (key: number): readonly (string | undefined)[] => {
    told()
    places.answer(key)
    return told().map((line) => line.split(' ')[0])
  }
  port.process('outbound', to(80, { bytes: 1000 }))
  t.deepEqual(leaving(80), ['released', 'released'])
  port.process('outbound', to(82, { bytes: 1000, to: '10.0.0.3' }))
  port.process('outbound', to(82, { bytes: 10, to: '10.0.0.3' }))
  t.deepEqual(leaving(82), ['released', 'released', 'released'], 'its fragments line up behind those that wait')
  t.deepEqual([port.counters().pending.waiting, port.counters().pending.waitingBytes, port.counters().drops], [0, 0, {}])
})

test('mtu: what is cut is decided by one walk from then on', (t) => {
  const { port } = portWith({ network: 1500 }, [tunnel()])
  for (let i = 0; i < 10; i++) port.process('outbound', sent({ length: 2000, identification: i }))
  const { slow, fast } = port.counters()
  t.deepEqual([slow, fast], [1, 29])
  t.is(port.flows()[0]!.packets, 20, 'a frame that is cut counts as its fragments')
})

test('mtu: an explanation says that a packet would be too big, and of one that is cut that it goes on', (t) => {
  const { port } = portWith({ network: 1500 }, [tunnel()])
  const verdict = (said: Sent): string => port.explain('outbound', sent(said)).verdict
  t.is(verdict({ length: 1451, dontFragment: true }), 'drop PacketTooBig')
  t.is(verdict({ length: 1450, dontFragment: true }), 'continue')
  t.is(verdict({ length: 1451 }), 'continue')
  t.deepEqual(port.counters().packets, 0)
})

test('mtu: without a setting there is none', (t) => {
  const { port } = portWith(undefined, [tunnel()])
  t.is(port.process('outbound', sent({ length: 9000, dontFragment: true })).outcome._tag, 'Passed')
})
