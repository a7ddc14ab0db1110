/**
 * A whole frame as a value: every header read, for the control path, tests and people. The per-packet path never makes
 * one; it works on the offsets of a `FrameView`.
 *
 * `dissect` reads bytes into a {@link Frame} and `emitFrame` writes them back. What follows from the rest is left
 * out: lengths, next-header fields, and checksums that are right. So a value that was changed is emitted consistent,
 * and one that was not is emitted as it came, byte for byte.
 */
import { ARP_LENGTH, formatArp, type Arp } from './arp.js'
import { formatEthernet, type Ethernet } from './ethernet.js'
import { formatIcmp, ICMP_LENGTH, type Icmp } from './icmp.js'
import { formatIcmpv6, icmpv6HeaderLength, type Icmpv6 } from './icmpv6.js'
import { formatIpv4, IPV4_LENGTH, type Ipv4 } from './ipv4.js'
import { extensionSize } from './ipv6-extension.js'
import { formatIpv6, IPV6_LENGTH, type Ipv6 } from './ipv6.js'
import { formatTcp, TCP_LENGTH, type Tcp } from './tcp.js'
import { formatTunnelHeader, type TunnelHeader } from './tunnel.js'
import { formatUdp, UDP_LENGTH, type Udp } from './udp.js'
import { formatVlan, type VlanTag } from './vlan.js'

/** A network header; `kind` tells which. */
export type NetworkHeader = Arp | Ipv4 | Ipv6

/** A transport header; `kind` tells which. */
export type TransportHeader = Tcp | Udp | Icmp | Icmpv6

/** One Ethernet header with all headers behind it, up to the next Ethernet header. */
export interface HeaderGroup {
  /** The Ethernet header; its `etherType` is that behind the tags. */
  readonly eth: Ethernet
  /** VLAN tags, outermost first; at most two. */
  readonly vlans: readonly VlanTag[]
  /** The network header. Absent if `eth.etherType` is not supported: all that follows is payload. */
  readonly net?: NetworkHeader
  /** The transport header. Absent in later fragments, in front of GRE and NVGRE, and if the protocol of `net` is not supported. */
  readonly transport?: TransportHeader
  /**
   * The tunnel header, in exactly the groups that encapsulate the next one. VXLAN and Geneve stand behind UDP, GRE and NVGRE right behind IP.
   * GRE without optional words and Geneve that is no control packet are tunnel headers if they carry Ethernet; others are payload.
   */
  readonly tunnel?: TunnelHeader
  /** Bytes behind a whole UDP datagram inside its IP datagram (RFC 9868 §5). Absent if there are none. */
  readonly surplus?: Uint8Array
  /** Bytes behind this group's datagram inside its own frame: padding, mostly. Absent if there are none. */
  readonly trailer?: Uint8Array
}

/** A frame: header groups, outermost first, and what the last one carries. */
export interface Frame {
  /** Header groups, outermost first; one to `MAX_GROUPS`. */
  readonly groups: readonly [HeaderGroup, ...HeaderGroup[]]
  /** Bytes behind the innermost header, up to the end of its datagram; of UDP, by its own length. */
  readonly payload: Uint8Array
}

/** Returns which part of its datagram a group holds. */
export const fragmentOf = (net: NetworkHeader | undefined): 'whole' | 'first' | 'later' => {
  if (net === undefined || net.kind === 'arp') return 'whole'
  const fragment =
    net.kind === 'ipv4'
      ? { offset: net.fragmentOffset, more: net.moreFragments }
      : (net.extensions.find((extension) => extension.kind === 'fragment') ?? { offset: 0, more: false })
  return fragment.offset > 0 ? 'later' : fragment.more ? 'first' : 'whole'
}

/** Returns the bytes of a network header with its options and extension headers. */
export const networkHeaderSize = (net: NetworkHeader): number => {
  switch (net.kind) {
    case 'arp':
      return ARP_LENGTH
    case 'ipv4':
      return IPV4_LENGTH + net.options.length
    case 'ipv6':
      return net.extensions.reduce((sum, extension) => sum + extensionSize(extension), IPV6_LENGTH)
  }
}

/** Returns the bytes of a transport header with its options. */
export const transportHeaderSize = (transport: TransportHeader): number => {
  switch (transport.kind) {
    case 'tcp':
      return TCP_LENGTH + transport.options.length
    case 'udp':
      return UDP_LENGTH
    case 'icmp':
      return ICMP_LENGTH
    case 'icmpv6':
      return icmpv6HeaderLength(transport.type)
  }
}

/** Formats a frame, one line for each header, in the order of the wire; encapsulated groups are indented. */
export const formatFrame = (frame: Frame): string =>
  [
    ...frame.groups.flatMap((group, depth) => formatGroup(group).map((line) => '  '.repeat(depth) + line)),
    `${'  '.repeat(frame.groups.length - 1)}payload ${frame.payload.length} bytes`,
  ].join('\n')

const formatGroup = (group: HeaderGroup): readonly string[] => [
  formatEthernet(group.eth) + (group.trailer === undefined ? '' : `, trailer ${group.trailer.length} bytes`),
  ...group.vlans.map(formatVlan),
  ...(group.net === undefined ? [] : [formatNetwork(group.net)]),
  ...(group.transport === undefined ? [] : [formatTransport(group.transport)]),
  ...(group.tunnel === undefined ? [] : [formatTunnelHeader(group.tunnel)]),
  ...(group.surplus === undefined ? [] : [`UDP surplus ${group.surplus.length} bytes`]),
]

const formatNetwork = (net: NetworkHeader): string => {
  switch (net.kind) {
    case 'arp':
      return formatArp(net)
    case 'ipv4':
      return formatIpv4(net)
    case 'ipv6':
      return formatIpv6(net)
  }
}

const formatTransport = (transport: TransportHeader): string => {
  switch (transport.kind) {
    case 'tcp':
      return formatTcp(transport)
    case 'udp':
      return formatUdp(transport)
    case 'icmp':
      return formatIcmp(transport)
    case 'icmpv6':
      return formatIcmpv6(transport)
  }
}
