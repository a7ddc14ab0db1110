/** Frames of which something is left to do, through a host. */
import { buildFrame, OFFLOAD_UDP, orThrow } from '@vfp-ts/core'
import test from 'ava'
import { offloadOf, placedOffload, SendCode } from '../../src/nic/index.js'
import { ethernet, ip4, pseudo4, tcp, vxlan, wrapped } from '../offload/hand-made.js'
import { payloadOf as counting } from '../offload/own-tunnels.js'
import { frame, headings, intact, long, payloadOf } from './frames.js'
import { openRig, tenantPort, tenants, twoHosts } from './rig.js'

test('host: unfinished frames stay so from VM to VM of one host, if the receiver’s NIC takes them', (t) => {
  const rig = openRig()
  const host = rig.host()
  const ca = tenants()
  tenantPort(host, 4, 1, ca)
  tenantPort(host, 6, 1, ca)
  const offloads = { checksum: true, segmentation: true }
  const from = rig.link('tap-4', { offloads })
  const to = rig.link('tap-6', { offloads })
  orThrow(host.plug('vm-4', from.near))
  orThrow(host.plug('vm-6', to.near))
  const sent = long(4, 6, 20_000)
  t.is(from.far.send(sent, offloadOf(true, 1_000)), SendCode.Ok)
  rig.run()
  const [came] = to.far.came()
  t.like(came, { partial: true, segment: 1_000 })
  t.deepEqual(payloadOf(came!.frame), payloadOf(sent))
})

test('host: unfinished frames are finished for a NIC that takes no others', (t) => {
  const rig = openRig()
  const host = rig.host()
  const ca = tenants()
  tenantPort(host, 4, 1, ca)
  tenantPort(host, 6, 1, ca)
  const from = rig.link('tap-4', { offloads: { checksum: true, segmentation: true } })
  const to = rig.link('tap-6')
  orThrow(host.plug('vm-4', from.near))
  orThrow(host.plug('vm-6', to.near))
  const sent = long(4, 6, 20_000)
  from.far.send(sent, offloadOf(true, 1_000))
  rig.run()
  const came = to.far.came()
  t.is(came.length, 20)
  t.true(came.every((c) => !c.partial && intact(c.frame)))
  t.deepEqual(Buffer.concat(came.map((c) => payloadOf(c.frame))), Buffer.from(payloadOf(sent)))
  t.like(host.report().finished, { cut: 1, segments: 20 })
})

for (const bytes of [20_000, 65_495]) {
  test(`host: a segment of ${bytes} bytes leaves for the network as tunnelled packets that fit it`, (t) => {
    const { rig, vms: [four, five], wire } = twoHosts({ offloads: { checksum: true, segmentation: true } })
    four.send(frame(4, 5))
    rig.run()
    five.came()
    wire.passed()
    const sent = long(4, 5, bytes)
    t.is(four.send(sent, offloadOf(true, 1_400)), SendCode.Ok)
    rig.run()
    const passed = wire.passed()
    t.true(passed.every((each) => each.length <= 1_514 && intact(each)))
    t.is(headings(passed[0]!), 'IPv4 192.0.2.1 > 192.0.2.2 | VXLAN vni 5001 | IPv4 10.0.1.4 > 10.0.1.5')
    const came = five.came()
    t.deepEqual(Buffer.concat(came.map((c) => payloadOf(c.frame))), Buffer.from(payloadOf(sent)))
  })
}

const nested = (inner: Uint8Array, tunnels: number): Uint8Array => {
  let around = inner
  for (let n = 0; n < tunnels; n++) around = frame(4, 5, { dstPort: 4_789, payload: Uint8Array.of(8, 0, 0, 0, 0, 0, 9, 0, ...around) })
  return around
}

test('host: a frame unfinished inside more tunnels than are read is dropped and counted, never sent on with a wrong header finished', (t) => {
  const { rig, vms: [four, five], hosts: [host] } = twoHosts({ offloads: { checksum: true, segmentation: true } })
  const inner = long(4, 5, 40)
  inner.set([0x12, 0x34], 50)
  four.send(nested(inner, 1), offloadOf(true, 0))
  rig.run()
  const [whole] = five.came()
  t.true(intact(whole!.frame.subarray(-inner.length)))
  for (const word of [offloadOf(true, 0), offloadOf(true, 10)]) four.send(nested(inner, 2), word)
  rig.run()
  t.deepEqual(five.came(), [])
  t.like(host.report().finished, { completed: 1, cut: 0, refused: { Unreadable: 2 } })
})

/** What a VXLAN datagram of a VM carries: a TCP segment, `skipped` bytes behind the first. */
const tunnelled = (payload: readonly number[], skipped: number, i: number): Uint8Array =>
  Uint8Array.from(wrapped([vxlan, ethernet(0x0800), ip4(6, 7), tcp(0x10, pseudo4, skipped)], payload, i))

test('host: a long segment in a tunnel of the VM\'s own crosses the network as packets that fit, each in a tunnel of the host', (t) => {
  for (const bytes of [20_000, 65_300]) {
    const { rig, vms: [four, five], wire, hosts: [host] } = twoHosts({ offloads: { checksum: true, segmentation: true } })
    four.send(frame(4, 5))
    rig.run()
    five.came()
    wire.passed()
    const payload = counting(bytes)
    const sent = frame(4, 5, { dstPort: 8_472, payload: tunnelled(payload, 0, 0) })
    sent.set([0x12, 0x34], sent.length - bytes - 8)
    t.is(four.send(sent, placedOffload(bytes + 24, 1_350, 0)), SendCode.Ok)
    rig.run()
    t.true(wire.passed().every((each) => each.length <= 1_514 && intact(each)))
    const came = five.came()
    t.true(came.every((c) => !c.partial && intact(c.frame)))
    const expected = Array.from({ length: Math.ceil(bytes / 1_350) }, (_, i) => tunnelled(payload.slice(i * 1_350, (i + 1) * 1_350), i * 1_350, i))
    t.deepEqual(came.map((c) => payloadOf(c.frame)), expected)
    t.deepEqual(host.report().finished.refused, {})
  }
})

test('host: datagrams to be cut that each hold a frame of a tunnel are cut before the switch looks into the first', (t) => {
  const rig = openRig()
  const host = rig.host()
  const ca = tenants()
  const vms = ([4, 6] as const).map((vm) => {
    tenantPort(host, vm, 1, ca)
    const link = rig.link(`tap-${vm}`, { offloads: { checksum: true, segmentation: true } })
    orThrow(host.plug(`vm-${vm}`, link.near))
    return link.far
  })
  const uplink = rig.link('uplink', { offloads: { checksum: true, segmentation: true } })
  orThrow(host.uplink(uplink.near))
  const to = (vm: number, last: number): Uint8Array => Uint8Array.of(8, 0, 0, 0, 0, 0x13, 0x89, 0, ...frame(5, vm, { payload: Uint8Array.of(1, 2, 3, last) }))
  const joined = orThrow(buildFrame({
    proto: 'udp', srcIp: '192.0.2.2', dstIp: '192.0.2.1', dstPort: 4_789, payload: Uint8Array.of(...to(4, 1), ...to(6, 2), ...to(4, 3)),
  }))
  const length = to(4, 1).length
  t.is(uplink.far.send(joined, placedOffload(8 + 3 * length, length, OFFLOAD_UDP)), SendCode.Ok)
  rig.run()
  t.deepEqual(vms.map((vm) => vm.came().map((c) => [...payloadOf(c.frame)])), [[[1, 2, 3, 1], [1, 2, 3, 3]], [[1, 2, 3, 2]]])
})
