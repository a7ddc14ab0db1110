/**
 * What a deployed pipeline of this kind does with the same configuration and packet. The packets come in a tunnel from the VM, as
 * at an appliance; the layers that check them and take them out of it are the tests' own.
 *
 * @see SONiC-DASH functional tests: VNET outbound, vnet_direct, longest prefix, IPv6 overlay, administrative state, flows, private link
 */
import { directory, type MappingText, orThrow, type Port } from '@vfp-ts/core'
import { privateLink, vnet, type VnetJson } from '@vfp-ts/layers'
import test, { type ExecutionContext } from 'ava'
import { frame, macs, read, type Said, show } from '../frames.js'
import { outcome, passed } from '../host.js'
import { appliance, type Nics } from '../vnet/appliance.js'

const A = '00:01:00:00:03:14'
const B = '00:02:00:00:04:15'
const ANY = 'aa:12:44:69:05:aa'

/** Virtual network, customer address, physical address, MAC, and whether the destination's network goes on the wire. */
type Mapped = readonly [vni: number, ca: string, pa: string, mac: string, useDstVni: boolean]

const mapped = (mappings: readonly Mapped[]): VnetJson['directory'] => {
  const ca = directory('mappings')
  for (const [vni, ip, pa, mac, useDstVni] of mappings) {
    const text: MappingText = { vni, ip, at: [{ pa, mac }], useDstVni }
    orThrow(ca.add(text))
  }
  return ca
}

const route = (port: Port, config: VnetJson): void => {
  orThrow(orThrow(port.addLayer(vnet.layer, { order: 40 })).update(vnet.policy(config)))
}

interface Vector {
  readonly name: string
  /** Where tunnels end; the VM's own tunnel begins at `pa` and has the network `vni`. */
  readonly vip: string
  readonly pa: string
  readonly vni: number
  readonly nic: string
  readonly routes: VnetJson['routes']
  readonly mappings: readonly Mapped[]
  /** What the VM sends, the same but for the words given with each expectation. */
  readonly from: string
  readonly toMac: string
  readonly packets: readonly Expected[]
}

type Expected =
  & { readonly to: string; readonly fromMac?: string; readonly outerTo?: string; readonly outerVni?: number }
  & ({ readonly out: string; readonly mac: string } | { readonly drop: string })

const vectors: readonly Vector[] = [
  {
    name: 'takes the network from the mapping',
    vip: '10.1.1.1', pa: '10.10.1.10', vni: 1, nic: A,
    routes: [{ prefix: '192.168.1.0/24', vni: 2 }],
    mappings: [[2, '192.168.1.1', '10.10.2.10', B, true]],
    from: '192.168.0.1', toMac: ANY,
    packets: [
      { to: '192.168.1.1', out: '10.1.1.1 > 10.10.2.10 vni 2', mac: B },
      { to: '192.168.1.1', outerTo: '10.10.10.10', drop: 'vip' },
      { to: '192.168.1.1', outerVni: 9, drop: 'vni' },
      { to: '192.168.200.200', drop: 'NoRoute' },
      { to: '192.168.1.1', fromMac: '00:aa:00:aa:00:aa', drop: 'nic' },
      { to: '192.168.1.200', drop: 'NoMapping' },
    ],
  },
  {
    name: 'keeps the NIC’s own network where the mapping does not want the destination’s',
    vip: '10.1.1.1', pa: '10.10.1.10', vni: 1, nic: A,
    routes: [{ prefix: '192.168.2.0/24', vni: 3 }],
    mappings: [[3, '192.168.2.1', '10.10.2.10', '00:03:00:00:05:16', false]],
    from: '192.168.0.1', toMac: ANY,
    packets: [{ to: '192.168.2.1', out: '10.1.1.1 > 10.10.2.10 vni 1', mac: '00:03:00:00:05:16' }],
  },
  {
    name: 'looks up the address a route names, and replaces no address but the looked-up one',
    vip: '10.1.1.1', pa: '10.10.1.10', vni: 1, nic: A,
    routes: [{ prefix: '192.168.1.0/24', vni: 2, via: '192.168.1.10' }],
    mappings: [[2, '192.168.1.10', '10.10.2.10', B, true]],
    from: '192.168.0.1', toMac: ANY,
    packets: [{ to: '192.168.1.1', out: '10.1.1.1 > 10.10.2.10 vni 2', mac: B }],
  },
  {
    name: 'takes the longest prefix',
    vip: '12.1.1.1', pa: '192.168.0.1', vni: 1, nic: A,
    routes: [{ prefix: '10.0.0.0/8', vni: 2 }, { prefix: '10.0.1.0/24', vni: 20 }, { prefix: '10.1.1.1/32', vni: 200 }],
    mappings: [
      [2, '10.5.4.4', '192.168.1.1', B, true], [20, '10.0.1.2', '192.168.1.1', '00:05:00:00:06:17', true],
      [200, '10.1.1.1', '192.168.1.1', '00:06:00:00:07:18', true],
      // What a shorter prefix would find.
      [2, '10.0.1.2', '192.168.1.9', '00:00:00:00:00:09', true], [2, '10.1.1.1', '192.168.1.9', '00:00:00:00:00:09', true],
    ],
    from: '9.0.0.1', toMac: ANY,
    packets: [
      { to: '10.5.4.4', out: '12.1.1.1 > 192.168.1.1 vni 2', mac: B },
      { to: '10.0.1.2', out: '12.1.1.1 > 192.168.1.1 vni 20', mac: '00:05:00:00:06:17' },
      { to: '10.1.1.1', out: '12.1.1.1 > 192.168.1.1 vni 200', mac: '00:06:00:00:07:18' },
    ],
  },
  {
    name: 'carries IPv6 over an IPv4 underlay',
    vip: '172.16.1.200', pa: '172.16.1.1', vni: 50, nic: '00:aa:aa:aa:aa:aa',
    routes: [{ prefix: '2000:aaaa::/112', vni: 50 }],
    mappings: [[50, '2000:aaaa::232', '172.16.1.20', '00:bb:bb:bb:bb:bb', true]],
    from: '2000:aaaa::10a', toMac: '02:02:02:02:02:02',
    packets: [
      { to: '2000:aaaa::232', out: '172.16.1.200 > 172.16.1.20 vni 50', mac: '00:bb:bb:bb:bb:bb' },
      { to: '2000:bbbb::232', drop: 'NoRoute' },
      { to: '2000:aaaa::d3d3', drop: 'NoMapping' },
    ],
  },
]

