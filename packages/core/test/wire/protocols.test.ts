/** Known bytes of every protocol: each is read to its representation, shown, and written back. */
import test from 'ava'
import type { Either } from 'fp-ts/lib/Either.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { emitArp, formatArp, parseArp } from '../../src/wire/arp.js'
import { emitEthernet, formatEthernet, parseEthernet } from '../../src/wire/ethernet.js'
import { emitGeneve, formatGeneve, parseGeneve } from '../../src/wire/geneve.js'
import { emitGre, formatGre, parseGre } from '../../src/wire/gre.js'
import { emitIcmp, formatIcmp, parseIcmp } from '../../src/wire/icmp.js'
import { emitIcmpv6, formatIcmpv6, parseIcmpv6 } from '../../src/wire/icmpv6.js'
import { emitIpv4, formatIpv4, parseIpv4 } from '../../src/wire/ipv4.js'
import { emitExtension, formatExtension, parseExtension } from '../../src/wire/ipv6-extension.js'
import { emitIpv6, formatIpv6, parseIpv6 } from '../../src/wire/ipv6.js'
import { emitNvgre, formatNvgre, parseNvgre } from '../../src/wire/nvgre.js'
import { emitTcp, formatTcp, parseTcp } from '../../src/wire/tcp.js'
import { emitUdp, formatUdp, parseUdp } from '../../src/wire/udp.js'
import { emitVlan, formatVlan, parseVlan } from '../../src/wire/vlan.js'
import { emitVxlan, formatVxlan, parseVxlan } from '../../src/wire/vxlan.js'
import { renderWireError, type Parsed, type WireError } from '../../src/wire/wire-error.js'
import { hex, left, right } from './hex.js'

interface Example<A> {
  readonly name: string
  readonly bytes: Uint8Array
  /** Bytes behind the header that its length field counts. */
  readonly data?: number
  readonly parse: (bytes: Uint8Array, at: number, end: number) => Either<WireError, Parsed<A>>
  readonly emit: (repr: A, bytes: Uint8Array, at: number) => void
  readonly format: (repr: A) => string
  readonly repr: A
  readonly shown: string
  /** Shortest prefix that can be read, where it is not the whole. */
  readonly needs?: number
}

const checkExample = <A>({ name, bytes, parse, emit, format, repr, shown, data = 0, needs = bytes.length }: Example<A>): void => {
  test(`${name}: reads, shows and writes known bytes`, (t) => {
    const at = 3
    const placed = new Uint8Array(at + bytes.length + data)
    placed.set(bytes, at)
    const parsed = right(parse(placed, at, placed.length))
    t.deepEqual(parsed.repr, repr)
    t.is(parsed.next, at + bytes.length)
    t.is(format(repr), shown)
    const written = new Uint8Array(placed.length)
    emit(repr, written, at)
    t.deepEqual(written, placed)
  })

  test(`${name}: answers Truncated for every shorter prefix`, (t) => {
    for (let length = 0; length < needs; length++) {
      const error = left(parse(bytes, 0, length))
      t.is(error.reason, 'Truncated', `${length} bytes`)
      t.is(error.offset, 0)
    }
  })
}

const macA = 0x00155d000001
const macB = 0x00155d000002

checkExample({
  name: 'ethernet', bytes: hex('00155d000002 00155d000001 0800'), parse: parseEthernet, emit: emitEthernet, format: formatEthernet,
  repr: { destination: macB, source: macA, etherType: 0x0800 },
  shown: 'Ethernet 00:15:5d:00:00:01 > 00:15:5d:00:00:02, type 0x0800',
})

checkExample({
  name: 'vlan', bytes: hex('88a8 7064'), data: 2, parse: parseVlan, emit: emitVlan, format: formatVlan,
  repr: { tpid: 0x88a8, pcp: 3, dei: true, vid: 100 },
  shown: '802.1ad vlan 100, priority 3, drop eligible',
})

checkExample({
  name: 'arp', bytes: hex('0001 0800 06 04 0001 00155d000001 0a000004 000000000000 0a000005'), parse: parseArp, emit: emitArp, format: formatArp,
  repr: { kind: 'arp', operation: 1, senderMac: macA, senderIp: ipv4(0x0a000004), targetMac: 0, targetIp: ipv4(0x0a000005) },
  shown: 'ARP who-has 10.0.0.5 tell 10.0.0.4',
})

