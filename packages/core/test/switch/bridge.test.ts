import test from 'ava'
import { dissect, emitFrame, type Environment, orThrow, parseIp, parseMac, type PortSpec, type SwitchOptions } from '../../src/index.js'
import { BROADCAST, builtIn, ELSEWHERE, frame, groupOf, hostOf, macOf, type Said, show } from './support.js'

/** The address at which the hosts' tunnels end. */
const HOST = { ip: orThrow(parseIp('192.0.2.1')) }

/** A switch that tells where frames end. */
const network = (ports: number, spec: (n: number) => Partial<PortSpec> = () => ({}), options: SwitchOptions = {}) => {
  const log: string[] = []
  const environment: Environment = {
    toVm: (p, bytes) => { log.push(`${p.name} < ${show(bytes)}`) },
    toNetwork: (bytes) => { log.push(`network < ${show(bytes)}`) },
  }
  const made = hostOf(ports, { environment, tunnelEnds: [HOST], ...options }, spec)
  return {
    ...made,
    fromVm: (port: string, said: Said): readonly string[] => {
      made.host.fromVm(port, frame(said))
      return log.splice(0)
    },
    fromNetwork: (said: Said): readonly string[] => {
      const outcome = made.host.fromNetwork(frame(said))
      return [...(outcome._tag === 'Dropped' ? [outcome.reason] : []), ...log.splice(0)]
    },
  }
}

const FLOW = 'tcp 10.0.0.1:1000 > 10.0.0.2:80'
const TUNNELLED = (vni: number): string => `${FLOW} in vxlan ${vni} 192.0.2.2 > 192.0.2.1`

test('bridge: takes a frame for another port\'s MAC there, inbound', (t) => {
  const { fromVm, ports } = network(3)
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [`vm-2 < ${FLOW}`])
  t.deepEqual(ports.map((p) => p.counters().packets), [1, 1, 0])
  t.is(ports[1]!.flows().find((f) => f.packets > 0)?.direction, 'inbound')
})

test('bridge: the receiver\'s policy has the last word', (t) => {
  const { fromVm, ports } = network(2)
  orThrow(orThrow(ports[1]!.addLayer(builtIn, { order: 1 })).updateJson({ inbound: [groupOf('g', [{ do: 'block' }])] }))
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [])
  t.deepEqual(ports[1]!.counters().drops, { Denied: 1 })
})

test('bridge: a frame from a VM for a MAC that nobody has goes to the network', (t) => {
  const { fromVm } = network(2)
  t.deepEqual(fromVm('vm-1', { toMac: ELSEWHERE }), [`network < ${FLOW}`])
})

test('bridge: a frame from a VM for its own MAC is dropped, counted', (t) => {
  // What it taught: it used to go to the network, where a learning switch would send it back or believe the MAC moved.
  const { fromVm, host } = network(2, (n) => ({ vni: n }))
  t.deepEqual(fromVm('vm-1', { toMac: macOf(1) }), [])
  t.deepEqual(host.drops(), { OwnMac: 1 })
})

test('mirror: a copy for the network of what came in leaves, though it has the receiver\'s own MAC', (t) => {
  const { fromNetwork, host, ports } = network(1)
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 1 })).updateJson({ inbound: [groupOf('g', [{ do: 'mirror', with: { port: 'network' } }])] }))
  t.deepEqual(fromNetwork({ toMac: macOf(1) }), [`network < ${FLOW}`, `vm-1 < ${FLOW}`])
  t.deepEqual(host.drops(), {})
})

test('bridge: a frame from the network goes to the port of its MAC, or is dropped, counted', (t) => {
  const { fromNetwork, host } = network(2)
  t.deepEqual(fromNetwork({ toMac: macOf(2) }), [`vm-2 < ${FLOW}`])
  t.deepEqual(fromNetwork({ toMac: ELSEWHERE }), ['NoPortForMac'])
  t.deepEqual(host.drops(), { NoPortForMac: 1 })
})

test('bridge: a tunnelled frame goes by its network identifier and the MAC inside, so tenants may share MACs', (t) => {
  // vm-1 and vm-2 are tenant 1 and 2 with one MAC, vm-3 takes its MAC from any network
  const { fromNetwork, ports } = network(3, (n) => (n === 3 ? {} : { mac: macOf(1), vni: n }))
  t.deepEqual(fromNetwork({ toMac: macOf(1), tunnel: { vni: 1 } }), [`vm-1 < ${TUNNELLED(1)}`])
  t.deepEqual(fromNetwork({ toMac: macOf(1), tunnel: { vni: 2 } }), [`vm-2 < ${TUNNELLED(2)}`])
  t.deepEqual(fromNetwork({ toMac: macOf(1), tunnel: { vni: 3 } }), ['NoPortForMac'])
  t.deepEqual(fromNetwork({ toMac: macOf(3), tunnel: { vni: 3 } }), [`vm-3 < ${TUNNELLED(3)}`])
  t.deepEqual(fromNetwork({ toMac: macOf(1) }), ['NoPortForMac'], 'without a tunnel the shared MAC is nobody\'s')
  t.deepEqual(ports.map((p) => p.counters().packets), [1, 1, 1])
})

