/** Bytes to a {@link Frame}: the offsets come from `parseFrame`, so the two cannot disagree about where a header lies. */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { parseArp } from './arp.js'
import { u16 } from './bytes.js'
import { fold } from './checksum.js'
import { ETHERNET_LENGTH, parseEthernet } from './ethernet.js'
import type { Frame, HeaderGroup, NetworkHeader, TransportHeader } from './frame.js'
import { Frag, L3, L4, makeFrameView, MAX_GROUPS, Slot, SLOTS, Tunnel, type FrameView } from './frame-view.js'
import { parseIcmp } from './icmp.js'
import { parseIcmpv6 } from './icmpv6.js'
import { IpProtocol } from './ip-protocol.js'
import { parseIpv4 } from './ipv4.js'
import { isExtension, parseExtension, type Ipv6Extension } from './ipv6-extension.js'
import { parseIpv6, type Ipv6 } from './ipv6.js'
import { parseFrame } from './parse.js'
import { Reason } from './reason.js'
import { parseTcp } from './tcp.js'
import { transportChecksumAt, transportSum } from './transport-checksum.js'
import { parseTunnelHeader } from './tunnel.js'
import { EVERY_TUNNEL, type TunnelEnds } from './tunnel-ends.js'
import { parseUdp } from './udp.js'
import { parseVlan, VLAN_LENGTH, type VlanTag } from './vlan.js'
import { unreadable, type Parsed, type WireError, type WireProtocol } from './wire-error.js'

/**
 * Reads all headers of a frame, by the rules of `parseFrame` with verified IPv4 header checksums. Payload, options and
 * trailers are views on `bytes`, not copies. Fails with the reason, protocol and offset of the first header that cannot be read.
 *
 * ```ts
 * import { buildFrame, dissect, formatFrame } from '@vfp-ts/core'
 *
 * const frame = buildFrame({ proto: 'udp', srcIp: 'fd00::4', dstIp: 'fd00::5', dstPort: 53 })
 * if (frame._tag === 'Left') throw new Error('an address is wrong')
 * const parts = dissect(frame.right)
 * console.log(parts._tag === 'Right' ? formatFrame(parts.right) : parts.left)
 * ```
 *
 * ```text output
 * Ethernet 00:15:5d:00:00:01 > 12:34:56:78:9a:bc, type 0x86dd
 * IPv6 fd00::4 > fd00::5, UDP, hop limit 64
 * UDP 49152 > 53
 * payload 0 bytes
 * ```
 *
 * @param maxGroups - Header groups to look into, 1 to `MAX_GROUPS`; a tunnel behind the last is payload.
 * @param knownOptions - Geneve options, as `class << 8 | type`, that may be critical: with any other critical option the frame is refused.
 * @param ends - Where tunnels end that are looked into, from `compileTunnelEnds`; those on the standard ports, wherever they are addressed to, unless given.
 */
export const dissect = (bytes: Uint8Array, maxGroups: number = MAX_GROUPS, knownOptions: readonly number[] = [], ends: TunnelEnds = EVERY_TUNNEL): Either<WireError, Frame> => {
  const view = makeFrameView(knownOptions, ends)
  const reason = parseFrame(view, bytes, 0, bytes.length, maxGroups)
  return reason === Reason.Ok ? right(frameOf(view)) : unreadable(failedProtocol(view), reason, view.reasonAt)
}

/** Returns the frame that a view with reason `Ok` describes; its byte arrays are views on those of `view`. */
export const frameOf = (view: FrameView): Frame => {
  const last = (view.depth - 1) * SLOTS
  const inner = Array.from({ length: view.depth - 1 }, (_, i) => readGroup(view, i + 1))
  return {
    groups: [readGroup(view, 0), ...inner],
    payload: view.bytes.subarray(view.slots[last + Slot.PAYLOAD], view.slots[last + Slot.DATA_END]),
  }
}

/** Returns the protocol of the header at `view.reasonAt`, by the slots that were filled before it failed. */
const failedProtocol = (view: FrameView): WireProtocol => {
  const base = (view.depth - 1) * SLOTS
  const kind = view.slots[base + Slot.L3_KIND]!
  const protocol = view.slots[base + Slot.PROTO]!
  if (kind === L3.None) return view.reasonAt === view.slots[base + Slot.L2] ? 'ethernet' : 'vlan'
  if (kind === L3.Arp) return 'arp'
  // the only tunnel header that can fail: of the others what cannot be read is payload
  if (view.slots[base + Slot.TUNNEL] === Tunnel.Geneve) return 'geneve'
  if (view.reasonAt === view.slots[base + Slot.L3]) return kind === L3.Ipv4 ? 'ipv4' : 'ipv6'
  if (kind === L3.Ipv6 && isExtension(protocol)) return 'ipv6-extension'
  if (protocol === IpProtocol.Tcp) return 'tcp'
  return protocol === IpProtocol.Udp ? 'udp' : protocol === IpProtocol.Icmp ? 'icmp' : 'icmpv6'
}