const withPort = (address: string, port: number): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)

/** That a packet comes out as said, decided by the layers and once more by the flow they made. */
const expectPacket = (t: ExecutionContext, port: Port, { vip, pa, vni, nic, from, toMac }: Vector, expected: Expected): void => {
  const said: Said = { from: withPort(from, 5000), to: withPort(expected.to, 80), fromMac: expected.fromMac ?? nic, toMac }
  const sent = frame({ ...said, tunnel: { from: pa, to: expected.outerTo ?? vip, vni: expected.outerVni ?? vni } })
  for (let i = 0; i < 2; i++) {
    if ('drop' in expected) {
      t.is(outcome(port, 'outbound', sent), `drop ${expected.drop}`)
      continue
    }
    const wire = passed(port.process('outbound', sent))
    t.is(show(wire), `${expected.out} | ${show(frame(said))}`)
    t.is(macs(wire, 1), `${nic} > ${expected.mac}`)
    // The frame inside is the VM's to the byte, but for the destination MAC, its first six bytes.
    t.deepEqual(wire.subarray(50 + 6), frame(said).subarray(6))
  }
}

for (const vector of vectors) {
  test(`vnet-vectors: ${vector.name}`, (t) => {
    const { vip, vni, nic, routes, mappings, packets } = vector
    const { port } = appliance({ vip, trustedVnis: [vni], nics: { [nic]: 'up' } })
    route(port, { vni, underlay: vip, routes, directory: mapped(mappings) })
    for (const expected of packets) expectPacket(t, port, vector, expected)
  })
}

test('vnet-vectors: drops what an administratively down NIC sends, and forwards it when the NIC is up', (t) => {
  const [vector] = vectors
  if (vector === undefined) return t.fail()
  const nics = (state: 'up' | 'down'): Nics => ({ vip: vector.vip, trustedVnis: [vector.vni], nics: { [A]: state } })
  const { port, setNics } = appliance(nics('down'))
  route(port, { vni: vector.vni, underlay: vector.vip, routes: vector.routes, directory: mapped(vector.mappings) })
  const up: Expected = { to: '192.168.1.1', out: '10.1.1.1 > 10.10.2.10 vni 2', mac: B }
  const down: Expected = { to: '192.168.1.1', drop: 'admin' }
  expectPacket(t, port, vector, down)
  setNics(nics('up'))
  expectPacket(t, port, vector, up)
  setNics(nics('down'))
  expectPacket(t, port, vector, down)
})

