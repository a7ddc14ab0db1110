import { meter } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, lines, objections, rewritten } from './support.js'

const policy = { prefixes: ['10.0.0.0/16', { prefix: '0.0.0.0/0', name: 'internet' }, '::/0'] }

test('meter: counts by the remote address of either direction, the longest prefix first', (t) => {
  const groups = groupsOf(meter.layer, policy)
  t.deepEqual(groups.map(({ name, direction, match }) => ({ name, direction, match })), [
    { name: 'default', direction: 'outbound', match: { longestPrefix: 'dstIp' } },
    { name: 'default', direction: 'inbound', match: { longestPrefix: 'srcIp' } },
  ])
  t.deepEqual(lines(groups, 'outbound'), [
    '100 10.0.0.0/16: dstIp in 10.0.0.0/16 -> count {}',
    '100 internet: dstIp in 0.0.0.0/0 -> count {}',
    '100 ::/0: dstIp in ::/0 -> count {}',
  ])
  t.deepEqual(lines(groups, 'inbound'), [
    '100 10.0.0.0/16: srcIp in 10.0.0.0/16 -> count {}',
    '100 internet: srcIp in 0.0.0.0/0 -> count {}',
    '100 ::/0: srcIp in ::/0 -> count {}',
  ])
})

test('meter: names its groups after the group that is updated', (t) => {
  t.deepEqual(groupsOf(meter.layer, policy, environment([], 'container-1')).map((g) => g.name), ['container-1', 'container-1'])
})

test('meter: writes a policy as it was read', (t) => {
  t.deepEqual(rewritten(meter.layer, policy), policy)
  t.deepEqual(rewritten(meter.layer, { prefixes: ['10.0.0.7', { prefix: 'FD00::/8' }] }), { prefixes: ['10.0.0.7/32', 'fd00::/8'] })
})

for (const { json, says } of [
  { json: { prefixes: ['10.0.0.1/16'] }, says: '/prefixes/0: bits are set behind the prefix length: did you mean 10.0.0.0/16?' },
  { json: { prefixes: ['10.0.0.0/16', { prefix: '10.0.0.0/33' }] }, says: '/prefixes/1/prefix: a prefix length is a number from 0 to 32' },
  { json: { prefixes: [7] }, says: '/prefixes/0: expected an IP prefix as text, or an object' },
  { json: { prefixes: [{ prefix: '::/0', name: '' }] }, says: '/prefixes/0/name: expected a name: a text that is not empty' },
  { json: { prefixes: [{ prefix: '::/0', nmae: 'x' }] }, says: '/prefixes/0/nmae: unknown property; known are prefix, name; did you mean "name"?' },
  { json: { prefix: [] }, says: '/prefix: unknown property; known are prefixes; did you mean "prefixes"?' },
  { json: { prefixes: ['::/0', '10.0.0.0/8', { prefix: '::/0', name: 'all' }] }, says: '/prefixes/2: "::/0" is already taken: /prefixes/0' },
  { json: { prefixes: ['::/0', { prefix: '10.0.0.0/8', name: '::/0' }] }, says: '/prefixes/1/name: "::/0" is already taken: /prefixes/0' },
]) {
  test(`meter: refuses ${JSON.stringify(json)}`, (t) => {
    t.deepEqual(objections(meter.layer, json), [says])
  })
}
