/** The paper's running example: four layers on one port, each programmed by somebody who knows nothing of the others. */
import { type Directory, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { acl, loadBalancer, meter, privateLink, serviceChain, vnet } from '@vfp-ts/layers'
import test from 'ava'
import { frame, show } from '../frames.js'
import { host, outcome, passed, twoVms } from '../host.js'

const LAYERS = {
  meter: (port: Port): void => {
    const billing = orThrow(port.addLayer(meter.layer, { order: 10 }))
    orThrow(billing.update(meter.policy({ prefixes: ['10.0.0.0/16', { name: 'internet', prefix: '0.0.0.0/0' }] })))
  },
  acl: (port: Port): void => {
    const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
    orThrow(security.group('customer', { order: 1 }).update(acl.policy({
      outbound: [{ allow: { dstPort: 443 } }], inbound: [{ allow: { dstIp: '10.0.1.4', proto: 'tcp', dstPort: 8080 } }], stateful: true,
    })))
    orThrow(security.group('infrastructure', { order: 0 }).update(acl.policy({ inbound: [{ deny: { srcIp: '203.0.113.0/24' } }], otherwise: 'allow' })))
  },
  loadBalancer: (port: Port): void => {
    const balancer = orThrow(port.addLayer(loadBalancer.layer, { order: 30 }))
    orThrow(balancer.update(loadBalancer.policy({ vips: [{ vip: '10.0.9.80', proto: 'tcp', port: 80, dip: '10.0.1.4', dipPort: 8080 }] })))
  },
  vnet: (port: Port, ca: Directory): void => {
    const network = orThrow(port.addLayer(vnet.layer, { order: 40 }))
    orThrow(network.update(vnet.policy({
      vni: 5001, underlay: '192.0.2.1', routes: ['10.0.0.0/16', { prefix: '0.0.0.0/0', to: 'internet' }], directory: ca,
    })))
  },
}

const stack = (order: readonly (keyof typeof LAYERS)[] = ['meter', 'acl', 'loadBalancer', 'vnet']): Port => {
  const ca = twoVms()
  const { port } = host(ca)
  for (const name of order) LAYERS[name](port, ca)
  return port
}

/** A client's packet to the VIP, as the multiplexer at 192.0.2.99 forwards it. */
const viaMux = (client: string): Uint8Array =>
  frame({ from: client, to: '10.0.9.80:80', bytes: 100, tunnel: { from: '192.0.2.99', to: '192.0.2.1', vni: 5001 } })

test('stack: a client’s packet comes tunnelled to the VIP, and the reply goes straight back from the VIP', (t) => {
  const port = stack()
  for (let i = 0; i < 3; i++) {
    t.is(outcome(port, 'inbound', viaMux('198.51.100.7:5000')), '198.51.100.7:5000 > 10.0.1.4:8080 tcp')
    t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:8080', to: '198.51.100.7:5000' })), '10.0.9.80:80 > 198.51.100.7:5000 tcp')
  }
  t.like(port.counters(), { connections: { 'acl': 1, 'load-balancer': 1 }, drops: {} })
  // The inbound packet made both unified flows: no later packet walked the layers.
  t.like(port.counters(), { slow: 1, fast: 5 })
  t.true(port.flows().every((f) => f.paired))
})

test('stack: a client inside the network gets its reply through a tunnel to its own host, not to the multiplexer', (t) => {
  const port = stack()
  t.is(outcome(port, 'inbound', viaMux('10.0.1.5:5000')), '10.0.1.5:5000 > 10.0.1.4:8080 tcp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:8080', to: '10.0.1.5:5000' })),
    '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.9.80:80 > 10.0.1.5:5000 tcp')
})

test('stack: the ACL sees the DIP and the port the VM listens on, and both its groups must allow', (t) => {
  const port = stack()
  t.is(outcome(port, 'inbound', viaMux('203.0.113.7:5000')), 'drop Denied')
  t.is(outcome(port, 'inbound', frame({ from: '10.0.1.5:5000', to: '10.0.1.4:80', tunnel: { from: '192.0.2.5', to: '192.0.2.1', vni: 5001 } })), 'drop Denied')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:22' })), 'drop Denied')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:443' })), '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:443 tcp')
  t.deepEqual(port.counters().connections, { 'acl': 1, 'load-balancer': 0, 'meter': 0, 'vnet': 0 })
})

test('stack: the meter counts what the VM sees, without tunnels, and nothing that was dropped', (t) => {
  const port = stack()
  port.process('inbound', viaMux('198.51.100.7:5000'))
  port.process('inbound', viaMux('198.51.100.7:5000'))
  port.process('inbound', viaMux('203.0.113.7:5000'))
  const request = frame({ from: '10.0.1.4:5000', to: '10.0.1.5:443', bytes: 300 })
  t.is(passed(port.process('outbound', request)).length, request.length + 50)
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.77.77:443', bytes: 300 })), 'drop NoMapping')
  const states = Object.fromEntries(port.rules().filter((r) => r.layer === 'meter').map((r) => [`${r.direction} ${r.rule}`, r.state]))
  t.deepEqual(states, {
    'outbound 10.0.0.0/16': { packets: 1, bytes: 354 },
    'outbound internet': { packets: 0, bytes: 0 },
    'inbound 10.0.0.0/16': { packets: 0, bytes: 0 },
    'inbound internet': { packets: 2, bytes: 308 },
  })
})

