import { paSources, paValidation, type PaValidationJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, ip, lines, objections, rewritten } from './support.js'

const REST = [
  '300 unknown-source: tunnel in vxlan, nvgre, geneve, gre -> block {"reason":"UnknownSource"} terminating',
  '400 plain: any -> block {"reason":"NotTunnelled"} terminating',
]

const policy: PaValidationJson = {
  networks: [{ vni: 5001, from: ['192.0.2.0/24', '2001:db8::/64'] }, { from: '198.51.100.7', name: 'gateway' }],
}

test('paValidation: passes listed sources of each network inbound, and drops the rest by name', (t) => {
  const groups = groupsOf(paValidation.layer, policy)
  t.deepEqual(groups.map(({ name, direction }) => [name, direction]), [['default', 'inbound']])
  t.deepEqual(lines(groups, 'inbound'), [
    '100 vni-5001: vni = 5001 and srcIp in 192.0.2.0/24, 2001:db8::/64 -> allow {}',
    '100 gateway: tunnel in vxlan, nvgre, geneve, gre and srcIp = 198.51.100.7 -> allow {}',
    ...REST,
  ])
  t.deepEqual(lines(groupsOf(paValidation.layer, { networks: [], plain: 'allow' }), 'inbound'), [REST[0], '400 plain: any -> allow {}'])
})

test('paValidation: looks up what no list holds, in an object or in a resource of the switch', (t) => {
  const expected = ['200 sources: tunnel in vxlan, nvgre, geneve, gre -> pa-source "pa-sources"', ...REST].map((l) => l.replace('"pa-sources"', '{"sources":"pa-sources"}'))
  t.deepEqual(lines(groupsOf(paValidation.layer, { sources: paSources() }), 'inbound'), expected)
  t.deepEqual(lines(groupsOf(paValidation.layer, { sources: 'pa-sources' }, environment([paSources()])), 'inbound'), expected)
})

test('paValidation: names its group after the group that is updated', (t) => {
  t.deepEqual(groupsOf(paValidation.layer, policy, environment([], 'edge')).map((g) => g.name), ['edge'])
})

test('paValidation: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(paValidation.layer, policy), { networks: [policy.networks?.[0], { from: '198.51.100.7/32', name: 'gateway' }] })
  t.deepEqual(rewritten(paValidation.layer, { sources: 'pa-sources', plain: 'allow' }), { sources: 'pa-sources', plain: 'allow' })
})

for (const { json, says } of [
  { json: {}, says: [': has neither "networks" nor "sources": it would know nobody'] },
  { json: { networks: [{ vni: 0x100_0000, from: '::/0' }] }, says: ['/networks/0/vni: expected a VNI: a whole number from 0 to 16777215'] },
  { json: { networks: [{ vni: 1 }] }, says: ['/networks/0/from: is missing: expected an IP prefix as text'] },
  { json: { networks: [{ vni: 1, from: [] }] }, says: ['/networks/0/from: expected an IP prefix, or a list of at least one'] },
  { json: { networks: [{ vni: 1, from: ['10.0.0.1/8'] }] }, says: ['/networks/0/from/0: bits are set behind the prefix length: did you mean 10.0.0.0/8?'] },
  { json: { networks: [{ vni: 1, from: '::/0' }, { vni: 1, from: '0.0.0.0/0', name: 'a' }] }, says: ['/networks/1/vni: "vni-1" is already taken: /networks/0/vni'] },
  { json: { networks: [{ from: '::/0' }, { from: '0.0.0.0/0' }] }, says: ['/networks/1: "every-network" is already taken: /networks/0'] },
  { json: { networks: [{ vni: 1, from: '::/0' }, { vni: 2, from: '::/0', name: 'vni-1' }] }, says: ['/networks/1/name: "vni-1" is already taken: /networks/0'] },
  { json: { networks: [{ vni: 1, from: '::/0', name: 'plain' }] }, says: ['/networks/0/name: "plain" is already taken: the name of a rule that the layer adds'] },
  { json: { sources: 'nowhere' }, says: ['/sources: the switch was not opened with a resource named "nowhere"'] },
  { json: { sources: 7 }, says: ['/sources: expected a set of sources: the name of a resource of the switch, or an object with a name and a lookup function'] },
  { json: { networks: [], plain: 'drop' }, says: ['/plain: expected "allow" or "deny"'] },
]) {
  test(`paValidation: refuses ${JSON.stringify(json)}`, (t) => {
    t.deepEqual(objections(paValidation.layer, json), says)
  })
}

test('paSources: answers by network and address, and tells changes by the cells it gave', (t) => {
  const sources = paSources('known')
  const one = { vni: 1, ip: ip('192.0.2.1') }
  const before = sources.lookup(one)
  t.is(before._tag, 'Absent')
  const { version } = before.cell
  t.true(sources.add(one))
  t.not(before.cell.version, version, 'who found nothing looks again')
  t.false(sources.add({ vni: 1, ip: ip('192.0.2.1') }))
  const found = sources.lookup(one)
  t.is(found._tag, 'Found')
  const then = found.cell.version
  t.true(sources.add({ vni: 1, ip: ip('192.0.2.2') }))
  t.is(found.cell.version, then, 'another entry is no change of this one')
  t.is(sources.lookup({ vni: 2, ip: one.ip })._tag, 'Absent')
  t.is(sources.lookup({ vni: 1, ip: ip('::c000:201') })._tag, 'Absent')
  t.true(sources.remove(one))
  t.not(found.cell.version, then)
  t.false(sources.remove(one))
  t.deepEqual([sources.name, sources.size(), sources.formatKey?.(one)], ['known', 1, 'vni 1 192.0.2.1'])
})

test('paSources: what is no source is absent, and checkKey says why', (t) => {
  const sources = paSources()
  // Rule types given as data make keys that no compiler has seen.
  const lookup = sources.lookup as (key: unknown) => ReturnType<typeof sources.lookup>
  for (const wrong of ['k', null, 7, [], {}, { vni: 1 }, { vni: '1', ip: ip('192.0.2.1') }, { vni: 1, ip: '192.0.2.1' }, { vni: 1, ip: 7 }, { vni: 1, ip: { version: 4, words: [1] } }]) {
    t.is(lookup(wrong)._tag, 'Absent', JSON.stringify(wrong))
    t.is(typeof sources.checkKey?.(wrong), 'string', JSON.stringify(wrong))
  }
  t.is(sources.checkKey?.({ vni: 1, ip: ip('192.0.2.1') }), undefined)
})
