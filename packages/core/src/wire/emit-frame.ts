/**
 * A {@link Frame} to bytes, with lengths, next-header fields and checksums computed.
 *
 * It takes three walks: sizes from the inside out, since each length field counts what is inside; headers from the outside in;
 * transport checksums from the inside out again, since an outer one covers the inner ones.
 */
import { left, right, type Either } from 'fp-ts/lib/Either.js'
import { emitArp } from './arp.js'
import { putU16 } from './bytes.js'
import { checksum } from './checksum.js'
import { emitEthernet, ETHERNET_LENGTH, EtherType } from './ethernet.js'
import { fragmentOf, networkHeaderSize, transportHeaderSize, type Frame, type HeaderGroup, type NetworkHeader, type TransportHeader } from './frame.js'
import { L4, MAX_GROUPS } from './frame-view.js'
import { geneveOptionsProblem } from './geneve.js'
import { emitIcmp } from './icmp.js'
import { emitIcmpv6 } from './icmpv6.js'
import { IpProtocol } from './ip-protocol.js'
import { emitIpv4 } from './ipv4.js'
import { checkExtensionSize, emitExtension, extensionSize, MAX_EXTENSIONS, protocolOfExtension } from './ipv6-extension.js'
import { emitIpv6, IPV6_LENGTH, type Ipv6 } from './ipv6.js'
import { emitTcp, type Tcp, TCP_LENGTH } from './tcp.js'
import { pseudoHeaderSum } from './pseudo-header.js'
import { transportChecksumAt } from './transport-checksum.js'
import { emitTunnelHeader, tunnelHeaderSize, type TunnelHeader } from './tunnel.js'
import { emitUdp, UdpPort } from './udp.js'
import { emitVlan, MAX_VLANS, VLAN_LENGTH } from './vlan.js'
import { unwritable, type WireError } from './wire-error.js'

/** Options of {@link emitFrame}. */
export interface EmitOptions {
  /** Zero bytes to leave before the frame, where headers can be pushed in place; 0 unless given. */
  readonly headroom?: number
}

/**
 * Writes the frame as bytes: `headroom` zero bytes, then the frame. A `checksum` in a representation is written as it is, and
 * numbers are cut to the width of their fields. A first fragment's UDP length is written as it is, and a checksum it
 * lacks is written as 0, since neither can be computed from a part.
 *
 * Fails with `BadHeader` if headers contradict each other (an IPv4 header behind another EtherType, a transport
 * header in a later fragment, VXLAN without UDP …), and with `BadLength` if something does not fit its length field.
 *
 * ```ts
 * import { emitFrame, formatFrame, ipv4, type Frame } from '@vfp-ts/core'
 *
 * const frame: Frame = {
 *   groups: [{
 *     eth: { destination: 0x00155d000002, source: 0x00155d000001, etherType: 0x0800 },
 *     vlans: [{ tpid: 0x8100, pcp: 0, dei: false, vid: 100 }],
 *     net: {
 *       kind: 'ipv4', source: ipv4(0x0a000004), destination: ipv4(0x0a000005), protocol: 17, ttl: 64, dscp: 0, ecn: 0, identification: 0,
 *       dontFragment: true, moreFragments: false, reservedFlag: false, fragmentOffset: 0, options: new Uint8Array(0),
 *     },
 *     transport: { kind: 'udp', sourcePort: 49152, destinationPort: 53 },
 *   }],
 *   payload: Uint8Array.of(1, 2, 3),
 * }
 * console.log(formatFrame(frame))
 * const bytes = emitFrame(frame)
 * console.log(bytes._tag === 'Right' ? `${bytes.right.length} bytes` : bytes.left)
 * ```
 *
 * ```text output
 * Ethernet 00:15:5d:00:00:01 > 00:15:5d:00:00:02, type 0x0800
 * 802.1Q vlan 100, priority 0
 * IPv4 10.0.0.4 > 10.0.0.5, UDP, ttl 64, id 0, DF
 * UDP 49152 > 53
 * payload 3 bytes
 * 49 bytes
 * ```
 */
export const emitFrame = (frame: Frame, options: EmitOptions = {}): Either<WireError, Uint8Array> => {
  const plan = planGroups(frame)
  if (plan._tag === 'Left') return plan
  const groups = plan.right
  const headroom = options.headroom ?? 0
  const bytes = new Uint8Array(headroom + groups[0]!.size)
  let at = headroom
  for (const planned of groups) at = emitGroup(planned, bytes, at)
  bytes.set(frame.payload, at)
  for (let start = at, i = groups.length - 1; i >= 0; i--) start = completeChecksum(groups[i]!, bytes, start)
  return right(bytes)
}

/** A group with the sizes of its parts in bytes. */
interface Planned {
  readonly group: HeaderGroup
  readonly link: number
  readonly network: number
  readonly transport: number
  readonly tunnel: number
  /** What the headers of this group enclose: the next group's whole frame, or the payload. */
  readonly inner: number
  /** The whole group with its trailer and all it encloses. */
  readonly size: number
}

