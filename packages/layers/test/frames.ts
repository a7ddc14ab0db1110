/** Real frames for the tests, and what came out as one line of text. */
import { dissect, emitFrame, formatIp, formatMac, type Frame, type HeaderGroup, orThrow } from '@vfp-ts/core'
import { ip, mac } from './support.js'

/** A frame in the words of a test. Addresses are text, ports come with them: `10.0.0.4:5000`, `[fd00::4]:5000`. */
export interface Said {
  readonly from: string
  readonly to: string
  /** `tcp` unless said; `icmp` is an echo with the port of `from` as identifier, a request unless `reply`; `igmp` is nothing but its payload. */
  readonly proto?: 'tcp' | 'udp' | 'icmp' | 'igmp'
  readonly reply?: boolean
  /** ICMP or ICMPv6 type, instead of an echo's. */
  readonly icmpType?: number
  /** Its code; 0 unless said. */
  readonly icmpCode?: number
  /** TTL or hop limit; 64 unless said. */
  readonly ttl?: number
  /** Whether the IP header has a router alert. */
  readonly alert?: boolean
  /** Whether more fragments follow. */
  readonly more?: boolean
  /** TCP flags as bits; ACK unless said. */
  readonly flags?: number
  readonly fromMac?: string
  readonly toMac?: string
  readonly dscp?: number
  readonly ecn?: number
  /** Bytes of payload; 20 unless said. */
  readonly bytes?: number
  /** The payload itself, instead of so many bytes. */
  readonly payload?: Uint8Array
  /** A tunnel around the frame, or several, outermost first. */
  readonly tunnel?: SaidTunnel | readonly SaidTunnel[]
}

/** A tunnel in the words of a test. */
export interface SaidTunnel {
  readonly from: string
  readonly to: string
  readonly vni: number
  /** `vxlan` unless said. */
  readonly kind?: 'vxlan' | 'nvgre' | 'geneve'
  readonly dscp?: number
  readonly ecn?: number
}

/** The bytes of a frame. */
export const frame = (said: Said): Uint8Array => {
  const inner = groupOf(said, said.fromMac ?? '02:00:00:00:00:01', said.toMac ?? '02:00:00:00:00:02')
  const [outermost, ...more] = [...[said.tunnel ?? []].flat().map(tunnelGroup), inner]
  const payload = said.payload ?? Uint8Array.from({ length: said.bytes ?? 20 }, (_, i) => i)
  return orThrow(emitFrame({ groups: [outermost, ...more], payload }))
}

/** An ARP packet; unless said, a who-has for 10.0.1.1 from the VM of the tests. */
export const arp = (said: { readonly sender?: string; readonly target?: string; readonly fromMac?: string; readonly reply?: boolean } = {}): Uint8Array => {
  const source = mac(said.fromMac ?? '00:15:5d:00:00:04')
  return orThrow(emitFrame({
    groups: [{
      eth: { destination: mac('ff:ff:ff:ff:ff:ff'), source, etherType: 0x0806 },
      vlans: [],
      net: {
        kind: 'arp', operation: said.reply === true ? 2 : 1, senderMac: source, senderIp: ip(said.sender ?? '10.0.1.4'), targetMac: 0,
        targetIp: ip(said.target ?? '10.0.1.1'),
      },
    }],
    payload: new Uint8Array(0),
  }))
}

/** The frame with its IP packet behind a label or tag of an EtherType that the engine does not read. */
export const behind = (bytes: Uint8Array, etherType: number): Uint8Array => {
  const made = new Uint8Array(bytes.length + 4)
  made.set(bytes.subarray(0, 12))
  made.set([etherType >> 8, etherType & 0xff, 0, 0, 1, 64], 12)
  made.set(bytes.subarray(14), 18)
  return made
}

/**
 * A frame as text, outermost first: `192.0.2.1 > 192.0.2.2 vni 5001 | 10.0.1.4:5000 > 10.0.1.5:80 tcp`. A checksum that
 * is wrong is said.
 */
export const show = (bytes: Uint8Array): string => read(bytes).groups.map(showGroup).join(' | ')

/** A frame's headers. */
export const read = (bytes: Uint8Array): Frame => orThrow(dissect(bytes))

/** The MACs of one header group as `source > destination`. */
export const macs = (bytes: Uint8Array, group = 0): string => {
  const eth = read(bytes).groups[group]?.eth
  return eth === undefined ? 'none' : `${formatMac(eth.source)} > ${formatMac(eth.destination)}`
}