checkExample({
  name: 'arp of IEEE 802', bytes: hex('0006 0800 06 04 0002 00155d000001 0a000004 00155d000002 0a000005'), parse: parseArp, emit: emitArp, format: formatArp,
  repr: { kind: 'arp', hardware: 6, operation: 2, senderMac: macA, senderIp: ipv4(0x0a000004), targetMac: macB, targetIp: ipv4(0x0a000005) },
  shown: 'ARP 10.0.0.4 is-at 00:15:5d:00:00:01',
})

checkExample({
  name: 'ipv4', bytes: hex('46b9 0020 1234 4000 4006 7ede 0a000004 0a000005 94040000'), data: 8, needs: 24,
  parse: parseIpv4, emit: (repr, bytes, at) => emitIpv4(repr, 32, bytes, at), format: formatIpv4,
  repr: {
    kind: 'ipv4', source: ipv4(0x0a000004), destination: ipv4(0x0a000005), protocol: 6, ttl: 64, dscp: 46, ecn: 1, identification: 0x1234,
    dontFragment: true, moreFragments: false, reservedFlag: false, fragmentOffset: 0, options: hex('94040000'),
  },
  shown: 'IPv4 10.0.0.4 > 10.0.0.5, TCP, ttl 64, id 4660, dscp 46, ecn 1, DF, options 4 bytes',
})

checkExample({
  name: 'ipv6', bytes: hex('6b8a bcde 0008 3a40 fd000000000000000000000000000004 20010db8000000000000000000000001'), data: 8, needs: 40,
  parse: parseIpv6, emit: (repr, bytes, at) => emitIpv6(repr, 8, bytes, at), format: formatIpv6,
  repr: {
    kind: 'ipv6', source: ipv6(0xfd000000, 0, 0, 4), destination: ipv6(0x20010db8, 0, 0, 1), protocol: 58, hopLimit: 64, dscp: 46, ecn: 0,
    flowLabel: 0xabcde, extensions: [],
  },
  shown: 'IPv6 fd00::4 > 2001:db8::1, ICMPv6, hop limit 64, dscp 46, flow label 0xabcde',
})

const extension = (protocol: number, next: number) => ({
  parse: (bytes: Uint8Array, at: number, end: number) => parseExtension(bytes, at, end, protocol),
  emit: (repr: Parameters<typeof formatExtension>[0], bytes: Uint8Array, at: number) => emitExtension(repr, next, bytes, at),
  format: formatExtension,
})

checkExample({
  name: 'ipv6-extension hop-by-hop', bytes: hex('3a00 0502 0000 0100'), ...extension(0, 58),
  repr: { kind: 'hop-by-hop', options: hex('0502 0000 0100') }, shown: 'hop-by-hop options 6 bytes',
})
checkExample({
  name: 'ipv6-extension routing', bytes: hex('0602 0200 00000000 fd000000000000000000000000000009'), ...extension(43, 6),
  repr: { kind: 'routing', type: 2, segmentsLeft: 0, data: hex('00000000 fd000000000000000000000000000009') }, shown: 'routing type 2, 0 left',
})
checkExample({
  name: 'ipv6-extension fragment', bytes: hex('11ff 05af 12345678'), ...extension(44, 17),
  repr: { kind: 'fragment', offset: 1448, more: true, identification: 0x12345678, reserved: 0x3ff },
  shown: 'fragment at 1448, more follow, id 305419896',
})
checkExample({
  name: 'ipv6-extension authentication', bytes: hex('0604 0000 00000100 00000002 0102030405060708090a0b0c'), ...extension(51, 6),
  repr: { kind: 'authentication', reserved: 0, spi: 256, sequence: 2, icv: hex('0102030405060708090a0b0c') }, shown: 'AH spi 256, seq 2',
})
checkExample({
  name: 'ipv6-extension destination', bytes: hex('1101 010c 000000000000 000000000000'), ...extension(60, 17),
  repr: { kind: 'destination', options: hex('010c 000000000000 000000000000') }, shown: 'destination options 14 bytes',
})

checkExample({
  name: 'tcp', bytes: hex('c000 01bb 00000001 fffffffe 6012 ffff abcd 0000 020405b4'), parse: parseTcp, emit: emitTcp, format: formatTcp,
  repr: {
    kind: 'tcp', sourcePort: 49152, destinationPort: 443, sequence: 1, acknowledgment: 0xfffffffe, flags: 0x12, reserved: 0, window: 65535,
    urgent: 0, options: hex('020405b4'), checksum: 0xabcd,
  },
  shown: 'TCP 49152 > 443, SYN,ACK, seq 1, ack 4294967294, win 65535, options 4 bytes',
})

