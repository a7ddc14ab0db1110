/** The rules of `parseFrame` that no single protocol knows: which header comes next, and what fragments may do. */
import test from 'ava'
import { putU16 } from '../../src/wire/bytes.js'
import { dissect } from '../../src/wire/dissect.js'
import { Frag, L3, L4, makeFrameView, Slot, SLOTS, Tunnel, type FrameView } from '../../src/wire/frame-view.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { Reason, reasonName } from '../../src/wire/reason.js'
import { renderWireError } from '../../src/wire/wire-error.js'
import { hex, left } from './hex.js'

const ETH = '00155d000002 00155d000001'
const V4 = `${ETH} 0800`
const V6 = `${ETH} 86dd`
const HOSTS = '0a000004 0a000005'
const HOSTS6 = 'fd000000000000000000000000000004 fd000000000000000000000000000005'
const TCP = 'c000 01bb 00000001 00000000 5002 ffff 0000 0000'

const parse = (text: string, verify: Verify = Verify.None, maxGroups = 3): FrameView => {
  const view = makeFrameView()
  const bytes = hex(text)
  parseFrame(view, bytes, 0, bytes.length, maxGroups, verify)
  return view
}
const slot = (view: FrameView, name: keyof typeof Slot, group = 0): number => view.slots[group * SLOTS + Slot[name]]!
const outcome = (text: string, verify: Verify = Verify.None): string => {
  const view = parse(text, verify)
  return view.reason === Reason.Ok ? `Ok ${view.unsupported.toString(16)}` : `${reasonName(view.reason)} at ${view.reasonAt}`
}

test('parse: fills every slot of a tagged TCP frame and leaves padding outside', (t) => {
  const view = parse(`${ETH} 88a8 0064 8100 00c8 0800 4500 0028 0000 4000 4006 0000 ${HOSTS} ${TCP} 0000 0000`)
  t.is(view.reason, Reason.Ok)
  t.is(view.depth, 1)
  t.deepEqual([...view.slots.subarray(0, 14)], [0, 2, 0x0800, L3.Ipv4, 22, 6, Frag.Whole, 0, L4.Tcp, 42, 62, 62, Tunnel.None, 0])
})

const inner = `${V4} 4500 0014 0000 0000 40fd 0000 ${HOSTS}`
const word = (n: number): string => n.toString(16).padStart(4, '0')
const vxlan = (flags = '08', innerText = inner): string => {
  const length = hex(innerText).length
  return `${V4} 4500 ${word(36 + length)} 0000 0000 4011 0000 ${HOSTS} c000 12b5 ${word(16 + length)} 0000 ${flags}000000 00138900 ${innerText}`
}

test('parse: looks into VXLAN as deep as it may', (t) => {
  const twice = vxlan('08', vxlan())
  t.is(parse(twice).depth, 3)
  t.is(parse(twice, Verify.None, 2).depth, 2)
  t.is(parse(twice, Verify.None, 1).depth, 1)
  const view = parse(twice)
  t.deepEqual([0, 1, 2].map((g) => slot(view, 'TUNNEL_AT', g)), [42, 92, 0])
  t.deepEqual([0, 1, 2].map((g) => slot(view, 'L2', g)), [0, 50, 100])
  t.is(view.unsupported, 0x2_00fd)
})

test('parse: without the I flag, or too short for a header, VXLAN is opaque payload', (t) => {
  t.is(parse(vxlan('00')).depth, 1)
  t.is(parse(vxlan('00')).reason, Reason.Ok)
  t.is(outcome(`${V4} 4500 001c 0000 0000 4011 0000 ${HOSTS} c000 12b5 0008 0000`), 'Ok 0')
})

/** IPv4 that carries these bytes. */
const datagram = (protocol: string, text: string): string => `${V4} 4500 ${word(20 + hex(text).length)} 0000 0000 40${protocol} 0000 ${HOSTS} ${text}`
const datagram6 = (protocol: string, text: string): string => `${V6} 6000 0000 ${word(hex(text).length)} ${protocol}40 ${HOSTS6} ${text}`
const geneve = (header: string, innerText = inner): string => {
  const text = header + innerText
  return datagram('11', `c000 17c1 ${word(8 + hex(text).length)} 0000 ${text}`)
}

