/**
 * From a frame to offsets: the first step for every packet, and the only place that reads its structure.
 *
 * One pass from the outermost Ethernet header inwards. Each header is checked by its own protocol file (`checkIpv4`,
 * `checkTcp`, …), which states what an `Ok` guarantees; this file decides which header comes next, and writes where it
 * lies into the slots of a {@link FrameView}.
 *
 * Invariants:
 * - No byte before `start` or at or behind `end` is read: a header is looked at only after its length was compared with
 *   the end of what encloses it, and each enclosing end is at most the one before.
 * - Any bytes give a result, without an exception. The result and the slots depend on nothing but the frame and the two parameters.
 * - A protocol that the library does not know is not an error: the frame is `Ok` and opaque from there on, and `unsupported` names
 *   the first such protocol. A header that contradicts itself is an error of the whole frame, however deep inside it lies: a
 *   frame that different readers could understand differently is refused.
 *
 * Fragments: a first fragment must hold all extension headers and the transport header, of TCP the fixed part, whose fields are
 * judged (RFC 1858 §3, RFC 7112 §5), and TCP at offset 8 is refused, as it could overwrite ports and flags that were already judged
 * (RFC 1858 §4, RFC 3128). Later fragments have no transport header. A tunnel is not looked into when its datagram is a fragment.
 *
 * Tunnels are parsed by `parse-tunnel.ts`, and the packet that an ICMP error quotes by `parse-quote.ts`: plain TCP needs
 * neither.
 *
 * Cost: no allocation, no closure, no exception; some tens of nanoseconds for TCP over IPv4.
 */
import { u16 } from './bytes.js'
import { ARP_LENGTH, checkArp } from './arp.js'
import { clearGroup } from './clear-group.js'
import { checkEthernet, ETHERNET_LENGTH, ethernetType, EtherType } from './ethernet.js'
import { Frag, L3, L4, MAX_GROUPS, Slot, SLOTS, Tunnel, type FrameView } from './frame-view.js'
import { checkIcmp, ICMP_LENGTH, icmpIsError } from './icmp.js'
import { checkIcmpv6, icmpv6HeaderLength, icmpv6IsError } from './icmpv6.js'
import { IpProtocol } from './ip-protocol.js'
import { checkIpv4, Ipv4At, ipv4FragmentOffset, ipv4HeaderLength, ipv4MoreFragments } from './ipv4.js'
import { isExtension } from './ipv6-extension.js'
import { parseIpv6Headers } from './parse-ipv6.js'
import { parseQuote } from './parse-quote.js'
import { parseGreTunnel, parseUdpTunnel } from './parse-tunnel.js'
import { Reason } from './reason.js'
import { checkTcp, tcpHeaderLength } from './tcp.js'
import { transportChecksumHolds } from './transport-checksum.js'
import { tunnelLength } from './tunnel.js'
import { checkUdp, UDP_LENGTH, udpLength } from './udp.js'
import { checkVlan, isVlanTpid, MAX_VLANS, VLAN_LENGTH } from './vlan.js'

/**
 * Which checksums `parseFrame` verifies, in every header group. `All` passes UDP without a checksum (over IPv6 only to the
 * port of a tunnel, RFC 6935 §5), and packets whose pseudo header has an address that cannot be found (`pseudo-header.ts`).
 */
export const Verify = {
  /** No checksum. */
  None: 0,
  /** The IPv4 header checksum. */
  IpHeader: 1,
  /** Also those of TCP, UDP, ICMP and ICMPv6, if the whole datagram is there. */
  All: 2
} as const
/** One of the {@link Verify} numbers. */
export type Verify = (typeof Verify)[keyof typeof Verify]

/**
 * Parses the frame in `bytes` from `start` to `end` into `view`; returns its reason, which `view.reason` keeps.
 *
 * On `Ok` every slot of the groups `0 .. view.depth - 1` is set, and those of the quote if `view.quoted`. On any other reason
 * `view.reasonAt` is the offset of the header it refers to, and the slots of the groups up to that header hold what was found before
 * it.
 *
 * ```ts
 * import { buildFrame, L4, makeFrameView, parseFrame, Reason, reasonName, Slot } from '@vfp-ts/core'
 *
 * const frame = buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.0.5', dstPort: 443 })
 * if (frame._tag === 'Left') throw new Error('an address is wrong')
 * const view = makeFrameView()
 * const reason = parseFrame(view, frame.right, 0, frame.right.length)
 * if (reason === Reason.Ok) console.log(view.slots[Slot.L4_KIND] === L4.Tcp, view.slots[Slot.L4])
 * console.log(reasonName(parseFrame(view, frame.right, 0, 40)))
 * ```
 *
 * ```text output
 * true 34
 * Truncated
 * ```
 *
 * @param maxGroups - Header groups to look into, 1 to `MAX_GROUPS`; a tunnel behind the last is opaque payload.
 * @param verify - Checksums to verify; that of the IPv4 header unless given.
 */
