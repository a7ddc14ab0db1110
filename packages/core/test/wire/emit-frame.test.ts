import test from 'ava'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { dissect } from '../../src/wire/dissect.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import { formatFrame, type Frame, type HeaderGroup } from '../../src/wire/frame.js'
import type { Geneve, GeneveOption } from '../../src/wire/geneve.js'
import type { Gre } from '../../src/wire/gre.js'
import type { Ipv4 } from '../../src/wire/ipv4.js'
import type { Ipv6 } from '../../src/wire/ipv6.js'
import type { Tcp } from '../../src/wire/tcp.js'
import type { Udp } from '../../src/wire/udp.js'
import { hex, left, right } from './hex.js'

const none = new Uint8Array(0)
const eth = { destination: 0x00155d000002, source: 0x00155d000001, etherType: 0x0800 }
const net: Ipv4 = {
  kind: 'ipv4', source: ipv4(0x0a000004), destination: ipv4(0x0a000005), protocol: 17, ttl: 64, dscp: 0, ecn: 0, identification: 1,
  dontFragment: true, moreFragments: false, reservedFlag: false, fragmentOffset: 0, options: none,
}
const net6: Ipv6 = {
  kind: 'ipv6', source: ipv6(0xfd000000, 0, 0, 4), destination: ipv6(0xfd000000, 0, 0, 5), protocol: 17, hopLimit: 64, dscp: 0, ecn: 0,
  flowLabel: 0, extensions: [],
}
const udp: Udp = { kind: 'udp', sourcePort: 49152, destinationPort: 53 }
const tcp: Tcp = {
  kind: 'tcp', sourcePort: 49152, destinationPort: 443, sequence: 1, acknowledgment: 0, flags: 2, reserved: 0, window: 65535, urgent: 0, options: none,
}
const vxlan: HeaderGroup = {
  eth, vlans: [], net, transport: { kind: 'udp', sourcePort: 50000, destinationPort: 4789, checksum: 0 },
  tunnel: { kind: 'vxlan', vni: 5001, reserved: 0, reservedLow: 0 },
}
const geneveHeader: Geneve = { kind: 'geneve', vni: 5001, protocolType: 0x6558, control: false, options: [], reserved: 0, reservedLow: 0 }
const withGeneve = (change: Partial<Geneve>): HeaderGroup =>
  ({ ...vxlan, transport: { ...udp, destinationPort: 6081 }, tunnel: { ...geneveHeader, ...change } })
const geneve = withGeneve({})
const option = (length: number): GeneveOption => ({ class: 0x0102, type: 1, reserved: 0, data: new Uint8Array(length) })
const withGre = (change: Partial<Gre>): HeaderGroup =>
  ({ eth, vlans: [], net: { ...net, protocol: 47 }, tunnel: { kind: 'gre', protocolType: 0x6558, reserved: 0, ...change } })
const gre = withGre({})
const plain: HeaderGroup = { eth, vlans: [], net, transport: udp }
const frame = (...groups: readonly HeaderGroup[]): Frame => ({ groups: [groups[0]!, ...groups.slice(1)], payload: hex('61') })

test('emit-frame: computes lengths and checksums', (t) => {
  t.deepEqual(
    right(emitFrame(frame(plain))),
    hex('00155d000002 00155d000001 0800 4500 001d 0001 4000 4011 26c7 0a000004 0a000005 c000 0035 0009 ca9d 61'),
  )
})

test('emit-frame: writes GRE and NVGRE right behind IP, and Geneve with its options behind UDP', (t) => {
  const nvgre: HeaderGroup = { ...gre, tunnel: { kind: 'nvgre', vni: 5001, flowId: 7, reserved: 0 } }
  const whole = right(emitFrame(frame(plain)))
  t.deepEqual(right(emitFrame(frame(gre, plain))).subarray(34), Uint8Array.of(...hex('0000 6558'), ...whole))
  t.deepEqual(right(emitFrame(frame(nvgre, plain))).subarray(34), Uint8Array.of(...hex('2000 6558 001389 07'), ...whole))
  const optioned = right(emitFrame(frame(withGeneve({ options: [{ ...option(4), type: 0x81 }] }), plain)))
  t.deepEqual(optioned.subarray(42), Uint8Array.of(...hex('02 40 6558 001389 00 0102 81 01 00000000'), ...whole))
})

