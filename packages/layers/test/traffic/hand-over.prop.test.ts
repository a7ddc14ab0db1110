/** Whatever a network and its links are told, and whoever sends: nothing leaves plain or comes in plain but what the policy says may. */
import { directory, openSwitch, orThrow, type Port, prefixContains, parsePrefix } from '@vfp-ts/core'
import { privateLink, vnet, type VnetRouteTo } from '@vfp-ts/layers'
import test from 'ava'
import fc from 'fast-check'
import { frame, read } from '../frames.js'
import { ip, mac } from '../support.js'

interface Route { readonly prefix: string, readonly to: VnetRouteTo }

/** Prefixes that hold one another, so that the longest one matters. */
const PREFIXES = ['0.0.0.0/0', '10.0.0.0/8', '10.2.0.0/16', '10.2.0.0/24', '10.2.0.100/32', '::/0', 'fd00::/16', 'fd00:2::/64', 'fd00:2::100/128']
/** Addresses within and beside them, with those that are the ends of tunnels. */
const ADDRESSES = [
  '10.0.1.5', '10.2.0.100', '10.2.0.100', '10.2.0.101', '10.2.0.101', '10.2.0.255', '10.2.1.0', '10.3.0.1', '203.0.113.9', '192.0.2.1', '198.51.100.3',
  'fd00::5', 'fd00:2::100', 'fd00:2::101', 'fd00:2:0:1::1', '2001:db8::9',
]

const routesArbitrary: fc.Arbitrary<readonly Route[]> = fc
  .uniqueArray(fc.constantFrom(...PREFIXES), { minLength: 1 })
  .chain((prefixes) => fc.tuple(...prefixes.map((prefix) => fc.constantFrom('vnet', 'internet', 'service', 'service', 'drop').map((to): Route => ({ prefix, to })))))

/** Whether there is a link, on which side of the network, and which addresses it knows. */
const linkArbitrary = fc.option(fc.record({ order: fc.constantFrom(35, 45, 45, 45), services: fc.subarray(['10.2.0.100', '10.2.0.101', '10.3.0.1']) }), { nil: undefined, freq: 6 })

const packetArbitrary = fc.record({
  direction: fc.constantFrom('outbound', 'inbound'),
  other: fc.constantFrom(...ADDRESSES),
  proto: fc.constantFrom('tcp', 'udp', 'icmp'),
  tunnel: fc.option(fc.record({ kind: fc.constantFrom('vxlan', 'nvgre', 'geneve'), vni: fc.constantFrom(5001, 100, 7), from: fc.constant('198.51.100.3'), to: fc.constantFrom('192.0.2.1', '192.0.2.2') }), { nil: undefined }),
})

const portWith = (routes: readonly Route[], link: { readonly order: number, readonly services: readonly string[] } | undefined): Port => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4', 'fd00::4'] }))
  const ca = directory()
  for (const address of ADDRESSES) ca.set({ vni: 5001, ip: ip(address) }, { endpoints: [{ pa: ip('192.0.2.5'), mac: mac('00:15:5d:00:00:05') }] })
  orThrow(orThrow(port.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', directory: ca, routes })))
  if (link === undefined) return port
  orThrow(orThrow(port.addLayer(privateLink.layer, { order: link.order })).update(privateLink.policy({
    underlay: '192.0.2.1',
    services: link.services.map((address, i) => ({ ca: address, pa: '198.51.100.3', source: '2001:db8:20:abc:abc::/96', destination: `2001:db8:100::${i}`, key: 100 + i })),
  })))
  return port
}

/** Where the routes lead from or to an address: the longest prefix decides. */
const routed = (routes: readonly Route[], address: string): VnetRouteTo | undefined =>
  routes.map(({ prefix, to }) => ({ prefix: orThrow(parsePrefix(prefix)), to })).filter(({ prefix }) => prefixContains(prefix, ip(address)))
    .sort((a, b) => b.prefix.length - a.prefix.length)[0]?.to

test('vnet and private-link: nothing leaves plain but to the internet, nothing comes in plain but from there', (t) => {
  const seen = { taken: 0, untaken: 0, plainOut: 0, plainIn: 0, refusedIn: 0 }
  fc.assert(fc.property(routesArbitrary, linkArbitrary, fc.array(packetArbitrary, { minLength: 20, maxLength: 60 }), (routes, link, packets) => {
    const port = portWith(routes, link)
    for (const { direction, other, proto, tunnel } of packets) {
      const own = other.includes(':') ? '[fd00::4]:5000' : '10.0.1.4:5000'
      const end = other.includes(':') ? `[${other}]:80` : `${other}:80`
      const out = direction === 'outbound'
      const bytes = frame({ from: out ? own : end, to: out ? end : own, proto, ...(out || tunnel === undefined ? {} : { tunnel }) })
      const { outcome, outputs } = port.process(direction, bytes)
      const to = routed(routes, other)
      if (out) {
        const plain = outputs.some((o) => read(o.frame).groups.length === 1)
        if (plain && to !== 'internet') throw new Error(`${other}, routed to ${String(to)}, left plain`)
        if (to === 'service') seen[outcome._tag === 'Passed' ? 'taken' : 'untaken']++
        if (plain) seen.plainOut++
      } else {
        const ends = tunnel !== undefined && tunnel.to === '192.0.2.1'
        const tenants = ends && tunnel.vni === 5001
        // A tunnel that does not end at this host is as plain as any other frame, and comes from its outer source.
        const from = tunnel === undefined ? to : routed(routes, tunnel.from)
        if (outcome._tag === 'Passed' && !tenants && (ends || from !== 'internet')) throw new Error(`from ${other}, routed to ${String(to)}, came in`)
        if (tunnel === undefined) seen[outcome._tag === 'Passed' ? 'plainIn' : 'refusedIn']++
      }
    }
  }), { numRuns: 100 })
  t.true(Object.values(seen).every((n) => n > 3), JSON.stringify(seen))
})
