/**
 * Packets of a few hosts as values, the frames they stand for, the same frames with details changed, and their answers.
 * All addresses, ports and networks come from the pools here; what tests generate should draw on them, too.
 */
import { formatIp, type IpAddress, ipv4, ipv6, type Mac } from '../wire/address.js'
import { dissect } from '../wire/dissect.js'
import { EtherType } from '../wire/ethernet.js'
import type { Frame, HeaderGroup, NetworkHeader, TransportHeader } from '../wire/frame.js'
import { IpProtocol } from '../wire/ip-protocol.js'
import { makeFrameView, Slot, SLOTS } from '../wire/frame-view.js'
import { parseFrame } from '../wire/parse.js'
import { Reason } from '../wire/reason.js'
import { bytesOf } from './frame-arbitraries.js'
import { TEST_ENDS } from './transposition-values.js'

/** MACs of the VM, its peers and a router. */
export const MACS: readonly Mac[] = [0x00155d000001, 0x00155d000002, 0x00155d000003, 0x00155d0000fe]
/** Addresses of the VM. */
export const HOSTS4: readonly string[] = ['10.0.0.4', '10.0.0.5']
/** Addresses of the VM. */
export const HOSTS6: readonly string[] = ['fd00::4']
/** Addresses of those it talks to. */
export const PEERS4: readonly string[] = ['10.0.1.4', '10.0.1.5', '192.0.2.10']
/** Addresses of those it talks to. */
export const PEERS6: readonly string[] = ['fd00::1:4']
/** Addresses that stand for others. */
export const VIPS: readonly string[] = ['192.0.2.10', '192.0.2.11']
/** Hosts of the underlay, the port's own first. */
export const UNDERLAYS4: readonly string[] = ['198.51.100.1', '198.51.100.2', '198.51.100.3']
/** Hosts of the underlay, the port's own first. */
export const UNDERLAYS6: readonly string[] = ['2001:db8::1', '2001:db8::2']
/** Virtual networks. */
export const TENANTS: readonly number[] = [5001, 5002]
/** Transport ports. */
export const TRANSPORT_PORTS: readonly number[] = [80, 443, 49152]

/** A packet as small numbers, each an index into a pool, so that it shrinks to the plainest one. */
export interface Packet {
  readonly kind: 'tcp' | 'udp' | 'icmp' | 'tcp6' | 'udp6' | 'icmp6' | 'arp' | 'first' | 'later' | 'first6' | 'later6' | 'error' | 'opaque'
  readonly host: number
  readonly peer: number
  readonly ports: readonly [number, number]
  readonly payload: number
  /** Around it, if it comes from the network. */
  readonly tunnel: { readonly underlay: 4 | 6; readonly tenant: number; readonly from: number; readonly kind?: 'vxlan' | 'nvgre' | 'geneve' } | undefined
  readonly tweak: Tweak
}

/** Details that may differ between packets of one flow; an absent one stays as it is. */
export interface Tweak {
  readonly ttl?: number
  readonly ecn?: number
  readonly dscp?: number
  readonly flags?: number
  readonly srcMac?: number
  readonly vlan?: number
  readonly identification?: number
  readonly entropy?: number
  readonly outerSource?: number
  /** IP version of what is around it, if anything is. */
  readonly underlay?: 4 | 6
  /** Of a UDP datagram this is only the first fragment, of 24 bytes. */
  readonly first?: boolean
  /** Of a first fragment this is the rest of the datagram. */
  readonly later?: boolean
}

/** The frame of a packet in a direction: the host is the VM. */
export const frameOf = (packet: Packet, direction: 'outbound' | 'inbound'): Uint8Array => {
  const inner = innermost(packet, direction)
  const { tunnel } = packet
  if (tunnel === undefined) return bytesOf(tweaked({ groups: [inner], payload: payloadOf(packet) }, packet.tweak))
  const pool = (tunnel.underlay === 4 ? UNDERLAYS4 : UNDERLAYS6).map(address)
  const kind = tunnel.kind ?? 'vxlan'
  const vni = TENANTS[tunnel.tenant]!
  const net = ipHeader(pool[1 + (tunnel.from % (pool.length - 1))]!, pool[0]!, kind === 'nvgre' ? IpProtocol.Gre : IpProtocol.Udp)
  const outer: HeaderGroup = {
    eth: { destination: MACS[0]!, source: MACS[3]!, etherType: tunnel.underlay === 4 ? EtherType.Ipv4 : EtherType.Ipv6 }, vlans: [], net,
    ...(kind === 'nvgre' ? {} : { transport: { kind: 'udp', sourcePort: 50_001, destinationPort: kind === 'vxlan' ? 4789 : 6081 } }),
    tunnel: kind === 'vxlan'
      ? { kind, vni, reserved: 0, reservedLow: 0 }
      : kind === 'nvgre'
        ? { kind, vni, flowId: 1, reserved: 0 }
        : { kind, vni, control: false, reserved: 0, reservedLow: 0, protocolType: 0x6558, options: [] },
  }
  return bytesOf(tweaked({ groups: [outer, inner], payload: payloadOf(packet) }, packet.tweak))
}

