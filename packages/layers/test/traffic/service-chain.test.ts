import { directory, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { type ChainJson, serviceChain, type ServiceChainJson, vnet } from '@vfp-ts/layers'
import test from 'ava'
import { frame, macs, read, type Said, type SaidTunnel, show } from '../frames.js'
import { outcome, passed } from '../host.js'
import { groupsOf, lines, objections, rewritten } from '../support.js'

const WEB: ChainJson = { when: { 'inner.proto': 'tcp', 'inner.dstPort': 443 }, through: '192.0.2.50', vni: 9000 }
const UNDERLAY = ['192.0.2.1', '2001:db8::1']

/** A port with a VNET of two hosts, and a detour for what goes to port 443. */
const chained = (chains: readonly ChainJson[] = [WEB], change: Partial<ServiceChainJson> = {}, inbound: 2 | 3 = 3): Port => {
  const ca = directory()
  orThrow(ca.add({ vni: 5001, ip: '10.0.1.5', at: [{ pa: '192.0.2.5', mac: '00:15:5d:00:00:05' }] }))
  const port = orThrow(openSwitch({ parseDepth: { outbound: 1, inbound } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04' }))
  const network = orThrow(port.addLayer(vnet.layer, { order: 40 }))
  orThrow(network.update(vnet.policy({ vni: 5001, underlay: UNDERLAY, routes: ['10.0.0.0/16', { prefix: '0.0.0.0/0', to: 'internet' }], directory: ca })))
  orThrow(orThrow(port.addLayer(serviceChain.layer, { order: 48 })).update(serviceChain.policy({ underlay: UNDERLAY, chains, ...change })))
  return port
}

const request: Said = { from: '10.0.1.4:5000', to: '10.0.1.5:443' }
const OVERLAY: SaidTunnel = { from: '192.0.2.5', to: '192.0.2.1', vni: 5001 }
const DETOUR: SaidTunnel = { from: '192.0.2.50', to: '192.0.2.1', vni: 9000 }
/** An answer in so many tunnels. */
const answer = (...tunnel: readonly SaidTunnel[]): Uint8Array => frame({ from: '10.0.1.5:443', to: '10.0.1.4:5000', tunnel })
const ANSWER = '10.0.1.5:443 > 10.0.1.4:5000 tcp'

test('service-chain: sends what it matches through the appliance in a second tunnel, and the rest on its way', (t) => {
  const port = chained([WEB], { underlayMac: '02:00:00:00:0a:01', nextHopMac: '02:00:00:00:0a:02', ttl: 7 })
  for (let i = 0; i < 2; i++) {
    const out = passed(port.process('outbound', frame({ ...request, dscp: 46, ecn: 1 })))
    t.is(show(out), '192.0.2.1 > 192.0.2.50 vni 9000 | 192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:443 tcp')
    t.like(read(out).groups[0].net, { ttl: 7, dscp: 46, ecn: 1 })
    t.is(macs(out), '02:00:00:00:0a:01 > 02:00:00:00:0a:02')
    t.is(outcome(port, 'outbound', frame({ ...request, to: '10.0.1.5:80' })), '192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:80 tcp')
  }
  // What leaves in no tunnel has no inner group for the conditions to hold of.
  t.is(outcome(port, 'outbound', frame({ ...request, to: '198.51.100.7:443' })), '10.0.1.4:5000 > 198.51.100.7:443 tcp')
})

test('service-chain: removes the second tunnel of what comes back, with its mark of congestion', (t) => {
  const port = chained()
  t.is(outcome(port, 'inbound', answer(DETOUR, OVERLAY)), ANSWER)
  t.is(outcome(port, 'inbound', answer(OVERLAY)), ANSWER)
  const marked = frame({ from: '10.0.1.5:443', to: '10.0.1.4:5000', ecn: 2, tunnel: [{ ...DETOUR, ecn: 3 }, { ...OVERLAY, ecn: 2 }] })
  t.like(read(passed(port.process('inbound', marked))).groups[0].net, { ecn: 3 })
})

test('service-chain: takes tunnels back from nobody but the appliance, or whom the chain names', (t) => {
  const stranger = { ...DETOUR, from: '192.0.2.51' }
  const port = chained()
  t.is(outcome(port, 'inbound', answer(stranger, OVERLAY)), 'drop NotFromAppliance')
  t.is(outcome(port, 'inbound', answer({ ...DETOUR, vni: 9001 }, OVERLAY)), 'drop WrongTenant')
  t.is(outcome(port, 'inbound', answer({ ...DETOUR, kind: 'geneve' }, OVERLAY)), 'drop WrongTenant')
  // No tunnel ends at that address: the frame is as plain as any that the internet sends.
  t.regex(outcome(port, 'inbound', answer({ ...DETOUR, to: '192.0.2.9' }, OVERLAY)), /^192\.0\.2\.50 > 192\.0\.2\.9 vni 9000/)
  const open = chained([{ ...WEB, from: ['192.0.2.48/29', '2001:db8:50::/64'] }])
  t.is(outcome(open, 'inbound', answer(stranger, OVERLAY)), ANSWER)
  t.is(outcome(open, 'inbound', answer({ ...DETOUR, from: '2001:db8:50::1', to: '2001:db8::1' }, OVERLAY)), ANSWER)
  t.is(outcome(open, 'inbound', answer({ ...DETOUR, from: '192.0.2.56' }, OVERLAY)), 'drop NotFromAppliance')
})

test('service-chain: takes back only what the chain’s conditions hold of', (t) => {
  const port = chained([{ ...WEB, back: { 'inner.vni': 5001, 'inner2.srcPort': 443 } }])
  t.is(outcome(port, 'inbound', answer(DETOUR, OVERLAY)), ANSWER)
  t.is(outcome(port, 'inbound', answer(DETOUR, { ...OVERLAY, vni: 5002 })), 'drop NotFromAppliance')
  t.is(outcome(port, 'inbound', frame({ from: '10.0.1.5:22', to: '10.0.1.4:5000', tunnel: [DETOUR, OVERLAY] })), 'drop NotFromAppliance')
})

test('service-chain: what an appliance sends is judged by VNET as if it had come straight', (t) => {
  const port = chained()
  t.is(outcome(port, 'inbound', answer(DETOUR, { ...OVERLAY, vni: 5002 })), 'drop WrongTenant')
  t.is(outcome(port, 'inbound', answer(DETOUR)), 'drop NotTunnelled')
})

test('service-chain: a stateful chain takes back answers of its connections only', (t) => {
  const port = chained([{ ...WEB, stateful: true }])
  t.is(outcome(port, 'inbound', answer(DETOUR, OVERLAY)), 'drop NoConnection')
  t.is(outcome(port, 'inbound', answer({ ...DETOUR, from: '192.0.2.51' }, OVERLAY)), 'drop NotFromAppliance')
  t.is(outcome(port, 'outbound', frame(request)).split(' | ').length, 3)
  for (let i = 0; i < 2; i++) t.is(outcome(port, 'inbound', answer(DETOUR, OVERLAY)), ANSWER)
  t.is(outcome(port, 'inbound', frame({ from: '10.0.1.5:443', to: '10.0.1.4:5001', tunnel: [DETOUR, OVERLAY] })), 'drop NoConnection')
  t.like(port.counters(), { connections: { 'service-chain': 1 } })
})

test('service-chain: tunnels by any kind over either version, and keeps each flow on one of several appliances', (t) => {
  const port = chained([{ ...WEB, through: ['192.0.2.50', '192.0.2.51'], encap: 'geneve' }])
  const appliance = (n: number): string => outcome(port, 'outbound', frame({ ...request, from: `10.0.1.4:${5000 + n}` })).split(' vni 5001 ')[0] ?? ''
  const used = Array.from({ length: 100 }, (_, n) => appliance(n))
  t.deepEqual([...new Set(used)].sort(), [
    '192.0.2.1 > 192.0.2.50 geneve 9000 | 192.0.2.1 > 192.0.2.5', '192.0.2.1 > 192.0.2.51 geneve 9000 | 192.0.2.1 > 192.0.2.5',
  ])
  t.deepEqual(Array.from({ length: 100 }, (_, n) => appliance(n)), used)
  const six = chained([{ ...WEB, through: '2001:db8::50', encap: 'nvgre' }])
  t.is(outcome(six, 'outbound', frame(request)), '2001:db8::1 > 2001:db8::50 nvgre 9000 | 192.0.2.1 > 192.0.2.5 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:443 tcp')
  t.is(outcome(six, 'inbound', answer({ kind: 'nvgre', from: '2001:db8::50', to: '2001:db8::1', vni: 9000 }, OVERLAY)), ANSWER)
  t.is(outcome(chained([WEB], { underlay: '2001:db8::1' }), 'outbound', frame(request)), 'drop NoUnderlay')
})

test('service-chain: the first chain whose conditions hold is taken', (t) => {
  const port = chained([{ ...WEB, when: { 'inner.dstPort': 443, 'inner.srcPort': 5001 }, vni: 9001 }, WEB])
  t.is(outcome(port, 'outbound', frame(request)).split(' | ')[0], '192.0.2.1 > 192.0.2.50 vni 9000')
  t.is(outcome(port, 'outbound', frame({ ...request, from: '10.0.1.4:5001' })).split(' | ')[0], '192.0.2.1 > 192.0.2.50 vni 9001')
})

test('service-chain: a frame whose innermost tunnel is not parsed is dropped, not let through', (t) => {
  for (const kind of ['vxlan', 'nvgre', 'geneve'] as const) {
    t.is(outcome(chained([WEB], {}, 2), 'inbound', answer(DETOUR, { ...OVERLAY, kind })), 'drop InnerTunnelNotParsed')
    t.is(outcome(chained(), 'inbound', answer(DETOUR, { ...OVERLAY, kind })), ANSWER)
  }
  const stateful = chained([{ ...WEB, stateful: true }], {}, 2)
  passed(stateful.process('outbound', frame(request)))
  t.is(outcome(stateful, 'inbound', answer(DETOUR, OVERLAY)), 'drop NoConnection')
})

test('service-chain: is one rule a chain outbound, one a place to come back from, and refuses strangers last', (t) => {
  const groups = groupsOf(serviceChain.layer, {
    underlay: '192.0.2.1', chains: [{ ...WEB, from: ['192.0.2.48/29', '192.0.2.64/29'] }, { ...WEB, when: {}, stateful: true, idleMs: 7, name: 'rest' }],
  })
  const config = '{"underlay":"192.0.2.1","through":"192.0.2.50","vni":9000}'
  t.deepEqual(lines(groups, 'outbound'), [
    `100 chain-1: inner.proto = tcp and inner.dstPort = 443 -> detour ${config}`,
    `100 rest: any -> detour ${config} stateful 7 ms`,
  ])
  const tunnel = 'tunnel = vxlan and vni = 9000 and dstIp = 192.0.2.1'
  t.deepEqual(lines(groups, 'inbound'), [
    `100 from chain-1: ${tunnel} and srcIp in 192.0.2.48/29 -> detour-end {}`,
    `100 from chain-1 2: ${tunnel} and srcIp in 192.0.2.64/29 -> detour-end {}`,
    `200 from rest: ${tunnel} and srcIp = 192.0.2.50 -> block {"reason":"NoConnection"}`,
    `300 stranger vxlan 9000: ${tunnel} -> block {"reason":"NotFromAppliance"}`,
  ])
})

test('service-chain: writes a policy as it was read', (t) => {
  const short = { underlay: '192.0.2.1', chains: [WEB] }
  t.deepEqual(rewritten(serviceChain.layer, short), short)
  const long = {
    underlay: UNDERLAY, underlayMac: '02:00:00:00:00:01', nextHopMac: '02:00:00:00:00:02', ttl: 9, dscp: 'copy',
    chains: [
      { ...WEB, through: ['192.0.2.50', '192.0.2.51'], encap: 'nvgre', stateful: false, from: ['192.0.2.0/24'], back: { 'inner.vni': 5001 }, name: 'web' },
      { ...WEB, stateful: true, idleMs: 5000 },
    ],
  }
  t.deepEqual(rewritten(serviceChain.layer, long), long)
})

for (const { chain, says } of [
  { chain: { stateful: true, from: ['192.0.2.0/24'] }, says: '/chains/0/from: answers of a stateful chain come from where it was sent' },
  { chain: { stateful: true, back: {} }, says: '/chains/0/back: what comes back of a stateful chain are answers' },
  { chain: { idleMs: 5 }, says: '/chains/0/idleMs: only a stateful chain has an idle time' },
  { chain: { through: [] }, says: '/chains/0/through: expected at least one address' },
  { chain: { encap: 'gre' }, says: '/chains/0/encap: expected "vxlan" or "nvgre" or "geneve"' },
  { chain: { when: { dstport: 1 } }, says: '/chains/0/when/dstport: there is no field dstport; did you mean "dstPort"?' },
]) {
  test(`service-chain: refuses ${JSON.stringify(chain)}`, (t) => {
    t.deepEqual(objections(serviceChain.layer, { underlay: '192.0.2.1', chains: [{ ...WEB, ...chain }] }), [says])
  })
}

test('service-chain: refuses a name twice', (t) => {
  t.deepEqual(objections(serviceChain.layer, { underlay: '192.0.2.1', chains: [{ ...WEB, name: 'chain-2' }, WEB] }),
    ['/chains/1: "chain-2" is already taken: /chains/0/name'])
})
