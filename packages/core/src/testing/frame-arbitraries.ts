/**
 * Frames for property tests: real stacks of headers, and bytes that only look like them.
 *
 * {@link frameArbitrary} makes well-formed frames as values, {@link frameBytesArbitrary} the same as bytes.
 * Addresses, ports and network identifiers come from small pools, so that two generated frames often meet in a flow, a
 * prefix or a tenant; a test that needs other collisions brings its own pools. {@link mutatedBytesArbitrary} and
 * {@link anyBytesArbitrary} are for what must survive anything.
 *
 * Well-formed means: `dissect` reads the frame and `emitFrame` writes the same bytes; every checksum that can be right
 * is right, unless it is UDP's explicit "none".
 */
import fc from 'fast-check'
import { emitFrame } from '../wire/emit-frame.js'
import { ETHERNET_LENGTH, ETHERNET_MIN_FRAME, EtherType } from '../wire/ethernet.js'
import { fragmentOf, transportHeaderSize, type Frame, type HeaderGroup, type NetworkHeader, type TransportHeader } from '../wire/frame.js'
import { icmpIsError } from '../wire/icmp.js'
import { icmpv6IsError } from '../wire/icmpv6.js'
import { IpProtocol } from '../wire/ip-protocol.js'
import type { TunnelHeader } from '../wire/tunnel.js'
import { UdpPort, type Udp } from '../wire/udp.js'
import { VLAN_LENGTH } from '../wire/vlan.js'
import { renderWireError } from '../wire/wire-error.js'
import { completeConstraints, networkOfAddress, type CompleteConstraints, type FrameConstraints } from './frame-constraints.js'
import { arpArbitrary, linkArbitrary, networkArbitrary, transportArbitrary, u16Arbitrary } from './header-arbitraries.js'
import { tunnelArbitrary } from './tunnel-arbitraries.js'

export {
  IPV4_POOL, IPV6_POOL, MAC_POOL, PORT_POOL, UNDERLAY_POOL, VNI_POOL, type FrameConstraints, type NetworkChoice, type TransportChoice,
  type TunnelChoice,
} from './frame-constraints.js'

/** Generates well-formed frames as values. */
export const frameArbitrary = (constraints: FrameConstraints = {}): fc.Arbitrary<Frame> => {
  const c = completeConstraints(constraints)
  return fc
    .tuple(innermostArbitrary(c), fc.integer({ min: c.minGroups, max: c.maxGroups }), fc.boolean())
    .chain(([inner, depth, padded]) =>
      fc.array(underlayArbitrary(c), { minLength: depth - 1, maxLength: depth - 1 }).map((outer): Frame => {
        const groups = [...outer, inner.group]
        return pad({ groups: [groups[0]!, ...groups.slice(1)], payload: inner.payload }, c.padding && padded)
      }),
    )
}

/** Generates frames of one plain header group: TCP or UDP over IP, whole, without options, tags or padding, unless the constraints allow more. */
export const plainFrameArbitrary = (constraints: FrameConstraints = {}): fc.Arbitrary<Frame> =>
  frameArbitrary({
    maxGroups: 1, network: ['ipv4', 'ipv6'], transport: ['tcp', 'udp'], fragments: false, options: false, maxVlans: 0, padding: false,
    ...constraints,
  })

/** Generates well-formed frames as bytes. */
export const frameBytesArbitrary = (constraints: FrameConstraints = {}): fc.Arbitrary<Uint8Array> =>
  frameArbitrary(constraints).map((frame) => bytesOf(frame))

/** The bytes of a frame known to be well-formed, behind `headroom` zero bytes; throws where it is not. */
export const bytesOf = (frame: Frame, headroom = 0): Uint8Array => {
  const emitted = emitFrame(frame, { headroom })
  if (emitted._tag === 'Left') throw new Error(renderWireError(emitted.left))
  return emitted.right
}

/** Generates any bytes; in half of them the first EtherType leads further in. */
export const anyBytesArbitrary = (maxLength = 200): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.uint8Array({ maxLength }), fc.option(fc.constantFrom([8, 0], [8, 6], [0x86, 0xdd], [0x81, 0], [0x88, 0xa8])), fc.nat(15))
    .map(([bytes, type, ihl]) => {
      if (type === null || bytes.length < 15) return bytes
      bytes.set(type, ETHERNET_LENGTH - 2)
      if (type[0] === 8) bytes[ETHERNET_LENGTH] = 0x40 | ihl
      if (type[0] === 0x86) bytes[ETHERNET_LENGTH] = 0x60
      return bytes
    })

/**
 * Generates well-formed frames damaged in one to four places: bits flipped, bytes set, cut, inserted or removed, a tag put in, or two
 * frames spliced.
 */
export const mutatedBytesArbitrary = (constraints: FrameConstraints = {}): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(frameBytesArbitrary(constraints), fc.array(mutationArbitrary(constraints), { minLength: 1, maxLength: 4 }))
    .map(([bytes, mutations]) => mutations.reduce((damaged, mutate) => mutate(damaged), bytes))

