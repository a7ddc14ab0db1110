import { type Decision, directory, type FlowContext, type IpAddress, type Mapping, type NetworkTunnel, type Resource, rule } from '@vfp-ts/core'
import { vnet, vnetRoute, type VnetRouteConfig } from '@vfp-ts/layers'
import test from 'ava'
import { none, some } from 'fp-ts/lib/Option.js'
import { environment, groupsOf, ip, mac } from '../support.js'

const flowTo = (dstIp: IpAddress | undefined, flowHash = 0x1234_5678): FlowContext => ({
  direction: 'outbound',
  port: environment().port,
  nowUs: 0,
  depth: 1,
  flowHash,
  handed: () => false,
  number: () => undefined,
  mac: () => undefined,
  ip: (ref) => (ref === 'dstIp' ? dstIp : undefined),
  lookup: (resource, key) => {
    const answer = resource.lookup(key)
    return answer._tag === 'Found' ? some(answer.value) : none
  },
  ask: (resource, key) => resource.lookup(key),
  dependsOn: () => undefined,
})

const ca = directory()
ca.set({ vni: 5001, ip: ip('10.0.0.5') }, { endpoints: [{ pa: ip('192.0.2.2'), mac: mac('00:15:5d:00:00:05') }] })
ca.set({ vni: 5001, ip: ip('fd00::5') }, { endpoints: [{ pa: ip('2001:db8::2'), mac: mac('00:15:5d:00:00:05') }] })
ca.set({ vni: 7, ip: ip('10.0.0.5') }, { endpoints: [{ pa: ip('192.0.2.7'), mac: mac('00:15:5d:00:00:07') }], vni: 9 })

const config: VnetRouteConfig = { vni: 5001, underlay: [ip('192.0.2.1')], directory: ca }
const decide = (change: Partial<VnetRouteConfig>, flow: FlowContext): Decision =>
  rule(vnetRoute, { ...config, ...change }).start(undefined).decide(flow)

const tunnelOf = ({ transposition }: Decision): unknown =>
  transposition._tag === 'Invalid' ? transposition : { edit: transposition.edit.map((e) => e.set), push: transposition.push }

test('vnet-route: puts a tunnel to the endpoint around the frame and readdresses the frame inside', (t) => {
  const decision = decide({ underlayMac: 1, nextHopMac: 2, ttl: 9 }, flowTo(ip('10.0.0.5')))
  t.is(decision.verdict._tag, 'Continue')
  t.deepEqual(tunnelOf(decision), {
    edit: [{ dstMac: mac('00:15:5d:00:00:05') }],
    push: [{
      srcMac: 1, dstMac: 2, srcIp: ip('192.0.2.1'), dstIp: ip('192.0.2.2'), vni: 5001, ttl: 9, tunnel: 'vxlan', vlans: [], options: new Uint8Array(0),
      dscp: { original: 0 }, ecn: { original: 0 }, dstPort: 4789, srcPort: 49_152 + (0x1234_5678 & 0x3fff),
    }],
  })
})

test('vnet-route: looks in the peered network, and sends with the mapping’s VNI', (t) => {
  const decision = decide({ lookupVni: 7 }, flowTo(ip('10.0.0.5')))
  t.like(tunnelOf(decision), { push: [{ dstIp: ip('192.0.2.7'), vni: 9 }] })
})

test('vnet-route: puts on the wire the network that the mapping wants', (t) => {
  const vniOf = (mapping: Partial<Mapping>): unknown => {
    const d = directory()
    d.set({ vni: 7, ip: ip('10.0.0.5') }, { endpoints: [{ pa: ip('192.0.2.7'), mac: 7 }], ...mapping })
    const { transposition } = decide({ directory: d, lookupVni: 7 }, flowTo(ip('10.0.0.5')))
    return transposition._tag === 'Invalid' ? transposition : transposition.push[0]?.vni
  }
  t.is(vniOf({}), 5001)
  t.is(vniOf({ useDstVni: false }), 5001)
  t.is(vniOf({ useDstVni: true }), 7)
  t.is(vniOf({ vni: 9 }), 9)
  t.is(vniOf({ vni: 9, useDstVni: true }), 9)
  t.is(vniOf({ vni: 9, useDstVni: false }), 5001)
})

