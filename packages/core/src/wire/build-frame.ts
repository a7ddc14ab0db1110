/**
 * Frames from a short description, for first programs, examples and tests. What the description leaves out is what an
 * ordinary stack would send. For every other frame there is {@link emitFrame}.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type BadAddress, type IpAddress, type Mac, parseIp, parseMac } from './address.js'
import { emitFrame } from './emit-frame.js'
import { EtherType } from './ethernet.js'
import type { Frame, NetworkHeader, TransportHeader } from './frame.js'
import { IpProtocol } from './ip-protocol.js'
import { TcpFlag } from './tcp.js'
import type { WireError } from './wire-error.js'

/** A frame as {@link buildFrame} makes it. */
export interface FrameSpec {
  /** Transport protocol; `icmp` is an echo request, of ICMPv6 between IPv6 addresses. */
  readonly proto: 'tcp' | 'udp' | 'icmp'
  /** Source address, IPv4 or IPv6. */
  readonly srcIp: string
  /** Destination address, of the same IP version as `srcIp`. */
  readonly dstIp: string
  /** Source port of TCP or UDP, 0–65535; 49152 unless given. */
  readonly srcPort?: number
  /** Destination port of TCP or UDP, 0–65535; 80 unless given. */
  readonly dstPort?: number
  /** Source MAC address; `00:15:5d:00:00:01` unless given. */
  readonly srcMac?: string
  /** Destination MAC address; `12:34:56:78:9a:bc` unless given. */
  readonly dstMac?: string
  /** TCP flags, `['Syn']` unless given. */
  readonly flags?: readonly (keyof typeof TcpFlag)[]
  /** TCP sequence number, 0 to 2^32 − 1; 0 unless given. */
  readonly sequence?: number
  /** Identifier of the ICMP echo request, 0–65535; 1 unless given. */
  readonly icmpId?: number
  /** Bytes behind the transport header; none unless given. */
  readonly payload?: Uint8Array
}

/** A number that its field cannot hold. */
export interface BadField {
  readonly _tag: 'BadField'
  /** The property of the {@link FrameSpec}: `/srcPort`. */
  readonly path: string
  /** The range of the field and the value that was given, in words. */
  readonly reason: string
}

/**
 * Makes the bytes of a TCP, UDP or ICMP echo frame, with lengths and checksums computed. Fails with `BadField` for a number out
 * of range, with `BadAddress` for text that is no address and for addresses of two IP versions, and with `WireError` if the payload
 * does not fit into an IP datagram.
 *
 * ```ts
 * import { buildFrame } from '@vfp-ts/core'
 *
 * const frame = buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.0.5', dstPort: 443 })
 * console.log(frame._tag === 'Right' ? `${frame.right.length} bytes` : frame.left)
 * const wrong = buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp: '10.0.0.5', dstPort: 70_000 })
 * console.log(wrong._tag === 'Left' ? wrong.left : 'a frame')
 * ```
 *
 * ```text output
 * 54 bytes
 * {
 *   _tag: 'BadField',
 *   path: '/dstPort',
 *   reason: 'a whole number from 0 to 65535, not 70000'
 * }
 * ```
 */
export const buildFrame = (spec: FrameSpec): E.Either<BadAddress | BadField | WireError, Uint8Array> => {
  const field = badField(spec)
  if (field !== undefined) return E.left(field)
  const source = parseIp(spec.srcIp)
  if (E.isLeft(source)) return source
  const destination = parseIp(spec.dstIp)
  if (E.isLeft(destination)) return destination
  if (source.right.version !== destination.right.version) {
    return E.left({ _tag: 'BadAddress', input: spec.dstIp, reason: 'source and destination are of one IP version' })
  }
  const from = parseMac(spec.srcMac ?? '00:15:5d:00:00:01')
  if (E.isLeft(from)) return from
  const to = parseMac(spec.dstMac ?? '12:34:56:78:9a:bc')
  if (E.isLeft(to)) return to
  return emitFrame(assemble(spec, source.right, destination.right, from.right, to.right))
}

const LIMITS = { srcPort: 0xffff, dstPort: 0xffff, sequence: 0xffffffff, icmpId: 0xffff } as const

const badField = (spec: FrameSpec): BadField | undefined => {
  for (const path of ['srcPort', 'dstPort', 'sequence', 'icmpId'] as const) {
    const value = spec[path] ?? 0
    if (!(Number.isInteger(value) && value >= 0 && value <= LIMITS[path])) {
      return { _tag: 'BadField', path: `/${path}`, reason: `a whole number from 0 to ${LIMITS[path]}, not ${value}` }
    }
  }
  return undefined
}

const assemble = (spec: FrameSpec, source: IpAddress, destination: IpAddress, from: Mac, to: Mac): Frame => {
  const v4 = source.version === 4
  const protocol = spec.proto === 'tcp' ? IpProtocol.Tcp : spec.proto === 'udp' ? IpProtocol.Udp : v4 ? IpProtocol.Icmp : IpProtocol.Icmpv6
  const net: NetworkHeader = v4
    ? {
        kind: 'ipv4', source, destination, protocol, ttl: 64, dscp: 0, ecn: 0, identification: 0, dontFragment: true,
        moreFragments: false, reservedFlag: false, fragmentOffset: 0, options: new Uint8Array(0),
      }
    : { kind: 'ipv6', source, destination, protocol, hopLimit: 64, dscp: 0, ecn: 0, flowLabel: 0, extensions: [] }
  return {
    groups: [{ eth: { destination: to, source: from, etherType: v4 ? EtherType.Ipv4 : EtherType.Ipv6 }, vlans: [], net, transport: transport(spec, v4) }],
    payload: spec.payload ?? new Uint8Array(0),
  }
}

const transport = (spec: FrameSpec, v4: boolean): TransportHeader => {
  const sourcePort = spec.srcPort ?? 49_152
  const destinationPort = spec.dstPort ?? 80
  switch (spec.proto) {
    case 'udp': return { kind: 'udp', sourcePort, destinationPort }
    case 'icmp': {
      const rest = (spec.icmpId ?? 1) * 0x1_0000 + 1
      return v4 ? { kind: 'icmp', type: 8, code: 0, rest } : { kind: 'icmpv6', type: 128, code: 0, rest }
    }
    case 'tcp': return {
      kind: 'tcp', sourcePort, destinationPort, sequence: spec.sequence ?? 0, acknowledgment: 0,
      flags: (spec.flags ?? ['Syn']).reduce((bits, flag) => bits | TcpFlag[flag], 0),
      reserved: 0, window: 64_240, urgent: 0, options: new Uint8Array(0),
    }
  }
}
