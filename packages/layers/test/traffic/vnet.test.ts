import { type CustomerAddress, type Directory, formatIp, type Mapping, openSwitch, orThrow, type Port, type Resource } from '@vfp-ts/core'
import { vnet, type VnetJson } from '@vfp-ts/layers'
import test from 'ava'
import { arp, frame, macs, read, type Said, show } from '../frames.js'
import { host, outcome, passed, twoVms } from '../host.js'
import { ip, mac } from '../support.js'

const networked = (ca: Directory, change: Partial<VnetJson> = {}): Port => {
  const { port } = host(ca)
  const network = orThrow(port.addLayer(vnet.layer, { order: 40 }))
  orThrow(network.update(vnet.policy({
    vni: 5001,
    underlay: ['192.0.2.1', '2001:db8::1'],
    routes: ['10.0.0.0/16', { prefix: '10.0.5.0/24', to: 'drop' }, { prefix: '0.0.0.0/0', to: 'internet' }, 'fd00::/8'],
    directory: ca,
    ...change,
  })))
  return port
}

const toPeer: Said = { from: '10.0.1.4:5000', to: '10.0.1.5:80' }

test('vnet: tunnels to where the directory says, DSCP and ECN on the outside, the endpoint’s MAC inside', (t) => {
  const port = networked(twoVms(), { underlayMac: '02:00:00:00:0a:01', nextHopMac: '02:00:00:00:0a:02', ttl: 12 })
  const sent = frame({ ...toPeer, dscp: 46, ecn: 1 })
  for (let i = 0; i < 2; i++) {
    const wire = passed(port.process('outbound', sent))
    t.is(show(wire), '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:80 tcp')
    t.is(macs(wire), '02:00:00:00:0a:01 > 02:00:00:00:0a:02')
    t.is(macs(wire, 1), '02:00:00:00:00:01 > 00:15:5d:00:00:05')
    t.like(read(wire).groups[0].net, { ttl: 12, dscp: 46, ecn: 1 })
    t.is(wire.length, sent.length + 50)
  }
})

test('vnet: tunnels over an IPv6 underlay with a right outer checksum', (t) => {
  const port = networked(twoVms())
  const wire = passed(port.process('outbound', frame({ from: '[fd00::4]:5000', to: '[fd00::5]:80' })))
  t.is(show(wire), '2001:db8::1 > 2001:db8::5 vni 5001 | [fd00::4]:5000 > [fd00::5]:80 tcp')
  t.is(outcome(port, 'inbound', frame({ from: '[fd00::5]:80', to: '[fd00::4]:5000', tunnel: { from: '2001:db8::5', to: '2001:db8::1', vni: 5001 } })),
    '[fd00::5]:80 > [fd00::4]:5000 tcp')
})

test('vnet: removes its own tunnels and gives the VM the frame inside as it was', (t) => {
  const port = networked(twoVms())
  const inside: Said = { from: '10.0.1.5:80', to: '10.0.1.4:5000' }
  const tunnelled = frame({ ...inside, tunnel: { from: '192.0.2.5', to: '192.0.2.1', vni: 5001 } })
  for (let i = 0; i < 2; i++) t.deepEqual(passed(port.process('inbound', tunnelled)), frame(inside))
})

test('vnet: takes the answer to an ARP question through the tunnel to who asked, and nothing else of ARP', (t) => {
  const port = networked(twoVms(), { arp: true })
  const wire = passed(port.process('outbound', arp({ reply: true, target: '10.0.1.5' })))
  const { groups } = read(wire)
  t.deepEqual(groups.map(({ net }) => net?.kind), ['ipv4', 'arp'])
  t.is(macs(wire, 1), '00:15:5d:00:00:04 > 00:15:5d:00:00:05')
  t.is(outcome(port, 'outbound', arp({ target: '10.0.1.5' })), 'drop NotIp')
  t.is(outcome(port, 'outbound', arp({ reply: true, target: '10.0.1.6' })), 'drop NoMapping')
  t.is(outcome(port, 'outbound', arp({ reply: true, target: '192.168.0.1' })), 'drop NotIp')
})

