/** Frames of a VM's own tunnels, to be segmented, and the segments that they are to become. */
import { VirtioNetFlag, VirtioNetGso } from '../../src/offload/virtio-net-header.js'
import {
  bytes, etherIp, ethernet, geneve, gre, gtpU, ip4, ip6, l2tp, mpls, pppoe, pseudo4, pseudo6, tcp, udp, vxlan, type Wrap, wrapped,
} from './hand-made.js'

export interface OwnTunnel {
  readonly title: string
  readonly wraps: readonly Wrap[]
  /** IP version right around the transport. */
  readonly inner: 4 | 6
}

const IPV4 = 0x0800
const IPV6 = 0x86dd
const ETHERNET = 0x6558
const in4 = (id = 0xfffe): Wrap => ip4(6, id)
const inside = [ethernet(IPV4), in4()]

const over4 = (title: string, protocol: number, ...wraps: readonly Wrap[]): OwnTunnel => ({ title, wraps: [ethernet(IPV4), ip4(protocol, 100), ...wraps], inner: 4 })
const over6 = (title: string, next: number, ...wraps: readonly Wrap[]): OwnTunnel => ({ title, wraps: [ethernet(IPV6), ip6(next), ...wraps], inner: 4 })
const v6Inside = (tunnel: OwnTunnel): OwnTunnel => ({ ...tunnel, inner: 6 })

export const ownTunnels: readonly OwnTunnel[] = [
  over4('VXLAN to 8472', 17, udp(8472), vxlan, ...inside),
  over4('VXLAN to 8472 with an outer checksum', 17, udp(8472, pseudo4), vxlan, ...inside),
  over6('VXLAN to 8472 over IPv6', 17, udp(8472, pseudo6), vxlan, ...inside),
  over4('VXLAN to 4789', 17, udp(4789, pseudo4), vxlan, ...inside),
  over4('VXLAN with tags inside', 17, udp(8472), vxlan, ethernet(IPV4, 0x8100, 0x88a8), in4()),
  v6Inside(over4('VXLAN with IPv6 inside', 17, udp(8472), vxlan, ethernet(IPV6), ip6(6))),
  v6Inside(over4('VXLAN with IPv6 and options inside', 17, udp(8472), vxlan, ethernet(IPV6), ip6(6, true))),
  { title: 'VXLAN with an outer tag', wraps: [ethernet(IPV4, 0x8100), ip4(17, 0xffff, 8), udp(8472, pseudo4), vxlan, ...inside], inner: 4 },
  over4('VXLAN in VXLAN', 17, udp(8472, pseudo4), vxlan, ethernet(IPV4), ip4(17, 7), udp(8472, pseudo4), vxlan, ...inside),
  over4('VXLAN in VXLAN in VXLAN in VXLAN', 17, ...[1, 2, 3].flatMap((id) => [udp(4789, pseudo4), vxlan, ethernet(IPV4), ip4(17, id)]), udp(4789), vxlan, ...inside),
  over4('IP in IP', 4, in4()),
  over4('IP in IP in IP', 4, ip4(4, 9), in4()),
  v6Inside(over4('IPv6 in IPv4', 41, ip6(6))),
  v6Inside(over6('IPv6 in IPv6', 41, ip6(6))),
  over6('IPv4 in IPv6', 4, in4()),
  over4('GRE with IPv4', 47, gre(IPV4), in4()),
  v6Inside(over4('GRE with IPv6', 47, gre(IPV6), ip6(6))),
  over4('GRE with Ethernet', 47, gre(ETHERNET), ...inside),
  over4('GRE with a sequence number', 47, gre(IPV4, { sequence: 0xffff_ffff }), in4()),
  over4('GRE with a checksum', 47, gre(IPV4, { checksum: true }), in4()),
  over4('GRE with everything and Ethernet', 47, gre(ETHERNET, { checksum: true, key: true, sequence: 5 }), ...inside),
  over6('GRE with a checksum over IPv6', 47, gre(IPV4, { checksum: true }), in4()),
  over4('GRE in UDP with a checksum', 17, udp(4754, pseudo4), gre(IPV4, { checksum: true }), in4()),
  over4('ERSPAN', 47, gre(0x88be, { sequence: 9 }), bytes(0x10, 1, 2, 3, 0, 0, 0, 1), ...inside),
  over4('FOU with IPv4', 17, udp(5555), in4()),
  v6Inside(over4('FOU with IPv6 and a checksum', 17, udp(5555, pseudo4), ip6(6))),
  over4('GUE', 17, udp(6080, pseudo4), bytes(1, 4, 0, 0, 9, 9, 9, 9), in4()),
  over4('MPLS in UDP', 17, udp(6635), mpls, in4()),
  over4('MPLS in GRE', 47, gre(0x8847, { checksum: true }), mpls, in4()),
  over4('MPLS in IP', 137, mpls, in4()),
  { title: 'MPLS', wraps: [ethernet(0x8847), mpls, in4()], inner: 4 },
  { title: 'MPLS with Ethernet and a control word', wraps: [ethernet(0x8847), mpls, bytes(0, 0, 0, 0), ...inside], inner: 4 },
  over4('Geneve with IP and a critical option', 17, udp(6081), geneve(IPV4), in4()),
  over4('Geneve with Ethernet and a critical option', 17, udp(6081, pseudo4), geneve(ETHERNET), ...inside),
  over4('Ethernet in IP', 97, etherIp, ...inside),
  over4('GTP-U', 17, udp(2152), gtpU, in4()),
  over4('L2TP', 17, udp(1701), l2tp(0x21), in4()),
  { title: 'PPPoE', wraps: [ethernet(0x8864), pppoe(0x21), in4()], inner: 4 },
  over4('PPPoE in VXLAN', 17, udp(8472, pseudo4), vxlan, ethernet(0x8864), pppoe(0x21), in4()),
  over4('an odd number of unknown bytes', 17, udp(9999, pseudo4), bytes(1, 2, 3), in4()),
  over4('an odd number of unknown bytes around a checksum', 17, udp(9999, pseudo4), bytes(1, 2, 3), ip4(17, 3), udp(9999, pseudo4), bytes(7), in4()),
]

