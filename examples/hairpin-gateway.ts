/**
 * A gateway on the same host: packets for another site leave one VM's port by a hairpin into the outbound path of the
 * gateway's port, and only its layers know the tunnel and the address the other site sees.
 */
import { allow, buildFrame, dissect, encap, formatFrame, hairpin, nat, openSwitch, orThrow, rulesLayer } from '@vfp-ts/core'

const sent: string[] = []
const host = openSwitch({
  environment: { toNetwork: (frame) => sent.push(formatFrame(orThrow(dissect(frame)))), toVm: (port) => sent.push(`to the VM of ${port.name}`) },
})
const vm = orThrow(host.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))
orThrow(host.addPort({ name: 'vm-2', mac: '00:15:5d:00:00:02', ip: ['10.0.0.5'] }))
const gateway = orThrow(host.addPort({ name: 'gateway', mac: '00:15:5d:00:00:fe', ip: ['10.0.0.254'] }))

const rules = rulesLayer('rules', [allow, nat, encap, hairpin])
const onVm = orThrow(vm.addLayer(rules, { order: 10 }))
orThrow(onVm.updateJson({
  outbound: [{ name: 'sites', longestPrefix: 'dstIp', rules: [{ id: 'site-b', when: { dstIp: '172.16.0.0/12' }, do: 'hairpin', with: { port: 'gateway' } }] }],
}))
const address = orThrow(gateway.addLayer(rules, { order: 10, name: 'address' }))
orThrow(address.updateJson({ outbound: [{ name: 'snat', rules: [{ when: { srcIp: '10.0.0.4' }, do: 'nat', with: { srcIp: '100.64.0.4' }, stateful: true }] }] }))
const tunnel = orThrow(gateway.addLayer(rules, { order: 20, name: 'tunnel' }))
orThrow(tunnel.updateJson({
  outbound: [{ name: 'tunnel', rules: [{ do: 'encap', with: { vni: 900, srcIp: '192.0.2.1', dstIp: '198.51.100.7', dstMac: '02:00:00:00:00:07' } }] }],
}))

const there = (dstIp: string, dstMac: string): Uint8Array =>
  orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp, dstPort: 514, dstMac }))

for (const [what, frame] of [
  ['to a neighbour on the host', there('10.0.0.5', '00:15:5d:00:00:02')],
  ['to the other site', there('172.16.3.3', '12:34:56:78:9a:bc')],
] as const) {
  sent.length = 0
  const outcome = host.fromVm('vm-1', frame)
  console.log(`${what}: ${outcome._tag}\n${sent.join('\n').replaceAll(/^/gm, '  ')}`)
}
console.log(String(vm.explain('outbound', there('172.16.3.3', '12:34:56:78:9a:bc'))))
console.log('gateway:', gateway.rules().map((r) => `${r.layer}/${r.rule} ${r.packets} packets`))