test('vnet: names why it drops', (t) => {
  const port = networked(twoVms(), { routes: ['10.0.0.0/16', { prefix: '10.0.5.0/24', to: 'drop' }] })
  const to = (text: string): string => outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: text }))
  t.is(to('10.0.1.6:80'), 'drop NoMapping')
  t.is(to('10.0.5.5:80'), 'drop RouteDrop')
  t.is(to('198.51.100.7:80'), 'drop NoRoute')
  t.is(outcome(port, 'outbound', frame({ from: '[fd00::4]:5000', to: '[fd00::5]:80' })), 'drop NoRoute')
  t.is(outcome(port, 'outbound', arp()), 'drop NotIp')
  const from = (tunnel: Said['tunnel']): string =>
    outcome(port, 'inbound', frame({ from: '10.0.1.5:80', to: '10.0.1.4:5000', ...(tunnel && { tunnel }) }))
  t.is(from({ from: '192.0.2.5', to: '192.0.2.1', vni: 5002 }), 'drop WrongTenant')
  t.is(from({ from: '192.0.2.5', to: '192.0.2.9', vni: 5001 }), 'drop NotTunnelled', 'no tunnel ends at that address')
  t.is(from({ from: '192.0.2.5', to: '192.0.2.1', vni: 5001 }), '10.0.1.5:80 > 10.0.1.4:5000 tcp')
  t.is(from(undefined), 'drop NotTunnelled')
  t.deepEqual(port.counters().drops, { NoMapping: 1, RouteDrop: 1, NoRoute: 2, NotIp: 1, WrongTenant: 1, NotTunnelled: 2 })
})

test('vnet: has no way to an endpoint of an IP version it has no address of', (t) => {
  const port = networked(twoVms(), { underlay: '192.0.2.1' })
  t.is(outcome(port, 'outbound', frame({ from: '[fd00::4]:5000', to: '[fd00::5]:80' })), 'drop NoUnderlay')
})

test('vnet: lets the internet out and in as it is, and nobody from there who claims to be of the network', (t) => {
  const port = networked(twoVms())
  const out = frame({ from: '10.0.1.4:5000', to: '198.51.100.7:443' })
  t.deepEqual(passed(port.process('outbound', out)), out)
  const back = frame({ from: '198.51.100.7:443', to: '10.0.1.4:5000' })
  t.deepEqual(passed(port.process('inbound', back)), back)
  t.is(outcome(port, 'inbound', frame({ from: '10.0.1.5:443', to: '10.0.1.4:5000' })), 'drop NotTunnelled')
  t.is(outcome(port, 'inbound', frame({ from: '10.0.5.5:443', to: '10.0.1.4:5000' })), 'drop NotTunnelled')
  t.is(outcome(port, 'inbound', arp()), 'drop NotTunnelled')
})

test('vnet: peers with another network through the mapping’s VNI', (t) => {
  const ca = twoVms()
  ca.set({ vni: 7, ip: ip('10.7.0.5') }, { endpoints: [{ pa: ip('192.0.2.7'), mac: 7 }], vni: 7 })
  const port = networked(ca, { routes: [{ prefix: '10.7.0.0/16', vni: 7 }] })
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.7.0.5:80' })), '192.0.2.1 > 192.0.2.7 vni 7 | 10.0.1.4:5000 > 10.7.0.5:80 tcp')
})

test('vnet: takes its directory from the switch by name', (t) => {
  const port = networked(twoVms(), { directory: 'ca' })
  t.is(outcome(port, 'outbound', frame(toPeer)), '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:80 tcp')
  const { port: other } = host(twoVms())
  const network = orThrow(other.addLayer(vnet.layer, { order: 40 }))
  t.like(network.updateJson({ vni: 1, underlay: '192.0.2.1', routes: [], directory: 'nowhere' }), {
    left: { _tag: 'BadPolicy', problems: [{ path: '/directory', reason: 'the switch was not opened with a resource named "nowhere"' }] },
  })
})

