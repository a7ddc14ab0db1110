/** A route to the internet is none to the links of the underlay, nor from them. */
import { directory, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { vnet, type VnetRouteJson } from '@vfp-ts/layers'
import test from 'ava'
import { frame, type Said } from '../frames.js'
import { outcome } from '../host.js'

const network = (...routes: readonly VnetRouteJson[]): Port => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4', 'fd00::4'] }))
  orThrow(orThrow(port.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({
    vni: 5001, underlay: '192.0.2.1', directory: directory(),
    routes: ['10.0.0.0/16', { prefix: '0.0.0.0/0', to: 'internet' }, { prefix: '::/0', to: 'internet' }, ...routes],
  })))
  return port
}

const OUT: readonly (readonly [string, Said])[] = [
  ['a router advertisement', { from: 'fe80::4', to: 'ff02::1', proto: 'icmp', icmpType: 134, ttl: 255 }],
  ['a router solicitation', { from: '::', to: 'ff02::2', proto: 'icmp', icmpType: 133, ttl: 255 }],
  ['a neighbour solicitation', { from: 'fd00::4', to: 'ff02::1:ff00:5', proto: 'icmp', icmpType: 135, ttl: 255 }],
  ['a packet to a link-local address', { from: '[fe80::4]:1', to: '[fe80::1]:2', proto: 'udp' }],
  ['a packet to itself', { from: '[fd00::4]:1', to: '[::1]:2', proto: 'udp' }],
  ['a DHCP request', { from: '0.0.0.0:68', to: '255.255.255.255:67', proto: 'udp' }],
  ['an IGMP report', { from: '10.0.1.4', to: '224.0.0.22', proto: 'igmp', ttl: 1 }],
  ['a packet to an IPv4 link-local address', { from: '10.0.1.4:1', to: '169.254.169.254:80' }],
  ['a packet to the host itself', { from: '10.0.1.4:1', to: '127.0.0.1:80' }],
  ['a packet to no address', { from: '10.0.1.4:1', to: '0.0.0.0:80' }],
]

const IN: readonly (readonly [string, Said])[] = [
  ['a router advertisement', { from: 'fe80::1', to: 'ff02::1', proto: 'icmp', icmpType: 134, ttl: 255 }],
  ['a packet to all nodes', { from: '[2001:db8::9]:1', to: '[ff02::1]:2', proto: 'udp' }],
  ['a packet from a link-local address', { from: '[fe80::1]:1', to: '[fd00::4]:2', proto: 'udp' }],
  ['a DHCP answer', { from: '203.0.113.1:67', to: '255.255.255.255:68', proto: 'udp' }],
  ['a packet from an IPv4 link-local address', { from: '169.254.169.254:80', to: '10.0.1.4:1' }],
  ['a packet from the host itself', { from: '127.0.0.1:80', to: '10.0.1.4:1' }],
]

for (const [name, said] of OUT) test(`vnet: does not let ${name} out to the underlay’s links`, (t) => { t.is(outcome(network(), 'outbound', frame(said)), 'drop NoRoute') })

for (const [name, said] of IN) test(`vnet: does not let ${name} of the underlay’s links in`, (t) => { t.is(outcome(network(), 'inbound', frame(said)), 'drop NotTunnelled') })

test('vnet: lets out and in what is beside the addresses of links', (t) => {
  for (const [own, other] of [['10.0.1.4', '169.253.0.1'], ['10.0.1.4', '224.0.1.1'], ['10.0.1.4', '203.0.113.9'], ['fd00::4', 'fec0::1'], ['fd00::4', 'ff05::2'], ['fd00::4', '::2']] as const) {
    t.false(outcome(network(), 'outbound', frame({ from: own, to: other, proto: 'icmp' })).startsWith('drop'), other)
    t.false(outcome(network(), 'inbound', frame({ from: other, to: own, proto: 'icmp' })).startsWith('drop'), other)
  }
})

test('vnet: does as told of the address of a link that the policy names', (t) => {
  const port = network({ prefix: '169.254.169.254/32', to: 'internet' }, { prefix: 'ff02::/16', to: 'drop' })
  const metadata: Said = { from: '10.0.1.4:1', to: '169.254.169.254:80' }
  t.is(outcome(port, 'outbound', frame(metadata)), '10.0.1.4:1 > 169.254.169.254:80 tcp')
  t.is(outcome(port, 'inbound', frame({ from: metadata.to, to: metadata.from })), '169.254.169.254:80 > 10.0.1.4:1 tcp')
  t.is(outcome(port, 'outbound', frame({ ...metadata, to: '169.254.169.253:80' })), 'drop NoRoute')
  t.is(outcome(port, 'outbound', frame({ from: 'fd00::4', to: 'ff02::1', proto: 'icmp' })), 'drop RouteDrop')
})