test('bridge: a tenant whose twin has left keeps its MAC', (t) => {
  const { fromNetwork, ports } = network(2, (n) => ({ mac: macOf(1), vni: n }))
  orThrow(ports[0]!.remove())
  t.deepEqual(fromNetwork({ toMac: macOf(1), tunnel: { vni: 1 } }), ['NoPortForMac'])
  t.deepEqual(fromNetwork({ toMac: macOf(1), tunnel: { vni: 2 } }), [`vm-2 < ${TUNNELLED(2)}`])
  t.deepEqual(fromNetwork({ toMac: macOf(1) }), [`vm-2 < ${FLOW}`])
})

test('bridge: what a port encapsulates finds its receiver on the same switch and is decapsulated there', (t) => {
  const { fromVm, ports } = network(2, () => ({ vni: 5001 }))
  const policy = {
    outbound: [groupOf('g', [{ do: 'encap' as const, with: { srcIp: '192.0.2.1', dstIp: '192.0.2.1', vni: 5001 } }])],
    inbound: [groupOf('g', [{ do: 'decap' as const }])],
  }
  for (const port of ports) orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson(policy))
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [`vm-2 < ${FLOW}`])
})

test('bridge: a frame for a group address goes to the network and to every other port', (t) => {
  for (const toMac of [BROADCAST, '01:00:5e:00:00:01', '33:33:00:00:00:01']) {
    const { fromVm } = network(3)
    t.deepEqual(fromVm('vm-2', { toMac }), [`network < ${FLOW}`, `vm-1 < ${FLOW}`, `vm-3 < ${FLOW}`])
  }
})

test('bridge: a frame for a group address from the network does not go back there', (t) => {
  const { fromNetwork } = network(2)
  t.deepEqual(fromNetwork({ toMac: BROADCAST }), [`vm-1 < ${FLOW}`, `vm-2 < ${FLOW}`])
})

test('bridge: a group address inside a tunnel reaches the ports of that network only', (t) => {
  const { fromNetwork } = network(3, (n) => (n === 3 ? {} : { vni: n }))
  t.deepEqual(fromNetwork({ toMac: BROADCAST, tunnel: { vni: 2 } }), [`vm-2 < ${TUNNELLED(2)}`, `vm-3 < ${TUNNELLED(2)}`])
})

test('bridge: a group address of no known network reaches no tenant, whoever sends it', (t) => {
  const { fromVm, fromNetwork } = network(4, (n) => (n > 2 ? {} : { vni: n }))
  t.deepEqual(fromNetwork({ toMac: BROADCAST }), [`vm-3 < ${FLOW}`, `vm-4 < ${FLOW}`])
  t.deepEqual(fromVm('vm-3', { toMac: BROADCAST }), [`network < ${FLOW}`, `vm-4 < ${FLOW}`])
  t.deepEqual(fromVm('vm-1', { toMac: BROADCAST }), [`network < ${FLOW}`, `vm-3 < ${FLOW}`, `vm-4 < ${FLOW}`])
})

test('bridge: without a tunnel too a frame stays in the sender\'s virtual network', (t) => {
  // tenants 1 and 2, each with MACs 1 and 2; vm-5 is of no network
  const { fromVm } = network(5, (n) => (n === 5 ? {} : { mac: macOf(1 + (n - 1) % 2), vni: n < 3 ? 1 : 2 }))
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [`vm-2 < ${FLOW}`])
  t.deepEqual(fromVm('vm-3', { toMac: macOf(2) }), [`vm-4 < ${FLOW}`])
  t.deepEqual(fromVm('vm-1', { toMac: BROADCAST }), [`network < ${FLOW}`, `vm-2 < ${FLOW}`, `vm-5 < ${FLOW}`])
  t.deepEqual(fromVm('vm-5', { toMac: macOf(2) }), [`network < ${FLOW}`], 'a sender of no network cannot say which')
})

test('bridge: looks into tunnels only as deep as frames from the network are parsed', (t) => {
  const { fromNetwork } = network(1, () => ({}), { parseDepth: { outbound: 1, inbound: 1 } })
  t.deepEqual(fromNetwork({ toMac: macOf(1), tunnel: { vni: 1 } }), ['NoPortForMac'])
})

