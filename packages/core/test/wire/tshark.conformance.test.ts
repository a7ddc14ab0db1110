/** Law 8 for wire formats: what tshark says of generated frames, we say too. */
import { testNeeding } from '@vfp-ts/needs'
import fc from 'fast-check'
import { dissect } from '../../src/wire/dissect.js'
import { fragmentOf, type Frame, type HeaderGroup } from '../../src/wire/frame.js'
import type { Geneve } from '../../src/wire/geneve.js'
import { bytesOf, frameArbitrary } from '../../src/testing/frame-arbitraries.js'
import { askTshark } from '../tshark.js'
import { right } from './hex.js'

const FIELDS = [
  'frame.protocols', 'arp.opcode', 'ip.len', 'ip.hdr_len', 'ip.ttl', 'ipv6.plen', 'ipv6.hlim', 'tcp.srcport', 'tcp.dstport', 'tcp.hdr_len',
  'udp.srcport', 'udp.dstport', 'udp.length', 'vxlan.vni', 'vxlan.gbp', 'geneve.vni',
  'geneve.proto_type', 'geneve.option.class', 'geneve.option.type', 'geneve.option.length', 'gre.proto', 'gre.key', 'icmp.type', 'icmpv6.type', 'ip.checksum.status', 'tcp.checksum.status',
  'udp.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status', '_ws.malformed',
] as const
/** tshark has four names for a VLAN identifier, by the tag's TPID and neighbours. */
const TAGS = ['vlan.id', 'ieee8021ad.id', 'ieee8021ad.svid', 'ieee8021ad.cvid'] as const
type Told = Readonly<Record<(typeof FIELDS)[number] | 'tags', string>>

const FRAMES = 200
const title = 'law 8: tshark reads generated frames as we do'

/**
 * Frames whose payload tshark leaves alone: no port or protocol it has a dissector for, and of ICMP only echo, since
 * errors and neighbour discovery would need a payload of their own.
 */
const comparableFrame = frameArbitrary({
  network: ['arp', 'ipv4', 'ipv6'], transport: ['tcp', 'udp', 'icmp'], ports: [50011, 50012, 50013, 50014],
})
  .filter((frame) => {
    const transport = frame.groups.at(-1)!.transport
    if (transport?.kind === 'icmp') return transport.type === 0 || transport.type === 8
    return transport?.kind !== 'icmpv6' || transport.type === 128 || transport.type === 129
  })
  // letters, since some protocols (RTCP was one) are guessed from the payload alone
  .map((frame) => ({ ...frame, payload: frame.payload.map((byte) => 0x78 | (byte & 1)) }))

const PREFERENCES = [
  'ip.defragment:FALSE', 'ipv6.defragment:FALSE', 'ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE',
  'udp.ignore_ipv6_zero_checksum:TRUE', 'tcp.analyze_sequence_numbers:FALSE', 'eth.fcs:Never',
]

const toldOf = (frames: readonly Uint8Array[]): readonly Told[] =>
  askTshark(frames, [...FIELDS, ...TAGS], PREFERENCES).map((values) => {
    const tags = values.slice(FIELDS.length).flatMap((ids) => (ids === '' ? [] : ids.split(',').map(Number)))
    const fields = Object.fromEntries(FIELDS.map((field, i) => [field, normal(field, values[i] ?? '')])) as Omit<Told, 'tags'>
    return { ...fields, tags: sorted(tags) }
  })

const sorted = (ids: readonly number[]): string => [...ids].sort((a, b) => a - b).join(',')

/** Of the protocol stack only what we parse; VLAN tags are compared by their identifiers. */
const normal = (field: string, value: string): string =>
  field !== 'frame.protocols'
    ? HEX.test(field) ? value.split(',').map((one) => (one === '' ? '' : String(Number(one)))).join(',') : value
    : value
        .split(':')
        .filter((name) => ['eth', 'arp', 'ip', 'ipv6', 'tcp', 'udp', 'icmp', 'icmpv6', 'vxlan', 'geneve', 'gre'].includes(name))
        .join(':')

/** Fields that tshark shows with another base than ten. */
const HEX = /^(geneve|gre|vxlan)\./

