/**
 * Law 8 for translation: what tshark says of translated packets is what RFC 7915 says they are, and it finds every checksum right,
 * those of the quoted packets included.
 */
import { testNeeding } from '@vfp-ts/needs'
import fc from 'fast-check'
import { askTshark } from '../../tshark.js'
import { datagram, errorDatagram, frameOf, packet, type Packet, packetArbitrary, translated, withAddresses } from './packets.js'

const FIELDS = [
  'ip.version', 'ipv6.version', 'ip.dsfield', 'ipv6.tclass', 'ip.ttl', 'ipv6.hlim', 'ip.len', 'ipv6.plen', 'ip.flags.df', 'ip.flags.mf', 'ip.frag_offset',
  'ipv6.fraghdr.offset', 'ipv6.fraghdr.more', 'ipv6.fraghdr.ident', 'ipv6.flow', 'icmp.type', 'icmp.code', 'icmpv6.type', 'icmpv6.code', 'icmp.mtu',
  'icmpv6.mtu', 'ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status', '_ws.malformed',
] as const
type Told = Readonly<Record<(typeof FIELDS)[number], string>>

const FRAMES = 200
const title = 'law 8: tshark reads translated packets as what the RFC makes of them'

const PREFERENCES = [
  'ip.defragment:FALSE', 'ipv6.defragment:FALSE', 'ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE',
  'tcp.analyze_sequence_numbers:FALSE', 'eth.fcs:Never',
]

const toldOf = (frames: readonly Uint8Array[]): readonly Told[] =>
  askTshark(frames, FIELDS, PREFERENCES).map((values) => Object.fromEntries(FIELDS.map((field, i) => [field, values[i]])) as Told)

const GOOD = '1'

const test = testNeeding('tshark')
test(title, (t) => {
  // Ports without a dissector, and letters, which no protocol is guessed from. tshark calls a fragment without a byte malformed.
  const packets = fc.sample(
    packetArbitrary(['tcp', 'udp', 'echo']).map((p): Packet => ({ ...p, wrong: 0, ports: [50_011, 50_012], payload: p.payload.map((byte) => 0x78 | (byte & 1)) }))
      .filter((p) => p.fragment === undefined || p.payload.length > 0),
    FRAMES,
  )
  for (const from of [4, 6] as const) {
    const to = from === 4 ? 6 : 4
    const told = toldOf(packets.map((p) => withAddresses(translated(frameOf(datagram(from, p)), from, to))))
    t.is(told.length, FRAMES)
    packets.forEach((p, i) => {
      const tshark = told[i]!
      const hint = JSON.stringify({ ...p, payload: p.payload.length, tshark })
      t.is(tshark[to === 4 ? 'ip.version' : 'ipv6.version'], String(to), hint)
      t.is(Number(tshark[to === 4 ? 'ip.dsfield' : 'ipv6.tclass']), p.traffic, hint)
      t.is(tshark[to === 4 ? 'ip.ttl' : 'ipv6.hlim'], String(p.ttl), hint)
      t.is(tshark['_ws.malformed'], '', hint)
      if (to === 4) t.is(tshark['ip.checksum.status'], GOOD, hint)
      else t.is(Number(tshark['ipv6.flow']), 0, hint)
      const { fragment } = p
      if (fragment === undefined) {
        t.is(tshark['ipv6.fraghdr.offset'], '', hint)
        const transport = p.kind === 'echo' ? (to === 4 ? 'icmp' : 'icmpv6') : p.kind
        t.is(tshark[`${transport as 'tcp'}.checksum.status`], GOOD, hint)
        if (to === 4) t.is(isSet(tshark['ip.flags.df']), Number(tshark['ip.len']) > 1260, hint)
      } else if (to === 6) {
        // tshark shows the offset in words of eight bytes.
        t.is(Number(tshark['ipv6.fraghdr.offset']), fragment.offset >>> 3, hint)
        t.is(isSet(tshark['ipv6.fraghdr.more']), fragment.more, hint)
        t.is(Number(tshark['ipv6.fraghdr.ident']), fragment.id & 0xffff, hint)
      } else {
        // Here it depends on the version of tshark.
        t.true([fragment.offset, fragment.offset >>> 3].includes(Number(tshark['ip.frag_offset'])), hint)
        t.is(isSet(tshark['ip.flags.mf']), fragment.more, hint)
      }
    })
  }
})

test('law 8: tshark reads translated ICMP errors and what they quote', (t) => {
  for (const [kind, status] of [['tcp', 'tcp.checksum.status'], ['udp', 'udp.checksum.status'], ['echo', undefined]] as const) {
    const quoted = packet({ kind, ports: [50_011, 50_012], payload: new Uint8Array(40).fill(0x78) })
    const outer = packet({ ttl: 200 })
    for (const [code4, word4, code6, word6] of [
      [0x0303, 0, 0x0104, 0], [0x0b00, 0, 0x0300, 0], [0x0304, 1400, 0x0200, 1420], [0x0c00, 9 << 24, 0x0400, 6], [0x0302, 0, 0x0401, 6],
    ] as const) {
      const six = withAddresses(translated(frameOf(errorDatagram(4, outer, { typeCode: code4, word: word4, quote: datagram(4, quoted) })), 4, 6))
      const four = withAddresses(translated(frameOf(errorDatagram(6, outer, { typeCode: code6, word: word6, quote: datagram(6, quoted) })), 6, 4))
      const [told6, told4] = toldOf([six, four])
      const hint = JSON.stringify({ told6, told4 })
      t.is(first(told6!['icmpv6.type']), String(code6 >>> 8), hint)
      t.is(first(told6!['icmpv6.code']), String(code6 & 0xff), hint)
      t.is(first(told4!['icmp.type']), String(code4 >>> 8), hint)
      t.is(first(told4!['icmp.code']), String(code4 & 0xff), hint)
      if (code6 === 0x0200) t.deepEqual([told6!['icmpv6.mtu'], told4!['icmp.mtu']], ['1420', '1400'])
      t.is(told6!['ipv6.hlim'], '200,61', hint)
      t.is(told4!['ip.ttl'], '200,61', hint)
      // Header and quoted header; message and quoted message.
      t.is(told4!['ip.checksum.status'], `${GOOD},${GOOD}`, hint)
      t.is(first(told6!['icmpv6.checksum.status']), GOOD, hint)
      t.is(first(told4!['icmp.checksum.status']), GOOD, hint)
      for (const told of [told6!, told4!]) {
        t.is(told['_ws.malformed'], '', hint)
        if (status !== undefined) t.not(told[status], '0', hint)
      }
    }
  }
})

const first = (values: string): string => values.split(',')[0]!
/** Flags are `1` or `True`, by the version of tshark. */
const isSet = (flag: string): boolean => flag === '1' || flag === 'True'
