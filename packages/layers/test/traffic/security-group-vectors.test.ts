import { type FrameOutcome, openSwitch, orThrow } from '@vfp-ts/core'
import { securityGroups } from '@vfp-ts/layers'
import test from 'ava'
import { frame } from '../frames.js'
import { vectors } from './security-group-vectors.js'

const said = (outcome: FrameOutcome): string => (outcome._tag === 'Dropped' ? outcome.reason : 'passes')

for (const { name, policy, steps } of vectors) {
  test(`security-group-vectors: ${name}`, (t) => {
    const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.0.100', '2001:db8::100'] }))
    orThrow(orThrow(port.addLayer(securityGroups.layer, { order: 20 })).updateJson(policy))
    for (const [direction, packet, outcome] of steps) {
      const far = direction === 'out' ? packet.to ?? '' : packet.from ?? ''
      const own = /:.*:/.test(far) ? '[2001:db8::100]:5000' : '10.0.0.100:5000'
      const { proto, reply } = packet
      const bytes = frame({ from: packet.from ?? own, to: packet.to ?? own, ...(proto && { proto }), ...(reply && { reply }) })
      // Twice: what the walk decided, and what the cache says of it.
      for (const way of ['walked', 'again']) {
        t.is(said(port.process(direction === 'out' ? 'outbound' : 'inbound', bytes).outcome), outcome, `${way}: ${direction} ${JSON.stringify(packet)}`)
      }
    }
  })
}