test('emit-frame: leaves headroom before the frame', (t) => {
  const bytes = right(emitFrame(frame(vxlan, plain), { headroom: 50 }))
  t.deepEqual(bytes.subarray(0, 50), new Uint8Array(50))
  t.deepEqual(bytes.subarray(50), right(emitFrame(frame(vxlan, plain))))
})

test('emit-frame: sends a computed UDP checksum of 0 as ffff', (t) => {
  // the data word that makes the sum ffff
  const bytes = right(emitFrame({ groups: [plain], payload: hex('2b9c') }))
  t.deepEqual(bytes.subarray(40, 42), hex('ffff'))
  const { transport } = right(dissect(bytes)).groups[0]
  t.is(transport?.checksum, undefined)
})

test('emit-frame: writes a given checksum as it is', (t) => {
  const bytes = right(emitFrame(frame({ ...plain, net: { ...net, checksum: 0x1234 }, transport: { ...udp, checksum: 0x5678 } })))
  t.deepEqual([bytes[24], bytes[25], bytes[40], bytes[41]], [0x12, 0x34, 0x56, 0x78])
})

test('dissect: keeps a wrong transport checksum, and the length of a first fragment', (t) => {
  const fragment: Frame = { groups: [{ ...plain, net: { ...net, moreFragments: true }, transport: { ...udp, length: 1480, checksum: 7 } }], payload: hex('61') }
  t.deepEqual(right(dissect(right(emitFrame(fragment)))), fragment)
  const wrong = frame({ ...plain, transport: { ...udp, checksum: 7 } })
  t.deepEqual(right(dissect(right(emitFrame(wrong)))), wrong)
})

