import { orThrow } from '@vfp-ts/core'
import { containers, type ContainersJson } from '@vfp-ts/layers'
import test from 'ava'
import { arp, behind, frame } from '../frames.js'
import { host, outcome } from '../host.js'

const web = { name: 'web', ip: ['10.0.1.10', 'fd00::10'], inbound: [{ allow: { proto: 'tcp', dstPort: 443 } }], outbound: [{ allow: { dstIp: '10.0.1.11', dstPort: 5432 } }] }
const db = { name: 'db', ip: '10.0.1.11', inbound: [{ allow: { srcIp: '10.0.1.10', proto: 'tcp', dstPort: 5432 } }] }
const both: ContainersJson = { containers: [web, db] }

const started = (policy: ContainersJson) => {
  const { port } = host()
  const layer = orThrow(port.addLayer(containers.layer, { order: 20 }))
  orThrow(layer.update(containers.policy(policy)))
  const send = (direction: 'outbound' | 'inbound', from: string, to: string): string => outcome(port, direction, frame({ from, to }))
  return { port, layer, out: (from: string, to: string) => send('outbound', from, to), into: (from: string, to: string) => send('inbound', from, to) }
}

test('containers: judges each container’s packets by its own entries, both IP versions and both directions', (t) => {
  const { out, into } = started(both)
  t.is(into('198.51.100.7:6000', '10.0.1.10:443'), '198.51.100.7:6000 > 10.0.1.10:443 tcp')
  t.is(out('10.0.1.10:443', '198.51.100.7:6000'), '10.0.1.10:443 > 198.51.100.7:6000 tcp', 'the reply')
  t.is(into('[2001:db8::7]:6000', '[fd00::10]:443'), '[2001:db8::7]:6000 > [fd00::10]:443 tcp')
  t.is(into('198.51.100.7:6000', '10.0.1.11:443'), 'drop Denied', 'another container has no such entry')
  t.is(into('198.51.100.7:6000', '10.0.1.10:80'), 'drop Denied')
  t.is(out('10.0.1.10:5000', '10.0.1.11:5432'), '10.0.1.10:5000 > 10.0.1.11:5432 tcp')
  t.is(out('10.0.1.11:5000', '10.0.1.10:443'), 'drop Denied', 'the database begins nothing')
})

test('containers: sends packets of unknown addresses where the policy says, and ARP always', (t) => {
  const { port, layer, out, into } = started(both)
  t.is(out('10.0.1.4:5000', '10.0.1.5:80'), 'drop Denied')
  t.is(into('10.0.1.5:80', '10.0.1.4:5000'), 'drop Denied')
  t.is(outcome(port, 'outbound', arp({ sender: '10.0.1.10' })), 'arp')
  const label = behind(frame({ from: '10.0.1.10:5000', to: '10.0.1.11:5432' }), 0x8847)
  t.is(outcome(port, 'outbound', label), 'drop Denied', 'not IP, so no container’s')
  orThrow(layer.update(containers.policy({ ...both, otherwise: 'allow' })))
  t.is(out('10.0.1.4:5000', '10.0.1.5:80'), '10.0.1.4:5000 > 10.0.1.5:80 tcp')
  t.is(out('10.0.1.11:5000', '10.0.1.5:80'), 'drop Denied', 'what the rest may do, the containers may not')
})

test('containers: adds, changes and removes one container by its handle, and leaves the others alone', (t) => {
  const { layer, out, into } = started({ containers: [web] })
  t.is(into('10.0.1.10:5000', '10.0.1.11:5432'), 'drop Denied')
  const { name, ...rest } = db
  const handle = layer.group(name)
  orThrow(handle.update(containers.policy(rest)))
  t.is(into('10.0.1.10:5000', '10.0.1.11:5432'), '10.0.1.10:5000 > 10.0.1.11:5432 tcp', 'found before the group of the rest')
  t.is(out('10.0.1.10:5000', '10.0.1.11:5432'), '10.0.1.10:5000 > 10.0.1.11:5432 tcp')
  orThrow(handle.update(containers.policy({ ...rest, ip: '10.0.1.12' })))
  t.is(into('10.0.1.10:5000', '10.0.1.11:5432'), 'drop Denied')
  t.is(into('10.0.1.10:5000', '10.0.1.12:5432'), '10.0.1.10:5000 > 10.0.1.12:5432 tcp')
  orThrow(handle.remove())
  t.is(into('10.0.1.10:5000', '10.0.1.12:5432'), 'drop Denied')
  t.is(into('198.51.100.7:6000', '10.0.1.10:443'), '198.51.100.7:6000 > 10.0.1.10:443 tcp')
})

test('containers: keeps the group of the rest from being taken for a container', (t) => {
  const { layer } = started(both)
  t.deepEqual(layer.group('otherwise').updateJson({ ip: '10.0.1.13', otherwise: 'allow' }), {
    _tag: 'Left',
    left: {
      _tag: 'BadPolicy', layer: 'containers',
      problems: [{ path: '', reason: '"otherwise" is the group of packets of no container, and is updated with the whole layer' }],
    },
  })
})