export const parseFrame = (
  view: FrameView,
  bytes: Uint8Array,
  start: number,
  end: number,
  maxGroups: number = MAX_GROUPS,
  verify: Verify = Verify.IpHeader,
): Reason => {
  view.bytes = bytes
  view.start = start
  view.end = end
  view.depth = 1
  view.unsupported = 0
  view.quoted = false
  view.reasonAt = start
  if (!(start >= 0 && start <= end && end <= bytes.length)) return (view.reason = Reason.Truncated)
  const last = maxGroups < MAX_GROUPS ? maxGroups - 1 : MAX_GROUPS - 1
  const slots = view.slots
  let reason = parseGroup(view, 0, start, end, last > 0, verify)
  for (let group = 1; reason === Reason.Ok && slots[(group - 1) * SLOTS + Slot.TUNNEL] !== Tunnel.None; group++) {
    const outer = (group - 1) * SLOTS
    const tunnel = slots[outer + Slot.TUNNEL_AT]!
    const inner = tunnel + tunnelLength(bytes, slots[outer + Slot.TUNNEL]!, tunnel)
    view.depth = group + 1
    reason = parseGroup(view, group * SLOTS, inner, slots[outer + Slot.DATA_END]!, group < last, verify)
  }
  return (view.reason = reason)
}

/** Parses one header group from its Ethernet header at `at` to its tunnel header; `base` is its first slot. */
const parseGroup = (view: FrameView, base: number, at: number, limit: number, tunnels: boolean, verify: Verify): Reason => {
  const bytes = view.bytes
  const slots = view.slots
  clearGroup(slots, base, at, limit)
  if (checkEthernet(bytes, at, limit) !== Reason.Ok) return fail(view, Reason.Truncated, at)
  let type = ethernetType(bytes, at)
  let l3 = at + ETHERNET_LENGTH
  for (let tags = 0; isVlanTpid(type); ) {
    if (tags === MAX_VLANS) return fail(view, Reason.UnsupportedProtocol, l3 - 2)
    if (checkVlan(bytes, l3 - 2, limit) !== Reason.Ok) return fail(view, Reason.Truncated, l3 - 2)
    type = u16(bytes, l3 + 2)
    l3 += VLAN_LENGTH
    slots[base + Slot.VLANS] = ++tags
  }
  slots[base + Slot.ETHERTYPE] = type
  slots[base + Slot.L3] = l3
  slots[base + Slot.L4] = l3
  slots[base + Slot.PAYLOAD] = l3
  if (type === EtherType.Ipv4) {
    const reason = parseIpv4Header(view, base, l3, limit, verify !== Verify.None)
    return reason === Reason.Ok ? parseTransport(view, base, tunnels, verify === Verify.All) : reason
  }
  if (type === EtherType.Ipv6) {
    slots[base + Slot.L3_KIND] = L3.Ipv6
    const reason = parseIpv6Headers(view, base, l3, limit)
    return reason === Reason.Ok ? parseTransport(view, base, tunnels, verify === Verify.All) : reason
  }
  if (type === EtherType.Arp) return parseArpPacket(view, base, l3, limit)
  unsupported(view, 0x1_0000 | type)
  return Reason.Ok
}

const parseArpPacket = (view: FrameView, base: number, at: number, limit: number): Reason => {
  const slots = view.slots
  slots[base + Slot.L3_KIND] = L3.Arp
  const reason = checkArp(view.bytes, at, limit)
  if (reason === Reason.UnsupportedProtocol) {
    slots[base + Slot.L3_KIND] = L3.None
    unsupported(view, 0x1_0000 | EtherType.Arp)
    return Reason.Ok
  }
  if (reason !== Reason.Ok) return fail(view, reason, at)
  // the address lengths inside decide the packet's own, so padding is no payload
  slots[base + Slot.L4] = slots[base + Slot.PAYLOAD] = slots[base + Slot.END] = slots[base + Slot.DATA_END] = at + ARP_LENGTH
  return Reason.Ok
}

const parseIpv4Header = (view: FrameView, base: number, at: number, limit: number, verify: boolean): Reason => {
  const bytes = view.bytes
  const slots = view.slots
  slots[base + Slot.L3_KIND] = L3.Ipv4
  const reason = checkIpv4(bytes, at, limit, verify)
  if (reason !== Reason.Ok) return fail(view, reason, at)
  slots[base + Slot.PROTO] = bytes[at + Ipv4At.PROTOCOL]!
  slots[base + Slot.FRAG] = ipv4FragmentOffset(bytes, at) !== 0 ? Frag.Later : ipv4MoreFragments(bytes, at) ? Frag.First : Frag.Whole
  slots[base + Slot.L4] = slots[base + Slot.PAYLOAD] = at + ipv4HeaderLength(bytes, at)
  slots[base + Slot.END] = at + u16(bytes, at + Ipv4At.LENGTH)
  return Reason.Ok
}