test('parse: looks into Geneve behind its options', (t) => {
  const view = parse(geneve('02 00 6558 001389 00 0102 01 01 00000000'))
  t.is(view.reason, Reason.Ok)
  t.is(view.depth, 2)
  t.deepEqual([slot(view, 'TUNNEL'), slot(view, 'TUNNEL_AT'), slot(view, 'PAYLOAD'), slot(view, 'L2', 1)], [Tunnel.Geneve, 42, 42, 58])
})

test('parse: looks into GRE and NVGRE over both versions of IP, whatever their reserved bits are', (t) => {
  for (const [carried, at] of [[datagram, 34], [datagram6, 54]] as const) {
    for (const flags of ['0000', '03f8']) {
      const plain = parse(carried('2f', `${flags} 6558 ${inner}`))
      t.deepEqual([plain.reason, plain.depth, plain.unsupported], [Reason.Ok, 2, 0x2_00fd])
      t.deepEqual((['L4_KIND', 'TUNNEL', 'L4', 'TUNNEL_AT', 'PAYLOAD'] as const).map((name) => slot(plain, name)), [L4.None, Tunnel.Gre, at, at, at + 4])
      t.is(slot(plain, 'L2', 1), at + 4)
    }
    const keyed = parse(carried('2f', `23f8 6558 00138907 ${inner}`))
    t.deepEqual((['L4_KIND', 'TUNNEL', 'L4', 'TUNNEL_AT', 'PAYLOAD'] as const).map((name) => slot(keyed, name)), [L4.None, Tunnel.Nvgre, at, at, at + 8])
    t.deepEqual([keyed.depth, slot(keyed, 'L2', 1)], [2, at + 8])
  }
})

test('parse: looks through tunnels of different kinds', (t) => {
  const view = parse(datagram('2f', `2000 6558 00138907 ${geneve('00 00 6558 001389 00', datagram('06', TCP))}`))
  t.deepEqual([view.reason, view.depth, view.unsupported], [Reason.Ok, 3, 0])
  t.deepEqual([0, 1, 2].map((g) => slot(view, 'TUNNEL', g)), [Tunnel.Nvgre, Tunnel.Geneve, Tunnel.None])
  t.is(slot(view, 'L4_KIND', 2), L4.Tcp)
})

test('parse: a tunnel beyond the last group, or in a fragment, is payload, and GRE and Geneve are named', (t) => {
  const frames = [
    [vxlan(), 0], [datagram('2f', `0000 6558 ${inner}`), 0x2_002f], [datagram('2f', '0000 0800'), 0x2_002f],
    [geneve('00 00 6558 001389 00'), 0x3_17c1], [geneve('01 40 6558 001389 00 0102 80 00'), 0x3_17c1],
  ] as const
  for (const [frame, named] of frames) {
    const view = parse(frame, Verify.None, 1)
    t.deepEqual([view.reason, view.depth, view.unsupported, slot(view, 'TUNNEL')], [Reason.Ok, 1, named, Tunnel.None])
    const fragment = parse(frame.replace('0000 0000 40', '0000 2000 40'))
    t.deepEqual([fragment.reason, fragment.depth, slot(fragment, 'TUNNEL')], [Reason.Ok, 1, Tunnel.None])
  }
})

test('parse: a critical Geneve option refuses the frame unless it is known', (t) => {
  const frame = hex(geneve('02 40 6558 001389 00 0102 01 00 0103 85 00'))
  const knowing = (...known: readonly number[]): Reason => parseFrame(makeFrameView(known), frame, 0, frame.length, 3, Verify.None)
  t.is(knowing(), Reason.UnknownCriticalOption)
  t.is(knowing(0x010285, 0x010305), Reason.UnknownCriticalOption)
  t.is(knowing(0x010385), Reason.Ok)
})

test('parse: a malformed inner frame gives the whole frame its reason', (t) => {
  t.is(outcome(vxlan('08', '00155d')), 'Truncated at 50')
  t.is(outcome(vxlan('08', inner.replace('4500 0014', '5500 0014'))), 'BadVersion at 64')
})

