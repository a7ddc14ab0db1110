import { emitFrame, type HeaderGroup, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { paSources, paValidation, type PaValidationJson, vnet } from '@vfp-ts/layers'
import test from 'ava'
import { arp, frame, read } from '../frames.js'
import { host, outcome, twoVms } from '../host.js'
import { ip } from '../support.js'

const started = (json: PaValidationJson): Port => {
  const { port } = host()
  orThrow(orThrow(port.addLayer(paValidation.layer, { order: 50 })).update(paValidation.policy(json)))
  return port
}

const from = (pa: string, vni = 5001): Uint8Array =>
  frame({ from: '10.0.1.5:80', to: '10.0.1.4:5000', tunnel: { from: pa, to: pa.includes(':') ? '2001:db8::1' : '192.0.2.1', vni } })

/** `passes`, or the reason why not; each frame is sent twice, walked and cached. */
const verdict = (port: Port, bytes: Uint8Array): string => {
  const [walked, cached] = [outcome(port, 'inbound', bytes), outcome(port, 'inbound', bytes)].map((o) => (o.startsWith('drop ') ? o.slice(5) : 'passes'))
  return walked === cached ? walked ?? '' : `walked ${walked}, cached ${cached}`
}

test('paValidation: takes tunnels of a network from its hosts alone', (t) => {
  const port = started({ networks: [{ vni: 5001, from: ['192.0.2.0/28', '2001:db8::/64'] }, { vni: 5002, from: '192.0.2.0/24' }] })
  t.is(verdict(port, from('192.0.2.5')), 'passes')
  t.is(verdict(port, from('2001:db8::5')), 'passes')
  t.is(verdict(port, from('192.0.2.16')), 'UnknownSource')
  t.is(verdict(port, from('192.0.2.16', 5002)), 'passes', 'known for another network')
  t.is(verdict(port, from('192.0.2.5', 5003)), 'UnknownSource', 'a network nobody listed')
  t.is(verdict(port, from('2001:db8:0:1::5')), 'UnknownSource')
})

test('paValidation: takes tunnels of every network from a list without one', (t) => {
  const port = started({ networks: [{ from: '198.51.100.7' }, { vni: 5001, from: '192.0.2.5' }] })
  t.is(verdict(port, from('198.51.100.7', 1)), 'passes')
  t.is(verdict(port, from('198.51.100.7')), 'passes')
  t.is(verdict(port, from('192.0.2.5', 1)), 'UnknownSource')
})

/** A frame in a tunnel of another kind than VXLAN. */
const inTunnel = (tunnel: NonNullable<HeaderGroup['tunnel']>, pa: string): Uint8Array => {
  const [outer, inner] = read(from(pa)).groups
  if (outer.net?.kind !== 'ipv4' || inner === undefined) throw new Error('expected a tunnel over IPv4')
  const { transport: _udp, ...bare } = outer
  const group: HeaderGroup = tunnel.kind === 'geneve'
    ? { ...outer, transport: { kind: 'udp', sourcePort: 50_000, destinationPort: 6081 }, tunnel }
    : { ...bare, net: { ...outer.net, protocol: 47 }, tunnel }
  return orThrow(emitFrame({ groups: [group, inner], payload: new Uint8Array(20) }))
}

test('paValidation: looks at tunnels of every kind, and takes plain GRE for a tunnel of no network in particular', (t) => {
  const geneve = (vni: number): NonNullable<HeaderGroup['tunnel']> =>
    ({ kind: 'geneve', vni, protocolType: 0x6558, control: false, options: [], reserved: 0, reservedLow: 0 })
  const gre: NonNullable<HeaderGroup['tunnel']> = { kind: 'gre', protocolType: 0x6558, reserved: 0 }
  const sources = paSources()
  const port = started({ networks: [{ vni: 5001, from: '192.0.2.0/24' }, { from: '198.51.100.7' }], sources, plain: 'allow', underlay: '192.0.2.1' })
  t.is(verdict(port, inTunnel(geneve(5001), '192.0.2.5')), 'passes')
  t.is(verdict(port, inTunnel(geneve(5002), '192.0.2.5')), 'UnknownSource')
  t.is(verdict(port, inTunnel(gre, '192.0.2.5')), 'UnknownSource', 'not passed for a plain frame')
  t.is(verdict(port, inTunnel(gre, '198.51.100.7')), 'passes')
})

test('paValidation: takes plain frames only where it is told, and the VM’s own always', (t) => {
  const plain = frame({ from: '192.0.2.5:80', to: '10.0.1.4:5000' })
  const port = started({ networks: [{ from: '0.0.0.0/0' }] })
  t.is(verdict(port, plain), 'NotTunnelled')
  t.is(verdict(port, arp()), 'NotTunnelled')
  t.is(outcome(port, 'outbound', plain), '192.0.2.5:80 > 10.0.1.4:5000 tcp')
  t.is(outcome(port, 'outbound', from('203.0.113.9')), '203.0.113.9 > 192.0.2.1 vni 5001 | 10.0.1.5:80 > 10.0.1.4:5000 tcp')
  const open = started({ networks: [{ from: '192.0.2.5' }], plain: 'allow', underlay: ['192.0.2.1', '2001:db8::1'] })
  t.is(verdict(open, plain), 'passes')
  t.is(verdict(open, arp()), 'passes')
  t.is(verdict(open, from('192.0.2.6')), 'UnknownSource')
  // Addressed to the VM, it is the VM's own.
  const own = frame({ from: '10.0.1.5:80', to: '10.0.1.4:5000', tunnel: { from: '192.0.2.6', to: '10.0.1.4', vni: 5001 } })
  t.is(verdict(open, own), 'passes')
  t.is(verdict(started({ networks: [{ from: '192.0.2.5' }], plain: 'allow' }), from('192.0.2.6')), 'passes', 'no rule says where tunnels end')
})

test('paValidation: follows a set of sources without a change of policy, cached flows included', (t) => {
  const sources = paSources()
  const port = started({ networks: [{ vni: 5001, from: '192.0.2.5' }], sources })
  const { generation } = port
  const before = generation()
  t.is(verdict(port, from('192.0.2.6')), 'UnknownSource')
  sources.add({ vni: 5001, ip: ip('192.0.2.6') })
  t.is(verdict(port, from('192.0.2.6')), 'passes')
  t.is(verdict(port, from('192.0.2.6', 5002)), 'UnknownSource')
  t.is(verdict(port, from('192.0.2.5')), 'passes', 'by the list')
  sources.remove({ vni: 5001, ip: ip('192.0.2.6') })
  t.is(verdict(port, from('192.0.2.6')), 'UnknownSource')
  t.is(generation(), before)
})

test('paValidation: finds its set by the name of a resource', (t) => {
  const known = paSources('known')
  known.add({ vni: 5001, ip: ip('2001:db8::5') })
  const port = orThrow(openSwitch({ resources: { known } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4'] }))
  orThrow(orThrow(port.addLayer(paValidation.layer, { order: 50 })).updateJson({ sources: 'known' }))
  t.is(verdict(port, from('2001:db8::5')), 'passes')
  t.is(verdict(port, from('192.0.2.5')), 'UnknownSource')
})

test('paValidation: keeps strangers from a VNET layer behind it, which alone would believe the identifier', (t) => {
  const ca = twoVms()
  const { port } = host(ca)
  orThrow(orThrow(port.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', routes: ['10.0.0.0/16'], directory: ca })))
  t.is(outcome(port, 'inbound', from('203.0.113.9')), '10.0.1.5:80 > 10.0.1.4:5000 tcp')
  orThrow(orThrow(port.addLayer(paValidation.layer, { order: 50 })).update(paValidation.policy({ networks: [{ vni: 5001, from: '192.0.2.0/24' }] })))
  t.is(outcome(port, 'inbound', from('203.0.113.9')), 'drop UnknownSource')
  t.is(outcome(port, 'inbound', from('192.0.2.5')), '10.0.1.5:80 > 10.0.1.4:5000 tcp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' })), '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:80 tcp')
})