/** A frame once more, with details changed. */
export const again = (bytes: Uint8Array, tweak: Tweak): Uint8Array | undefined => {
  const frame = read(bytes)
  return frame === undefined ? undefined : bytesOf(tweaked(frame, tweak))
}

/** What the receiver of a frame would send back, with details changed; `undefined` for a frame that has no answer. */
export const answer = (bytes: Uint8Array, tweak: Tweak): Uint8Array | undefined => {
  const frame = read(bytes)
  if (frame === undefined) return undefined
  const [first, ...others] = frame.groups.map(reversed)
  return bytesOf(tweaked({ groups: [first!, ...others], payload: frame.payload }, tweak))
}

/**
 * The ICMP error about a frame that its receiver, or a router on the way, would send back, quoting `quoted` bytes of it behind the
 * network header; `undefined` for what errors are not about.
 */
export const errorAbout = (bytes: Uint8Array, complaint: { readonly router: boolean; readonly quoted: number }): Uint8Array | undefined => {
  const view = makeFrameView([], TEST_ENDS)
  const frame = read(bytes)
  if (frame === undefined || parseFrame(view, bytes, 0, bytes.length) !== Reason.Ok) return undefined
  const last = frame.groups.at(-1)!
  const s = (view.depth - 1) * SLOTS
  const { net } = last
  if (net === undefined || net.kind === 'arp' || last.transport?.kind === 'icmp' && last.transport.type === 3) return undefined
  const from = complaint.router ? (net.kind === 'ipv4' ? ipv4(0xc6336463) : ipv6(0x20010db8, 0, 0, 99)) : net.destination
  const four = net.kind === 'ipv4'
  const { trailer: _trailer, transport: _transport, ...rest } = last
  const error: HeaderGroup = {
    ...rest,
    eth: { ...last.eth, destination: last.eth.source, source: last.eth.destination },
    net: ipHeader(from, net.source, four ? IpProtocol.Icmp : IpProtocol.Icmpv6),
    transport: four ? { kind: 'icmp', type: 3, code: 1, rest: 0 } : { kind: 'icmpv6', type: 1, code: 0, rest: 0 },
  }
  const end = Math.min(view.slots[s + Slot.END]!, view.slots[s + Slot.L4]! + complaint.quoted)
  const [first, ...others] = [...frame.groups.slice(0, -1).map(reversed), error]
  return bytesOf({ groups: [first, ...others], payload: bytes.slice(view.slots[s + Slot.L3], end) })
}

const read = (bytes: Uint8Array): Frame | undefined => {
  const frame = dissect(bytes, undefined, [], TEST_ENDS)
  return frame._tag === 'Left' ? undefined : frame.right
}

const reversed = (group: HeaderGroup): HeaderGroup => {
  const { eth, net, transport, tunnel } = group
  return {
    ...group,
    eth: { ...eth, destination: eth.source, source: eth.destination },
    ...(net === undefined ? {} : { net: reversedNet(net) }),
    ...(transport === undefined ? {} : { transport: tunnel === undefined ? reversedTransport(transport) : transport }),
  }
}

const reversedNet = (net: NetworkHeader): NetworkHeader =>
  net.kind === 'arp'
    ? { ...net, operation: 2, senderIp: net.targetIp, targetIp: net.senderIp, senderMac: net.targetMac, targetMac: net.senderMac }
    : { ...net, source: net.destination, destination: net.source }

const reversedTransport = (transport: TransportHeader): TransportHeader => {
  switch (transport.kind) {
    case 'tcp':
    case 'udp': return { ...transport, sourcePort: transport.destinationPort, destinationPort: transport.sourcePort }
    case 'icmp': return { ...transport, type: transport.type === 8 ? 0 : transport.type === 0 ? 8 : transport.type }
    case 'icmpv6': return { ...transport, type: transport.type === 128 ? 129 : transport.type === 129 ? 128 : transport.type }
  }
}

const tweaked = (frame: Frame, tweak: Tweak): Frame => {
  const last = frame.groups.length - 1
  const [first, ...others] = frame.groups.map((group, i): HeaderGroup => tweakedGroup(group, tweak, i === last))
  const whole: Frame = { groups: [first!, ...others], payload: frame.payload }
  return tweak.first === true ? firstFragment(whole) : tweak.later === true ? laterFragment(whole) : whole
}

