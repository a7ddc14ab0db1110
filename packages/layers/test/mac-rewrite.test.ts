import { macRewrite, type MacRewriteJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, lines, objections, rewritten } from './support.js'

const GATEWAY = '12:34:56:78:9a:bc'
const table = { '10.0.1.5': '00:15:5d:00:00:05', 'fd00::5': '00:15:5d:00:00:05' }
const policy: MacRewriteJson = {
  outbound: [{ when: { dstIp: '10.0.0.0/16' }, dstMac: { by: 'dstIp', table }, name: 'near' }, { dstMac: GATEWAY, priority: 500 }],
  inbound: [{ srcMac: GATEWAY, dstMac: 'port' }],
}

const TO_MANY = '0 to-many: dstMac in ff:ff:ff:ff:ff:ff, 01:00:5e:00:00:00/25, 33:33:00:00:00:00/16 -> allow {}'

test('macRewrite: makes one rule of an entry and one of each address of a table, of IP packets alone', (t) => {
  const groups = groupsOf(macRewrite.layer, policy)
  t.deepEqual(lines(groups, 'outbound'), [
    TO_MANY,
    '100 near/10.0.1.5: dstIp = 10.0.1.5 and dstIp in 10.0.0.0/16 and etherType in ipv4, ipv6 -> rewrite-mac {"dstMac":"00:15:5d:00:00:05"}',
    '100 near/fd00::5: dstIp = fd00::5 and dstIp in 10.0.0.0/16 and etherType in ipv4, ipv6 -> rewrite-mac {"dstMac":"00:15:5d:00:00:05"}',
    `500 entry-2: etherType in ipv4, ipv6 -> rewrite-mac {"dstMac":"${GATEWAY}"}`,
  ])
  t.deepEqual(lines(groups, 'inbound'), [
    TO_MANY, `100 entry-1: etherType in ipv4, ipv6 -> rewrite-mac {"srcMac":"${GATEWAY}","dstMac":"00:15:5d:00:00:01"}`,
  ])
})

test('macRewrite: takes multicast in, and other EtherTypes, where it is told', (t) => {
  t.deepEqual(lines(groupsOf(macRewrite.layer, { multicast: true, inbound: [{ when: { etherType: 'arp' }, srcMac: GATEWAY }] }), 'inbound'), [
    `100 entry-1: etherType = arp -> rewrite-mac {"srcMac":"${GATEWAY}"}`,
  ])
})

test('macRewrite: sets one MAC by a table and the other to a constant', (t) => {
  t.deepEqual(lines(groupsOf(macRewrite.layer, { multicast: true, inbound: [{ srcMac: { by: 'srcIp', table: { '10.0.1.5': GATEWAY } }, dstMac: 'port' }] }), 'inbound'), [
    `100 entry-1/10.0.1.5: srcIp = 10.0.1.5 and etherType in ipv4, ipv6 -> rewrite-mac {"srcMac":"${GATEWAY}","dstMac":"00:15:5d:00:00:01"}`,
  ])
})

test('macRewrite: names its groups after the group that is updated', (t) => {
  t.deepEqual(groupsOf(macRewrite.layer, {}, environment([], 'east')).map((g) => g.name), ['east', 'east'])
})

test('macRewrite: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(macRewrite.layer, policy), policy)
  t.deepEqual(rewritten(macRewrite.layer, { outbound: [{ srcMac: '12-34-56-78-9A-BC' }] }), { outbound: [{ srcMac: GATEWAY }] })
})

for (const { json, says } of [
  { json: { outbound: [{ when: {} }] }, says: ['/outbound/0: an entry sets "srcMac", "dstMac" or both'] },
  { json: { outbound: [{ dstMac: '12:34:56:78:9a' }] }, says: ['/outbound/0/dstMac: a MAC address is six two-digit hexadecimal octets, as 00:15:5d:00:00:01'] },
  { json: { outbound: [{ dstMac: 5 }] }, says: ['/outbound/0/dstMac: expected a MAC address as text, "port", or an object with "by" and "table"'] },
  { json: { outbound: [{ dstMac: { by: 'dstMac', table: {} } }] }, says: ['/outbound/0/dstMac/by: expected "srcIp" or "dstIp"'] },
  { json: { outbound: [{ dstMac: { by: 'dstIp', table: { '10.0.1': GATEWAY } } }] }, says: ['/outbound/0/dstMac/table/10.0.1: not an IPv4 or IPv6 address'] },
  { json: { outbound: [{ dstMac: { by: 'dstIp', table: { '10.0.1.5': 'x' } } }] }, says: [
    '/outbound/0/dstMac/table/10.0.1.5: a MAC address is six two-digit hexadecimal octets, as 00:15:5d:00:00:01',
  ] },
  { json: { outbound: [{ dstMac: { by: 'dstIp', table: { '::1': GATEWAY, '0::1': GATEWAY } } }] }, says: ['/outbound/0/dstMac/table/0::1: ::1 is there already, written otherwise'] },
  { json: { outbound: [{ dstMac: { by: 'dstIp', table: [] } }] }, says: ['/outbound/0/dstMac/table: expected an object from IP addresses to MAC addresses'] },
  { json: { outbound: [{ srcMac: { by: 'srcIp', table: {} }, dstMac: { by: 'dstIp', table: {} } }] }, says: ['/outbound/0/dstMac: only one of "srcMac" and "dstMac" can be a table'] },
  { json: { outbound: [{ srcMac: GATEWAY, name: 'a' }, { srcMac: GATEWAY, name: 'a' }] }, says: ['/outbound/1/name: "a" is already taken: /outbound/0/name'] },
  { json: { outbound: [{ srcMac: GATEWAY, name: 'to-many' }] }, says: ['/outbound/0/name: "to-many" is already taken: the name of a rule that the layer adds'] },
  { json: { outbound: [{ srcMac: GATEWAY, set: 1 }] }, says: ['/outbound/0/set: unknown property; known are when, srcMac, dstMac, name, priority'] },
]) {
  test(`macRewrite: refuses ${JSON.stringify(json)}`, (t) => {
    t.deepEqual(objections(macRewrite.layer, json), says)
  })
}
