/** A layer of one's own: a codec, and a function from configuration to groups of rules. */
import { block, buildFrame, defineLayer, is, openSwitch, orThrow, PortNumber, rule, strictly } from '@vfp-ts/core'
import * as t from 'io-ts'

const quiet = defineLayer({
  name: 'quiet',
  codec: strictly({ ports: t.readonlyArray(PortNumber) }),
  groups: ({ ports }) => [{ name: 'all', direction: 'outbound', rules: ports.map((p) => rule(block, { reason: 'Quiet' }, { when: [is('dstPort', p)] })) }],
})

const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
const handle = orThrow(vm.addLayer(quiet, { order: 10 }))
orThrow(handle.update(quiet.policy({ ports: [25, 465] })))

for (const dstPort of [25, 443]) {
  const frame = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '192.0.2.9', dstPort }))
  const { outcome } = vm.process('outbound', frame)
  console.log(`to port ${dstPort}: ${outcome._tag === 'Passed' ? 'passed' : `dropped, ${outcome.reason}`}`)
}

// Its policies are checked as those of any other layer, by the codec; and TypeScript keeps them off other layers' handles.
console.log('a policy with port 99999:', JSON.stringify(handle.updateJson({ ports: [25, 99_999] }), undefined, 2))
console.log('in force:', handle.rules().map((r) => `${r.type} when ${r.when}, ${r.packets} packets`))