const planGroups = (frame: Frame): Either<WireError, readonly Planned[]> => {
  const planned: Planned[] = []
  if (frame.groups.length > MAX_GROUPS) return unwritable('ethernet', 'UnsupportedProtocol', `more than ${MAX_GROUPS} header groups`)
  let inner = frame.payload.length
  for (let i = frame.groups.length - 1; i >= 0; i--) {
    const group = frame.groups[i]!
    if ((group.tunnel === undefined) !== (i === frame.groups.length - 1))
      return unwritable(group.tunnel?.kind ?? 'ethernet', 'BadHeader', 'a tunnel header stands exactly between two header groups')
    const fault = contradiction(group)
    if (fault !== undefined) return left(fault)
    const link = ETHERNET_LENGTH + VLAN_LENGTH * group.vlans.length
    const network = group.net === undefined ? 0 : networkHeaderSize(group.net)
    const transport = group.transport === undefined ? 0 : transportHeaderSize(group.transport)
    const tunnel = group.tunnel === undefined ? 0 : tunnelHeaderSize(group.tunnel)
    const surplus = group.surplus?.length ?? 0
    const counted = transport + tunnel + inner + surplus + (group.net?.kind === 'ipv6' ? network - IPV6_LENGTH : network)
    if (group.net !== undefined && counted > 0xffff) return unwritable(group.net.kind, 'BadLength', `${counted} bytes do not fit a length field`)
    const size = link + network + transport + tunnel + inner + surplus + (group.trailer?.length ?? 0)
    planned.unshift({ group, link, network, transport, tunnel, inner, size })
    inner = size
  }
  return right(planned)
}

const ETHER_TYPES: Readonly<Record<NetworkHeader['kind'], number>> = { arp: EtherType.Arp, ipv4: EtherType.Ipv4, ipv6: EtherType.Ipv6 }

const PROTOCOLS: Readonly<Record<TransportHeader['kind'], number>> = {
  tcp: IpProtocol.Tcp, udp: IpProtocol.Udp, icmp: IpProtocol.Icmp, icmpv6: IpProtocol.Icmpv6,
}

const KINDS: Readonly<Record<TransportHeader['kind'], L4>> = { tcp: L4.Tcp, udp: L4.Udp, icmp: L4.Icmp, icmpv6: L4.Icmpv6 }

/** Returns the first contradiction in a group, which makes it impossible to write. */
const contradiction = (group: HeaderGroup): WireError | undefined => {
  const { eth, vlans, net, transport, tunnel } = group
  if (vlans.length > MAX_VLANS) return fault('vlan', 'UnsupportedProtocol', 'more than two tags')
  if (net !== undefined && eth.etherType !== ETHER_TYPES[net.kind])
    return fault('ethernet', 'BadHeader', `EtherType 0x${eth.etherType.toString(16)} does not announce ${net.kind}`)
  if (group.surplus !== undefined && (transport?.kind !== 'udp' || fragmentOf(net) !== 'whole')) return fault('udp', 'BadHeader', 'only a whole UDP datagram has a surplus')
  const wrong = tunnel === undefined ? undefined : tunnelContradiction(tunnel, net, transport)
  if (wrong !== undefined) return wrong
  if (net?.kind === 'ipv4' && badOptions(net.options)) return fault('ipv4', 'BadLength', 'options are a multiple of 4 up to 40 bytes')
  if (net?.kind === 'ipv6') {
    if (net.extensions.length > MAX_EXTENSIONS) return fault('ipv6-extension', 'UnsupportedProtocol', 'more than eight extension headers')
    for (const extension of net.extensions) {
      const size = checkExtensionSize(extension)
      if (size._tag === 'Left') return size.left
    }
  }
  if (transport === undefined) return undefined
  if (net === undefined || net.kind === 'arp' || net.protocol !== PROTOCOLS[transport.kind])
    return fault(transport.kind, 'BadHeader', 'the network header does not announce this transport header')
  if (transport.kind === (net.kind === 'ipv4' ? 'icmpv6' : 'icmp')) return fault(transport.kind, 'BadHeader', `not a protocol of ${net.kind}`)
  if (fragmentOf(net) === 'later') return fault(transport.kind, 'BadHeader', 'a later fragment has no transport header')
  if (transport.kind !== 'tcp') return undefined
  if (transport.headerLength !== undefined) return badCut(transport, fragmentOf(net) === 'first') ? fault('tcp', 'BadLength', 'only the options of a first fragment are cut off') : undefined
  return badOptions(transport.options) ? fault('tcp', 'BadLength', 'options are a multiple of 4 up to 40 bytes') : undefined
}