type Mutation = (bytes: Uint8Array) => Uint8Array

const mutationArbitrary = (constraints: FrameConstraints): fc.Arbitrary<Mutation> => {
  // early bytes hold the headers, where damage matters most
  const place = fc.oneof(fc.nat(63), fc.nat(255), fc.nat(0xffff))
  const at = (bytes: Uint8Array, i: number): number => (bytes.length === 0 ? 0 : i % bytes.length)
  const replaced = (bytes: Uint8Array, i: number, f: (old: number) => number): Uint8Array =>
    bytes.map((old, k) => (k === at(bytes, i) ? f(old) : old))
  return fc.oneof(
    fc.tuple(place, fc.nat(7)).map(([i, bit]): Mutation => (b) => replaced(b, i, (old) => old ^ (1 << bit))),
    fc.tuple(place, fc.constantFrom(0, 1, 4, 8, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xff)).map(([i, v]): Mutation => (b) => replaced(b, i, () => v)),
    place.map((i): Mutation => (b) => b.slice(0, at(b, i))),
    fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 16 })).map(([i, extra]): Mutation => (b) => join(b.slice(0, at(b, i)), extra, b.slice(at(b, i)))),
    fc.tuple(place, fc.integer({ min: 1, max: 16 })).map(([i, n]): Mutation => (b) => join(b.slice(0, at(b, i)), b.slice(at(b, i) + n))),
    // one tag more is still read where there was none, or one
    fc.constantFrom([0x81, 0, 0, 7], [0x88, 0xa8, 0, 7]).map((tag): Mutation => (b) => (b.length < 12 ? b : join(b.slice(0, 12), Uint8Array.from(tag), b.slice(12)))),
    fc.tuple(place, place, frameBytesArbitrary(constraints)).map(([i, k, other]): Mutation => (b) => join(b.slice(0, at(b, i)), other.slice(at(other, k)))),
  )
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

const payloadArbitrary = (c: CompleteConstraints): fc.Arbitrary<Uint8Array> =>
  fc.oneof(fc.uint8Array({ maxLength: Math.min(16, c.maxPayload) }), fc.uint8Array({ maxLength: c.maxPayload }))

interface Innermost {
  readonly group: HeaderGroup
  readonly payload: Uint8Array
}

const innermostArbitrary = (c: CompleteConstraints): fc.Arbitrary<Innermost> =>
  fc.constantFrom(...c.network).chain((network): fc.Arbitrary<Innermost> => {
    switch (network) {
      case 'arp':
        return fc
          .tuple(linkArbitrary(c, EtherType.Arp), arpArbitrary(c))
          .map(([link, net]) => ({ group: { ...link, net }, payload: new Uint8Array(0) }))
      case 'opaque':
        return fc
          .constantFrom(0x88cc, 0x8847, 0x0042, 0x05dc)
          .chain((type) => fc.tuple(linkArbitrary(c, type), payloadArbitrary(c)))
          .map(([link, payload]) => ({ group: link, payload }))
      default:
        return fc
          .tuple(linkArbitrary(c, EtherType[network === 'ipv4' ? 'Ipv4' : 'Ipv6']), fc.constantFrom(...c.transport))
          .chain(([link, transport]) =>
            fc
              .tuple(networkArbitrary(c, network), transportArbitrary(c, network, transport), payloadArbitrary(c), u16Arbitrary, quoteArbitrary(c, network), surplusArbitrary(c))
              .map(([net, [protocol, header], payload, checksum, quote, surplus]) =>
                ({ link, net: { ...net, protocol }, header, payload: isError(header) ? (quote ?? payload) : protocol === IpProtocol.Gre ? withoutEthernet(payload) : payload, checksum, surplus })),
          )
          .map(({ link, net, header, payload, checksum, surplus }) => {
            const sized = fragmentPayload(net, header, payload)
            const behind = header?.kind === 'udp' && fragmentOf(net) === 'whole' ? surplus : {}
            return { group: { ...link, ...carry(net, header, sized.length, checksum), ...behind }, payload: sized }
          })
    }
  })

const isError = (header: TransportHeader | undefined): boolean =>
  (header?.kind === 'icmp' && icmpIsError(header.type)) || (header?.kind === 'icmpv6' && icmpv6IsError(header.type))

/** What lies behind a UDP datagram in its IP datagram: mostly nothing. */
const surplusArbitrary = (c: CompleteConstraints): fc.Arbitrary<Pick<HeaderGroup, 'surplus'>> =>
  c.surplus
    ? fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 9 }).map((surplus) => ({ surplus })) })
    : fc.constant({})

