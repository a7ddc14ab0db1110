/** The first program: one port, three controllers, one packet, and why it left as it did. */
import { buildFrame, directory, dissect, formatFrame, openSwitch, orThrow } from '@vfp-ts/core'
import { acl, meter, vnet } from '@vfp-ts/layers'

const host = openSwitch()
const vm = orThrow(host.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))

// Three controllers; each holds a handle to its own layer and knows of no other.
const billing = orThrow(vm.addLayer(meter.layer, { order: 10 }))
const security = orThrow(vm.addLayer(acl.layer, { order: 20 }))
const network = orThrow(vm.addLayer(vnet.layer, { order: 40 }))

const ca = directory('ca-to-pa')
orThrow(ca.add({ vni: 5001, ip: '10.0.1.5', at: [{ pa: '192.0.2.2', mac: '00:15:5d:00:01:05' }] }))

orThrow(billing.update(meter.policy({ prefixes: ['10.0.0.0/16', '0.0.0.0/0'] })))
orThrow(security.update(acl.policy({ outbound: [{ allow: { proto: 'tcp', dstPort: 443 }, stateful: true }], otherwise: 'deny' })))
orThrow(network.update(vnet.policy({ vni: 5001, underlay: '192.0.2.1', routes: ['10.0.0.0/16'], directory: ca })))

const frame = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', dstPort: 443 }))
console.log(`${String(vm.explain('outbound', frame))}\n`)

const { outcome, outputs } = vm.process('outbound', frame)
console.log(`${outcome._tag}; what is on the wire:`)
for (const output of outputs) console.log(formatFrame(orThrow(dissect(output.frame))))

const other = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', dstPort: 23 }))
console.log(`\nand to port 23: ${JSON.stringify(vm.process('outbound', other).outcome)}`)
for (const { rule, packets, state } of billing.rules()) if (packets > 0) console.log(`meter ${rule}: ${JSON.stringify(state)}`)
