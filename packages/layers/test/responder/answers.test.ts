import { type CustomerAddress, directory, type Directory, manualClock, type Mapping, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { guard, responder, type ResponderJson } from '@vfp-ts/layers'
import { lateResource } from '@vfp-ts/core/testing'
import test from 'ava'
import { frame, show } from '../frames.js'
import { ip, mac } from '../support.js'
import { answered, inWords, solicitation, VM, whoHas } from './questions.js'

const MAC = '12:34:56:78:9a:bc'
const GATEWAY = { ip: ['10.0.1.1', 'fd00::1'], mac: MAC }

const asking = (json: ResponderJson, resources: Readonly<Record<string, Directory>> = {}): Port => {
  const port = orThrow(openSwitch({ clock: manualClock(), resources }).addPort({ name: 'vm-1', mac: VM, ip: ['10.0.1.4', 'fd00::4'] }))
  orThrow(orThrow(port.addLayer(guard.layer, { order: 5 })).update(guard.policy({})))
  orThrow(orThrow(port.addLayer(responder.layer, { order: 7 })).update(responder.policy(json)))
  return port
}

test('responder: says where the gateway is', (t) => {
  const port = asking({ gateways: [GATEWAY] })
  t.deepEqual(answered(port, whoHas('10.0.1.1')), [
    'reply to vm', `Ethernet ${MAC} > ${VM}, type 0x0806`, `ARP 10.0.1.1 is-at ${MAC}`,
  ])
  t.deepEqual(answered(port, solicitation('fd00::1')), [
    'reply to vm', `Ethernet ${MAC} > ${VM}, type 0x86dd`, 'IPv6 fd00::1 > fd00::4, ICMPv6, hop limit 255', 'ICMPv6 neighbor advertisement',
    `neighbor advertisement, fd00::1, router, solicited, override, target ${MAC}`,
  ])
  t.deepEqual(port.counters().drops, {})
})

test('responder: ARP is answered from the cache, and each in its own words', (t) => {
  const port = asking({ gateways: [GATEWAY, { ip: '10.0.1.2', mac: '12:34:56:78:9a:be' }] })
  for (let i = 0; i < 3; i++) answered(port, whoHas('10.0.1.1'))
  t.is(answered(port, whoHas('10.0.1.2'))[2], 'ARP 10.0.1.2 is-at 12:34:56:78:9a:be')
  t.like(port.counters(), { slow: 2, fast: 2 })
})

test('responder: answers behind the tags that it was asked behind', (t) => {
  const port = asking({ gateways: [GATEWAY] })
  const vlans = [{ tpid: 0x8100, pcp: 3, dei: false, vid: 7 }]
  for (const asked of [whoHas('10.0.1.1', '10.0.1.4', vlans), solicitation('fd00::1', 'fd00::4', { vlans })]) {
    t.is(answered(port, asked)[2], '802.1Q vlan 7, priority 3')
  }
})

test('responder: tells the VM of neighbours that are listed, and that others are not there', (t) => {
  const port = asking({ gateways: [GATEWAY], neighbours: [{ ip: ['10.0.1.5', 'fd00::5'], mac: '00:15:5d:00:00:05' }] })
  t.is(answered(port, whoHas('10.0.1.5'))[2], 'ARP 10.0.1.5 is-at 00:15:5d:00:00:05')
  // Spoken for by another: its own answer would win.
  t.is(answered(port, solicitation('fd00::5')).at(-1), 'neighbor advertisement, fd00::5, solicited, target 00:15:5d:00:00:05')
  t.deepEqual([answered(port, whoHas('10.0.1.6')), answered(port, solicitation('fd00::6'))], [['NoSuchNeighbour'], ['NoSuchNeighbour']])
})

test('responder: knows whom the directory knows, and what it learns later', (t) => {
  const ca = directory('ca')
  const add = (mac: string): void => { orThrow(ca.add({ vni: 5001, ip: '10.0.1.5', at: [{ pa: '192.0.2.5', mac }] })) }
  const port = asking({ gateways: [GATEWAY], neighbours: { directory: 'ca', vni: 5001 } }, { ca })
  t.deepEqual(answered(port, whoHas('10.0.1.5')), ['NoSuchNeighbour'])
  add('00:15:5d:00:00:05')
  t.is(answered(port, whoHas('10.0.1.5'))[2], 'ARP 10.0.1.5 is-at 00:15:5d:00:00:05')
  add('00:15:5d:00:00:06')
  t.is(answered(port, whoHas('10.0.1.5'))[2], 'ARP 10.0.1.5 is-at 00:15:5d:00:00:06')
  ca.remove({ vni: 5001, ip: ip('10.0.1.5') })
  t.deepEqual(answered(port, whoHas('10.0.1.5')), ['NoSuchNeighbour'])
  const proxied = asking({ gateways: [GATEWAY], neighbours: { directory: ca, vni: 5001, mac: 'gateway' } })
  t.deepEqual(answered(proxied, whoHas('10.0.1.5')), ['NoSuchNeighbour'])
  add('00:15:5d:00:00:05')
  t.is(answered(proxied, whoHas('10.0.1.5'))[2], `ARP 10.0.1.5 is-at ${MAC}`)
})

test('responder: a question waits for a directory that does not know yet, and its answer leaves as one', (t) => {
  const clock = manualClock()
  const late = lateResource('late', ({ ip: { words } }: CustomerAddress): Mapping | undefined => (
    words[3] === ip('10.0.1.5').words[3] ? { endpoints: [{ pa: ip('192.0.2.5'), mac: mac('00:15:5d:00:00:05') }] } : undefined
  ), clock, { seed: 1, maxDelayUs: 10 })
  const left: string[] = []
  const host = openSwitch({ clock, environment: { released: (_port, to, why, bytes) => { left.push(`${why} to ${to}: ${inWords(bytes).at(-1) ?? ''}`) } } })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: VM, ip: ['10.0.1.4'] }))
  orThrow(orThrow(port.addLayer(responder.layer, { order: 7 })).update(responder.policy({ gateways: [], neighbours: { directory: late, vni: 5001 } })))
  t.deepEqual(['10.0.1.5', '10.0.1.6'].map((target) => port.process('outbound', whoHas(target)).outcome._tag), ['Pending', 'Pending'])
  clock.advanceUs(20)
  late.deliver()
  t.deepEqual(left, ['reply to vm: ARP 10.0.1.5 is-at 00:15:5d:00:00:05'])
  t.deepEqual(port.counters().drops, { NoSuchNeighbour: 1 })
})