/** What IP carries: `PROTO`, `FRAG`, `L4` and `END` are set. */
const parseTransport = (view: FrameView, base: number, tunnels: boolean, verify: boolean): Reason => {
  const bytes = view.bytes
  const slots = view.slots
  const at = slots[base + Slot.L4]!
  const end = slots[base + Slot.END]!
  const protocol = slots[base + Slot.PROTO]!
  const v4 = slots[base + Slot.L3_KIND] === L3.Ipv4
  const frag = slots[base + Slot.FRAG]!
  const whole = frag === Frag.Whole
  slots[base + Slot.DATA_END] = end
  if (frag === Frag.Later) return laterFragment(view, base, protocol, v4)
  if (protocol === IpProtocol.Tcp) {
    slots[base + Slot.L4_KIND] = L4.Tcp
    const reason = checkTcp(bytes, at, end, whole)
    if (reason !== Reason.Ok) return failTransport(view, reason, at, frag)
    slots[base + Slot.PAYLOAD] = Math.min(at + tcpHeaderLength(bytes, at), end)
    return verify && whole ? verified(view, base, at) : Reason.Ok
  }
  if (protocol === IpProtocol.Udp) {
    slots[base + Slot.L4_KIND] = L4.Udp
    const reason = checkUdp(bytes, at, end, whole)
    if (reason !== Reason.Ok) return failTransport(view, reason, at, frag)
    slots[base + Slot.PAYLOAD] = at + UDP_LENGTH
    if (!whole) return Reason.Ok
    const dataEnd = (slots[base + Slot.DATA_END] = at + udpLength(bytes, at))
    const sound = verify ? verified(view, base, at) : Reason.Ok
    return sound === Reason.Ok ? parseUdpTunnel(view, base, at, dataEnd, tunnels) : sound
  }
  if (protocol === IpProtocol.Icmp && v4) {
    slots[base + Slot.L4_KIND] = L4.Icmp
    const reason = checkIcmp(bytes, at, end)
    if (reason !== Reason.Ok) return failTransport(view, reason, at, frag)
    slots[base + Slot.PAYLOAD] = at + ICMP_LENGTH
    const sound = verify && whole ? verified(view, base, at) : Reason.Ok
    if (sound === Reason.Ok && whole && icmpIsError(bytes[at]!)) parseQuote(view, base)
    return sound
  }
  if (protocol === IpProtocol.Icmpv6 && !v4) {
    slots[base + Slot.L4_KIND] = L4.Icmpv6
    const reason = checkIcmpv6(bytes, at, end)
    if (reason !== Reason.Ok) return failTransport(view, reason, at, frag)
    slots[base + Slot.PAYLOAD] = at + icmpv6HeaderLength(bytes[at]!)
    const sound = verify && whole ? verified(view, base, at) : Reason.Ok
    if (sound === Reason.Ok && whole && icmpv6IsError(bytes[at]!)) parseQuote(view, base)
    return sound
  }
  // beyond the last group to look into, GRE counts as an unknown protocol
  if (protocol === IpProtocol.Gre && whole && tunnels) return parseGreTunnel(view, base, at, end)
  unsupported(view, 0x2_0000 | protocol)
  return Reason.Ok
}

const verified = (view: FrameView, base: number, at: number): Reason =>
  transportChecksumHolds(view, base) ? Reason.Ok : fail(view, Reason.BadChecksum, at)

/** Checks a fragment without a transport header, by its network header alone. */
const laterFragment = (view: FrameView, base: number, protocol: number, v4: boolean): Reason => {
  const slots = view.slots
  if (protocol === IpProtocol.Tcp) {
    const offset = slots[base + Slot.FRAG_HEADER]!
    const at = v4 ? ipv4FragmentOffset(view.bytes, slots[base + Slot.L3]!) : u16(view.bytes, offset + 2) & 0xfff8
    return at === 8 ? fail(view, Reason.BadHeader, slots[base + Slot.L4]!) : Reason.Ok
  }
  const known = protocol === IpProtocol.Udp || protocol === (v4 ? IpProtocol.Icmp : IpProtocol.Icmpv6) || (!v4 && isExtension(protocol))
  if (!known) unsupported(view, 0x2_0000 | protocol)
  return Reason.Ok
}

const unsupported = (view: FrameView, what: number): void => {
  if (view.unsupported === 0) view.unsupported = what
}

const fail = (view: FrameView, reason: Reason, at: number): Reason => {
  view.reasonAt = at
  return reason
}

/** A header cut off in a first fragment is a fault of the host that made the fragment, not of the capture. */
const failTransport = (view: FrameView, reason: Reason, at: number, frag: number): Reason =>
  fail(view, reason === Reason.Truncated && frag === Frag.First ? Reason.BadHeader : reason, at)
