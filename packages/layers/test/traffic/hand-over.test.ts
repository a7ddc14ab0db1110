/** What `vnet` leaves to a layer nearer the wire: nothing of it leaves or comes in but through that layer. */
import { directory, type LayerHandle, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { privateLink, type PrivateLinkJson, vnet } from '@vfp-ts/layers'
import test from 'ava'
import { arp, frame, type Said } from '../frames.js'
import { outcome } from '../host.js'

const SERVICE = {
  ca: '10.2.0.100', pa: '198.51.100.3', source: '2001:db8:20:abc:abc::/96', destination: '2001:db8:100::203', key: 100,
} as const
const links: PrivateLinkJson = { underlay: '192.0.2.1', services: [SERVICE] }

interface Stack {
  readonly port: Port
  readonly network: LayerHandle<'vnet'>
  /** Adds the private link, with or without policy. */
  readonly link: (json?: PrivateLinkJson, order?: number) => LayerHandle<'private-link'>
}

/** A VM whose network gives prefixes of both versions to services, and the rest to the internet. */
const stack = (): Stack => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4', 'fd00::4'] }))
  const network = orThrow(port.addLayer(vnet.layer, { order: 40 }))
  orThrow(network.update(vnet.policy({
    vni: 5001, underlay: '192.0.2.1', directory: directory(),
    routes: [
      '10.0.0.0/16', { prefix: '10.2.0.0/16', to: 'service' }, { prefix: 'fd00:2::/64', to: 'service' }, { prefix: '0.0.0.0/0', to: 'internet' },
      { prefix: '::/0', to: 'internet' },
    ],
  })))
  const link = (json?: PrivateLinkJson, order = 45): LayerHandle<'private-link'> => {
    const handle = orThrow(port.addLayer(privateLink.layer, { order }))
    if (json !== undefined) orThrow(handle.update(privateLink.policy(json)))
    return handle
  }
  return { port, network, link }
}

const request: Said = { from: '10.0.1.4:5000', to: '10.2.0.100:80' }
const OUT = '192.0.2.1 > 198.51.100.3 nvgre 100 | [2001:db8:20:abc:abc:0:a00:104]:5000 > [2001:db8:100::203]:80 tcp'
const answer: Said = {
  from: '[2001:db8:100::203]:80', to: '[2001:db8:20:abc:abc:0:a00:104]:5000', tunnel: { kind: 'nvgre', from: '198.51.100.3', to: '192.0.2.1', vni: 100 },
}
const BACK = '10.2.0.100:80 > 10.0.1.4:5000 tcp'
const NO_SERVICE: readonly Said[] = [
  { from: '10.0.1.4:5000', to: '10.2.0.101:80' }, { from: '10.0.1.4:5000', to: '10.2.255.255:53', proto: 'udp' }, { from: '10.0.1.4', to: '10.2.0.0', proto: 'icmp' },
  { from: '[fd00::4]:5000', to: '[fd00:2::1]:80' }, { from: 'fd00::4', to: 'fd00:2::1', proto: 'icmp' },
]
const turned = (said: Said): Said => ({ ...said, from: said.to, to: said.from, reply: true })

test('vnet and private-link: an address of the prefix that is no service neither leaves nor comes in', (t) => {
  const { port, link } = stack()
  link(links)
  for (const said of NO_SERVICE) {
    t.is(outcome(port, 'outbound', frame(said)), 'drop NotTaken', said.to)
    t.is(outcome(port, 'inbound', frame(turned(said))), 'drop NotTunnelled', said.to)
  }
  t.is(outcome(port, 'outbound', frame(request)), OUT)
  t.is(outcome(port, 'inbound', frame(answer)), BACK)
  // The service's own address, from the network; and after a connection that a false answer could be taken for.
  t.is(outcome(port, 'inbound', frame(turned(request))), 'drop NotTunnelled')
  t.is(outcome(port, 'outbound', arp({ target: '10.2.0.100' })), 'drop NotIp')
  t.is(outcome(port, 'inbound', arp({ sender: '10.2.0.100', target: '10.0.1.4' })), 'drop NotTunnelled')
})

test('vnet and private-link: nothing leaves where the link is missing, empty, or has no services', (t) => {
  for (const there of ['missing', 'empty', 'without services']) {
    const { port, link } = stack()
    if (there !== 'missing') link(there === 'empty' ? undefined : { ...links, services: [] })
    for (const said of [request, ...NO_SERVICE]) {
      t.is(outcome(port, 'outbound', frame(said)), 'drop NotTaken', said.to)
      t.is(outcome(port, 'inbound', frame(turned(said))), 'drop NotTunnelled', said.to)
    }
    t.is(outcome(port, 'inbound', frame(answer)), 'drop WrongTenant')
  }
})

test('vnet and private-link: a link on the VM’s side of the network takes nothing from it, and lets nothing out plain', (t) => {
  const { port, link, network } = stack()
  link(links, 35)
  for (const said of NO_SERVICE) t.is(outcome(port, 'outbound', frame(said)), 'drop NotTaken')
  t.is(outcome(port, 'inbound', frame(turned(request))), 'drop NotTunnelled')
  t.is(outcome(port, 'inbound', frame(answer)), 'drop WrongTenant')
  // The services' tunnels are packets of the network then: without a route to the internet they stay here.
  orThrow(network.update(vnet.policy({
    vni: 5001, underlay: '192.0.2.1', directory: directory(), routes: ['10.0.0.0/16', { prefix: '10.2.0.0/16', to: 'service' }],
  })))
  t.is(outcome(port, 'outbound', frame(request)), 'drop NoRoute')
})

test('vnet and private-link: what changes while traffic runs holds for the next packet', (t) => {
  const { port, link, network } = stack()
  const handle = link(links)
  const said = (): readonly string[] => [outcome(port, 'outbound', frame(request)), outcome(port, 'inbound', frame(answer)), outcome(port, 'inbound', frame(turned(request)))]
  const shut = ['drop NotTaken', 'drop WrongTenant', 'drop NotTunnelled']
  const open = [OUT, BACK, 'drop NotTunnelled']
  t.deepEqual(said(), open)
  orThrow(handle.update(privateLink.policy({ ...links, services: [] })))
  t.deepEqual(said(), shut)
  orThrow(handle.update(privateLink.policy({ ...links, services: [SERVICE, { ...SERVICE, ca: '10.2.0.101', key: 101 }] })))
  t.deepEqual(said(), open)
  // No way to the service any more: the network takes no answers back either.
  orThrow(network.update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', directory: directory(), routes: ['10.0.0.0/8'] })))
  t.deepEqual(said(), ['drop NoMapping', 'drop NotTunnelled', 'drop NotTunnelled'])
  orThrow(network.update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', directory: directory(), routes: [{ prefix: '10.2.0.0/16', to: 'service' }] })))
  t.deepEqual(said(), open)
  handle.remove()
  t.deepEqual(said(), shut)
})