checkExample({
  name: 'udp', bytes: hex('c000 0035 000c 0000'), data: 4, needs: 8, parse: parseUdp, emit: (repr, bytes, at) => emitUdp(repr, 12, bytes, at), format: formatUdp,
  repr: { kind: 'udp', sourcePort: 49152, destinationPort: 53, checksum: 0 }, shown: 'UDP 49152 > 53, no checksum',
})

checkExample({
  name: 'icmp', bytes: hex('0800 f7fd 0001 0002'), parse: parseIcmp, emit: emitIcmp, format: formatIcmp,
  repr: { kind: 'icmp', type: 8, code: 0, rest: 0x00010002, checksum: 0xf7fd }, shown: 'ICMP echo request, id 1, seq 2',
})

checkExample({
  name: 'icmpv6 echo', bytes: hex('8100 7bb8 0001 0002'), parse: parseIcmpv6, emit: emitIcmpv6, format: formatIcmpv6,
  repr: { kind: 'icmpv6', type: 129, code: 0, rest: 0x00010002, checksum: 0x7bb8 }, shown: 'ICMPv6 echo reply, id 1, seq 2',
})

checkExample({
  name: 'icmpv6 neighbour discovery', bytes: hex('8700 7bb8'), parse: parseIcmpv6, emit: emitIcmpv6, format: formatIcmpv6,
  repr: { kind: 'icmpv6', type: 135, code: 0, checksum: 0x7bb8 }, shown: 'ICMPv6 neighbor solicitation',
})

checkExample({
  name: 'vxlan', bytes: hex('09480203 001389 ff'), parse: parseVxlan, emit: emitVxlan, format: formatVxlan,
  repr: { kind: 'vxlan', vni: 5001, reserved: 0x01480203, reservedLow: 0xff }, shown: 'VXLAN vni 5001',
})
checkExample({
  name: 'vxlan with a group policy', bytes: hex('88480203 001389 00'), parse: parseVxlan, emit: emitVxlan, format: formatVxlan,
  repr: { kind: 'vxlan', vni: 5001, groupPolicy: { id: 0x0203, dontLearn: true, applied: true }, reserved: 0, reservedLow: 0 },
  shown: "VXLAN vni 5001, group 515, don't learn, policy applied",
})
checkExample({
  name: 'vxlan with a group policy and reserved bits', bytes: hex('f9b70203 001389 00'), parse: parseVxlan, emit: emitVxlan, format: formatVxlan,
  repr: { kind: 'vxlan', vni: 5001, groupPolicy: { id: 0x0203, dontLearn: false, applied: false }, reserved: 0x71b70000, reservedLow: 0 },
  shown: 'VXLAN vni 5001, group 515',
})

checkExample({
  name: 'gre', bytes: hex('0000 6558'), data: 14, needs: 4, parse: parseGre, emit: emitGre, format: formatGre,
  repr: { kind: 'gre', protocolType: 0x6558, reserved: 0 }, shown: 'GRE type 0x6558',
})
checkExample({
  name: 'gre with everything', bytes: hex('b3f8 0800 1234 0005 00000007 fffffffe'), parse: parseGre, emit: emitGre, format: formatGre,
  repr: { kind: 'gre', protocolType: 0x0800, reserved: 0x7f, checksum: { value: 0x1234, reserved: 5 }, key: 7, sequence: 0xfffffffe },
  shown: 'GRE type 0x0800, checksum, key 7, seq 4294967294',
})
checkExample({
  name: 'gre with a sequence number alone', bytes: hex('1000 86dd 00000001'), parse: parseGre, emit: emitGre, format: formatGre,
  repr: { kind: 'gre', protocolType: 0x86dd, reserved: 0, sequence: 1 }, shown: 'GRE type 0x86dd, seq 1',
})
checkExample({
  name: 'nvgre', bytes: hex('2008 6558 001389 ff'), parse: parseNvgre, emit: emitNvgre, format: formatNvgre,
  repr: { kind: 'nvgre', vni: 5001, flowId: 255, reserved: 1 }, shown: 'NVGRE vsid 5001, flow 255',
})

