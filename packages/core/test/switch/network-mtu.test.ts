/** MTUs that change while a switch runs: the link's, and those of paths. */
import test from 'ava'
import { manualClock } from '../../src/clock.js'
import { orThrow } from '../../src/errors.js'
import type { GroupJson } from '../../src/index.js'
import type { Port } from '../../src/switch/port.js'
import { openSwitch } from '../../src/switch/switch.js'
import { u16, u32 } from '../../src/wire/bytes.js'
import { Slot } from '../../src/wire/frame-view.js'
import { GATEWAY_MAC, portWith, read, type Sent, sent, tunnel, VM_MAC, wireBytes } from './mtu-support.js'

const VXLAN4 = 50
const VXLAN6 = 70
const MINUTES_10 = 600_000_000

/** What a packet of that length does: the MTU the VM is told, or the lengths that leave, or the reason. */
const send = (port: Port, length: number, said: Sent = {}): number | readonly number[] | string => {
  const { outcome, outputs } = port.process('outbound', sent({ dontFragment: true, length, ...said }))
  const told = outputs.find((o) => o.why === 'reply')?.frame
  if (told !== undefined) return told[read(told).slots[Slot.L4]!] === 3 ? u16(told, read(told).slots[Slot.L4]! + 6) : u32(told, read(told).slots[Slot.L4]! + 4)
  return outcome._tag === 'Dropped' ? outcome.reason : outputs.map((o) => wireBytes(o.frame))
}

const toHost = (dstIp: string, when: Record<string, unknown>): readonly GroupJson[] =>
  [{ name: 'g', rules: [{ do: 'encap', when, with: { srcIp: dstIp.includes(':') ? '2001:db8::1' : '192.0.2.1', dstIp, vni: 5001 } }] }]

for (const six of [false, true]) {
  test(`network MTU: the next packet of a running flow is told of another MTU of the link, down and up, in a tunnel over IPv${six ? 6 : 4}`, (t) => {
    const growth = six ? VXLAN6 : VXLAN4
    const { host, port } = portWith({ network: 1600 }, [tunnel(six)])
    t.deepEqual(send(port, 1450), [1450 + growth])
    orThrow(host.setMtu(1400))
    t.is(send(port, 1450), 1400 - growth)
    t.deepEqual(send(port, 1400 - growth), [1400])
    orThrow(host.setMtu(1600))
    t.deepEqual(send(port, 1600 - growth), [1600])
    t.is(send(port, 1601 - growth), 1600 - growth)
  })
}

test('network MTU: a switch opened without one follows from the first on', (t) => {
  const { host, port } = portWith(undefined, [tunnel()])
  t.deepEqual(send(port, 9_000), [9_050])
  orThrow(host.setMtu(1500))
  t.is(send(port, 1451), 1450)
  const cut = send(port, 3_000, { dontFragment: false })
  t.true(Array.isArray(cut) && cut.length === 3 && cut.every((length) => length <= 1500), String(cut))
})

test('network MTU: bounds a port with an MTU of its own, which stays bounded by that', (t) => {
  const host = openSwitch({ mtu: { network: 1500 } })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: VM_MAC, mtu: { network: 1800 } }))
  const other = orThrow(host.addPort({ name: 'vm-2', mac: '00:15:5d:00:00:02', mtu: { oversize: 'drop' } }))
  t.deepEqual(send(port, 1800), [1800])
  t.is(send(port, 1801), 1800)
  t.is(send(other, 1501), 'PacketTooBig')
  orThrow(host.setMtu(1400))
  t.is(send(port, 1800), 1400)
  t.is(send(other, 1401), 'PacketTooBig')
  orThrow(host.setMtu(9000))
  t.is(send(port, 9000), 1800)
  t.deepEqual(send(other, 9000), [9000])
})

test('network MTU: the segment size of SYNs follows', (t) => {
  const { host, port } = portWith({ network: 1600 }, [])
  const mss = (): number => {
    const [out] = port.process('outbound', sent({ proto: 'tcp', length: 60, flags: 2, tcpOptions: Uint8Array.of(2, 4, 5, 0xb4) })).outputs
    return u16(out!.frame, 14 + 20 + 22)
  }
  t.is(mss(), 1460)
  orThrow(host.setMtu(1400))
  t.is(mss(), 1360)
})

test('network MTU: what is no MTU or no address is refused with its place, and changes nothing', (t) => {
  const { host, port } = portWith({ network: 1500 }, [tunnel()])
  for (const value of [67, 65_536, 1400.5, NaN, Infinity, -1, '1400' as never, undefined as never]) {
    t.like(host.setMtu(value), { _tag: 'Left', left: { _tag: 'BadMtu', path: '/network' } }, String(value))
    t.like(host.pathMtu('192.0.2.2', value), { _tag: 'Left', left: { _tag: 'BadMtu', path: '/mtu' } }, String(value))
  }
  t.like(host.pathMtu('192.0.2', 1400), { _tag: 'Left', left: { _tag: 'BadMtu', path: '/destination' } })
  t.deepEqual(send(port, 1450), [1500])
})

