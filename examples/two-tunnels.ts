/**
 * Service chaining: web traffic of one virtual network makes a detour through an appliance, in a second tunnel around the first.
 *
 * Two controllers, a layer each. The network's puts the VM's frame into the tenant's VXLAN tunnel. The chain's, nearer the
 * wire, sees what leaves that layer: it matches the packet **inside** the tunnel and puts a Geneve tunnel to the appliance
 * around it. Neither knows of the other, and the two encapsulations are composed into one transposition. Inbound the layers are
 * passed in reverse: what the appliance sends back loses the outer tunnel first.
 */
import { allow, block, buildFrame, decap, dissect, encap, formatFrame, openSwitch, orThrow, rulesLayer } from '@vfp-ts/core'

// Frames from the network are parsed three groups deep: two tunnels and what is inside.
const vm = orThrow(openSwitch({ parseDepth: { outbound: 1, inbound: 3 } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))
const rules = rulesLayer('rules', [allow, block, encap, decap])
const network = orThrow(vm.addLayer(rules, { order: 40, name: 'network' }))
const chain = orThrow(vm.addLayer(rules, { order: 50, name: 'chain' }))

orThrow(network.updateJson({
  outbound: [{
    name: 'hosts', longestPrefix: 'dstIp',
    rules: [{ when: { dstIp: '10.0.1.0/24' }, do: 'encap', with: { vni: 5001, srcIp: '192.0.2.1', dstIp: '192.0.2.2', innerDstMac: '00:15:5d:00:01:05' } }],
  }],
  inbound: [{
    name: 'tenant',
    rules: [{ when: { vni: 5001, dstIp: '192.0.2.1' }, do: 'decap' }, { id: 'stranger', priority: 1000, do: 'block', with: { reason: 'NotOfTenant' } }],
  }],
}))
orThrow(chain.updateJson({
  outbound: [{
    name: 'web',
    rules: [{
      id: 'to-appliance', when: { vni: 5001, 'inner.proto': 'tcp', 'inner.dstPort': [80, 443] },
      do: 'encap', with: { tunnel: 'geneve', vni: 77, srcIp: '192.0.2.1', dstIp: '198.51.100.10' },
    }],
  }],
  inbound: [{
    name: 'web',
    rules: [
      { id: 'from-appliance', when: { vni: 77, srcIp: '198.51.100.10' }, do: 'decap' },
      // Web traffic that did not pass the appliance is nobody's who may speak to this VM.
      { id: 'around-it', priority: 500, when: { 'inner.proto': 'tcp', 'inner.srcPort': [80, 443] }, do: 'block', with: { reason: 'NotInspected' } },
    ],
  }],
}))

const to = (dstPort: number): Uint8Array => orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', srcPort: 50_000, dstPort }))
for (const port of [443, 5432]) {
  const { outputs: [sent] } = vm.process('outbound', to(port))
  if (sent !== undefined) console.log(`to port ${port}\n${formatFrame(orThrow(dissect(sent.frame))).replaceAll(/^/gm, '  ')}`)
}
for (const { key, transposition } of vm.flows()) console.log(`${key}\n  ${transposition}`)

/** What the other host answers, in these tunnels, innermost first: made by a port of its own. */
const answer = (tunnels: readonly object[]): Uint8Array => {
  const far = orThrow(openSwitch().addPort({ name: 'far', mac: '00:15:5d:00:01:05', ip: ['10.0.1.5'] }))
  tunnels.forEach((tunnel, i) => {
    const layer = orThrow(far.addLayer(rules, { order: i + 1, name: `tunnel-${i}` }))
    orThrow(layer.updateJson({ outbound: [{ name: 'all', rules: [{ do: 'encap', with: tunnel }] }] }))
  })
  const syn = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.5', dstIp: '10.0.0.4', srcPort: 443, dstPort: 50_000, srcMac: '00:15:5d:00:01:05', dstMac: '00:15:5d:00:00:01', flags: ['Syn', 'Ack'] }))
  const { outputs: [sent] } = far.process('outbound', syn)
  if (sent === undefined) throw new Error('the answer was not sent')
  return sent.frame
}
const tenant = { vni: 5001, srcIp: '192.0.2.2', dstIp: '192.0.2.1' }
const appliance = { tunnel: 'geneve', vni: 77, srcIp: '198.51.100.10', dstIp: '192.0.2.1' }

const inspected = vm.process('inbound', answer([tenant, appliance]))
console.log('answer by the appliance:', inspected.outcome._tag)
for (const { frame } of inspected.outputs) console.log(formatFrame(orThrow(dissect(frame))).replaceAll(/^/gm, '  '))
console.log('answer around it:', JSON.stringify(vm.process('inbound', answer([tenant])).outcome))