test('vnet-vectors: a flow ends with a reset or with its idle time, and counts every packet', (t) => {
  const nic = '00:cc:cc:cc:cc:cc'
  const { port, clock } = appliance({ vip: '172.16.1.100', trustedVnis: [60], nics: { [nic]: 'up' } }, 5000)
  route(port, {
    vni: 60, underlay: '172.16.1.100', routes: [{ prefix: '10.1.0.0/16', vni: 100 }], directory: mapped([[100, '10.1.2.50', '172.16.1.20', '00:dd:dd:dd:dd:dd', true]]),
  })
  const tunnel = { from: '172.16.1.1', to: '172.16.1.100', vni: 60 }
  const send = (said: Partial<Said>): string =>
    outcome(port, 'outbound', frame({ from: '10.1.1.10:4660', to: '10.1.2.50:80', fromMac: nic, tunnel, ...said }))
  const through = (inside: string): string => `172.16.1.100 > 172.16.1.20 vni 100 | ${inside}`
  const flows = (): readonly number[] => port.flows().map((flow) => flow.packets)

  t.is(send({ flags: 0x02 }), through('10.1.1.10:4660 > 10.1.2.50:80 tcp'))
  t.deepEqual(flows(), [1])
  t.is(send({ flags: 0x04 }), through('10.1.1.10:4660 > 10.1.2.50:80 tcp'))
  t.deepEqual(flows(), [])

  t.is(send({ from: '10.1.1.11:4660', flags: 0x02 }), through('10.1.1.11:4660 > 10.1.2.50:80 tcp'))
  clock.advanceUs(4_999_999)
  port.expire()
  t.deepEqual(flows(), [1])
  clock.advanceUs(1_000_001)
  port.expire()
  t.deepEqual(flows(), [])

  for (let i = 0; i < 10; i++) t.is(send({ proto: 'udp' }), through('10.1.1.10:4660 > 10.1.2.50:80 udp'))
  t.deepEqual(flows(), [10])
  t.like(port.counters(), { slow: 3, fast: 10 })
})

test('vnet-vectors: a private link takes an IPv4 VM to an IPv6 service over NVGRE, and the answer back over VXLAN', (t) => {
  const nic = 'f4:93:9f:ef:c4:7e'
  const made = (): Port => {
    const { port } = appliance({ vip: '10.1.0.5', trustedVnis: [1], nics: { [nic]: 'up' } })
    route(port, { vni: 1, underlay: '10.1.0.5', routes: [{ prefix: '10.2.0.0/16', to: 'service' }], directory: directory() })
    const links = orThrow(port.addLayer(privateLink.layer, { order: 45 }))
    orThrow(links.update(privateLink.policy({
      underlay: '10.1.0.5',
      encoding: { value: '::d107:64:ff71:0:0', mask: '::ffff:ffff:ffff:0:0' },
      services: [{
        ca: '10.2.0.100', pa: '101.1.2.3', source: 'fd41:108:20:abc:abc::/96', destination: '2603:10e1:100:2::3401:203', key: 100,
      }],
    })))
    return port
  }
  const fromVm = frame({ from: '10.0.0.11:5000', to: '10.2.0.100:80', fromMac: nic, toMac: ANY, tunnel: { from: '25.1.1.1', to: '10.1.0.5', vni: 1 } })
  const fromService = frame({
    from: '[2603:10e1:100:2::3401:203]:80', to: '[fd41:108:20:d107:64:ff71:a00:b]:5000', fromMac: ANY, toMac: nic,
    tunnel: { kind: 'nvgre', from: '101.1.2.3', to: '10.1.0.5', vni: 100 },
  })

  const port = made()
  for (let i = 0; i < 2; i++) {
    const out = passed(port.process('outbound', fromVm))
    t.is(show(out), '10.1.0.5 > 101.1.2.3 nvgre 100 | [fd41:108:20:d107:64:ff71:a00:b]:5000 > [2603:10e1:100:2::3401:203]:80 tcp')
    t.is(macs(out, 1), `${nic} > ${ANY}`)
    t.like(read(out).groups[1]?.net, { hopLimit: 64 })
    const back = passed(port.process('inbound', fromService))
    t.is(show(back), '10.1.0.5 > 25.1.1.1 vni 1 | 10.2.0.100:80 > 10.0.0.11:5000 tcp')
    t.is(macs(back, 1), `${ANY} > ${nic}`)
  }
  t.is(outcome(made(), 'inbound', fromService), 'drop NoConnection')
})
