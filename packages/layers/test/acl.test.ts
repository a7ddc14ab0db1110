import { acl, type AclJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, lines, objections, rewritten } from './support.js'

const policy: AclJson = {
  outbound: [
    { allow: { proto: 'tcp', dstPort: [80, 443] }, stateful: true, name: 'web' },
    { deny: { dstIp: '10.9.0.0/16' } },
    { allow: { proto: 'udp', dstPort: 53 }, stateful: true, idleMs: 5000, priority: 7 },
  ],
  inbound: [{ allow: [{ srcIp: '10.0.0.0/8' }, { srcIp: '10.0.0.0-10.1.0.0' }] }],
  otherwise: 'deny',
}

/** How a policy that denies the rest ends. */
const REST = ['65535 arp: etherType = arp -> allow {}', '65535 otherwise: any -> block {} terminating']

test('acl: tries entries in order, denies terminatingly, and denies the rest but ARP', (t) => {
  const groups = groupsOf(acl.layer, policy)
  t.deepEqual(groups.map(({ name, direction, match }) => ({ name, direction, match })), [
    { name: 'default', direction: 'outbound', match: undefined },
    { name: 'default', direction: 'inbound', match: undefined },
  ])
  t.deepEqual(lines(groups, 'outbound'), [
    '100 web: proto = tcp and dstPort in 80, 443 -> allow {} stateful 240000 ms',
    '101 deny-2: dstIp in 10.9.0.0/16 -> block {} terminating',
    '7 allow-3: proto = udp and dstPort = 53 -> allow {} stateful 5000 ms',
    ...REST,
  ])
  t.deepEqual(lines(groups, 'inbound'), [
    '100 allow-1: srcIp in 10.0.0.0/8 and srcIp in 10.0.0.0-10.1.0.0 -> allow {}',
    ...REST,
  ])
})

test('acl: denies all but ARP in both directions when the policy says nothing', (t) => {
  const groups = groupsOf(acl.layer, {})
  for (const direction of ['outbound', 'inbound'] as const) {
    t.deepEqual(lines(groups, direction), REST)
  }
})

test('acl: takes statefulness and idle time from the policy where an entry has none', (t) => {
  const json = { stateful: true, idleMs: 9000, otherwise: 'allow', outbound: [{ allow: {} }, { allow: {}, stateful: false }, { allow: {}, idleMs: 1 }] }
  t.deepEqual(lines(groupsOf(acl.layer, json), 'outbound'), [
    '100 allow-1: any -> allow {} stateful 9000 ms',
    '101 allow-2: any -> allow {}',
    '102 allow-3: any -> allow {} stateful 1 ms',
    '65535 otherwise: etherType in ipv4, ipv6 -> allow {} stateful 9000 ms',
  ])
})

test('acl: keeps entries in order where there are more than priorities', (t) => {
  const outbound = Array.from({ length: 66_000 }, () => ({ deny: {} }))
  const priorities = groupsOf(acl.layer, { outbound })[0]?.rules.map((r) => r.priority) ?? []
  t.true(priorities.every((p, i) => i === 0 || p >= (priorities[i - 1] ?? 0)))
  t.deepEqual(priorities.slice(-3), [65_534, 65_535, 65_535])
})

test('acl: names its groups after the group that is updated', (t) => {
  t.deepEqual(groupsOf(acl.layer, policy, environment([], 'customer')).map((g) => g.name), ['customer', 'customer'])
})

test('acl: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(acl.layer, policy), policy)
  t.deepEqual(rewritten(acl.layer, {}), {})
})

for (const { json, says } of [
  { json: { outbound: [{ allow: {}, deny: {} }] }, says: ['/outbound/0: an entry either allows or denies: it has one of "allow" and "deny"'] },
  { json: { inbound: [{ name: 'x' }] }, says: ['/inbound/0: an entry either allows or denies: it has one of "allow" and "deny"'] },
  { json: { inbound: [{ deny: {}, stateful: true }] }, says: ['/inbound/0/stateful: what is denied makes no connection: only "allow" can be stateful'] },
  { json: { inbound: [{ deny: {}, idleMs: 5 }] }, says: ['/inbound/0/idleMs: what is denied makes no connection and has no idle time'] },
  { json: { outbound: [{ allow: {} }, { allow: {}, idleMs: 5 }] }, says: ['/outbound/1/idleMs: only a stateful entry has an idle time'] },
  { json: { outbound: [{ allow: {}, idleMs: 0, stateful: true }] }, says: ['/outbound/0/idleMs: expected milliseconds: a whole number from 1 to 4294967295'] },
  { json: { outbound: [{ allow: {}, priority: 65_535 }] }, says: ['/outbound/0/priority: expected a priority: a whole number from 0 to 65534'] },
  { json: { outbound: [{ allow: { dstport: 1 } }] }, says: ['/outbound/0/allow/dstport: there is no field dstport; did you mean "dstPort"?'] },
  { json: { outbound: [{ allow: { dstIp: '10.9.0.1/16' } }] }, says: ['/outbound/0/allow/dstIp: bits are set behind the prefix length: did you mean 10.9.0.0/16?'] },
  { json: { otherwise: 'block' }, says: ['/otherwise: expected "allow" or "deny"'] },
  { json: { Otherwise: 'deny' }, says: ['/Otherwise: unknown property; known are outbound, inbound, otherwise, stateful, idleMs; did you mean "otherwise"?'] },
  { json: { outbound: [{ allow: {}, name: 'a' }, { deny: {}, name: 'a' }] }, says: ['/outbound/1/name: "a" is already taken: /outbound/0/name'] },
  { json: { outbound: [{ allow: {}, name: 'deny-2' }, { deny: {} }] }, says: ['/outbound/1: "deny-2" is already taken: /outbound/0/name'] },
  { json: { inbound: [{ allow: {}, name: 'arp' }], otherwise: 'allow' }, says: ['/inbound/0/name: "arp" is already taken: the name of a rule that the layer adds'] },
  { json: { inbound: [{ allow: {}, name: 'otherwise' }] }, says: ['/inbound/0/name: "otherwise" is already taken: the name of a rule that the layer adds'] },
]) {
  test(`acl: refuses ${JSON.stringify(json)}`, (t) => {
    t.deepEqual(objections(acl.layer, json), says)
  })
}
