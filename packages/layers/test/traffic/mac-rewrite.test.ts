import { type Direction, orThrow, type Port } from '@vfp-ts/core'
import { macRewrite, type MacRewriteJson, vnet } from '@vfp-ts/layers'
import test from 'ava'
import { arp, behind, frame, macs, show } from '../frames.js'
import { host, passed, twoVms } from '../host.js'

const VM = '00:15:5d:00:00:04'
const NEAR = '00:15:5d:00:00:05'
const GATEWAY = '12:34:56:78:9a:bc'
const OLD = '02:00:00:00:00:01 > 02:00:00:00:00:02'

const policy: MacRewriteJson = {
  outbound: [{ dstMac: { by: 'dstIp', table: { '10.0.1.5': NEAR, 'fd00::5': NEAR } } }, { dstMac: GATEWAY }],
  inbound: [{ srcMac: GATEWAY, dstMac: 'port' }],
}

const started = (json: MacRewriteJson): Port => {
  const { port } = host()
  orThrow(orThrow(port.addLayer(macRewrite.layer, { order: 35 })).update(macRewrite.policy(json)))
  return port
}

const after = (port: Port, direction: Direction, bytes: Uint8Array): string => macs(passed(port.process(direction, bytes)))

test('macRewrite: shows the gateway outward and the VM inward, on walked and on cached packets', (t) => {
  const port = started(policy)
  const sent = frame({ from: '10.0.1.4:5000', to: '198.51.100.7:80' })
  const got = frame({ from: '198.51.100.7:80', to: '10.0.1.4:5000' })
  for (let i = 0; i < 2; i++) {
    t.is(after(port, 'outbound', sent), `02:00:00:00:00:01 > ${GATEWAY}`)
    t.is(after(port, 'inbound', got), `${GATEWAY} > ${VM}`)
  }
  t.like(port.counters(), { fast: 2 })
  t.is(show(passed(port.process('outbound', sent))), show(sent), 'and nothing else changes')
})

test('macRewrite: sets the MAC that a table has for an address, and goes on where it has none', (t) => {
  const port = started(policy)
  t.is(after(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' })), `02:00:00:00:00:01 > ${NEAR}`)
  t.is(after(port, 'outbound', frame({ from: '[fd00::4]:5000', to: '[fd00::5]:80' })), `02:00:00:00:00:01 > ${NEAR}`)
  t.is(after(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.6:80' })), `02:00:00:00:00:01 > ${GATEWAY}`)
})

test('macRewrite: leaves alone what is not IP and what is for many, unless told', (t) => {
  const port = started(policy)
  const many = ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:fb', '33:33:00:00:00:01']
  const to = (toMac: string): Uint8Array => frame({ from: '10.0.1.4:68', to: '255.255.255.255:67', proto: 'udp', toMac })
  for (const toMac of many) t.is(after(port, 'outbound', to(toMac)), `02:00:00:00:00:01 > ${toMac}`)
  t.is(after(port, 'outbound', to('01:00:5e:80:00:01')), `02:00:00:00:00:01 > ${GATEWAY}`, 'behind the 25 bits of IPv4 multicast')
  t.is(after(port, 'outbound', arp()), `${VM} > ff:ff:ff:ff:ff:ff`)
  t.is(after(port, 'outbound', behind(frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' }), 0x8847)), OLD)
  const told = started({ multicast: true, outbound: [{ when: { etherType: 'arp' }, srcMac: GATEWAY }, { dstMac: GATEWAY }] })
  for (const toMac of many) t.is(after(told, 'outbound', to(toMac)), `02:00:00:00:00:01 > ${GATEWAY}`)
  t.is(after(told, 'outbound', arp()), `${GATEWAY} > ff:ff:ff:ff:ff:ff`)
})

test('macRewrite: changes the inner frame where it stands on the VM’s side of a tunnel', (t) => {
  const ca = twoVms()
  const { port } = host(ca)
  orThrow(orThrow(port.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', routes: ['10.0.0.0/16'], directory: ca })))
  orThrow(orThrow(port.addLayer(macRewrite.layer, { order: 35 })).update(macRewrite.policy({ outbound: [{ srcMac: GATEWAY }], inbound: [{ dstMac: 'port' }] })))
  const wire = passed(port.process('outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' })))
  t.deepEqual([macs(wire, 0), macs(wire, 1)], ['00:00:00:00:00:00 > 00:00:00:00:00:00', `${GATEWAY} > ${NEAR}`])
  const got = frame({ from: '10.0.1.5:80', to: '10.0.1.4:5000', tunnel: { from: '192.0.2.5', to: '192.0.2.1', vni: 5001 } })
  t.is(macs(passed(port.process('inbound', got))), `02:00:00:00:00:01 > ${VM}`)
})