checkExample({
  name: 'geneve', bytes: hex('00 00 6558 001389 00'), parse: parseGeneve, emit: emitGeneve, format: formatGeneve,
  repr: { kind: 'geneve', vni: 5001, protocolType: 0x6558, control: false, options: [], reserved: 0, reservedLow: 0 }, shown: 'Geneve vni 5001',
})
checkExample({
  name: 'geneve with options', bytes: hex('04 40 6558 001389 00 0102 80 e1 deadbeef ffff 01 01 00000001'), parse: parseGeneve, emit: emitGeneve, format: formatGeneve,
  repr: {
    kind: 'geneve', vni: 5001, protocolType: 0x6558, control: false, reserved: 0, reservedLow: 0,
    options: [{ class: 0x0102, type: 0x80, reserved: 7, data: hex('deadbeef') }, { class: 0xffff, type: 1, reserved: 0, data: hex('00000001') }],
  },
  shown: 'Geneve vni 5001, option 0x0102 type 0x80 (4 bytes, critical), option 0xffff type 0x01 (4 bytes)',
})
checkExample({
  name: 'geneve with a C bit without reason', bytes: hex('01 ff 0800 ffffff ff 0102 00 00'), parse: parseGeneve, emit: emitGeneve, format: formatGeneve,
  repr: {
    kind: 'geneve', vni: 0xffffff, protocolType: 0x0800, control: true, critical: true, reserved: 0x3f, reservedLow: 0xff,
    options: [{ class: 0x0102, type: 0, reserved: 0, data: hex('') }],
  },
  shown: 'Geneve vni 16777215, type 0x0800, control, option 0x0102 type 0x00 (0 bytes)',
})
checkExample({
  name: 'geneve with a forgotten C bit', bytes: hex('01 00 6558 000001 00 0102 80 00'), parse: parseGeneve, emit: emitGeneve, format: formatGeneve,
  repr: {
    kind: 'geneve', vni: 1, protocolType: 0x6558, control: false, critical: false, reserved: 0, reservedLow: 0,
    options: [{ class: 0x0102, type: 0x80, reserved: 0, data: hex('') }],
  },
  shown: 'Geneve vni 1, option 0x0102 type 0x80 (0 bytes, critical)',
})

const refusals: readonly (readonly [string, Either<WireError, unknown>, string])[] = [
  ['arp refuses other address kinds', parseArp(hex('0007 0800 06 04 0001'), 0, 8), 'arp at 0: UnsupportedProtocol, only Ethernet and IPv4 addresses are supported'],
  ['ipv4 refuses version 6', parseIpv4(hex('65000014 00000000 40060000 0a000004 0a000005'), 0, 20), 'ipv4 at 0: BadVersion, the version is not 4'],
  ['ipv4 refuses a wrong checksum', parseIpv4(hex('45000014 00000000 40060001 0a000004 0a000005'), 0, 20), 'ipv4 at 0: BadChecksum, the checksum does not match'],
  ['ipv6 refuses version 4', parseIpv6(new Uint8Array(40).fill(0x45, 0, 1), 0, 40), 'ipv6 at 0: BadVersion, the version is not 6'],
  ['tcp refuses a data offset of 4', parseTcp(new Uint8Array(20).fill(0x40, 12, 13), 0, 20), 'tcp at 0: BadLength, the data offset is below 5'],
  ['udp refuses a length of 0', parseUdp(new Uint8Array(8), 0, 8), 'udp at 0: BadLength, the length is not that of the datagram'],
  ['gre refuses version 1', parseGre(hex('2001 880b 00000000'), 0, 8), 'gre at 0: BadVersion, the version is not 0'],
  ['gre refuses routing', parseGre(hex('4000 0800 00000000'), 0, 8), 'gre at 0: BadHeader, a flag of RFC 1701 is set that RFC 2784 has refused'],
  ['gre refuses recursion', parseGre(hex('0400 0800'), 0, 4), 'gre at 0: BadHeader, a flag of RFC 1701 is set that RFC 2784 has refused'],
  ['nvgre refuses GRE without a key', parseNvgre(hex('0000 6558 00000000'), 0, 8), 'nvgre at 0: BadHeader, not GRE with a key alone around an Ethernet frame'],
  ['nvgre refuses IPv4 inside', parseNvgre(hex('2000 0800 00000000'), 0, 8), 'nvgre at 0: BadHeader, not GRE with a key alone around an Ethernet frame'],
  ['nvgre refuses a sequence number', parseNvgre(hex('3000 6558 00000000 00000000'), 0, 12), 'nvgre at 0: BadHeader, not GRE with a key alone around an Ethernet frame'],
  ['geneve refuses version 1', parseGeneve(hex('40 00 6558 00000000'), 0, 8), 'geneve at 0: BadVersion, the version is not 0'],
  ['geneve refuses an option past the others\' end', parseGeneve(hex('01 00 6558 00000000 0102 00 01 00000000'), 0, 16), 'geneve at 0: BadLength, the options do not end where the header says'],
  ['vxlan refuses a missing I flag', parseVxlan(new Uint8Array(8), 0, 8), 'vxlan at 0: BadHeader, the I flag is not set'],
]
for (const [title, answer, shown] of refusals) test(`wire-error: ${title}`, (t) => t.is(renderWireError(left(answer)), shown))
