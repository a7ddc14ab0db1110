/** Law 8 for neighbour discovery, routing headers and options of IPv6: what is written here, tshark reads with the same fields. */
import { testNeeding } from '@vfp-ts/needs'
import { formatIp, formatMac, ipv6, type IpAddress } from '../../src/wire/address.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import type { TransportHeader } from '../../src/wire/frame.js'
import type { Ipv6Extension } from '../../src/wire/ipv6-extension.js'
import { writeIpv6Options, type Ipv6Option } from '../../src/wire/ipv6-options.js'
import { writeRouting, type RoutingHeader } from '../../src/wire/ipv6-routing.js'
import { ndpPayload, ndpType, type NdpMessage } from '../../src/wire/ndp.js'
import { askTshark } from '../tshark.js'
import { right } from './hex.js'


const at = (n: number): IpAddress => ipv6(0xfd000000, 0, 0, n)
const fe1 = ipv6(0xfe800000, 0, 0, 1)
const mac = 0x00155d000001

const frame = (protocol: number, hopLimit: number, extensions: readonly Ipv6Extension[], transport: TransportHeader, payload: Uint8Array): Uint8Array =>
  right(emitFrame({
    groups: [{
      eth: { destination: 2, source: mac, etherType: 0x86dd }, vlans: [],
      net: { kind: 'ipv6', source: fe1, destination: at(9), protocol, hopLimit, dscp: 0, ecn: 0, flowLabel: 0, extensions }, transport,
    }],
    payload,
  }))

const discovery = (message: NdpMessage): Uint8Array => frame(58, 255, [], { kind: 'icmpv6', type: ndpType(message), code: 0 }, right(ndpPayload(message)))
const datagram = (...extensions: readonly Ipv6Extension[]): Uint8Array =>
  frame(17, 64, extensions, { kind: 'udp', sourcePort: 50011, destinationPort: 50012 }, Uint8Array.of(0x78, 0x79))
const routed = (header: RoutingHeader): Uint8Array => datagram(right(writeRouting(header)))
const optioned = (kind: 'hop-by-hop' | 'destination', options: readonly Ipv6Option[]): Uint8Array =>
  datagram({ kind, options: right(writeIpv6Options(options)) })

const source = { kind: 'source-link-address', mac } as const
const target = { kind: 'target-link-address', mac } as const
// a multiple of eight: tshark calls the padding of others malformed
const packet = frame(17, 64, [], { kind: 'udp', sourcePort: 50011, destinationPort: 50012 }, new Uint8Array(8).fill(0x78)).subarray(14)