const readGroup = (view: FrameView, group: number): HeaderGroup => {
  const { bytes, slots } = view
  const base = group * SLOTS
  const limit = group === 0 ? view.end : slots[base - SLOTS + Slot.DATA_END]!
  const at = slots[base + Slot.L2]!
  const end = slots[base + Slot.END]!
  const dataEnd = slots[base + Slot.DATA_END]!
  const tunnel = slots[base + Slot.TUNNEL]!
  const net = readNetwork(view, base, limit)
  const transport = readTransport(view, base)
  return {
    eth: { ...valid(parseEthernet(bytes, at, limit)).repr, etherType: slots[base + Slot.ETHERTYPE]! },
    vlans: Array.from(
      { length: slots[base + Slot.VLANS]! },
      (_, i): VlanTag => valid(parseVlan(bytes, at + ETHERNET_LENGTH - 2 + i * VLAN_LENGTH, limit)).repr,
    ),
    ...(net === undefined ? {} : { net }),
    ...(transport === undefined ? {} : { transport }),
    ...(tunnel === Tunnel.None ? {} : { tunnel: valid(parseTunnelHeader(bytes, tunnel, slots[base + Slot.TUNNEL_AT]!, dataEnd)).repr }),
    ...(dataEnd === end ? {} : { surplus: bytes.subarray(dataEnd, end) }),
    ...(end === limit ? {} : { trailer: bytes.subarray(end, limit) }),
  }
}

const readNetwork = (view: FrameView, base: number, limit: number): NetworkHeader | undefined => {
  const at = view.slots[base + Slot.L3]!
  switch (view.slots[base + Slot.L3_KIND]) {
    case L3.Arp:
      return valid(parseArp(view.bytes, at, limit)).repr
    case L3.Ipv4:
      return valid(parseIpv4(view.bytes, at, limit)).repr
    case L3.Ipv6:
      return readIpv6Chain(view, base, valid(parseIpv6(view.bytes, at, limit)))
    default:
      return undefined
  }
}

const readIpv6Chain = (view: FrameView, base: number, fixed: Parsed<Ipv6>): Ipv6 => {
  const { bytes, slots } = view
  const extensions: Ipv6Extension[] = []
  let protocol = fixed.repr.protocol
  for (let at = fixed.next; at < slots[base + Slot.L4]!; ) {
    const { repr, next } = valid(parseExtension(bytes, at, fixed.end, protocol))
    extensions.push(repr)
    protocol = bytes[at]!
    at = next
  }
  return { ...fixed.repr, protocol, extensions }
}

const readTransport = (view: FrameView, base: number): TransportHeader | undefined => {
  const { bytes, slots } = view
  const at = slots[base + Slot.L4]!
  const end = slots[base + Slot.END]!
  switch (slots[base + Slot.L4_KIND]) {
    case L4.Tcp:
      return withoutComputed(valid(parseTcp(bytes, at, end, slots[base + Slot.FRAG] === Frag.Whole)).repr, view, base)
    case L4.Udp:
      return withoutComputed(valid(parseUdp(bytes, at, end, slots[base + Slot.FRAG] === Frag.Whole)).repr, view, base)
    case L4.Icmp:
      return withoutComputed(valid(parseIcmp(bytes, at, end)).repr, view, base)
    case L4.Icmpv6:
      return withoutComputed(valid(parseIcmpv6(bytes, at, end)).repr, view, base)
    default:
      return undefined
  }
}

/** Leaves out the checksum where `emitFrame` would compute the same one. */
const withoutComputed = <A extends TransportHeader>(repr: A, view: FrameView, base: number): A | Omit<A, 'checksum'> => {
  if (view.slots[base + Slot.FRAG] !== Frag.Whole) return repr
  const stored = u16(view.bytes, view.slots[base + Slot.L4]! + transportChecksumAt(view.slots[base + Slot.L4_KIND]!))
  const sum = ~fold(transportSum(view, base) - stored) & 0xffff
  const computed = repr.kind === 'udp' && sum === 0 ? 0xffff : sum
  if (stored !== computed) return repr
  const { checksum: _, ...rest } = repr
  return rest
}

const valid = <A>(parsed: Either<WireError, A>): A => {
  if (parsed._tag === 'Left') throw new Error(`parseFrame let an unreadable header through: ${parsed.left.detail}`)
  return parsed.right
}