const cases: readonly (readonly [title: string, frame: string, outcome: string])[] = [
  ['an empty frame', '', 'Truncated at 0'],
  ['a third tag', `${ETH} 8100 0001 8100 0002 8100 0003 0800`, 'UnsupportedProtocol at 20'],
  ['a tag cut off', `${ETH} 8100 0001 08`, 'Truncated at 12'],
  ['an unknown EtherType', `${ETH} 88cc 0207`, 'Ok 188cc'],
  ['an 802.3 length', `${ETH} 0003 424203`, 'Ok 10003'],
  ['ARP for other addresses', `${ETH} 0806 0007 0800 06 04 0001`, 'Ok 10806'],
  ['ARP cut off', `${ETH} 0806 0001 0800 06 04 0001`, 'Truncated at 14'],
  ['an unknown IP protocol', `${V4} 4500 0014 0000 0000 4032 0000 ${HOSTS}`, 'Ok 20032'],
  ['GRE without its header', datagram('2f', ''), 'Ok 2002f'],
  ['GRE of PPTP', datagram('2f', '3001 880b 00000000 00000000'), 'Ok 2002f'],
  ['GRE with a flag of RFC 1701', datagram('2f', `0800 6558 ${inner}`), 'Ok 2002f'],
  ['GRE with a checksum', datagram('2f', `8000 6558 00000000 ${inner}`), 'Ok 2002f'],
  ['GRE with a key and a sequence number', datagram('2f', `3000 6558 00000000 00000000 ${inner}`), 'Ok 2002f'],
  ['GRE that ends in its key', datagram('2f', '2000 6558 0000'), 'Ok 2002f'],
  ['GRE around IPv4', datagram('2f', '0000 0800'), 'Ok 40800'],
  ['GRE with a key around IPv6', datagram('2f', '2000 86dd 00000001'), 'Ok 486dd'],
  ['GRE in a first fragment', datagram('2f', `0000 6558 ${inner}`).replace('0000 0000 40', '0000 2000 40'), 'Ok 2002f'],
  ['GRE around a frame cut off', datagram('2f', '0000 6558 00155d'), 'Truncated at 38'],
  ['ICMPv6 in IPv4', `${V4} 4500 0014 0000 0000 403a 0000 ${HOSTS}`, 'Ok 2003a'],
  ['Geneve without its header', `${V4} 4500 001c 0000 0000 4011 0000 ${HOSTS} c000 17c1 0008 0000`, 'Ok 317c1'],
  ['Geneve of version 1', geneve('40 00 6558 001389 00'), 'Ok 317c1'],
  ['Geneve that ends in its options', geneve('3f 00 6558 001389 00'), 'Ok 317c1'],
  ['Geneve that ends before its one option', geneve('01 00 6558 001389 00', ''), 'Ok 317c1'],
  ['a Geneve control packet', geneve('00 80 6558 001389 00'), 'Ok 317c1'],
  ['Geneve around IPv4', geneve('00 00 0800 001389 00', ''), 'Ok 40800'],
  ['Geneve around IPv4 with a critical option', geneve('01 40 0800 001389 00 0102 80 00', ''), 'Ok 40800'],
  ['Geneve with a C bit without reason', geneve('00 40 6558 001389 00'), 'Ok 200fd'],
  ['a critical Geneve option', geneve('01 40 6558 001389 00 0102 80 00'), 'UnknownCriticalOption at 42'],
  ['a critical Geneve option without a C bit', geneve('01 00 6558 001389 00 0102 80 00'), 'UnknownCriticalOption at 42'],
  ['a Geneve option past the end of the options', geneve('01 00 6558 001389 00 0102 00 01'), 'BadLength at 42'],
  ['a Geneve frame cut off', geneve('00 00 6558 001389 00', '00155d'), 'Truncated at 50'],
  ['a header length below 20', `${V4} 4400 0014 0000 0000 4006 0000 ${HOSTS}`, 'BadLength at 14'],
  ['options cut off', `${V4} 4600 0018 0000 0000 4006 0000 ${HOSTS}`, 'Truncated at 14'],
  ['a total length below the header', `${V4} 4500 0013 0000 0000 4006 0000 ${HOSTS}`, 'BadLength at 14'],
  ['a total length past the end', `${V4} 4500 0015 0000 0000 4006 0000 ${HOSTS}`, 'Truncated at 14'],
  ['TCP past the total length, in padding', `${V4} 4500 0014 0000 0000 4006 0000 ${HOSTS} ${TCP}`, 'Truncated at 34'],
  ['UDP longer than its datagram', `${V4} 4500 001c 0000 0000 4011 0000 ${HOSTS} c000 0035 0009 0000`, 'BadLength at 34'],
  ['UDP shorter than its datagram', `${V4} 4500 001d 0000 0000 4011 0000 ${HOSTS} c000 0035 0008 0000 00`, 'Ok 0'],
  ['UDP shorter than its header', `${V4} 4500 001d 0000 0000 4011 0000 ${HOSTS} c000 0035 0007 0000 00`, 'BadLength at 34'],
  ['UDP over IPv6 shorter than its datagram', `${V6} 6000 0000 000d 1140 ${HOSTS6} c000 0035 000c 0000 0102030405`, 'Ok 0'],
  ['UDP over IPv6 longer than its datagram', `${V6} 6000 0000 000d 1140 ${HOSTS6} c000 0035 000e 0000 0102030405`, 'BadLength at 54'],
  ['UDP of length 0', `${V4} 4500 001c 0000 0000 4011 0000 ${HOSTS} c000 0035 0000 0000`, 'BadLength at 34'],
  ['a VXLAN port with half a header, and poison behind it', `${V4} 4500 0020 0000 0000 4011 0000 ${HOSTS} c000 12b5 000c 0000 08000000 00138900 0015`, 'Ok 0'],
  ['ICMP of seven bytes', `${V4} 4500 001b 0000 0000 4001 0000 ${HOSTS} 0800 0000 0001 00`, 'Truncated at 34'],
  ['a tiny first fragment', `${V4} 4500 0024 0000 2000 4006 0000 ${HOSTS} ${TCP.slice(0, 38)}`, 'BadHeader at 34'],
  ['a first fragment cut inside the options of TCP', `${V4} 4500 002c 0000 2000 4006 0000 ${HOSTS} c000 01bb 00000001 00000000 a002 2000 0000 0000 0204 05b4`, 'Ok 0'],
  ['a first fragment that ends with the fixed header of TCP', `${V4} 4500 0028 0000 2000 4006 0000 ${HOSTS} c000 01bb 00000001 00000000 f002 2000 0000 0000`, 'Ok 0'],
  ['a first fragment one byte short of the fixed header of TCP', `${V4} 4500 0027 0000 2000 4006 0000 ${HOSTS} c000 01bb 00000001 00000000 a002 2000 0000 00`, 'BadHeader at 34'],
  ['a first fragment of TCP with a data offset of 4', `${V4} 4500 0028 0000 2000 4006 0000 ${HOSTS} c000 01bb 00000001 00000000 4002 2000 0000 0000`, 'BadLength at 34'],
  ['an IPv6 first fragment cut inside the options of TCP', `${V6} 6000 0000 0020 2c40 ${HOSTS6} 0600 0001 00000001 c000 01bb 00000001 00000000 a002 2000 0000 0000 0204 05b4`, 'Ok 0'],
  ['a whole packet cut inside the options of TCP', `${V4} 4500 002c 0000 0000 4006 0000 ${HOSTS} c000 01bb 00000001 00000000 a002 2000 0000 0000 0204 05b4`, 'Truncated at 34'],
  ['TCP at fragment offset 8', `${V4} 4500 0016 0000 0001 4006 0000 ${HOSTS} 5002`, 'BadHeader at 34'],
  ['UDP at fragment offset 8', `${V4} 4500 0016 0000 0001 4011 0000 ${HOSTS} 5002`, 'Ok 0'],
  ['a fragment past 65535', `${V4} 4500 001c 0000 1fff 4011 0000 ${HOSTS} 0000000000000000`, 'BadLength at 14'],
  ['a first fragment of UDP', `${V4} 4500 001c 0000 2000 4011 0000 ${HOSTS} c000 0035 0100 0000`, 'Ok 0'],
  ['a first fragment with a UDP length below its own', `${V4} 4500 001d 0000 2000 4011 0000 ${HOSTS} c000 0035 0008 0000 00`, 'Ok 0'],
  ['a first fragment with a UDP length below that of the header', `${V4} 4500 001c 0000 2000 4011 0000 ${HOSTS} c000 0035 0007 0000`, 'BadLength at 34'],
  ['an IPv6 payload length past the end', `${V6} 6000 0000 0001 3b40 ${HOSTS6}`, 'Truncated at 14'],
  ['no next header', `${V6} 6000 0000 0000 3b40 ${HOSTS6}`, 'Ok 2003b'],
  ['a jumbogram', `${V6} 6000 0000 0000 0040 ${HOSTS6} 3b00 c204 00010000`, 'UnsupportedProtocol at 14'],
  ['no payload but hop-by-hop options', `${V6} 6000 0000 0000 0040 ${HOSTS6} 3b00 0104 00000000`, 'Truncated at 54'],
  ['hop-by-hop options in second place', `${V6} 6000 0000 0010 3c40 ${HOSTS6} 0000 0104 00000000 3b00 0104 00000000`, 'BadHeader at 62'],
  ['eight extension headers', `${V6} 6000 0000 0040 3c40 ${HOSTS6} ${'3c00 0104 00000000'.repeat(7)} 3b00 0104 00000000`, 'Ok 2003b'],
  ['nine extension headers', `${V6} 6000 0000 0048 3c40 ${HOSTS6} ${'3c00 0104 00000000'.repeat(8)} 3b00 0104 00000000`, 'UnsupportedProtocol at 118'],
  ['two fragment headers', `${V6} 6000 0000 0010 2c40 ${HOSTS6} 2c00 0000 00000001 3b00 0000 00000001`, 'UnsupportedProtocol at 62'],
  ['an authentication header of eight bytes', `${V6} 6000 0000 0008 3340 ${HOSTS6} 3b00 0000 00000001`, 'BadLength at 54'],
  ['an IPv6 fragment past 65535', `${V6} 6000 0000 0010 2c40 ${HOSTS6} 1100 fff8 00000001 0000000000000000`, 'BadLength at 54'],
  ['a first fragment that ends in its extension headers', `${V6} 6000 0000 0010 2c40 ${HOSTS6} 3c00 0001 00000001 1101 0104 00000000`, 'BadHeader at 62'],
  ['an IPv6 fragment that is no whole number of words, with more to come', `${V6} 6000 0000 000c 2c40 ${HOSTS6} 3a00 0001 00000001 8000 0000`, 'BadLength at 54'],
  ['a later IPv6 fragment that is no whole number of words, with more to come', `${V6} 6000 0000 0011 2c40 ${HOSTS6} 1100 0011 00000001 0102030405060708 09`, 'BadLength at 54'],
  ['a last IPv6 fragment that is no whole number of words', `${V6} 6000 0000 0011 2c40 ${HOSTS6} 1100 0010 00000001 0102030405060708 09`, 'Ok 0'],
  ['a last IPv6 fragment of nothing', `${V6} 6000 0000 0008 2c40 ${HOSTS6} 1100 0010 00000001`, 'Ok 0'],
  ['a first fragment without its ICMPv6 header', `${V6} 6000 0000 0008 2c40 ${HOSTS6} 3a00 0001 00000001`, 'BadHeader at 62'],
  ['ICMPv6 of four bytes', `${V6} 6000 0000 0004 3a40 ${HOSTS6} 8700 0000`, 'Ok 0'],
  ['an ICMPv6 echo of four bytes', `${V6} 6000 0000 0004 3a40 ${HOSTS6} 8000 0000`, 'Truncated at 54'],
]
for (const [title, frame, expected] of cases) test(`parse: answers ${expected} for ${title}`, (t) => t.is(outcome(frame), expected))

