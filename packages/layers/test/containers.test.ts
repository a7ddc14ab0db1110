import { formatCondition } from '@vfp-ts/core'
import { containers, type ContainersJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, lines, objections, rewritten } from './support.js'

const policy: ContainersJson = {
  containers: [
    { name: 'web', ip: ['10.0.1.10', 'fd00::10'], inbound: [{ allow: { dstPort: 443 } }], outbound: [{ deny: { dstPort: 25 }, name: 'mail' }], otherwise: 'allow' },
    { name: 'db', ip: '10.0.1.11', inbound: [{ allow: { srcIp: '10.0.1.10' }, stateful: false }], idleMs: 5000 },
  ],
  otherwise: 'deny',
  idleMs: 9000,
}

const of = (group: string, direction: 'outbound' | 'inbound', json = policy): readonly string[] =>
  lines(groupsOf(containers.layer, json).filter((g) => g.name === group), direction)

test('containers: makes a group of every container, entered by its own side of the packet, and one for the rest behind all', (t) => {
  const seen = groupsOf(containers.layer, policy).map(({ name, direction, when = [], order }) => [name, direction, when.map(formatCondition).join(' and '), order])
  t.deepEqual(seen, [
    ['web', 'outbound', 'srcIp in 10.0.1.10, fd00::10', undefined],
    ['web', 'inbound', 'dstIp in 10.0.1.10, fd00::10', undefined],
    ['db', 'outbound', 'srcIp = 10.0.1.11', undefined],
    ['db', 'inbound', 'dstIp = 10.0.1.11', undefined],
    ['otherwise', 'outbound', '', 0x7fff_ffff],
    ['otherwise', 'inbound', '', 0x7fff_ffff],
  ])
})

test('containers: gives each container the last word about its packets', (t) => {
  t.deepEqual(of('web', 'outbound'), ['100 mail: dstPort = 25 -> block {} terminating', '65535 otherwise: any -> allow {} terminating stateful 9000 ms'])
  t.deepEqual(of('web', 'inbound'), [
    '100 allow-1: dstPort = 443 -> allow {} terminating stateful 9000 ms', '65535 otherwise: any -> allow {} terminating stateful 9000 ms',
  ])
  t.deepEqual(of('db', 'inbound'), ['100 allow-1: srcIp = 10.0.1.10 -> allow {} terminating', '65535 otherwise: any -> block {} terminating'])
})

test('containers: denies what is no container’s, but ARP, unless told', (t) => {
  const deny = ['65535 arp: etherType = arp -> allow {}', '65535 otherwise: any -> block {} terminating']
  t.deepEqual(of('otherwise', 'outbound'), deny)
  t.deepEqual(of('otherwise', 'inbound', { containers: [] }), deny)
  t.deepEqual(of('otherwise', 'inbound', { containers: [], otherwise: 'allow' }), ['65535 otherwise: any -> allow {}'])
})

test('containers: reads one container for the handle of its group', (t) => {
  const groups = groupsOf(containers.layer, { ip: '10.0.1.12', stateful: false, outbound: [{ allow: {} }] }, environment([], 'cache'))
  t.deepEqual(groups.map(({ name, direction }) => [name, direction]), [['cache', 'outbound'], ['cache', 'inbound']])
  t.deepEqual(lines(groups, 'outbound'), ['100 allow-1: any -> allow {} terminating', '65535 otherwise: any -> block {} terminating'])
})

test('containers: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(containers.layer, policy), policy)
  t.deepEqual(rewritten(containers.layer, { ip: ['FD00::0010'] }), { ip: 'fd00::10' })
})

for (const { json, says } of [
  { json: {}, says: [': has neither "containers" nor, for one of them, "ip"'] },
  { json: { containers: [], ip: '10.0.1.10' }, says: ['/ip: belongs into one of "containers"'] },
  { json: { containers: [], inbound: [] }, says: ['/inbound: belongs into one of "containers"'] },
  { json: { containers: [{ name: 'a' }] }, says: ['/containers/0/ip: is missing: expected an IP address as text'] },
  { json: { containers: [{ name: 'a', ip: [] }] }, says: ['/containers/0/ip: expected an IP address, or a list of at least one'] },
  { json: { containers: [{ name: 'a', ip: ['10.0.1.10', '10.0.1'] }] }, says: ['/containers/0/ip/1: not an IPv4 or IPv6 address'] },
  { json: { containers: [{ ip: '10.0.1.10' }] }, says: ['/containers/0/name: is missing: expected a name: a text that is not empty'] },
  { json: { containers: [{ name: 'a', ip: '10.0.1.10' }, { name: 'a', ip: '10.0.1.11' }] }, says: ['/containers/1/name: "a" is already taken: /containers/0/name'] },
  { json: { containers: [{ name: 'a', ip: ['::1'] }, { name: 'b', ip: ['10.0.1.1', '0::1'] }] }, says: ['/containers/1/ip: "::1" is already taken: /containers/0/ip'] },
  { json: { containers: [{ name: 'otherwise', ip: '10.0.1.10' }] }, says: ['/containers/0/name: "otherwise" is already taken: the name of a group that the layer adds'] },
  { json: { containers: [{ name: 'a', ip: '10.0.1.10', outbound: [{ deny: {}, stateful: true }] }] }, says: [
    '/containers/0/outbound/0/stateful: what is denied makes no connection: only "allow" can be stateful',
  ] },
  { json: { containers: [{ name: 'a', ip: '10.0.1.10', outbound: [{ allow: {}, name: 'arp' }] }] }, says: [
    '/containers/0/outbound/0/name: "arp" is already taken: the name of a rule that the layer adds',
  ] },
  { json: { ip: '10.0.1.10' }, says: ['/ip: one container alone is for the handle of its group; list it in "containers"'] },
]) {
  test(`containers: refuses ${JSON.stringify(json)}`, (t) => {
    t.deepEqual(objections(containers.layer, json), says)
  })
}