test('vnet: spreads flows over endpoints, and keeps each flow on one and on one source port', (t) => {
  const ca = twoVms()
  const pas = ['192.0.2.21', '192.0.2.22', '192.0.2.23']
  const [first, ...more] = pas.map((pa, i) => ({ pa: ip(pa), mac: mac(`00:15:5d:00:00:2${i + 1}`) }))
  if (first !== undefined) ca.set({ vni: 5001, ip: ip('10.0.1.9') }, { endpoints: [first, ...more] })
  const port = networked(ca)
  const sourcePorts = new Set<number>()
  const used = new Map<string, number>()
  for (let flow = 0; flow < 300; flow++) {
    const wires = [0, 1].map(() => passed(port.process('outbound', frame({ from: `10.0.1.4:${5000 + flow}`, to: '10.0.1.9:80' }))))
    const [one, two] = wires.map((wire) => read(wire).groups[0])
    t.deepEqual(one, two)
    const outer = one?.transport
    if (outer?.kind === 'udp') sourcePorts.add(outer.sourcePort)
    const pa = show(wires[0] ?? new Uint8Array(0)).split(' ')[2] ?? ''
    used.set(pa, (used.get(pa) ?? 0) + 1)
  }
  t.deepEqual([...used.keys()].sort(), pas)
  t.true([...used.values()].every((n) => n > 60), [...used.values()].join(' '))
  t.true(sourcePorts.size > 270, String(sourcePorts.size))
})

test('vnet: a changed mapping moves the very next packet of its flows, and no other flow', (t) => {
  const ca = twoVms()
  const endpoint = { pa: ip('192.0.2.6'), mac: mac('00:15:5d:00:00:06') }
  ca.set({ vni: 5001, ip: ip('10.0.1.6') }, { endpoints: [endpoint] })
  const port = networked(ca)
  const to = (text: string): string => outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: text })).split(' | ')[0] ?? ''
  t.is(to('10.0.1.5:80'), '192.0.2.1 > 192.0.2.5 vni 5001')
  t.is(to('10.0.1.6:80'), '192.0.2.1 > 192.0.2.6 vni 5001')
  ca.set({ vni: 5001, ip: ip('10.0.1.6') }, { endpoints: [{ ...endpoint, pa: ip('192.0.2.66') }] })
  const before = port.counters()
  t.is(to('10.0.1.5:80'), '192.0.2.1 > 192.0.2.5 vni 5001')
  t.is(port.counters().fast, before.fast + 1)
  t.is(to('10.0.1.6:80'), '192.0.2.1 > 192.0.2.66 vni 5001')
  t.is(port.counters().slow, before.slow + 1)
  ca.remove({ vni: 5001, ip: ip('10.0.1.6') })
  t.is(to('10.0.1.6:80'), 'drop NoMapping')
  ca.set({ vni: 5001, ip: ip('10.0.1.6') }, { endpoints: [endpoint] })
  t.is(to('10.0.1.6:80'), '192.0.2.1 > 192.0.2.6 vni 5001')
})

for (const { encap, overhead, wire } of [
  { encap: 'vxlan', overhead: 50, wire: '192.0.2.1 > 192.0.2.5 vni 5001' },
  { encap: 'nvgre', overhead: 42, wire: '192.0.2.1 > 192.0.2.5 nvgre 5001' },
  { encap: 'geneve', overhead: 50, wire: '192.0.2.1 > 192.0.2.5 geneve 5001' },
] as const) {
  test(`vnet: tunnels by ${encap}, and takes what comes by ${encap} whatever it sends by itself`, (t) => {
    const port = networked(twoVms(), { encap, dscp: 10, ttl: 'copy' })
    const sent = frame({ ...toPeer, dscp: 46, ecn: 1 })
    const out = passed(port.process('outbound', sent))
    t.is(show(out), `${wire} | 10.0.1.4:5000 > 10.0.1.5:80 tcp`)
    t.is(out.length, sent.length + overhead)
    t.like(read(out).groups[0].net, { dscp: 10, ecn: 1, ttl: 64 })
    t.like(read(out).groups[1]?.net, { dscp: 46, ecn: 1 })
    const inside: Said = { from: '10.0.1.5:80', to: '10.0.1.4:5000', ecn: 2 }
    for (const kind of ['vxlan', 'nvgre', 'geneve'] as const) {
      const tunnelled = frame({ ...inside, tunnel: { kind, from: '192.0.2.5', to: '192.0.2.1', vni: 5001, ecn: 3 } })
      t.deepEqual(passed(port.process('inbound', tunnelled)), frame({ ...inside, ecn: 3 }))
      t.is(outcome(port, 'inbound', frame({ ...inside, tunnel: { kind, from: '192.0.2.5', to: '192.0.2.1', vni: 5002 } })), 'drop WrongTenant')
    }
  })
}