const tunnelGroup = ({ from, to, vni, kind = 'vxlan', dscp = 0, ecn = 0 }: SaidTunnel): HeaderGroup => {
  const port = kind === 'geneve' ? 6081 : 4789
  const group = groupOf({ from: `${bracketed(from)}:50000`, to: `${bracketed(to)}:${port}`, proto: 'udp', dscp, ecn }, '02:00:00:00:00:0a', '02:00:00:00:00:0b')
  switch (kind) {
    case 'vxlan': return { ...group, tunnel: { kind, vni, reserved: 0, reservedLow: 0 } }
    case 'geneve': return { ...group, tunnel: { kind, vni, protocolType: 0x6558, control: false, options: [], reserved: 0, reservedLow: 0 } }
    case 'nvgre': {
      const { eth, vlans, net } = group
      return { eth, vlans, ...(net !== undefined && { net: net.kind === 'arp' ? net : { ...net, protocol: 47 } }), tunnel: { kind, vni, flowId: 0, reserved: 0 } }
    }
  }
}

const groupOf = (said: Said, fromMac: string, toMac: string): HeaderGroup => {
  const [source, sourcePort] = endOf(said.from)
  const [destination, destinationPort] = endOf(said.to)
  const proto = said.proto ?? 'tcp'
  const six = source.version === 6
  const common = { source, destination, protocol: proto === 'tcp' ? 6 : proto === 'udp' ? 17 : proto === 'igmp' ? 2 : six ? 58 : 1, dscp: said.dscp ?? 0, ecn: said.ecn ?? 0 }
  const ttl = said.ttl ?? 64
  return {
    eth: { destination: mac(toMac), source: mac(fromMac), etherType: six ? 0x86dd : 0x0800 },
    vlans: [],
    net: six
      ? { ...common, kind: 'ipv6', hopLimit: ttl, flowLabel: 0, extensions: said.alert === true ? [{ kind: 'hop-by-hop', options: Uint8Array.of(5, 2, 0, 0, 1, 0) }] : [] }
      : {
          ...common, kind: 'ipv4', ttl, identification: 7, dontFragment: true, moreFragments: said.more === true, reservedFlag: false, fragmentOffset: 0,
          options: said.alert === true ? Uint8Array.of(0x94, 4, 0, 0) : NONE,
        },
    ...(proto === 'igmp' ? {} : { transport: transportOf(said, six, sourcePort, destinationPort) }),
  }
}

const transportOf = (said: Said, six: boolean, sourcePort: number, destinationPort: number): NonNullable<HeaderGroup['transport']> => {
  const icmp = { code: said.icmpCode ?? 0, rest: sourcePort * 0x1_0000 + 1 }
  switch (said.proto ?? 'tcp') {
    case 'tcp': return {
      kind: 'tcp', sourcePort, destinationPort, sequence: 1, acknowledgment: 2, flags: said.flags ?? 0x10, reserved: 0, window: 1000, urgent: 0, options: NONE,
    }
    case 'udp': return { kind: 'udp', sourcePort, destinationPort }
    default: return six
      ? { ...icmp, kind: 'icmpv6', type: said.icmpType ?? (said.reply === true ? 129 : 128) }
      : { ...icmp, kind: 'icmp', type: said.icmpType ?? (said.reply === true ? 0 : 8) }
  }
}

const NONE = new Uint8Array(0)

const endOf = (text: string): [ReturnType<typeof ip>, number] => {
  const parts = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(text.startsWith('[') || text.includes('.') ? text : `[${text}]`)
  return [ip(parts?.[1] ?? text), Number(parts?.[2] ?? 0)]
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address)

const showGroup = ({ net, transport, tunnel }: HeaderGroup): string => {
  if (net === undefined || net.kind === 'arp') return net?.kind ?? 'ethernet'
  const ports = transport?.kind === 'tcp' || transport?.kind === 'udp' ? transport : undefined
  const end = (address: typeof net.source, port: number | undefined): string =>
    tunnel !== undefined || port === undefined ? formatIp(address) : `${bracketed(formatIp(address))}:${port}`
  const checksums = [net.kind === 'ipv4' ? net.checksum : undefined, tunnel === undefined ? transport?.checksum : transport?.checksum || undefined]
  const wrong = checksums.some((c) => c !== undefined) ? ' BAD CHECKSUM' : ''
  return `${end(net.source, ports?.sourcePort)} > ${end(net.destination, ports?.destinationPort)} ${
    tunnel === undefined ? (transport?.kind ?? 'ip') : tunnel.kind === 'gre' ? 'gre' : `${tunnel.kind === 'vxlan' ? 'vni' : tunnel.kind} ${tunnel.vni}`}${wrong}`
}
