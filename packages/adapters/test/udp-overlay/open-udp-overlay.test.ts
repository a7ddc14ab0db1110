import test from 'ava'
import { dissect, formatFrame, orThrow, parseFrame, makeFrameView, Reason, Tunnel, Slot, Verify } from '@vfp-ts/core'
import { createSocket } from 'node:dgram'
import { SendCode } from '../../src/nic/nic.js'
import { openUdpOverlay } from '../../src/udp-overlay/open-udp-overlay.js'
import { loopback, openOrFail, PORT, startTelling, TUNNEL_HEADER, tunnelled, until } from './wrapping.js'

const inner = new Uint8Array(60).fill(1)
const vxlanPayload = Buffer.concat([TUNNEL_HEADER.vxlan, inner])

test('openUdpOverlay: options that make no sense are refused with the reason', async (t) => {
  const tries = [
    { local: 'host' }, { local: '0.0.0.0' }, { local: '::' }, { local: 'fe80::1%eth0' }, { mtu: 1279 }, { mtu: 65_536 }, { sources: 65 }, { queueFrames: 0 },
    { ports: { vxlan: 0 } }, { tunnel: 'both' as const, ports: { vxlan: 6081 } }, { receiveBufferBytes: 0 },
  ]
  for (const options of tries) {
    const made = await openUdpOverlay({ tunnel: 'vxlan', local: '127.0.0.1', ...options })
    t.like(made, { _tag: 'Left', left: { code: 'BadOptions', retryable: false } })
  }
})

test('openUdpOverlay: a port in use is Busy and an address of somebody else NotFound, and neither leaves a socket behind', async (t) => {
  const local = loopback(101)
  const first = await openOrFail({ tunnel: 'geneve', local })
  t.like(await openUdpOverlay({ tunnel: 'both', local }), { _tag: 'Left', left: { code: 'Busy', retryable: true } })
  await first.close()
  t.like(await openUdpOverlay({ tunnel: 'vxlan', local: '192.0.2.1' }), { _tag: 'Left', left: { code: 'NotFound', retryable: true } })
  const again = await openOrFail({ tunnel: 'both', local })
  await again.close()
})

for (const tunnel of ['vxlan', 'geneve'] as const) {
  test(`openUdpOverlay: a ${tunnel} datagram arrives as the frame the engine expects`, async (t) => {
    const local = loopback(tunnel === 'vxlan' ? 102 : 103)
    const nic = await openOrFail({ tunnel: 'both', local })
    t.teardown(nic.close)
    const { frames } = startTelling(nic)
    const sender = createSocket('udp4')
    t.teardown(() => sender.close())
    sender.send(Buffer.concat([TUNNEL_HEADER[tunnel], inner]), PORT[tunnel], local)
    await until(() => frames.length > 0, 'the frame')
    const frame = frames[0] ?? new Uint8Array(0)
    const view = makeFrameView()
    t.is(parseFrame(view, frame, 0, frame.length, 2, Verify.All), Reason.Ok)
    t.is(view.slots[Slot.TUNNEL], tunnel === 'vxlan' ? Tunnel.Vxlan : Tunnel.Geneve)
    const text = formatFrame(orThrow(dissect(frame)))
    t.true(text.includes(`127.0.0.1 > ${local}`), text)
    t.true(text.includes(`${sender.address().port} > ${PORT[tunnel]}`), text)
    t.deepEqual(frame.slice(-60), inner)
  })
}

test('openUdpOverlay: a frame over IPv6 leaves and comes, well formed', async (t) => {
  const port = 20_000 + (process.pid % 20_000)
  const nic = await openOrFail({ tunnel: 'vxlan', local: '::1', ports: { vxlan: port } })
  t.teardown(nic.close)
  const { frames } = startTelling(nic)
  const sent = tunnelled(inner, { from: '::1', to: '::1' })
  t.is(nic.send(sent, 0, sent.length), SendCode.Ok)
  await until(() => frames.length > 0, 'the frame')
  const frame = frames[0] ?? new Uint8Array(0)
  const view = makeFrameView()
  t.is(parseFrame(view, frame, 0, frame.length, 2, Verify.All), Reason.Ok)
  t.is(view.slots[Slot.TUNNEL], Tunnel.Vxlan)
  t.true(formatFrame(orThrow(dissect(frame))).includes(`${port} > 4789`))
  t.deepEqual(frame.slice(62), sent.slice(62))
  t.like(nic.counters(), { sent: 1, sentBytes: sent.length, received: 1, receivedBytes: sent.length })
})