test('vnet: drops a tunnelled frame whose mark of congestion would be lost', (t) => {
  const port = networked(twoVms())
  const marked = frame({ from: '10.0.1.5:80', to: '10.0.1.4:5000', ecn: 0, tunnel: { from: '192.0.2.5', to: '192.0.2.1', vni: 5001, ecn: 3 } })
  t.is(outcome(port, 'inbound', marked), 'drop CongestionLost')
})

test('vnet: lets each place of a directory have its own tunnel, IPv6 over IPv6 too', (t) => {
  const ca = twoVms()
  orThrow(ca.add({ vni: 5001, ip: '10.0.1.6', at: [{ pa: '192.0.2.6', mac: '00:15:5d:00:00:06' }], tunnel: 'nvgre' }))
  orThrow(ca.add({ vni: 5001, ip: 'fd00::6', at: [{ pa: '2001:db8::6', mac: '00:15:5d:00:00:06' }], tunnel: 'geneve' }))
  orThrow(ca.add({ vni: 5001, ip: 'fd00::7', at: [{ pa: '2001:db8::7', mac: '00:15:5d:00:00:07' }], tunnel: 'nvgre' }))
  const port = networked(ca)
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' })), '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:80 tcp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.6:80' })), '192.0.2.1 > 192.0.2.6 nvgre 5001 | 10.0.1.4:5000 > 10.0.1.6:80 tcp')
  t.is(outcome(port, 'outbound', frame({ from: '[fd00::4]:5000', to: '[fd00::6]:80' })),
    '2001:db8::1 > 2001:db8::6 geneve 5001 | [fd00::4]:5000 > [fd00::6]:80 tcp')
  t.is(outcome(port, 'outbound', frame({ from: '[fd00::4]:5000', to: '[fd00::7]:80' })),
    '2001:db8::1 > 2001:db8::7 nvgre 5001 | [fd00::4]:5000 > [fd00::7]:80 tcp')
})

test('vnet: lets a packet wait for a directory that does not know yet, named or given, and sends it on when it does', (t) => {
  for (const named of [true, false]) {
    const ca = twoVms()
    const cell = { version: 0 }
    let known = false
    const asked: string[] = []
    const slow: Resource<CustomerAddress, Mapping> = {
      name: 'slow',
      lookup: (key) => (known ? ca.lookup(key) : { _tag: 'Unknown', cell }),
      request: (key) => { asked.push(formatIp(key.ip)) },
    }
    const left: string[] = []
    const opened = openSwitch({ resources: { slow }, environment: { released: (_port, _to, _why, bytes) => { left.push(show(bytes)) } } })
    const port = orThrow(opened.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04' }))
    const network = orThrow(port.addLayer(vnet.layer, { order: 40 }))
    orThrow(network.update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', routes: ['10.0.0.0/16'], directory: named ? 'slow' : slow })))
    t.is(port.process('outbound', frame(toPeer)).outputs.length, 0)
    t.deepEqual(asked, ['10.0.1.5'])
    known = true
    cell.version++
    t.is(port.settle(), 1)
    t.deepEqual(left, ['192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:80 tcp'])
  }
})

test('vnet: tunnels take the UDP ports that it says, out and in, and NVGRE has none', (t) => {
  const ports = { vxlan: 8472, geneve: 6082 }
  for (const [encap, port] of [['vxlan', 8472], ['geneve', 6082], ['nvgre', undefined]] as const) {
    const port1 = networked(twoVms(), { encap, ports })
    const sent = passed(port1.process('outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80' })))
    t.is(port === undefined ? undefined : sent[36]! * 256 + sent[37]!, port)
    const back = sent.slice()
    // To this host instead, with the header's checksum corrected by hand: 192.0.2.5 becomes 192.0.2.1.
    back[33] = 1
    const sum = 0xffff - (back[24]! * 256 + back[25]!) - 4
    back[24] = (0xffff - sum) >>> 8
    back[25] = (0xffff - sum) & 0xff
    t.is(outcome(port1, 'inbound', back), '10.0.1.4:5000 > 10.0.1.5:80 tcp')
    if (port !== undefined) t.is(outcome(networked(twoVms(), { encap, routes: ['10.0.0.0/16'] }), 'inbound', back), 'drop NotTunnelled', 'not on the standard port')
  }
})