test('parse: tells first, later and atomic IPv6 fragments apart', (t) => {
  const fragment = (field: string): FrameView => parse(`${V6} 6000 0000 0010 2c40 ${HOSTS6} 1100 ${field} 00000001 c000 0035 0008 0000`)
  t.deepEqual(['0000', '0001', '0011'].map((field) => slot(fragment(field), 'FRAG')), [Frag.Whole, Frag.First, Frag.Later])
  t.deepEqual(['0000', '0001', '0011'].map((field) => slot(fragment(field), 'L4_KIND')), [L4.Udp, L4.Udp, L4.None])
  t.deepEqual(['0000', '0001', '0011'].map((field) => slot(fragment(field), 'FRAG_HEADER')), [54, 54, 54])
})

test('parse: verifies the IPv4 header checksum unless told not to', (t) => {
  const frame = `${V4} 4500 0014 0000 0000 40fd 0001 ${HOSTS}`
  t.deepEqual([Verify.None, Verify.IpHeader, Verify.All].map((v) => outcome(frame, v)), ['Ok 200fd', 'BadChecksum at 14', 'BadChecksum at 14'])
})

test('parse: verifies transport checksums where asked and where the whole datagram is there', (t) => {
  const udp = (checksum: string, flags = '0000', port = '0035'): string => {
    const bytes = hex(`${V4} 4500 001d 0000 ${flags} 4011 0000 ${HOSTS} c000 ${port} 0009 ${checksum} 61`)
    return [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('')
  }
  const all = (frame: string): Reason => {
    const bytes = hex(frame)
    // the header checksum is right here, whatever the flags
    putU16(bytes, 24, 0)
    let sum = 0
    for (let i = 14; i < 34; i += 2) sum += bytes[i]! * 256 + bytes[i + 1]!
    putU16(bytes, 24, 0xffff - ((sum & 0xffff) + (sum >> 16)))
    return parseFrame(makeFrameView(), bytes, 0, bytes.length, 3, Verify.All)
  }
  t.is(all(udp('ca9d')), Reason.Ok)
  t.is(all(udp('ca98')), Reason.BadChecksum)
  t.is(all(udp('0000')), Reason.Ok)
  t.is(all(udp('ca98', '2000')), Reason.Ok)
})

test('parse: over IPv6 only a tunnel may do without a UDP checksum', (t) => {
  const udp = (port: string): string => `${V6} 6000 0000 0008 1140 ${HOSTS6} c000 ${port} 0008 0000`
  t.is(outcome(udp('0035'), Verify.All), 'BadChecksum at 54')
  t.is(outcome(udp('12b5'), Verify.All), 'Ok 0')
})

test('parse: refuses offsets that are not in the buffer', (t) => {
  const bytes = new Uint8Array(60)
  for (const [start, end] of [[-1, 60], [0, 61], [20, 10]] as const) t.is(parseFrame(makeFrameView(), bytes, start, end), Reason.Truncated)
})

test('dissect: names the protocol a frame fails in', (t) => {
  const failed = (text: string): string => renderWireError(left(dissect(hex(text)))).split(',')[0]!
  t.is(failed('00'), 'ethernet at 0: Truncated')
  t.is(failed(`${ETH} 8100 00`), 'vlan at 12: Truncated')
  t.is(failed(`${ETH} 0806 00`), 'arp at 14: Truncated')
  t.is(failed(`${V4} 45`), 'ipv4 at 14: Truncated')
  t.is(failed(`${V6} 60`), 'ipv6 at 14: Truncated')
  t.is(failed(`${V6} 6000 0000 0000 3c40 ${HOSTS6}`), 'ipv6-extension at 54: Truncated')
  t.is(failed(`${V6} 6000 0000 0000 0640 ${HOSTS6}`), 'tcp at 54: Truncated')
  t.is(failed(`${V6} 6000 0000 0000 1140 ${HOSTS6}`), 'udp at 54: Truncated')
  t.is(failed(`${V6} 6000 0000 0000 3a40 ${HOSTS6}`), 'icmpv6 at 54: Truncated')
  t.is(failed(datagram6('11', 'c000 17c1 0014 0000 01 40 6558 001389 00 0102 80 00')), 'geneve at 62: UnknownCriticalOption')
  t.is(failed(`${V6} 6000 0000 000a 2c40 ${HOSTS6} 0600 0008 00000001 5002`), 'tcp at 62: BadHeader')
})