test('vnet-route: takes the tunnel of the mapping, else of the policy, else VXLAN', (t) => {
  const tunnel = (config: Partial<VnetRouteConfig>, of?: NetworkTunnel): unknown => {
    const d = directory()
    d.set({ vni: 5001, ip: ip('10.0.0.5') }, { endpoints: [{ pa: ip('192.0.2.7'), mac: 7 }], ...(of !== undefined && { tunnel: of }) })
    const { transposition } = decide({ ...config, directory: d }, flowTo(ip('10.0.0.5')))
    return transposition._tag === 'Invalid' ? transposition : transposition.push[0]?.tunnel
  }
  t.is(tunnel({}), 'vxlan')
  t.is(tunnel({ encap: 'nvgre' }), 'nvgre')
  t.is(tunnel({ encap: 'nvgre' }, 'geneve'), 'geneve')
})

test('vnet-route: copies TTL and DSCP, or sets them', (t) => {
  t.like(tunnelOf(decide({ ttl: 'copy', dscp: 'copy' }, flowTo(ip('10.0.0.5')))), { push: [{ ttl: { original: 0, minus: 0 }, dscp: { original: 0 } }] })
  t.like(tunnelOf(decide({ ttl: 3, dscp: 46 }, flowTo(ip('10.0.0.5')))), { push: [{ ttl: 3, dscp: 46 }] })
})

test('vnet-route: looks up the router it goes via, and leaves the inner destination', (t) => {
  const decision = decide({ via: ip('10.0.0.5') }, flowTo(ip('10.77.0.1')))
  t.like(tunnelOf(decision), { edit: [{ dstMac: mac('00:15:5d:00:00:05') }], push: [{ dstIp: ip('192.0.2.2') }] })
  t.is(Object.keys(decision.transposition._tag === 'Transposition' ? decision.transposition.edit[0]?.set ?? {} : {}).length, 1)
})

test('vnet-route: takes the first own address of the endpoint’s IP version as source', (t) => {
  const underlay = [ip('192.0.2.1'), ip('2001:db8::1'), ip('2001:db8::ffff')]
  t.like(tunnelOf(decide({ underlay }, flowTo(ip('fd00::5')))), { push: [{ srcIp: ip('2001:db8::1'), dstIp: ip('2001:db8::2') }] })
})

test('vnet-route: names why it drops', (t) => {
  const reason = (d: Decision): string => (d.verdict._tag === 'Drop' ? d.verdict.reason : d.verdict._tag)
  t.is(reason(decide({}, flowTo(ip('10.0.0.6')))), 'NoMapping')
  t.is(reason(decide({}, flowTo(ip('fd00::5')))), 'NoUnderlay')
  t.is(reason(decide({}, flowTo(undefined))), 'NotIp')
})

test('vnet-route: takes what is no mapping for an absent one', (t) => {
  const cell = { version: 0 }
  for (const value of [undefined, 7, {}, { endpoints: [] }, { endpoints: [{}] }, { endpoints: [{ pa: ip('192.0.2.2'), mac: 1 }], vni: 'x' },
    { endpoints: [{ pa: ip('192.0.2.2'), mac: 1 }], tunnel: 'gre' }, { endpoints: [{ pa: ip('192.0.2.2'), mac: 1 }], useDstVni: 1 }]) {
    const junk: Resource<unknown, unknown> = { name: 'junk', lookup: () => ({ _tag: 'Found', value, cell }) }
    const json = { vni: 1, underlay: '192.0.2.1', routes: ['::/0'], directory: 'junk' }
    const route = groupsOf(vnet.layer, json, environment([junk])).find((g) => g.direction === 'outbound')?.rules[0]
    t.deepEqual(route?.start(undefined).decide(flowTo(ip('::1'))).verdict, { _tag: 'Drop', reason: 'NoMapping' }, JSON.stringify(value))
  }
})