/** The first fragment of a larger UDP datagram in place of a whole one. */
const firstFragment = (frame: Frame): Frame => {
  const innermost = frame.groups.at(-1)!
  const { net, transport } = innermost
  if (net?.kind !== 'ipv4' || transport?.kind !== 'udp' || net.moreFragments || transport.destinationPort === 4789 || transport.destinationPort === 6081) return frame
  // Whatever was padding would be payload of the fragment's datagram.
  const { trailer: _, ...rest } = innermost
  const cut: HeaderGroup = { ...rest, net: { ...net, moreFragments: true }, transport: { ...transport, length: 64, checksum: 0x1234 } }
  const [first, ...others] = [...frame.groups.slice(0, -1), cut]
  return { groups: [first, ...others], payload: new Uint8Array(16).fill(0x2a) }
}

/** The last fragment of the datagram that a first fragment begins. */
const laterFragment = (frame: Frame): Frame => {
  const { transport, ...rest } = frame.groups.at(-1)!
  const { net } = rest
  if (transport === undefined || net === undefined || net.kind === 'arp') return frame
  const later = laterHeader(net)
  if (later === undefined) return frame
  const [first, ...others] = [...frame.groups.slice(0, -1), { ...rest, net: later }]
  return { groups: [first, ...others], payload: new Uint8Array(16).fill(0x2a) }
}

/** The header of the fragment behind a first one of 24 bytes, if it is the header of a first one. */
const laterHeader = (net: Exclude<NetworkHeader, { readonly kind: 'arp' }>): NetworkHeader | undefined => {
  if (net.kind === 'ipv4') return net.moreFragments ? { ...net, moreFragments: false, fragmentOffset: 24 } : undefined
  if (!net.extensions.some((e) => e.kind === 'fragment' && e.more)) return undefined
  return { ...net, extensions: net.extensions.map((e) => (e.kind === 'fragment' ? { ...e, more: false, offset: 24 } : e)) }
}

const tweakedGroup = (group: HeaderGroup, tweak: Tweak, isInnermost: boolean): HeaderGroup => {
  const { eth, net, transport } = group
  const ip = net === undefined || net.kind === 'arp' ? undefined : net
  const link = tweak.srcMac === undefined ? eth : { ...eth, source: MACS[tweak.srcMac]! }
  if (!isInnermost && tweak.underlay !== undefined) {
    const [to, from] = (tweak.underlay === 4 ? UNDERLAYS4 : UNDERLAYS6).map(address)
    const etherType = tweak.underlay === 4 ? EtherType.Ipv4 : EtherType.Ipv6
    return { ...group, eth: { ...link, etherType }, net: ipHeader(from!, to!, ip?.protocol ?? IpProtocol.Udp) }
  }
  return {
    ...group,
    eth: link,
    vlans: tweak.vlan === undefined || !isInnermost ? group.vlans : vlansOf(tweak.vlan),
    ...(ip === undefined ? {} : { net: tweakedIp(ip, tweak, isInnermost) }),
    ...(transport === undefined ? {} : { transport: tweakedTransport(transport, tweak, isInnermost) }),
  }
}

const vlansOf = (tag: number): HeaderGroup['vlans'] =>
  tag === 0 ? [] : [{ tpid: EtherType.Vlan, pcp: tag >>> 13, dei: false, vid: tag & 0xfff }]

const tweakedIp = (net: Exclude<NetworkHeader, { readonly kind: 'arp' }>, tweak: Tweak, isInnermost: boolean): NetworkHeader => {
  const both = { ...(tweak.ecn === undefined ? {} : { ecn: tweak.ecn }), ...(tweak.dscp === undefined ? {} : { dscp: tweak.dscp }) }
  const outer = !isInnermost && tweak.outerSource !== undefined
  if (net.kind === 'ipv6') return { ...net, ...both, ...(tweak.ttl === undefined ? {} : { hopLimit: tweak.ttl }) }
  return {
    ...net, ...both,
    ...(tweak.ttl === undefined ? {} : { ttl: tweak.ttl }),
    ...(tweak.identification === undefined || !isInnermost ? {} : { identification: tweak.identification }),
    ...(outer ? { source: address(UNDERLAYS4[tweak.outerSource]!) } : {}),
  }
}

const tweakedTransport = (transport: TransportHeader, tweak: Tweak, isInnermost: boolean): TransportHeader => {
  if (transport.kind === 'tcp') return tweak.flags === undefined ? transport : { ...transport, flags: tweak.flags }
  if (transport.kind === 'udp') return isInnermost || tweak.entropy === undefined ? transport : { ...transport, sourcePort: tweak.entropy }
  return transport
}

