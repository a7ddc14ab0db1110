import { securityGroups, type SecurityGroupsJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, lines, objections, rewritten } from './support.js'

const policy: SecurityGroupsJson = {
  stages: [
    {
      name: 'platform',
      outbound: [{ allow: { dstIp: '168.63.129.16' }, terminating: true }, { deny: { dstIp: '10.9.0.0/16' }, terminating: false, name: 'soft' }],
      otherwise: 'abstain',
    },
    { name: 'subnet', order: 5, outbound: [{ allow: { dstPort: 443 } }, { deny: { dstPort: 25 } }], inbound: [{ allow: {}, stateful: false }], otherwise: 'allow' },
    { name: 'vm', idleMs: 5000, outbound: [{ allow: { proto: 'tcp' } }, { allow: { proto: 'udp' }, idleMs: 1, priority: 7 }] },
  ],
  idleMs: 9000,
}

const of = (stage: string, direction: 'outbound' | 'inbound'): readonly string[] =>
  lines(groupsOf(securityGroups.layer, policy).filter((g) => g.name === stage), direction)

const DENY = ['65535 arp: etherType = arp -> allow {}', '65535 otherwise: any -> block {} terminating']

test('securityGroups: makes a group of every stage and direction, in the order of the list', (t) => {
  t.deepEqual(groupsOf(securityGroups.layer, policy).map(({ name, direction, order }) => [name, direction, order]), [
    ['platform', 'outbound', undefined], ['platform', 'inbound', undefined],
    ['subnet', 'outbound', 5], ['subnet', 'inbound', 5],
    ['vm', 'outbound', undefined], ['vm', 'inbound', undefined],
  ])
})

test('securityGroups: takes denials for terminating and permissions for not, unless an entry says otherwise', (t) => {
  t.deepEqual(of('platform', 'outbound'), [
    '100 allow-1: dstIp = 168.63.129.16 -> allow {} terminating stateful 9000 ms',
    '101 soft: dstIp in 10.9.0.0/16 -> block {}',
  ])
  t.deepEqual(of('subnet', 'outbound').slice(0, 2), ['100 allow-1: dstPort = 443 -> allow {} stateful 9000 ms', '101 deny-2: dstPort = 25 -> block {} terminating'])
})

test('securityGroups: ends a stage by denying, by allowing, or not at all', (t) => {
  t.deepEqual(of('platform', 'inbound'), [])
  t.deepEqual(of('subnet', 'inbound'), ['100 allow-1: any -> allow {}', '65535 otherwise: any -> allow {} stateful 9000 ms'])
  t.deepEqual(of('vm', 'inbound'), DENY)
})

test('securityGroups: is stateful unless told, with the nearest idle time', (t) => {
  t.deepEqual(of('vm', 'outbound'), [
    '100 allow-1: proto = tcp -> allow {} stateful 5000 ms', '7 allow-2: proto = udp -> allow {} stateful 1 ms', ...DENY,
  ])
  t.deepEqual(lines(groupsOf(securityGroups.layer, { stages: [{ name: 'a', outbound: [{ allow: {} }] }], stateful: false }), 'outbound'), [
    '100 allow-1: any -> allow {}', ...DENY,
  ])
})

test('securityGroups: reads one stage for the handle of its group', (t) => {
  const groups = groupsOf(securityGroups.layer, { outbound: [{ deny: { dstPort: 25 } }], otherwise: 'allow' }, environment([], 'subnet'))
  t.deepEqual(groups.map((g) => g.name), ['subnet', 'subnet'])
  t.deepEqual(lines(groups, 'outbound'), ['100 deny-1: dstPort = 25 -> block {} terminating', '65535 otherwise: any -> allow {} stateful 240000 ms'])
  t.deepEqual(groupsOf(securityGroups.layer, {}).map((g) => g.name), ['default', 'default'])
})

test('securityGroups: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(securityGroups.layer, policy), policy)
  t.deepEqual(rewritten(securityGroups.layer, { otherwise: 'allow' }), { otherwise: 'allow' })
})

const NOBODY = 'every stage abstains: what no entry matches would pass; let one say "otherwise": "deny" or "allow"'

for (const { json, says } of [
  { json: { stages: [{ name: 'a' }], outbound: [] }, says: ['/outbound: belongs into one of "stages"'] },
  { json: { stages: [{ name: 'a' }], otherwise: 'deny' }, says: ['/otherwise: belongs into one of "stages"'] },
  { json: { stages: [{ outbound: [] }] }, says: ['/stages/0/name: is missing: expected a name: a text that is not empty'] },
  { json: { stages: [{ name: 'a' }, { name: 'a' }] }, says: ['/stages/1/name: "a" is already taken: /stages/0/name'] },
  { json: { stages: [{ name: 'a', order: 0.5 }] }, says: ['/stages/0/order: expected an order: a whole number from -2147483648 to 2147483647'] },
  { json: { stages: [{ name: 'a', otherwise: 'continue' }] }, says: ['/stages/0/otherwise: expected "deny" or "allow" or "abstain"'] },
  { json: { stages: [{ name: 'a', outbound: [{ permit: {} }] }] }, says: [
    '/stages/0/outbound/0/permit: unknown property; known are allow, deny, name, priority, stateful, idleMs, terminating',
  ] },
  { json: { stages: [{ name: 'a', outbound: [{ terminating: true }] }] }, says: ['/stages/0/outbound/0: an entry either allows or denies: it has one of "allow" and "deny"'] },
  { json: { stages: [{ name: 'a', outbound: [{ allow: { dstPort: '9-8' } }] }] }, says: ['/stages/0/outbound/0/allow/dstPort: the range is inverted: its first value is above its last: did you mean 8-9?'] },
  { json: { stages: [{ name: 'a', inbound: [{ allow: {}, stateful: false, idleMs: 5 }] }] }, says: ['/stages/0/inbound/0/idleMs: only a stateful entry has an idle time'] },
  { json: { stages: [{ name: 'a', inbound: [{ allow: {}, name: 'x' }, { deny: {}, name: 'x' }] }] }, says: ['/stages/0/inbound/1/name: "x" is already taken: /stages/0/inbound/0/name'] },
  { json: { inbound: [{ deny: {}, name: 'arp' }] }, says: ['/inbound/0/name: "arp" is already taken: the name of a rule that the layer adds'] },
  { json: { stages: [{ name: 'a', otherwise: 'abstain' }, { name: 'b', otherwise: 'abstain' }] }, says: [`/stages: ${NOBODY}`] },
  { json: { stages: [] }, says: [`/stages: ${NOBODY}`] },
  { json: { otherwise: 'abstain' }, says: [`/otherwise: ${NOBODY}`] },
]) {
  test(`securityGroups: refuses ${JSON.stringify(json)}`, (t) => {
    t.deepEqual(objections(securityGroups.layer, json), says)
  })
}
