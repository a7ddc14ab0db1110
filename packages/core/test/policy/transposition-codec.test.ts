import test from 'ava'
import { decap, modify, push } from '../../src/transposition/construct.js'
import { transpositionFromJson } from '../../src/policy/transposition-codec.js'
import { ipv4 } from '../../src/wire/address.js'

test('transpositionFromJson: what is left out does and needs nothing', (t) => {
  t.deepEqual(transpositionFromJson({ edit: [{ set: { dstPort: 80 } }] }), { _tag: 'Right', right: modify({ dstPort: 80 }) })
  t.deepEqual(transpositionFromJson({ pop: 1, edit: [{ set: { ecn: { outer: { original: 0 }, inner: { original: 1 } } } }] }), { _tag: 'Right', right: decap() })
  t.deepEqual(
    transpositionFromJson({ push: [{ srcIp: '192.0.2.1', dstIp: '192.0.2.2', srcMac: '00:00:00:00:00:01', dstMac: '00:00:00:00:00:02', vni: 1, srcPort: 7 }] }),
    { _tag: 'Right', right: push({ srcIp: ipv4(0xc0000201), dstIp: ipv4(0xc0000202), srcMac: 1, dstMac: 2, vni: 1, srcPort: 7 }) },
  )
  t.deepEqual(transpositionFromJson('pop; 0: ecn=combine(0,1)'), { _tag: 'Right', right: decap() })
})

test('transpositionFromJson: a push copies DSCP and ECN as they were edited', (t) => {
  const pushed = { srcIp: '192.0.2.1', dstIp: '192.0.2.2', srcMac: '00:00:00:00:00:01', dstMac: '00:00:00:00:00:02', vni: 1, srcPort: 7 }
  const read = transpositionFromJson({ edit: [{ set: { dscp: 46 } }], push: [pushed] })
  t.deepEqual(read._tag === 'Right' && read.right._tag === 'Transposition' ? read.right.push.map((p) => [p.dscp, p.ecn]) : read, [[46, { original: 0 }]])
})

let nested: unknown = 0
for (let i = 0; i < 100; i++) nested = { outer: nested, inner: { original: 0 } }

const REFUSED: readonly (readonly [unknown, string, RegExp])[] = [
  [7, '', /expected an object/],
  ['pop; pip', '', /^at offset 5: a part is pop/],
  [{ pops: 1 }, '/pops', /unknown property/],
  [{ pop: -1 }, '/pop', /groups to pop/],
  [{ pop: [{ l3: 'ipx' }] }, '/pop/0/l3', /expected one of "ipv4"/],
  [{ pop: [{ leaf: true }] }, '/pop/0', /exchanged by pop and push/],
  [{ edit: [{}, { set: { dstPort: 80, icmpId: 1 } }] }, '/edit/1/set', /both ports and an ICMP echo/],
  [{ edit: [{ set: { ttl: { original: 0 } } }] }, '/edit/0/set/ttl/minus', /./],
  [{ edit: [{ set: { srcIp: '10.0.0.300' } }] }, '/edit/0/set/srcIp', /not an IPv4 or IPv6 address/],
  [{ edit: [{ translate: { from: 4, to: 6 }, set: { srcIp: '::1' } }] }, '/edit/0/translate', /both addresses/],
  [{ edit: [{ vlans: { push: [{ vid: 4096 }] } }] }, '/edit/0/vlans/push/0/vid', /VLAN identifier/],
  [{ edit: [{ set: { ecn: nested } }] }, `/edit/0/set/ecn${'/outer'.repeat(64)}`, /nested more than 64/],
  [{ push: [{ srcIp: '192.0.2.1', dstIp: '192.0.2.2', srcMac: '00:00:00:00:00:01', dstMac: '00:00:00:00:00:02', srcPort: 7 }] }, '/push/0/vni', /is missing/],
  [{ push: [{ srcIp: '192.0.2.1', dstIp: '192.0.2.2', srcMac: '00:00:00:00:00:01', dstMac: '00:00:00:00:00:02', srcPort: 7, vni: 1, tunnel: 'ipip' }] }, '/push/0/tunnel', /"geneve"/],
  [{ push: [{ srcIp: '192.0.2.1', dstIp: '192.0.2.2', srcMac: '00:00:00:00:00:01', dstMac: '00:00:00:00:00:02', srcPort: 7, vni: 1, options: '00' }] }, '/push/0', /vxlan has no options/],
  [{ quote: { set: { dscp: 1 } } }, '/quote/set/dscp', /unknown property/],
  [{ quote: { version: 6, set: { srcIp: '10.0.0.1' } } }, '/quote', /different IP versions/],
  [{ guard: [{ outer: 3, inner: 0 }] }, '', /never understands/],
]

for (const [i, [document, path, reason]] of REFUSED.entries()) {
  test(`transpositionFromJson: refuses no. ${i + 1}, ${JSON.stringify(document).slice(0, 80)}, at "${path.slice(0, 40)}"`, (t) => {
    const read = transpositionFromJson(document)
    if (read._tag === 'Right') return t.fail('it was accepted')
    const problem = read.left.problems.find((p) => p.path === path)
    if (problem === undefined) return t.fail(JSON.stringify(read.left.problems))
    t.regex(problem.reason, reason)
  })
}