const payloadOf = ({ kind, payload }: Packet): Uint8Array =>
  new Uint8Array(kind === 'arp' ? 0 : kind.startsWith('first') || kind.startsWith('later') ? 16 : payload).fill(0x2a)

const innermost = ({ kind, host, peer, ports }: Packet, direction: 'outbound' | 'inbound'): HeaderGroup => {
  const six = kind.endsWith('6')
  const vm = address((six ? HOSTS6 : HOSTS4)[host % (six ? 1 : 2)]!)
  const other = address((six ? PEERS6 : PEERS4)[peer % (six ? 1 : 3)]!)
  const [source, destination] = direction === 'outbound' ? [vm, other] : [other, vm]
  const [from, to] = direction === 'outbound' ? [MACS[0]!, MACS[1]!] : [MACS[1]!, MACS[0]!]
  const group = (etherType: number, net: NetworkHeader | undefined, transport: TransportHeader | undefined): HeaderGroup => ({
    eth: { destination: to, source: from, etherType }, vlans: [], ...(net === undefined ? {} : { net }), ...(transport === undefined ? {} : { transport }),
  })
  const ip = (protocol: number, transport: TransportHeader | undefined): HeaderGroup =>
    group(six ? EtherType.Ipv6 : EtherType.Ipv4, ipHeader(source, destination, protocol, kind), transport)
  const ends = { sourcePort: TRANSPORT_PORTS[ports[0]]!, destinationPort: TRANSPORT_PORTS[ports[1]]! }
  switch (kind) {
    case 'tcp':
    case 'tcp6':
      return ip(IpProtocol.Tcp, { kind: 'tcp', ...ends, sequence: 1, acknowledgment: 2, flags: 0x10, reserved: 0, window: 1000, urgent: 0, options: new Uint8Array(0) })
    case 'udp':
    case 'udp6': return ip(IpProtocol.Udp, { kind: 'udp', ...ends })
    case 'first':
    case 'first6': return ip(IpProtocol.Udp, { kind: 'udp', ...ends, length: 64, checksum: 0x1234 })
    case 'later':
    case 'later6': return ip(IpProtocol.Udp, undefined)
    case 'icmp': return ip(IpProtocol.Icmp, { kind: 'icmp', type: 8, code: 0, rest: ((5 + ports[0]) << 16) | ports[1] })
    case 'icmp6': return ip(IpProtocol.Icmpv6, { kind: 'icmpv6', type: 128, code: 0, rest: ((5 + ports[0]) << 16) | ports[1] })
    case 'error': return ip(IpProtocol.Icmp, { kind: 'icmp', type: 3, code: 1, rest: 0 })
    case 'arp': return group(EtherType.Arp, { kind: 'arp', operation: 1, senderMac: from, senderIp: source, targetMac: 0, targetIp: destination }, undefined)
    case 'opaque': return group(0x88cc, undefined, undefined)
  }
}

const ipHeader = (source: IpAddress, destination: IpAddress, protocol: number, kind: Packet['kind'] = 'tcp'): Exclude<NetworkHeader, { readonly kind: 'arp' }> => {
  const more = kind.startsWith('first')
  const offset = kind.startsWith('later') ? 24 : 0
  if (source.version === 6) {
    const extensions = more || offset > 0 ? [{ kind: 'fragment' as const, offset, more, identification: 77, reserved: 0 }] : []
    return { kind: 'ipv6', source, destination, protocol, hopLimit: 64, dscp: 0, ecn: 0, flowLabel: 0, extensions }
  }
  return {
    kind: 'ipv4', source, destination, protocol, ttl: 64, dscp: 0, ecn: 0, identification: 1, dontFragment: false, moreFragments: more,
    reservedFlag: false, fragmentOffset: offset, options: new Uint8Array(0),
  }
}

const address = (text: string): IpAddress => {
  const found = ADDRESSES.get(text)
  if (found === undefined) throw new Error(`${text} is not one of the traffic's addresses`)
  return found
}

const ADDRESSES: ReadonlyMap<string, IpAddress> = new Map(
  [
    ipv4(0x0a000004), ipv4(0x0a000005), ipv4(0x0a000104), ipv4(0x0a000105), ipv4(0xc000020a), ipv4(0xc000020b),
    ipv4(0xc6336401), ipv4(0xc6336402), ipv4(0xc6336403),
    ipv6(0xfd000000, 0, 0, 4), ipv6(0xfd000000, 0, 0, 0x10004), ipv6(0x20010db8, 0, 0, 1), ipv6(0x20010db8, 0, 0, 2),
  ].map((ip) => [formatIp(ip), ip]),
)
