/**
 * What a deployed pipeline of this kind does with the same configuration and packet.
 *
 * @see SONiC-DASH functional tests: vnet outbound, vnet_direct, longest prefix, IPv6 overlay
 */
import { directory, orThrow } from '@vfp-ts/core'
import { vnet, type VnetRouteJson } from '@vfp-ts/layers'
import test from 'ava'
import { frame, macs, show } from '../frames.js'
import { host, passed } from '../host.js'
import { ip, mac } from '../support.js'

/** Virtual network, customer address, physical address, MAC, and the network that goes on the wire if not the sender's. */
type Mapped = readonly [number, string, string, string, number?]

interface Vector {
  readonly name: string
  readonly vni: number
  readonly underlay: string
  readonly routes: readonly VnetRouteJson[]
  readonly mappings: readonly Mapped[]
  /** Destination, and what is expected: outer destination, network, inner destination MAC; or a drop. */
  readonly packets: readonly (readonly [string, string])[]
}

const B = '00:02:00:00:04:15'

const vectors: readonly Vector[] = [
  {
    name: 'takes the network from the mapping',
    vni: 1, underlay: '10.1.1.1',
    routes: [{ prefix: '192.168.1.0/24', vni: 2 }],
    mappings: [[2, '192.168.1.1', '10.10.2.10', B, 2]],
    packets: [
      ['192.168.1.1', `10.10.2.10 vni 2 ${B}`],
      ['192.168.200.200', 'drop NoRoute'],
      ['192.168.1.200', 'drop NoMapping'],
    ],
  },
  {
    name: 'keeps the sender’s network where the mapping has none',
    vni: 1, underlay: '10.1.1.1',
    routes: [{ prefix: '192.168.2.0/24', vni: 3 }],
    mappings: [[3, '192.168.2.1', '10.10.2.10', '00:03:00:00:05:16']],
    packets: [['192.168.2.1', '10.10.2.10 vni 1 00:03:00:00:05:16']],
  },
  {
    name: 'looks up the router of a route that has one',
    vni: 1, underlay: '10.1.1.1',
    routes: [{ prefix: '192.168.1.0/24', vni: 2, via: '192.168.1.10' }],
    mappings: [[2, '192.168.1.10', '10.10.2.10', B, 2]],
    packets: [['192.168.1.1', `10.10.2.10 vni 2 ${B}`]],
  },
  {
    name: 'takes the longest prefix',
    vni: 1, underlay: '12.1.1.1',
    routes: [{ prefix: '10.0.0.0/8', vni: 2 }, { prefix: '10.0.1.0/24', vni: 20 }, { prefix: '10.1.1.1/32', vni: 200 }],
    mappings: [
      [2, '10.5.4.4', '192.168.1.1', B, 2], [20, '10.0.1.2', '192.168.1.1', '00:05:00:00:06:17', 20], [200, '10.1.1.1', '192.168.1.1', '00:06:00:00:07:18', 200],
      [2, '10.0.1.2', '192.168.1.9', '00:00:00:00:00:09', 2], [2, '10.1.1.1', '192.168.1.9', '00:00:00:00:00:09', 2],
    ],
    packets: [
      ['10.5.4.4', `192.168.1.1 vni 2 ${B}`],
      ['10.0.1.2', '192.168.1.1 vni 20 00:05:00:00:06:17'],
      ['10.1.1.1', '192.168.1.1 vni 200 00:06:00:00:07:18'],
    ],
  },
  {
    name: 'carries IPv6 over an IPv4 underlay',
    vni: 50, underlay: '172.16.1.200',
    routes: ['2000:aaaa::/112'],
    mappings: [[50, '2000:aaaa::232', '172.16.1.20', '00:bb:bb:bb:bb:bb']],
    packets: [
      ['2000:aaaa::232', '172.16.1.20 vni 50 00:bb:bb:bb:bb:bb'],
      ['2000:bbbb::232', 'drop NoRoute'],
      ['2000:aaaa::d3d3', 'drop NoMapping'],
    ],
  },
]

for (const { name, vni, underlay, routes, mappings, packets } of vectors) {
  test(`vnet-vectors: ${name}`, (t) => {
    const ca = directory()
    for (const [network, address, pa, nic, onWire] of mappings) {
      ca.set({ vni: network, ip: ip(address) }, { endpoints: [{ pa: ip(pa), mac: mac(nic) }], ...(onWire !== undefined && { vni: onWire }) })
    }
    const { port } = host()
    orThrow(orThrow(port.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({ vni, underlay, routes, directory: ca })))
    for (const [to, expected] of packets) {
      const six = to.includes(':')
      const sent = frame({ from: six ? '[2000:aaaa::10a]:5000' : '192.168.0.1:5000', to: six ? `[${to}]:80` : `${to}:80` })
      const processed = port.process('outbound', sent)
      if (processed.outcome._tag === 'Dropped') {
        t.is(`drop ${processed.outcome.reason}`, expected)
        continue
      }
      const wire = passed(processed)
      const [outer = '', inner] = show(wire).split(' | ')
      t.is(`${outer.replace(`${underlay} > `, '')} ${macs(wire, 1).split(' > ')[1] ?? ''}`, expected)
      t.is(inner, show(sent))
    }
  })
}