/** Our reading, in tshark's words: each field's values over all header groups, outermost first. */
const tell = (bytes: Uint8Array): Told => {
  const frame = right(dissect(bytes))
  const sizes = sizesOf(frame)
  const all = (of: (group: HeaderGroup, size: Sizes) => readonly (string | number)[]): string =>
    frame.groups.flatMap((group, i) => of(group, sizes[i]!)).join(',')
  const transportOf = (kind: string, of: (group: HeaderGroup, size: Sizes) => number | string): string =>
    all((group, size) => (group.transport?.kind === kind ? [of(group, size)] : []))
  const networkOf = (kind: string, of: (group: HeaderGroup, size: Sizes) => number | string): string =>
    all((group, size) => (group.net?.kind === kind ? [of(group, size)] : []))
  const port = (side: 'sourcePort' | 'destinationPort') => ({ transport }: HeaderGroup): number =>
    transport?.kind === 'tcp' || transport?.kind === 'udp' ? transport[side] : -1
  return {
    'frame.protocols': frame.groups
      .flatMap((group) => ['eth', group.net === undefined ? [] : group.net.kind.replace('ipv4', 'ip'), group.transport?.kind ?? [], group.tunnel?.kind.replace('nvgre', 'gre') ?? []].flat())
      .join(':'),
    tags: sorted(frame.groups.flatMap((group) => group.vlans.map((tag) => tag.vid))),
    'arp.opcode': networkOf('arp', ({ net: header }) => (header?.kind === 'arp' ? header.operation : -1)),
    'ip.len': networkOf('ipv4', (_, size) => size.datagram),
    'ip.hdr_len': networkOf('ipv4', ({ net: header }) => (header?.kind === 'ipv4' ? 20 + header.options.length : -1)),
    'ip.ttl': networkOf('ipv4', ({ net: header }) => (header?.kind === 'ipv4' ? header.ttl : -1)),
    'ipv6.plen': networkOf('ipv6', (_, size) => size.datagram - 40),
    'ipv6.hlim': networkOf('ipv6', ({ net: header }) => (header?.kind === 'ipv6' ? header.hopLimit : -1)),
    'tcp.srcport': transportOf('tcp', port('sourcePort')),
    'tcp.dstport': transportOf('tcp', port('destinationPort')),
    'tcp.hdr_len': transportOf('tcp', ({ transport }) => (transport?.kind === 'tcp' ? 20 + transport.options.length : -1)),
    'udp.srcport': transportOf('udp', port('sourcePort')),
    'udp.dstport': transportOf('udp', port('destinationPort')),
    'udp.length': transportOf('udp', ({ transport, surplus }, size) => (transport?.kind === 'udp' ? (transport.length ?? size.transport - (surplus?.length ?? 0)) : -1)),
    'vxlan.vni': all(({ tunnel }) => (tunnel?.kind === 'vxlan' ? [tunnel.vni] : [])),
    'vxlan.gbp': all(({ tunnel }) => (tunnel?.kind === 'vxlan' ? [tunnel.groupPolicy?.id ?? tunnel.reserved & 0xffff] : [])),
    'geneve.vni': all(({ tunnel }) => (tunnel?.kind === 'geneve' ? [tunnel.vni] : [])),
    'geneve.proto_type': all(({ tunnel }) => (tunnel?.kind === 'geneve' ? [tunnel.protocolType] : [])),
    'geneve.option.class': all(({ tunnel }) => (tunnel?.kind === 'geneve' ? tunnel.options.map((option) => option.class) : [])),
    'geneve.option.type': all(({ tunnel }) => (tunnel?.kind === 'geneve' ? tunnel.options.map((option) => option.type) : [])),
    'geneve.option.length': all(({ tunnel }) => (tunnel?.kind === 'geneve' ? optionLengths(tunnel) : [])),
    'gre.proto': all(({ tunnel }) => (tunnel?.kind === 'gre' || tunnel?.kind === 'nvgre' ? [0x6558] : [])),
    'gre.key': all(({ tunnel }) => (tunnel?.kind === 'nvgre' ? [tunnel.vni * 256 + tunnel.flowId] : [])),
    'icmp.type': transportOf('icmp', ({ transport }) => (transport?.kind === 'icmp' ? transport.type : -1)),
    'icmpv6.type': transportOf('icmpv6', ({ transport }) => (transport?.kind === 'icmpv6' ? transport.type : -1)),
    'ip.checksum.status': networkOf('ipv4', () => GOOD),
    'tcp.checksum.status': transportOf('tcp', checksumStatus),
    'udp.checksum.status': transportOf('udp', checksumStatus),
    'icmp.checksum.status': transportOf('icmp', checksumStatus),
    'icmpv6.checksum.status': transportOf('icmpv6', checksumStatus),
    '_ws.malformed': '',
  }
}

/** tshark has one name for the length of all options and that of each. */
const optionLengths = ({ options }: Geneve): readonly number[] => {
  const each = options.map(({ data }) => 4 + data.length)
  return [each.reduce((sum, length) => sum + length, 0), ...each]
}

const GOOD = '1'
const UNVERIFIED = '2'
const ABSENT = '3'
const checksumStatus = (group: HeaderGroup): string => {
  if (group.transport?.kind === 'udp' && group.transport.checksum === 0) return ABSENT
  return fragmentOf(group.net) === 'whole' ? GOOD : UNVERIFIED
}

/** Bytes of a group's datagram, and of its transport header with all behind it. */
interface Sizes {
  readonly datagram: number
  readonly transport: number
}

/** Told by emitting: a group with all it encloses, against its network header alone. */
const sizesOf = (frame: Frame): readonly Sizes[] =>
  frame.groups.map((group, i) => {
    const { eth, vlans, net, trailer } = group
    const link = bytesOf({ groups: [{ eth: { ...eth, etherType: 0 }, vlans }], payload: new Uint8Array(0) }).length
    const alone = bytesOf({ groups: [{ eth, vlans, ...(net === undefined ? {} : { net }) }], payload: new Uint8Array(0) }).length
    const whole = bytesOf({ groups: [group, ...frame.groups.slice(i + 1)], payload: frame.payload }).length - (trailer?.length ?? 0)
    return { datagram: whole - link, transport: whole - alone }
  })

const test = testNeeding('tshark')
test(title, (t) => {
  const frames = fc.sample(comparableFrame, FRAMES).map((frame) => bytesOf(frame))
  const told = toldOf(frames)
  t.is(told.length, FRAMES)
  frames.forEach((bytes, i) => t.deepEqual(told[i], tell(bytes), Buffer.from(bytes).toString('hex')))
})
