import test from 'ava'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { dissect } from '../../src/wire/dissect.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import { formatFrame, type Frame, type HeaderGroup } from '../../src/wire/frame.js'
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
const plain: HeaderGroup = { eth, vlans: [], net, transport: udp }
const frame = (...groups: readonly HeaderGroup[]): Frame => ({ groups: [groups[0]!, ...groups.slice(1)], payload: hex('61') })

test('emit-frame: computes lengths and checksums', (t) => {
  t.deepEqual(
    right(emitFrame(frame(plain))),
    hex('00155d000002 00155d000001 0800 4500 001d 0001 4000 4011 26c7 0a000004 0a000005 c000 0035 0009 ca9d 61'),
  )
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
  ['two groups without a tunnel', frame(plain, plain), 'vxlan BadHeader'],
  ['a tunnel without UDP', frame({ ...vxlan, net: { ...net, protocol: 6 }, transport: tcp }, plain), 'vxlan BadHeader'],
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