for (const six of [false, true]) {
  const far = six ? '2001:db8::2' : '192.0.2.2'
  const growth = six ? VXLAN6 : VXLAN4
  test(`path MTU: holds for one destination of the tunnel over IPv${six ? 6 : 4}, ten minutes long`, (t) => {
    const clock = manualClock()
    const { host, port } = portWith({ network: 1500 }, [{ outbound: toHost(far, { dstPort: 80 }) }, { outbound: toHost(six ? '2001:db8::3' : '192.0.2.3', { dstPort: 81 }) }], { clock })
    const length = 1500 - growth
    const near = (n: number): unknown => send(port, n, { dstPort: 81 })
    t.deepEqual(send(port, length, { dstPort: 80 }), [1500])
    t.deepEqual(host.pathMtu(far, 1400), { _tag: 'Right', right: true })
    t.is(send(port, length, { dstPort: 80 }), 1400 - growth)
    t.deepEqual(send(port, 1400 - growth, { dstPort: 80 }), [1400])
    t.deepEqual(near(length), [1500])
    clock.advanceUs(MINUTES_10 - 1)
    t.is(send(port, length, { dstPort: 80 }), 1400 - growth)
    clock.advanceUs(1)
    t.deepEqual(send(port, length, { dstPort: 80 }), [1500])
  })

  test(`path MTU: is only ever lowered by errors, over IPv${six ? 6 : 4}`, (t) => {
    const { host, port } = portWith({ network: 1500 }, [tunnel(six)])
    t.deepEqual(host.pathMtu(six ? '2001:db8::2' : '198.51.100.2', 1500), { _tag: 'Right', right: false })
    const destination = six ? '2001:db8::2' : '198.51.100.2'
    t.deepEqual(host.pathMtu(destination, 1350), { _tag: 'Right', right: true })
    t.deepEqual(host.pathMtu(destination, 1400), { _tag: 'Right', right: false })
    t.is(send(port, 1400), 1350 - growth)
  })
}

test('path MTU: below what is believed, IPv4 counts as 552 and IPv6 not at all', (t) => {
  const four = portWith({ network: 1500 }, [tunnel()])
  t.deepEqual(four.host.pathMtu('198.51.100.2', 68), { _tag: 'Right', right: true })
  t.is(send(four.port, 1000), 552 - VXLAN4)
  const six = portWith({ network: 1500 }, [tunnel(true)])
  t.deepEqual(six.host.pathMtu('2001:db8::2', 1279), { _tag: 'Right', right: false })
  t.deepEqual(six.host.pathMtu('2001:db8::2', 1280), { _tag: 'Right', right: true })
  t.is(send(six.port, 1300), 1280 - VXLAN6)
})

test('path MTU: what may be fragmented is, to fit the path', (t) => {
  const { host, port } = portWith({ network: 1500 }, [tunnel()])
  orThrow(host.pathMtu('198.51.100.2', 1000))
  const cut = send(port, 1400, { dontFragment: false })
  t.true(Array.isArray(cut) && cut.length === 2 && cut.every((length) => length <= 1000), String(cut))
})

test('path MTU: holds for what leaves in no tunnel, and where the switch has no MTU', (t) => {
  const { host, port } = portWith(undefined)
  orThrow(host.pathMtu('10.0.1.5', 1200))
  t.is(send(port, 1300, { to: '10.0.1.5', toMac: GATEWAY_MAC }), 1200)
  t.deepEqual(send(port, 1300, { to: '10.0.1.6', toMac: GATEWAY_MAC }), [1300])
})

test('path MTU: does not bound what goes to another port of the switch', (t) => {
  const { host, port } = portWith({ network: 1500 })
  orThrow(host.addPort({ name: 'vm-2', mac: '00:15:5d:00:00:02' }))
  orThrow(host.pathMtu('10.0.1.5', 1200))
  t.deepEqual(send(port, 1300, { to: '10.0.1.5', toMac: '00:15:5d:00:00:02' }), [1300])
})

test('path MTU: the path learnt of first makes room for one beyond 1,024', (t) => {
  const { host, port } = portWith({ network: 1500 })
  const address = (n: number): string => `10.1.${n >>> 8}.${n & 255}`
  for (let n = 0; n <= 1_024; n++) orThrow(host.pathMtu(address(n), 1000))
  t.deepEqual(send(port, 1300, { to: address(0), toMac: GATEWAY_MAC }), [1300])
  t.is(send(port, 1300, { to: address(1_024), toMac: GATEWAY_MAC }), 1000)
})
