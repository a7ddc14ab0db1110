/** A change of policy is seen by the very next packet: cached flows are not flushed, they notice by the generation. */
import { buildFrame, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { acl } from '@vfp-ts/layers'

const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))
const security = orThrow(vm.addLayer(acl.layer, { order: 20 }))

const ssh = { name: 'ssh', allow: { proto: 'tcp', dstPort: 22 }, stateful: true } as const
const web = { name: 'web', allow: { proto: 'tcp', dstPort: [80, 443] }, stateful: true } as const

const there = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', dstPort: 22, flags: ['Ack'] }))
const back = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.1.5', dstIp: '10.0.0.4', srcPort: 22, dstPort: 49_152, flags: ['Ack'] }))

const send = (what: string, port: Port): void => {
  const before = port.counters()
  const out = port.process('outbound', there).outcome
  const reply = port.process('inbound', back).outcome
  const after = port.counters()
  const said = (o: typeof out): string => (o._tag === 'Passed' ? 'passed' : `dropped (${o.reason})`)
  console.log(
    `${what.padEnd(34)} generation ${port.generation()}: request ${said(out)}, reply ${said(reply)};`,
    `fast ${after.fast - before.fast}, slow ${after.slow - before.slow}, of which reconciled ${after.reconciled - before.reconciled}`,
  )
}

orThrow(security.update(acl.policy({ outbound: [ssh, web] })))
send('ssh is allowed, first packets', vm)
send('ssh is allowed, again', vm)
orThrow(security.update(acl.policy({ outbound: [ssh, web, { name: 'dns', allow: { proto: 'udp', dstPort: 53 } }] })))
send('another rule is added', vm)
orThrow(security.update(acl.policy({ outbound: [web] })))
send('ssh is taken away', vm)
send('still away', vm)
orThrow(security.update(acl.policy({ outbound: [ssh, web] })))
send('ssh is back', vm)

const refused = security.updateJson({ outbound: 'anything goes' })
console.log('a bad policy:', JSON.stringify(refused))
send('a refused change changes nothing', vm)