test('responder: what a directory by name only holds need not be mappings', (t) => {
  const odd = { name: 'ca', lookup: () => ({ _tag: 'Found' as const, value: { endpoints: [{ mac: 'nobody' }] }, cell: { version: 0 } }) }
  const port = orThrow(openSwitch({ resources: { ca: odd } }).addPort({ name: 'vm-1', mac: VM }))
  orThrow(orThrow(port.addLayer(responder.layer, { order: 7 })).updateJson({ gateways: [], neighbours: { directory: 'ca', vni: 1 } }))
  t.deepEqual(answered(port, whoHas('10.0.1.5')), ['NoSuchNeighbour'])
})

test('responder: never says where the VM itself is, whatever it asks', (t) => {
  const port = asking({ gateways: [GATEWAY], neighbours: 'any' })
  t.is(answered(port, whoHas('10.9.9.9'))[2], `ARP 10.9.9.9 is-at ${MAC}`)
  // An announcement, a probe for its own address, and the same of IPv6.
  for (const own of [whoHas('10.0.1.4'), whoHas('10.0.1.4', '0.0.0.0'), solicitation('fd00::4', '::'), solicitation('fd00::4', 'fd00::4')]) {
    t.deepEqual(answered(port, own), ['passed'])
  }
})

test('responder: defends the addresses of gateways, and of nobody else', (t) => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: VM, ip: ['10.0.1.4', 'fd00::4'] }))
  orThrow(orThrow(port.addLayer(responder.layer, { order: 7 })).update(responder.policy({ gateways: [GATEWAY], neighbours: 'any' })))
  t.is(answered(port, whoHas('10.0.1.1', '0.0.0.0'))[2], `ARP 10.0.1.1 is-at ${MAC}`)
  t.deepEqual(answered(port, solicitation('fd00::1', '::')), [
    'reply to vm', `Ethernet ${MAC} > 33:33:00:00:00:01, type 0x86dd`, 'IPv6 fd00::1 > ff02::1, ICMPv6, hop limit 255', 'ICMPv6 neighbor advertisement',
    `neighbor advertisement, fd00::1, router, override, target ${MAC}`,
  ])
  t.deepEqual([answered(port, whoHas('10.0.1.9', '0.0.0.0')), answered(port, solicitation('fd00::9', '::'))], [['passed'], ['passed']])
})

