import test from 'ava'
import { mtuProblem, type MtuOptions } from '../../src/datapath/mtu-options.js'
import { openSwitch } from '../../src/switch/switch.js'

test('mtu options: what is out of range is refused with its place', (t) => {
  for (const [options, path] of [
    ['{ "network": 67 }', '/network'], ['{ "network": 65536 }', '/network'], ['{ "network": 1500.5 }', '/network'],
    ['{ "network": 1500, "oversize": "shred" }', '/oversize'], ['{ "network": 1500, "clampMss": 1 }', '/clampMss'],
    ['{ "network": 1500, "errors": { "perSecond": -1, "burst": 1 } }', '/errors/perSecond'], ['{ "network": 1500, "errors": { "perSecond": 1 } }', '/errors/burst'],
  ] as const) t.is(mtuProblem(JSON.parse(options) as MtuOptions)?.path, path)
  t.is(mtuProblem({ network: 68 }), undefined)
  t.is(mtuProblem({}), undefined)
  t.is(mtuProblem({ network: 65_535, oversize: 'drop', clampMss: false, errors: { perSecond: 0, burst: 0 } }), undefined)
})

test('mtu options: a port is refused for its own, and for the switch\'s where it has none', (t) => {
  const host = openSwitch({ mtu: { network: 10 } })
  const refused = host.addPort({ name: 'a', mac: '00:15:5d:00:00:01' })
  t.like(refused, { left: { _tag: 'BadPort', port: 'a', path: '/mtu/network' } })
  t.is(host.addPort({ name: 'a', mac: '00:15:5d:00:00:01', mtu: { network: 1500 } })._tag, 'Right')
  t.like(openSwitch().addPort({ name: 'a', mac: '00:15:5d:00:00:01', mtu: { network: 1 } }), { left: { path: '/mtu/network' } })
})