test('stack: nothing of a walk that a later layer drops is remembered', (t) => {
  const port = stack()
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.77.77:443' })), 'drop NoMapping')
  t.deepEqual(port.counters().connections, { 'acl': 0, 'load-balancer': 0, 'meter': 0, 'vnet': 0 })
  t.is(outcome(port, 'inbound', frame({ from: '10.0.77.77:443', to: '10.0.1.4:5000', tunnel: { from: '192.0.2.5', to: '192.0.2.1', vni: 5001 } })), 'drop Denied')
})

test('stack: controllers may come in any order', (t) => {
  const port = stack(['vnet', 'acl', 'meter', 'loadBalancer'])
  t.deepEqual(port.layers(), ['meter', 'acl', 'load-balancer', 'vnet'])
  t.is(outcome(port, 'inbound', viaMux('10.0.1.5:5000')), '10.0.1.5:5000 > 10.0.1.4:8080 tcp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:8080', to: '10.0.1.5:5000' })),
    '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.9.80:80 > 10.0.1.5:5000 tcp')
})

test('stack: every rule of every layer is named in the explanation of what it decides', (t) => {
  const port = stack()
  const explained = port.explain('inbound', viaMux('198.51.100.7:5000'))
  t.deepEqual(explained.layers.map((l) => [l.layer, l.groups.map((g) => `${g.group}/${g.rule ?? '-'}`).join(' ')]), [
    ['vnet', 'default/decap'],
    ['load-balancer', 'default/10.0.9.80:80/tcp'],
    ['acl', 'infrastructure/otherwise customer/allow-1'],
    ['meter', 'default/internet'],
  ])
  t.is(explained.verdict, 'continue')
})

test('stack: what leaves one host arrives at another as it was sent', (t) => {
  const sent = frame({ from: '10.0.1.4:5000', to: '10.0.1.5:443', toMac: '00:15:5d:00:00:05', bytes: 1000 })
  const wire = passed(stack().process('outbound', sent))
  t.is(show(wire), '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:443 tcp')
  const { port: there } = host()
  const network = orThrow(there.addLayer(vnet.layer, { order: 40 }))
  orThrow(network.update(vnet.policy({ vni: 5001, underlay: '192.0.2.5', routes: ['10.0.0.0/16'], directory: twoVms() })))
  t.deepEqual(passed(there.process('inbound', wire)), sent)
})

test('stack: layers that make tunnels stand on each other: a service behind an appliance, there and back', (t) => {
  const port = orThrow(openSwitch({ parseDepth: { outbound: 1, inbound: 3 } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4'] }))
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  orThrow(security.update(acl.policy({ outbound: [{ allow: { dstIp: '10.2.0.100' }, stateful: true }] })))
  const network = orThrow(port.addLayer(vnet.layer, { order: 40 }))
  orThrow(network.update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', routes: [{ prefix: '10.2.0.0/16', to: 'service' }], directory: twoVms() })))
  const links = orThrow(port.addLayer(privateLink.layer, { order: 45 }))
  orThrow(links.update(privateLink.policy({
    underlay: '192.0.2.1', services: [{ ca: '10.2.0.100', pa: '198.51.100.3', source: '2001:db8:20::/96', destination: '2001:db8:100::203', key: 100 }],
  })))
  const detours = orThrow(port.addLayer(serviceChain.layer, { order: 48 }))
  orThrow(detours.update(serviceChain.policy({
    underlay: '192.0.2.1', chains: [{ when: { vni: 100 }, through: '192.0.2.50', vni: 9000, encap: 'geneve', stateful: true }],
  })))
  const request = frame({ from: '10.0.1.4:5000', to: '10.2.0.100:443' })
  const answer = frame({
    from: '[2001:db8:100::203]:443', to: '[2001:db8:20::a00:104]:5000',
    tunnel: [{ kind: 'geneve', from: '192.0.2.50', to: '192.0.2.1', vni: 9000 }, { kind: 'nvgre', from: '198.51.100.3', to: '192.0.2.1', vni: 100 }],
  })
  t.is(outcome(port, 'inbound', answer), 'drop NoConnection')
  for (let i = 0; i < 2; i++) {
    t.is(outcome(port, 'outbound', request),
      '192.0.2.1 > 192.0.2.50 geneve 9000 | 192.0.2.1 > 198.51.100.3 nvgre 100 | [2001:db8:20::a00:104]:5000 > [2001:db8:100::203]:443 tcp')
    t.is(outcome(port, 'inbound', answer), '10.2.0.100:443 > 10.0.1.4:5000 tcp')
  }
  t.like(port.counters(), { connections: { 'acl': 1, 'private-link': 1, 'service-chain': 1 } })
})