test('bridge: bytes that are no frame are dropped, counted', (t) => {
  const { host } = network(1)
  for (const bytes of [new Uint8Array(0), new Uint8Array(13)]) t.deepEqual(host.fromNetwork(bytes), { _tag: 'Dropped', reason: 'NoPortForMac' })
  t.deepEqual(host.fromVm('vm-1', new Uint8Array(13)), { _tag: 'Dropped', reason: 'Truncated' })
})

test('bridge: a tunnel that a VM made itself does not choose the tenant; one that its policy made does', (t) => {
  const { fromVm, ports } = network(2, (n) => ({ vni: n }))
  const forged = `network < ${FLOW} in vxlan 2 192.0.2.9 > 192.0.2.1`
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2), tunnel: { vni: 2, from: '192.0.2.9' } }), [forged], 'nothing reaches tenant 2')
  const rule = { do: 'encap', with: { srcIp: '192.0.2.2', dstIp: '192.0.2.1', vni: 2 } }
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', [rule])] }))
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [`vm-2 < ${TUNNELLED(2)}`])
})

test('mirror: a copy chooses its tenant by a tunnel only if policy made one for it, whatever the frame before was', (t) => {
  // What it taught: a copy is handed out before its frame is rewritten, so what is known of the port's last frame is another's.
  const { fromVm, ports } = network(2, (n) => ({ vni: n }))
  const encap = { srcIp: '192.0.2.2', dstIp: '192.0.2.1', vni: 2 }
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 1, name: 'net' })).updateJson({ outbound: [groupOf('g', [{ do: 'encap', when: { dstPort: 80 }, with: encap }])] }))
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 2, name: 'tap' })).updateJson({ outbound: [groupOf('g', [{ do: 'mirror', with: { port: 'network' } }])] }))
  const forged = `network < ${FLOW} in vxlan 2 192.0.2.9 > 192.0.2.1`
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [`vm-2 < ${TUNNELLED(2)}`, `vm-2 < ${TUNNELLED(2)}`], 'the first copy too, when no frame has passed before')
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2), tunnel: { vni: 2, from: '192.0.2.9' } }), [forged, forged])
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [`vm-2 < ${TUNNELLED(2)}`, `vm-2 < ${TUNNELLED(2)}`], 'after one without a tunnel')
})

test('hairpin: a tunnel that the first port put around a frame still chooses the tenant when the frame leaves by the next', (t) => {
  const { fromVm, ports } = network(3, (n) => (n === 3 ? {} : { vni: 2 }))
  const encap = { srcIp: '192.0.2.2', dstIp: '192.0.2.1', vni: 2 }
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 1, name: 'net' })).updateJson({ outbound: [groupOf('g', [{ do: 'encap', with: encap }])] }))
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 2, name: 'turn' })).updateJson({ outbound: [groupOf('g', [{ do: 'hairpin', with: { port: 'vm-3' } }])] }))
  const turned = orThrow(ports[2]!.addLayer(builtIn, { order: 1 }))
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [`vm-2 < ${TUNNELLED(2)}`])
  orThrow(turned.updateJson({ outbound: [groupOf('g', [{ do: 'mirror', with: { port: 'network' } }])] }))
  t.deepEqual(fromVm('vm-1', { toMac: macOf(2) }), [`vm-2 < ${TUNNELLED(2)}`, `vm-2 < ${TUNNELLED(2)}`], 'its copy too')
})

test('bridge: a frame from the network in two tunnels is for whom the outer one says, or else the inner one', (t) => {
  const { host, ports } = network(2, (n) => ({ vni: n }), { parseDepth: { outbound: 1, inbound: 3 } })
  const around = (inner: Uint8Array, toMac: string): Uint8Array => {
    const [tunnel] = orThrow(dissect(frame({ toMac, tunnel: { vni: 9 } }))).groups
    const { groups, payload } = orThrow(dissect(inner))
    return orThrow(emitFrame({ groups: [tunnel, ...groups.map((g, i) => (i === 0 ? { ...g, eth: { ...g.eth, destination: orThrow(parseMac(toMac)) } } : g))], payload }))
  }
  const packets = (): readonly number[] => ports.map((p) => p.counters().packets)
  // Of network 2, on the way back from an appliance.
  t.is(host.fromNetwork(around(frame({ toMac: macOf(2), tunnel: { vni: 2 } }), ELSEWHERE))._tag, 'Passed')
  t.deepEqual(packets(), [0, 1])
  // The MAC inside is of another network than the inner tunnel.
  t.deepEqual(host.fromNetwork(around(frame({ toMac: macOf(2), tunnel: { vni: 1 } }), ELSEWHERE)), { _tag: 'Dropped', reason: 'NoPortForMac' })
  t.deepEqual(packets(), [0, 1])
})
