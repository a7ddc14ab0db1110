import { directory } from '@vfp-ts/core'
import { responder, type ResponderJson } from '@vfp-ts/layers'
import test from 'ava'
import { environment, groupsOf, lines, objections, rewritten } from '../support.js'

const GATEWAY = { ip: ['10.0.1.1', 'fd00::1'], mac: '12:34:56:78:9a:bc' }
const AS_READ = '{"ip":["10.0.1.1","fd00::1"],"mac":"12:34:56:78:9a:bc"}'
const OWN = '"own":["10.0.1.4","fd00::4"]'

test('responder: answers what the VM asks, for its gateways', (t) => {
  const groups = groupsOf(responder.layer, { gateways: [GATEWAY] })
  t.deepEqual(lines(groups, 'outbound'), [
    `100 arp: arpOperation = request -> answer-neighbour {"gateways":[${AS_READ}],${OWN},"otherwise":"pass"}`,
    `100 ndp: proto = icmpv6 and icmpType = 135 -> answer-neighbour {"gateways":[${AS_READ}],${OWN},"otherwise":"pass"}`,
    `100 echo: dstIp = 10.0.1.1 and proto = icmp and icmpType = 8 -> answer-echo {"gateways":[${AS_READ}]}`,
    `100 echo-v6: dstIp = fd00::1 and proto = icmpv6 and icmpType = 128 -> answer-echo {"gateways":[${AS_READ}]}`,
  ])
  t.deepEqual(lines(groups, 'inbound'), [])
})

test('responder: hears the network where told to, and is silent on echo where told to', (t) => {
  const ids = (json: ResponderJson): readonly string[] => groupsOf(responder.layer, json).flatMap((g) => g.rules.map((r) => `${g.direction} ${r.id ?? ''}`))
  t.deepEqual(ids({ gateways: [GATEWAY], asked: 'network', echo: false }), ['inbound arp', 'inbound ndp'])
  t.deepEqual(ids({ gateways: [{ ...GATEWAY, ip: '10.0.1.1' }], asked: 'both' }), ['outbound arp', 'outbound ndp', 'outbound echo', 'inbound arp', 'inbound ndp', 'inbound echo'])
})

test('responder: with neighbours drops questions for others, and by any it knows everybody', (t) => {
  const configs = (json: ResponderJson): string => lines(groupsOf(responder.layer, json, environment([directory('ca')])), 'outbound')[0] ?? ''
  t.regex(configs({ gateways: [], neighbours: [{ ip: '10.0.1.5', mac: '00:15:5d:00:00:05' }] }), /"otherwise":"drop","neighbours":\[\{"ip":"10\.0\.1\.5"/)
  t.regex(configs({ gateways: [], neighbours: { directory: 'ca', vni: 5001 } }), /"otherwise":"drop","neighbours":\{"vni":5001,"directory":"ca"\}/)
  t.regex(configs({ gateways: [GATEWAY], neighbours: 'any', otherwise: 'pass' }), /"otherwise":"pass","any":"12:34:56:78:9a:bc"/)
})

for (const [json, said] of [
  [{}, ['/gateways: is missing: expected a list of stations']],
  [{ gateways: [{ ip: '10.0.1.4', mac: '12:34:56:78:9a:bc' }] }, ['/gateways/0/ip: is an address of the port vm-1 itself']],
  [{ gateways: [GATEWAY, { ip: 'fd00::1', mac: '12:34:56:78:9a:bd' }] }, ["/gateways: an address of one of them is another's or a neighbour's, too"]],
  [{ gateways: [GATEWAY], neighbours: [{ ip: '10.0.1.1', mac: '00:15:5d:00:00:05' }] }, ["/gateways: an address of one of them is another's or a neighbour's, too"]],
  [{ gateways: [], neighbours: 'any' }, ['/gateways: the neighbours are to have the MAC of the first gateway, and there is none']],
  [{ gateways: [], neighbours: { directory: 'ca', vni: 5001, mac: 'gateway' } }, ['/gateways: the neighbours are to have the MAC of the first gateway, and there is none']],
  [{ gateways: [GATEWAY], neighbours: { directory: 'ca', vni: 5001 } }, ['/neighbours/directory: the switch was not opened with a resource named "ca"']],
  [{ gateways: [GATEWAY], neighbours: 'some' }, ['/neighbours: expected "any", a list of stations, or an object with a directory']],
  [{ gateways: [GATEWAY], neighbours: [{ ip: '10.0.1.5' }] }, ['/neighbours/0/mac: is missing: expected a MAC address as text']],
  [{ gateways: [GATEWAY], asked: 'all' }, ['/asked: expected "vm" or "network" or "both"']],
] as const) {
  test(`responder: refuses ${JSON.stringify(json)}`, (t) => { t.deepEqual(objections(responder.layer, json), said) })
}

test('responder: a gateway that is asked by the network may have the address of its port', (t) => {
  t.deepEqual(objections(responder.layer, { gateways: [{ ip: '10.0.1.4', mac: '12:34:56:78:9a:bc' }], asked: 'network' }), [])
})

test('responder: writes what it read', (t) => {
  for (const json of [
    { gateways: [GATEWAY], neighbours: 'any', echo: false },
    { gateways: [{ ip: '10.0.1.1', mac: '12:34:56:78:9a:bc' }], neighbours: [{ ip: '10.0.1.5', mac: '00:15:5d:00:00:05' }], otherwise: 'pass' },
    { gateways: [], neighbours: { directory: 'ca', vni: 5001, mac: 'mapping' }, asked: 'both' },
  ]) t.deepEqual(rewritten(responder.layer, json), json)
})