const CWR = 0x80
const ECE = 0x40
const PSH_FIN = 0x09
const ACK = 0x10

/** The payload of any length. */
export const payloadOf = (length: number): readonly number[] => Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff)

/** The segments of `size` bytes; `accurate` repeats CWR on all. */
export const segmentsByHand = ({ wraps, inner }: OwnTunnel, payload: readonly number[], size: number, accurate = false): readonly Uint8Array[] => {
  const pseudo = inner === 4 ? pseudo4 : pseudo6
  return Array.from({ length: Math.ceil(payload.length / size) }, (_, i) => {
    const last = (i + 1) * size >= payload.length
    const flags = ACK | ECE | (i === 0 || accurate ? CWR : 0) | (last ? PSH_FIN : 0)
    return Uint8Array.from(wrapped([...wraps, tcp(flags, pseudo, i * size)], payload.slice(i * size, (i + 1) * size), i))
  })
}

export const HEADER = 10

/** The whole frame behind a virtio-net header that says where it is to be cut; its TCP checksum is garbage. */
export const superFrame = ({ wraps, inner }: OwnTunnel, payload: readonly number[], size: number, type = 0): Uint8Array => {
  const segment = tcp(ACK | ECE | CWR | PSH_FIN, inner === 4 ? pseudo4 : pseudo6, 0)(payload, 0)
  const frame = wrapped(wraps, segment, 0)
  const from = frame.length - segment.length
  const le = (value: number): readonly number[] => [value & 0xff, value >>> 8]
  const gso = (inner === 4 ? VirtioNetGso.Tcp4 : VirtioNetGso.Tcp6) | type
  const whole = Uint8Array.from([VirtioNetFlag.NeedsChecksum, gso, ...le(from + 24), ...le(size), ...le(from), ...le(16), ...frame])
  whole.fill(0xa5, HEADER + from + 16, HEADER + from + 18)
  return whole
}
