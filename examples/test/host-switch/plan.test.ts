/** What a change of configuration takes: no more than what differs. */
import test from 'ava'
import { orThrow } from '@vfp-ts/core'
import type { Config } from '../../host-switch/config.js'
import { fixedProblems, planOf } from '../../host-switch/plan.js'
import { wantedPorts } from '../../host-switch/program.js'
import { parseConfig } from '../../host-switch/read-config.js'
import { aConfig, damaged, type Json } from './a-config.js'

const read = (json: Json): Config => {
  const config = parseConfig(JSON.stringify(json))
  if (config._tag === 'Left') throw new Error(JSON.stringify(config.left))
  return orThrow(config)
}

const planTo = (json: Json): readonly object[] => planOf(wantedPorts(read(aConfig())), wantedPorts(read(json)))

test('unit: the same configuration changes nothing', (t) => {
  t.deepEqual(planTo(aConfig()), [])
})

test('unit: another policy updates its layer alone', (t) => {
  t.deepEqual(planTo(damaged('/ports/red-1/layers/1/policy/otherwise', 'allow')), [
    { _tag: 'Update', name: 'red-1', nic: false, layers: { _tag: 'Policies', positions: [1] } },
  ])
})

test('unit: another list of layers builds them anew', (t) => {
  t.deepEqual(planTo(damaged('/ports/red-1/layers/0', { layer: 'meter', policy: { prefixes: ['0.0.0.0/0'] } })), [
    { _tag: 'Update', name: 'red-1', nic: false, layers: { _tag: 'Rebuild' } },
  ])
})

test('unit: another NIC leaves the layers alone', (t) => {
  t.deepEqual(planTo(damaged('/ports/red-1/nic', { tap: { interface: 'red-1' } })), [
    { _tag: 'Update', name: 'red-1', nic: true, layers: { _tag: 'Policies', positions: [] } },
  ])
})

test('unit: another MAC, address or network makes another port', (t) => {
  for (const [key, value] of [['mac', '02:00:0a:00:00:07'], ['ip', ['10.0.0.7']], ['vni', 5002]] as const) {
    t.deepEqual(planTo(damaged(`/ports/red-1/${key}`, value)), [{ _tag: 'Replace', name: 'red-1' }])
  }
})

test('unit: ports that go come before ports that come', (t) => {
  const config = aConfig()
  const ports = config['ports'] as Json
  ports['green-1'] = ports['blue-1']
  Reflect.deleteProperty(ports, 'blue-1')
  t.deepEqual(planTo(config), [{ _tag: 'Remove', name: 'blue-1' }, { _tag: 'Add', name: 'green-1' }])
})

test('unit: other addresses of the host are another policy of every network that does not name its own', (t) => {
  t.deepEqual(planTo(damaged('/underlay/addresses', ['192.0.2.9/24'])), [
    { _tag: 'Update', name: 'red-1', nic: false, layers: { _tag: 'Policies', positions: [2] } },
  ])
})

test('unit: another MTU makes other ports', (t) => {
  t.deepEqual(planTo(damaged('/mtu', { network: 1400 })), ['red-1', 'blue-1'].map((name) => ({ _tag: 'Replace', name })))
})

test('unit: the name and the socket do not change while the program runs', (t) => {
  const config = aConfig()
  for (const [path, value] of [['/name', 'b'], ['/status', '/tmp/b.sock']] as const) {
    t.deepEqual(fixedProblems(read(config), read(damaged(path, value))).map((problem) => problem.path), [`/${path.split('/')[1] ?? ''}`])
  }
})
