/** Frames of which something is left to do, through a host. */
import { orThrow } from '@vfp-ts/core'
import test from 'ava'
import { offloadOf, SendCode } from '../../src/nic/index.js'
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