/** An IP datagram as routers quote it, cut after 28 bytes or more or whole; in some cases none. */
const quoteArbitrary = (c: CompleteConstraints, network: 'ipv4' | 'ipv6'): fc.Arbitrary<Uint8Array | undefined> => {
  if (!c.quotes) return fc.constant(undefined)
  const quoted = frameArbitrary({
    ...c, network: [network], transport: ['tcp', 'udp', 'icmp'], minGroups: 1, maxGroups: 1, maxVlans: 0, padding: false, quotes: false,
    maxPayload: Math.min(c.maxPayload, 64),
  })
  return fc.option(fc.tuple(quoted, fc.oneof(fc.integer({ min: 28, max: 120 }), fc.constant(0xffff))), { nil: undefined, freq: 3 })
    .map((it) => (it === undefined ? undefined : bytesOf(it[0]).slice(ETHERNET_LENGTH, ETHERNET_LENGTH + it[1])))
}

/** What GRE carries here is an IPv4 packet by its protocol type, so that it is no tunnel. */
const withoutEthernet = (payload: Uint8Array): Uint8Array => payload.map((byte, i) => (i === 2 ? 0x08 : byte))

/** Zero bytes appended, so that a fragment carries something, and all but the last one a multiple of eight bytes. */
const fragmentPayload = (net: NetworkHeader, transport: TransportHeader | undefined, payload: Uint8Array): Uint8Array => {
  const fragment = fragmentOf(net)
  if (fragment === 'whole') return payload
  const header = fragment === 'later' || transport === undefined ? 0 : transportHeaderSize(transport)
  return join(payload, new Uint8Array(payload.length === 0 && header === 0 ? 8 : -(header + payload.length) & 7))
}

/** A network and a transport header that agree about fragments: what a part cannot say of the whole is given here. */
const carry = (
  net: NetworkHeader,
  transport: TransportHeader | undefined,
  payload: number,
  checksum: number,
): Pick<HeaderGroup, 'net' | 'transport'> => {
  const fragment = fragmentOf(net)
  if (transport === undefined || fragment === 'later') return { net }
  if (fragment === 'whole') return { net, transport }
  // the rest of a first fragment's datagram is made up: some multiple of eight bytes
  const length = 8 + payload + 8 * (1 + (checksum % 100))
  return { net, transport: transport.kind === 'udp' ? { ...transport, length, checksum } : { ...transport, checksum } }
}

/** A group that encapsulates, over either version; in front of VXLAN and Geneve UDP with a source port of the dynamic range. */
const underlayArbitrary = (c: CompleteConstraints): fc.Arbitrary<HeaderGroup> =>
  fc.constantFrom(...c.underlay).chain((network) => {
    const pool = c.underlays.filter((ip) => networkOfAddress(ip) === network)
    const plain: CompleteConstraints = { ...c, ipv4s: pool, ipv6s: pool, fragments: false }
    return fc
      .tuple(
        linkArbitrary(c, network === 'ipv4' ? EtherType.Ipv4 : EtherType.Ipv6), networkArbitrary(plain, network),
        fc.integer({ min: 49152, max: 65535 }), fc.boolean(), tunnelArbitrary(c), surplusArbitrary(c),
      )
      .map(([link, net, sourcePort, unchecked, tunnel, surplus]): HeaderGroup => {
        const destinationPort = portOf(tunnel)
        if (destinationPort === undefined) return { ...link, net: { ...net, protocol: IpProtocol.Gre }, tunnel }
        const udp: Udp = { kind: 'udp', sourcePort, destinationPort, ...(unchecked ? { checksum: 0 } : {}) }
        return { ...link, net: { ...net, protocol: IpProtocol.Udp }, transport: udp, tunnel, ...surplus }
      })
  })

const portOf = (tunnel: TunnelHeader): number | undefined =>
  tunnel.kind === 'vxlan' ? UdpPort.Vxlan : tunnel.kind === 'geneve' ? UdpPort.Geneve : undefined

/**
 * Pads what is shorter than the shortest Ethernet frame, inside a tunnel too, as a virtual NIC's frames are; leaves four
 * bytes behind what a tunnel carries, as some captures keep of the frame's check sequence.
 */
const pad = (whole: Frame, wanted: boolean): Frame => {
  if (!wanted) return whole
  const [outermost, ...others] = whole.groups
  const frame: Frame = others.length === 0 ? whole : { ...whole, groups: [{ ...outermost, trailer: new Uint8Array(4) }, ...others] }
  const innermost = frame.groups.at(-1)!
  // opaque data have no end of their own, so padding would be payload
  if (innermost.net === undefined) return frame
  const missing = ETHERNET_MIN_FRAME - bytesOf({ groups: [innermost], payload: frame.payload }).length + VLAN_LENGTH * innermost.vlans.length
  if (missing <= 0) return frame
  const padded = { ...innermost, trailer: new Uint8Array(missing) }
  return { ...frame, groups: frame.groups.length === 1 ? [padded] : [frame.groups[0], ...frame.groups.slice(1, -1), padded] }
}
