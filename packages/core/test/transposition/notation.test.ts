import { testProp } from '@fast-check/ava'
import test from 'ava'
import { wildTransposition } from '../../src/testing/transposition-arbitraries.js'
import { compose, composeAll } from '../../src/transposition/compose.js'
import { invalid, modify, pop, push, type PushSpec } from '../../src/transposition/construct.js'
import { equals, identity } from '../../src/transposition/normal-form.js'
import { format, toJson } from '../../src/transposition/notation.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'

const spec: PushSpec = { dstMac: 2, srcMac: 1, srcIp: ipv4(0xc0000201), dstIp: ipv4(0xc0000202), srcPort: 49152, vni: 5001 }
const TUNNEL = 'push vxlan(vni=5001 192.0.2.1>192.0.2.2 00:00:00:00:00:01>00:00:00:00:00:02 sport=49152 dscp=copy ecn=copy ttl=64)'

test('format: the identity and an invalid transposition have words of their own', (t) => {
  t.is(format(identity), 'identity')
  t.is(format(invalid('no such thing')), 'invalid: no such thing')
})

test('format: pops, edits and pushes stand in the order in which they act', (t) => {
  const all = composeAll([pop(), modify({ dstIp: ipv4(0x0a000005), dstPort: 8080 }), push(spec)])
  t.is(format(all), `pop; 0: dstIp=10.0.0.5 dstPort=8080; ${TUNNEL}`)
})

test('format: groups that stay untouched are not named, their number is', (t) => {
  t.is(format(modify({ srcMac: 0x00155d000001, srcIp: ipv6(0x20010db8, 0, 0, 1) }, 2)), '2: srcMac=00:15:5d:00:00:01 srcIp=2001:db8::1')
})

test('format: needs beyond what is done are in brackets', (t) => {
  t.is(format(compose(modify({ srcIp: ipv6(0, 0, 0, 1), dstPort: 4789 }), pop())), 'pop[ipv6]')
  t.is(format(compose(modify({ dstPort: 4789 }), modify({ dstPort: 80 }))), '0: [udp:none] dstPort=80')
})

test('format: a copy from another group names it', (t) => {
  const p = push({ ...spec, dscp: { original: 1 }, ecn: 0 })
  t.true(format(p).endsWith('dscp=copy(1) ecn=0 ttl=64)'))
})

test('toJson: addresses are text, copies name their group', (t) => {
  t.deepEqual(toJson(composeAll([pop(), modify({ dstIp: ipv4(0x0a000005), dstPort: 8080 }), push(spec)])), {
    pop: [{ tunnel: true }],
    edit: [{ need: { l3: 'ipv4', l4: 'ports', udp: 'plain' }, set: { dstIp: '10.0.0.5', dstPort: 8080 } }],
    push: [{
      tunnel: 'vxlan', vni: 5001, srcIp: '192.0.2.1', dstIp: '192.0.2.2', srcMac: '00:00:00:00:00:01', dstMac: '00:00:00:00:00:02',
      srcPort: 49152, dscp: { original: 1 }, ecn: { original: 1 }, ttl: 64,
    }],
  })
  t.deepEqual(toJson(invalid('no')), { invalid: 'no' })
})

testProp('format: text and JSON tell apart what is different, and agree in it', [wildTransposition(), wildTransposition()], (t, a, b) => {
  const same = equals(a, b)
  if (a._tag === 'Transposition' || b._tag === 'Transposition') {
    t.is(format(a) === format(b), same)
    t.is(JSON.stringify(toJson(a)) === JSON.stringify(toJson(b)), same)
  } else {
    t.is(format(a) === format(b), JSON.stringify(toJson(a)) === JSON.stringify(toJson(b)))
  }
})
