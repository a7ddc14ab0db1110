import test from 'ava'
import { isLeft } from 'fp-ts/lib/Either.js'
import { orThrow } from '../../src/errors.js'
import { compose, composeAll } from '../../src/transposition/compose.js'
import { decap, invalid, modify, pop, push, type PushSpec, quoted, requiring, translate, vlans } from '../../src/transposition/construct.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { identity } from '../../src/transposition/normal-form.js'
import { format } from '../../src/transposition/notation.js'
import { toJson } from '../../src/transposition/notation-json.js'
import { parseTransposition } from '../../src/transposition/notation-parse.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import type { VlanTag } from '../../src/wire/vlan.js'

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
  t.is(format(compose(modify({ srcIp: ipv6(0, 0, 0, 1), dstPort: 4789 }), pop())), 'pop[ipv6 ports udp:vxlan]')
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

test('format: every part has its words', (t) => {
  const tag = (vid: number, tpid = 0x8100): VlanTag => ({ tpid, vid, pcp: 3, dei: false })
  const texts: readonly (readonly [HeaderTransposition, string])[] = [
    [decap(), 'pop; 0: ecn=combine(0,1)'],
    [composeAll([decap(), pop()]), 'pop; pop; guard combine(0,1)'],
    [modify({ ttl: { original: 0, minus: 1 } }), '0: ttl=ttl(0)-1'],
    [modify({ dscp: { original: 1 } }), '0: dscp=copy(1)'],
    [vlans({ pop: 1, push: [tag(100)] }), '0: vlans -1 +8100:100:3'],
    [vlans({ pop: 'all', push: [tag(100, 0x88a8), { ...tag(7), dei: true }] }, 1), '1: vlans -all +88a8:100:3 +8100:7:3:dei'],
    [translate({ from: 4, to: 6 }, { srcIp: ipv6(0, 0, 0, 1), dstIp: ipv6(0, 0, 0, 2) }), '0: translate 4>6 srcIp=::1 dstIp=::2; quote: refused'],
    [quoted({ srcIp: ipv4(1), srcPort: 7 }), 'quote: [ipv4] srcIp=0.0.0.1 srcPort=7'],
    [modify({ tcpFlags: 2 }), '0: tcpFlags=2'],
    [modify({ echo: 'reply' }), '0: echo=reply'],
    [modify({ arpOperation: 2, arpSender: ipv4(1), arpTargetMac: 3 }), '0: arpOperation=2 arpSender=0.0.0.1 arpTargetMac=00:00:00:00:00:03'],
    [requiring({ l3: 'arp', tags: 1 }), '0: [arp tags:1]'],
    [modify({ ecn: { outer: 3, inner: { outer: { original: 0 }, inner: { original: 1 } } } }), '0: ecn=combine(ce,combine(0,1))'],
    [push({ ...spec, tunnel: 'gre', vni: 0 }), 'push gre(192.0.2.1>192.0.2.2 00:00:00:00:00:01>00:00:00:00:00:02 dscp=copy ecn=copy ttl=64)'],
    [push({ ...spec, tunnel: 'nvgre', srcPort: 0xc0_12, ttl: { original: 0, minus: 0 } }), 'push nvgre(vni=5001 192.0.2.1>192.0.2.2 00:00:00:00:00:01>00:00:00:00:00:02 sport=18 dscp=copy ecn=copy ttl=ttl(0))'],
    [
      push({ ...spec, tunnel: 'geneve', vlans: [tag(1), tag(2)], options: Uint8Array.from([0, 1, 2, 0]) }),
      'push geneve(vni=5001 192.0.2.1>192.0.2.2 00:00:00:00:00:01>00:00:00:00:00:02 vlans=8100:1:3,8100:2:3 sport=49152 dscp=copy ecn=copy ttl=64 options=00010200)',
    ],
  ]
  for (const [transposition, text] of texts) {
    t.is(format(transposition), text)
    t.deepEqual(parseTransposition(text), { _tag: 'Right', right: transposition })
  }
})

test('parseTransposition: says what is wrong and where', (t) => {
  const wrong: readonly (readonly [string, number, RegExp])[] = [
    ['', 0, /^a part is pop/],
    ['0: dstPort=80;', 14, /^a part is pop/],
    ['pop; 0: dstPort=70000', 5, /^dstPort is a number from 0 to 65535, not 70000/],
    ['0: dstPort=x', 3, /^"x" is no value of dstPort/],
    ['0: dstPort=80 dstPort=81', 14, /^dstPort is set once/],
    ['0: colour=red', 3, /^there is no field colour/],
    ['0: srcIp=10.0.0.1 dstIp=::1', 0, /different IP versions/],
    ['1: ttl=1; 0: ttl=1', 10, /ascending order/],
    ['0: ttl=1; pop', 10, /^pop stands in front of an edit/],
    ['pop[ipv4 red]', 9, /^a need is one of/],
    ['pop[ipv4 ipv6]', 9, /named before/],
    ['pop[leaf]', 3, /exchanged by pop and push/],
    ['0: vlans -1 +8100:5000:0', 0, /vid is a number from 0 to 4095/],
    ['0: vlans +81:1', 9, /^a tag is its TPID/],
    ['0: translate 4>7 srcIp=::1', 13, /^a translation is/],
    ['0: translate 4>6 srcIp=::1', 0, /both addresses/],
    ['quote: srcMac=00:00:00:00:00:01', 7, /^there is no field srcMac/],
    ['guard combine(0)', 6, /^a guard is a combination/],
    ['guard combine(ce,not-ect)', 0, /never understands/],
    ['push vxlan(192.0.2.1>::1 00:00:00:00:00:01>00:00:00:00:00:02)', 0, /different IP versions/],
    ['push vxlan(192.0.2.1 sport=1)', 11, /^a push says/],
    ['push ipip(192.0.2.1>192.0.2.2)', 4, /^a push is of a kind/],
    [`0: ecn=${'combine('.repeat(100_000)}`, 3, /is no value of ecn/],
  ]
  for (const [text, at, reason] of wrong) {
    const read = parseTransposition(text)
    if (read._tag === 'Right') {
      t.fail(`${text} is read`)
      continue
    }
    t.is(read.left.at, at, text)
    t.regex(read.left.reason, reason, text)
  }
})

test('notation: a tunnel\'s UDP port is written where it is not the standard one', (t) => {
  const text = (tunnel: string, dport: string): string => `push ${tunnel}(vni=5 192.0.2.1>192.0.2.2 00:00:00:00:00:01>00:00:00:00:00:02 sport=49152${dport} dscp=copy ecn=copy ttl=64)`
  for (const [tunnel, dport] of [['vxlan', ''], ['vxlan', ' dport=8472'], ['geneve', ''], ['geneve', ' dport=4789']] as const) t.is(format(orThrow(parseTransposition(text(tunnel, dport)))), text(tunnel, dport))
  t.is(format(orThrow(parseTransposition(text('vxlan', ' dport=4789')))), text('vxlan', ''))
  for (const [tunnel, dport] of [['vxlan', ' dport=0'], ['vxlan', ' dport=65536'], ['nvgre', ' dport=4789'], ['vxlan', ' dport=x']] as const) t.true(isLeft(parseTransposition(text(tunnel, dport))), dport)
})
