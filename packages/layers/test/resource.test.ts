import test from 'ava'
import { type Directory, directory, openSwitch, orThrow } from '@vfp-ts/core'
import { paValidation, responder, vnet } from '../src/index.js'

const vm = () => orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))

/** A directory as another copy of core would have made it. */
const foreign = (): Directory => Object.assign(directory(), { [Symbol.for('@vfp-ts/core: made by')]: { core: '@vfp-ts/core 9.9.9' } })

const network = (table: Directory) => ({ vni: 5001, underlay: '192.0.2.1', routes: ['10.0.0.0/16'], directory: table })

test('resource: a directory of another copy of core is refused by name, wherever in the policy it stands', (t) => {
  const refused = orThrow(vm().addLayer(vnet.layer, { order: 1 })).update(vnet.policy(network(foreign())))
  t.like(refused, { _tag: 'Left', left: { _tag: 'ForeignCore', made: '@vfp-ts/core 9.9.9' } })
  const nested = orThrow(vm().addLayer(responder.layer, { order: 1 })).updateJson({ neighbours: { directory: foreign(), vni: 5001 } })
  t.like(nested, { _tag: 'Left', left: { _tag: 'ForeignCore', made: '@vfp-ts/core 9.9.9' } })
})

test('resource: a directory of this copy of core is taken, and so is a resource that bears no mark', (t) => {
  t.is(orThrow(vm().addLayer(vnet.layer, { order: 1 })).update(vnet.policy(network(directory())))._tag, 'Right')
  const sources = { name: 'own', lookup: () => ({ _tag: 'Absent' as const, cell: { version: 0 } }) }
  t.is(orThrow(vm().addLayer(paValidation.layer, { order: 1 })).updateJson({ sources })._tag, 'Right')
})