/** What keeps a tunnel header from being one: what is around it, or what `parseFrame` would not look behind. */
const tunnelContradiction = (tunnel: TunnelHeader, net: NetworkHeader | undefined, transport: TransportHeader | undefined): WireError | undefined => {
  const { kind } = tunnel
  if (fragmentOf(net) !== 'whole') return fault(kind, 'BadHeader', 'a tunnel header needs a whole datagram around it')
  if (kind === 'vxlan' || kind === 'geneve') {
    if (transport?.kind !== 'udp') return fault(kind, 'BadHeader', 'this tunnel header needs UDP in front of it')
    if (transport.destinationPort === UdpPort[kind === 'vxlan' ? 'Geneve' : 'Vxlan']) return fault(kind, 'BadHeader', 'the UDP port is that of another tunnel')
  } else {
    if (transport !== undefined) return fault(kind, 'BadHeader', 'no transport header stands in front of GRE')
    if (net === undefined || net.kind === 'arp' || net.protocol !== IpProtocol.Gre) return fault(kind, 'BadHeader', 'the network header does not announce GRE')
  }
  if ((kind === 'geneve' || kind === 'gre') && tunnel.protocolType !== EtherType.TransparentBridging)
    return fault(kind, 'BadHeader', 'only Ethernet is carried as a header group')
  if (kind === 'gre' && (tunnel.checksum !== undefined || tunnel.key !== undefined || tunnel.sequence !== undefined))
    return fault(kind, 'BadHeader', 'GRE with a checksum or sequence number is opaque, and with a key it is NVGRE')
  if (kind !== 'geneve') return undefined
  if (tunnel.control) return fault(kind, 'BadHeader', 'what a control packet carries is no header group')
  const options = geneveOptionsProblem(tunnel)
  return options === undefined ? undefined : fault(kind, 'BadLength', options)
}

const badCut = ({ headerLength = 0, options }: Tcp, first: boolean): boolean =>
  !first || headerLength % 4 !== 0 || headerLength > 60 || TCP_LENGTH + options.length >= headerLength

const badOptions = (options: Uint8Array): boolean => options.length % 4 !== 0 || options.length > 40

const fault = (protocol: WireError['protocol'], reason: WireError['reason'], detail: string): WireError =>
  ({ _tag: 'WireError', reason, offset: 0, protocol, detail })

/** Writes the headers of a group at `at` and its trailer behind what it encloses; returns the offset of the latter. */
const emitGroup = (planned: Planned, bytes: Uint8Array, at: number): number => {
  const { group, link, network, transport, tunnel, inner, size } = planned
  const l3 = at + link
  const l4 = l3 + network
  const datagram = transport + tunnel + inner
  const carried = datagram + (group.surplus?.length ?? 0)
  emitEthernet(group.eth, bytes, at)
  group.vlans.forEach((tag, i) => emitVlan(tag, bytes, at + ETHERNET_LENGTH - 2 + i * VLAN_LENGTH))
  putU16(bytes, l3 - 2, group.eth.etherType)
  if (group.net?.kind === 'arp') emitArp(group.net, bytes, l3)
  if (group.net?.kind === 'ipv4') emitIpv4(group.net, network + carried, bytes, l3)
  if (group.net?.kind === 'ipv6') emitIpv6Chain(group.net, network - IPV6_LENGTH + carried, bytes, l3)
  if (group.transport?.kind === 'tcp') emitTcp(group.transport, bytes, l4)
  if (group.transport?.kind === 'udp') {
    const first = fragmentOf(group.net) === 'first'
    emitUdp(group.transport, first ? (group.transport.length ?? datagram) : datagram, bytes, l4)
  }
  if (group.transport?.kind === 'icmp') emitIcmp(group.transport, bytes, l4)
  if (group.transport?.kind === 'icmpv6') emitIcmpv6(group.transport, bytes, l4)
  if (group.tunnel !== undefined) emitTunnelHeader(group.tunnel, bytes, l4 + transport)
  if (group.surplus !== undefined) bytes.set(group.surplus, l4 + datagram)
  if (group.trailer !== undefined) bytes.set(group.trailer, at + size - group.trailer.length)
  return l4 + transport + tunnel
}

const emitIpv6Chain = (net: Ipv6, payloadLength: number, bytes: Uint8Array, at: number): void => {
  emitIpv6(net, payloadLength, bytes, at)
  let next = at + IPV6_LENGTH
  net.extensions.forEach((extension, i) => {
    const behind = net.extensions[i + 1]
    emitExtension(extension, behind === undefined ? net.protocol : protocolOfExtension(behind), bytes, next)
    next += extensionSize(extension)
  })
}

/** Computes the transport checksum of the group whose headers end at `behind`; returns the offset where they begin. */
const completeChecksum = (planned: Planned, bytes: Uint8Array, behind: number): number => {
  const { group, link, network, transport, tunnel, inner } = planned
  const l4 = behind - tunnel - transport
  const l3 = l4 - network
  if (group.transport !== undefined && group.transport.checksum === undefined && fragmentOf(group.net) === 'whole') {
    const { kind } = group.transport
    const length = transport + tunnel + inner
    const pseudo = kind === 'icmp' ? 0 : pseudoHeaderSum(bytes, group.net?.kind === 'ipv6', l3, l4, PROTOCOLS[kind], length)
    const sum = checksum(bytes, l4, l4 + length, pseudo)
    putU16(bytes, l4 + transportChecksumAt(KINDS[kind]), kind === 'udp' && sum === 0 ? 0xffff : sum)
  }
  return l3 - link
}