test('openUdpOverlay: what is no tunnel of its own is lost and counted by reason', async (t) => {
  const local = loopback(104)
  const nic = await openOrFail({ tunnel: 'vxlan', local })
  t.teardown(nic.close)
  startTelling(nic)
  const good = tunnelled(inner, { from: local, to: loopback(105) })
  const changed = (at: number, ...to: readonly number[]): Uint8Array => {
    const frame = good.slice()
    frame.set(to, at)
    return frame
  }
  const tries: readonly (readonly [reason: string, frame: Uint8Array])[] = [
    ['NotIp', changed(12, 0x08, 0x06)],
    ['OtherFamily', tunnelled(inner, { from: '::1', to: '::1' })],
    ['Malformed', good.slice(0, 41)],
    ['Malformed', changed(14, 0x46)],
    ['Malformed', good.slice(0, -1)],
    ['Malformed', changed(38, 0, 9)],
    ['Fragment', changed(20, 0x20, 0)],
    ['Fragment', changed(20, 0, 1)],
    ['NotTunnel', changed(23, 6)],
    ['NotTunnel', tunnelled(inner, { from: local, to: loopback(105), tunnel: 'geneve' })],
    ['NotTunnel', tunnelled(inner, { from: local, to: loopback(105), dstPort: 53 })],
    ['OtherSource', tunnelled(inner, { from: loopback(106), to: loopback(105) })],
  ]
  const wanted: Record<string, number> = {}
  for (const [reason, frame] of tries) {
    t.is(nic.send(frame, 0, frame.length), SendCode.Ok)
    wanted[reason] = (wanted[reason] ?? 0) + 1
    t.deepEqual(nic.counters().sendDrops, wanted)
  }
  nic.flush()
  await nic.close()
  t.is(nic.counters().sent, 0)
})

test('openUdpOverlay: a destination without a way is told once a second, counted, and holds up nobody else', async (t) => {
  let now = 0
  const local = loopback(107)
  const nic = await openOrFail({ tunnel: 'vxlan', local, now: () => now })
  t.teardown(nic.close)
  const { failures } = startTelling(nic)
  const other = await openOrFail({ tunnel: 'vxlan', local: loopback(108) })
  t.teardown(other.close)
  const { frames } = startTelling(other)
  // A loopback source has no way to anywhere else.
  const nowhere = tunnelled(inner, { from: local, to: '192.0.2.77' })
  const there = tunnelled(inner, { from: local, to: loopback(108) })
  for (let i = 0; i < 3; i++) {
    t.is(nic.send(nowhere, 0, nowhere.length), SendCode.Ok)
    t.is(nic.send(there, 0, there.length), SendCode.Ok)
  }
  await until(() => frames.length === 3, 'the frames for the other')
  t.is(failures.length, 1)
  t.like(failures[0], { operation: 'send', retryable: true })
  const { sendDrops } = nic.counters()
  t.is(Object.values(sendDrops).reduce((a, b) => a + b, 0), 3)
  t.is(nic.link(), 'up')
  now = 1000
  nic.send(nowhere, 0, nowhere.length)
  await until(() => failures.length === 2, 'the next failure')
})

test('openUdpOverlay: with several sources, the port a flow was given selects one, always the same', async (t) => {
  const local = loopback(109)
  const to = loopback(110)
  const nic = await openOrFail({ tunnel: 'vxlan', local, sources: 4 })
  t.teardown(nic.close)
  startTelling(nic)
  const peer = createSocket('udp4')
  t.teardown(() => peer.close())
  const ports: number[] = []
  peer.on('message', (_bytes, from) => ports.push(from.port))
  await new Promise<void>((resolve) => {
    peer.bind(PORT.vxlan, to, resolve)
  })
  for (let i = 0; i < 16; i++) {
    const frame = tunnelled(inner, { from: local, to, srcPort: 50_000 + (i % 8) })
    nic.send(frame, 0, frame.length)
  }
  await until(() => ports.length === 16, 'the datagrams')
  t.deepEqual(ports.slice(8), ports.slice(0, 8))
  t.is(new Set(ports).size, 4)
  t.false(ports.includes(PORT.vxlan))
})

test('openUdpOverlay: datagrams that are no tunnel, too long or too early are counted', async (t) => {
  const local = loopback(111)
  const nic = await openOrFail({ tunnel: 'vxlan', local })
  t.teardown(nic.close)
  const sender = createSocket('udp4')
  t.teardown(() => sender.close())
  sender.send(vxlanPayload, PORT.vxlan, local)
  await until(() => nic.counters().receiveDrops['NotStarted'] === 1, 'the early one')
  const { frames } = startTelling(nic)
  sender.send(new Uint8Array(0), PORT.vxlan, local)
  sender.send(vxlanPayload.subarray(0, 21), PORT.vxlan, local)
  sender.send(new Uint8Array(1473), PORT.vxlan, local)
  sender.send(new Uint8Array(1472), PORT.vxlan, local)
  await until(() => frames.length === 1, 'the longest that is allowed')
  t.deepEqual(nic.counters().receiveDrops, { NotStarted: 1, Malformed: 2, TooLong: 1 })
  t.is(frames[0]?.length, 1514)
})