const contradictions: readonly (readonly [string, Frame, string])[] = [
  ['four header groups', frame(vxlan, vxlan, vxlan, plain), 'ethernet UnsupportedProtocol'],
  ['three tags', frame({ ...plain, vlans: Array.from({ length: 3 }, () => ({ tpid: 0x8100, pcp: 0, dei: false, vid: 1 })) }), 'vlan UnsupportedProtocol'],
  ['an EtherType of another protocol', frame({ ...plain, net: net6 }), 'ethernet BadHeader'],
  ['a tunnel around nothing', frame(vxlan), 'vxlan BadHeader'],
  ['two groups without a tunnel', frame(plain, plain), 'ethernet BadHeader'],
  ['a tunnel without UDP', frame({ ...vxlan, net: { ...net, protocol: 6 }, transport: tcp }, plain), 'vxlan BadHeader'],
  ['VXLAN behind the port of Geneve', frame({ ...vxlan, transport: { ...udp, destinationPort: 6081 } }, plain), 'vxlan BadHeader'],
  ['Geneve behind the port of VXLAN', frame({ ...geneve, transport: { ...udp, destinationPort: 4789 } }, plain), 'geneve BadHeader'],
  ['Geneve over GRE', frame({ ...gre, tunnel: geneve.tunnel! }, plain), 'geneve BadHeader'],
  ['Geneve that carries IPv4', frame(withGeneve({ protocolType: 0x0800 }), plain), 'geneve BadHeader'],
  ['a Geneve control packet around a frame', frame(withGeneve({ control: true }), plain), 'geneve BadHeader'],
  ['Geneve option data of three bytes', frame(withGeneve({ options: [option(3)] }), plain), 'geneve BadLength'],
  ['Geneve option data of 128 bytes', frame(withGeneve({ options: [option(128)] }), plain), 'geneve BadLength'],
  ['256 bytes of Geneve options', frame(withGeneve({ options: [option(124), option(124)] }), plain), 'geneve BadLength'],
  ['GRE behind UDP', frame({ ...gre, net, transport: udp }, plain), 'gre BadHeader'],
  ['GRE that IP does not announce', frame({ ...gre, net }, plain), 'gre BadHeader'],
  ['GRE without IP', frame({ eth, vlans: [], tunnel: gre.tunnel! }, plain), 'gre BadHeader'],
  ['GRE in a fragment', frame({ ...gre, net: { ...net, protocol: 47, fragmentOffset: 8 } }, plain), 'gre BadHeader'],
  ['GRE that carries IPv4', frame(withGre({ protocolType: 0x0800 }), plain), 'gre BadHeader'],
  ['GRE with a checksum around a frame', frame(withGre({ checksum: { value: 0, reserved: 0 } }), plain), 'gre BadHeader'],
  ['GRE with a key that is not called NVGRE', frame(withGre({ key: 0 }), plain), 'gre BadHeader'],
  ['GRE with a sequence number around a frame', frame(withGre({ sequence: 0 }), plain), 'gre BadHeader'],
  ['NVGRE behind TCP', frame({ ...gre, net: { ...net, protocol: 6 }, transport: tcp, tunnel: { kind: 'nvgre', vni: 1, flowId: 2, reserved: 0 } }, plain), 'nvgre BadHeader'],
  ['a tunnel in a fragment', frame({ ...vxlan, net: { ...net, moreFragments: true } }, plain), 'vxlan BadHeader'],
  ['options of six bytes', frame({ ...plain, net: { ...net, options: new Uint8Array(6) } }), 'ipv4 BadLength'],
  ['TCP options of 44 bytes', frame({ ...plain, net: { ...net, protocol: 6 }, transport: { ...tcp, options: new Uint8Array(44) } }), 'tcp BadLength'],
  ['another protocol than the transport header', frame({ ...plain, transport: tcp }), 'tcp BadHeader'],
  ['ICMP over IPv6', frame({ eth: { ...eth, etherType: 0x86dd }, vlans: [], net: { ...net6, protocol: 1 }, transport: { kind: 'icmp', type: 8, code: 0, rest: 0 } }), 'icmp BadHeader'],
  ['a transport header without a network header', frame({ eth, vlans: [], transport: udp }), 'udp BadHeader'],
  ['a transport header in a later fragment', frame({ ...plain, net: { ...net, fragmentOffset: 8 } }), 'udp BadHeader'],
  ['an extension header of seven bytes', frame({ eth: { ...eth, etherType: 0x86dd }, vlans: [], net: { ...net6, extensions: [{ kind: 'destination', options: new Uint8Array(5) }] } }), 'ipv6-extension BadLength'],
  ['nine extension headers', frame({ eth: { ...eth, etherType: 0x86dd }, vlans: [], net: { ...net6, extensions: Array.from({ length: 9 }, () => ({ kind: 'destination' as const, options: new Uint8Array(6) })) } }), 'ipv6-extension UnsupportedProtocol'],
  ['more than a length field counts', { groups: [plain], payload: new Uint8Array(65508) }, 'ipv4 BadLength'],
]
for (const [title, value, expected] of contradictions)
  test(`emit-frame: answers ${expected} for ${title}`, (t) => {
    const error = left(emitFrame(value))
    t.is(`${error.protocol} ${error.reason}`, expected)
  })

test('emit-frame: fills the length fields to their ends', (t) => {
  t.is(right(emitFrame({ groups: [plain], payload: new Uint8Array(65507) })).length, 14 + 65535)
  const six = { eth: { ...eth, etherType: 0x86dd }, vlans: [], net: net6, transport: udp }
  t.is(right(emitFrame({ groups: [six], payload: new Uint8Array(65527) })).length, 14 + 40 + 65535)
})

test('frame: shows a line a header, what is encapsulated indented', (t) => {
  const tagged = { ...plain, vlans: [{ tpid: 0x8100, pcp: 0, dei: false, vid: 7 }], trailer: new Uint8Array(13) }
  t.is(
    formatFrame(frame(vxlan, tagged)),
    [
      'Ethernet 00:15:5d:00:00:01 > 00:15:5d:00:00:02, type 0x0800',
      'IPv4 10.0.0.4 > 10.0.0.5, UDP, ttl 64, id 1, DF',
      'UDP 50000 > 4789, no checksum',
      'VXLAN vni 5001',
      '  Ethernet 00:15:5d:00:00:01 > 00:15:5d:00:00:02, type 0x0800, trailer 13 bytes',
      '  802.1Q vlan 7, priority 0',
      '  IPv4 10.0.0.4 > 10.0.0.5, UDP, ttl 64, id 1, DF',
      '  UDP 49152 > 53',
      '  payload 1 bytes',
    ].join('\n'),
  )
})