/** What is written, and what tshark must say of it; of every frame it must say that the checksum is right. */
const EXAMPLES: readonly (readonly [string, Uint8Array, Readonly<Record<string, string>>])[] = [
  ['a router solicitation', discovery({ kind: 'router-solicitation', options: [source] }), { 'icmpv6.type': '133', 'icmpv6.opt.src_linkaddr': formatMac(mac) }],
  [
    'a router advertisement',
    discovery({
      kind: 'router-advertisement', hopLimit: 64, managed: true, other: false, otherFlags: 8, lifetimeS: 1800, reachableMs: 30000, retransmitMs: 1000,
      options: [
        { kind: 'mtu', mtu: 1400 },
        { kind: 'prefix', prefix: at(0), length: 64, onLink: true, autonomous: false, otherFlags: 0, validS: 7200, preferredS: 3600 },
      ],
    }),
    {
      'icmpv6.type': '134', 'icmpv6.nd.ra.cur_hop_limit': '64', 'icmpv6.nd.ra.flag.m': '1', 'icmpv6.nd.ra.flag.o': '0', 'icmpv6.nd.ra.flag.prf': '1',
      'icmpv6.nd.ra.router_lifetime': '1800', 'icmpv6.nd.ra.reachable_time': '30000', 'icmpv6.nd.ra.retrans_timer': '1000', 'icmpv6.opt.mtu': '1400',
      'icmpv6.opt.prefix': 'fd00::', 'icmpv6.opt.prefix.length': '64', 'icmpv6.opt.prefix.flag.l': '1', 'icmpv6.opt.prefix.flag.a': '0',
      'icmpv6.opt.prefix.valid_lifetime': '7200', 'icmpv6.opt.prefix.preferred_lifetime': '3600',
    },
  ],
  [
    'a neighbor solicitation', discovery({ kind: 'neighbor-solicitation', target: at(5), options: [source] }),
    { 'icmpv6.type': '135', 'icmpv6.nd.ns.target_address': 'fd00::5', 'icmpv6.opt.src_linkaddr': formatMac(mac) },
  ],
  [
    'a neighbor advertisement',
    discovery({ kind: 'neighbor-advertisement', router: true, solicited: false, override: true, target: at(5), options: [target] }),
    {
      'icmpv6.type': '136', 'icmpv6.nd.na.flag.r': '1', 'icmpv6.nd.na.flag.s': '0', 'icmpv6.nd.na.flag.o': '1', 'icmpv6.nd.na.target_address': 'fd00::5',
      'icmpv6.opt.target_linkaddr': formatMac(mac),
    },
  ],
  [
    'a redirect', discovery({ kind: 'redirect', target: fe1, destination: at(7), options: [target, { kind: 'redirected', packet }] }),
    // the addresses of the packet inside are listed behind those of the packet itself
    { 'icmpv6.type': '137', 'icmpv6.nd.rd.target_address': formatIp(fe1), 'icmpv6.rd.na.destination_address': 'fd00::7', 'ipv6.dst': 'fd00::9,fd00::9' },
  ],
  [
    'segment routing on its way', routed({ kind: 'segment', segmentsLeft: 1, segments: [at(3), at(9)], flags: 0, tag: 7, tlvs: new Uint8Array(0) }),
    {
      'ipv6.routing.type': '4', 'ipv6.routing.segleft': '1', 'ipv6.routing.srh.last_entry': '1', 'ipv6.routing.srh.tag': '0007',
      'ipv6.routing.srh.addr': 'fd00::3,fd00::9', 'udp.checksum.status': '1',
    },
  ],
  [
    'segment routing at its end', routed({ kind: 'segment', segmentsLeft: 0, segments: [at(9), at(3)], flags: 0, tag: 0, tlvs: new Uint8Array(0) }),
    { 'ipv6.routing.segleft': '0', 'ipv6.routing.srh.addr': 'fd00::9,fd00::3', 'udp.checksum.status': '1' },
  ],
  [
    'a source route on its way', routed({ kind: 'source-route', segmentsLeft: 2, addresses: [at(3), at(4)] }),
    { 'ipv6.routing.type': '0', 'ipv6.routing.segleft': '2', 'ipv6.routing.src.addr': 'fd00::3,fd00::4', 'udp.checksum.status': '1' },
  ],
  [
    'a home address', routed({ kind: 'home', segmentsLeft: 1, home: at(3) }),
    { 'ipv6.routing.type': '2', 'ipv6.routing.mipv6.home_address': 'fd00::3', 'udp.checksum.status': '1' },
  ],
  [
    'hop-by-hop options', optioned('hop-by-hop', [{ kind: 'unknown', number: 0x3e, data: Uint8Array.of(1) }, { kind: 'router-alert', value: 1 }]),
    { 'ipv6.hopopts.len_oct': '16', 'ipv6.opt.type': '3e,00,05,01', 'ipv6.opt.length': '1,2,4', 'ipv6.opt.router_alert': '1', 'udp.checksum.status': '1' },
  ],
  ['destination options', optioned('destination', []), { 'ipv6.dstopts.len_oct': '8', 'ipv6.opt.type': '01', 'ipv6.opt.length': '4', 'udp.checksum.status': '1' }],
]

const FIELDS = [...new Set(EXAMPLES.flatMap(([, , fields]) => Object.keys(fields))), 'icmpv6.checksum.status', '_ws.malformed']

const toldOf = (frames: readonly Uint8Array[]): readonly ReadonlyMap<string, string>[] =>
  askTshark(frames, FIELDS, ['udp.check_checksum:TRUE', 'eth.fcs:Never'])
    .map((values) => new Map(FIELDS.map((field, i) => [field, (values[i] ?? '').replaceAll(/\b0x/g, '')])))

const title = 'law 8: tshark reads neighbour discovery and the insides of IPv6 extension headers as we write them'
const test = testNeeding('tshark')
test(title, (t) => {
  const told = toldOf(EXAMPLES.map(([, bytes]) => bytes))
  t.is(told.length, EXAMPLES.length)
  EXAMPLES.forEach(([name, , fields], i) => {
    for (const [field, value] of Object.entries(fields)) t.is(told[i]!.get(field), value, `${name}: ${field}`)
    t.is(told[i]!.get('_ws.malformed'), '', name)
    if ('icmpv6.type' in fields) t.is(told[i]!.get('icmpv6.checksum.status'), '1', name)
  })
})