test('responder: a solicitation that no receiver may act on has no answer', (t) => {
  const port = asking({ gateways: [GATEWAY] })
  t.deepEqual(answered(port, solicitation('fd00::1', 'fd00::4', { hopLimit: 254 })), ['NoReply'])
  const damaged = solicitation('fd00::1')
  damaged[damaged.length - 1]! ^= 1
  t.deepEqual(answered(port, damaged), ['NoReply'])
  t.deepEqual(port.counters().drops, { NoReply: 2 })
})

for (const [six, from, to] of [[false, '10.0.1.4:7', '10.0.1.1'], [true, '[fd00::4]:7', '[fd00::1]']] as const) {
  test(`responder: gives back what a ping of IPv${six ? 6 : 4} brought`, (t) => {
    const port = asking({ gateways: [GATEWAY] })
    const sent = frame({ from, to, proto: 'icmp', fromMac: VM, toMac: MAC, bytes: 1001, ecn: 1 })
    const { outputs } = port.process('outbound', sent)
    t.deepEqual(outputs.map((o) => `${o.why} to ${o.to}`), ['reply to vm'])
    t.deepEqual(answered(port, sent).slice(1), [
      `Ethernet ${MAC} > ${VM}, type 0x${six ? '86dd' : '0800'}`,
      six ? 'IPv6 fd00::1 > fd00::4, ICMPv6, hop limit 64' : 'IPv4 10.0.1.1 > 10.0.1.4, ICMP, ttl 64, id 7, DF',
      `ICMP${six ? 'v6' : ''} echo reply, id 7, seq 1`, 'payload 1001 bytes',
    ])
    t.deepEqual(outputs[0]?.frame.slice(-1001), sent.slice(-1001))
  })
}

test('responder: an echo request that is damaged comes back damaged', (t) => {
  const port = asking({ gateways: [GATEWAY] })
  const sent = frame({ from: '10.0.1.4:7', to: '10.0.1.1', proto: 'icmp', fromMac: VM, toMac: MAC })
  sent[sent.length - 1]! ^= 1
  t.deepEqual(port.process('outbound', sent).outputs.map((o) => show(o.frame)), ['10.0.1.1 > 10.0.1.4 icmp BAD CHECKSUM'])
})

test('responder: the reply to a ping of nothing but zeros has the checksum of zeros', (t) => {
  const port = asking({ gateways: [GATEWAY] })
  const sent = frame({ from: '10.0.1.4:7', to: '10.0.1.1', proto: 'icmp', fromMac: VM, toMac: MAC, bytes: 3 })
  sent.set([8, 0, 0xf7, 0xff, 0, 0, 0, 0, 0, 0, 0], 34)
  t.deepEqual(port.process('outbound', sent).outputs.map((o) => [...o.frame.subarray(34)]), [[0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]])
})

test('responder: echo goes past the gateway to others, and past it where it is told not to answer', (t) => {
  const ping = (to: string): Uint8Array => frame({ from: '10.0.1.4:7', to, proto: 'icmp', fromMac: VM, toMac: MAC })
  t.deepEqual(answered(asking({ gateways: [GATEWAY] }), ping('10.0.1.5')), ['passed'])
  t.deepEqual(answered(asking({ gateways: [GATEWAY], echo: false }), ping('10.0.1.1')), ['passed'])
})

test('responder: explains whose answer it is', (t) => {
  const port = asking({ gateways: [GATEWAY] })
  t.is(port.explain('outbound', whoHas('10.0.1.1')).verdict, `reply by ARP is-at ${MAC}`)
})
